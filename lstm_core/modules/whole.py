"""A model with recurrent modules somewhere inside: one run, a trace for each of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lstm_core.modules.call import Call
from lstm_core.modules.compiled import eager, original, plain_name
from lstm_core.modules.gates import Gates
from lstm_core.modules.kinds import cell_of, recurrent_modules
from lstm_core.modules.rows import States, joined, origins, straight
from lstm_core.modules.tracing import finish
from lstm_core.modules.unchanged import unchanged
from lstm_core.modules.watch import Watch, called
from lstm_core.trace import Trace


@dataclass
class Visit:
    """One or more calls of a module that go on from each other.

    began, last: the states that the last of them began with and left; first: those before all of them. origins: for
    each call, (batch, 2), the step and the row that each row went on from (``Trace.continued``).
    """

    traces: list[Trace]
    began: States
    last: States
    first: States
    origins: list[np.ndarray]
    weights: list[tuple[Tensor, int]]

    def same_weights(self, weights: list[tuple[Tensor, int]]) -> bool:
        """Whether they are unchanged: then the copy that the trace holds will do for the next one. Those that a hook
        makes are others at every call, maybe with the same values."""
        pairs = zip(self.weights, weights, strict=True)
        return all(i == j if w.data_ptr() == v.data_ptr() else torch.equal(w, v) for (w, i), (v, j) in pairs)

    def origins_of(self, call: Call) -> np.ndarray | None:
        """What each row of ``call`` went on from; None if it begins anew."""
        if call.state is None or call.shape[1] != 1 or call.lengths is not None or self.traces[0].lengths is not None:
            return None
        left = straight(self.last, sum(map(len, self.traces)) - 1)
        return origins(
            call.initial, [(self.last, left), (self.began, self.origins[-1]), (self.first, straight(self.first, -1))]
        )

    def trace(self) -> Trace:
        """Of all its calls."""
        return joined(self.traces, self.origins) if len(self.traces) > 1 else self.traces[0]


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
        name if k == 0 else f"{name}#{k + 1}": visit.trace()
        for name, row in visits.items()
        for k, visit in enumerate(row)
    }
    if not traces:
        raise ValueError(f"the model did not run {', '.join(found)} on these inputs")
    return traces


def _note(visits: list[Visit], call: Call, gates: Gates | None) -> None:
    """Trace a call from what the module gave, as the next steps of an earlier one, the latest that it fits, or anew."""
    start = time.perf_counter()
    weights = [(w, 0 if w.is_inference() else w._version) for row in call.blocks for b in row for w in b.values()]
    alike = [visit for visit in reversed(visits) if visit.same_weights(weights)]
    trace = finish(call, gates, (), start, alike[0].traces[-1].layers if alike else None)
    began, last = ({name: value.clone() for name, value in states.items()} for states in (call.initial, call.last))
    for visit in alike:
        origin = visit.origins_of(call)
        if origin is not None:
            visit.traces.append(trace)
            visit.origins.append(origin)
            visit.began, visit.last = began, last
            return
    visits.append(Visit([trace], began, last, began, [straight(began, -1)], weights))
