"""Files that came with a model in one upload and are no part of it: one may be its vocabulary.

Who gives a file as a vocabulary says what it is; of one that comes along that is found out, and of what is of no use it
is said.
"""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.yours import given
from dashboard.yours.upload import Upload
from lstm_core import Tokenizer
from lstm_core.files.limits import reason, shown
from lstm_core.files.vocabulary.words import Words
from lstm_core.say import Said, say

NAMED = 1 / 2
"""The part of an embedding's rows that a vocabulary names at least: almost any text could be a list of a few words, and
a tokenizer alone says what it is."""

MODEL = say("it is a model by itself, and one is read at a time")
NUMBERS = say("it holds numbers; what the model is to read is given as “{choice}”", choice=say("a file of numbers"))
THE_SENTENCE = say("the sentence")
NO_WORDS = say("the model has no embedding for words, so it takes no vocabulary")


def sorted_out(upload: Upload, files: Mapping[str, bytes]) -> tuple[Tokenizer | None, list[Said]]:
    """The vocabulary among ``files``, and of each of the others that it is not used, and why.

    Of several vocabularies the one that says how texts are taken apart (a tokenizer.json) is taken, or else the one
    that names most rows.
    """
    found: dict[str, Tokenizer] = {}
    why: dict[str, str] = {}
    for file, data in files.items():
        try:
            found[file] = _vocabulary(upload, file, data)
        except ValueError as error:
            why[file] = reason(error)
    taken = min(found, key=lambda file: _rank(found[file]), default=None)
    other = say("{other} is taken as the vocabulary", other=shown(taken or ""))
    why |= {file: other for file in found if file != taken}
    said = [say("{file} is not used: {why}.", file=shown(file), why=why[file]) for file in files if file in why]
    return found.get(taken or ""), said


def _rank(words: Tokenizer) -> tuple[bool, int, int]:
    """Of the vocabulary that is taken it is the lowest."""
    entries = len(words.entries) if isinstance(words, Words) else 0
    return isinstance(words, Words), -entries, len(words.assumed)


def _vocabulary(upload: Upload, file: str, data: bytes) -> Tokenizer:
    """The vocabulary that a file may well be. Raises ValueError for any other file, and ``Busy``."""
    kind = given.kind(file, data, upload.first().input_size, upload.longest)
    if kind:
        raise ValueError(MODEL if kind == "model" else NUMBERS)
    if not upload.embedding:
        raise ValueError(NO_WORDS)
    words, rows = given.words(file, data, upload.rows()), upload.rows()
    if isinstance(words, Words) and len(words.entries) < NAMED * rows:
        raise ValueError(
            say(
                "as a vocabulary it would name {count:,} of the embedding's {rows:,} rows; if it is the vocabulary, "
                "give it by itself under “{choice}”",
                count=len(words.entries),
                rows=rows,
                choice=THE_SENTENCE,
            )
        )
    return words
