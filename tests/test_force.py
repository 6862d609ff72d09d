"""Interventions inside a whole model, beside the model written out in plain torch with the values put in by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from lstm_core import Forced, trace, trace_all
from lstm_core.analysis import parse

Edit = Callable[[int, int, int, str, Tensor, Tensor | None], Tensor]
"""(layer, direction, step, signal, value, value before the step) -> value"""


def _put(edit: Edit, layer: int, way: int, t: int, name: str, value: Tensor, old: Tensor | None = None) -> Tensor:
    return edit(layer, way, t, name, value.clone(), old)


def by_hand(module: Any, x: Tensor, state: Any, edit: Edit) -> tuple[Tensor, list[Tensor]]:
    """x (time, batch, input) -> (time, batch, direction * unit), and last states, by the equations torch documents."""
    ways, last = 2 if module.bidirectional else 1, []
    lstm = isinstance(module, nn.LSTM)
    states = list(state) if isinstance(state, tuple) else [state]
    for layer in range(module.num_layers):
        outputs = []
        for way in range(ways):
            k = f"_l{layer}" + ("_reverse" if way else "")
            w_ih, w_hh, b_ih, b_hh = (getattr(module, n + k) for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
            h, c = states[0][layer * ways + way], states[-1][layer * ways + way]
            rows: list[Any] = [None] * len(x)
            for t in range(len(x))[::-1] if way else range(len(x)):
                put = partial(_put, edit, layer, way, t)
                a, u = x[t] @ w_ih.T + b_ih, h @ w_hh.T + b_hh
                if lstm:
                    i, f, g, o = (a + u).chunk(4, -1)
                    i, f, o = put("i", i.sigmoid()), put("f", f.sigmoid()), put("o", o.sigmoid())
                    c = put("c", f * c + i * put("g", g.tanh()), c)
                    h = put("h", o * c.tanh(), h)
                elif isinstance(module, nn.GRU):
                    (ar, az, an), (ur, uz, un) = a.chunk(3, -1), u.chunk(3, -1)
                    r, z = put("r", (ar + ur).sigmoid()), put("z", (az + uz).sigmoid())
                    h = put("h", (1 - z) * put("n", (an + r * un).tanh()) + z * h, h)
                else:
                    h = put("h", (a + u).tanh(), h)
                rows[t] = h
            outputs.append(torch.stack(rows))
            last.append((h, c))
        x = torch.cat(outputs, -1)
    return x, [torch.stack([pair[k] for pair in last]) for k in range(len(states))]


class Head(nn.Module):
    """A recurrent module, then a layer on its output and its last states."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.lstm = module
        self.linear = nn.Linear(module.hidden_size * (2 if module.bidirectional else 1), 3)
        self.last = nn.Linear(module.hidden_size, 2)
        self.double()

    def start(self, batch: int) -> Any:
        count = self.lstm.num_layers * (2 if self.lstm.bidirectional else 1)
        size = (count, batch, self.lstm.hidden_size)
        states = tuple(torch.linspace(-0.9, 0.9, count * batch * size[2]).double().view(size) + k for k in (0, 0.1))
        return states if isinstance(self.lstm, nn.LSTM) else states[0]

    def forward(self, x: Tensor) -> Any:
        y, state = self.lstm(x, self.start(x.shape[0 if self.lstm.batch_first else 1]))
        return self.end(y, state)

    def end(self, y: Tensor, state: Any) -> Any:
        y = y.relu_() if self.training else y.relu()
        return self.linear(y), [self.last(s) for s in (state if isinstance(state, tuple) else (state,))]


def assert_alike(found: Any, expected: Any, atol: float = 1e-12) -> None:
    torch.testing.assert_close(found, expected, rtol=0, atol=atol)


def edit_of(*edits: tuple[int, int, range, str, Any, Any]) -> Edit:
    """(layer, direction, steps, signal, units, what): a number, "hold" or "flip"."""

    def edit(layer: int, way: int, t: int, name: str, value: Tensor, old: Tensor | None) -> Tensor:
        for one_layer, one_way, steps, signal, units, what in edits:
            if (one_layer, one_way, signal) == (layer, way, name) and t in steps:
                new = old if what == "hold" else -value if what == "flip" else torch.full_like(value, what)
                assert new is not None
                value[..., units] = new[..., units]
        return value

    return edit


ALL = slice(None)
CASES: dict[str, tuple[Any, list[str], Edit]] = {
    "a gate": (lambda: nn.LSTM(4, 5), ["lstm: f[3]@4:5=1"], edit_of((0, 0, range(4, 5), "f", 3, 1.0))),
    "several units and steps": (
        lambda: nn.LSTM(4, 5, batch_first=True), ["lstm: i[0,2-3]@2:=0"],
        edit_of((0, 0, range(2, 7), "i", [0, 2, 3], 0.0)),
    ),
    "a lower layer": (
        lambda: nn.LSTM(4, 5, num_layers=2), ["lstm: c[1]@3:5=hold"], edit_of((0, 0, range(3, 5), "c", 1, "hold")),
    ),
    "an upper layer and the state": (
        lambda: nn.LSTM(4, 5, num_layers=2), ["lstm: h/1@2:3=0"], edit_of((1, 0, range(2, 3), "h", ALL, 0.0)),
    ),
    "both directions": (
        lambda: nn.LSTM(4, 5, num_layers=2, bidirectional=True), ["lstm: g/0r[2]@5:6=flip", "lstm: o/1@0:2=1"],
        edit_of((0, 1, range(5, 6), "g", 2, "flip"), (1, 0, range(0, 2), "o", ALL, 1.0)),
    ),
    "from the end": (lambda: nn.GRU(4, 5), ["lstm: z@-2:=0.25"], edit_of((0, 0, range(5, 7), "z", ALL, 0.25))),
    "a GRU in both directions": (
        lambda: nn.GRU(4, 5, bidirectional=True, batch_first=True), ["lstm: r/0r@1:3=0"],
        edit_of((0, 1, range(1, 3), "r", ALL, 0.0)),
    ),
    "a plain one": (
        lambda: nn.RNN(4, 5, num_layers=2), ["lstm: h[0]@1:2=-1"], edit_of((0, 0, range(1, 2), "h", 0, -1.0)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("training", [False, True])
def test_the_rest_of_the_model_runs_on_what_was_forced(case: str, training: bool) -> None:
    """In training mode this model overwrites what its module returned, which changes nothing in the trace."""
    torch.manual_seed(2)
    make, force, edit = CASES[case]
    model = Head(make()).train(training)
    x = torch.randn(7, 3, 4, dtype=torch.float64)
    given = x.transpose(0, 1) if model.lstm.batch_first else x
    found = trace_all(model, given, force=force)
    assert isinstance(found, Forced) and list(found) == ["lstm"]
    with torch.no_grad():
        h, last = by_hand(model.lstm, x, model.start(3), edit)
        y = h.transpose(0, 1) if model.lstm.batch_first else h
        assert_alike(found.output, model.end(y.clone(), tuple(last)))
        assert not torch.allclose(found.output[0], model(given)[0])
    np.testing.assert_allclose(np.concatenate([*found["lstm"]["h"][-1]], -1), h.numpy(), rtol=0, atol=1e-12)
    assert found["lstm"].certificate is None and all(
        text.split(": ")[1] in " ".join(found["lstm"].assumed) for text in force
    )


@pytest.mark.parametrize("make", [case[0] for case in CASES.values()])
def test_what_is_forced_to_what_it_was_changes_nothing(make: Any) -> None:
    """To the last bit before the intervention and where it does not reach, and to rounding after it."""
    torch.manual_seed(2)
    model = Head(make()).float()
    start = model.start(3)
    model.start = lambda batch: tuple(s.float() for s in start) if isinstance(start, tuple) else start.float()
    x = torch.randn(3 if model.lstm.batch_first else 7, 7 if model.lstm.batch_first else 3, 4)
    untouched, plain = trace_all(model, x, force=[]), trace_all(model, x)
    with torch.no_grad():
        expected = model(x)
    assert isinstance(plain, dict) and not hasattr(plain, "output") and torch.equal(untouched.output[0], expected[0])
    for name, value in plain["lstm"].signals.items():
        np.testing.assert_array_equal(untouched["lstm"][name], value)
    unit = 2
    values = plain["lstm"]["h"][-1, 0, 4, :, unit]
    x1 = x[:1] if model.lstm.batch_first else x[:, :1]
    model.start = lambda batch: (
        tuple(s[:, :1].float() for s in start) if isinstance(start, tuple) else start[:, :1].float()
    )
    layer = model.lstm.num_layers - 1
    found = trace_all(model, x1, force=[f"lstm: h/{layer}[{unit}]@4:5={float(values[0])!r}"])
    with torch.no_grad():
        expected = model(x1)
    assert_alike(found.output, expected, 1e-5)
    steps = found.output[0].squeeze(), expected[0].squeeze()
    if not model.lstm.bidirectional:
        assert torch.equal(steps[0][:4], steps[1][:4])


def test_packed_sequences_keep_their_order_and_their_ends() -> None:
    class Packing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lower, self.upper = nn.LSTM(4, 5, bidirectional=True).double(), nn.GRU(10, 3).double()

        def forward(self, x: Tensor, lengths: list[int], enforce: bool) -> Any:
            packed, state = self.lower(pack_padded_sequence(x, lengths, enforce_sorted=enforce))
            return pad_packed_sequence(self.upper(packed)[0])[0], state

    torch.manual_seed(0)
    model = Packing()
    for lengths, enforce in (([2, 6, 3], False), ([6, 4, 1], True)):
        x = torch.randn(6, 3, 4, dtype=torch.float64)
        found = trace_all(model, x, lengths, enforce, force=["lower: c/0r[1]@-2:=0.5"])
        for row, length in enumerate(lengths):
            zeros = tuple(torch.zeros(2, 1, 5, dtype=torch.float64) for _ in range(2))
            edit = edit_of((0, 1, range(max(length - 2, 0), length), "c", 1, 0.5))
            with torch.no_grad():
                h, last = by_hand(model.lower, x[:length, row : row + 1], zeros, edit)
                assert_alike(found.output[0][:length, row : row + 1], model.upper(h)[0])
            for k in range(2):
                assert_alike(found.output[1][k][:, row : row + 1], last[k])
            assert (found["lower"].lengths, found["upper"].lengths) == (tuple(lengths), tuple(lengths))
            np.testing.assert_allclose(found["upper"].inputs[:length, row], h[:, 0].numpy(), rtol=0, atol=1e-12)
            assert found["upper"].certificate is not None and found["upper"].assumed == ()


class Loop(nn.Module):
    """A decoder: a cell, or a module one step at a time, that reads what it wrote."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.rnn = {"LSTMCell": nn.LSTMCell, "GRUCell": nn.GRUCell, "LSTM": nn.LSTM, "GRU": nn.GRU}[kind](4, 5)
        self.write = nn.Linear(5, 4)
        self.double()

    def forward(self, x: Tensor, steps: int, edit: Any = None) -> Tensor:
        """edit: (step, h, c) -> (h, c), what a person would write into the loop."""
        cell = isinstance(self.rnn, nn.RNNCellBase)
        state, rows = None, []
        for k in range(steps):
            if cell:
                state = self.rnn(x, state)
                h, c = state if isinstance(state, tuple) else (state, state)
                if edit:
                    h, c = edit(k, h, c)
                    state = (h, c) if isinstance(state, tuple) else h
            else:
                y, state = self.rnn(x[None], state)
                h = y[0]
                if edit:
                    h, c = edit(k, h, state[1][0] if isinstance(state, tuple) else h)
                    state = (h[None], c[None]) if isinstance(state, tuple) else h[None]
            x = self.write(h).tanh()
            rows.append(x)
        return torch.stack(rows)


@pytest.mark.parametrize("kind", ["LSTMCell", "GRUCell", "LSTM", "GRU"])
@pytest.mark.parametrize(
    ("written", "steps"), [("h[1]@3:5=0.5", range(3, 5)), ("h[1]@0=0.5", [0]), ("h[1]=0.5", range(8))]
)
def test_a_decoder_goes_on_from_the_state_that_was_forced(kind: str, written: str, steps: Any) -> None:
    torch.manual_seed(1)
    model, x = Loop(kind), torch.randn(2, 4, dtype=torch.float64)

    def edit(k: int, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        h = h.clone()
        if k in steps:
            h[:, 1] = 0.5
        return h, c

    found = trace_all(model, x, 8, force=f"rnn: {written}")
    with torch.no_grad():
        expected, plain = model(x, 8, edit), model(x, 8)
    assert_alike(found.output, expected)
    assert list(found) == ["rnn"] and len(found["rnn"]) == 8 and found["rnn"].continued is None
    assert (found["rnn"]["h"][0, 0, list(steps), :, 1] == 0.5).all()
    assert found["rnn"].forced == (str(parse(written)),) and trace_all(model, x, 8)["rnn"].forced == ()
    assert torch.equal(found.output[: min(steps)], plain[: min(steps)])
    np.testing.assert_array_equal(found["rnn"].inputs[1:], found.output[:-1].numpy())


def test_a_gate_in_a_loop_by_the_update() -> None:
    """The forget gate is 1 at one step of a cell's loop: c goes on whole, and h is shown from it."""
    torch.manual_seed(1)
    model, x = Loop("LSTMCell"), torch.randn(2, 4, dtype=torch.float64)
    plain, found = trace_all(model, x, 6)["rnn"], trace_all(model, x, 6, force=["rnn: f@2=1"])["rnn"]
    v = {name: value[0, 0] for name, value in plain.signals.items()}
    c = v["c"][1] + v["i"][2] * v["g"][2]
    np.testing.assert_allclose(found["c"][0, 0, 2], c, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["h"][0, 0, 2], v["o"][2] * np.tanh(c), rtol=0, atol=1e-12)
    rest = trace(model.rnn, torch.from_numpy(found.inputs[3:]), (torch.from_numpy(found["h"][0, 0, 2]),
                                                                 torch.from_numpy(found["c"][0, 0, 2])))  # fmt: skip
    np.testing.assert_allclose(found["c"][0, 0, 3:], rest["c"][0, 0], rtol=0, atol=1e-12)


def test_each_run_of_a_module_is_forced_by_its_own_name() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.ModuleDict({"rnn": nn.GRU(4, 4)}).double()

        def forward(self, x: Tensor) -> Tensor:
            return self.inner["rnn"](self.inner["rnn"](x)[0])[0]

    torch.manual_seed(0)
    model, x = Twice(), torch.randn(5, 2, 4, dtype=torch.float64)
    rnn, zeros = model.inner["rnn"], torch.zeros(1, 2, 4, dtype=torch.float64)
    edit, nothing = edit_of((0, 0, range(1, 3), "z", 0, 1.0)), edit_of()
    for name, edits in (("inner.rnn", (edit, nothing)), ("inner.rnn#2", (nothing, edit))):
        found = trace_all(model, x, force=[f"{name}: z[0]@1:3=1"])
        assert list(found) == ["inner.rnn", "inner.rnn#2"]
        with torch.no_grad():
            expected = by_hand(rnn, by_hand(rnn, x, zeros, edits[0])[0], zeros, edits[1])[0]
        assert_alike(found.output, expected)
    with pytest.raises(ValueError, match="the model did not run 'inner.rnn#3'; it ran 'inner.rnn', 'inner.rnn#2'"):
        trace_all(model, x, force=["inner.rnn#3: z=1"])


def test_the_model_itself_one_sequence_and_half_precision() -> None:
    torch.manual_seed(0)
    module, x = nn.LSTM(4, 5), torch.randn(6, 4)
    for written in (["c[1]@2=0"], [": c[1]@2=0"], "c[1]@2=0"):
        found = trace_all(module, x, force=written)
        with torch.no_grad():
            (y, (h, c)), (z, _) = found.output, module(x)
        assert y.shape == (6, 5) and h.shape == c.shape == (1, 5) and torch.equal(y[:2], z[:2]) and y[2, 1] == 0
        assert torch.equal(y[-1:], h) and not torch.equal(y[2:], z[2:])
    low = nn.GRU(4, 5).bfloat16()
    found = trace_all(low, x[:, None].bfloat16(), force=["h[0]@3:4=0.5"])
    y, h = found.output
    assert y.dtype is h.dtype is torch.bfloat16 and y[3, 0, 0] == 0.5


def test_a_hook_on_the_module_sees_what_was_forced() -> None:
    torch.manual_seed(0)
    model, x = Head(nn.GRU(4, 5)), torch.randn(7, 3, 4, dtype=torch.float64)
    expected = trace_all(model, x, force=["lstm: z@2=0"])["lstm"]
    seen: list[Tensor] = []
    model.lstm.register_forward_hook(lambda module, args, output: seen.append(output[0]) or (output[0] * 2, output[1]))
    found = trace_all(model, x, force=["lstm: z@2=0"])
    np.testing.assert_array_equal(seen[0].numpy(), expected["h"][0, 0])
    assert_alike(found.output[0], model.linear((seen[0] * 2).relu()).detach())
    assert any("a forward hook changes the output" in sentence for sentence in found["lstm"].assumed)


def test_a_search_chooses_anew_after_an_intervention() -> None:
    """Beam search with a word's readout pushed: the rows that were chosen are others, and so is the map."""
    from test_continued import Beam

    torch.manual_seed(3)
    model = Beam("LSTMCell")
    found, plain = trace_all(model, 1, 3, 6, force=["recurrence.rnn: h@2=flip"]), trace_all(model, 1, 3, 6)
    one, other = found["recurrence.rnn"], plain["recurrence.rnn"]
    assert one.continued is not None and other.continued is not None and len(one) == 6
    np.testing.assert_array_equal(one.continued[:3], other.continued[:3])
    assert not torch.equal(found.output, model(1, 3, 6))
    np.testing.assert_allclose(one["h"][0, 0, 2], -other["h"][0, 0, 2], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("force", "error", "answer"),
    [
        (
            ["gru: f=1"],
            ValueError,
            "^'gru: f=1' does not begin with a module's name and a colon; the modules are 'a', 'b.c'$",
        ),
        (["f[1]@2:3=1"], ValueError, "does not begin with a module's name and a colon"),
        (["a: f[9]=1"], ValueError, "^a: unit 9 does not exist in f"),
        (["a: q=1"], ValueError, "^a: the cell lstm has no signal 'q'; it has i, f, g, o, c, h"),
        (["a: f/1=1"], ValueError, "^a: layer 1 does not exist in f"),
        (["a: f/0r=1"], ValueError, "^a: direction 1 does not exist in f"),
        (["a: f=hold"], ValueError, "^a: only a state can be held"),
        (["a: f@@=1"], ValueError, "one looks like f"),
        (["a: x@1:2=word"], ValueError, "a module reads numbers, in which no word can be swapped"),
        (["b.c: h@-1:=0"], ValueError, "^b.c: h@-1:=0: a negative step counts from the end"),
        (["a#2: f=1"], ValueError, "^the model did not run 'a#2'; it ran 'a', 'b.c'$"),
        ([1], TypeError, "force must be a text or a list of texts"),
    ],
)
def test_what_cannot_be_forced_is_refused_in_words(force: Any, error: type, answer: str) -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.LSTM(4, 5)
            self.b = nn.ModuleDict({"c": nn.GRUCell(5, 3)})

        def forward(self, x: Tensor) -> Tensor:
            h = None
            for row in self.a(x)[0]:
                h = self.b["c"](row, h)
            assert h is not None
            return h

    model, x = Two(), torch.randn(4, 2, 4)
    with pytest.raises(error, match=answer):
        trace_all(model, x, force=force)
    with torch.no_grad():  # with gradients torch may take another kernel
        expected = model(x)
    assert torch.equal(trace_all(model, x, force=["a: !f=1"]).output, expected)
    assert list(trace_all(model, x)) == ["a", "b.c"]
