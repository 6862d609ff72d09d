"""Which unit follows a property of the text? Every unit is tried, and the best must beat what chance would find.

The best of many units looks good by luck alone. So each unit's rule is fitted on one half of the texts and scored on
the other, and two baselines go through the same search: the same units with the labels moved along the text (their
order is kept, since neighbouring steps are alike), and the same network untrained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstm_core.analysis.properties import PROPERTIES, Property
from lstm_core.analysis.split import split
from lstm_core.equations import carry
from lstm_core.kinds import Numbers, at_least, kinds
from lstm_core.network import Network
from lstm_core.ops import host
from lstm_core.say import say
from lstm_core.sequences import taken
from lstm_core.shown import Result
from lstm_core.trace import Trace


@dataclass(frozen=True)
class Unit:
    """One unit and its score on the held-out half. ``threshold`` (binary properties): the value at which it is split,
    ``above``: whether the property holds (or grows) with larger values."""

    layer: int
    direction: int
    unit: int
    score: float
    threshold: float
    above: bool


@dataclass(frozen=True)
class Search(Result):
    """``units``: best first, all ``tried`` of them. ``what``: the property's name. ``signal``: the one looked at.

    measure: "balanced accuracy" (chance 0.5) or "correlation" (chance 0), both on held-out texts.
    shuffled: the best held-out score of any unit against labels moved at random, for each of the repetitions.
    untrained: the best held-out score of any unit of the untrained network; None if there was none to try.
    labelled: number of steps in the fitted and in the held-out half that have a label.
    """

    axes = {"shuffled": "repetition"}

    what: str
    signal: str
    measure: str
    units: tuple[Unit, ...]
    tried: int
    shuffled: tuple[float, ...]
    untrained: float | None
    labelled: tuple[int, int]

    @property
    def best(self) -> Unit:
        """The unit with the highest score on the held-out half of the texts."""
        return self.units[0]

    @property
    def p_value(self) -> float:
        """Share of the searches, this one and those with moved labels, that found as good a unit."""
        return (1 + sum(score >= self.best.score for score in self.shuffled)) / (1 + len(self.shuffled))


@kinds
def search(
    model: Network,
    texts: Sequence[str],
    what: Property | str,
    signal: str | None = None,
    shuffles: int = 20,
    seed: int = 0,
) -> Search:
    """Try every unit of ``model`` on ``texts``: rules are fitted on every other text and scored on the rest.

    what: a property, or its name in ``PROPERTIES``. signal: which one to look at, the carried state if None (h for a
    cell without). shuffles: how often the search is repeated with labels moved at random, for ``Search.p_value``.
    seed: of these and of the untrained network.

    Raises ValueError for an unknown property or signal, for fewer than two texts, for a negative number, and where a
    half of the texts has no label or only one.
    """
    if isinstance(what, str):
        if what not in PROPERTIES:
            raise ValueError(f"there is no property {what!r}; there are {', '.join(PROPERTIES)}")
        what = PROPERTIES[what]
    at_least(0, shuffles=shuffles, seed=seed)
    rule = carry(model.cell)
    signal = signal or (rule.state if rule else model.cell.output)
    traces = [model.run(text, device="cpu") for text in texts]
    labels = [what.labels(text, trace.tokens) for text, trace in zip(texts, traces, strict=True)]
    baseline = model.untrained(seed)
    untrained = [baseline.run(trace.tokens, device="cpu") for trace in traces]
    return search_traces(traces, labels, what, signal, untrained, shuffles, seed)


@kinds
def search_traces(
    traces: Sequence[Trace],
    labels: Sequence[Numbers],
    what: Property,
    signal: str,
    untrained: Sequence[Trace] = (),
    shuffles: int = 20,
    seed: int = 0,
) -> Search:
    """``search`` on traces that are there already.

    labels: for each trace (time,), NaN where there is none. what: the property that they are of. signal: the one to
        look at. untrained: traces of the untrained network, one for each, or none. shuffles, seed: as for ``search``.

    Of a batch the first sequence is searched, as far as it goes; labels of steps that were not taken count for nothing.
    Raises ValueError for fewer than two traces, and where the labels of either half are all alike.
    """
    if len(labels) != len(traces) or (len(untrained) and len(untrained) != len(traces)):
        raise ValueError(
            say(
                "there are {traces} traces, labels for {labels} and {untrained} untrained traces; there is one of each",
                traces=len(traces),
                labels=len(labels),
                untrained=len(untrained),
            )
        )
    if len(traces) < 2:
        raise ValueError("a search needs at least two texts: one to fit on, one to score on")
    at_least(0, shuffles=shuffles, seed=seed)
    halves = [_values(traces[k::2], labels[k::2], signal) for k in (0, 1)]
    for _, y in halves:
        if len(np.unique(y)) < 2:
            raise ValueError(f"the texts do not vary in {what.name}: each half needs at least two labels that differ")
    score = _score_binary if what.binary else _score_number
    (fit_x, fit_y), (test_x, test_y) = halves
    found, threshold, above = score(fit_x, fit_y, test_x, test_y)
    rng = np.random.default_rng(seed)
    shuffled = [score(fit_x, _moved(fit_y, rng), test_x, _moved(test_y, rng))[0].max() for _ in range(shuffles)]
    blank = None
    if untrained:
        (a, y), (b, z) = (_values(untrained[k::2], labels[k::2], signal) for k in (0, 1))
        blank = float(score(a, y, b, z)[0].max())
    _, directions, _, _, size = traces[0].sel(signal).shape
    units = [
        Unit(
            k // (directions * size),
            k // size % directions,
            k % size,
            float(found[k]),
            float(threshold[k]),
            bool(above[k]),
        )
        for k in np.argsort(-found, kind="stable").tolist()
    ]
    measure = "balanced accuracy" if what.binary else "correlation"
    return Search(
        what.name,
        signal,
        measure,
        tuple(units),
        len(units),
        tuple(map(float, shuffled)),
        blank,
        (len(fit_y), len(test_y)),
    )


def _values(traces: Sequence[Trace], labels: Sequence[Numbers], signal: str) -> tuple[np.ndarray, np.ndarray]:
    """(step, unit of any layer and direction) and (step,): the steps that have a label, one text after another."""
    ones = [trace.sequence() for trace in traces]
    x = [np.moveaxis(one.sel(signal, batch=0), 2, 0).reshape(len(one), -1) for one in ones]
    own = [host(label, np.float64) for label in labels]
    for one, label in zip(ones, own, strict=True):
        if label.ndim != 1 or len(label) < len(one):
            message = "labels hold a number for each step, ({steps},), not {found}"
            raise ValueError(say(message, steps=len(one), found=label.shape))
    own = [label[: len(one)] for one, label in zip(ones, own, strict=True)]
    y = np.concatenate([np.where(taken(one)[:, 0], label, np.nan) for one, label in zip(ones, own, strict=True)])
    given = ~np.isnan(y)
    return np.concatenate(x)[given].astype(np.float64), y[given]


def _moved(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The labels shifted in a circle, by a tenth of their length at least: less would leave them half right."""
    least = max(len(labels) // 10, 1)
    return np.roll(labels, int(rng.integers(least, max(len(labels) - least, least) + 1)))


def _score_binary(
    fit_x: np.ndarray, fit_y: np.ndarray, test_x: np.ndarray, test_y: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Balanced accuracy of the split that is best on the first half, for each unit: (score, threshold, above)."""
    found = split(fit_x, fit_y > 0.5)
    return found.accuracy(test_x, test_y > 0.5), found.threshold, found.above


def _score_number(
    fit_x: np.ndarray, fit_y: np.ndarray, test_x: np.ndarray, test_y: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Correlation on the second half, with the sign that the first half gives: (score, NaN, above)."""
    sign = np.where(_correlation(fit_x, fit_y) < 0, -1.0, 1.0)
    return sign * _correlation(test_x, test_y), np.full(fit_x.shape[1], np.nan), sign > 0


def _correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    x, y = x - x.mean(0), y - y.mean()
    size = np.linalg.norm(x, axis=0) * np.linalg.norm(y)
    return np.divide(y @ x, size, out=np.zeros(x.shape[1]), where=size > 0)
