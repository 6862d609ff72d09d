"""Whether a call ran with the weights of an earlier one, so that both may share a copy of them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lstm_core.modules.call import Call

PROBES = 4096
"""PyTorch counts how often a weight was written to, unless that is done behind its back (``.data``, NumPy). So of each
weight as many values are compared at every call: a change of one value in 500 is missed once in 3,600 times (0.998 to
the power 4096), and of a weight with no more values, never."""


class Weights:
    """Those that a call ran with, for later calls to be compared with."""

    def __init__(self, call: Call) -> None:
        """call: that ran. Large weights are looked at in places drawn at random."""
        self._tensors = _of(call)
        self._versions = list(map(_version, self._tensors))
        draw = np.random.default_rng()  # not torch's random state: that is the model's
        self._places = [
            None if own.numel() <= PROBES else torch.from_numpy(draw.integers(own.numel(), size=PROBES)).to(own.device)
            for own in self._tensors
        ]
        self._values = [_at(*pair).clone() for pair in zip(self._tensors, self._places, strict=True)]

    def same(self, call: Call) -> bool:
        """Whether ``call`` ran with them. What a hook makes is another at every call, maybe of the same values."""
        rows = zip(_of(call), self._tensors, self._versions, self._places, self._values, strict=True)
        return all(
            (own.data_ptr() == earlier.data_ptr() and _version(own) == version or _equal(own, earlier))
            and _equal(_at(own, places), values)
            for own, earlier, version, places, values in rows
        )


def _of(call: Call) -> list[Tensor]:
    return [value for row in call.blocks for weights in row for value in weights.values()]


def _version(weight: Tensor) -> int:
    return 0 if weight.is_inference() else weight._version


def _at(weight: Tensor, places: Tensor | None) -> Tensor:
    return weight if places is None else weight.take(places)


def _equal(one: Tensor, other: Tensor) -> bool:
    """A weight that is not a number is the same as it was."""
    return torch.equal(one, other) or torch.equal(one.nan_to_num(), other.nan_to_num())
