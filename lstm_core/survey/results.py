"""What a survey answers: frozen results, and columns that a table or a figure is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from lstm_core.say import say
from lstm_core.survey.arrow import array
from lstm_core.survey.corpus import Words
from lstm_core.trace import Trace

Columns = dict[str, np.ndarray]
"""By name, (row,) each: ``pandas.DataFrame(columns)`` makes a table of it."""

KINDS = ("highest", "lowest", "sampled")


@dataclass(frozen=True)
class Context:
    """A place in the data. words: what was read there, and around it. value: the unit's at that step."""

    document: int
    step: int
    value: float
    words: Words
    _open: Callable[[int, int], Trace] = field(repr=False, compare=False)

    def open(self) -> Trace:
        """Everything that happened in this document; of a very long one, in the stretch that holds the step."""
        return self._open(self.document, self.step)


@dataclass(frozen=True)
class Contexts:
    """highest, lowest: where a unit's value is, of equal values the first in the data. typical: places drawn from all
    steps whose values are nearest to the unit's median."""

    highest: tuple[Context, ...]
    lowest: tuple[Context, ...]
    typical: tuple[Context, ...]


@dataclass(frozen=True, eq=False)
class Follows:
    """How far every unit follows a label, best first. what: the label.

    units: by column, a row a unit: module, layer, direction, signal, unit; correlation: Pearson's. Of a label that is
        true or false also auc: the chance that a step with the label has a higher value than one without, within
        auc_error; threshold, above, accuracy: the edge that parts the two kinds best, on which side those with the
        label lie, and the balanced accuracy of that rule on the same steps. shuffled_auc, shuffled_correlation: the
        same with the labels moved along the text.
    chance: the best that any unit does with moved labels: the largest distance of shuffled_auc from 1/2, or of
        shuffled_correlation from 0. What a unit does beyond it, it does not by chance.
    """

    what: str
    units: Columns
    chance: float


def ranked(what: str, columns: Columns, binary: bool, signal: str | None) -> Follows:
    """The units by how far they follow the label, the best first."""
    if signal is not None:
        if signal not in columns["signal"]:
            there = ", ".join(dict.fromkeys(columns["signal"].tolist()))
            raise ValueError(say("the survey has no signal {signal!r}; it has {there}", signal=signal, there=there))
        at = columns["signal"] == signal
        columns = {name: value[at] for name, value in columns.items()}
    measure, middle = ("auc", 0.5) if binary else ("correlation", 0.0)
    strength = np.nan_to_num(np.abs(columns[measure] - middle), nan=-1.0)
    moved = np.abs(columns[f"shuffled_{measure}"] - middle)
    order = np.argsort(-strength, kind="stable")
    chance = float(np.nanmax(moved)) if not np.isnan(moved).all() else float("nan")
    return Follows(what, {name: value[order] for name, value in columns.items()}, chance)


def columns_of(table: pa.Table) -> Columns:
    """A table's columns as arrays of their own, which can be written to."""
    return {name: array(table.column(name)).copy() for name in table.column_names}
