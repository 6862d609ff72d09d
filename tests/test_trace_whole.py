"""``trace_all`` on models with recurrent modules inside, and ``trace_chunks`` on long sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lstm_core import Trace, trace, trace_all, trace_chunks
from lstm_core.modules import chunks as streaming
from lstm_core.modules import precision
from lstm_core.modules.chunks import join


class Tagger(nn.Module):
    """An embedding, a batch norm, dropout, two recurrent modules and a head; one of them in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10, 5)
        self.norm = nn.BatchNorm1d(5)
        self.drop = nn.Dropout(0.5)
        self.encoder = nn.LSTM(5, 6, num_layers=2, bidirectional=True, batch_first=True)
        self.heads = nn.ModuleList([nn.GRU(12, 4, batch_first=True), nn.Linear(4, 3)])
        self.unused = nn.RNN(3, 3)

    def forward(self, ids: torch.Tensor, double: bool = False) -> torch.Tensor:
        x = self.drop(self.norm(self.embedding(ids).transpose(1, 2)).transpose(1, 2))
        h, _ = self.encoder(input=x)
        h.relu_()  # in place: what the encoder gave is gone
        h, _ = self.heads[0](h)
        if double:
            h, _ = self.heads[0](torch.cat([h, h, h], dim=-1))
        return self.heads[1](h)


class Decoder(nn.Module):
    """A cell in a loop, then a recurrent module called step by step, each from the state that it left."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(5, 5)
        self.rnn = nn.GRU(5, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        state, hidden, rows = None, None, []
        for step in x:
            state = self.cell(step, state)
            row, hidden = self.rnn(state[0][None], hidden)
            rows.append(row)
        return torch.cat(rows)


def ids() -> torch.Tensor:
    return torch.randint(0, 10, (2, 7), generator=torch.Generator().manual_seed(0))


def test_one_run_gives_a_trace_for_each_module() -> None:
    """The names, and that each trace is the one of the module on what it got."""
    model, got = Tagger().eval(), {}
    handles = [
        module.register_forward_pre_hook(
            lambda m, args, given, name=name: got.update({name: (*args, *given.values())[0].clone()}), with_kwargs=True
        )
        for name, module in (("encoder", model.encoder), ("heads.0", model.heads[0]))
    ]
    found = trace_all(model, ids())
    for handle in handles:
        handle.remove()
    assert list(found) == ["encoder", "heads.0"]
    for name, one in found.items():
        expected = trace(model.get_submodule(name), got[name])
        for signal, value in expected.signals.items():
            np.testing.assert_allclose(one.signals[signal], value, rtol=0, atol=1e-6)
        assert one.max_abs_error is not None and one.max_abs_error < 1e-6
    assert found["encoder"].signals["f"].shape == (2, 2, 7, 2, 6)


def test_a_module_that_is_called_anew_gives_a_second_trace() -> None:
    found = trace_all(Tagger().eval(), ids(), double=True)
    assert list(found) == ["encoder", "heads.0", "heads.0#2"]
    assert not found["heads.0#2"].initial["h"].any()


def test_steps_of_a_loop_are_one_trace() -> None:
    model = Decoder()
    x = torch.randn(6, 3, 5)
    found = trace_all(model, x)
    assert list(found) == ["cell", "rnn"] and len(found["cell"]) == len(found["rnn"]) == 6
    whole = trace(model.cell, x)
    for name, value in whole.signals.items():
        np.testing.assert_allclose(found["cell"].signals[name], value, rtol=0, atol=1e-6)
    upper = trace(model.rnn, torch.from_numpy(whole.signals["h"][0, 0]))
    np.testing.assert_allclose(found["rnn"].signals["z"], upper.signals["z"], rtol=0, atol=1e-6)


def test_packed_sequences_inside_a_model() -> None:
    """What is packed for one module goes on, packed, into the next: each trace has the lengths."""

    class Packing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lower, self.upper = nn.LSTM(5, 6, bidirectional=True), nn.GRU(12, 3)

        def forward(self, parts: list[torch.Tensor]) -> Any:
            packed, _ = self.lower(nn.utils.rnn.pack_sequence(parts, enforce_sorted=False))
            return self.upper(packed)[0]

    model, parts = Packing(), [torch.randn(n, 5) for n in (3, 6, 2)]
    found = trace_all(model, parts)
    assert found["lower"].lengths == found["upper"].lengths == (3, 6, 2)
    output, _ = nn.utils.rnn.pad_packed_sequence(model(parts))
    for b, part in enumerate(parts):
        h = found["upper"].signals["h"][0, 0, : len(part), b]
        np.testing.assert_allclose(h, output[: len(part), b].detach().numpy(), rtol=0, atol=1e-6)


def test_a_forward_that_is_called_by_itself_is_traced() -> None:
    """As some people do, so that no hook runs."""

    class Direct(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.GRU(5, 6)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            first, h = self.rnn(x)
            return self.rnn.forward(x, h)[0] + first

    model, x = Direct(), torch.randn(4, 1, 5)
    found = trace_all(model, x)
    assert list(found) == ["rnn"] and len(found["rnn"]) == 8
    np.testing.assert_array_equal(found["rnn"].signals["h"][0, 0, :4], trace(model.rnn, x).signals["h"][0, 0])


def test_a_model_that_turns_gradients_on_is_traced() -> None:
    class Graded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.LSTM(5, 6)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            with torch.enable_grad():
                x = (x * 2).requires_grad_()
                return torch.autograd.grad(self.rnn(x)[0].sum(), x)[0]

    model, x = Graded().double(), torch.randn(4, 2, 5, dtype=torch.float64)
    [found] = trace_all(model, x).values()
    np.testing.assert_allclose(found.signals["h"], trace(model.rnn, x * 2).signals["h"], rtol=0, atol=1e-14)


def test_the_model_itself_may_be_the_module() -> None:
    module, x = nn.GRU(5, 6), torch.randn(4, 1, 5)
    found = trace_all(module, x)
    np.testing.assert_allclose(found[""].signals["h"], trace(module, x).signals["h"], rtol=0, atol=1e-6)


def remains(model: nn.Module) -> dict[str, Any]:
    return {
        "hooks": [
            (name, key, dict(value))
            for name, module in model.named_modules()
            for key, value in vars(module).items()
            if "hooks" in key
        ],
        "training": [module.training for module in model.modules()],
        "values": [value.clone() for value in model.state_dict().values()],
        "rng": torch.get_rng_state(),
        "grads": [p.grad for p in model.parameters()],
    }


def check_same(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert before["hooks"] == after["hooks"] and before["training"] == after["training"]
    assert torch.equal(before["rng"], after["rng"]) and before["grads"] == after["grads"]
    assert all(torch.equal(a, b) for a, b in zip(before["values"], after["values"], strict=True))


@pytest.mark.parametrize("training", [False, True])
def test_nothing_is_changed(training: bool) -> None:
    """In training mode, too: the batch norm's averages and the random state that dropout draws from are put back."""
    model = Tagger().train(training)
    before = remains(model)
    trace_all(model, ids())
    check_same(before, remains(model))
    with pytest.raises(IndexError):
        trace_all(model, torch.full((1, 3), 99))
    check_same(before, remains(model))


def test_no_hook_is_left_after_an_error_in_a_module(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Tagger().eval()
    before = remains(model)
    monkeypatch.setitem(precision.TOLERANCE, torch.float32, -1.0)
    with pytest.raises(RuntimeError, match=r"^encoder: the trace's h differs from the module's own"):
        trace_all(model, ids())
    check_same(before, remains(model))


def test_what_cannot_be_traced_is_named() -> None:
    model = Tagger()
    model.encoder.dropout = 0.3
    with pytest.raises(ValueError, match=r"^encoder: dropout is active"):
        trace_all(model, ids())
    with pytest.raises(ValueError, match="Linear contains no recurrent module"):
        trace_all(nn.Linear(2, 2), torch.zeros(1, 2))

    class Lazy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.RNN(2, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    with pytest.raises(ValueError, match="did not run rnn on these inputs"):
        trace_all(Lazy(), torch.zeros(1, 2))


MODULES = {
    "lstm": lambda: nn.LSTM(5, 6, num_layers=2, batch_first=True),
    "projected": lambda: nn.LSTM(5, 6, proj_size=2),
    "gru": lambda: nn.GRU(5, 6),
    "rnn": lambda: nn.RNN(5, 6, nonlinearity="relu"),
    "cell": lambda: nn.LSTMCell(5, 6),
}


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("kind", MODULES)
@pytest.mark.parametrize("steps", [1, 4, 11, 50])
def test_pieces_join_to_the_whole(kind: str, steps: int) -> None:
    module = MODULES[kind]().double()
    x = torch.randn(*((3, 11) if kind == "lstm" else (11, 3)), 5, dtype=torch.float64)
    whole = trace(module, x)
    pieces = list(trace_chunks(module, x, steps=steps))
    assert [len(piece) for piece in pieces] == [min(steps, 11 - k) for k in range(0, 11, steps)]
    joined = join(pieces)
    for name, value in whole.signals.items():
        np.testing.assert_allclose(joined.signals[name], value, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(joined.inputs, whole.inputs)
    for before, after in zip(pieces, pieces[1:], strict=False):
        for name, value in after.initial.items():
            np.testing.assert_allclose(value[..., :], before.signals[name][:, :, -1], rtol=0, atol=1e-12)
    assert all(piece.layers is pieces[0].layers for piece in pieces)


def test_a_sequence_may_lie_on_the_disk(tmp_path: Any) -> None:
    """An array that is not a tensor is read piece by piece; the pieces come when they are asked for."""
    module = nn.LSTM(5, 6)
    values = np.random.default_rng(0).normal(size=(40, 5))
    np.save(tmp_path / "x.npy", values)
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    made: list[int] = []
    original = streaming.trace_call
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streaming, "trace_call", lambda *a, **k: made.append(1) or original(*a, **k))
        pieces = trace_chunks(module, x, steps=10)
        first = next(pieces)
        assert isinstance(first, Trace) and len(made) == 1
        joined = join([first, *pieces])
    whole = trace(module, torch.from_numpy(values).float())
    np.testing.assert_allclose(joined.signals["c"], whole.signals["c"], rtol=0, atol=1e-6)


def test_what_has_no_pieces() -> None:
    x = torch.zeros(4, 1, 5)
    with pytest.raises(ValueError, match="backward direction begins at the end"):
        trace_chunks(nn.LSTM(5, 6, bidirectional=True), x, steps=2)
    with pytest.raises(ValueError, match="a piece has at least 1 step"):
        trace_chunks(nn.LSTM(5, 6), x, steps=0)
    with pytest.raises(ValueError, match=r"on x of shape \(time, batch, input\)"):
        trace_chunks(nn.LSTMCell(5, 6), x[0], steps=2)
    with pytest.raises(ValueError, match="cannot be cut in time"):
        trace_chunks(nn.LSTM(5, 6), nn.utils.rnn.pack_sequence([x[:, 0]]), steps=2)
    with pytest.raises(TypeError, match="Linear cannot be traced"):
        trace_chunks(nn.Linear(5, 6), x, steps=2)
