"""A model with recurrent modules somewhere inside: one run, a trace for each of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from lstm_core.modules.call import Call
from lstm_core.modules.compiled import eager, original, plain_name
from lstm_core.modules.forced import returned
from lstm_core.modules.gates import Gates
from lstm_core.modules.keep import EVERYTHING, Keep
from lstm_core.modules.kinds import cell_of, pass_instead, recurrent_modules
from lstm_core.modules.rows import Given, Moment, Origin, joined, origin, straight
from lstm_core.modules.tracing import finish
from lstm_core.modules.unchanged import unchanged
from lstm_core.modules.watch import Watch, called
from lstm_core.modules.weights import Weights
from lstm_core.trace import Trace

Forced = Callable[[str, Trace, int], Trace | None]


class Forcing(Protocol):
    """See ``lstm_core.analysis.forcing``."""

    def begin(self, modules: Sequence[str]) -> set[str]:
        """Names of the modules to force, of those that the model has. Raises ValueError for one that it lacks."""
        ...

    def __call__(self, name: str, trace: Trace, start: int) -> Trace | None:
        """The trace of a call as it is with its signals forced, from its step ``start`` on; None if nothing is."""

    def end(self, names: Iterable[str]) -> None:
        """Told of the traces that there were. Raises ValueError if something to force was not among them."""


UNDECIDED = (
    "the state that it begins with is, bit by bit, one that an earlier sequence may have left, and no tensor says "
    "whose it is; it stands by itself"
)


@dataclass
class Visit:
    """One or more calls of a module that go on from each other.

    began, last: the states that the last of them began with and left; first: those before all of them. origins: for
    each call, (batch, 2), the step and the row that each row went on from (``Trace.continued``). steps: of all calls.
    """

    traces: list[Trace]
    began: Moment
    last: Moment
    first: Moment
    origins: list[np.ndarray]
    weights: Weights
    steps: int

    @classmethod
    def begun(cls, trace: Trace, call: Call, weights: Weights) -> Visit:
        """With its first call."""
        first = Moment(call.initial, straight(call.initial, -1), call.given_tensors)
        last = Moment(call.last, straight(call.last, len(trace) - 1), call.left_tensors)
        return cls([trace], first, last, first, [first.places], weights, len(trace))

    def go_on(self, trace: Trace, call: Call, rows: np.ndarray) -> None:
        """With another call, and what each row of it went on from."""
        self.traces.append(trace)
        self.steps += len(trace)
        self.origins.append(rows)
        self.began = Moment(call.initial, rows, call.given_tensors)
        self.last = Moment(call.last, straight(call.last, self.steps - 1), call.left_tensors)

    def origin(self, given: Given) -> Origin | None:
        """What each row of a call may have gone on from; None if it begins anew."""
        return None if self.traces[0].lengths is not None else origin(given, self.last, self.began, self.first)

    def trace(self) -> Trace:
        """Of all its calls."""
        return joined(self.traces, self.origins) if len(self.traces) > 1 else self.traces[0]


class Visits:
    """What one module inside a model did, call by call. name: the module's.

    force: what its steps would have been if some signals had been forced (``lstm_core.analysis.forcing``). keep: what
    of its traces, and where.
    """

    def __init__(self, name: str, force: Forced | None = None, keep: Keep = EVERYTHING) -> None:
        """Nothing has run yet; ``visits`` fills with the calls."""
        self.name, self.force, self.keep = name, force, keep
        self.visits: list[Visit] = []
        self.traced: Trace | None = None  # of a call that was forced, before it is noted

    def traces(self) -> dict[str, Trace]:
        """By name: of the second visit, "name#2"."""
        return {self._called(k): visit.trace() for k, visit in enumerate(self.visits)}

    def instead(self, call: Call, gates: Gates | None, own: Any) -> Any:
        """What the model gets where something is forced, in the place of what the module returned; None elsewhere."""
        assert self.force is not None
        trace, (visit, *_) = self._trace(call, gates), self._place(call)
        name = self._called(len(self.visits) if visit is None else self.visits.index(visit))
        after = self.force(name, trace, 0 if visit is None else visit.steps)
        self.traced = trace if after is None else after
        return None if after is None else returned(call, own, trace, after)

    def note(self, call: Call, gates: Gates | None) -> None:
        """Trace a call from what the module gave, as the next steps of a visit, or as a new one."""
        visit, rows, said = self._place(call)
        call.assumed += said
        trace, self.traced = self.traced, None
        if trace is None:
            trace = self._trace(call, gates)
        else:  # what a hook did since then is to be said as well
            trace = replace(trace, assumed=tuple(dict.fromkeys((*trace.assumed, *call.assumed))))
        if visit is not None:
            visit.go_on(trace, call, rows)
        else:
            alike = self._alike(call)
            self.visits.append(Visit.begun(trace, call, alike[0].weights if alike else Weights(call)))

    def _called(self, k: int) -> str:
        return self.name if k == 0 else f"{self.name}#{k + 1}"

    def _alike(self, call: Call) -> list[Visit]:
        """The visits with the same weights, the latest first."""
        same = {key: weights.same(call) for key, weights in {id(v.weights): v.weights for v in self.visits}.items()}
        return [visit for visit in reversed(self.visits) if same[id(visit.weights)]]

    def _trace(self, call: Call, gates: Gates | None) -> Trace:
        start, alike = time.perf_counter(), self._alike(call)
        return finish(call, gates, (), start, alike[0].traces[-1].layers if alike else None, self.keep)

    def _place(self, call: Call) -> tuple[Visit | None, Any, tuple[str, ...]]:
        """The visit that ``call`` goes on from, what each of its rows does, and what is to be said of that. None if it
        begins anew, and where it may have gone on from several: sequences are never mixed."""
        if call.state is None or call.shape[1] != 1 or call.lengths is not None:
            return None, None, ()
        given = Given(call.initial, call.given_tensors)
        found = []
        for visit in self._alike(call):
            one = visit.origin(given)
            if one is None:
                continue
            if one.handed == 2 and one.straight == len(one.rows):
                return visit, one.rows, ()
            found.append((one.handed, one.straight, visit, one))
        if not found:
            return None, None, ()
        handed, left, visit, one = max(found, key=lambda each: each[:2])
        if not handed and one.first:  # the state of a loop that begins
            return None, None, () if given.lies_in(visit.first.memory) else (UNDECIDED,)
        if sum(each[:2] == (handed, left) for each in found) > 1:
            return None, None, (UNDECIDED,)
        return visit, one.rows, ()


def to_trace(model: nn.Module) -> dict[str, nn.Module]:
    """The recurrent modules of ``model`` by name, all of which can be traced. Raises ValueError if there is none,
    TypeError for one that cannot be."""
    found = {plain_name(name): module for name, module in recurrent_modules(model).items()}
    if not found:
        raise ValueError(f"{type(model).__name__} contains no recurrent module; {pass_instead(model)}")
    for name, module in found.items():
        with called(name or "the model"):
            cell_of(module)
    return found


def trace_whole(
    model: nn.Module,
    inputs: Sequence[Any],
    named: Mapping[str, Any],
    forcing: Forcing | None = None,
    keep: Keep = EVERYTHING,
) -> tuple[dict[str, Trace], Any]:
    """The traces, and what the model returned; see ``lstm_core.trace_all``."""
    model = original(model)
    found = to_trace(model)
    forced = forcing.begin(list(found)) if forcing else set()
    visits = {name: Visits(name, forcing if name in forced else None, keep) for name in found}
    with torch.no_grad(), eager(), unchanged(model), ExitStack() as watches:
        for name, module in found.items():
            one = visits[name]
            instead = one.instead if name in forced else None
            watches.enter_context(Watch(module, one.note, name=name or "the model", instead=instead))
        output = model(*inputs, **named)
    traces = {name: trace for one in visits.values() for name, trace in one.traces().items()}
    if not traces:
        raise ValueError(f"the model did not run {', '.join(found)} on these inputs")
    if forcing:
        forcing.end(traces)
    return traces, output
