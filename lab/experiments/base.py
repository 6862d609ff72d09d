"""What an experiment is: a claim, its source, what is measured, the target, how it is drawn, and how to try it.

Nothing here imports torch: the page "Experiments" reads the measured figures without it. An experiment that trains
imports what it needs where it needs it.
"""

from __future__ import annotations

import statistics
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from lstm_core.say import say

Progress = Callable[[float, str], None]
"""progress(share done, what is being done); it may raise ``Cancelled`` to end the measurement."""

CHECK_SEED = 90_000
"""``remeasure`` draws its texts from here on; training and ``measure`` draw below."""


PRICED = say("Trained with a price on writing and forgetting.")
"""See `Experiment.shaped`."""


class Cancelled(Exception):
    """Somebody no longer wants the measurement."""


def silent(share: float, what: str) -> None:
    """A progress that nobody watches."""


def watch(items: Sequence[Any], progress: Progress, what: str, start: float = 0.0, stop: float = 1.0) -> Iterator[Any]:
    """The items one after another, reporting before each how much of ``start`` to ``stop`` is done."""
    for k, item in enumerate(items):
        said = say("{what}, {place} of {count}", what=what, place=k + 1, count=len(items))
        progress(start + (stop - start) * k / len(items), said)
        yield item


@dataclass(frozen=True)
class Figure:
    """One number of an experiment.

    seeds: by seed, in the order of ``Measurement.seeds`` (a seed that gave none is None).
    shipped: of the file in assets/models, which ``--check`` measures again.
    untrained: by seed, of the same network with random weights: the baseline. Any of the three may be missing.
    """

    seeds: tuple[float | None, ...] = ()
    shipped: float | None = None
    untrained: tuple[float, ...] = ()

    def value(self, over: str = "median") -> float | None:
        """``over``: "median", "least", "most" of the seeds, or "shipped"; without seeds what is shipped."""
        given = [value for value in self.seeds if value is not None]
        if over == "shipped" or not given:
            return self.shipped
        return {"median": statistics.median, "least": min, "most": max}[over](given)

    def minus(self, other: Figure) -> Figure:
        """The difference, seed by seed."""
        seeds = (None if a is None or b is None else a - b for a, b in zip(self.seeds, other.seeds, strict=False))
        shipped = None if self.shipped is None or other.shipped is None else self.shipped - other.shipped
        untrained = (a - b for a, b in zip(self.untrained, other.untrained, strict=False))
        return Figure(tuple(seeds), shipped, tuple(untrained))

    @property
    def spread(self) -> tuple[float, float] | None:
        """Least and most over the seeds; None without two of them."""
        given = [value for value in self.seeds if value is not None]
        return (min(given), max(given)) if len(given) > 1 else None


@dataclass(frozen=True)
class Target:
    """What the claim says as a number: ``figure`` is at least (or at most) ``bound``.

    says: the figure in words, as the page prints it. over: see ``Figure.value``. less: a figure that is taken from it,
    seed by seed. built_in: it is claimed of the network's kind, whatever it has learned, so that one with random
    weights may meet it; it fails every other target that a trained one meets, or the target says nothing of training.
    """

    figure: str
    says: str
    bound: float
    at_least: bool = True
    over: Literal["median", "least", "most", "shipped"] = "median"
    less: str = ""
    built_in: bool = False

    def met(self, value: float | None) -> bool:
        return value is not None and (value >= self.bound if self.at_least else value <= self.bound)

    def of(self, figures: Mapping[str, Figure]) -> Figure | None:
        """What the target is about, None if it was not measured."""
        figure, taken = figures.get(self.figure), figures.get(self.less)
        return figure if not self.less or figure is None else taken and figure.minus(taken)

    def value(self, figures: Mapping[str, Figure]) -> float | None:
        figure = self.of(figures)
        return figure.value(self.over) if figure else None


@dataclass(frozen=True)
class Measurement:
    """What ``measure`` returns.

    seeds: what every figure was measured over, at least five of them; ``of`` says seeds of what: of training, of the
        texts drawn where only one trained file is there.
    figures: by name; targets and ``remeasure`` refer to these names.
    data: whatever ``draw`` needs besides, as JSON has it (curves, histograms).
    notes: what a reader must know about how it was measured, in sentences.
    """

    seeds: tuple[int, ...]
    figures: Mapping[str, Figure]
    data: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    of: Literal["training", "texts"] = "training"


@dataclass(frozen=True)
class Results(Measurement):
    """A measurement as it stands in assets/experiments/NAME.json."""

    date: str = ""
    machine: str = ""
    seconds: float = 0.0

    def json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def parse(tree: Mapping[str, Any]) -> Results:
        """The results that ``json`` wrote. Raises TypeError or KeyError for another tree."""
        figures = {
            name: Figure(tuple(one["seeds"]), one["shipped"], tuple(one["untrained"]))
            for name, one in tree["figures"].items()
        }
        lists = {"seeds": tuple(tree["seeds"]), "notes": tuple(tree["notes"])}
        return Results(**{**tree, **lists, "figures": figures})


@dataclass(frozen=True)
class Series:
    """One line, group of bars, or cloud of points.

    x: numbers, or names for bars. y: as many; None is a gap. low, high: the spread about y, over seeds.
    color: "lstm", "gru", "rnn" or another cell's name, "untrained", "" for the next free colour.
    """

    name: str
    x: Sequence[float] | Sequence[str]
    y: Sequence[float | None]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()
    color: str = ""
    dash: bool = False


@dataclass(frozen=True)
class Drawing:
    """How a figure is drawn. ``histogram``: the series' x are the bins' middles and y the counts (or shares).

    limits: a horizontal line at a target, with what it says. y_range: None fits the data.
    """

    kind: Literal["lines", "bars", "points", "histogram"]
    title: str
    x: str
    y: str
    series: Sequence[Series]
    log_x: bool = False
    log_y: bool = False
    y_range: tuple[float, float] | None = None
    limits: Sequence[tuple[float, str]] = ()


def spread(name: str, x: Sequence[Any], rows: Sequence[Sequence[float | None]], color: str = "", dash: bool = False):
    """A series of the median over ``rows`` (one a seed, each as long as ``x``), with least and most as its spread."""
    columns = [[value for value in column if value is not None] for column in zip(*rows, strict=True)]
    middle = [statistics.median(column) if column else None for column in columns]
    low = [min(column) if column else None for column in columns]
    high = [max(column) if column else None for column in columns]
    return Series(name, list(x), middle, *((low, high) if len(rows) > 1 else ((), ())), color, dash)


NEITHER = (0.5,)
"""What ``sooner`` says of networks that never get there: the baseline of its figures."""


def sooner(fast: Sequence[float | None], slow: Sequence[float | None]) -> tuple[float, ...]:
    """For each seed of the one start, the share of the other's seeds that it got there before: 0.5 by chance.

    None is a seed that did not get there in the steps that it had; nothing is known of the order of two of these, so
    that they count half.
    """
    late = float("inf")
    times = [[late if step is None else step for step in steps] for steps in (fast, slow)]
    return tuple(statistics.fmean((a < b) + (a == b) / 2 for b in times[1]) for a in times[0])


@dataclass(frozen=True)
class Try:
    """A text to try, and the pair of shipped models that reads it; ``unit`` and ``at`` as in the address of "Gates".

    ask: what to look for. shows: the name of the models' unit that is drawn ("quote"); where it is empty, or a model
    has none of that name, the one that decides. gate: which of its gates beside its memory, "keep" or "expose".
    """

    text: str
    left: str
    right: str
    ask: str = ""
    shows: str = ""
    gate: str = "keep"
    unit: int | None = None
    at: int | None = None


@dataclass(frozen=True)
class Checked:
    """One figure of the shipped file, measured again on fresh data."""

    figure: str
    was: float | None
    now: float
    ok: bool


class Experiment(ABC):
    """One claim. A module in this folder has one of these as ``EXPERIMENT``; it is found by itself.

    name: of the JSON file and in links. claim: one sentence. models: names of the shipped models that it stands on.
    shaped: what in the training of the shipped models pushes towards the claim, if anything does.
    look: what to look at in the figure. disproof: what would disprove the claim. minutes: what ``measure`` takes on one
    core, about. tolerance: how far ``remeasure`` may lie from the shipped figure on other texts. words: in words the
    figures of ``remeasure`` that no target is about.
    """

    name: str
    title: str
    claim: str
    source: str
    models: tuple[str, ...] = ()
    targets: tuple[Target, ...]
    shaped: str = ""
    look: str
    disproof: str
    tries: tuple[Try, ...] = ()
    minutes: float = 1.0
    tolerance: float = 0.02
    words: Mapping[str, str] = {}
    order: int = 100

    @abstractmethod
    def measure(self, progress: Progress = silent) -> Measurement:
        """Measure everything; trains, if it has to. Raises ``Cancelled`` if ``progress`` does."""

    @abstractmethod
    def remeasure(self) -> Mapping[str, float]:
        """Figures of the shipped files by name, measured anew on fresh held-out data (``CHECK_SEED``), in seconds."""

    @abstractmethod
    def draw(self, results: Measurement) -> Sequence[Drawing]:
        """The figures; the first one stands on the card."""

    def short(self, results: Measurement) -> str:
        """What was measured, in a sentence, where title and count of the targets met would say too much; else empty."""
        return ""

    def says(self, figure: str) -> str:
        """A figure in words."""
        targets = {target.figure: target.says for target in self.targets if not target.less}
        return targets.get(figure) or self.words.get(figure, figure)

    def check(self, results: Measurement) -> list[Checked]:
        """``remeasure`` beside what ``results`` say of the shipped files."""
        return [
            Checked(name, was, now, was is not None and abs(now - was) <= self.tolerance)
            for name, now in self.remeasure().items()
            for was in [results.figures[name].shipped if name in results.figures else None]
        ]


def from_header(models: Mapping[str, Any], metric: str) -> tuple[tuple[int, ...], dict[str, tuple[float | None, ...]]]:
    """A metric of each seed as the training command wrote it into the files' headers: (seeds, values by key).

    models: a loaded model by any key. Seeds are those of all the models; a missing value is None.
    """
    runs = {key: {run["seed"]: run.get(metric) for run in model.meta.get("seeds", ())} for key, model in models.items()}
    seeds = tuple(sorted({seed for by_seed in runs.values() for seed in by_seed}))
    return seeds, {key: tuple(by_seed.get(seed) for seed in seeds) for key, by_seed in runs.items()}
