"""What stands along the time axis: the words of a trace as text that can be shown."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from weakref import WeakKeyDictionary

from lstm_core.say import Said, tr
from lstm_core.text import BYTE_LETTERS, SPACES, UNKNOWN, Token, Tokenizer
from lstm_core.trace import Trace

BYTE = "<byte>"
"""Stands among the next words for the bytes of characters that a vocabulary does not have."""


@dataclass(frozen=True)
class Word:
    """A drawn word: ``text`` as typed, over steps ``first`` to ``last``; not ``known`` if any piece is ``<unk>``."""

    text: str
    first: int
    last: int
    known: bool


def visible(text: str) -> str:
    """``text`` with control characters and white space made visible, so that a label is never empty or broken; in
    words what stands for those that a model does not know, and for bytes of a character."""
    if text == UNKNOWN:
        return tr("unknown word")
    if text == BYTE:
        return tr("rare character")
    if text.isprintable() and " " not in text:  # as nearly all are, and there are thousands
        return text or "\N{OPEN BOX}"
    return "".join(_visible(char) for char in text) or "\N{OPEN BOX}"


def _visible(char: str) -> str:
    code = ord(char)
    if char == "\n":
        return "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}"  # general models expect one after a sentence
    if code < 0x20 or code == 0x7F:
        return "^" + chr(code ^ 0x40)  # caret notation: ^A, ^[, ^?; the pictures for them are in few fonts
    if char.isspace():
        return "\N{OPEN BOX}"
    # C1 controls, bidirectional marks, zero-width characters and halves of surrogate pairs would hide or reorder text.
    hidden = 0x80 <= code < 0xA0 or 0x200B <= code <= 0x200F or 0x202A <= code <= 0x202E or 0x2060 <= code <= 0x206F
    return "\N{REPLACEMENT CHARACTER}" if hidden or code == 0xFEFF or 0xD800 <= code < 0xE000 else char


def named(trace: Trace, step: int) -> str:
    """What was read at a step, for a sentence: the piece of the text, or "step 7" in a trace of numbers."""
    return piece(trace.tokens, step) if trace.tokens else tr("step {step}", step=step + 1)


def places(first: Trace, other: Trace) -> list[float]:
    """Where the steps of ``other`` stand along those of ``first``: by how far into the text each has read. What is read
    before the first word of ``first`` stands at -1; pieces of a word that ``first`` reads in one step, close together
    before it. Where one of them reads no text, a step stands at its number."""
    if other is first or not first.tokens or not other.tokens:
        return list(range(len(other)))
    start, ends = first.tokens[0].start, [token.end for token in first.tokens]

    def reached(token: Token) -> int:
        return -1 if token.end <= start and token.end < ends[0] else bisect_left(ends, token.end)

    found: list[float] = []
    for step, same in groupby(map(reached, other.tokens)):
        count = len(list(same))
        if step < 0:
            found += range(-count, 0)
        elif step == len(ends):
            found += range(step, step + count)
        else:
            last = bisect_right(ends, ends[step]) - 1  # a character in bytes ends at the last of them
            room = last - step + 1
            apart = 1 if count == room else (room - 0.5) / count
            found += [last - apart * k for k in reversed(range(count))]
    return found


UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Letters of what is written without spaces: Thai, Lao, Burmese, Khmer, Japanese and Chinese."""


def _continuing(text: str) -> str:
    """A piece that goes on with a word, with a hyphen in front; not so a digit, which would be below zero, and signs
    and characters that stand close to the word before in any case."""
    return f"-{text}" if text[:1].isalpha() and not UNSPACED.match(text) else text


def piece(tokens: Sequence[Token], step: int, tokenizer: Tokenizer | None = None) -> str:
    """What was read at a step: the text of its token, or what ``tokenizer`` has in its place; "y-" where a word begins
    that goes on, "-ard" where it goes on; of a character that was read in bytes how many, or at first which of them."""
    token = tokens[step]
    first, last = spelled(tokens, step)
    if first < last:
        count = last - first + 1
        if tokenizer is not None:
            return tr("{count} bytes", count=count)
        said = {"char": visible(token.text), "at": step - first + 1, "count": count}
        return tr("{char}, byte {at} of {count}", **said)
    text = visible(bare(tokenizer, token.id) if tokenizer is not None else token.text)
    text = _continuing(text) if step and _goes_on(tokens[step - 1], token) else text
    after = tokens[step + 1] if step + 1 < len(tokens) else None
    return f"{text}-" if after and _goes_on(token, after) and _spells(token, after) else text


def _goes_on(before: Token, token: Token) -> bool:
    """Whether a token goes on with the word of the one before it."""
    return token.word >= 0 and before.word == token.word and not before.text.isspace()


def _spells(*tokens: Token) -> bool:
    """Whether tokens are letters of a word that is written with spaces around it."""
    return all(token.text[:1].isalpha() and not UNSPACED.match(token.text) for token in tokens)


def spelled(tokens: Sequence[Token], step: int) -> tuple[int, int]:
    """The first and the last step of the character that is read in bytes at ``step``; the step itself elsewhere."""
    first = last = step
    if in_bytes(tokens[step]):
        same = (tokens[step].start, tokens[step].end)
        while first > 0 and (tokens[first - 1].start, tokens[first - 1].end) == same:
            first -= 1
        while last + 1 < len(tokens) and (tokens[last + 1].start, tokens[last + 1].end) == same:
            last += 1
    return first, last


def in_bytes(token: Token) -> bool:
    """Whether the piece is a byte of a character, or some: "<0xF0>", or letters that stand for bytes from 0x80 on."""
    if token.piece.isascii() and "<0x" not in token.piece:  # as nearly all are
        return False
    spelled = token.piece.removeprefix("##").lstrip("".join(SPACES))
    other = spelled.lower() != token.text.lower()  # the vocabulary's own case says nothing
    letters = not spelled.isascii() and BYTE_LETTERS.keys() >= set(spelled)
    return bool(re.fullmatch("<0x[89A-F][0-9A-F]>", spelled)) or (letters and other)


def bare(tokenizer: Tokenizer, id: int) -> str:
    """A word of the vocabulary without the space before it."""
    return tokenizer.display(id).strip("".join(SPACES)) or " "


def next_word(tokenizer: Tokenizer, id: int) -> str:
    """What the word ``id`` of the vocabulary is called where it is the next one, for ``visible``: "-ard" if it goes on
    with a word, ``BYTE`` if it is a part of a character."""
    spelled, text = tokenizer.pieces[id], tokenizer.display(id)
    if text != spelled and BYTES.fullmatch(text):
        return BYTE
    return _continuing(bare(tokenizer, id)) if continues(tokenizer, id) else bare(tokenizer, id)


def continues(tokenizer: Tokenizer, id: int) -> bool:
    """Whether the piece goes on with a word that has begun before it."""
    spelled = tokenizer.pieces[id]
    return spelled.startswith("##") or (tokenizer.marks_words and not spelled.startswith(SPACES))


BYTES = re.compile("0x[0-9A-F]{2}( 0x[0-9A-F]{2})*")
"""How ``Tokenizer.display`` shows what is not a whole character."""


def as_sentence(error: Exception, advice: str = "") -> str:
    """What the core says is wrong, as a sentence for the page, and what to do."""
    said = next((tr(part) for part in error.args if isinstance(part, Said)), str(error))
    said = said.rstrip(".\N{IDEOGRAPHIC FULL STOP}")
    return tr("{said}. {advice}", said=f"{said[:1].upper()}{said[1:]}", advice=advice).strip()


def words(trace: Trace) -> list[Word]:
    """The trace's tokens gathered into words; a trace of numbers gets its step numbers."""
    if not trace.tokens:
        return [Word(str(step + 1), step, step, True) for step in range(len(trace))]
    if trace not in _gathered:
        _gathered[trace] = list(_gather(trace.tokens))
    return [Word(visible(text), first, last, known) for text, first, last, known in _gathered[trace]]


_gathered: WeakKeyDictionary[Trace, list[tuple[str, int, int, bool]]] = WeakKeyDictionary()
"""As it was typed: what it is called where it is not a word depends on the language."""


def _gather(tokens: Sequence[Token]) -> Iterator[tuple[str, int, int, bool]]:
    for _, group in groupby(enumerate(tokens), key=lambda item: item[1].word if item[1].word >= 0 else -1 - item[0]):
        steps, own = zip(*group, strict=True)
        text = _joined(own)
        yield text.strip(" ") or text, steps[0], steps[-1], all(token.known for token in own)


def _joined(tokens: tuple[Token, ...]) -> str:
    """The text under the tokens; tokens that spell one character in bytes share its span and count once."""
    spans = dict.fromkeys((token.start, token.end) for token in tokens)
    texts = {(token.start, token.end): token.text for token in tokens}
    return "".join(texts[span] for span in spans)
