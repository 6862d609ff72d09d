"""The reference: ``lstm_core.scan`` over the module's weights, step by step, sequences of one length at a time."""

from __future__ import annotations

import math
from typing import Any

import torch

from lstm_core.modules.call import Call
from lstm_core.modules.gates import Gates
from lstm_core.modules.kinds import with_biases
from lstm_core.modules.precision import plain
from lstm_core.modules.proof import compare
from lstm_core.ops import TorchOps
from lstm_core.scan import scan
from lstm_core.stacked import GATES, split_weights


def loop(call: Call) -> Gates:
    """Works for every module; nothing of what the module computed is read. The module runs, unless it has."""
    if not call.ran:
        call.run()
    layers = [
        [
            {name: value.to(call.dtype) for name, value in split_weights(call.cell, with_biases(weights)).items()}
            for weights in row
        ]
        for row in call.blocks
    ]
    time, batch = call.shape[2:]
    lengths = torch.full((batch,), time) if call.lengths is None else call.lengths
    x, signals = call.x.to(call.dtype), {}
    for length in lengths.unique().tolist():
        at = torch.nonzero(lengths == length).flatten().to(call.device)
        state = {name: value[:, :, at].to(call.dtype) for name, value in call.initial.items()}
        with plain(call):
            part, _ = scan(call.cell, layers, x[:length, at], state, TorchOps(str(call.device)))
        for name, value in part.items():
            whole = signals.setdefault(name, value.new_full((*value.shape[:2], time, batch, value.shape[-1]), math.nan))
            whole[:, :, :length, at] = value
    return _laid_out(call, signals)


def _laid_out(call: Call, signals: dict[str, Any]) -> Gates:
    """The scan's signals as a way gives them. After the end of a sequence a state stands as the kernels leave it, so
    that the backward direction finds the initial one before its first step."""
    gates = Gates(call, "loop")
    states = {name: signals[name].clone() for name in call.initial}
    if call.lengths is not None:
        for name, values in states.items():
            last, first = call.last[name].to(values), call.initial[name].to(values)
            for direction, state in enumerate((last, first)[: call.shape[1]]):
                filled = torch.where(values[:, direction].isnan(), state[:, direction, None], values[:, direction])
                values[:, direction] = filled
    gates["gates"] = torch.cat([signals[letter] for letter in GATES[call.cell.name]], dim=-1)
    h, c = states["h"].flatten(0, 1), states.get("c")
    for run in gates.lay_out(list(h), None if c is None else list(c.flatten(0, 1))):
        for start, stop in run.blocks():
            compare(run, start, stop)
    return gates
