"""The gradient that ``lstm_core.watch`` reads, dh, against loops of torch's own cells that keep every h."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import lstm_core
from lstm_core.watching.reading import Reading
from tests.test_watch import Tagger, X, train


class Loop:
    """The top layer of ``module`` as a loop of torch's cells over ``x``, (time, batch, input), every h kept with its
    gradient: what dL/dh is, without the module. h, c: (direction, time) of (batch, unit), None in padding."""

    def __init__(self, module: nn.RNNBase, x: Tensor, first: Any = None, lengths: Any = None) -> None:
        self.kind, self.top = type(module), module.num_layers - 1
        self.lengths = torch.full((x.shape[1],), len(x)) if lengths is None else torch.tensor(lengths)
        for layer in range(self.top):
            x = torch.cat(self._outputs(self._run(module, layer, x, first)[0]), dim=-1)
        self.h, self.last = self._run(module, self.top, x, first)
        self.output = torch.cat(self._outputs(self.h), dim=-1)

    def _cell(self, module: nn.RNNBase, layer: int, way: int, width: int) -> nn.Module:
        kinds: dict[Any, Any] = {nn.LSTM: nn.LSTMCell, nn.GRU: nn.GRUCell, nn.RNN: nn.RNNCell}
        more = {"nonlinearity": module.nonlinearity} if isinstance(module, nn.RNN) else {}
        cell = kinds[self.kind](width, module.hidden_size, **more).double()
        place = f"_l{layer}" + "_reverse" * way
        cell.load_state_dict({name: getattr(module, name + place) for name in cell.state_dict()})
        return cell

    def _run(self, module: nn.RNNBase, layer: int, x: Tensor, first: Any) -> tuple[list[list[Tensor]], list[Any]]:
        rows, ends = [], []
        for way in range(1 + module.bidirectional):
            cell, at = self._cell(module, layer, way, x.shape[-1]), layer * (1 + module.bidirectional) + way
            names = 2 if self.kind is nn.LSTM else 1
            given: Any = first if isinstance(first, tuple) else (first,)
            zeros = [x.new_zeros(x.shape[1], module.hidden_size)] * names
            state, row = [one[at] for one in given] if first is not None else zeros, [x] * len(x)
            for t in range(len(x))[:: -1 if way else 1]:
                new = cell(x[t], tuple(state) if names == 2 else state[0])
                there = (t < self.lengths)[:, None]
                state = [torch.where(there, *pair) for pair in zip(new if names == 2 else [new], state, strict=True)]
                if layer == self.top:
                    state[0].retain_grad()
                row[t] = state[0]
            rows.append(row)
            ends.append(state)
        return rows, ends

    def _outputs(self, rows: list[list[Tensor]]) -> list[Tensor]:
        there = (torch.arange(len(rows[0]))[:, None] < self.lengths)[..., None]
        return [torch.where(there, torch.stack(row), 0.0) for row in rows]

    def norms(self, way: int) -> np.ndarray:
        """(time, batch), NaN in padding."""
        none = torch.zeros_like(self.h[way][0])
        found = torch.stack([(none if h.grad is None else h.grad).norm(dim=-1) for h in self.h[way]])
        return np.where(torch.arange(len(found))[:, None] < self.lengths, found, np.nan)


LOSSES: dict[str, Any] = {
    "the last step": lambda y, last, ends: sum((y[end, k] ** 3).sum() for k, end in enumerate(ends)),
    "every step": lambda y, last, ends: (y**3).sum(),
    "h_n": lambda y, last, ends: (last[0] ** 3).sum(),
    "c_n": lambda y, last, ends: (last[-1] ** 3).sum(),
    "all of it": lambda y, last, ends: (y**3).sum() + sum((k + 2) * (one**2).sum() for k, one in enumerate(last)),
}
KINDS: dict[str, Any] = {
    "LSTM": nn.LSTM,
    "GRU": nn.GRU,
    "tanh": nn.RNN,
    "relu": lambda *sizes, **more: nn.RNN(*sizes, nonlinearity="relu", **more),
}


def compared(model: nn.RNNBase, loss: str, lengths: Any = None, first: Any = None, x: Tensor | None = None) -> None:
    """One step of ``model`` and of the loop: what was read is the loop's."""
    x, readings = X.double() if x is None else x, list[Reading]()
    given: Any = x.transpose(0, 1) if model.batch_first else x
    if lengths is not None:
        given = nn.utils.rnn.pack_padded_sequence(
            given, lengths, batch_first=model.batch_first, enforce_sorted=False
        )
    with lstm_core.watch(model, 1, readings.append) as watching:
        y, last = model(given, first)
        y = y if lengths is None else nn.utils.rnn.pad_packed_sequence(y, batch_first=model.batch_first)[0]
        ends = [one - 1 for one in lengths or [len(x)] * x.shape[1]]
        last = last if isinstance(last, tuple) else (last,)
        LOSSES[loss](y.transpose(0, 1) if model.batch_first else y, last, ends).backward()
    assert not watching.skipped
    loop = Loop(model, x, first, lengths)
    whole = [torch.stack(states) for states in zip(*loop.last, strict=True)]
    rest = [one[: -len(loop.last)].detach() for one in last]  # of the layers below, which the top one does not read
    LOSSES[loss](loop.output, [torch.cat(pair) for pair in zip(rest, whole, strict=True)], ends).backward()
    tops = [one for one in readings if one.layer == model.num_layers - 1]
    assert [one.direction for one in tops] == list(range(len(loop.h)))
    assert all(one.dh is None for one in readings if one not in tops)
    for one in tops:
        size, rows = loop.norms(one.direction), range(len(ends))
        np.testing.assert_allclose(one.dh, np.nanmean(size, axis=1), rtol=1e-9, atol=1e-12)
        sides = np.mean([size[0, k] for k in rows]), np.mean([size[ends[k], k] for k in rows])
        found = [one.quantities()[f"dh {name}"] for name in ("first", "last")]
        np.testing.assert_allclose(found, sides[:: -1 if one.direction else 1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("lengths", [None, [2, 7, 5, 1, 6]], ids=["full", "lengths"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("kind", KINDS)
def test_dh_is_the_whole_derivative(kind: str, loss: str, lengths: Any) -> None:
    """Through the recurrence as well, whatever the loss reads, as a loop of cells has it."""
    torch.manual_seed(0)
    compared(KINDS[kind](3, 6, bidirectional=True, batch_first=lengths is None).double(), loss, lengths)


@pytest.mark.parametrize("kind", KINDS)
def test_dh_of_two_layers_from_a_first_state(kind: str) -> None:
    torch.manual_seed(0)
    model = KINDS[kind](3, 6, 2).double()
    first = torch.randn(2, 2, 5, 6).double().unbind(0)
    compared(model, "all of it", first=first if kind == "LSTM" else first[0])
    compared(model, "all of it", [7, 7, 3, 2, 1], first=first if kind == "LSTM" else first[0])


def test_dh_of_projected_states_and_of_one_sequence_alone() -> None:
    """Against differences of the loss itself: torch has no cell that projects."""
    torch.manual_seed(0)
    model, readings = nn.LSTM(3, 6, proj_size=2).double(), list[Reading]()
    x = X[:, 0].double()
    with lstm_core.watch(model, 1, readings.append):
        y, (h, c) = model(x)
        (y[-1].sum() + (c**2).sum()).backward()
    state: Any = None
    for t in range(4):
        _, state = model(x[t : t + 1], state)

    def rest(moved: Tensor) -> Tensor:
        y, (_, c) = model(x[4:], (moved, state[1]))
        return y[-1].sum() + (c**2).sum()

    expected = torch.autograd.functional.jacobian(rest, state[0].detach()).norm()
    assert readings[0].dh is not None
    np.testing.assert_allclose(readings[0].dh[3], expected, rtol=1e-9)


@pytest.mark.parametrize("packed", [False, True])
def test_dh_of_a_pass_with_dropout_between_its_layers(packed: bool) -> None:
    """The numbers that were dropped are drawn again, and the training's own draws stay what they were."""
    torch.manual_seed(0)
    model, readings = nn.GRU(3, 6, 3, bidirectional=True, dropout=0.4).double(), list[Reading]()
    alone = [nn.GRU(width, 6, bidirectional=True).double() for width in (3, 12, 12)]
    for layer, one in enumerate(alone):
        one.load_state_dict({name: getattr(model, name.replace("_l0", f"_l{layer}")) for name in one.state_dict()})
    lengths = [7, 4, 6, 2, 1] if packed else None
    x: Any = X.double()
    x = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False) if lengths else x
    torch.manual_seed(5)
    with lstm_core.watch(model, 1, readings.append):
        output = model(x)[0]
        y = nn.utils.rnn.pad_packed_sequence(output)[0] if packed else output
        (y**3).sum().backward()
    drawn = torch.rand(3)
    torch.manual_seed(5)
    for one in alone[:2]:
        data = one(x)[0]
        x = data._replace(data=torch.dropout(data.data, 0.4, True)) if packed else torch.dropout(data, 0.4, True)
    assert torch.equal(drawn, torch.rand(3))
    padded = nn.utils.rnn.pad_packed_sequence(x)[0] if packed else x
    loop = Loop(alone[2], padded.detach(), None, lengths)
    torch.testing.assert_close(loop.output, y)
    (loop.output**3).sum().backward()
    for one in readings[-2:]:
        np.testing.assert_allclose(one.dh, np.nanmean(loop.norms(one.direction), axis=1), rtol=1e-9)
    assert len(readings) == 6 and all(one.dh is None for one in readings[:4])


def test_dh_is_not_said_of_a_pass_that_cannot_be_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on an accelerator, whose draws are its own."""
    monkeypatch.setattr("torch.get_rng_state", lambda: torch.Generator().manual_seed(9).get_state())
    readings = list[Reading]()
    with lstm_core.watch(model := Tagger(), 1, readings.append) as watching:
        train(model, 1)
    assert [one.dh for one in readings] == [None] * 4 and not watching.skipped


@pytest.mark.parametrize("loss", ["the last step", "every step"])
def test_dh_tells_a_network_that_keeps_from_one_that_forgets(loss: str) -> None:
    """What came back through time does, where every step has a loss of its own as well."""
    found = {}
    for bias in (4.0, -4.0):
        torch.manual_seed(0)
        model, readings = nn.GRU(4, 6), list[Reading]()
        torch.nn.init.constant_(model.bias_ih_l0[6:12], bias)
        torch.nn.init.normal_(model.weight_hh_l0, std=0.02)
        with lstm_core.watch(model, 1, readings.append):
            LOSSES[loss](model(torch.randn(30, 5, 4))[0], None, [29] * 5).backward()
        found[bias] = {name: readings[0].quantities()[f"dh {name}"] for name in ("first", "last", "through time")}
    assert found[4.0]["through time"] > 0.1 * found[4.0]["last"] and found[4.0]["first"] > 0.1 * found[4.0]["last"]
    assert found[-4.0]["through time"] < 0.05 * found[4.0]["through time"]
    assert (found[-4.0]["first"] > 1e-2 * found[-4.0]["last"]) == (loss == "every step")


def test_dh_of_accumulated_gradients_is_of_the_batch_that_was_read() -> None:
    """One step of several batches, of which one is read; with the loss of all, and batch by batch."""
    torch.manual_seed(0)
    parts, readings = torch.randn(4, 7, 5, 3).double(), list[Reading]()
    model = nn.LSTM(3, 6).double()
    with lstm_core.watch(model, 2, readings.append):
        for part in parts[:2]:
            (model(part)[0][-1] ** 2).sum().backward()
        torch.stack([(model(part)[0][-1] ** 2).sum() for part in parts[2:]]).sum().backward()
    for one, part in zip(readings, parts[::2], strict=True):
        loop = Loop(model, part)
        (loop.output[-1] ** 2).sum().backward()
        np.testing.assert_allclose(one.dh, loop.norms(0).mean(1), rtol=1e-9)


AFTER: dict[str, Any] = {
    "h_n": lambda model, x, h, c: (h**3).sum(),
    "c_n": lambda model, x, h, c: (c**3).sum(),
    "the next call": lambda model, x, h, c: (model(x, (h, c))[0] ** 3).sum(),
}


@pytest.mark.parametrize("after", AFTER)
def test_dh_of_a_loss_that_reads_the_last_states_alone(after: str) -> None:
    """In single precision, whose kernel gives no gradient at the output then, not even zeros."""
    torch.manual_seed(0)
    model, readings = nn.LSTM(3, 6), list[Reading]()
    with lstm_core.watch(model, 2, readings.append) as watching:
        AFTER[after](model, X, *model(X)[1]).backward()
    assert not watching.skipped
    loop = Loop(model, X.double())
    h, c = loop.last[0]
    AFTER[after](copy.deepcopy(model).double(), X.double(), h[None], c[None]).backward()
    np.testing.assert_allclose(readings[0].dh, loop.norms(0).mean(1), rtol=1e-4)


def raised(loss: Tensor, y: Tensor, last: Tensor) -> None:
    def fails(gradient: Tensor) -> None:
        raise OverflowError

    handle = y.register_hook(fails)
    with pytest.raises(OverflowError):
        loss.backward(retain_graph=True)
    handle.remove()


BEFORE: dict[str, Any] = {
    "a part, to the output": lambda loss, y, last: torch.autograd.grad(loss, y, retain_graph=True),
    "a part, to the last state": lambda loss, y, last: torch.autograd.grad(loss, last, retain_graph=True),
    "one that raised": raised,
}


@pytest.mark.parametrize("before", BEFORE)
def test_dh_is_of_the_first_pass_that_goes_through_the_module(before: str) -> None:
    found = []
    for first in (lambda *given: None, BEFORE[before]):
        torch.manual_seed(0)
        model, readings = nn.GRU(3, 6), list[Reading]()
        with lstm_core.watch(model, 1, readings.append):
            y, last = model(X)
            loss = y.sum() + 5 * last.square().sum()
            first(loss, y, last)
            loss.backward()
        found.append(readings[0].dh)
    np.testing.assert_array_equal(*found)
