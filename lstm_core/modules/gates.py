"""What a way gives of a call: the arrays of every signal, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lstm_core.modules.call import Call
from lstm_core.modules.run import Run
from lstm_core.stacked import GATES


class Gates:
    """``gates["gates"]`` (layer, direction, time, batch, k * hidden) in torch's order, and "h" and "c"; all that were
    not given are made when one is first asked for.

    method: the way's name. runs: each layer and direction, in torch's order, as the way has filled them in.
    """

    def __init__(self, call: Call, method: str) -> None:
        """call: that ran. method: the name of the way that read or computed the gates."""
        self.call, self.method = call, method
        self.runs: list[Run] = []
        self._made: dict[str, Tensor] = {}

    def __getitem__(self, name: str) -> Tensor:
        """The values of "gates", "h" or "c", on the module's device; made from ``runs`` if nobody has set them."""
        if name not in self._made:
            self._make()
        return self._made[name]

    def _make(self) -> None:
        call = self.call
        widths = {"gates": call.hidden * len(GATES[call.cell.name]), **call.sizes}
        shapes = {name: (*call.shape, width) for name, width in widths.items() if name not in self._made}
        if call.device.type == "cpu":
            kind = np.float64 if call.dtype is torch.float64 else np.float32
            made = [torch.from_numpy(np.empty(shape, kind)) for shape in shapes.values()]
        else:
            made = [torch.empty(shape, dtype=call.dtype, device=call.device) for shape in shapes.values()]
        self._made |= dict(zip(shapes, made, strict=True))

    def __setitem__(self, name: str, values: Tensor) -> None:
        """For a way that has the values of all layers in one tensor."""
        self._made[name] = values

    def lay_out(self, hidden: Sequence[Tensor], cells: Sequence[Tensor] | None = None) -> list[Run]:
        """``runs`` from h of every layer and direction, (time, batch, unit), and from c where it is known. Both go to
        their arrays; the gates are left to be filled in."""
        call = self.call
        layers, directions, _, _ = call.shape
        convert = {call.x.dtype, call.output.dtype, call.weight.dtype} != {call.dtype}

        def cast(tensor: Tensor) -> Tensor:
            return tensor.to(call.dtype) if convert else tensor

        def all_cast(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
            return {name: cast(value) for name, value in tensors.items()} if convert else tensors

        x, initial = cast(call.x), all_cast(call.initial)
        for layer in range(layers):
            row = self["h"][layer]
            for direction, h in enumerate(row):
                own, at = hidden[layer * directions + direction], (layer, direction)
                if own.data_ptr() != h.data_ptr():
                    h.copy_(own)
                c = self["c"][at] if "c" in initial else None
                if cells is not None and c is not None:
                    c.copy_(cells[layer * directions + direction])
                weights, gates = all_cast(call.blocks[layer][direction]), self["gates"][at]
                backward, given = direction == 1, cells is not None
                self.runs.append(Run(call.cell, weights, x, h, at, initial, backward, call.lengths, gates, c, given))
            if layer + 1 < layers:
                x = row[0] if directions == 1 else torch.cat(list(row), dim=-1)
        return self.runs

    def arrays(self, lengths: Tensor | None) -> dict[str, Tensor]:
        """Those of "gates", "h" and "c", with NaN at steps after the end of a sequence. lengths: (batch,) where they
        end, on the CPU; None if nowhere."""
        if lengths is not None:
            missing = (torch.arange(len(self.call.x))[:, None] >= lengths).to(self.call.device)
            for values in self._made.values():
                values[:, :, missing] = math.nan
        return self._made

    def named(self, arrays: Mapping[str, Any]) -> dict[str, Any]:
        """Every signal by name, in the order of the cell, as views of these ``arrays``."""
        cell, size = self.call.cell, self.call.hidden
        parts = {letter: arrays["gates"][..., k * size : (k + 1) * size] for k, letter in enumerate(GATES[cell.name])}
        parts |= {name: values for name, values in arrays.items() if name != "gates"}
        return {signal.name: parts[signal.name] for signal in cell.signals}
