"""Several loops over one recurrent module in one forward, whose states are bit by bit the same somewhere: sequences are
never mixed. The truth is each loop run alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lstm_core import Trace, trace, trace_all
from lstm_core.modules.whole import UNDECIDED

KINDS = {"LSTMCell": nn.LSTMCell, "GRUCell": nn.GRUCell, "RNNCell": nn.RNNCell, "LSTM": nn.LSTM, "GRU": nn.GRU}
STEPS, BATCH, WIDTH, UNITS = 5, 2, 3, 4

State = Sequence[Tensor] | None


class Loops(nn.Module):
    """Steps of one module, for any number of loops. change: what becomes of a state between two steps."""

    def __init__(self, kind: str, **named: Any) -> None:
        super().__init__()
        self.rnn, self.kind = KINDS[kind](WIDTH, UNITS, **named), kind

    def zeros(self, batch: int = BATCH) -> tuple[Tensor, ...]:
        shape = (batch, UNITS) if "Cell" in self.kind else (1, batch, UNITS)
        return tuple(torch.zeros(shape) for _ in range(1 + ("LSTM" in self.kind)))

    def step(self, x: Tensor, state: State) -> tuple[Tensor, ...]:
        given = state if state is None or len(state) > 1 else state[0]
        if "Cell" in self.kind:
            new = self.rnn(x, given)
        else:
            new = self.rnn(x[None], given)[1]
        return new if isinstance(new, tuple) else (new,)

    def forward(self, run: Callable[[Loops], Any]) -> Any:
        return run(self)


def alone(model: Loops, x: Tensor) -> Trace:
    return trace(model.rnn, x)


def same(found: Trace, expected: Trace) -> None:
    assert found.continued is None and len(found) == len(expected)
    np.testing.assert_array_equal(found.inputs, expected.inputs)
    for name, value in expected.signals.items():
        np.testing.assert_allclose(found[name], value, rtol=0, atol=2e-6)


def alike(count: int, steps: int = 1) -> list[Tensor]:
    """What ``count`` loops read: the same for so many steps."""
    read = [torch.randn(STEPS, BATCH, WIDTH) for _ in range(count)]
    for x in read[1:]:
        x[:steps] = read[0][:steps]
    return read


def begins(model: Loops, how: str, count: int) -> list[State]:
    shared = model.zeros()
    return [{"none": None, "shared": shared, "equal": model.zeros()}[how] for _ in range(count)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["none", "shared", "equal"])
@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("steps", [1, 2, STEPS])
@pytest.mark.parametrize("change", ["passed on", "detached", "a part"])
def test_loops_in_lockstep_that_begin_alike_are_a_trace_each(
    kind: str, how: str, count: int, steps: int, change: str
) -> None:
    model, read = Loops(kind), alike(count, steps)

    def run(model: Loops) -> None:
        states = begins(model, how, count)
        for t in range(STEPS):
            for k in range(count):
                new = model.step(read[k][t], states[k])
                if change == "detached":
                    new = tuple(value.detach() for value in new)
                states[k] = tuple(value[..., :, :] for value in new) if change == "a part" else new

    found = trace_all(model, run)
    assert list(found) == ["rnn", *(f"rnn#{k + 2}" for k in range(count - 1))]
    for one, x in zip(found.values(), read, strict=True):
        same(one, alone(model, x))
        assert one.assumed == ()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("steps", [1, 3])
def test_copies_that_nothing_tells_apart_stand_by_themselves(kind: str, steps: int) -> None:
    """A copy of a state that two loops left alike is nobody's; once they have parted their bits tell again."""
    model, read = Loops(kind), alike(2, steps)

    def run(model: Loops) -> None:
        states = begins(model, "none", 2)
        for t in range(STEPS):
            for k in (0, 1):
                states[k] = tuple(value.clone() for value in model.step(read[k][t], states[k]))

    found = trace_all(model, run)
    ours = [x[start : start + len(one)] for one in found.values() for x in read for start in range(STEPS)
            if x[start : start + len(one)].shape == one.inputs.shape
            and np.array_equal(x[start : start + len(one)], one.inputs)]  # fmt: skip
    assert len(ours) >= len(found), "a trace reads what no loop did"
    assert sum(map(len, found.values())) == 2 * STEPS and all(one.continued is None for one in found.values())
    whole = {k: alone(model, x) for k, x in enumerate(read)}
    if steps == 1:
        assert [len(one) for one in found.values()] == [1, 1, STEPS - 1, STEPS - 1]
        for k, one in enumerate(list(found.values())[2:]):
            np.testing.assert_allclose(one["h"], whole[k]["h"][:, :, 1:], rtol=0, atol=2e-6)
            assert one.assumed == (UNDECIDED,)


@pytest.mark.parametrize("kind", KINDS)
def test_loops_that_part_first_and_copy_are_a_trace_each(kind: str) -> None:
    model, read = Loops(kind), alike(3, 0)

    def run(model: Loops) -> None:
        states = begins(model, "equal", 3)
        for t in range(STEPS):
            on = torch.tensor([[True], [t != 2]])  # the second row is held for a step
            for k in range(3):
                new, old = model.step(read[k][t], states[k]), states[k]
                states[k] = tuple(torch.where(on, a, b) for a, b in zip(new, old or new, strict=True))

    found = trace_all(model, run)
    assert len(found) == 3
    for one, x in zip(found.values(), read, strict=True):
        np.testing.assert_array_equal(one.inputs, x)
        assert one.continued is not None and one.continued[3].tolist() == [[2, 0], [1, 1]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change", ["passed on", "masked"])
@pytest.mark.parametrize("steps", [2, STEPS])
def test_loops_one_after_another_on_the_same_input_are_a_trace_each(kind: str, change: str, steps: int) -> None:
    model, x = Loops(kind), torch.randn(steps, BATCH, WIDTH)
    on = torch.ones(BATCH, 1, dtype=torch.bool)

    def run(model: Loops) -> None:
        for _ in range(3):
            state: State = model.zeros()
            for x_t in x:
                new = model.step(x_t, state)
                assert state is not None
                masked = (torch.where(on, a, b) for a, b in zip(new, state, strict=True))
                state = new if change == "passed on" else tuple(masked)

    found = trace_all(model, run)
    assert list(found) == ["rnn", "rnn#2", "rnn#3"]
    for one in found.values():
        same(one, alone(model, x))


@pytest.mark.parametrize("kind", ["LSTMCell", "GRUCell", "LSTM"])
def test_both_directions_by_hand_over_a_palindrome(kind: str) -> None:
    model, x = Loops(kind), torch.randn(3, BATCH, WIDTH)
    x = torch.cat([x, x.flip(0)[1:]])

    def run(model: Loops) -> None:
        states: list[State] = [None, None]
        for t in range(len(x)):
            states = [model.step(x[t], states[0]), model.step(x[-1 - t], states[1])]

    found = trace_all(model, run)
    assert list(found) == ["rnn", "rnn#2"]
    for one in found.values():
        same(one, alone(model, x))


@pytest.mark.parametrize("kind", ["LSTMCell", "GRUCell"])
def test_two_beam_searches_from_one_first_word(kind: str) -> None:
    """Rows that are taken from others are copies: while the searches are alike nobody can tell whose they are, and once
    they have parted each goes on, with the rows it chose."""
    model, read = Loops(kind), alike(2, 1)
    index = torch.tensor([1, 0])

    def run(model: Loops, between: Callable[[Sequence[Tensor], int], tuple[Tensor, ...]]) -> None:
        states: list[State] = [None, None]
        for t in range(STEPS):
            for k in (0, 1):
                states[k] = between(model.step(read[k][t], states[k]), t)

    def late(state: Sequence[Tensor], t: int) -> tuple[Tensor, ...]:
        return tuple(value[index] if t > 0 else value for value in state)

    found = trace_all(model, lambda model: run(model, late))
    assert list(found) == ["rnn", "rnn#2"]
    for one, x in zip(found.values(), read, strict=True):
        np.testing.assert_array_equal(one.inputs, x)
        assert one.continued is not None and one.continued[2:, :, 1].tolist() == [[1, 0]] * 3
        path = torch.empty(STEPS, 1, WIDTH)  # the way to row 0 after the last step
        row = 0
        for t in range(STEPS - 1, -1, -1):
            path[t, 0] = x[t, row]
            row = int(index[row]) if t > 1 else row
        same(one.sequence(0), alone(model, path))

    at_once = trace_all(model, lambda model: run(model, lambda state, _: tuple(value[index] for value in state)))
    assert [len(one) for one in at_once.values()] == [1, 1, STEPS - 1, STEPS - 1]
    for k, one in enumerate(list(at_once.values())[2:]):
        np.testing.assert_array_equal(one.inputs, read[k][1:])


@pytest.mark.parametrize("kind", KINDS)
def test_states_that_lie_in_one_buffer(kind: str) -> None:
    """Where a model keeps the states of all its loops in one tensor, that tensor is everybody's."""
    model, read = Loops(kind), alike(2, STEPS)
    read[1][3:] += 1

    def run(model: Loops) -> None:
        buffers = [torch.stack([value, value]) for value in model.zeros()]
        for t in range(STEPS):
            for k in (0, 1):
                new = model.step(read[k][t], tuple(buffer[k] for buffer in buffers))
                for buffer, value in zip(buffers, new, strict=True):
                    buffer[k] = value

    found = trace_all(model, run)
    for one in found.values():
        places = [[k for k in (0, 1) for t in range(STEPS) if np.array_equal(read[k][t], x)] for x in one.inputs]
        assert set.intersection(*map(set, places)), "a trace reads what no loop did"
        assert one.continued is None
    assert sum(map(len, found.values())) == 2 * STEPS


@pytest.mark.parametrize("how", ["none", "shared", "equal"])
def test_a_state_that_stays_zero(how: str) -> None:
    """A GRU without biases on zeros: what it leaves is what it began with."""
    model, read = Loops("GRUCell", bias=False), [torch.randn(STEPS, BATCH, WIDTH) for _ in range(2)]
    for x in read:
        x[:2] = 0

    def run(model: Loops) -> None:
        states = begins(model, how, 2)
        for t in range(STEPS):
            for k in (0, 1):
                states[k] = model.step(read[k][t], states[k])

    def in_turn(model: Loops) -> None:
        for k in (0, 1):
            [state] = begins(model, how, 1)
            for x_t in read[k][:2]:
                state = model.step(x_t, state)

    found = trace_all(model, run)
    assert list(found) == ["rnn", "rnn#2"]
    for one, x in zip(found.values(), read, strict=True):
        same(one, alone(model, x))
    found = trace_all(model, in_turn)
    assert [len(one) for one in found.values()] == [2, 2]


HANDED: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "passed on": lambda new, _: new,
    "a part": lambda new, _: new[:],
    "detached": lambda new, _: new.detach(),
}
COPIED: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "copied": lambda new, _: new.clone(),
    "turned": lambda new, _: new.flip(0),
    "masked": lambda new, old: torch.where(torch.arange(len(new))[:, None] > 0, new, old),
}


@pytest.mark.parametrize("seed", range(30))
def test_no_order_of_calls_and_no_change_of_states_mixes_loops(seed: int) -> None:
    """Loops drawn at random: what each trace reads is what one of them does, and those that pass their states on are
    whole."""
    rng = np.random.default_rng(seed)
    count, steps, batch = int(rng.integers(2, 5)), int(rng.integers(2, 6)), int(rng.integers(1, 4))
    torch.manual_seed(seed)
    model, how = Loops(["LSTMCell", "GRUCell"][seed % 2]), ["none", "shared", "equal"][int(rng.integers(3))]
    read = [torch.randn(steps, batch, WIDTH) for _ in range(count)]
    for x in read[1:]:
        x[: rng.integers(steps)] = read[0][0]
    changes = HANDED | COPIED
    chosen = rng.choice(list(HANDED if seed % 3 == 0 else changes), count)
    calls = [k for _ in range(steps) for k in range(count)]
    if rng.integers(2):
        calls = rng.permutation(calls).tolist()

    def run(model: Loops) -> None:
        zeros = model.zeros(batch)
        states: list[State] = [{"none": None, "shared": zeros, "equal": model.zeros(batch)}[how] for _ in read]
        at = [0] * count
        for k in calls:
            new = model.step(read[k][at[k]], states[k])
            states[k] = tuple(changes[chosen[k]](a, b) for a, b in zip(new, states[k] or zeros, strict=True))
            at[k] += 1

    found = trace_all(model, run)
    assert sum(map(len, found.values())) == count * steps
    for one in found.values():
        whose = [{k for k, x in enumerate(read) if (x.numpy() == step).all((1, 2)).any()} for step in one.inputs]
        assert set.intersection(*whose), "a trace reads what no loop did"
    if seed % 3 == 0:
        assert len(found) == count
        for one in found.values():
            assert any(np.array_equal(one.inputs, x) for x in read)
