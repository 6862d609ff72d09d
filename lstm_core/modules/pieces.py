"""One layer in one direction, some steps at a time, by the module's own kernel."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from lstm_core.modules.call import Call
from lstm_core.modules.gates import Gates
from lstm_core.modules.run import Run
from lstm_core.modules.values import own


def pieces(time: int, steps: int, backward: bool) -> Iterator[tuple[int, int]]:
    """Spans of ``steps`` steps, in the order in which the module takes them."""
    starts = range(0, time, steps)
    for start in reversed(starts) if backward else starts:
        yield start, min(start + steps, time)


def begin(call: Call, gates: Gates, at: tuple[int, int], x: Tensor) -> Run:
    """The run of a layer and direction whose kernel was just called. x: (time, batch, input). Raises ValueError if the
    first layer's is not what the trace says that the module read."""
    if at[0] == 0 and x.data_ptr() != call.x.data_ptr() and not torch.equal(x, call.x):
        raise ValueError("the kernel reads something else than the module was given")
    c = gates["c"][at] if "c" in call.initial else None
    weights, backward = call.blocks[at[0]][at[1]], at[1] == 1
    run = Run(call.cell, weights, own(x), gates["h"][at], at, call.initial, backward, None, gates["gates"][at], c)
    gates.runs.append(run)
    return run


def given(call: Call, run: Run) -> Tensor:
    """What the module goes on with: not the trace's own h where others may hold it, and write to it."""
    return run.h if call.output_is_ours() else run.h.clone()
