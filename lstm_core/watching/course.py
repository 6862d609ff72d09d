"""What ``lstm_core.watch(model, to="health.csv")`` wrote, read back: each quantity of each layer over the training.

The file may be anybody's: nothing is trusted for its size, and whatever else it is ends in a ValueError in plain words.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

import numpy as np

from lstm_core.say import say
from lstm_core.watching.reading import COLUMNS, SKIPPED

MOST = 200_000
"""Lines that are read."""
LONGEST = 200
"""Characters of a name."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer in one direction. name: the module's in the model, "" for the model itself. steps: by quantity, (time,)
    whole numbers that rise, and values with them, as ``Reading.quantities`` names them."""

    name: str
    layer: int
    direction: int
    steps: dict[str, np.ndarray]
    values: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Course:
    """A training, or the last of those that one file holds. layers: in the order in which they stand there. runs: how
    many trainings the file holds."""

    layers: tuple[Layer, ...]
    runs: int


def course(data: bytes) -> Course:
    """The last training in a file. A line that is still being written is left out.

    Raises ValueError for everything that ``watch`` did not write.
    """
    if not data.strip():
        raise ValueError(say("the file is empty"))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(say('this is not a text file; lstm_core.watch(model, to="health.csv") writes one')) from None
    whole = text.endswith(("\n", "\r"))
    rows = csv.reader(io.StringIO(text, newline=""))
    found: dict[tuple[str, int, int], dict[str, list[tuple[int, float]]]] = {}
    runs, last = 1, -1
    try:
        head = [name.strip() for name in next(rows, [])]
        if head != list(COLUMNS):
            names = ", ".join(name[:30] for name in head[:8])
            raise ValueError(
                say(
                    "its columns are {found}; a file that lstm_core.watch wrote has {expected}",
                    found=names or "-",
                    expected=", ".join(COLUMNS),
                )
            )
        for row in rows:
            if not row or row == list(COLUMNS):
                continue
            try:
                place, quantity, step, value = _line(row, rows.line_num)
            except ValueError:
                if not whole and next(rows, None) is None:
                    break
                raise
            if step < last:  # another training was added to the file
                runs, found = runs + 1, {}
            last = step
            if quantity == SKIPPED:
                continue
            found.setdefault(place, {}).setdefault(quantity, []).append((step, value))
            if rows.line_num > MOST:
                raise ValueError(say("the file has more than the {most:,} lines that are read", most=MOST))
    except csv.Error as error:
        raise ValueError(
            say("this cannot be read as a table of comma-separated values: {error}", error=str(error))
        ) from None
    if not found:
        raise ValueError(
            say(
                "the file holds no reading yet: the training has not begun, was watched in eval(), or no step could be "
                "read"
            )
        )
    return Course(tuple(_layer(place, quantities) for place, quantities in found.items()), runs)


def _line(row: list[str], line: int) -> tuple[tuple[str, int, int], str, int, float]:
    if len(row) != len(COLUMNS):
        raise ValueError(
            say(
                "line {line} has {count} columns; there should be {expected}",
                line=line,
                count=len(row),
                expected=len(COLUMNS),
            )
        )
    step, name, layer, direction, quantity, value = row
    numbers = {}
    for column, text in (("step", step), ("layer", layer), ("direction", direction)):
        if not (text.strip().isascii() and text.strip().isdigit()) or len(text) > 15:
            raise ValueError(
                say(
                    "line {line}: {column} is {text!r}, which is not a whole number",
                    line=line,
                    column=column,
                    text=text[:30],
                )
            )
        numbers[column] = int(text)
    try:
        measured = float(value)
    except ValueError:
        raise ValueError(
            say("line {line}: {column} is {text!r}, which is not a number", line=line, column="value", text=value[:30])
        ) from None
    place = name[:LONGEST], numbers["layer"], numbers["direction"]
    return place, quantity[:LONGEST], numbers["step"], measured


def _layer(place: tuple[str, int, int], quantities: dict[str, list[tuple[int, float]]]) -> Layer:
    steps = {name: np.array([step for step, _ in rows]) for name, rows in quantities.items()}
    values = {name: np.array([value for _, value in rows]) for name, rows in quantities.items()}
    return Layer(*place, steps, values)
