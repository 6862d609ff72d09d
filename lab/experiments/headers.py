"""What the headers of the shipped models say of every seed; `base.from_header` is for single numbers."""

from __future__ import annotations

from lstm_core.network import Network


def curves(model: Network, metric: str) -> list[list[float]]:
    """By seed, the values of a metric that is measured at several places, such as `by_gap`, in the order of these."""
    return [list(run[metric].values()) for run in model.meta["seeds"]]


def places(model: Network, metric: str) -> list[int]:
    """Where it is measured."""
    return [int(place) for place in model.meta["metrics"][metric]]


def trained_on(*models: Network) -> str:
    """How many seeds each model was trained with, as a note."""
    counts = ", ".join(f"{model.name} {len(model.meta['seeds'])}" for model in models)
    return f"Networks trained from different seeds, measured on held-out texts when they were trained: {counts}."
