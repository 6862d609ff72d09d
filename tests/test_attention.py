"""Attention at the readout: the papers' formulas in floats, torch's gradients, and everything that a trace can be
asked."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import cases
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles_attention import attention as by_hand
from traces import random_trace

from lab.learning.network import TorchNetwork
from lab.tasks.english import FEMALE, GENDERS, Story, Writer, other
from lstm_core import CELLS, Network, Trace, load_model
from lstm_core.analysis import Force, Swap, contrast, gradients, health, intervene, memory, readout, word_error
from lstm_core.attention import attend, attended, expressions, latex, top, weights
from lstm_core.network import Readout
from lstm_core.ops import NUMPY, TorchOps, parameters
from lstm_core.scan import scan
from lstm_core.symbols import evaluate

TEXT = "Mary was late because she . John"
EVERY = pytest.mark.parametrize("name", CELLS)


def looking(name: str = "lstm", seed: int = 1, scale: float = 1.0, **options: Any) -> Network:
    """A small random model whose readout looks back."""
    model, rng = cases.model(name, **options), np.random.default_rng(seed)
    width = model.predicts.weight.shape[1]
    weight = rng.normal(size=(len(model.predicts.weight), 2 * width)).astype(np.float32)
    attention = {"W_a": scale * rng.normal(size=(width, width)).astype(np.float32)}
    return replace(model, readout=Readout(weight, model.predicts.bias, model.predicts.through, attention))


def in_float64(model: Network) -> Trace:
    """A run in float64, so that what is compared with it may be compared closely."""
    trace = random_trace(model.cell.name, time=6, hidden=model.hidden_size, layers=len(model.layers))
    params = {name: value.astype(np.float64) for name, value in (model.attention or {}).items()}
    return replace(trace, attention=params, signals={**trace.signals, **weights(params, trace.cell, trace.signals)})


@given(seed=st.integers(0, 2**32 - 1), time=st.integers(1, 9), batch=st.integers(1, 3))
def test_it_is_what_the_papers_say(seed: int, time: int, batch: int) -> None:
    rng = np.random.default_rng(seed)
    weight, h = rng.normal(size=(4, 4)), rng.normal(size=(time, batch, 4))
    found = attend(parameters({"W_a": weight}), h, h, NUMPY)
    for k in range(batch):
        alpha, context = by_hand(weight.tolist(), h[:, k].tolist())
        np.testing.assert_allclose(found["alpha"][:, k], alpha, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(found["a"][:, k], context, rtol=1e-12, atol=1e-12)


@given(seed=st.integers(0, 2**32 - 1), size=st.floats(0.1, 60))
def test_weights_are_shares_of_what_was_read(seed: int, size: float) -> None:
    """They add up to 1, none is negative, and a word that comes later changes nothing before it, not in one bit."""
    rng = np.random.default_rng(seed)
    params, h = {"W_a": size * rng.normal(size=(3, 3))}, rng.normal(size=(7, 2, 3))
    both, alpha = attended(params, h)
    np.testing.assert_allclose(alpha.sum(-1), 1, rtol=0, atol=1e-12)
    assert (alpha >= 0).all()
    assert not alpha[np.triu_indices(7, 1)[0], :, np.triu_indices(7, 1)[1]].any()
    changed = np.concatenate([h[:4], rng.normal(size=(3, 2, 3))])
    again, beta = attended(params, changed)
    np.testing.assert_allclose(again[:4], both[:4], rtol=0, atol=1e-12)
    np.testing.assert_allclose(beta[:4], alpha[:4], rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numpy_and_torch_agree(dtype: type) -> None:
    rng = np.random.default_rng(2)
    params = {"W_a": rng.normal(size=(4, 4)).astype(dtype)}
    h = rng.normal(size=(6, 2, 4)).astype(dtype)
    one = attended(params, h)
    two = attended({name: torch.tensor(value) for name, value in params.items()}, torch.tensor(h), TorchOps())
    for a, b in zip(one, two, strict=True):
        assert a.dtype == dtype
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12 if dtype is np.float64 else 1e-5)


def test_scores_that_are_far_apart_do_not_overflow() -> None:
    h = np.array([[[30.0]], [[-30.0]], [[30.0]]], np.float32)
    both, alpha = attended({"W_a": np.array([[100.0]], np.float32)}, h)
    assert np.isfinite(both).all()
    np.testing.assert_allclose(alpha[2, 0], [0.5, 0, 0.5], atol=1e-6)


def test_gradcheck() -> None:
    rng = np.random.default_rng(3)
    weight, h = (torch.tensor(rng.normal(size=s), requires_grad=True) for s in ((3, 3), (5, 2, 3)))
    assert torch.autograd.gradcheck(lambda w, x: attended({"W_a": w}, x, TorchOps()), (weight, h))


# The equations


LINES = r"""
e_{t,k} = h_{t}^{\top} W_{a}\, h_{k}
\alpha_{t,k} = \operatorname{softmax}_{k \le t}\left(e_{t,k}\right)
a_{t} = \sum_{k \le t} \alpha_{t,k}\, h_{k}
"""


def test_the_equations_are_written_from_the_code() -> None:
    """They are printed as a paper has them, and the very expressions that were written, evaluated, are what ran."""
    assert latex() == LINES.strip().splitlines()
    rng = np.random.default_rng(4)
    weight, h = rng.normal(size=(4, 4)), rng.normal(size=(6, 2, 4))
    ran = attend(parameters({"W_a": weight}), h, h, NUMPY)
    values = {"now": h, "states": h, "p.W_a": parameters({"W_a": weight}).W_a}
    for name, expr in expressions().items():
        np.testing.assert_array_equal(evaluate(expr, values, NUMPY), ran[name])


def test_the_printed_lines_computed_as_a_reader_would() -> None:
    """Each line, its LaTeX turned into Python piece by piece, for every t and k."""
    rng = np.random.default_rng(5)
    weight, h = rng.normal(size=(4, 4)), rng.normal(size=(6, 4))
    both = attend(parameters({"W_a": weight}), h[:, None], h[:, None], NUMPY)
    ran = {name: value[:, 0] for name, value in both.items()}
    pieces = {
        r"h_{t}^{\top} ": "h[t] @ ",
        r"\operatorname{softmax}_{k \le t}\left(e_{t,k}\right)": "np.exp(e[t, k]) / sum(np.exp(e[t, j]) for j in past)",
        r"\sum_{k \le t} \alpha_{t,k}\, h_{k}": "sum(alpha[t, k] * h[k] for k in past)",
        r"W_{a}\, h_{k}": "(W @ h[k])",
    }
    for name, line in zip(("e", "alpha", "a"), latex(), strict=True):
        code = line.partition(" = ")[2]
        for written, meant in pieces.items():
            code = code.replace(written, meant)
        assert "\\" not in code, code
        for t in range(6):
            for k in range(t + 1):
                known = {"np": np, "h": h, "W": weight, "t": t, "k": k, "past": range(t + 1), **ran}
                expected = ran[name][t] if name == "a" else ran[name][t, k]
                np.testing.assert_allclose(eval(code, known), expected, rtol=0, atol=1e-12)


# The model


def shown(model: Network, trace: Trace) -> np.ndarray:
    """What the readout reads, by the oracle, from the trace's own h."""
    h = np.concatenate(list(trace.sel(model.cell.output, layer=-1, batch=0)), -1)
    assert model.attention is not None
    return np.concatenate([h, by_hand(model.attention["W_a"].tolist(), h.tolist())[1]], -1)


@EVERY
@pytest.mark.parametrize("directions", [1, 2])
def test_predictions_read_the_state_and_what_it_looks_back_at(name: str, directions: int) -> None:
    model = looking(name, layers=2, directions=directions)
    trace = model.run(TEXT, device="cpu")
    expected = shown(model, trace) @ model.predicts.weight.T.astype(float) + model.predicts.bias
    np.testing.assert_allclose(model.logits(trace), expected, rtol=1e-4, atol=1e-4)
    h = np.concatenate(list(trace.signals[model.cell.output][-1][:, :, 0]), -1)
    assert model.attention is not None
    alpha = by_hand(model.attention["W_a"].tolist(), h.tolist())[0]
    np.testing.assert_allclose(trace.sel("alpha", layer=0, direction=0, batch=0), alpha, atol=1e-5)


@pytest.mark.parametrize("tied", [False, True])
def test_saved_and_loaded(tied: bool, tmp_path: Path) -> None:
    model, path = looking("gru", tied=tied), tmp_path / "m.safetensors"
    model.save(path)
    loaded = Network.load(path)
    assert loaded.attention is not None and model.attention is not None
    np.testing.assert_array_equal(loaded.attention["W_a"], model.attention["W_a"])
    assert loaded.attention["W_a"].dtype == np.float32
    trace = model.run(TEXT, device="cpu")
    np.testing.assert_array_equal(loaded.logits(loaded.run(TEXT, device="cpu")), model.logits(trace))
    expected = shown(model, trace) @ model.predicts.whole.T + model.predicts.bias
    np.testing.assert_allclose(model.logits(trace), expected, atol=1e-4)
    drawn = model.untrained()
    assert drawn.attention is not None and (drawn.attention["W_a"] != model.attention["W_a"]).all()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"attention": None}, r"readout.weight is \(9, 10\), not \(9, 5\)"),
        ({"attention": {"W_a": np.zeros((5, 4), np.float32)}}, r"attention.W_a is \(5, 4\), not \(5, 5\)"),
        ({"attention": {"V": np.zeros((5, 5), np.float32)}}, "'attention.W_a' is missing"),
    ],
)
def test_a_file_whose_attention_does_not_fit_is_refused(change: dict, reason: str, tmp_path: Path) -> None:
    model = looking()
    replace(model, readout=replace(model.predicts, **change)).save(tmp_path / "m.safetensors")
    with pytest.raises(ValueError, match=reason):
        Network.load(tmp_path / "m.safetensors")


def test_the_network_that_trains_is_the_model_that_is_shipped() -> None:
    torch.manual_seed(0)
    for tied in (False, True):
        network = TorchNetwork(CELLS["lstm"], len(cases.WORDS), 4, 6, tied=tied, attention=True)
        model = network.model("x", cases.word_tokenizer(), {})
        trace = model.run(TEXT, device="cpu")
        ids = torch.tensor([[token.id] for token in trace.tokens])
        logits, _ = network(ids)
        np.testing.assert_allclose(model.logits(trace), logits[:, 0].detach(), atol=1e-5)
        logits.sum().backward()
        grad = network.attention["W_a"].grad
        assert grad is not None and (grad != 0).any()


# The trace


def test_alpha_is_a_signal_like_any_other() -> None:
    model = looking(layers=2)
    trace = model.run(TEXT, device="cpu")
    steps = len(trace)
    assert trace.sel("alpha", layer=0, direction=0, batch=0).shape == (steps, steps)
    assert trace.sel("alpha", time=3, unit=1).shape == (1, 1, 1)
    assert trace.roles["attention"] == trace.role_label("attention") == "alpha"
    assert [signal.name for signal in trace.declared][-1] == "alpha"
    file = io.BytesIO()
    trace.to_npz(file)
    file.seek(0)
    np.testing.assert_array_equal(np.load(file)["alpha"], trace.signals["alpha"])
    table = trace.to_pandas()
    rows = table[table["signal"] == "alpha"]
    assert len(rows) == steps**2
    np.testing.assert_allclose(rows.groupby("time")["value"].sum(), 1, atol=1e-5)
    assert len(health(trace)) == 2
    empty = model.run("")
    assert empty.signals["alpha"].shape == (1, 1, 0, 1, 0) and model.predictions(empty) == []
    assert "alpha" not in cases.model().run(TEXT).signals


def test_what_if_runs_through_the_attention() -> None:
    """A word swapped early, a state silenced: alpha and the prediction are those of the run as it would have been."""
    model = looking()
    trace = model.run(TEXT, device="cpu")
    found = intervene(trace, [Swap(0, "John")], model)
    other = model.run("John" + TEXT[4:], device="cpu")
    np.testing.assert_allclose(found.after.signals["alpha"], other.signals["alpha"], atol=1e-5)
    np.testing.assert_allclose(found.probabilities[1], model.probabilities(other), atol=1e-5)
    silent = intervene(trace, [Force("h", 0.0, None, 2, 3)], model).after
    weight, bias = model.predicts.weight, model.predicts.bias
    np.testing.assert_allclose(model.logits(silent), shown(model, silent) @ weight.T + bias, atol=1e-4)
    assert np.abs(silent.signals["alpha"] - trace.signals["alpha"]).max() > 1e-3
    with pytest.raises(ValueError, match="has no signal 'alpha'"):
        intervene(trace, [Force("alpha", 1.0)], model)


@pytest.mark.parametrize("name", ["lstm", "gru", "janet"])
def test_the_memory_of_a_word_counts_what_is_looked_back_at(name: str) -> None:
    """A logit is the sum of what each token wrote, shown now or in a state that is looked back at."""
    model = looking(name)
    trace = model.run(TEXT, device="cpu")
    for step in (0, 3, 6):
        speaks = readout(model, "she", "he")
        found = memory(trace, step, direction=speaks.vector)
        she, he = (model.tokenizer.id(word) for word in ("she", "he"))
        expected = float(model.logits(trace)[step, she] - model.logits(trace)[step, he])
        total = found.contributions.sum() + float(found.initial) + found.offset
        assert total + speaks.bias == pytest.approx(expected, abs=1e-4)
        assert float(found.value) + speaks.bias == pytest.approx(expected, abs=1e-4)
        assert found.residual < 1e-5 and not found.contributions[step + 1 :].any()


@pytest.mark.parametrize(("layers", "step"), [(1, 0), (1, 4), (2, 5), (2, -1)])
def test_gradients_flow_through_the_attention(layers: int, step: int) -> None:
    """Against torch: the error in [h; a] after a step, sent back to every input, in float64."""
    model = looking("lstm", layers=layers)
    trace = in_float64(model)
    assert trace.attention is not None
    error = np.random.default_rng(6).normal(size=2 * model.hidden_size)
    found = gradients(trace, step, error, batch=1)
    x = torch.tensor(trace.inputs, requires_grad=True)
    rows = [[{k: torch.tensor(v) for k, v in params.items()} for params in row] for row in trace.layers]
    signals, _ = scan(trace.cell, rows, x, {k: torch.tensor(v) for k, v in trace.initial.items()}, TorchOps())
    weight = {"W_a": torch.tensor(trace.attention["W_a"])}
    both, _ = attended(weight, signals["h"][-1, 0], TorchOps())
    (both[step, 1] @ torch.tensor(error)).backward()
    assert x.grad is not None
    np.testing.assert_allclose(found.inputs, x.grad[:, 1], rtol=0, atol=1e-12)


def test_the_error_of_a_word_is_one_in_both() -> None:
    model = looking()
    trace = model.run(TEXT, device="cpu")
    read = torch.tensor(model.reads(trace.signals)[3, 0], requires_grad=True)
    scores = torch.tensor(model.predicts.whole) @ read + torch.tensor(model.predicts.bias)
    torch.nn.functional.cross_entropy(scores, torch.tensor(model.tokenizer.id("she"))).backward()
    assert read.grad is not None
    np.testing.assert_allclose(word_error(model, trace, 3, "she"), read.grad, atol=1e-5)


def test_two_texts_are_compared_in_all_but_their_own_weights() -> None:
    model = looking()
    found = contrast(model.run(TEXT, device="cpu"), model.run("Mary was late", device="cpu"))
    assert np.isnan(found.difference("c")[0, 0, -1]).all()
    with pytest.raises(ValueError, match="alpha weighs the tokens of its own text"):
        found.difference("alpha")


def test_the_top_layer_in_both_directions_is_what_is_looked_at() -> None:
    model = looking("gru", layers=2, directions=2)
    trace = model.run(TEXT, device="cpu")
    h = top(model.cell, trace.signals)
    assert h.shape == (len(trace), 1, 10)
    np.testing.assert_array_equal(h[:, :, 5:], trace.sel("h", layer=1, direction=1))


# The shipped model


NAME = "pronouns-lstm-attention"


def looks(model: Network, story: Story) -> tuple[np.ndarray, np.ndarray]:
    """(alpha, [h; a]) of a story by plain NumPy from the trace's h, in float64."""
    assert model.attention is not None
    h = model.run(story.text, device="cpu").sel("h", layer=0, direction=0, batch=0).astype(np.float64)
    scores = h @ model.attention["W_a"].astype(np.float64) @ h.T
    powers = np.tril(np.exp(scores - scores.max(-1, keepdims=True)))
    alpha = powers / powers.sum(-1, keepdims=True)
    return alpha, np.concatenate([h, alpha @ h], -1)


def claims(model: Network, count: int = 100) -> dict[str, float]:
    """What the header says, on held-out texts that nothing was trained or chosen on: another subject came before."""
    rng = Random(777_100)
    she, he = (model.tokenizer.id(word) for word in ("she", "he"))
    out = model.predicts
    weight, bias = out.weight[she] - out.weight[he], out.bias[she] - out.bias[he]
    half = len(weight) // 2
    right, blind, since = [], [], []
    for k in range(count):
        gender = GENDERS[k % 2]
        story = Writer(rng, held_out=True).probe(gender, before=other(gender), distractor=True)
        alpha, read = looks(model, story)
        place = max(story.pronouns)
        right.append((read[place - 1] @ weight + bias > 0) == (gender == FEMALE))
        blind.append((read[place - 1, :half] @ weight[:half] + bias > 0) == (gender == FEMALE))
        since.append(alpha[place - 1, story.subject_before(place) :].sum())
    return {"right": float(np.mean(right)), "blind": float(np.mean(blind)), "since": float(np.mean(since))}


def test_the_shipped_model_needs_its_attention_and_looks_no_further_back_than_the_subject() -> None:
    model = load_model(NAME)
    found, untrained = claims(model), claims(model.untrained(), 40)
    assert found["right"] >= 0.98 and found["blind"] <= 0.7 and found["since"] >= 0.95
    assert untrained["right"] <= 0.75 and untrained["since"] <= 0.7
    metrics = model.meta["metrics"]
    assert min(metrics[key] for key in ("distractor", "switch", "distance_100")) >= 0.99
    assert metrics["switch_blind"] <= 0.6 and metrics["since_subject"] >= 0.95
    assert "nothing told it which word to look back at" in model.meta["honesty"]
    assert model.meta["seed"] in [run["seed"] for run in model.meta["seeds"]]
