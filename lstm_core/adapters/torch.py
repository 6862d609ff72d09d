"""torch.nn's recurrent modules: their weights as ours, and a trace with the proof that it is the module's own run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from lstm_core.cells import CELLS
from lstm_core.cells.base import Cell
from lstm_core.ops import TorchOps
from lstm_core.scan import scan
from lstm_core.text import Token
from lstm_core.trace import Trace

GATES = {"rnn": "a", "lstm": "ifgo", "gru": "rzn"}
"""The order in which torch stacks the blocks of its weights."""

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-4, torch.bfloat16: 5e-2, torch.float16: 1e-2}
"""By how much traced and fused hidden states may differ before a trace is refused."""


def split_weights(cell: type[Cell], weights: Mapping[str, Any]) -> dict[str, Any]:
    """Our parameters from torch's of one layer and direction.

    weights: weight_ih (k * hidden, input), weight_hh (k * hidden, hidden) and, unless the module has none, bias_ih and
    bias_hh (k * hidden,), for the k blocks of ``GATES``. The two biases are added where they only ever act as a sum.
    """
    letters = GATES[cell.name]
    hidden = weights["weight_ih"].shape[0] // len(letters)
    zero = weights["weight_ih"].new_zeros(hidden)
    params: dict[str, Any] = {}
    for k, letter in enumerate(letters):
        rows = slice(k * hidden, (k + 1) * hidden)
        bias_ih = weights["bias_ih"][rows] if "bias_ih" in weights else zero
        bias_hh = weights["bias_hh"][rows] if "bias_hh" in weights else zero
        inside = f"b_h{letter}" in {param.name for param in cell.params}
        params[f"W_{letter}"] = weights["weight_ih"][rows]
        params[f"U_{letter}"] = weights["weight_hh"][rows]
        params[f"b_{letter}"] = bias_ih if inside else bias_ih + bias_hh
        if inside:
            params[f"b_h{letter}"] = bias_hh
    return params


def cell_of(module: nn.Module) -> type[Cell]:
    """The cell that ``module`` computes; TypeError, with the reason, if it is none that can be traced."""
    if isinstance(module, nn.LSTM) and module.proj_size == 0:
        return CELLS["lstm"]
    if isinstance(module, nn.GRU):
        return CELLS["gru"]
    if isinstance(module, nn.RNN) and module.nonlinearity == "tanh":
        return CELLS["rnn"]
    raise TypeError(f"{type(module).__name__} cannot be traced: nn.LSTM (proj_size=0), nn.GRU and nn.RNN (tanh) can")


def layers_of(module: nn.RNNBase) -> list[list[dict[str, torch.Tensor]]]:
    """The module's parameters by layer, direction and name. Views of the module's own where it has them so."""
    cell = cell_of(module)
    kinds = ("weight_ih", "weight_hh", *(("bias_ih", "bias_hh") if module.bias else ()))
    return [
        [
            split_weights(cell, {kind: getattr(module, f"{kind}_l{layer}{suffix}").detach() for kind in kinds})
            for suffix in ("", "_reverse")[: 2 if module.bidirectional else 1]
        ]
        for layer in range(module.num_layers)
    ]


def trace_module(module: nn.RNNBase, x: torch.Tensor, state: Any = None, tokens: tuple[Token, ...] = ()) -> Trace:
    """Trace ``module`` on ``x``: (time, batch, input), (batch, time, input) if batch_first, or (time, input).

    state: what the module takes, ``(h_0, c_0)`` or ``h_0``.

    Raises TypeError for a module of another kind, ValueError while dropout is active (the run would not be the module's
    next one), RuntimeError if the trace differs from the module's output by more than the precision allows.
    """
    cell = cell_of(module)
    if module.training and module.dropout > 0 and module.num_layers > 1:
        raise ValueError("dropout is active, so two runs differ; call module.eval() first")
    layers = layers_of(module)
    directions = 2 if module.bidirectional else 1
    with torch.no_grad():
        output, _ = module(x, state)
        start = time.perf_counter()
        batched = x if x.dim() == 3 else x.unsqueeze(1)
        if x.dim() == 3 and module.batch_first:
            batched, output = batched.transpose(0, 1), output.transpose(0, 1)
        given = () if state is None else state if isinstance(state, tuple) else (state,)
        shape = (module.num_layers, directions, batched.shape[1], module.hidden_size)
        names = [name for name in ("h", "c") if name in cell.states()]
        initial = {name: value.reshape(shape) for name, value in zip(names, given, strict=False)}
        initial = {name: initial.get(name, batched.new_zeros(shape)) for name in names}
        signals, _ = scan(cell, layers, batched, initial, TorchOps(str(x.device)))
        seconds = time.perf_counter() - start
        top = torch.cat(list(signals["h"][-1]), dim=-1)
        error = float((top - output.reshape(top.shape)).abs().max()) if top.numel() else 0.0
    if not error <= TOLERANCE[x.dtype]:
        raise RuntimeError(
            f"the trace differs from the module's own output by {error:.2g}, more than {TOLERANCE[x.dtype]:.0e} "
            f"allows in {x.dtype}, so it is not shown"
        )

    def numpy(tensor: torch.Tensor) -> np.ndarray:
        return (tensor.float() if tensor.dtype is torch.bfloat16 else tensor).cpu().numpy()

    return Trace(
        cell,
        {name: numpy(value) for name, value in signals.items()},
        numpy(batched),
        [[{name: numpy(value) for name, value in params.items()} for params in row] for row in layers],
        {name: numpy(value) for name, value in initial.items()},
        tokens,
        str(x.device),
        seconds,
        error,
    )
