"""Arrays with a row a unit to and from Arrow tables: of a part, to be merged, and of the whole, to be asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lstm_core.cells.base import Signal
from lstm_core.survey import extremes, following, histograms, lags
from lstm_core.survey.arrow import array, column, lists, repeated, table
from lstm_core.survey.summary import Group, Groups, Kept

KEYS = ("module", "layer", "direction", "signal", "unit")
QUANTILES = {"q01": 0.01, "q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95, "q99": 0.99}
STILL = 1e-2  # a unit that moves by less over all the data is dead (as in ``analysis.health``)
MOST = 0.95  # a unit that is in one outermost tenth of its range in this share of the steps is saturated
LARGE = ("chosen", "sample_order")
"""What is counted of a group and not needed any more once all parts are one."""
LAGGED = ("pairs", "earlier", "later", "product")
PLACES = {"highest": "high", "lowest": "low", "sampled": "sample"}
"""By the kind of a place, the name with which its columns begin in a group's state."""


def rows(values: np.ndarray) -> pa.Array:
    """(row, ...) as a column: numbers, or plain lists of them, row by row."""
    if values.ndim == 1:
        return column(values)
    flat = np.ascontiguousarray(values).reshape(len(values), -1)
    offsets = np.arange(len(flat) + 1, dtype=np.int32) * flat.shape[1]
    return lists(flat.reshape(-1), offsets)


def to_tables(groups: Groups, about: Mapping[str, Any]) -> Iterator[pa.Table]:
    """A part's summary, a table a group, each with a note of all: one is in memory at a time. about: what else to note,
    by name."""
    header = [[module, asdict(group.signal), list(group.shape)] for (module, _), group in groups.items()]
    first = next(iter(groups.values()), None)
    shapes = {} if first is None else {name: value.shape[1:] for name, value in first.state.items()}
    note = {"survey": json.dumps({**about, "groups": header, "shapes": shapes})}
    if first is None:
        yield table({"module": []}).replace_schema_metadata(note)
    for key, group in groups.items():
        columns = {name: rows(value) for name, value in group.state.items()}
        yield table({**_keys({key: group}), **columns}).replace_schema_metadata(note)


class Summary:
    """A part's summary in its file. keys: its groups, in their order. about: what else is noted."""

    def __init__(self, path: Path) -> None:
        """Reads the note alone. Raises what pyarrow does, or KeyError, for a file that is not whole."""
        self.path = path
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            self.about: dict[str, Any] = json.loads((file.schema_arrow.metadata or {})[b"survey"])
            there = file.num_row_groups
        self.shapes = self.about.pop("shapes")
        self.declared = {
            (module, signal["name"]): (Signal(**signal), tuple(shape))
            for module, signal, shape in self.about.pop("groups")
        }
        self.keys = list(self.declared)
        if self.keys and there != len(self.keys):
            raise KeyError("groups")

    def group(self, key: tuple[str, str]) -> Group:
        """Reads one."""
        with pq.ParquetFile(self.path, page_checksum_verification=True) as file:
            found, state = file.read_row_group(self.keys.index(key)), {}
        for name, shape in self.shapes.items():
            whole = found.column(name).combine_chunks()
            values = array(whole.flatten() if pa.types.is_list(whole.type) else whole).reshape(len(found), *shape)
            state[name] = values.astype(np.int64) if values.dtype == np.int32 else values  # room for those of all parts
        return Group(*self.declared[key], state)


def _keys(groups: Groups) -> dict[str, Any]:
    """Module, layer, direction, signal and unit of every row."""
    found: dict[str, list[Any]] = {key: [] for key in KEYS}
    for (module, signal), group in groups.items():
        layer, direction, unit = (axis.reshape(-1) for axis in np.indices(group.shape, np.int32))
        for key, value in zip(KEYS, (module, layer, direction, signal, unit), strict=True):
            found[key].append(np.full(len(unit), value, object) if isinstance(value, str) else value)
    return {key: column(np.concatenate(value)) for key, value in found.items()}


def final(groups: Iterable[tuple[tuple[str, str], Group]], kept: Kept) -> dict[str, Iterator[pa.Table]]:
    """What is asked, by the names in ``folder.TABLES``; none where there is no group. Each is in pieces, which are made
    as they are taken, and names its units by their row in "units". groups: each is let go once it is read, but for what
    is small."""
    small: Groups = {}
    start = 0
    parts: dict[str, list[pa.Table]] = {"quantiles": [], "followed": []}
    for key, group in groups:
        parts["quantiles"].append(_quantiles(group))
        parts["followed"] += [_followed(group, start, kept, k) for k in range(len(kept.follow))]
        start += len(group.state["count"])
        small[key] = replace(group, state={name: v for name, v in group.state.items() if name not in LARGE})
        del group
    if not small:
        return {}
    names = [name for name, value in next(iter(small.values())).state.items() if value.ndim == 1] + list(LAGGED)
    state = {name: np.concatenate([group.state[name] for group in small.values()]) for name in names}
    correlation = lags.autocorrelation(state)
    # By property, and in each by unit.
    followed = pa.concat_tables([_nothing(), *(one for k in range(len(kept.follow))
                                              for one in parts["followed"][k :: len(kept.follow)])])  # fmt: skip
    quantiles = pa.concat_tables(parts["quantiles"])
    return {
        "units": iter([_units(small, state, quantiles, correlation, followed)]),
        "histograms": _each(small, _histogram),
        "lags": iter([_long(correlation, lags.LAGS, "lag", autocorrelation=correlation, pairs=state["pairs"])]),
        "followed": iter([followed]),
        "places": chain.from_iterable(_each(small, partial(_places, kind=kind)) for kind in PLACES),
    }


def _each(groups: Groups, table_of: Callable[[Group, int], pa.Table]) -> Iterator[pa.Table]:
    """A table of each group, which is told the row of its first unit."""
    start = 0
    for group in groups.values():
        yield table_of(group, start)
        start += len(group.state["count"])


def _quantiles(group: Group) -> pa.Table:
    grid, state = histograms.edges(group.signal.low, group.signal.high), group.state
    ends = state["min"], state["max"]
    return table(
        {name: histograms.quantile(state["histogram"], share, grid, *ends) for name, share in QUANTILES.items()}
    )


def _units(
    groups: Groups, state: Mapping[str, np.ndarray], quantiles: pa.Table, correlation: np.ndarray, followed: pa.Table
) -> pa.Table:
    count, low, high = state["count"], state["min"], state["max"]
    with np.errstate(divide="ignore"):
        remembers = 1 / np.maximum(-state["logs"] / count, 0)
    above, below = state["above"] / count, state["below"] / count
    bounded = np.concatenate(
        [np.full(np.prod(g.shape), np.isfinite((g.signal.low, g.signal.high)).all()) for g in groups.values()]
    )
    names, areas = _best(followed, len(count))
    return table(
        {
            "id": np.arange(len(count), dtype=np.int32),
            **_keys(groups),
            "count": count,
            "mean": state["mean"],
            "variance": state["m2"] / count,
            "min": low,
            "max": high,
            **{name: quantiles.column(name).combine_chunks() for name in QUANTILES},
            "above": np.where(bounded, above, np.nan),
            "below": np.where(bounded, below, np.nan),
            "dead": high - low < STILL,
            "saturated": bounded & (np.maximum(above, below) >= MOST),
            "timescale": lags.timescale(correlation),
            "remembers": remembers,
            "follows": names,
            "follows_auc": areas,
        }
    )


def _best(followed: pa.Table, units: int) -> tuple[pa.Array, np.ndarray]:
    """Of every unit the property that it follows best, if better than any unit follows the moved labels."""
    name, area = np.full(units, None, object), np.full(units, np.nan)
    found = {name: array(followed.column(name)) for name in ("id", "auc", "shuffled_auc")}
    labels = array(followed.column("property"))
    strength, chance = np.abs(found["auc"] - 0.5), np.abs(found["shuffled_auc"] - 0.5)
    for label in dict.fromkeys(labels.tolist()):
        at = labels == label
        luck = np.nanmax(chance[at], initial=0.0)
        for unit, value, auc in zip(found["id"][at], strength[at], found["auc"][at], strict=True):
            if value > luck and not value <= abs(area[unit] - 0.5):
                name[unit], area[unit] = label, auc
    return column(name), area


def _histogram(group: Group, start: int) -> pa.Table:
    """The bins that are not empty."""
    counts = group.state["histogram"]
    unit, place = np.nonzero(counts)
    grid = histograms.edges(group.signal.low, group.signal.high)
    return table(
        {
            "id": (unit + start).astype(np.int32),
            "bin": place.astype(np.int16),
            "low": grid[place],
            "high": grid[place + 1],
            "count": counts[unit, place],
        }
    )


def _long(values: np.ndarray, along: Sequence[Any], name: str, **columns: np.ndarray) -> pa.Table:
    """Arrays (unit, k) as columns of a row each."""
    unit = np.repeat(np.arange(len(values), dtype=np.int32), len(along))
    flat = {key: np.ascontiguousarray(value).reshape(-1) for key, value in columns.items()}
    return table({"id": unit, name: np.tile(np.array(along, np.int32), len(values)), **flat})


def _followed(group: Group, start: int, kept: Kept, k: int) -> pa.Table:
    """How far the units of a group follow property ``k``. start: the row of its first unit."""
    if group.state["chosen"].shape[1] != 2 * len(kept.follow):
        return _nothing()
    grid, size = histograms.edges(group.signal.low, group.signal.high), len(group.state["count"])
    found = following.columns(group.state, k, len(kept.follow), kept.binary[k], grid)
    ids = np.arange(start, start + size, dtype=np.int32)
    return table({"id": ids, "property": repeated(kept.follow[k], size), **found})


def _nothing() -> pa.Table:
    numbers = ("correlation", "shuffled_correlation", "auc", "auc_error", "threshold", "accuracy", "shuffled_auc")
    kinds = {"id": pa.int32(), "property": pa.string(), **dict.fromkeys(numbers, pa.float64()), "above": pa.bool_()}
    return pa.table({name: pa.nulls(0, kind) for name, kind in kinds.items()})


def _places(group: Group, start: int, kind: str) -> pa.Table:
    """The highest or lowest steps of every unit, in their order, or those that were drawn for all."""
    value, document, step = (group.state[f"{PLACES[kind]}_{name}"] for name in ("value", "document", "step"))
    there = document != extremes.NOWHERE
    unit, rank = (axis.astype(np.int32) for axis in np.nonzero(there))
    places = {"document": document[there], "step": step[there].astype(np.int32), "value": value[there]}
    return table({"id": unit + np.int32(start), "kind": repeated(kind, len(unit)), "rank": rank, **places})
