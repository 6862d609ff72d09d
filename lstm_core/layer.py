"""A torch module that trains any cell: its own parameters, the same scan, fused kernels where torch has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from lstm_core import parallel
from lstm_core.cells.base import Cell, Param
from lstm_core.ops import TorchOps, parameters
from lstm_core.scan import scan


@dataclass(frozen=True)
class Fused:
    """torch's kernel for a whole sequence. ``order``: of the gates; ``hidden_bias``: the gates with a second bias."""

    kernel: Callable[..., Any]
    order: str
    hidden_bias: Mapping[str, str]

    def weights(self, p: Mapping[str, Tensor]) -> list[Tensor]:
        """weight_ih, weight_hh, bias_ih and bias_hh as torch packs them."""
        zero = torch.zeros_like(p[f"b_{self.order[0]}"])
        return [
            torch.cat([p[f"W_{k}"] for k in self.order]),
            torch.cat([p[f"U_{k}"] for k in self.order]),
            torch.cat([p[f"b_{k}"] for k in self.order]),
            torch.cat([p[self.hidden_bias[k]] if k in self.hidden_bias else zero for k in self.order]),
        ]


FUSED = {
    "lstm": Fused(torch.lstm, "ifgo", {}),
    "gru": Fused(torch.gru, "rzn", {"n": "b_hn"}),
    "rnn": Fused(torch.rnn_tanh, "a", {}),
}


class Layer(nn.Module):
    """``num_layers`` layers of ``cell``, one after another, in one or both directions.

    Hidden-to-hidden weights start orthogonal, input-to-hidden ones Glorot uniform, and vectors at 0 or at the value in
    ``cell.bias_init`` (Jozefowicz et al. 2015: a forget gate that starts open). What a cell declares as fixed is not
    trained.

    dropout: in training, the share of what goes into the first layer, from layer to layer and out of the last one that
    is set to zero; what goes from step to step is left alone (Zaremba et al. 2014, arXiv 1409.2329).
    """

    def __init__(
        self,
        cell: type[Cell],
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bidirectional: bool = False,
        fused: bool = True,
        dropout: float = 0.0,
    ) -> None:
        """fused: torch's own kernel or the parallel scan for the cells that have one; False runs the time loop."""
        super().__init__()
        self.cell = cell
        self.input_size, self.hidden_size = input_size, hidden_size
        self.fused = FUSED.get(cell.name) if fused else None
        self.scan = parallel.scan if fused and parallel.rule_of(cell) else scan
        self.dropout = nn.Dropout(dropout)
        directions = 2 if bidirectional else 1
        self.params = nn.ModuleList()
        for layer in range(num_layers):
            size = input_size if layer == 0 else directions * hidden_size
            self.params.append(
                nn.ModuleList(
                    nn.ParameterDict({param.name: self._start(param, size) for param in cell.params})
                    for _ in range(directions)
                )
            )

    def _start(self, param: Param, input_size: int) -> nn.Parameter:
        if param.fixed is not None:
            value = torch.as_tensor(param.fixed(self.hidden_size), dtype=torch.get_default_dtype())
            return nn.Parameter(value, requires_grad=False)
        value = torch.full(param.shape(input_size, self.hidden_size), float(self.cell.bias_init.get(param.name, 0.0)))
        if param.axes == ("hidden", "hidden"):
            nn.init.orthogonal_(value)
        elif value.ndim == 2:
            nn.init.xavier_uniform_(value)
        return nn.Parameter(value)

    def layers(self) -> list[list[dict[str, Tensor]]]:
        """The parameters as ``scan`` takes them: by layer, by direction, by name."""
        return [[dict(direction.items()) for direction in directions] for directions in self.params]  # type: ignore[union-attr]

    def parameters_numpy(self) -> list[list[dict[str, Any]]]:
        """A copy of the parameters as NumPy arrays, in the layout of ``Network.layers``."""
        return [
            [{name: value.detach().cpu().numpy().copy() for name, value in p.items()} for p in directions]
            for directions in self.layers()
        ]

    def forward(
        self, x: Tensor, state: Mapping[str, Tensor] | None = None, signals: bool = True
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """x: (time, batch, input). state: (layer, direction, batch, unit) by name; zeros where left out.

        Returns the top layer's output (time, batch, directions * hidden) and the signals, each (layer, direction, time,
        batch, unit). The fused kernels keep no cell state on the way, so theirs are h and all that ``cell.gates``
        computes, and with ``signals=False`` they leave out the gates as well.
        """
        ops = TorchOps(str(x.device))
        if self.fused is None:
            values, _ = self.scan(self.cell, self.layers(), x, state, ops, reads=self.dropout)
            return self.dropout(torch.cat(list(values[self.cell.output][-1]), dim=-1)), values
        found: dict[str, list[Tensor]] = {}
        for layer, directions in enumerate(self.layers()):
            inputs = self.dropout(x)
            x, old = self._run_fused(inputs, layer, directions, state)
            values = {"h": torch.stack(x.chunk(len(directions), dim=-1))}
            if signals:
                values |= self._gates(inputs, values["h"], old["h"], directions, ops)
            for name, value in values.items():
                found.setdefault(name, []).append(value)
        return self.dropout(x), {name: torch.stack(value) for name, value in found.items()}

    def _run_fused(
        self, x: Tensor, layer: int, directions: list[dict[str, Tensor]], state: Mapping[str, Tensor] | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """h of one layer (time, batch, directions * hidden) and the states it started from (direction, batch, unit)."""
        assert self.fused is not None
        zeros = x.new_zeros(len(directions), x.shape[1], self.hidden_size)
        given = state or {}
        old = {name: given[name][layer] if name in given else zeros for name in self.cell.states()}
        start = (old["h"], old["c"]) if "c" in old else old["h"]
        weights = [weight for p in directions for weight in self.fused.weights(p)]
        h = self.fused.kernel(x, start, weights, True, 1, 0.0, self.training, len(directions) == 2, False)[0]
        return h, old

    def _gates(
        self, x: Tensor, h: Tensor, first: Tensor, directions: list[dict[str, Tensor]], ops: TorchOps
    ) -> dict[str, Tensor]:
        """All gates of all steps at once, (direction, time, batch, unit): every h_{t-1} is known already."""
        parts = []
        for direction, p in enumerate(directions):
            edge = first[direction].unsqueeze(0)
            before = torch.cat([h[1][1:], edge] if direction else [edge, h[0][:-1]])
            parts.append(self.cell.gates(parameters(p), x, SimpleNamespace(h=before), ops))
        return {name: torch.stack([part[name] for part in parts]) for name in parts[0]}
