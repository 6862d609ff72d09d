"""The vocabulary of the general models: byte-pair pieces of English, one piece for each frequent Chinese character,
and the 256 bytes for everything else, so that every text can be written in it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from lab.general.rules import ruled
from lstm_core.text import BEGINS

SIZE = 8192
CHARACTERS = 2400
"""Chinese characters with a piece of their own: over 99 % of those in everyday text."""
RARE = 20
"""Another character has a piece of its own if the texts hold it so often."""
SPACE = "▁"
END = "\n"
"""The piece between paragraphs and between texts."""

_BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
_WORDS = (
    r"\p{Han}|'(?:s|t|re|ve|m|ll|d)(?!\p{L})|▁?[\p{L}\p{M}&&[^\p{Han}]]+|▁?\p{N}|\n"
    r"|▁?[^\p{L}\p{M}\p{N}▁\n]|▁"
)


def _empty(model: models.Model) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFC(),
            normalizers.Replace(Regex("[‘’]"), "'"),
            normalizers.Replace(Regex("[“”]"), '"'),
            # Half-width marks are as common in what people type as the full-width ones of the texts.
            *(
                normalizers.Replace(Regex(rf"(?<=[\p{{Han}}”\"》）]){half}"), full)
                for half, full in (
                    (",", "，"),
                    (r"\.(?![\w.])", "。"),
                    (r"\?", "？"),
                    ("!", "！"),
                    (":", "："),
                    (";", "；"),
                )
            ),
            normalizers.Replace(" ", SPACE),
            # The first word of a line is the same word as in the middle of one.
            normalizers.Replace(Regex("^(?=[!-~¡-ӿ])"), SPACE),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_WORDS), "isolated")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return tokenizer


def _alphabet(lines: Iterable[str]) -> list[str]:
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(line)
    han = [c for c, _ in counts.most_common() if _is_han(c)][:CHARACTERS]
    others = {c for c, n in counts.items() if n >= RARE and not _is_han(c)} | set(map(chr, range(0x21, 0x7F)))
    return [END, SPACE, *sorted(others - {" ", END, SPACE}), *sorted(han)]


def _is_han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff"


def begun(tokenizer: Tokenizer) -> str:
    """The JSON of the same pieces, ``END`` before every text, as every text that was trained on had it before it."""
    return ruled(tokenizer.to_str(), {"type": BEGINS, "with": END})


def build(english: Sequence[str], chinese: Sequence[str], size: int = SIZE) -> Tokenizer:
    """Pieces counted on these lines. The same lines give the same pieces."""
    alphabet = _alphabet([*english, *chinese])
    counter = _empty(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=max(size - len(_BYTES), len(alphabet)),
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    counter.train_from_iterator(english, trainer)
    learned = json.loads(counter.to_str())["model"]
    pieces = sorted(learned["vocab"], key=learned["vocab"].__getitem__)
    vocabulary = {piece: k for k, piece in enumerate([*_BYTES, *pieces])}
    merges = [tuple(merge) for merge in learned["merges"]]
    return _empty(models.BPE(vocabulary, merges, byte_fallback=True))
