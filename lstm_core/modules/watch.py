"""A module between the hooks that stand round its forward.

Hooks make weights (weight norm, spectral norm, pruning), change what the module is given, and change what it gave. Its
forward alone is the recurrence that a trace is of. So for the time of a run another function stands in its place, which
notes what forward reads, with which weights, and what it gives, and calls it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from typing import Any

import torch
import torch.nn.modules.module as every
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence
from torch.overrides import TorchFunctionMode

from lstm_core.modules.arguments import given, its_own
from lstm_core.modules.call import Call
from lstm_core.modules.gates import Gates
from lstm_core.modules.kernels import KERNELS
from lstm_core.modules.kinds import WEIGHTS, StandIn

INPUT_CHANGED = "a forward pre-hook changes what the module is given; the trace is of what its forward read"
OUTPUT_CHANGED = (
    "a forward hook changes the output that the rest of the model sees; the trace is of the module's own output"
)
CELL_KERNELS = torch.lstm_cell, torch.gru_cell, torch.rnn_tanh_cell, torch.rnn_relu_cell


def parametrized(module: nn.Module) -> bool:
    """Whether some weight is computed whenever it is read, maybe another one each time."""
    return "parametrizations" in module._modules


def watched(module: nn.Module) -> bool:
    """Whether what the module's forward reads and gives is known only while it runs."""
    return bool(
        parametrized(module)
        or module._forward_pre_hooks
        or module._forward_hooks
        or every._global_forward_pre_hooks
        or every._global_forward_hooks
    )


@contextmanager
def called(name: str) -> Iterator[None]:
    """What is wrong with a module inside a model begins with its name."""
    try:
        yield
    except (RuntimeError, ValueError, TypeError) as error:
        if not name:
            raise
        raise type(error)(f"{name}: {error}") from error


class Weights(TorchFunctionMode):
    """Active while a module's forward runs: ``given`` are the weights that torch's kernel was given."""

    given: Sequence[Tensor | None] = ()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing here is compiled; to guard against it would import the compiler, a second and 800 modules."""
        return False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """torch's hook for every function: of a recurrent kernel the weights are noted; all run as they are."""
        if func in CELL_KERNELS:  # (x, state, *weights)
            self.given = args[2:]
        elif func in KERNELS.values():  # the weights are a list, and so may the state be, before them
            self.given = [value for value in args if isinstance(value, list)][-1]
        return func(*args, **(kwargs or {}))


@dataclass
class Pass:
    """One call of a module. given, gave: copies of what a hook may change. ran: the call, once its forward has run."""

    given: Any = None
    gave: Any = None
    ran: tuple[Call, Gates | None] | None = None


class Watch:
    """Active while ``module`` is called, by itself or inside a model, where its name is ``name``. Calls that other
    threads make of it are none of ours, and run as they would.

    done: told of every call that has run, and of its gates if ``way`` gave them. way: runs a call and reads along; None
    if nothing is to be read. instead: given a call that has run, its gates and what the module returned, it says what
    the model is to get in the place of that; None for the same.
    """

    def __init__(
        self,
        module: nn.Module,
        done: Callable[[Call, Gates | None], None],
        way: Callable[[Call], Gates | None] | None = None,
        name: str = "",
        instead: Callable[[Call, Gates | None, Any], Any] | None = None,
        steps: int | None = None,
    ) -> None:
        """steps: of a packed input, see ``Fed``. The rest as in the class; nothing is changed before ``with``."""
        self.steps = steps
        self.module, self.done, self.way, self.name, self.instead = module, done, way, name, instead
        self.output: Any = None
        self.passes: list[Pass] = []  # those under way, the innermost last: a hook may call the module again

    def __enter__(self) -> None:
        """Puts a function in the place of the module's forward, and hooks round it."""
        module, self.thread = self.module, threading.get_ident()
        self.input_may_change = bool(module._forward_pre_hooks)
        self.output_may_change = bool(module._forward_hooks or every._global_forward_hooks)
        self.handles = [
            module.register_forward_pre_hook(self._before, prepend=True, with_kwargs=True),
            module.register_forward_hook(self._after),
        ]
        self.earlier = vars(module).get("forward")  # a trace within a trace
        module.forward = StandIn(self._forward)

    def __exit__(self, *error: object) -> None:
        """Puts the module back as it was, whatever happened."""
        del self.module.forward
        if self.earlier is not None:
            self.module.forward = self.earlier
        for handle in self.handles:
            handle.remove()

    def _ours(self) -> bool:
        return threading.get_ident() == self.thread

    def _own(self, input: Any, hx: Any) -> Any:
        """What the module's forward is when this does not stand in its place."""
        if self.earlier is not None:
            return self.earlier(input, hx)
        return type(self.module).forward(self.module, input, hx)

    def _before(self, module: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        if not self._ours():
            return
        self.passes.append(Pass(_copy(given(args, named)) if self.input_may_change else None))

    def _forward(self, *args: Any, **named: Any) -> Any:
        names = {*("input", "hx")[: len(args)], *named}
        if len(names) != len(args) + len(named) or "input" not in names or names - {"input", "hx"}:
            return type(self.module).forward(self.module, *args, **named)  # which says what it takes
        input, hx = given(args, named)
        return self._run(input, hx) if self._ours() else self._own(input, hx)

    def _run(self, input: Any, hx: Any) -> Any:
        module, gates = self.module, None
        hooked = bool(self.passes) and self.passes[-1].ran is None  # and not forward by itself
        own_pass = self.passes[-1] if hooked else Pass()
        if self.way is None or parametrized(module) or isinstance(module, nn.RNNCellBase):
            with Weights() as weights, its_own(module):
                output = self._own(input, hx)
                own = self._kept(output)
            with torch.no_grad(), called(self.name):  # the model may have gradients on
                call = Call(module, input, hx, weights=weights.given or None, steps=self.steps)
            self._take(call, own)
        else:
            call = Call(module, input, hx, steps=self.steps)
            call.forward = self._noted
            gates = self.way(call)
            output, own = self.output, self._kept(self.output)
            call.take(own)
            self.output = None
        if own_pass.given is not None and not _same(own_pass.given, (input, hx)):
            call.assumed += (INPUT_CHANGED,)
        if self.instead is not None:
            with torch.no_grad(), called(self.name):
                other = self.instead(call, gates, own)
            if other is not None:
                output, own = other, self._kept(other)
                self._take(call, own)
        own_pass.gave, own_pass.ran = own, (call, gates)
        if not hooked:
            self._tell(own_pass)
        return output

    @staticmethod
    def _take(call: Call, own: Any) -> None:
        call.take(((own[0] if isinstance(own, tuple) else own)[None], own) if call.single else own)

    def _noted(self, input: Any, hx: Any) -> Any:
        self.output = self._own(input, hx)
        return self.output

    def _kept(self, output: Any) -> Any:
        return _copy(output) if self.output_may_change else output

    def _after(self, module: nn.Module, args: Any, output: Any) -> None:
        if not self._ours():
            return
        own_pass = self.passes.pop()
        if any(outer.ran is not None for outer in self.passes):  # a hook of the module's called it, and not the model
            return
        assert own_pass.ran is not None
        if self.output_may_change and not _same(own_pass.gave, output):
            own_pass.ran[0].assumed += (OUTPUT_CHANGED,)
        self._tell(own_pass)

    def _tell(self, own_pass: Pass) -> None:
        assert own_pass.ran is not None
        with torch.no_grad(), called(self.name):
            self.done(*own_pass.ran)


def joined(calls: Sequence[Call]) -> Call:
    """The calls of a cell, step by step, as one on the whole sequence. Raises ValueError if they are not."""
    first, last = calls[0], calls[-1]
    for one, two in pairwise(calls):
        if not _same([*one.last.values()], [*two.initial.values()]):
            raise ValueError("a hook changes the state between two steps: they are not one sequence; trace each step")
        if not _same([*one.blocks[0][0].values()], [*two.blocks[0][0].values()]):
            raise ValueError("every step has other weights: they are not one sequence; trace each step")
    weights = [first.blocks[0][0].get(name) for name in WEIGHTS]
    call = Call(first.module, torch.cat([step.x for step in calls]), first.state, weights=weights)
    call.take((torch.cat([step.output for step in calls]), last.returned))
    call.assumed = tuple(dict.fromkeys(sentence for step in calls for sentence in step.assumed))
    return call


def _copy(value: Any) -> Any:
    """A copy of the tensors in it, however they lie in tuples, lists and packed sequences."""
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, PackedSequence):
        return value._replace(data=value.data.clone())
    return tuple(_copy(each) for each in value) if isinstance(value, tuple | list) else value


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _tensors(each)


def _same(one: Any, other: Any) -> bool:
    """Whether the tensors in them are the same, bit by bit."""
    pairs = list(zip_longest(_tensors(one), _tensors(other)))
    return all(
        a is not None and b is not None and a.device == b.device and a.dtype is b.dtype and torch.equal(a, b)
        for a, b in pairs
    )
