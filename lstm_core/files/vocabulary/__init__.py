"""A vocabulary that comes with a network's file: what its entries are, and how they are found in a text.

It is a pure function of bytes; nothing in the file is run, and a pickle is not read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Literal

from lstm_core.files import texts
from lstm_core.files.vocabulary import lines, objects, pieces
from lstm_core.files.vocabulary.cutting import Rule
from lstm_core.files.vocabulary.decoding import decoded
from lstm_core.files.vocabulary.listing import STRIPPED, Listing, checked
from lstm_core.files.vocabulary.words import MARKED, Words, one_character
from lstm_core.say import Said, say
from lstm_core.text import Tokenizer

__all__ = ["By", "from_entries", "read"]

By = Literal["word", "character"]
UNKNOWN = re.compile(r"unk|oov|[<\[{_@$|*#]+(unk|oov|unknown|out[-_ ]of[-_ ]vocabulary)[>\]}_@$|*#/]+", re.IGNORECASE)
"""What vocabularies call the entry that is read for whatever they have none for."""
PIECES = 1 / 20
"""The part of the entries from which on their marks are those of pieces of words."""
FROM_KERAS = say(
    "the vocabulary is of Keras' TextVectorization with its usual settings, which take the signs out of a text: its "
    "first entries are empty and [UNK], and no other has a sign or a capital"
)
IN_PIECES = say(
    "entries of the vocabulary are pieces of words, and it does not say how words are taken apart: a text is read as "
    "it is written; a tokenizer.json says how"
)


def read(data: bytes, rows: int, by: By | None = None) -> Tokenizer:
    """The vocabulary in a file, for an embedding of ``rows`` rows; a row without an entry is called "#17".

    data: txt with an entry a line, or an entry and its row, its count or its vector (GloVe, fastText, fairseq's
    dict.txt); a table (CSV) or YAML mapping of entries and rows; a JSON list or object, or what frameworks write
    around one (Keras' ``Tokenizer.to_json()``, ``itos``, ``{"vocab": ...}``); BERT's vocab.txt, whose pieces begin
    with "##"; a tokenizer.json of the tokenizers library.
    by: whether a text is read by the word or by the character. None: by the character if each entry is one, but for
    marks such as <pad>. The result's ``by`` says which it is, None where the vocabulary has a way of its own; its
    ``assumed`` says what the file does not.

    Entries are matched as they are (``Words``). Raises ValueError, in plain words, for a file that is none of these or
    has more entries than there are rows.
    """
    text, assumed = decoded(data)
    if not text.strip():
        raise ValueError(say("the file is empty"))
    if not texts.looks_like_json(text):
        return _tokenizer(lines.read(text, rows), rows, by, assumed)
    content = objects.parsed(text, rows)
    if _is_tokenizer(content):
        return pieces.from_tokenizer(content, rows)
    return _tokenizer(objects.read(content, rows), rows, by, assumed)


def _is_tokenizer(content: Any) -> bool:
    model = content.get("model") if isinstance(content, dict) else None
    return isinstance(model, dict) and ("version" in content or "type" in model)


def from_entries(entries: Mapping[str, int], rows: int, by: By | None = None) -> Tokenizer:
    """The vocabulary of entries and their rows. Raises ValueError for rows that are not there or stand twice."""
    listed = ((place, entry, row) for place, (entry, row) in enumerate(entries.items(), 1))
    return _tokenizer(Listing(checked(listed, rows)), rows, by, ())


def _tokenizer(listing: Listing, rows: int, by: By | None, assumed: tuple[Said, ...]) -> Tokenizer:
    entries, rule, unknown = listing.entries, listing.rule, listing.unknown
    assumed = (*assumed, *listing.assumed)
    if not entries:
        raise ValueError(say("the vocabulary has no entries"))
    texts = [entry for entry in entries if not MARKED.fullmatch(entry)] or list(entries)
    one_case = all(entry == entry.lower() for entry in texts) or all(entry == entry.upper() for entry in texts)
    if unknown is None:
        unknown = min(filter(UNKNOWN.fullmatch, entries), key=entries.__getitem__, default="")
    if rule is None and by is None and _share(entries, r"##.+") >= PIECES:
        return pieces.from_pieces(entries, rows, unknown or None, one_case)
    if rule is None:
        rule = Rule("character" if all(map(one_character, texts)) else "word", fold=one_case)
        if listing.padded and not any(char in STRIPPED or "A" <= char <= "Z" for char in "".join(texts)):
            rule = Rule(rule.by, dropped=STRIPPED, whole=True, lowered="ascii")
            assumed = (*assumed, FROM_KERAS)
        elif _share(entries, r"[▁Ġ].+|.+(@@|</w>)") >= PIECES:
            assumed = (*assumed, IN_PIECES)
    return Words(entries, rows, replace(rule, by=by or rule.by), unknown or None, assumed)


def _share(entries: Collection[str], pattern: str) -> float:
    """The part of the entries that look like this."""
    return sum(bool(re.fullmatch(pattern, entry)) for entry in entries) / len(entries)
