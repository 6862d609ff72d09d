"""Every so many forward passes in training, the recurrent modules' run is traced and its health is read."""

from __future__ import annotations

import threading
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from lstm_core.analysis.health import health
from lstm_core.modules.arguments import given
from lstm_core.modules.compiled import Hook, plain_name
from lstm_core.modules.kinds import being_traced, going_back, recurrent_modules
from lstm_core.modules.tracing import trace_module
from lstm_core.say import say
from lstm_core.watching.arriving import Arriving, Layout, Norms, as_it_ran, drops, with_dropout
from lstm_core.watching.reading import Reading, Skipped, called, sink

_one = threading.RLock()
"""Held while a module is read: another thread that came then would take it for one in ``eval()``, and leave it so."""


class Watching:
    """A model that is watched, until ``close`` is called or the ``with`` block ends. step: forward passes so far.
    skipped: the steps that could not be read, and why. failed: what was raised where the readings go, with its
    traceback; steps are counted, and no more are read. "" where nothing was."""

    def __init__(self, model: nn.Module, every: int, to: Any, sequences: int, counts: bool = True) -> None:
        """counts: whether a forward pass of the model begins a step; if not, ``begins`` has to be called."""
        if every < 1 or sequences < 1:
            raise ValueError(say("every and sequences must be at least 1"))
        found = {plain_name(name): inner for name, inner in recurrent_modules(model).items()}
        modules = {name: inner for name, inner in found.items() if isinstance(inner, nn.RNNBase)}
        if found and all(isinstance(inner, nn.RNNCellBase) for inner in found.values()):
            names = ", ".join(name or type(inner).__name__ for name, inner in found.items())
            raise ValueError(
                say(
                    "the model has no nn.LSTM, nn.GRU or nn.RNN to watch, only cells that are called step by step "
                    "({names}), which are not watched: trace them with lstm_core.trace_all(model, ...) in a step of "
                    "your own, and read the traces with lstm_core.analysis.health",
                    names=names,
                )
            )
        if not modules:
            raise ValueError(say("the model has no nn.LSTM, nn.GRU or nn.RNN to watch"))
        self.step, self.skipped, self.failed = 0, list[Skipped](), ""
        self._every, self._sequences, self._sink, self._to = every, sequences, sink(to), called(to)
        self._giving = False
        self._modes = _modes()
        self._due: set[str] = set()
        self._random: dict[str, Tensor] = {}  # the generator's state before a pass in which numbers are dropped
        self._waiting: dict[str, list[Reading]] = {}
        self._handles: list[Any] = []
        if counts:
            self._handles.append(model.register_forward_pre_hook(Hook(lambda model, inputs: self.begins(model))))
        for name, inner in modules.items():
            if inner.dropout and inner.num_layers > 1:
                self._handles.append(inner.register_forward_pre_hook(Hook(self._before(name))))
            self._handles.append(inner.register_forward_hook(Hook(self._of(name)), prepend=True, with_kwargs=True))
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
        waiting, self._waiting = self._waiting, {}
        for readings in waiting.values():
            self._give(readings)

    def _give(self, readings: Iterable[Reading | Skipped]) -> None:
        """To where they go, with gradients on or off as in the step: most are given inside a backward pass, where they
        are off. What is raised there is no matter of the training, which goes on; nor are passes of the model that are
        made there, which would be read and given in turn."""
        inference, gradients = self._modes
        for reading in readings:
            if self.failed:
                return
            giving, self._giving = self._giving, True
            try:
                with torch.inference_mode(inference), torch.set_grad_enabled(gradients):
                    self._sink(reading)
            except Exception as error:
                self.failed = traceback.format_exc()  # the error itself would keep all that its frames hold
                self._due, self._waiting = set(), {}
                told = {"to": self._to, "kind": type(error).__name__, "error": _said(error)}
                says = say(
                    "{to}, which the readings of lstm_core.watch are given to, raised {kind}: {error}; the training "
                    "goes on and is watched no more",
                    **told,
                )
                warnings.warn(says, RuntimeWarning, stacklevel=2)
            finally:
                self._giving = giving

    def _skip(self, step: int, name: str, error: Exception) -> None:
        self.skipped.append(Skipped(step, name, _said(error)))
        self._give(self.skipped[-1:])

    def begins(self, model: nn.Module) -> None:
        """A step of training begins; nothing is counted while the model is in ``eval()``, is traced, is run by what the
        readings go to, or runs once more for its gradient, as a checkpoint does."""
        if not model.training or self._giving or going_back() or any(map(being_traced, self._modules.values())):
            return
        if self.step % self._every == 0:
            self._flush()
            self._due = set() if self.failed else set(self._modules)
            self._modes = _modes()
        self.step += 1

    def _of(self, name: str) -> Callable[..., None]:
        def ran(module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
            if name in self._due and not self._giving and not being_traced(module):
                self._due.discard(name)  # before anything else: what follows runs the module again
                self._read(name, module, inputs, named, output)

        return ran

    def _before(self, name: str) -> Callable[..., None]:
        def runs(module: nn.Module, inputs: tuple[Any, ...]) -> None:
            if name in self._due and not self._giving and not being_traced(module):
                self._random[name] = torch.get_rng_state()

        return runs

    def _read(self, name: str, module: Any, inputs: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
        x, state = given(inputs, named)
        step, random = self.step - 1, self._random.pop(name, None)
        dropping, found = drops(module), list[Reading]()

        def done(norms: list[Norms] | Exception) -> None:
            del self._waiting[name]
            if isinstance(norms, Exception):
                self._skip(step, name, norms)
                return
            top = max(one.layer for one in found)
            self._give(replace(one, **vars(norms[one.direction])) if one.layer == top else one for one in found)

        try:
            values = output[0].data if isinstance(output[0], PackedSequence) else output[0]
            layout = Layout.of(module, output[0], self._sequences)
            ran = None
            with _one, _resting(module):
                trace = trace_module(module, *_some(module, x, state, self._sequences), hooks=False)
                found = [Reading(step, name, one.layer, one.direction, one) for one in health(trace, spectra=False)]
                if values.requires_grad:
                    again = partial(with_dropout, trace, module, _some(module, x, state, None), layout, random)
                    ran = as_it_ran(trace, values, layout, again if dropping else None)
            if ran is not None:
                Arriving(ran, layout, lambda: self._waiting.get(name) is found, done).wait(values, _last(output))
        except Exception as error:  # whatever it is, the training goes on as if nobody watched
            self._skip(step, name, error)
            return
        if ran is None:
            self._give(found)
        else:
            self._waiting[name] = found


def _modes() -> tuple[bool, bool]:
    """Whether this is inference mode, and whether gradients are on."""
    return torch.is_inference_mode_enabled(), torch.is_grad_enabled()


def _last(output: Any) -> dict[str, Tensor]:
    """By name the last states in what a module gave, as far as somebody's hook has left them there."""
    states = output[1] if len(output) > 1 else None
    states = states if isinstance(states, tuple) else (states,)
    return {name: state for name, state in zip("hc", states, strict=False) if isinstance(state, Tensor)}


@contextmanager
def _resting(module: nn.Module) -> Iterator[None]:
    """Not in training, for dropout between the layers would be drawn anew and cannot be traced. By no ``eval()`` and
    ``train()``, which would set what is frozen inside it, a parametrization, as well."""
    was = {inner: inner.training for inner in module.modules()}
    for inner in was:
        inner.training = False
    try:
        yield
    finally:
        for inner, training in was.items():
            inner.training = training


def _said(error: Exception) -> str:
    """What an error says, whose class may raise one when it is asked."""
    try:
        return str(error)
    except Exception:
        return type(error).__name__


def _some(module: Any, x: Any, state: Any, count: int | None) -> tuple[Any, Any]:
    """The first sequences of a batch, detached; all where no ``count`` is given."""
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
