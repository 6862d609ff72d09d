"""A tokenizer.json of the tokenizers library, of parts that take any text in time; and BERT's vocab.txt as one."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from lstm_core.files.vocabulary.listing import too_many
from lstm_core.say import say
from lstm_core.text import Tokenizer

PARTS = 16
"""Normalizers, pre-tokenizers and so on of a tokenizer."""
LONGEST_WORD = 1000
"""Characters of a word that WordPiece takes apart, in the square of their time."""
LONGEST_PIECE = 128
"""Characters of a piece of a Unigram model, which takes their number times the length of the text."""
LONGEST_PREFIX = 8

ALLOWED = {
    "normalizer": "NFC NFD NFKC NFKD Nmt Lowercase StripAccents BertNormalizer Strip Prepend Replace ByteLevel "
    "Sequence",
    "pre_tokenizer": "ByteLevel Whitespace WhitespaceSplit BertPreTokenizer Metaspace Punctuation Digits Split "
    "CharDelimiterSplit UnicodeScripts Sequence",
    "post_processor": "ByteLevel TemplateProcessing BertProcessing RobertaProcessing Sequence",
    "decoder": "ByteLevel WordPiece Metaspace BPEDecoder ByteFallback Fuse Strip Replace Sequence",
    "model": "WordLevel WordPiece BPE Unigram",
}
"""The parts that are read. Precompiled is a table of bytes that the library trusts."""
GPT4 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
PATTERNS = {
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",  # GPT-2
    GPT4,
    GPT4.replace("{1,3}", ""),  # Qwen
    *(r"\w+|[^\w\s]+", r"\s+", r"\s", r" {2,}", r"[0-9]", r"\d"),
}
"""Regular expressions that take time in proportion to the text: GPT-2's, GPT-4's and those after it, and plain ones. A
visitor's own may take for ever."""


PROBE = "a \N{SNOWMAN} \N{DEVANAGARI SIGN CANDRABINDU}1"
"""Read once, so that a tokenizer that fails at what it does not know is refused and not shown."""


def from_tokenizer(content: Mapping[str, Any], rows: int) -> Tokenizer:
    """The tokenizer in the JSON object of a tokenizer.json, for an embedding of ``rows`` rows.

    Raises ValueError for one with a part that is not read, by its name, or with more entries than there are rows.
    """
    from tokenizers import Tokenizer as HuggingFaceTokenizer

    check(content)
    content = {**content, "truncation": None, "padding": None}  # of batches: here they would cut or lengthen a text
    model = content["model"] = {**content["model"], "dropout": None}
    if isinstance(most := model.get("max_input_chars_per_word"), int):
        model["max_input_chars_per_word"] = min(most, LONGEST_WORD)
    text = json.dumps(content)
    Tokenizer(text)  # says what is wrong with one that is not a tokenizer
    ids = HuggingFaceTokenizer.from_str(text).get_vocab().values()
    if max(ids, default=0) >= rows:
        raise ValueError(too_many(max(ids) + 1, rows))
    unknown, vocabulary = model.get("unk_token"), model.get("vocab")
    if model.get("type") in ("WordLevel", "WordPiece") and isinstance(vocabulary, dict) and unknown not in vocabulary:
        model["vocab"] = {**vocabulary, unknown: rows}  # one more than there are: what is read as it is left out
        text, rows = json.dumps(content), rows + 1
    tokenizer = Tokenizer(text, rows)
    tokenizer.encode(PROBE)
    return tokenizer


def from_pieces(entries: Mapping[str, int], rows: int, unknown: str | None, fold: bool) -> Tokenizer:
    """BERT's WordPiece of a vocab.txt, whose pieces within a word begin with "##". fold: no entry has capitals."""
    from tokenizers import AddedToken, models, normalizers, pre_tokenizers
    from tokenizers import Tokenizer as HuggingFaceTokenizer

    vocabulary = dict(entries)
    unknown = unknown or "[UNK]"
    vocabulary.setdefault(unknown, rows)
    library: Any = HuggingFaceTokenizer(models.WordPiece(vocabulary, unk_token=unknown, max_input_chars_per_word=100))
    accents = any(unicodedata.combining(char) for entry in entries for char in unicodedata.normalize("NFD", entry))
    library.normalizer = normalizers.BertNormalizer(lowercase=fold, strip_accents=fold and not accents)
    library.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    marks = [entry for entry in entries if entry[0] == "[" and entry[-1] == "]" and len(entry) > 2]
    library.add_special_tokens([AddedToken(mark, normalized=False) for mark in marks])
    return Tokenizer(library.to_str(), max(rows, vocabulary[unknown] + 1))


def check(content: Mapping[str, Any]) -> None:
    """ValueError if a part of a tokenizer could take any time or memory, with its name."""
    count = 0
    for place in ALLOWED:
        parts = list(_parts(content.get(place)))
        count += len(parts)
        for part in parts:
            if wrong := _wrong(part, place):
                raise ValueError(
                    say(
                        "the tokenizer has a part that is not read here: {part}; give its vocabulary alone",
                        part=wrong,
                    )
                )
        if sum(part.get("type") == "ByteLevel" for part in parts) > 1:  # each doubles the text
            raise ValueError(say("the tokenizer has ByteLevel twice"))
    if count > PARTS:
        text = say("the tokenizer has {count} parts; {most} is the most that is read", count=count, most=PARTS)
        raise ValueError(text)
    vocabulary = content["model"].get("vocab")
    pairs = [piece for piece in vocabulary if isinstance(piece, list)] if isinstance(vocabulary, list) else []
    if any(len(str(piece)) > LONGEST_PIECE for pair in pairs for piece in pair):
        raise ValueError(
            say("a piece of the tokenizer is longer than {most} characters, the most that is read", most=LONGEST_PIECE)
        )


def _parts(part: Any) -> Iterator[Mapping[str, Any]]:
    """A part and those that it is a sequence of."""
    if part is None:
        return
    part = part if isinstance(part, dict) else {}
    yield part
    for name in ("normalizers", "pretokenizers", "processors", "decoders"):
        for inner in part[name] if isinstance(part.get(name), list) else ():
            yield from _parts(inner)


def _wrong(part: Mapping[str, Any], place: str) -> str:
    """What a part is called that is not read; empty for one that is."""
    kind, pattern = part.get("type"), part.get("pattern")
    if kind is None and place == "model":  # early versions of the library did not write it
        return ""
    if not isinstance(kind, str) or kind not in ALLOWED[place].split():
        return f"{place} {str(kind)[:40]}"
    if kind == "Prepend" and len(str(part.get("prepend"))) > LONGEST_PREFIX:
        return f"{place} {kind}"
    if kind not in ("Replace", "Split"):
        return ""
    pattern = pattern if isinstance(pattern, dict) else {}
    written, regex = pattern.get("String"), pattern.get("Regex")
    if regex is not None and regex not in PATTERNS:
        return f"{place} {kind}, {str(regex)[:40]!r}"
    # What is put in the place of a text must not be longer, or a few of them make any length of it.
    longest = len(written) if isinstance(written, str) else 1 if isinstance(regex, str) else 0
    if longest == 0 or kind == "Replace" and len(str(part.get("content"))) > longest:
        return f"{place} {kind}"
    return ""
