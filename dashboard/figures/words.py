"""What stands along the time axis: the words of a trace as text that can be shown."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from dashboard.language import tr
from lstm_core.say import Said
from lstm_core.text import UNKNOWN, Token
from lstm_core.trace import Trace


@dataclass(frozen=True)
class Word:
    """A drawn word: ``text`` as typed, over steps ``first`` to ``last``; not ``known`` if any piece is ``<unk>``."""

    text: str
    first: int
    last: int
    known: bool


def visible(text: str) -> str:
    """``text`` with control characters and white space made visible, so that a label is never empty or broken; in
    words what stands for those that a model does not know."""
    if text == UNKNOWN:
        return tr("unknown word")
    return "".join(_visible(char) for char in text) or "\N{OPEN BOX}"


def _visible(char: str) -> str:
    code = ord(char)
    if code < 0x20 or code == 0x7F:
        return "^" + chr(code ^ 0x40)  # caret notation: ^A, ^[, ^?; the pictures for them are in few fonts
    if char.isspace():
        return "\N{OPEN BOX}"
    # C1 controls, bidirectional marks, zero-width characters and halves of surrogate pairs would hide or reorder text.
    hidden = 0x80 <= code < 0xA0 or 0x200B <= code <= 0x200F or 0x202A <= code <= 0x202E or 0x2060 <= code <= 0x206F
    return "\N{REPLACEMENT CHARACTER}" if hidden or code == 0xFEFF or 0xD800 <= code < 0xE000 else char


def named(trace: Trace, step: int) -> str:
    """What was read at a step, for a sentence: the text of its token, or "step 7" in a trace of numbers."""
    return visible(trace.tokens[step].text) if trace.tokens else tr("step {step}", step=step + 1)


def as_sentence(error: Exception, advice: str = "") -> str:
    """What the core says is wrong, as a sentence for the page, and what to do."""
    said = next((tr(part) for part in error.args if isinstance(part, Said)), str(error))
    said = said.rstrip(".\N{IDEOGRAPHIC FULL STOP}")
    return tr("{said}. {advice}", said=f"{said[:1].upper()}{said[1:]}", advice=advice).strip()


def words(trace: Trace) -> list[Word]:
    """The trace's tokens gathered into words; a trace of numbers gets its step numbers."""
    if not trace.tokens:
        return [Word(str(step + 1), step, step, True) for step in range(len(trace))]
    found = []
    numbered = enumerate(trace.tokens)
    for _, group in groupby(numbered, key=lambda item: item[1].word if item[1].word >= 0 else -1 - item[0]):
        steps, tokens = zip(*group, strict=True)
        found.append(Word(visible(_joined(tokens)), steps[0], steps[-1], all(token.known for token in tokens)))
    return found


def _joined(tokens: tuple[Token, ...]) -> str:
    """The text under the tokens; tokens that spell one character in bytes share its span and count once."""
    spans = dict.fromkeys((token.start, token.end) for token in tokens)
    texts = {(token.start, token.end): token.text for token in tokens}
    return "".join(texts[span] for span in spans)
