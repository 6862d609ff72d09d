"""A vocabulary as lines: an entry a line, or an entry and numbers: its row, its count or its vector."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

from lstm_core.files.vocabulary.listing import IN_ORDER, Listing, are_rows, in_order, numbered, plain, too_many
from lstm_core.files.vocabulary.words import MARKED, one_character
from lstm_core.say import say

NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?(nan|inf)")
WHOLE = re.compile(r"[0-9]{1,15}")
SAMPLE = 20
"""Lines by which the number of columns is told; it is then checked on all of them."""
FAIRSEQ = ("<s>", "<pad>", "</s>", "<unk>")
"""What fairseq's Dictionary holds before the entries of its dict.txt."""

SEPARATED = re.compile(r"(?P<word>.*\S)(?P<separator>,|: )(?P<row>[0-9]{1,15})|(?P<first>[0-9]{1,15}),(?P<after>.*\S)")
"""A line of a CSV table of entries and rows, as pandas writes it, or of a YAML mapping, as Marian and Nematus do."""

FROM_FAIRSEQ = say(
    "the vocabulary is a dict.txt of fairseq, for the embedding has four rows more than it has lines: <s>, <pad>, </s> "
    "and <unk> come first"
)

Line = tuple[int, str]
"""Its number in the file, from 1, and its text."""


def read(text: str, rows: int) -> Listing:
    """The entries of a text file. A line ends with \\n, \\r\\n or \\r alone: other separators may be entries.

    Raises ValueError as ``listing.checked`` does, and for more lines than the embedding has rows.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")
    if text.count("\n") > rows + SAMPLE:  # before they take memory
        raise ValueError(too_many(text.count("\n") + 1, rows))
    lines = list(enumerate(text.split("\n"), 1))
    while len(lines) > rows and not lines[-1][1]:
        lines.pop()
    return _table(lines, rows) or _columns(lines, rows) or _plain(lines, rows)


def _plain(lines: list[Line], rows: int) -> Listing:
    """An entry a line. Blanks around it are not part of it, unless it is nothing else."""
    entries = [(number, line.strip(" \t") or line) for number, line in lines]
    empty = [at for at, (_, entry) in enumerate(entries) if not entry]
    characters = all(one_character(entry) or MARKED.fullmatch(entry) for _, entry in entries)
    if characters and len(empty) == 2 and empty[1] == empty[0] + 1:
        entries[empty[0] : empty[1] + 1] = [(entries[empty[0]][0], "\n")]  # the line feed, among other characters
    return plain([entry for _, entry in entries], rows, [number for number, _ in entries])


def _table(lines: list[Line], rows: int) -> Listing | None:
    """Entries with their rows, after a comma or a colon; None unless the numbers are rows beyond doubt. The first line
    may name the columns."""
    lines = [(number, line.strip()) for number, line in lines if line.strip()]
    for full in (lines, lines[1:] if lines and "," in lines[0][1] else []):
        parts = [SEPARATED.fullmatch(re.sub(r'"([0-9]+)"', r"\1", line)) for _, line in full]
        found = [part for part in parts if part is not None]
        if len(found) < 2 or len(found) < len(parts) or len({(p["separator"], p["row"] is None) for p in found}) > 1:
            continue
        values = [int(part["row"] or part["first"]) for part in found]
        if are_rows(values, rows):
            words = [_unquoted(part["word"] or part["after"]) for part in found]
            entries, assumed = numbered(words, values, rows, [number for number, _ in full])
            return Listing(entries, assumed=assumed)
    return None


def _unquoted(entry: str) -> str:
    """An entry without the quotes that a table puts round it; a quote within is written twice, or after a backslash."""
    quote = entry[0]
    if len(entry) < 3 or quote not in "\"'" or entry[-1] != quote:
        return entry
    return entry[1:-1].replace(2 * quote, quote).replace(f"\\{quote}", quote)


def _columns(lines: list[Line], rows: int) -> Listing | None:
    """Entries with numbers before or after them in every line; None if there are none in one."""
    lines = [(number, line.removesuffix(" #fairseq:overwrite")) for number, line in lines if line.strip()]
    header = re.fullmatch(r"([0-9]{1,9}) ([0-9]{1,9})\s*", lines[0][1]) if len(lines) > 1 else None
    if header and int(header[2]) > 1 and _after(lines[1][1], None) >= int(header[2]):
        lines = lines[1:]  # word2vec's and fastText's: how many words, and of what width
    return _parted(lines, rows) or (_parted(lines[1:], rows) if len(lines) > 2 and "\t" in lines[0][1] else None)


def _parted(lines: list[Line], rows: int) -> Listing | None:
    bare = [line for line in lines if MARKED.fullmatch(line[1].strip())]  # marks may stand first, without a number
    full = lines[len(bare) :]
    if not full or lines[: len(bare)] != bare:
        return None
    separator = "\t" if all("\t" in line for _, line in full) else None
    width = min(_after(line, separator) for _, line in full[:SAMPLE])
    parts = [line.rstrip().rsplit(separator, width) for _, line in full] if width else []
    if parts and all(len(part) == width + 1 and all(map(NUMBER.fullmatch, part[1::width])) for part in parts):
        words, numbers = [part[0] for part in parts], [part[-1] for part in parts]
        leading = [word.split("\t", 1) for word in words]
        if all(len(part) == 2 and WHOLE.fullmatch(part[0]) for part in leading):  # row, entry, count
            words, numbers, width = [part[1] for part in leading], [part[0] for part in leading], 1
    else:
        parts = [line.lstrip().split(separator, 1) for _, line in full]
        if not all(len(part) == 2 and WHOLE.fullmatch(part[0]) for part in parts):
            return None
        words, numbers, width = [part[1] for part in parts], [part[0] for part in parts], 1
    places = [number for number, _ in (*bare, *full)]
    whole = width <= 2 and all(map(WHOLE.fullmatch, numbers))
    if bare or not whole:
        return Listing(in_order([*(line.strip() for _, line in bare), *words], rows, places), assumed=(IN_ORDER,))
    values = [int(number) for number in numbers]
    if _is_fairseq(words, values, rows, separator):
        entries = in_order(words, rows, places, first=len(FAIRSEQ))
        return Listing({**dict(zip(FAIRSEQ, range(4), strict=True)), **entries}, assumed=(FROM_FAIRSEQ,))
    entries, assumed = numbered(words, values, rows, places)
    return Listing(entries, assumed=assumed)


def _after(line: str, separator: str | None) -> int:
    """How many numbers stand at the end of a line, after its entry."""
    parts = line.rstrip().split(separator)
    numbers = takewhile(NUMBER.fullmatch, reversed(parts[1:]))
    return sum(1 for _ in numbers)


def _is_fairseq(words: Sequence[str], counts: Sequence[int], rows: int, separator: str | None) -> bool:
    """Whether a dict.txt of fairseq is all that fits: counts after a space, no marks, and four rows to spare."""
    spare = rows - len(words)
    return spare == len(FAIRSEQ) and separator is None and not are_rows(counts, rows) and not set(FAIRSEQ) & set(words)
