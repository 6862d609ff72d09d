"""Arrays with a row a unit to and from Arrow tables: of a part, to be merged, and of the whole, to be asked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lstm_core.cells.base import Signal
from lstm_core.survey import extremes, following, histograms, lags
from lstm_core.survey.summary import Group, Groups, Kept

KEYS = ("module", "layer", "direction", "signal", "unit")
QUANTILES = {"q01": 0.01, "q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95, "q99": 0.99}
STILL = 1e-2  # a unit that moves by less over all the data is dead (as in ``analysis.health``)
MOST = 0.95  # a unit that is in one outermost tenth of its range in this share of the steps is saturated


def rows(values: np.ndarray) -> pa.Array:
    """(row, ...) as a column: numbers, or plain lists of them, row by row."""
    if values.ndim == 1:
        return pa.array(values)
    flat = np.ascontiguousarray(values).reshape(len(values), -1)
    offsets = np.arange(len(flat) + 1, dtype=np.int32) * flat.shape[1]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat.reshape(-1)))


def to_tables(groups: Groups, about: Mapping[str, Any]) -> Iterator[pa.Table]:
    """A part's summary, a table a group, each with a note of all: one is in memory at a time. about: what else to note,
    by name."""
    header = [[module, asdict(group.signal), list(group.shape)] for (module, _), group in groups.items()]
    first = next(iter(groups.values()), None)
    shapes = {} if first is None else {name: value.shape[1:] for name, value in first.state.items()}
    note = {"survey": json.dumps({**about, "groups": header, "shapes": shapes})}
    if first is None:
        yield pa.table({"module": pa.array([], pa.string())}).replace_schema_metadata(note)
    for key, group in groups.items():
        columns = {name: rows(value) for name, value in group.state.items()}
        yield pa.table({**_keys({key: group}), **columns}).replace_schema_metadata(note)


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
            table, state = file.read_row_group(self.keys.index(key)), {}
        for name, shape in self.shapes.items():
            column = table.column(name).combine_chunks()
            flat = column.flatten() if pa.types.is_list(column.type) else column
            values = flat.to_numpy(zero_copy_only=False).reshape(len(table), *shape)
            state[name] = values.astype(np.int64) if values.dtype == np.int32 else values  # room for those of all parts
        return Group(*self.declared[key], state)


def _keys(groups: Groups) -> dict[str, Any]:
    """Module, layer, direction, signal and unit of every row."""
    found: dict[str, list[Any]] = {key: [] for key in KEYS}
    for (module, signal), group in groups.items():
        layer, direction, unit = (axis.reshape(-1) for axis in np.indices(group.shape, np.int32))
        for key, value in zip(KEYS, (module, layer, direction, signal, unit), strict=True):
            found[key].append(np.full(len(unit), value) if isinstance(value, str) else value)
    return {key: pa.array(np.concatenate(value)) for key, value in found.items()}


def final(groups: Iterable[tuple[tuple[str, str], Group]], kept: Kept) -> dict[str, pa.Table]:
    """What is asked, by the names in ``folder.TABLES``; none where there is no group. Every table names its units by
    their row in "units". groups: each is let go once it is read, but for what is small."""
    start, small = 0, {}
    parts: dict[str, list[pa.Table]] = {"quantiles": [], "histograms": [], "followed": []}
    for key, group in groups:
        parts["quantiles"].append(_quantiles(group))
        parts["histograms"].append(_histogram(group, start))
        parts["followed"] += [_followed(group, start, kept, k) for k in range(len(kept.follow))]
        start += len(group.state["count"])
        left = {name: value for name, value in group.state.items() if name not in ("histogram", "chosen")}
        small[key] = replace(group, state=left)
        del group
    if not small:
        return {}
    names = next(iter(small.values())).state
    state = {name: np.concatenate([group.state[name] for group in small.values()]) for name in names}
    correlation = lags.autocorrelation(state)
    # By property, and in each by unit.
    followed = pa.concat_tables([_nothing(), *(one for k in range(len(kept.follow))
                                              for one in parts["followed"][k :: len(kept.follow)])])  # fmt: skip
    quantiles = pa.concat_tables(parts["quantiles"])
    return {
        "units": _units(small, state, quantiles, correlation, followed),
        "histograms": pa.concat_tables(parts["histograms"]),
        "lags": _long(correlation, lags.LAGS, "lag", autocorrelation=correlation, pairs=state["pairs"]),
        "followed": followed,
        "places": _places(state),
    }


def _quantiles(group: Group) -> pa.Table:
    grid, state = histograms.edges(group.signal.low, group.signal.high), group.state
    ends = state["min"], state["max"]
    return pa.table(
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
    return pa.table(
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
    found = {name: followed.column(name).to_numpy() for name in ("id", "auc", "shuffled_auc")}
    labels = np.array(followed.column("property").to_pylist(), object)
    strength, chance = np.abs(found["auc"] - 0.5), np.abs(found["shuffled_auc"] - 0.5)
    for label in dict.fromkeys(labels.tolist()):
        at = labels == label
        luck = np.nanmax(chance[at], initial=0.0)
        for unit, value, auc in zip(found["id"][at], strength[at], found["auc"][at], strict=True):
            if value > luck and not value <= abs(area[unit] - 0.5):
                name[unit], area[unit] = label, auc
    return pa.array(name.tolist(), pa.string()), area


def _histogram(group: Group, start: int) -> pa.Table:
    """The bins that are not empty. start: the row of the group's first unit."""
    counts = group.state["histogram"]
    unit, place = np.nonzero(counts)
    grid = histograms.edges(group.signal.low, group.signal.high)
    return pa.table(
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
    return pa.table({"id": unit, name: np.tile(np.array(along, np.int32), len(values)), **flat})


def _followed(group: Group, start: int, kept: Kept, k: int) -> pa.Table:
    """How far the units of a group follow property ``k``. start: the row of its first unit."""
    if group.state["chosen"].shape[1] != 2 * len(kept.follow):
        return _nothing()
    grid, size = histograms.edges(group.signal.low, group.signal.high), len(group.state["count"])
    found = following.columns(group.state, k, len(kept.follow), kept.binary[k], grid)
    ids = np.arange(start, start + size, dtype=np.int32)
    return pa.table({"id": ids, "property": pa.array([kept.follow[k]] * size, pa.string()), **found})


def _nothing() -> pa.Table:
    numbers = ("correlation", "shuffled_correlation", "auc", "auc_error", "threshold", "accuracy", "shuffled_auc")
    kinds = {"id": pa.int32(), "property": pa.string(), **dict.fromkeys(numbers, pa.float64()), "above": pa.bool_()}
    return pa.table({name: pa.array([], kind) for name, kind in kinds.items()})


def _places(state: Mapping[str, np.ndarray]) -> pa.Table:
    """The highest and lowest steps of every unit, in their order, and those that were drawn for all."""
    parts = []
    for kind, prefix in (("highest", "high"), ("lowest", "low"), ("sampled", "sample")):
        value = state[f"{prefix}_value"]
        unit, rank = (axis.reshape(-1).astype(np.int32) for axis in np.indices(value.shape))
        document, step = (state[f"{prefix}_{name}"].reshape(-1) for name in ("document", "step"))
        there = document != extremes.NOWHERE
        columns = {"document": document, "step": step.astype(np.int32), "value": value.reshape(-1)}
        kinds = pa.DictionaryArray.from_arrays(np.zeros(there.sum(), np.int8), [kind]).cast(pa.string())
        picked = {name: column[there] for name, column in columns.items()}
        parts.append(pa.table({"id": unit[there], "kind": kinds, "rank": rank[there], **picked}))
    return pa.concat_tables(parts)
