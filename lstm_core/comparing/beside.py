"""What two models hold beside their recurrent layers: what no signal of a trace shows, such as a classifier."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from lstm_core.comparing.sides import as_array
from lstm_core.files.load import Loaded

Beside = tuple[tuple[str, str, float], ...]
"""(name in A, name in B, largest difference) of arrays that have one shape and not the same values."""


def beside(a: Any, b: Any, limit: float, read: Sequence[np.ndarray] = ()) -> Beside:
    """The arrays of ``a`` that ``b`` has in that shape, turned or not, with other values; of opened models.

    read: matrices that both looked ids up in; where these differ the input of the lowest layer shows it.
    What is in both, under whatever name, is left out, and so is what only one has: a runtime may fold it into another.
    """
    ours, theirs = _arrays(a, read), _arrays(b, read)
    for name in list(ours):
        same = next((other for other, values in theirs.items() if _difference(ours[name], values) <= limit), None)
        if same is not None:
            del ours[name], theirs[same]
    pairs = []
    for name, values in ours.items():
        near = [(_difference(values, other), key) for key, other in theirs.items()]
        error, key = min(near, default=(np.inf, ""))
        if np.isfinite(error):
            del theirs[key]
            pairs.append((name, key, error))
    return tuple(pairs)


def _arrays(model: Any, read: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Float matrices and vectors outside of the recurrent layers, by name, without those ``read``."""
    found: dict[str, np.ndarray] = {}
    torch = sys.modules.get("torch")
    if isinstance(model, Loaded):
        found = dict(model.others)
    elif torch is not None and isinstance(model, torch.nn.Module):
        inner = torch.nn.RNNBase | torch.nn.RNNCellBase
        within = {id(p) for part in model.modules() if isinstance(part, inner) for p in part.parameters()}
        found = {k: as_array(p) for k, p in model.named_parameters() if id(p) not in within}
    floats = {name: np.squeeze(values) for name, values in found.items() if values.dtype.kind == "f"}
    return {name: values for name, values in floats.items() if not any(np.array_equal(values, rows) for rows in read)}


def _difference(a: np.ndarray, b: np.ndarray) -> float:
    """The largest, absolute, of values above 1 relative; infinite between two shapes."""
    ways = [way for way in (b, b.T) if way.shape == a.shape]
    scale = np.maximum(1, np.abs(a))
    errors = [float(np.nan_to_num(np.max(np.abs(a - way) / scale, initial=0), nan=np.inf)) for way in ways]
    return min(errors, default=np.inf)
