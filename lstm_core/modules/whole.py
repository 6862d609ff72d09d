"""A model with recurrent modules somewhere inside: one run, a trace for each of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from lstm_core.modules.arrays import Arrays
from lstm_core.modules.call import Call
from lstm_core.modules.chunks import join
from lstm_core.modules.compiled import eager, original, plain_name
from lstm_core.modules.kinds import cell_of, recurrent_modules
from lstm_core.modules.tracing import finish
from lstm_core.modules.unchanged import unchanged
from lstm_core.modules.watch import Watch, called
from lstm_core.trace import Trace


@dataclass
class Visit:
    """One or more calls of a module that go on from each other, and the state that the last of them left."""

    traces: list[Trace]
    last: dict[str, Tensor]
    weights: list[tuple[Tensor, int]]

    def same_weights(self, weights: list[tuple[Tensor, int]]) -> bool:
        """Whether they are unchanged: then the copy that the trace holds will do for the next one. Those that a hook
        makes are others at every call, maybe with the same values."""
        pairs = zip(self.weights, weights, strict=True)
        return all(i == j if w.data_ptr() == v.data_ptr() else torch.equal(w, v) for (w, i), (v, j) in pairs)

    def goes_on(self, call: Call) -> bool:
        return (
            call.shape[1] == 1
            and call.lengths is None
            and self.traces[0].lengths is None
            and call.initial.keys() == self.last.keys()
            and all(torch.equal(call.initial[name], value) for name, value in self.last.items())
        )


def trace_whole(model: nn.Module, inputs: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Trace]:
    """See ``lstm_core.trace_all``."""
    model = original(model)
    found = {plain_name(name): module for name, module in recurrent_modules(model).items()}
    if not found:
        raise ValueError(f"{type(model).__name__} contains no recurrent module")
    for name, module in found.items():
        with called(name or "the model"):
            cell_of(module)
    visits: dict[str, list[Visit]] = {name: [] for name in found}
    with torch.no_grad(), eager(), unchanged(model), ExitStack() as watches:
        for name, module in found.items():
            watches.enter_context(Watch(module, partial(_note, visits[name]), name=name or "the model"))
        model(*inputs, **named)
    traces = {
        name if k == 0 else f"{name}#{k + 1}": join(visit.traces) if len(visit.traces) > 1 else visit.traces[0]
        for name, row in visits.items()
        for k, visit in enumerate(row)
    }
    if not traces:
        raise ValueError(f"the model did not run {', '.join(found)} on these inputs")
    return traces


def _note(visits: list[Visit], call: Call, arrays: Arrays, capture: None) -> None:
    """Trace a call from what the module gave, as the next steps of the one before or anew."""
    start = time.perf_counter()
    weights = [(w, 0 if w.is_inference() else w._version) for row in call.blocks for b in row for w in b.values()]
    like = visits[-1].traces[-1] if visits and visits[-1].same_weights(weights) else None
    trace = finish(call, arrays, capture, (), start, like)
    last = {name: value.clone() for name, value in call.last.items()}
    if like is not None and visits[-1].goes_on(call):
        visits[-1].traces.append(trace)
        visits[-1].last = last
    else:
        visits.append(Visit([trace], last, weights))
