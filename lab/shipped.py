"""What is shipped, by name; and a model beside its header, measured again by its recipe on the texts of that time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lab.experiments import discover
from lab.experiments.base import Checked, Experiment
from lstm_core.beyond import kept
from lstm_core.network import Network, list_models

TOLERANCE = 0.02
"""How far a figure may lie from the header's: the texts are the same, the last digits of another machine are not."""


def named(names: Sequence[str]) -> tuple[list[Experiment], list[str]]:
    """The experiments and the shipped models of these names. Raises ValueError, listing both, for another name."""
    claims, models = discover(), models_by_name()
    for name in names:
        if name not in claims and name not in models:
            raise ValueError(f"there is no {name!r}; there are {', '.join([*claims, *models])}")
    return [claims[name] for name in names if name in claims], [name for name in names if name not in claims]


def models_by_name() -> dict[str, Path]:
    """The files of all shipped models: networks, and those of which a network is a part."""
    return {**list_models(), **kept.files()}


def load(name: str) -> Any:
    """A shipped model, as its recipe reads it. Raises ValueError if there is no recipe of its name."""
    from lab.recipes import recipe

    path = models_by_name()[name]
    return Network.load(path) if name in list_models() else recipe(name).load(path)


def numbers(metrics: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, float]]:
    """Every number by its name; ``by_gap.100`` of a metric that is measured at several places."""
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            yield from numbers(value, f"{before}{name}.")
        elif isinstance(value, int | float):
            yield f"{before}{name}", float(value)


def checked(model: Any) -> list[Checked]:
    """Every figure of the header, measured anew. Raises ValueError if there is no recipe of the model's name."""
    from lab.recipes import recipe

    was = dict(numbers(model.meta["metrics"]))
    now = dict(numbers(recipe(model.name).measure(model)[0]))
    return [
        Checked(name, was.get(name), value, name in was and abs(was[name] - value) <= TOLERANCE)
        for name, value in now.items()
    ]


def remeasured(model: Network) -> Network:
    """The model with what its recipe measures and says of it written anew in its header; its weights stay."""
    from lab.recipes import recipe

    one = recipe(model.name)
    metrics, units = one.measure(model)
    seeds = [{**run, **metrics} if run["seed"] == model.meta["seed"] else run for run in model.meta.get("seeds", ())]
    said = {**one.about(), **one.found(metrics), "passes": one.passes(metrics)}
    said["honesty"] = f"{said['honesty']} {one.since(model.meta)}".strip()
    return replace(model, meta={**model.meta, **said, "metrics": metrics, "units": units, "seeds": seeds})
