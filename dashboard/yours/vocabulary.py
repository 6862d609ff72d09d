"""A vocabulary that comes with a file: txt with one entry a line, JSON, or a tokenizer.json, as a ``Tokenizer``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from lstm_core.say import say
from lstm_core.text import UNKNOWN, Tokenizer

UNKNOWNS = (UNKNOWN, "<UNK>", "[UNK]", "<unknown>", "<oov>", "<OOV>", "[OOV]", "unk", "UNK")
"""What vocabularies call the entry for whatever else they do not hold."""


def read(data: bytes, rows: int) -> Tokenizer:
    """The vocabulary in a file, for an embedding of ``rows`` rows; a row without an entry is called "#17".

    A list is in the order of the rows; an object says the row of each entry. Where all entries are single characters
    a text is read by the character, else by words and punctuation; in lower case where no entry has a capital letter.
    Raises ValueError, in plain words, for a file that is none of these or has more entries than there are rows.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(say("a vocabulary is a text file in UTF-8: txt, JSON or a tokenizer.json")) from None
    if not text.strip():
        raise ValueError(say("the file is empty"))
    if not re.match(r"\s*(\{|\[(?![A-Za-z_]+\]\s*\n))", text):  # a list may begin with "[UNK]" or "[PAD]"
        return from_entries({entry: row for row, entry in _numbered(text.splitlines(), rows)}, rows)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(say("the file is no JSON: {error}", error=str(error))) from error
    if isinstance(content, list):
        return from_entries({str(entry): row for row, entry in _numbered(content, rows)}, rows)
    if isinstance(content.get("model"), dict):
        return from_tokenizer(text, rows)
    whole = all(isinstance(row, int) and not isinstance(row, bool) for row in content.values())
    if not whole and all(str(key).isdecimal() for key in content):
        content, whole = {str(entry): int(row) for row, entry in content.items()}, True  # by row, not by entry
    if not whole:
        raise ValueError(
            say('the JSON object is no vocabulary, {{"word": 0, ...}}: a value of it is not a whole number')
        )
    return from_entries(content, rows)


def from_entries(entries: Mapping[str, int], rows: int) -> Tokenizer:
    """A tokenizer of whole entries. Raises ValueError for rows that are not there or stand twice."""
    from tokenizers import Regex, models, normalizers, pre_tokenizers
    from tokenizers import Tokenizer as HuggingFaceTokenizer

    by_row = {row: entry for entry, row in entries.items()}
    wrong = [row for row in by_row if not 0 <= row < rows]
    if wrong:
        raise ValueError(
            say(
                "the vocabulary has an entry for row {row}; the embedding has {rows:,} (0 to {last})",
                row=wrong[0],
                rows=rows,
                last=rows - 1,
            )
        )
    if len(by_row) != len(entries):
        raise ValueError(say("two entries of the vocabulary have the same row"))
    full = dict(entries)
    for row in range(rows):
        if row not in by_row:
            full.setdefault(f"#{row}", row)
    unknown = next((name for name in UNKNOWNS if name in entries), UNKNOWN)
    full.setdefault(unknown, rows)  # one more than there are: what is read as it is left out
    tokenizer: Any = HuggingFaceTokenizer(models.WordLevel(full, unk_token=unknown))
    plain = [entry for entry in entries if not (len(entry) > 1 and entry[0] in "<[" and entry[-1] in ">]")]
    if not any(entry != entry.lower() for entry in plain):
        tokenizer.normalizer = normalizers.Lowercase()
    if all(len(entry) == 1 for entry in plain):
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return Tokenizer(tokenizer.to_str())


def from_tokenizer(text: str, rows: int) -> Tokenizer:
    """A tokenizer.json of the tokenizers library. Raises ValueError if it has more entries than there are rows."""
    from tokenizers import Tokenizer as HuggingFaceTokenizer

    Tokenizer(text)  # says what is wrong with one that is none
    tokenizer = HuggingFaceTokenizer.from_str(text)
    size = tokenizer.get_vocab_size()
    ids = tokenizer.get_vocab().values()
    if max(ids, default=0) >= rows:
        raise ValueError(
            say("the tokenizer has {size:,} entries; the embedding has {rows:,} rows", size=size, rows=rows)
        )
    tokenizer.add_tokens([f"#{row}" for row in range(size, rows)])
    return Tokenizer(tokenizer.to_str())


def _numbered(entries: list[Any], rows: int) -> list[tuple[int, Any]]:
    """Entries with their rows. A list with one entry twice, or with more than there are rows, is no vocabulary."""
    if len(entries) > rows:
        raise ValueError(
            say("the vocabulary has {size:,} entries; the embedding has {rows:,} rows", size=len(entries), rows=rows)
        )
    seen: dict[Any, int] = {}
    for row, entry in enumerate(entries):
        if not isinstance(entry, str):
            raise ValueError(say("entry {entry} of the vocabulary is no text", entry=row + 1))
        if entry in seen:
            raise ValueError(
                say(
                    "entries {first} and {second} of the vocabulary are the same: {entry!r}",
                    first=seen[entry] + 1,
                    second=row + 1,
                    entry=entry[:40],
                )
            )
        seen[entry] = row
    return list(enumerate(entries))
