"""What a block reads that has no words: a CSV or NPY file of shape (time, input), or a probe signal.

Whatever is wrong with a file is a ValueError in plain words; none is read further than it is needed: one of any size
costs what is shown of it.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from itertools import chain

import numpy as np

from dashboard.language import mark
from lstm_core.say import say

MISSING = ("", "na", "n/a", "<na>", "null", "none", "nil", "-", "?", ".")
"""What stands in a table, in small letters, where there is no number."""
PROBES = {
    "sine": mark("sine: four periods"),
    "impulse": mark("impulse: 1 at one step, else 0"),
    "step": mark("step: 0, then 1"),
    "noise": mark("noise: N(0, 1), new in every input at every step"),
}

LINE = 100_000
"""Characters of a line, and 40 more for each number in it."""
BLANK = 100_000
"""Blank lines among those that are read."""
CHUNK = 1 << 20
DECIMAL = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
"""A number with a decimal comma."""
ENDS = bytes.maketrans(b"\r", b"\n")


def probe(kind: str, steps: int, width: int, seed: int = 0) -> np.ndarray:
    """(steps, width) float32. One course over time, in each input with a weight drawn from N(0, 1) by ``seed`` (a
    single input has the weight 1); noise is drawn anew for every input and step. Impulse and step come at a quarter."""
    rng = np.random.default_rng(seed)
    if kind == "noise":
        return rng.standard_normal((steps, width)).astype(np.float32)
    at = np.arange(steps)
    course = {
        "sine": np.sin(8 * np.pi * at / max(1, steps)),
        "impulse": at == steps // 4,
        "step": at >= steps // 4,
    }[kind]
    weights = np.ones(1) if width == 1 else rng.standard_normal(width)
    return (course[:, None] * weights).astype(np.float32)


def read(data: bytes, width: int, limit: int) -> tuple[np.ndarray, int]:
    """The first ``limit`` steps of a CSV or NPY file, (time, width) float32, and how many there are in it."""
    if not data:
        raise ValueError(say("the file is empty"))
    values, found = _npy(data, width, limit) if data.startswith(b"\x93NUMPY") else _csv(data, width, limit)
    with np.errstate(over="ignore"):
        values = values.astype(np.float32)
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        raise ValueError(
            say("step {step}, input {input} is not a finite number", step=bad[0][0] + 1, input=bad[0][1] + 1)
        )
    return values, found


def _npy(data: bytes, width: int, limit: int) -> tuple[np.ndarray, int]:
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, by_column, dtype = header(file)
    except KeyError:
        raise ValueError(
            say("the NPY file is of a version that is not read; numpy.save(file, array) makes one")
        ) from None
    except Exception as error:  # its header is a Python literal, and each way of being none has its own exception
        raise ValueError(say("the NPY file's header is damaged")) from error
    if dtype.hasobject:
        raise ValueError(say("the NPY file holds Python objects, which could be code; save an array of numbers"))
    if dtype.kind not in "fiub" or dtype.itemsize > 8:
        raise ValueError(say("the NPY file holds {kind}, not real numbers", kind=dtype))
    if len(shape) == 1 and width == 1:
        shape = (*shape, 1)
    if len(shape) != 2 or shape[1] != width or shape[0] < 1:
        raise ValueError(say("the array has the shape {shape}; (time, {width}) is needed", shape=shape, width=width))
    here = len(data) - file.tell()
    if math.prod(shape) * dtype.itemsize > here:
        raise ValueError(
            say(
                "the NPY file claims {claimed:,} bytes and holds {here:,}: it was cut short",
                claimed=math.prod(shape) * dtype.itemsize,
                here=here,
            )
        )
    values = np.frombuffer(data, dtype, math.prod(shape), file.tell())
    return values.reshape(shape, order="F" if by_column else "C")[:limit].astype(np.float64), shape[0]


def _csv(data: bytes, width: int, limit: int) -> tuple[np.ndarray, int]:
    """Line by line as far as it is shown; of the rest the lines are counted."""
    lines = _lines(data, LINE + 40 * width)
    first = next(lines, (0, ""))
    mark = _mark(first[1], width)
    titles = _are_titles(_cells(first[1], mark))
    rows = []
    for number, line in lines if titles else chain([first], lines):
        columns = line.count(mark) + 1
        if columns != width:
            raise ValueError(
                say(
                    "line {line} has {columns} columns; the block reads {width} numbers a step",
                    line=number,
                    columns=columns,
                    width=width,
                )
            )
        cells = _cells(line, mark)
        wrong = next((cell for cell in cells if not _is_number(cell)), None)
        if wrong is not None:
            raise ValueError(
                say("line {line} holds {cell!r}, which is not a number", line=number, cell=wrong.strip()[:30])
            )
        rows.append([float(cell) for cell in cells])
        if len(rows) == limit:
            return np.array(rows), _count(data) - titles
    if not rows:
        raise ValueError(say("the file holds no line of numbers"))
    return np.array(rows), len(rows)


def _lines(data: bytes, longest: int) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, by their number from 1."""
    file = io.TextIOWrapper(io.BytesIO(data), "utf-8-sig")
    blank = number = 0
    try:
        while line := file.readline(longest):
            number += 1
            if len(line) == longest:
                raise ValueError(
                    say("line {line} has more than the {most:,} characters that are read", line=number, most=longest)
                )
            if line.strip():
                yield number, line
            else:
                blank += 1
            if blank > BLANK:
                raise ValueError(say("the file has more than {most:,} blank lines", most=BLANK))
    except UnicodeDecodeError:
        raise ValueError(say("the file is neither text (CSV) nor an NPY array")) from None


def _count(data: bytes) -> int:
    """How many lines are not blank."""
    count, before = 0, True
    for start in range(0, len(data), CHUNK):
        ends = np.frombuffer(data[start : start + CHUNK].translate(ENDS, b" \t"), np.uint8) == ord("\n")
        if len(ends):  # a line begins where no end is and one was before
            count += int((ends[:-1] & ~ends[1:]).sum()) + int(before and not ends[0])
            before = bool(ends[-1])
    return count


def _mark(line: str, width: int) -> str:
    """What stands between two columns: if semicolons or tabs make as many columns as are read, the commas are those of
    decimals (0,5)."""
    fitting = (mark for mark in ";\t," if width > 1 and line.count(mark) == width - 1)
    return next(fitting, max(",;\t", key=line.count))


def _cells(line: str, mark: str) -> list[str]:
    """Without the quotation marks that some programs write around each of them; a point for a decimal comma."""
    cells = [cell.strip() for cell in line.split(mark)]
    cells = [cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell for cell in cells]
    return cells if mark == "," else [cell.replace(",", ".") if DECIMAL.fullmatch(cell) else cell for cell in cells]


def _are_titles(cells: list[str]) -> bool:
    """Whether these are the names of the columns, and not a step whose numbers are missing."""
    if any(map(_is_number, cells)):
        return False
    return not all(cell.lower() in MISSING for cell in cells)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
