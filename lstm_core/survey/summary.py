"""Everything that is kept of the units, as arrays that add up: a piece of the data, a part, the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstm_core.cells.base import Signal
from lstm_core.equations import carry
from lstm_core.ops import host
from lstm_core.survey import extremes, following, histograms, labels, lags, moments, samples
from lstm_core.survey.arrays import HERE, Array
from lstm_core.survey.rows import Rows

State = dict[str, Array]
"""By name, each with a row a unit: of every layer, direction and unit of one signal."""


@dataclass(frozen=True)
class Kept:
    """What a survey keeps.

    top: of the highest and of the lowest places. sample: of places drawn for all units, by ``seed``. follow: properties
    of the text, by name; binary: which of them are true or false. signals: None for all.
    """

    top: int = 100
    sample: int = 500
    seed: int = 0
    follow: tuple[str, ...] = ()
    binary: tuple[bool, ...] = ()
    signals: tuple[str, ...] | None = None


@dataclass(frozen=True, eq=False)
class Group:
    """One signal of one module: its declaration, its (layer, direction, unit) and what was counted."""

    signal: Signal
    shape: tuple[int, int, int]
    state: State


Groups = dict[tuple[str, str], Group]
"""By module and signal."""


def add(groups: Groups, rows: Mapping[str, Rows], kept: Kept) -> Groups:
    """``groups``, of what comes before in the data, with a piece of it, by module, added to it. One signal after
    another, so that what is counted is never there twice. It stays where the rows are: see ``at_home``."""
    for module, piece in rows.items():
        xp = piece.xp
        document, step, pairs = map(xp.asarray, (piece.document, piece.step, lags.paired(piece.document, piece.head)))
        rule = carry(piece.cell) if not piece.cell.by_values else None
        keep = rule.label("keep") if rule else None
        followed = _labelled(piece, kept)
        for name in piece.values:
            signal, own, before = piece.cell.signal(name), piece.own(name), groups.get((module, name))
            state = {
                **moments.measure(own, signal, name == keep, xp),
                **histograms.measure(own, signal, followed.chosen, xp),
                **following.measure(own, followed),
                **lags.measure(piece.values[name], pairs, xp),
                **extremes.measure(own, document, step, kept.top, before and before.state, xp),
                **samples.measure(own, piece.document, piece.step, kept.sample, kept.seed),
            }
            _merge(groups, (module, name), Group(signal, piece.shape[name], state), kept, xp)
    return groups


def at_home(groups: Groups) -> Groups:
    """The same in NumPy."""
    return {
        key: replace(group, state={name: host(values) for name, values in group.state.items()})
        for key, group in groups.items()
    }


def _labelled(piece: Rows, kept: Kept) -> following.Labelled:
    own = piece.labels if kept.follow and len(piece.labels) else np.zeros((0, len(piece)), np.float32)
    away = labels.moved(own, kept.seed, int(piece.document[0]), int(piece.step[0])) if len(own) else own
    return following.Labelled(np.concatenate([own, away]), kept.binary if len(own) else (), piece.xp)


def merge(a: Groups, b: Groups, kept: Kept) -> Groups:
    """Both together, in ``a``, which comes before ``b`` in the data. Raises ValueError where a module is not the same
    in both."""
    for key, group in b.items():
        _merge(a, key, group, kept)
    return a


def _merge(groups: Groups, key: tuple[str, str], group: Group, kept: Kept, xp: Any = HERE) -> None:
    if key not in groups:
        groups[key] = group
        return
    before = groups[key]
    if before.shape != group.shape:
        raise ValueError(f"{key[0] or 'the model'} has other units than before: {group.shape}, not {before.shape}")
    first, second = before.state, group.state
    state = {
        **moments.merge(first, second, xp),
        **histograms.merge(first, second, xp),
        **following.merge(first, second),
        **lags.merge(first, second),
        **extremes.merge(first, second, xp),
        **samples.merge(first, second, kept.sample, xp),
    }
    groups[key] = Group(group.signal, group.shape, state)
