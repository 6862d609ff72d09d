"""Where the signals of a trace of a torch module go."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from lstm_core.modules.allocation import empty
from lstm_core.modules.call import Call
from lstm_core.stacked import GATES


class Arrays:
    """``arrays["gates"]`` (layer, direction, time, batch, k * hidden) in torch's order, and "h" and "c"; all
    that were not given are made when one is first asked for.
    """

    def __init__(self, call: Call) -> None:
        self.call = call
        self._made: dict[str, Tensor] = {}

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._made:
            self._make()
        return self._made[name]

    def _make(self) -> None:
        call = self.call
        widths = {"gates": call.hidden * len(GATES[call.cell.name]), **call.sizes}
        shapes = {name: (*call.shape, width) for name, width in widths.items() if name not in self._made}
        if call.device.type == "cpu":
            kind = np.float64 if call.dtype is torch.float64 else np.float32
            made = [torch.from_numpy(values) for values in empty([*shapes.values()], kind)]
        else:
            made = [torch.empty(shape, dtype=call.dtype, device=call.device) for shape in shapes.values()]
        self._made |= dict(zip(shapes, made, strict=True))

    def __setitem__(self, name: str, values: Tensor) -> None:
        self._made[name] = values

    def signals(self) -> dict[str, np.ndarray]:
        """Every signal by name, in the order of the cell; NaN at steps after the end of a sequence."""
        cell, lengths = self.call.cell, self.call.lengths
        if lengths is not None:
            missing = (torch.arange(len(self.call.x))[:, None] >= lengths).to(self.call.device)
            for values in self._made.values():
                values[:, :, missing] = math.nan
        letters = GATES[cell.name]
        made = {name: values.cpu().numpy() for name, values in self._made.items()}
        gates, size = made.pop("gates"), self.call.hidden
        parts = {letter: gates[..., k * size : (k + 1) * size] for k, letter in enumerate(letters)} | made
        return {signal.name: parts[signal.name] for signal in cell.signals}
