"""A model with recurrent modules somewhere inside: one run, a trace for each of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lstm_core.modules.arrays import Arrays
from lstm_core.modules.call import Call
from lstm_core.modules.chunks import join
from lstm_core.modules.kinds import cell_of, recurrent_modules
from lstm_core.modules.tracing import finish
from lstm_core.modules.unchanged import unchanged
from lstm_core.trace import Trace


@dataclass
class Visit:
    """One or more calls of a module that go on from each other, and the state that the last of them left."""

    traces: list[Trace]
    last: dict[str, Tensor]
    weights: list[tuple[Tensor, int]]

    def same_weights(self, weights: list[tuple[Tensor, int]]) -> bool:
        """Whether they are the same tensors, unchanged: then the copy that the trace holds will do for the next one."""
        pairs = zip(self.weights, weights, strict=True)
        return all(w.data_ptr() == v.data_ptr() and i == j for (w, i), (v, j) in pairs)

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
    found = recurrent_modules(model)
    if not found:
        raise ValueError(f"{type(model).__name__} contains no recurrent module")
    for name, module in found.items():
        try:
            cell_of(module)
        except TypeError as error:
            raise TypeError(f"{name or 'the model'}: {error}") from None
    visits: dict[str, list[Visit]] = {name: [] for name in found}

    def hook(name: str) -> Any:
        def note(module: nn.Module, args: tuple[Any, ...], given: dict[str, Any], output: Any) -> None:
            start = time.perf_counter()
            bound = dict(zip(("input", "hx"), args, strict=False)) | given
            with torch.no_grad():
                try:
                    call = Call(module, bound["input"], bound.get("hx"))
                    call.take(output)
                    _note(visits[name], call, start)
                except (RuntimeError, ValueError, TypeError) as error:
                    raise type(error)(f"{name or 'the model'}: {error}") from error

        return note

    handles = []
    try:
        for name, module in found.items():
            handles.append(module.register_forward_hook(hook(name), with_kwargs=True, prepend=True))
        with unchanged(model), torch.no_grad():
            model(*inputs, **named)
    finally:
        for handle in handles:
            handle.remove()
    traces = {
        name if k == 0 else f"{name}#{k + 1}": join(visit.traces) if len(visit.traces) > 1 else visit.traces[0]
        for name, row in visits.items()
        for k, visit in enumerate(row)
    }
    if not traces:
        raise ValueError(f"the model did not run {', '.join(found)} on these inputs")
    return traces


def _note(visits: list[Visit], call: Call, start: float) -> None:
    """Trace a call from what the module gave, as the next steps of the one before or anew."""
    weights = [(w, w._version) for row in call.blocks for block in row for w in block.values()]
    like = visits[-1].traces[-1] if visits and visits[-1].same_weights(weights) else None
    trace = finish(call, Arrays(call), None, (), start, like)
    last = {name: value.clone() for name, value in call.last.items()}
    if like is not None and visits[-1].goes_on(call):
        visits[-1].traces.append(trace)
        visits[-1].last = last
    else:
        visits.append(Visit([trace], last, weights))
