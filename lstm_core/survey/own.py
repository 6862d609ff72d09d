"""A label of your own for every step, and how far each unit follows it: the data is run again for that."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lstm_core.say import say
from lstm_core.survey import following, histograms, labels, moments
from lstm_core.survey.gathered import Read
from lstm_core.survey.items import parts, ragged
from lstm_core.survey.models import Model
from lstm_core.survey.pieces import pieces
from lstm_core.survey.rows import Rows
from lstm_core.survey.summary import Group, Groups, at_home

FILES = (".txt", ".csv", ".npy", ".parquet")


def by_document(given: Any, steps: Sequence[int]) -> list[np.ndarray]:
    """(step,) of every document, NaN where there is no label.

    given: one sequence a document, one for all steps after another, or a file that holds the latter: .txt or .csv with
    a number a line, .npy, or a .parquet whose only column, or the one called "label", has it. steps: of each document.

    Raises ValueError for another number of labels than of steps, and for what are not numbers.
    """
    if isinstance(given, str | os.PathLike):
        given = _read(given)
    given = parts(given) if ragged(given) else given
    given = given.tolist() if isinstance(given, np.ndarray) and given.dtype == object and given.ndim else given
    if not hasattr(given, "__len__") or isinstance(given, Mapping | set | type):
        raise TypeError(
            say("labels must be a list, an array or the name of a property, not {found}", found=type(given).__name__)
        )
    nested = not isinstance(given, np.ndarray) and any(np.ndim(one) for one in given)
    if not nested:
        flat = _numbers(given)
        if flat.ndim == 2 and len(flat) == len(steps):
            return by_document(list(flat), steps)
        if flat.shape != (sum(steps),):
            raise ValueError(
                say("there are {labels:,} labels, and the data has {steps:,} steps", labels=flat.size, steps=sum(steps))
            )
        return np.split(flat, np.cumsum(steps)[:-1])
    if len(given) != len(steps):
        raise ValueError(
            say(
                "there are labels for {labels:,} documents, and the data has {documents:,}",
                labels=len(given),
                documents=len(steps),
            )
        )
    found = [_numbers(one) for one in given]
    for number, (one, count) in enumerate(zip(found, steps, strict=True)):
        if one.shape != (count,):
            raise ValueError(
                say(
                    "document {number} has {steps:,} steps, and {labels:,} labels",
                    number=number,
                    steps=count,
                    labels=one.size,
                )
            )
    return found


def _numbers(values: Any) -> np.ndarray:
    try:
        if values.is_complex() if hasattr(values, "is_complex") else np.iscomplexobj(values):
            raise TypeError("complex numbers")
        return np.asarray(values, np.float32)
    except (ValueError, TypeError) as error:
        raise ValueError(say("labels are numbers, one for each step: {error}", error=str(error))) from error


def _read(path: str | os.PathLike[str]) -> np.ndarray:
    name, suffix = os.fspath(path), Path(path).suffix.lower()
    if suffix not in FILES:
        raise ValueError(say("labels in a file are .txt, .csv, .npy or .parquet, not {name!r}", name=name[:80]))
    try:
        if suffix == ".npy":
            return np.load(name, allow_pickle=False)
        if suffix == ".parquet":
            import pyarrow.parquet as pq

            with pq.ParquetFile(name) as file:
                there = file.schema_arrow.names
                values = file.read(["label" if "label" in there else there[0]]).column(0)
            return np.array(values.to_pylist(), np.float32)
        with open(name, encoding="utf-8-sig") as file:
            return np.array([float(line) if line.strip() else np.nan for line in file], np.float32)
    except FileNotFoundError:
        raise
    except (ValueError, OSError, TypeError) as error:
        raise ValueError(
            say("{name} cannot be read as labels, a number for each step: {error}", name=name, error=str(error))
        ) from error


def follow(model: Model, reads: Iterable[Read], given: Sequence[np.ndarray], binary: bool, seed: int) -> Groups:
    """What is counted of every unit at the steps that have a label: see ``following`` and ``histograms``."""
    groups: Groups = {}
    for piece in pieces(model, _labelled(reads, given)):
        for module, rows in piece.rows.items():
            if rows.labels.shape != (1, len(rows)):
                raise ValueError(
                    say(
                        "{module} takes other steps than the data has, so labels of the data say nothing about it",
                        module=module or model.name,
                    )
                )
            at = np.flatnonzero(~np.isnan(rows.labels[0]))
            if len(at):
                _add(groups, module, rows, at, binary, seed)
    return at_home(groups)


def _labelled(reads: Iterable[Read], given: Sequence[np.ndarray]) -> Iterator[Read]:
    return (replace(one, labels=own[None]) for one, own in zip(reads, given, strict=True))


def _add(groups: Groups, module: str, rows: Rows, at: np.ndarray, binary: bool, seed: int) -> None:
    own = rows.labels[:, at]
    both = np.concatenate([own, labels.moved(own, seed, int(rows.document[0]), int(rows.step[0]))])
    xp = rows.xp
    labelled = following.Labelled(both, (binary,), xp)
    for name in rows.values:
        signal, values = rows.cell.signal(name), rows.own(name)[:, xp.asarray(at)]
        state = {
            **moments.measure(values, signal, False, xp),
            **histograms.measure(values, signal, labelled.chosen, xp),
            **following.measure(values, labelled),
        }
        if (module, name) in groups:
            before = groups[module, name].state
            state = {
                **moments.merge(before, state, xp),
                **histograms.merge(before, state, xp),
                **following.merge(before, state),
            }
        groups[module, name] = Group(signal, rows.shape[name], state)


def columns(groups: Groups, binary: bool) -> dict[str, np.ndarray]:
    """How far every unit follows the label, a row a unit: see ``Follows``."""
    parts = []
    for (module, name), group in groups.items():
        grid = histograms.edges(group.signal.low, group.signal.high)
        layer, direction, unit = (axis.reshape(-1) for axis in np.indices(group.shape))
        keys = {"module": np.full(len(unit), module, object), "layer": layer, "direction": direction}
        keys |= {"signal": np.full(len(unit), name, object), "unit": unit}
        parts.append({**keys, **following.columns(group.state, 0, 1, binary, grid)})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
