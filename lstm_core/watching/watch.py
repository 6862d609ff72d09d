"""Every so many forward passes in training, the recurrent modules' run is traced and its health is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from lstm_core.analysis.health import health
from lstm_core.modules.compiled import Hook, plain_name
from lstm_core.modules.kinds import being_traced, going_back, recurrent_modules
from lstm_core.modules.tracing import trace_module
from lstm_core.say import say
from lstm_core.watching.reading import Reading, Skipped, sink


class Watching:
    """A model that is watched, until ``close`` is called or the ``with`` block ends. step: forward passes so far.
    skipped: the steps that could not be read, and why."""

    def __init__(self, model: nn.Module, every: int, to: Any, sequences: int, counts: bool = True) -> None:
        """counts: whether a forward pass of the model begins a step; if not, ``begins`` has to be called."""
        if every < 1 or sequences < 1:
            raise ValueError(say("every and sequences must be at least 1"))
        found = {plain_name(name): inner for name, inner in recurrent_modules(model).items()}
        modules = {name: inner for name, inner in found.items() if isinstance(inner, nn.RNNBase)}
        if not modules:
            raise ValueError(say("the model has no nn.LSTM, nn.GRU or nn.RNN to watch"))
        self.step, self.skipped = 0, list[Skipped]()
        self._every, self._sequences, self._sink = every, sequences, sink(to)
        self._due: set[str] = set()
        self._waiting: dict[str, list[Reading]] = {}
        self._handles: list[Any] = []
        if counts:
            self._handles.append(model.register_forward_pre_hook(Hook(lambda model, inputs: self.begins(model))))
        for name, inner in modules.items():
            self._handles.append(inner.register_forward_hook(Hook(self._of(name)), with_kwargs=True))
        self._modules = modules

    def __enter__(self) -> Watching:
        """Itself, so that ``with lstm_core.watch(...) as watching`` can be written."""
        return self

    def __exit__(self, *error: object) -> None:
        """Closes; nothing that was raised is held back."""
        self.close()

    def close(self) -> None:
        """Watch no longer; what waits for its gradient is given without one."""
        for handle in self._handles:
            handle.remove()
        self._flush()

    def _flush(self) -> None:
        for readings in self._waiting.values():
            for reading in readings:
                self._sink(reading)
        self._waiting = {}

    def begins(self, model: nn.Module) -> None:
        """A step of training begins; nothing is counted while the model is in ``eval()``, is traced, or runs once more
        for its gradient, as a checkpoint does."""
        if not model.training or going_back() or any(map(being_traced, self._modules.values())):
            return
        if self.step % self._every == 0:
            self._flush()
            self._due = set(self._modules)
        self.step += 1

    def _of(self, name: str) -> Callable[..., None]:
        def ran(module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
            if name in self._due and not being_traced(module):
                self._due.discard(name)  # before anything else: what follows runs the module again
                self._read(name, module, inputs, named, output)

        return ran

    def _read(self, name: str, module: Any, inputs: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
        x, state = [*inputs, *named.values(), None][:2]
        step, was = self.step - 1, module.training
        module.eval()  # dropout between the layers would be drawn anew, and cannot be traced
        try:
            trace = trace_module(module, *_some(module, x, state, self._sequences))
            found = [Reading(step, name, one.layer, one.direction, one, None) for one in health(trace, spectra=False)]
        except Exception as error:  # whatever it is, the training goes on as if nobody watched
            self.skipped.append(Skipped(step, name, str(error)))
            self._sink(self.skipped[-1])
            return
        finally:
            module.train(was)
        values = output[0].data if isinstance(output[0], PackedSequence) else output[0]
        if not values.requires_grad or isinstance(output[0], PackedSequence):
            for reading in found:
                self._sink(reading)
            return
        self._waiting[name] = found
        top = len(trace.layers) - 1
        batch_first = module.batch_first and values.ndim == 3

        def came(gradient: Tensor) -> None:
            if self._waiting.get(name) is not found:
                return
            del self._waiting[name]
            norms = _norms(gradient, batch_first, 1 + module.bidirectional)
            for one in found:
                dh = norms[one.direction] if one.layer == top else None
                self._sink(Reading(one.step, one.name, one.layer, one.direction, one.health, dh))

        values.register_hook(came)


def _some(module: Any, x: Any, state: Any, count: int) -> tuple[Any, Any]:
    """The first sequences of a batch, detached."""
    if isinstance(x, PackedSequence):
        return PackedSequence(x.data.detach(), *x[1:]), _detached(state)
    if x.ndim == 2:
        return x.detach(), _detached(state)
    state = _detached(state, count)
    return (x[:count] if module.batch_first else x[:, :count]).detach(), state


def _detached(state: Any, count: int | None = None) -> Any:
    if state is None:
        return None
    if isinstance(state, tuple | list):
        return tuple(_detached(one, count) for one in state)
    return state.detach() if count is None else state[:, :count].detach().contiguous()


def _norms(gradient: Tensor, batch_first: bool, directions: int) -> np.ndarray:
    """(direction, time): the Euclidean norm over the units, the mean over the sequences."""
    with torch.no_grad():
        values = gradient if gradient.ndim == 3 else gradient[:, None]
        values = values.transpose(0, 1) if batch_first else values
        parts = values.float().reshape(*values.shape[:2], directions, -1)
        return parts.norm(dim=-1).mean(1).T.cpu().numpy()
