"""Arrays with a row a unit to and from Arrow tables: of a part, to be merged, and of the whole, to be asked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

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


def to_table(groups: Groups, about: Mapping[str, Any]) -> pa.Table:
    """A part's summary. about: what else to note, by name."""
    if not groups:
        return pa.table({"module": pa.array([], pa.string())}).replace_schema_metadata(
            {"survey": json.dumps({**about, "groups": []})}
        )
    states = [group.state for group in groups.values()]
    columns = {name: rows(np.concatenate([state[name] for state in states])) for name in states[0]}
    header = [[module, asdict(group.signal), list(group.shape)] for (module, _), group in groups.items()]
    shapes = {name: value.shape[1:] for name, value in states[0].items()}
    note = json.dumps({**about, "groups": header, "shapes": shapes})
    return pa.table({**_keys(groups), **columns}).replace_schema_metadata({"survey": note})


def from_table(table: pa.Table) -> tuple[Groups, dict[str, Any]]:
    """What ``to_table`` made the table of."""
    about = json.loads((table.schema.metadata or {})[b"survey"])
    found: Groups = {}
    header, shapes, start = about.pop("groups"), about.pop("shapes", {}), 0
    arrays = {}
    for name, shape in shapes.items():
        column = table.column(name).combine_chunks()
        flat = column.flatten() if pa.types.is_list(column.type) else column
        values = flat.to_numpy(zero_copy_only=False).reshape(len(table), *shape)
        counts = name in ("histogram", "chosen")  # the large ones: ``merged`` widens what it adds up
        arrays[name] = values.astype(np.int64) if values.dtype == np.int32 and not counts else values
    for module, signal, (layers, directions, units) in header:
        stop = start + layers * directions * units
        declared, shape = Signal(**signal), (layers, directions, units)
        found[module, declared.name] = Group(declared, shape, {name: a[start:stop] for name, a in arrays.items()})
        start = stop
    return found, about


def _keys(groups: Groups) -> dict[str, Any]:
    """Module, layer, direction, signal and unit of every row."""
    found: dict[str, list[Any]] = {key: [] for key in KEYS}
    for (module, signal), group in groups.items():
        layer, direction, unit = (axis.reshape(-1) for axis in np.indices(group.shape, np.int32))
        for key, value in zip(KEYS, (module, layer, direction, signal, unit), strict=True):
            found[key].append(np.full(len(unit), value) if isinstance(value, str) else value)
    return {key: pa.array(np.concatenate(value)) for key, value in found.items()}


def final(groups: Groups, kept: Kept) -> dict[str, pa.Table]:
    """What is asked, by the names in ``folder.TABLES``. Every table names its units by their row in "units"."""
    states = [group.state for group in groups.values()]
    small = [name for name in states[0] if name not in ("histogram", "chosen")]  # these are read group by group
    state = {name: np.concatenate([one[name] for one in states]) for name in small}
    correlation = lags.autocorrelation(state)
    followed = _followed(groups, kept, len(correlation))
    return {
        "units": _units(groups, state, correlation, followed),
        "histograms": _histograms(groups),
        "lags": _long(correlation, lags.LAGS, "lag", autocorrelation=correlation, pairs=state["pairs"]),
        "followed": followed,
        "places": _places(state),
    }


def _units(groups: Groups, state: Mapping[str, np.ndarray], correlation: np.ndarray, followed: pa.Table) -> pa.Table:
    count, low, high = state["count"], state["min"], state["max"]
    with np.errstate(divide="ignore"):
        remembers = 1 / np.maximum(-state["logs"] / count, 0)
    quantiles = {}
    for name, share in QUANTILES.items():
        parts = []
        for group in groups.values():
            grid = histograms.edges(group.signal.low, group.signal.high)
            parts.append(
                histograms.quantile(group.state["histogram"], share, grid, group.state["min"], group.state["max"])
            )
        quantiles[name] = np.concatenate(parts)
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
            **quantiles,
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


def _histograms(groups: Groups) -> pa.Table:
    """The bins that are not empty."""
    parts: dict[str, list[np.ndarray]] = {name: [] for name in ("id", "bin", "low", "high", "count")}
    start = 0
    for group in groups.values():
        counts = group.state["histogram"]
        unit, place = np.nonzero(counts)
        grid = histograms.edges(group.signal.low, group.signal.high)
        values = (
            (unit + start).astype(np.int32),
            place.astype(np.int16),
            grid[place],
            grid[place + 1],
            counts[unit, place],
        )
        for part, value in zip(parts.values(), values, strict=True):
            part.append(value)
        start += len(counts)
    return pa.table({name: np.concatenate(part) for name, part in parts.items()})


def _long(values: np.ndarray, along: Sequence[Any], name: str, **columns: np.ndarray) -> pa.Table:
    """Arrays (unit, k) as columns of a row each."""
    unit = np.repeat(np.arange(len(values), dtype=np.int32), len(along))
    flat = {key: np.ascontiguousarray(value).reshape(-1) for key, value in columns.items()}
    return pa.table({"id": unit, name: np.tile(np.array(along, np.int32), len(values)), **flat})


def _followed(groups: Groups, kept: Kept, units: int) -> pa.Table:
    tables = []
    for k, name in enumerate(kept.follow):
        parts, start = [], 0
        for group in groups.values():
            if group.state["chosen"].shape[1] != 2 * len(kept.follow):
                start += len(group.state["count"])
                continue
            grid = histograms.edges(group.signal.low, group.signal.high)
            found = following.columns(group.state, k, len(kept.follow), kept.binary[k], grid)
            size = len(group.state["count"])
            ids = np.arange(start, start + size, dtype=np.int32)
            parts.append(pa.table({"id": ids, "property": pa.array([name] * size, pa.string()), **found}))
            start += size
        tables += parts
    if tables:
        return pa.concat_tables(tables)
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
