"""What a vocabulary's file lists: the row of each entry, checked against the embedding that it is for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lstm_core.files.vocabulary.cutting import Rule
from lstm_core.say import Said, say

LONGEST = 1000
"""Characters of an entry."""

STRIPPED = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'"
"""What Keras' TextVectorization takes out of a text unless it is told otherwise."""
IN_ORDER = say("the numbers in the vocabulary's file are not rows: its entries have the rows 0, 1, 2 and so on")


@dataclass(frozen=True)
class Listing:
    """entries: the row of each. rule: how the network's reader cuts a text, if the file says so. unknown: the entry
    that it reads for what has none, if the file says so; "" if it reads nothing then. assumed: what the file does not
    say. padded: whether the first two are "" and [UNK], as in a list of Keras' TextVectorization."""

    entries: dict[str, int]
    rule: Rule | None = None
    unknown: str | None = None
    padded: bool = False
    assumed: tuple[Said, ...] = ()


def checked(listed: Iterable[tuple[int, Any, int]], rows: int, lines: bool = False) -> dict[str, int]:
    """{entry: row} of (place in the file, entry, row). An empty entry stands for no text, so its row has none.

    lines: whether the places are lines. Raises ValueError for an entry that is not text or stands twice, and for a row
    that is not there or stands twice.
    """
    places: dict[str, int] = {}
    entries: dict[str, int] = {}
    names: dict[int, str] = {}
    for place, entry, row in listed:
        if not isinstance(entry, str) or re.search("[\ud800-\udfff]", entry):
            raise ValueError(say("entry {entry} of the vocabulary is not text", entry=place))
        if len(entry) > LONGEST:
            raise ValueError(
                say(
                    "entry {entry} of the vocabulary has {length:,} characters; {most:,} is the most that is read",
                    entry=place,
                    length=len(entry),
                    most=LONGEST,
                )
            )
        if not 0 <= row < rows:
            raise ValueError(
                say(
                    "the vocabulary has an entry for row {row}; the embedding has {rows:,} (0 to {last})",
                    row=row,
                    rows=rows,
                    last=rows - 1,
                )
            )
        if not entry:
            continue
        if entry in entries:
            both = {"first": places[entry], "second": place, "entry": entry[:40]}
            if lines:
                raise ValueError(say("lines {first} and {second} of the vocabulary are the same: {entry!r}", **both))
            raise ValueError(say("entries {first} and {second} of the vocabulary are the same: {entry!r}", **both))
        if row in names:
            raise ValueError(
                say(
                    "two entries of the vocabulary have the same row, {row}: {first!r} and {second!r}",
                    row=row,
                    first=names[row][:40],
                    second=entry[:40],
                )
            )
        places[entry], entries[entry], names[row] = place, row, entry
    return entries


def in_order(entries: Sequence[Any], rows: int, places: Sequence[int] | None = None, first: int = 0) -> dict[str, int]:
    """Entries that stand in the order of the rows from ``first`` on. places: their lines, if the file has lines."""
    if first + len(entries) > rows:
        raise ValueError(too_many(first + len(entries), rows))
    listed = zip(places or range(1, len(entries) + 1), entries, range(first, first + len(entries)), strict=True)
    return checked(listed, rows, lines=places is not None)


def plain(entries: Sequence[Any], rows: int, places: Sequence[int] | None = None) -> Listing:
    """The listing of entries that stand in the order of the rows, with nothing beside them."""
    return Listing(in_order(entries, rows, places), padded=entries[:2] == ["", "[UNK]"])


def too_many(size: int, rows: int) -> Said:
    """Why a vocabulary of more entries than the embedding has rows is refused."""
    return say("the vocabulary has {size:,} entries; the embedding has {rows:,} rows", size=size, rows=rows)


def are_rows(numbers: Sequence[int], rows: int) -> bool:
    """Whether the numbers beside the entries are their rows and not counts.

    They are if they are 0 to n - 1 in any order, or rise from 0 or 1 and stay below ``rows``. Counts fall as a rule.
    """
    if sorted(numbers) == list(range(len(numbers))):
        return True
    rising = all(first < second for first, second in zip(numbers, numbers[1:], strict=False))
    return rising and numbers[0] in (0, 1) and numbers[-1] < rows


def numbered(
    words: Sequence[Any], numbers: Sequence[int], rows: int, places: Sequence[int] | None = None
) -> tuple[dict[str, int], tuple[Said, ...]]:
    """Entries with a number beside each, their row or a count, and what is assumed if they are counts."""
    if not are_rows(numbers, rows):
        return in_order(words, rows, places), (IN_ORDER,)
    if len(words) > rows:
        raise ValueError(too_many(len(words), rows))
    listed = zip(places or range(1, len(words) + 1), words, numbers, strict=True)
    return checked(listed, rows, lines=places is not None), ()
