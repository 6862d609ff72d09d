"""A vocabulary as JSON: a list, an object, or one of these inside what a framework writes around it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from lstm_core.files import limits, texts
from lstm_core.files.vocabulary.cutting import Rule
from lstm_core.files.vocabulary.listing import STRIPPED, Listing, checked, in_order, numbered, plain
from lstm_core.say import Said, say

CHARACTERS, A_ROW = 1 << 20, 1 << 10
"""Characters of a JSON file, and so many more for each row of the embedding: parsed, it takes many times the memory."""
NAMELESS = 1 / 2
"""The part of the embedding's rows from which on a list that is not called a vocabulary is taken for one."""
DEEPEST = 4
"""Objects around a vocabulary."""
MOST = 1000

ROW, ENTRY = "i|id|idx|ix|ind|index|int|indices", "s|w|c|t|word|token|tok|char|character|symbol|piece|vocab|string|str"
NAMED = re.compile(
    rf"(({ROW})s?(to)?({ENTRY})s?|({ENTRY})s?(to)?({ROW})s?|(vocab|vocabulary|word|token|char|character|symbol|entry|entries"
    r"|dictionary|alphabet)s?)(list|dict|map)?"
)
"""What a vocabulary is called, without "_" and "-" and in small letters: itos, token_to_idx, word2id, vocab, ..."""


def parsed(text: str, rows: int) -> Any:
    """The JSON value. Raises ValueError for what is not JSON, is too long, or has one name twice in an object."""
    most = CHARACTERS + A_ROW * rows
    if len(text) > most:
        raise ValueError(
            say(
                "the JSON file has {size:,} characters, more than the {most:,} that are read for {rows:,} rows",
                size=len(text),
                most=most,
                rows=rows,
            )
        )
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except Repeated as error:
        raise ValueError(say("the JSON object has the entry {entry!r} twice", entry=error.args[0][:40])) from None
    except (ValueError, RecursionError) as error:
        raise ValueError(say("the file is not valid JSON: {error}", error=str(error))) from None


class Repeated(Exception):
    """A name that an object has twice."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = set()
        raise Repeated(next(name for name, _ in pairs if name in names or names.add(name)))
    return content


def read(content: Any, rows: int) -> Listing:
    """The entries in a JSON value. Raises ValueError, in plain words, if it holds none or several that differ."""
    if isinstance(content, list):
        return _listed(content, rows)
    if not isinstance(content, dict):
        raise ValueError(say("the JSON value is neither a list of entries nor an object"))
    for reader in (_keras_tokenizer, _keras_layer):
        for inner in _objects(content):
            if (listing := reader(inner, rows)) is not None:
                return listing
    if _is_vocabulary(content):
        if (what := texts.beside(content)) is not None:
            raise ValueError(_wordless(what))
        return _mapped(content, rows)
    return read(_found(content, rows), rows)


def _listed(content: list[Any], rows: int) -> Listing:
    if content and all(isinstance(entry, int | float) for entry in content):
        raise ValueError(say("this is a list of numbers, not of words"))
    if content and all(isinstance(entry, dict) for entry in content):
        raise ValueError(say("this is a list of objects, not of words"))
    pairs = [entry for entry in content if isinstance(entry, list) and len(entry) == 2 and _is_row(entry[1])]
    if content and len(pairs) == len(content):  # [["the", 1000], ...]
        entries, assumed = numbered([word for word, _ in pairs], [number for _, number in pairs], rows)
        return Listing(entries, assumed=assumed)
    return plain(content, rows)


def _mapped(content: dict[str, Any], rows: int) -> Listing:
    by_row = not all(map(_is_row, content.values()))
    listed = [(int(row), entry) for row, entry in content.items()] if by_row else [(r, e) for e, r in content.items()]
    return Listing(checked(((place, entry, row) for place, (row, entry) in enumerate(listed, 1)), rows))


def _is_row(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_vocabulary(value: Any) -> bool:
    """Whether a JSON value is {entry: row}, {row: entry} or [entry, ...]."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(entry, str) for entry in value)
    if not isinstance(value, dict) or not value:
        return False
    if all(map(_is_row, value.values())):
        return True
    by_row = all(re.fullmatch("[0-9]{1,9}", key) for key in value)
    return by_row and all(isinstance(entry, str) for entry in value.values())


def _objects(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An object and those inside it, from the outside in; what frameworks write has few."""
    return islice(_around(content), MOST)


def _around(content: dict[str, Any], depth: int = 0) -> Iterator[dict[str, Any]]:
    yield content
    for value in content.values():
        if isinstance(value, dict) and depth < DEEPEST and not _is_vocabulary(value):
            yield from _around(value, depth + 1)


def _found(content: dict[str, Any], rows: int) -> Any:
    """The vocabulary inside an object: what is called so, else the only thing that is one."""
    candidates: dict[str, Any] = {}
    called: dict[str, Any] = {}
    for inner in _objects(content):
        for name, value in inner.items():
            value = _unfolded(value)
            if _is_vocabulary(value):
                candidates.setdefault(name, value)
                if NAMED.fullmatch(re.sub(r"[\W_]", "", name).lower().replace("2", "to")):
                    called.setdefault(name, value)
        if called:
            break  # what is further inside belongs to something else
    whole = any(len(one) == rows for one in candidates.values())  # of a configuration that lists its words, too
    if not called and not whole and (what := texts.beside(content)) is not None:
        raise ValueError(_wordless(what))
    candidates = called or candidates
    if not candidates:
        raise ValueError(
            say('the JSON object is not a vocabulary, {{"word": 0, ...}}: a value of it is not a whole number')
        )
    if not called and len(candidates) > 1:
        raise ValueError(
            say(
                "the JSON object holds several lists: {names}; save the vocabulary alone",
                names=limits.some(candidates),
            )
        )
    if not called and (most := max(map(len, candidates.values()))) < NAMELESS * rows:
        raise ValueError(
            say(
                "nothing in the JSON object is called a vocabulary (vocab, itos, word_index), and {name} would name "
                "{count:,} of the embedding's {rows:,} rows; save the vocabulary alone",
                name=limits.shown(next(iter(candidates))),
                count=most,
                rows=rows,
            )
        )
    return max(candidates.values(), key=lambda value: (len(value) == rows, len(value)))


def _wordless(what: Said) -> Said:
    return say("this is {what}, without any words; give the vocabulary itself (vocab.txt, tokenizer.json)", what=what)


def _unfolded(value: Any) -> Any:
    """JSON inside a JSON string, as Keras writes it."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _keras_tokenizer(content: dict[str, Any], rows: int) -> Listing | None:
    """The config of ``keras.preprocessing.text.Tokenizer``, which says how it reads. Its rows begin with 1."""
    index = _unfolded(content.get("word_index"))
    if not _is_vocabulary(index) or not isinstance(index, dict) or "num_words" not in content:
        return None
    if not all(map(_is_row, index.values())):
        return None
    most, unknown = content["num_words"], content.get("oov_token")
    if _is_row(most):
        index = {entry: row for entry, row in index.items() if row < most}
    split, by = content.get("split"), "character" if content.get("char_level") else "word"
    spaces = f"{content.get('filters') or ''}{split if isinstance(split, str) else ''}" if by == "word" else ""
    rule = Rule(by, spaces=spaces, whole=True, lowered="all" if content.get("lower", True) else "")
    told = unknown if isinstance(unknown, str) and unknown in index else ""
    return Listing(_mapped(index, rows).entries, rule, told)


def _keras_layer(content: dict[str, Any], rows: int) -> Listing | None:
    """The config of ``keras.layers.TextVectorization`` or ``StringLookup``, without the entries that it adds itself."""
    config = content.get("config")
    if not isinstance(config, dict) or content.get("class_name") not in ("TextVectorization", "StringLookup"):
        return None
    words, unknown, mask = config.get("vocabulary"), config.get("oov_token", "[UNK]"), config.get("mask_token", "")
    if not isinstance(words, list) or not isinstance(unknown, str) or config.get("num_oov_indices", 1) != 1:
        return None
    added = [unknown] if mask is None else [mask, unknown]
    rule, way = None, str(config.get("standardize"))
    if content["class_name"] == "TextVectorization":
        by = "character" if config.get("split") == "character" else "word"
        dropped, lowered = STRIPPED if "strip" in way else "", "ascii" if "lower" in way else ""
        rule = Rule(by, dropped=dropped, whole=True, lowered=lowered)
    entries = in_order(words if words[: len(added)] == added else [*added, *words], rows)
    return Listing(entries, rule, unknown)
