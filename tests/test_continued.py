"""Beam search, finished rows and shrinking batches in a loop: one trace, and which row went on from which.

The truth is the model's own bookkeeping: the indices that it reordered with, and the module run anew, alone, on what
each row had read.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lstm_core import Trace, trace, trace_all
from lstm_core.analysis import gradients, health, intervene, memory, retention, saturation, timescales

WORDS, UNITS, WIDTH = 11, 6, 4


class Recurrence(nn.Module):
    """A cell, or a module called one step at a time, behind one face: (x (batch, input), state) -> (h, state)."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        layers = 2 if kind.endswith("2") else 1
        self.rnn = {
            "LSTMCell": nn.LSTMCell, "GRUCell": nn.GRUCell, "RNNCell": nn.RNNCell, "LSTM": nn.LSTM, "GRU": nn.GRU,
            "LSTM2": nn.LSTM, "GRU2": nn.GRU,
        }[kind](WIDTH, UNITS, **({} if "Cell" in kind else {"num_layers": layers}))  # fmt: skip
        self.cell, self.layers, self.two = "Cell" in kind, layers, "LSTM" in kind

    def zeros(self, batch: int) -> tuple[Tensor, ...]:
        """States with the batch as their last axis but one."""
        shape = (batch, UNITS) if self.cell else (self.layers, batch, UNITS)
        return tuple(torch.rand(shape, generator=torch.Generator().manual_seed(k)) for k in range(1 + self.two))

    def step(self, x: Tensor, state: tuple[Tensor, ...] | None) -> tuple[Tensor, tuple[Tensor, ...]]:
        given = None if state is None else state if self.two else state[0]
        if self.cell:
            new = self.rnn(x, given)
            new = new if self.two else (new,)
            return new[0], new
        output, new = self.rnn(x[None], given)
        return output[0], new if self.two else (new,)


KINDS = ("LSTMCell", "GRUCell", "RNNCell", "LSTM", "LSTM2", "GRU2")


class Decoder(nn.Module):
    """Words in, words out."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.embedding, self.recurrence = nn.Embedding(WORDS, WIDTH), Recurrence(kind)
        self.readout = nn.Linear(UNITS, WORDS)
        with torch.no_grad():
            self.embedding.weight.mul_(3)
            self.readout.weight.mul_(3)
        self.read: list[Tensor] = []  # (batch, input) of each step
        self.rows: list[list[int]] = []  # for each step after the first, the row that each row was made from


class Beam(Decoder):
    """Beam search with ``width`` hypotheses for each of ``batch`` sentences, begun from one state each."""

    def forward(self, batch: int, width: int, steps: int, late: bool = False) -> Tensor:
        self.read, self.rows = [], []
        state = self.recurrence.zeros(batch)
        repeat = torch.arange(batch).repeat_interleave(width)
        word = torch.arange(batch) % WORDS
        if not late:
            state, word = tuple(s.index_select(-2, repeat) for s in state), word[repeat]
        score = torch.full((batch, width), -torch.inf)
        score[:, 0] = 0
        for k in range(steps):
            x = self.embedding(word)
            self.read.append(x)
            h, state = self.recurrence.step(x, state)
            if late and k == 0:  # the hypotheses part after the first step, which one row read for all
                h, state = h[repeat], tuple(s.index_select(-2, repeat) for s in state)
            total = score[..., None] + self.readout(h).log_softmax(-1).view(batch, width, WORDS)
            score, best = total.flatten(1).topk(width)
            index = (best // WORDS + torch.arange(batch)[:, None] * width).flatten()
            word = (best % WORDS).flatten()
            state = tuple(s.index_select(-2, index) for s in state)
            self.rows.append((repeat[index] if late and k == 0 else index).tolist())
        return score


def lineage(model: Decoder, row: int, step: int, batch: int) -> tuple[list[Tensor], int]:
    """What was read on the way to ``row`` after ``step``, and the sentence whose state it was begun from."""
    path: list[Tensor] = []
    for k in range(step, -1, -1):
        path.insert(0, model.read[k][row])
        row = model.rows[k - 1][row] if k else row
    return path, row if len(model.read[0]) < len(model.read[-1]) else row * batch // len(model.read[0])


def as_given(state: Any) -> Any:
    return state if len(state) > 1 else state[0]


def alone(model: Decoder, read: list[Tensor], first: int, batch: int) -> Trace:
    """The module itself, run on one sequence from one row of the first state."""
    state = tuple(s.narrow(-2, first, 1) for s in model.recurrence.zeros(batch))
    return trace(model.recurrence.rnn, torch.stack(read)[:, None], as_given(state))


def same(found: Trace, expected: Trace) -> None:
    assert len(found) == len(expected) and found.continued is None and found.lengths is None
    for name, value in expected.signals.items():
        np.testing.assert_allclose(found[name], value, rtol=0, atol=2e-6)
    np.testing.assert_array_equal(found.inputs, expected.inputs)
    for name, value in expected.initial.items():
        np.testing.assert_array_equal(found.initial[name], value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("batch", "width", "late"), [(1, 3, False), (3, 2, False), (2, 4, True), (1, 5, True)])
def test_beam_search_is_one_trace_with_the_rows_it_chose(kind: str, batch: int, width: int, late: bool) -> None:
    torch.manual_seed(3)
    model, steps = Beam(kind), 7
    [found] = trace_all(model, batch, width, steps, late).values()
    model(batch, width, steps, late)  # again, since what it notes of itself is put back
    assert found.continued is not None and found.continued.shape == (steps, batch * width, 2)
    assert len(found) == steps and found.certificate is not None
    for t in range(1, steps):
        chosen = model.rows[t - 1]
        assert (found.continued[t, :, 0] == t - 1).all()
        for name in found.cell.states():  # of rows that are alike any may stand for the others
            states = found[name][:, 0, t - 1]
            np.testing.assert_allclose(states[:, found.continued[t, :, 1]], states[:, chosen], rtol=0, atol=1e-6)
        if t > 2:
            assert found.continued[t, :, 1].tolist() == chosen
    assert any(rows != list(range(len(rows))) for rows in model.rows[2:-1]), "this search never chose otherwise"
    for step in (0, 3, steps - 1):
        for row in range(batch if late and step == 0 else batch * width):
            same(found.sequence(row, step), alone(model, *lineage(model, row, step, batch), batch))
    if late:
        assert (found.continued[0, batch:] == -2).all() and np.isnan(found["h"][:, :, 0, batch:]).all()
        with pytest.raises(ValueError, match=f"the batch does not have row {batch} at step 0"):
            found.sequence(batch, 0)


@pytest.mark.parametrize("kind", ["LSTMCell", "GRU2"])
def test_each_analysis_follows_the_rows(kind: str) -> None:
    """As on the hypothesis run alone; an intervention, after which the search might choose otherwise, is refused."""
    torch.manual_seed(3)
    model = Beam(kind).double()
    model.recurrence.zeros = lambda batch, zeros=model.recurrence.zeros: tuple(s.double() for s in zeros(batch))
    [found] = trace_all(model, 2, 3, 6).values()
    model(2, 3, 6)
    for step in (2, 5, -1):
        for row in (0, 4):
            one = alone(model, *lineage(model, row, step % 6, 2), 2)
            error = np.linspace(-1, 1, UNITS)
            np.testing.assert_allclose(
                gradients(found, step, error, batch=row).inputs, gradients(one, -1, error).inputs, rtol=0, atol=1e-12
            )
            got, expected = memory(found, step, batch=row), memory(one, -1)
            np.testing.assert_allclose(got.contributions, expected.contributions, rtol=0, atol=1e-12)
            assert got.residual < 1e-12 and got.step == len(got.contributions) - 1 == step % 6
    last = alone(model, *lineage(model, 4, 5, 2), 2)
    np.testing.assert_allclose(timescales(found, batch=4).on_text, timescales(last).on_text)
    np.testing.assert_allclose(retention(found, 1, batch=4).kept, retention(last, 1).kept, rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match=r"went on from other rows, .* trace.sequence\(row\)"):
        intervene(found, ["h=0"])
    assert len(intervene(found.sequence(4), ["h@1:2=0"]).after) == 6
    assert len(health(found)) == len(found["h"]) and saturation(found).left  # every step that was taken, pruned or not
    file = io.BytesIO()
    found.to_npz(file)
    back = Trace.from_npz(io.BytesIO(file.getvalue()))
    np.testing.assert_array_equal(back.continued, found.continued)
    same(back.sequence(4), found.sequence(4))


class Finishing(Decoder):
    """Reads a padded batch step by step; rows that are done keep their state: how, ``hold`` says."""

    def forward(
        self, x: Tensor, taken: Tensor, hold: Callable[[Tensor, Tensor, Tensor], Tensor], reset: bool
    ) -> Tensor:
        state = self.recurrence.zeros(x.shape[1])
        rows = []
        for x_t, on in zip(x, taken, strict=True):
            h, new = self.recurrence.step(x_t, state)
            state = tuple(hold(on[:, None], a, b) for a, b in zip(new, state, strict=True))
            rows.append(h)
        return torch.stack(rows)


HOLDS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "where": torch.where,
    "product": lambda on, new, old: on.to(new.dtype) * new + (1 - on.to(new.dtype)) * old,
    "in place": lambda on, new, old: old.clone().masked_scatter_(on.expand_as(old), new[on.expand_as(old)]),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hold", HOLDS)
@pytest.mark.parametrize("side", ["right", "left", "holes"])
def test_rows_that_are_held_back_go_on_from_the_state_they_kept(kind: str, hold: str, side: str) -> None:
    torch.manual_seed(5)
    model, lengths, steps = Finishing(kind), (4, 6, 1, 3), 6
    x = torch.randn(steps, 4, WIDTH)
    time = torch.arange(steps)[:, None]
    taken = time < torch.tensor(lengths) if side == "right" else time >= steps - torch.tensor(lengths)
    if side == "holes":
        taken = torch.rand(steps, 4) < 0.6
        taken[:, 1] = True
    [found] = trace_all(model, x, taken, HOLDS[hold], False).values()
    assert found.continued is not None and len(found) == steps
    for row in range(4):
        on = taken[:, row].tolist()
        for t in range(1, steps):
            before = max([-1, *(s for s in range(t) if on[s])])
            assert found.continued[t, row].tolist() == [before, row]
        # The last step that a trace can know to have been kept, or that nothing came after.
        read = [s for s in range(steps - 1) if on[s]] + [steps - 1]
        expected = trace(model.recurrence.rnn, x[read, row][:, None], first_of(model, row))
        one = found.sequence(row)
        for name, value in expected.signals.items():
            np.testing.assert_allclose(one[name], value, rtol=0, atol=2e-6)
    # What was thrown away is not counted; the last step, after which nothing was asked, is.
    counted = [(t, b) for t in range(steps) for b in range(4) if taken[t, b] or t == steps - 1]
    for name, share in saturation(found, low=0.5, layer=0).left.items():
        values = np.stack([found[name][0, 0, t, b] for t, b in counted])
        np.testing.assert_allclose(share, (values < 0.5).mean(axis=0))


@pytest.mark.parametrize("kind", KINDS)
def test_a_loop_that_goes_on_when_all_rows_are_done_is_still_one_trace(kind: str) -> None:
    """Padded further than the longest sequence, and two rows that read the same: each goes on from itself."""
    model, x = Finishing(kind), torch.randn(7, 3, WIDTH)
    x[:, 2] = x[:, 1]
    first = tuple(torch.zeros_like(s) for s in model.recurrence.zeros(3))
    model.recurrence.zeros = lambda batch: first
    [found] = trace_all(model, x, torch.arange(7)[:, None] < torch.tensor([3, 4, 4]), torch.where, False).values()
    assert found.continued is not None
    assert found.continued[:, 0].tolist() == [[-1, 0], [0, 0], [1, 0], *[[2, 0]] * 4]
    for row in (1, 2):
        assert found.continued[:, row].tolist() == [[-1, row], [0, row], [1, row], [2, row], *[[3, row]] * 3]


def first_of(model: Decoder, row: int) -> Any:
    state = tuple(s.narrow(-2, row, 1) for s in model.recurrence.zeros(4))
    return as_given(state)


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_that_only_shrinks_is_a_ragged_batch(kind: str) -> None:
    """Longest first, as packed sequences are run by hand: lengths, and no map."""

    class Shrinking(Decoder):
        def forward(self, x: Tensor, lengths: list[int]) -> None:
            state = self.recurrence.zeros(x.shape[1])
            for t in range(len(x)):
                left = sum(length > t for length in lengths)
                state = tuple(s.narrow(-2, 0, left) for s in state)
                _, state = self.recurrence.step(x[t, :left], state)

    model, x, lengths = Shrinking(kind), torch.randn(6, 4, WIDTH), [6, 4, 4, 1]
    [found] = trace_all(model, x, lengths).values()
    assert found.lengths == tuple(lengths) and found.continued is None
    for row, length in enumerate(lengths):
        expected = trace(model.recurrence.rnn, x[:length, row : row + 1], first_of(model, row))
        same(found.sequence(row), expected)
        for name, value in expected.final.items():
            np.testing.assert_allclose(found.final[name][:, :, row], value[:, :, 0], rtol=0, atol=2e-6)
        assert all(np.isnan(value[:, :, length:, row]).all() for value in found.signals.values())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("zero", [False, True])
def test_rows_that_begin_anew_go_on_from_the_first_state(kind: str, zero: bool) -> None:
    """As when an episode ends and the next one is played in its row; the other rows go on."""

    class Episodes(Decoder):
        def forward(self, x: Tensor, ends: Tensor) -> None:
            state = first = self.recurrence.zeros(x.shape[1])
            for x_t, end in zip(x, ends, strict=True):
                _, state = self.recurrence.step(x_t, state)
                if zero:
                    state = tuple(s * (1 - end[:, None].float()) for s in state)  # 0 or -0
                else:
                    state = tuple(torch.where(end[:, None], a, b) for a, b in zip(first, state, strict=True))

    model, x = Episodes(kind), torch.randn(7, 3, WIDTH)
    if zero:
        zeros = tuple(torch.zeros_like(s) for s in model.recurrence.zeros(3))
        model.recurrence.zeros = lambda batch: zeros
    ends = torch.zeros(7, 3, dtype=torch.bool)
    ends[2, 0] = ends[4, 0] = ends[3, 2] = True
    [found] = trace_all(model, x, ends).values()
    assert found.continued is not None
    for t in range(1, 7):
        for row in range(3):
            assert found.continued[t, row].tolist() == [-1 if ends[t - 1, row] else t - 1, row]
    state = tuple(s.narrow(-2, 0, 1) for s in model.recurrence.zeros(3))
    same(found.sequence(0), trace(model.recurrence.rnn, x[5:, :1], as_given(state)))
    same(found.sequence(0, 3), trace(model.recurrence.rnn, x[3:4, :1], as_given(state)))


@pytest.mark.parametrize("kind", KINDS)
def test_two_loops_side_by_side_are_two_traces(kind: str) -> None:
    class Twins(Decoder):
        def forward(self, x: Tensor, y: Tensor) -> None:
            one = other = None
            for x_t, y_t in zip(x, y, strict=True):
                _, one = self.recurrence.step(x_t, one)
                _, other = self.recurrence.step(y_t, other)

    model, x, y = Twins(kind), torch.randn(5, 2, WIDTH), torch.randn(5, 2, WIDTH)
    found = trace_all(model, x, y)
    assert list(found) == ["recurrence.rnn", "recurrence.rnn#2"]
    for part, read in zip(found.values(), (x, y), strict=True):
        same(part, trace(model.recurrence.rnn, read))


@pytest.mark.parametrize("kind", ["LSTMCell", "LSTM2"])
def test_states_that_were_computed_with_begin_a_new_trace(kind: str) -> None:
    """A state that is scaled, or whose h and c were taken from different rows, is nobody's any more."""

    class Odd(Decoder):
        def forward(self, x: Tensor, change: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> None:
            state = self.recurrence.zeros(x.shape[1])
            for t, x_t in enumerate(x):
                _, state = self.recurrence.step(x_t, state)
                state = change(*state) if t == 2 else state

    changes: list[Any] = [
        lambda h, c: (h * 0.5, c),
        lambda h, c: (h.flip(-2), c),
        lambda h, c: (h, torch.cat([c.narrow(-2, 0, 1) + 1, c.narrow(-2, 1, 2)], dim=-2)),
    ]
    for change in changes:
        found = trace_all(Odd(kind), torch.randn(5, 3, WIDTH), change)
        assert [len(part) for part in found.values()] == [3, 2]
        assert all(part.continued is None for part in found.values())


def test_a_loop_that_goes_straight_on_has_no_map() -> None:
    class Plain(Decoder):
        def forward(self, x: Tensor) -> None:
            state = self.recurrence.zeros(x.shape[1])
            for x_t in x:
                _, state = self.recurrence.step(x_t, state)

    for kind in KINDS:
        model, x = Plain(kind), torch.randn(5, 3, WIDTH)
        [found] = trace_all(model, x).values()
        assert found.continued is None and found.lengths is None and len(found) == 5


@pytest.mark.parametrize("kind", KINDS)
def test_a_loop_that_breaks_ends_each_row_where_it_breaks(kind: str) -> None:
    """NaN goes on in its own row alone, and the trace names the step of the loop."""

    class Plain(Decoder):
        def forward(self, x: Tensor) -> None:
            state = self.recurrence.zeros(x.shape[1])
            for x_t in x:
                _, state = self.recurrence.step(x_t, state)

    model, x = Plain(kind), torch.randn(6, 3, WIDTH)
    x[3, 1, 2] = torch.nan
    [found] = trace_all(model, x).values()
    assert found.broken is not None and (found.broken.step, found.broken.sequence) == (3, 1)
    assert found.lengths == (6, 4, 6) and found.continued is None
    for row in (0, 2):
        state = tuple(s.narrow(-2, row, 1) for s in model.recurrence.zeros(3))
        expected = trace(model.recurrence.rnn, x[:, row : row + 1], as_given(state))
        for name, value in expected.signals.items():
            np.testing.assert_allclose(found[name][:, :, :, row], value[:, :, :, 0], rtol=0, atol=2e-6)


def test_two_runs_from_the_same_first_state_are_two_traces() -> None:
    class Twice(Decoder):
        def forward(self, x: Tensor) -> None:
            for _ in range(2):
                state = self.recurrence.zeros(x.shape[1])
                for x_t in x:
                    _, state = self.recurrence.step(x_t, state)

    for kind in KINDS:
        found = trace_all(Twice(kind), torch.randn(4, 3, WIDTH))
        assert [len(part) for part in found.values()] == [4, 4]
        assert all(part.continued is None for part in found.values())


def test_pieces_of_several_steps_are_reordered_between_them() -> None:
    class Pieces(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.GRU(WIDTH, UNITS, num_layers=2, batch_first=True)

        def forward(self, x: Tensor) -> None:
            _, h = self.rnn(x[:, :3])
            self.rnn(x[:, 3:], h[:, [2, 0, 0]])

    model, x = Pieces(), torch.randn(3, 5, WIDTH)
    [found] = trace_all(model, x).values()
    assert found.continued is not None and found.continued[3].tolist() == [[2, 2], [2, 0], [2, 0]]
    assert (found.continued[[1, 2, 4], :, 1] == np.arange(3)).all()
    same(found.sequence(0), trace(model.rnn, torch.cat([x[2:, :3], x[:1, 3:]], dim=1)))


@pytest.mark.parametrize("damage", ["ahead", "row", "shape", "float", "not run", "never"])
def test_a_map_that_leads_nowhere_is_refused(damage: str) -> None:
    torch.manual_seed(3)
    [found] = trace_all(Beam("GRUCell"), 1, 2, 4).values()
    continued: Any = found.continued
    assert continued is not None
    if damage == "ahead":
        continued[1, 0, 0] = 1
    elif damage == "row":
        continued[2, 1, 1] = 2
    elif damage == "shape":
        continued = continued[:-1]
    elif damage == "float":
        continued = continued.astype(float)
    elif damage == "not run":
        continued[1, 0] = -2
        continued[2, 0] = (1, 0)
    else:
        continued[:, 1] = -2
    import dataclasses

    file = io.BytesIO()
    dataclasses.replace(found, continued=continued).to_npz(file)
    with pytest.raises(ValueError, match="its map of rows does not say for each of 4 steps and 2 rows"):
        Trace.from_npz(io.BytesIO(file.getvalue()))


def test_the_last_states_are_those_of_each_rows_last_step() -> None:
    """A batch that loses its first row: the others go on from themselves, one place further up."""

    class Leaving(Decoder):
        def forward(self, x: Tensor) -> None:
            state = self.recurrence.zeros(3)
            for t, x_t in enumerate(x):
                if t == 2:
                    state = tuple(s.narrow(-2, 1, 2) for s in state)
                _, state = self.recurrence.step(x_t[: 3 if t < 2 else 2], state)

    model, x = Leaving("LSTM2"), torch.randn(5, 3, WIDTH)
    [found] = trace_all(model, x).values()
    assert found.continued is not None and found.continued[2].tolist() == [[1, 1], [1, 2], [-2, -2]]
    assert (found.continued[3:, 2] == -2).all()
    for row, read in enumerate(([(0, 1), (1, 1), (2, 0), (3, 0), (4, 0)], [(0, 2), (1, 2), (2, 1), (3, 1), (4, 1)],
                                [(0, 2), (1, 2)])):  # fmt: skip
        xs = torch.stack([x[t, b] for t, b in read])[:, None]
        state = tuple(s.narrow(-2, read[0][1], 1) for s in model.recurrence.zeros(3))
        expected = trace(model.recurrence.rnn, xs, as_given(state))
        same(found.sequence(row), expected)
        for name, value in expected.final.items():
            np.testing.assert_allclose(found.final[name][:, :, row], value[:, :, 0], rtol=0, atol=2e-6)
