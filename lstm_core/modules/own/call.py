"""One run of a module that writes its recurrence itself: what it read and gave, in one order of axes.

Nothing but the usual is known of such a module. Its forward takes one step and a state, or a whole sequence; it returns
its states, or an output and its states, in tuples of one form or another; or it keeps its state in an attribute. What
is taken here for one or the other is compared afterwards, so that a wrong guess ends in a refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.utils.rnn import PackedSequence

from lstm_core.modules.arguments import its_own
from lstm_core.modules.own.forms import Forms
from lstm_core.modules.values import outside

Captured = Mapping[str, tuple[nn.Module, Callable[[Any], Any]]]
"""By signal, the submodule whose output it is made of, and how."""


@dataclass
class Ran:
    """x: (time, batch, ...). given: by name, what the module gave at every step, (time, batch, ...). last: what it gave
    after the last step alone, (batch, ...). again: what else it gave under the names of ``given``: an output beside a
    state that is the same. initial: what it was given to start from, (batch, ...).
    """

    x: Tensor
    given: dict[str, Tensor] = field(default_factory=dict)
    last: dict[str, Tensor] = field(default_factory=dict)
    again: list[tuple[str, Tensor]] = field(default_factory=list)
    initial: dict[str, Tensor] = field(default_factory=dict)


class OwnCall:
    """A call that is about to be made.

    states: the names of the states, in the order in which the module passes them. returns: the names of what it
    returns, in the form in which it does; None for the usual forms. sequence: whether its forward takes the whole
    sequence. sizes: units of the states, where they are known before. captured: what is read of its submodules.
    """

    def __init__(
        self,
        module: nn.Module,
        x: Any,
        state: Any,
        states: Sequence[str],
        returns: Any = None,
        sequence: bool = False,
        batch_first: bool | None = None,
        sizes: Mapping[str, int] | None = None,
        captured: Captured | None = None,
    ) -> None:
        """x, state, batch_first: as for ``trace_cell``, which says what is raised. The rest: as in the class."""
        if isinstance(x, PackedSequence):
            raise TypeError("x is a PackedSequence; a module of your own is traced on a padded tensor")
        if not isinstance(x, Tensor):
            raise TypeError(f"x is a {type(x).__name__}; a torch Tensor is needed")
        outside()
        if not x.is_floating_point():
            raise TypeError(f"x holds {x.dtype}; what the cell reads is needed, in floating point")
        if x.device.type == "meta":
            raise ValueError("x is on the device meta, which holds no values")
        if x.dim() < 2:
            raise ValueError(f"x is {tuple(x.shape)}; (time, batch, input) or (time, input) is needed")
        if any(isinstance(inner, _DropoutNd) and inner.training and inner.p > 0 for inner in module.modules()):
            raise ValueError("dropout is active, so two runs differ; call module.eval() first")
        self.module, self.fed, self.states = module, x.detach().clone(), tuple(states)
        self.sequence, self.sizes, self.captured = sequence, sizes or {}, captured or {}
        self.batched = x.dim() > 2
        first = getattr(module, "batch_first", False) if batch_first is None else batch_first
        self.axis = int(bool(first) and self.batched)  # of time
        self.x = x.movedim(self.axis, 0)
        if not self.batched:
            self.x = self.x.unsqueeze(1)
        if 0 in self.x.shape[:2]:
            raise ValueError("x has no steps or no sequences, so there is nothing to trace")
        self.forms = Forms(module, states, returns)
        self.state = self.forms.passed(state)
        if self.state is None and not self.forms.begins:
            self.state = self._zeros()
        self.caught: dict[str, list[Any]] = {name: [] for name in self.captured}

    def run(self) -> Ran:
        """Run the module on the whole of x, once."""
        initial = {name: self._row(value).clone() for name, value in self.forms.by_name(self.state).items()}
        ran = Ran(self.x.detach(), initial=initial)
        handles = [
            module.register_forward_hook(self._catch(name, function))
            for name, (module, function) in self.captured.items()
        ]
        try:
            self._sequence(ran) if self.sequence else self._steps(ran)
        finally:
            for handle in handles:
                handle.remove()
        for name, rows in self.caught.items():
            self._note(ran, name, self._of_every_step(name, rows))
        return ran

    def _sequence(self, ran: Ran) -> None:
        result = self._called(self.fed, self.state)
        named = self.forms.named(result)
        width = max((value.dim() for _, value in named), default=0)  # of what has an axis of time
        for name, value in named:
            if value.dim() == width and self._lies_along_time(value):
                self._note(ran, name, self._along_time(value))
            else:
                ran.last[name] = self._row(value)

    def _steps(self, ran: Ran) -> None:
        rows: list[list[tuple[str, Tensor]]] = []
        state = self.state
        for x in self.fed.unbind(self.axis):
            result = self._called(x, state)
            rows.append([(name, self._row(value)) for name, value in self.forms.named(result)])
            state = self.forms.fed_back(result)
        for columns in zip(*rows, strict=True):
            self._note(ran, columns[0][0], torch.stack([value for _, value in columns]))

    def _called(self, x: Tensor, state: Any) -> Any:
        arguments = self.forms.arguments(state)
        try:
            with its_own(self.module):
                return self.module(x, *arguments)
        except Exception as error:
            if not self.sequence:
                error.add_note("It was run one step at a time; if it takes the whole sequence, say sequence=True.")
            raise

    def _note(self, ran: Ran, name: str, values: Tensor) -> None:
        """Of two under one name, the first is an output and the second the state that goes on."""
        if name in ran.given:
            ran.again.append((name, ran.given[name]))
        ran.given[name] = values

    def _zeros(self) -> Any:
        if not set(self.states) <= set(self.sizes):
            raise ValueError("the module's forward needs a state to begin with: pass it as state")
        lead = self.x.shape[1:2] if self.batched else ()
        return self.forms.joined({name: self.fed.new_zeros(*lead, self.sizes[name]) for name in self.states})

    def _lies_along_time(self, value: Tensor) -> bool:
        time, batch = self.x.shape[:2]
        lead = (time,) if not self.batched else (batch, time) if self.axis else (time, batch)
        return tuple(value.shape[: len(lead)]) == lead

    def _along_time(self, value: Tensor) -> Tensor:
        """(time, batch, ...) of a value in the module's layout."""
        return value.movedim(self.axis, 0) if self.batched else value.unsqueeze(1)

    def _row(self, value: Tensor) -> Tensor:
        """(batch, ...) of the value of one step."""
        value = value.detach()
        batch = self.x.shape[1]
        if not self.batched:
            return value.reshape(1, *value.shape[value.dim() > 1 and value.shape[0] == 1 :])
        if value.dim() > 2 and value.shape[:2] == (1, batch):  # of one layer, as torch has it
            value = value[0]
        if value.dim() == 0 or value.shape[0] != batch:
            hint = ""
            if self.batched and value.dim() and value.shape[0] == len(self.x):
                hint = f"; if x is {'(time, batch, ...)' if self.axis else '(batch, time, ...)'}, say batch_first="
                hint += str(not self.axis)
            text = f"a state or an output is {tuple(value.shape)}; its first axis is the batch, {batch}{hint}"
            raise ValueError(text)
        return value

    def _catch(self, name: str, function: Callable[[Any], Any]) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            value = function(output)
            self.caught[name].append(value.detach().clone() if isinstance(value, Tensor) else value)

        return hook

    def _of_every_step(self, name: str, rows: list[Any]) -> Tensor:
        strange = next((row for row in rows if not isinstance(row, Tensor)), None)
        if strange is not None:
            kind = type(strange).__name__
            raise ValueError(f"{name} is a {kind}; say which tensor of it, (submodule, function)")
        if len(rows) == len(self.x):
            return torch.stack([self._row(row) for row in rows])
        if len(rows) == 1 and self._lies_along_time(rows[0]):
            return self._along_time(rows[0])
        raise ValueError(
            f"what {name} is made of ran {len(rows)} times in {len(self.x)} steps; name a submodule that "
            "runs once at every step, or once for all of them"
        )
