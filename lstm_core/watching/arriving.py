"""What the loss sends back to a pass that was read: at its output and its last states, and from there through time.

The graph of a fused kernel has no h_t in it: autograd gives what comes in at the output of each step, and not what
comes back to it from later ones. That part is added here, when the backward pass is over and apart from it, by the
cell's own derivatives (``lstm_core.analysis.rerun.state_errors``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from lstm_core.analysis.rerun import state_errors
from lstm_core.modules.call import Call
from lstm_core.modules.kernels import run_layer
from lstm_core.modules.kinds import module_of
from lstm_core.modules.tracing import trace_module
from lstm_core.ops import host
from lstm_core.sequences import taken
from lstm_core.trace import Trace


@dataclass(frozen=True)
class Norms:
    """Of one direction: as ``Reading`` has them."""

    dh: np.ndarray
    ends: dict[str, float]


@dataclass(frozen=True)
class Layout:
    """How a module lays out what it gives. packed: without its data, where it gives one. count: how many sequences are
    read of it; None for all."""

    packed: PackedSequence | None
    batch_first: bool
    directions: int
    count: int | None

    @classmethod
    def of(cls, module: nn.RNNBase, output: Any, count: int) -> Layout:
        """Of what ``module`` gave for every step."""
        packed = isinstance(output, PackedSequence)
        empty = output._replace(data=torch.empty(0)) if packed else None
        return cls(empty, module.batch_first, 1 + module.bidirectional, None if packed else count)

    def steps(self, values: Tensor) -> np.ndarray:
        """(time, batch, directions * unit), a copy, of values that lie as the output."""
        if self.packed is not None:
            values = pad_packed_sequence(self.packed._replace(data=values))[0]
        elif values.ndim == 2:
            values = values[:, None]
        elif self.batch_first:
            values = values.transpose(0, 1)
        return _numbers(values[:, : self.count])

    def last(self, values: Tensor) -> np.ndarray:
        """(direction, batch, unit), a copy, the top layer's of values that lie as a last state."""
        return _numbers((values if values.ndim == 3 else values[:, None])[-self.directions :, : self.count])


def _numbers(values: Tensor) -> np.ndarray:
    return np.array(host(values), np.float64 if values.dtype is torch.float64 else np.float32)


class Arriving:
    """From the forward of one pass to the end of the first backward pass that goes through it. ``done`` is told of the
    norms of each direction, or of what stood in the way; nothing is done where ``wanted`` no longer says so."""

    def __init__(self, trace: Trace, layout: Layout, wanted: Callable[[], bool], done: Callable[[Any], None]) -> None:
        """trace: of the pass, of the sequences that are read; its top layer is what counts."""
        self._trace, self._layout, self._wanted, self._done = trace, layout, wanted, done
        self._above: np.ndarray | None = None
        self._last: dict[str, np.ndarray] = {}
        self._task = -1

    def wait(self, output: Tensor, last: dict[str, Tensor]) -> None:
        """output: the values that the module gave for every step; last: its last states by name."""
        for name, value in {"": output, **last}.items():
            if value.grad_fn is not None:  # not at the tensor: there a pass comes by that ends at it, and has no more
                value.grad_fn.register_prehook(self._hook(name, value.output_nr))

    def _hook(self, name: str, number: int) -> Callable[[tuple[Tensor | None, ...]], None]:
        def came(gradients: tuple[Tensor | None, ...]) -> None:
            gradient, task = gradients[number], torch._C._current_graph_task_id()
            if gradient is None or not self._wanted():
                return
            try:
                if task != self._task:  # which of them come, and in which order, is known when all of it is over
                    self._above, self._last = None, {}
                    engine: Any = torch.autograd.Variable
                    engine._execution_engine.queue_callback(self._over)
                    self._task = task  # another one may have ended in an error before that
                if name:
                    self._last[name] = self._layout.last(gradient)
                else:
                    self._above = self._layout.steps(gradient)
            except Exception as error:  # several gradients at once, of torch.autograd.functional's vectorize=True
                self._done(error)

        return came

    def _over(self) -> None:
        if not self._wanted():
            return
        try:
            found: Any = self._norms()
        except Exception as error:
            found = error
        self._done(found)

    def _norms(self) -> list[Norms]:
        trace, step, above = self._trace, taken(self._trace), self._above
        if above is None:
            like = next(iter(self._last.values()))
            above = np.zeros((*step.shape, self._layout.directions * trace.hidden_size), like.dtype)
        with np.errstate(all="ignore"):  # a loss may be infinite
            errors = state_errors(trace, above, self._last)
            return [
                _norms(error, own, step.sum(axis=0), way == 1)
                for way, (error, own) in enumerate(zip(errors, np.split(above, len(errors), axis=-1), strict=True))
            ]


def _norms(error: np.ndarray, own: np.ndarray, lengths: np.ndarray, backward: bool) -> Norms:
    """error: (time, batch, unit), the whole, and own, what came in at the output of the step itself."""
    size = np.linalg.norm(error.astype(np.float64), axis=-1)
    rows, at = np.arange(len(lengths)), (np.zeros_like(lengths), lengths - 1)
    first, last = at[::-1] if backward else at
    ends = {"first": float(size[first, rows].mean()), "last": float(size[last, rows].mean())}
    later = rows[lengths > 1]
    if len(later):
        carried = (error.astype(np.float64) - own)[first[later], later]
        ends["through time"] = float(np.linalg.norm(carried, axis=-1).mean())
    having = (np.arange(len(size))[:, None] < lengths).sum(axis=1)
    return Norms(size.sum(axis=1) / having, ends)


def drops(module: nn.RNNBase) -> bool:
    """Whether numbers are dropped between its layers."""
    return module.training and module.dropout > 0 and module.num_layers > 1


def with_dropout(
    trace: Trace, module: nn.RNNBase, given: tuple[Any, Any], layout: Layout, state: Tensor | None
) -> Trace:
    """The top layer of a pass as ``trace`` would have it with the numbers that were dropped below it.

    given: input and first state of the whole batch, for which the numbers are drawn. state: of torch's generator on the
    CPU before the pass. ``module`` rests.
    """
    assert state is not None
    random = torch.Generator()
    random.set_state(state)
    with torch.no_grad():
        call = Call(module, *given)
        x, keep = call.x, 1 - module.dropout
        for layer in range(call.shape[0] - 1):
            h = run_layer(call, layer, x)
            if layout.packed is None:
                kept = torch.empty_like(h).bernoulli_(keep, generator=random)
            else:
                drawn = h.new_empty(int(layout.packed.batch_sizes.sum()), h.shape[-1])
                drawn.bernoulli_(keep, generator=random)
                kept = pad_packed_sequence(layout.packed._replace(data=drawn))[0]
            x = h * kept / keep
        first = [value[-1, :, : layout.count].to(call.dtype) for value in call.initial.values()]
        top = module_of(trace.cell, trace.layers[-1:])
        x = x[:, : layout.count].to(call.dtype)
        return trace_module(top, x, first if len(first) > 1 else first[0], lengths=call.lengths)


def as_it_ran(trace: Trace, output: Tensor, layout: Layout, dropped: Callable[[], Trace] | None) -> Trace | None:
    """The trace whose top layer is what gave ``output``: ``trace``, which was made without dropout, or what ``dropped``
    makes; None where neither is."""
    try:
        trace = trace if dropped is None else dropped()
        own = np.stack(np.split(layout.steps(output.detach()), layout.directions, axis=-1))
    except Exception:  # an accelerator's numbers cannot be drawn again
        return None
    limit = None if trace.certificate is None else trace.certificate.limit
    if trace.broken is not None or limit is None:
        return None
    off = np.abs(np.where(taken(trace)[:, :, None], trace["h"][-1] - own, 0)).max()
    return trace if off <= limit * max(1.0, np.abs(own).max()) else None
