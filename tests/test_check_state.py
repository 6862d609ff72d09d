"""``lstm_core.check_state``: ten known faults of training loops are found, and twenty loops in order raise none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.checkpoint import checkpoint

from lstm_core import check_state

ROWS, TIME, WIDTH, UNITS, STEPS = 4, 5, 3, 6, 6


class Model(nn.Module):
    """A recurrent module and an output, which passes on whatever state it is given."""

    def __init__(self, rnn: nn.Module) -> None:
        super().__init__()
        self.rnn, self.out = rnn, nn.Linear(UNITS * (1 + getattr(rnn, "bidirectional", False)), 1)

    def forward(self, x: Any, state: Any = None) -> tuple[Tensor, Any]:
        output, state = self.rnn(x, state)
        values = output.data if hasattr(output, "batch_sizes") else output
        return self.out(values), state


@dataclass
class Batch:
    """ids: the sequence of each row. starts: whether it begins anew."""

    x: Tensor
    ids: list[int] = field(default_factory=lambda: list(range(ROWS)))
    starts: list[bool] = field(default_factory=lambda: [False] * ROWS)


def batches(starts: dict[int, list[int]] | None = None, order: Callable[[int], list[int]] | None = None) -> list[Batch]:
    torch.manual_seed(0)
    found = []
    for step in range(STEPS):
        begins = [step == 0 or row in (starts or {}).get(step, []) for row in range(ROWS)]
        found.append(Batch(torch.randn(TIME, ROWS, WIDTH), order(step) if order else list(range(ROWS)), begins))
    return found


def detached(state: Any) -> Any:
    return tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()


class Loop:
    """A training loop, of which each case has another ``state``: what a step begins with."""

    def __init__(self, rnn: nn.Module, state: Callable[[Loop, Batch], Any] | None = None, keep: Any = detached) -> None:
        self.model = Model(rnn)
        self.optimizer = torch.optim.SGD(self.model.parameters(), 0.01)
        self.state: Any = None
        self.older: Any = None
        self.done = [True] * ROWS
        self._begin, self._keep = state or (lambda loop, batch: loop.state), keep

    def __call__(self, batch: Batch) -> None:
        output, state = self.model(batch.x, self._begin(self, batch))
        self.optimizer.zero_grad()
        output.square().mean().backward()
        self.optimizer.step()
        self.older, self.state, self.done = self.state, self._keep(state), batch.starts


def torch_(kind: type[nn.Module] = nn.LSTM, **options: Any) -> nn.Module:
    torch.manual_seed(0)
    return kind(WIDTH, UNITS, **options)


def rows_of(state: Any, order: list[int]) -> Any:
    return tuple(part[:, order] for part in state) if isinstance(state, tuple) else state[:, order]


def masked(state: Any, begins: list[bool]) -> Any:
    keep = 1 - torch.tensor(begins, dtype=torch.float32)[None, :, None]
    return None if state is None else tuple(part * keep for part in state)


BY_ID: dict[str, Any] = {"ids": lambda batch: batch.ids}
BY_START: dict[str, Any] = {"starts": lambda batch: batch.starts}
EPISODES = {2: [0], 3: [1, 2], 5: [0]}
SHUFFLED = batches(order=lambda step: np.random.default_rng(step).permutation(ROWS).tolist())


def of_two_steps_ago(loop: Loop, batch: Batch) -> Any:
    return loop.state if loop.older is None else loop.older


def never(loop: Loop, batch: Batch) -> None:
    return None


def by_start(loop: Loop, batch: Batch) -> Any:
    return masked(loop.state, batch.starts)


def by_start_before(loop: Loop, batch: Batch) -> Any:
    return masked(loop.state, loop.done)


def h_by_start(loop: Loop, batch: Batch) -> Any:
    return loop.state and (masked(loop.state, batch.starts)[0], loop.state[1])


def without_c(loop: Loop, batch: Batch) -> Any:
    return loop.state and (loop.state[0], torch.zeros_like(loop.state[1]))


def rolled(loop: Loop, batch: Batch) -> Any:
    return None if loop.state is None else loop.state.roll(1, 1)


def h_detached(state: Any) -> Any:
    return state[0].detach(), state[1]


FAULTS: dict[str, tuple[str, Loop, list[Batch], dict[str, Any]]] = {
    "shuffled data, never reset": ("carried over", Loop(torch_()), batches(), {}),
    "not detached": ("not detached", Loop(torch_(), keep=lambda state: state), batches(), BY_ID),
    "stateful data, state not given": ("not passed on", Loop(torch_(), never), batches(), BY_ID),
    "flags of the step before": (
        "off by one", Loop(torch_(), by_start_before), batches(EPISODES), BY_START,
    ),
    "stateful with a shuffling loader": ("another row", Loop(torch_(nn.GRU)), SHUFFLED, BY_ID),
    "h is reset and c is not": ("carried over", Loop(torch_(), h_by_start), batches(EPISODES), BY_START),
    "c is not passed on": ("not passed on", Loop(torch_(), without_c), batches(), BY_ID),
    "rows rolled": ("another row", Loop(torch_(nn.GRU), rolled), batches(), BY_ID),
    "only h detached": ("not detached", Loop(torch_(), keep=h_detached), batches(), BY_ID),
    "the state of two steps ago": ("stale", Loop(torch_(nn.GRU), of_two_steps_ago), batches(), BY_ID),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(name: str) -> None:
    kind, loop, data, told = FAULTS[name]
    report = check_state(loop, data, loop.model, **told)
    assert not report and kind in {finding.kind for finding in report.findings}, report
    assert {finding.kind for finding in report.findings} <= {kind, "not detached"}, report
    assert str(report).startswith(("rnn, step 1: ", "rnn, step 2: "))


class Carries(nn.Module):
    """A recurrent cell run step by step, in a loop of the model's own."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(WIDTH, UNITS)

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Tensor]:
        found = []
        for now in x:
            state = self.cell(now, state)
            found.append(state)
        return torch.stack(found), state


class Learned(nn.Module):
    """One whose first state is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.first = nn.GRU(WIDTH, UNITS), nn.Parameter(torch.randn(1, 1, UNITS))

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Tensor]:
        return self.rnn(x, self.first.expand(-1, x.shape[1], -1).contiguous() if state is None else state)


class Packed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTM(WIDTH, UNITS)

    def forward(self, x: Tensor, state: Any = None) -> Any:
        return self.rnn(pack_padded_sequence(x, [2, 5, 3, 4], enforce_sorted=False), state)


class Twice(nn.Module):
    """Back-propagation through pieces: the state goes on within a step."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTM(WIDTH, UNITS)

    def forward(self, x: Tensor, state: Any = None) -> Any:
        first, state = self.rnn(x[:2], state)
        second, state = self.rnn(x[2:], detached(state))
        return torch.cat([first, second]), state


class Recomputed(Twice):
    """The gradient computes the pieces anew, the last first."""

    def __init__(self, reentrant: bool) -> None:
        super().__init__()
        self.reentrant = reentrant

    def forward(self, x: Tensor, state: Any = None) -> Any:
        if state is None:
            state = (torch.zeros(1, x.shape[1], UNITS),) * 2
        x = x.requires_grad_()
        first, *state = checkpoint(self.piece, x[:2], *state, use_reentrant=self.reentrant)
        second, *state = checkpoint(self.piece, x[2:], *state, use_reentrant=self.reentrant)
        return torch.cat([first, second]), tuple(state)

    def piece(self, x: Tensor, h: Tensor, c: Tensor) -> Any:
        output, state = self.rnn(x, (h, c))
        return output, *state


def random_state(loop: Loop, batch: Batch) -> Any:
    return torch.randn(1, ROWS, UNITS)


def looked_up(loop: Loop, batch: Batch) -> Any:
    """The state of each row by the id of its sequence."""
    kept = loop.__dict__.setdefault("kept", {})
    if loop.state is not None:
        kept |= {name: loop.state[:, row] for row, name in enumerate(loop.__dict__["names"])}
    loop.__dict__["names"] = batch.ids
    return torch.stack([kept.get(name, torch.zeros(1, UNITS)) for name in batch.ids], dim=1)


ORDER: dict[str, tuple[Loop, list[Batch], dict[str, Any]]] = {
    **{
        f"independent, {type(rnn).__name__} {number}": (Loop(rnn, never), batches(), {})
        for number, rnn in enumerate(
            [torch_(), torch_(nn.GRU), torch_(nn.RNN), torch_(num_layers=2), torch_(bidirectional=True),
             Carries(), Packed(), Twice(), Learned(), Recomputed(False), Recomputed(True)]
        )
    },
    **{
        f"stateful, {type(rnn).__name__} {number}": (Loop(rnn), batches(), BY_ID)
        for number, rnn in enumerate(
            [torch_(), torch_(nn.GRU), torch_(nn.RNN), torch_(num_layers=2), Carries(), Twice(), Learned(),
             Recomputed(False), Recomputed(True)]
        )
    },
    "a random first state": (Loop(torch_(nn.GRU), random_state), batches(), {}),
    "episodes": (Loop(torch_(), by_start), batches(EPISODES), BY_START),
    "no episode ends": (Loop(torch_(), by_start), batches(), BY_START),
    "a shuffling loader, the state looked up": (Loop(torch_(nn.GRU), looked_up), SHUFFLED, BY_ID),
}  # fmt: skip


@pytest.mark.parametrize("name", ORDER)
def test_a_loop_in_order_raises_no_alarm(name: str) -> None:
    loop, data, told = ORDER[name]
    report = check_state(loop, data, loop.model, **told)
    assert report and not report.findings, report
    assert report.steps == STEPS and "as it should be" in str(report)


def test_the_state_may_be_named_before_the_input() -> None:
    loop = Loop(torch_(nn.GRU))
    loop.model.forward = lambda x, state: loop.model.rnn(hx=state, input=x)  # type: ignore[method-assign]
    assert not check_state(loop, batches(), loop.model, **BY_ID).findings


def test_there_are_ten_and_twenty() -> None:
    assert len(FAULTS) == 10 and len(ORDER) >= 20


def test_another_error_is_passed_on_and_nothing_stays_behind() -> None:
    loop = Loop(torch_(), never)
    with pytest.raises(RuntimeError, match="input.size"):
        check_state(loop, [Batch(torch.randn(2, ROWS, WIDTH + 1))], loop.model)
    assert not loop.model.rnn._forward_hooks
    with pytest.raises(ValueError, match="no recurrent module"):
        check_state(loop, [], nn.Linear(2, 2))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # the compiler's own
@pytest.mark.filterwarnings("ignore:Guards may run slower on Python 3.13.0")
def test_a_module_of_a_compiled_model_is_called_as_in_the_model() -> None:
    torch.compiler.reset()
    loop = Loop(torch_())
    loop.model = torch.compile(loop.model, backend="eager")  # type: ignore[assignment]
    findings = check_state(loop, batches(), loop.model).findings
    assert findings and {found.module for found in findings} == {"rnn"}
