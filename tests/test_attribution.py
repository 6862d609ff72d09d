"""Attribution: equal to autograd and to the papers' formulas, complete, and it points at the word that decides."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from traces import GATED, random_trace

import lstm_core
from lab.tasks.country import countries, probes
from lab.tasks.english import GENDERS, PRONOUN, Writer, other
from lstm_core import Trace
from lstm_core.analysis import attribution, deletion, expected, integrated, memory, readout
from lstm_core.analysis.attribution import METHODS
from lstm_core.analysis.falling import PLACES, Fall

MODULES: dict[str, Callable[[], nn.RNNBase]] = {
    "lstm": lambda: nn.LSTM(5, 6),
    "gru, both directions": lambda: nn.GRU(5, 6, bidirectional=True),
    "lstm, two layers": lambda: nn.LSTM(5, 6, num_layers=2, bidirectional=True),
    "rnn": lambda: nn.RNN(5, 6, num_layers=2),
    "projected": lambda: nn.LSTM(5, 6, proj_size=3),
}
STEP = 4


def case(name: str) -> tuple[Trace, Callable[[Tensor], Tensor], Tensor, np.ndarray]:
    """A trace, the same output as a function of x in torch, x and the direction; sequence 1 of a batch of two."""
    torch.manual_seed(0)
    module = MODULES[name]().double()
    for value in module.parameters():
        nn.init.normal_(value, std=0.5)
    x = torch.randn(7, 2, 5, dtype=torch.float64)
    trace = lstm_core.trace(module, x)
    width = trace.hidden_size * (1 + module.bidirectional)
    vector = np.random.default_rng(1).normal(size=width)

    def output(x: Tensor) -> Tensor:
        return module(x)[0][STEP, :] @ torch.from_numpy(vector)

    return trace, output, x[:, 1:], vector


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("name", MODULES)
def test_gradients_are_autograds(name: str) -> None:
    trace, output, x, vector = case(name)
    x.requires_grad_()
    (slope,) = torch.autograd.grad(output(x).sum(), x)
    found = attribution(trace, vector, "gradient", step=STEP, batch=1)
    np.testing.assert_allclose(found.inputs, (slope * x).detach()[:, 0], atol=1e-10)
    assert found.value == pytest.approx(float(output(x.detach()).detach()), abs=1e-10)
    assert found.error == pytest.approx(abs(found.value - float((slope * x).sum().detach())), abs=1e-9)

    start = torch.full((7, 1, 5), 0.3, dtype=torch.float64)
    nodes, weights = np.polynomial.legendre.leggauss(64)
    whole = torch.zeros_like(x)
    for node, weight in zip(nodes, weights, strict=True):
        at = (start + (node + 1) / 2 * (x.detach() - start)).requires_grad_()
        whole += weight / 2 * torch.autograd.grad(output(at).sum(), at)[0]
    found = attribution(trace, vector, "integrated", step=STEP, batch=1, baseline=0.3, points=64)
    np.testing.assert_allclose(found.inputs, ((x - start) * whole).detach()[:, 0], atol=1e-8)
    assert found.baseline == pytest.approx(float(output(start).detach()), abs=1e-10)
    assert attribution(trace, vector, "integrated", step=STEP, batch=1).error < 1e-8


def lstm_relevance(trace: Trace, vector: np.ndarray, step: int) -> tuple[np.ndarray, float, float]:
    """Arras et al. 2017, equations 2 to 5, one sum and one product at a time, without the stabiliser.

    Returns (time, input), what the biases got, and what the first states got.
    """
    p = trace.layers[0][0]
    signals = {name: trace[name][0, 0, :, 0] for name in trace}
    first = {name: trace.initial[name][0, 0, 0] for name in ("h", "c")}
    of_h, of_c = vector * signals["h"][step], np.zeros_like(vector)
    shares, bias = np.zeros_like(trace.inputs[:, 0]), 0.0
    for t in range(step, -1, -1):
        h, c = (first[n] if t == 0 else signals[n][t - 1] for n in ("h", "c"))
        of_c = of_c + of_h  # h = o tanh(c): the gate gets nothing
        kept, written = signals["f"][t] * c, signals["i"][t] * signals["g"][t]
        of_g = written / (kept + written) * of_c
        of_c = kept / (kept + written) * of_c
        parts = np.concatenate([p["W_g"] * trace.inputs[t, 0], p["U_g"] * h, p["b_g"][:, None]], axis=1)
        found = parts / parts.sum(axis=1, keepdims=True) * of_g[:, None]
        shares[t], of_h = found[:, : parts.shape[1] - 1 - len(h)].sum(0), found[:, -1 - len(h) : -1].sum(0)
        bias += found[:, -1].sum()
    return shares, bias, of_h.sum() + of_c.sum()


def gru_relevance(trace: Trace, vector: np.ndarray, step: int) -> tuple[np.ndarray, float, float]:
    """The same rules for h = z h' + (1 - z) n, n = tanh(W x + b + r (U h' + b_h))."""
    p = trace.layers[0][0]
    signals = {name: trace[name][0, 0, :, 0] for name in trace}
    of_h = vector * signals["h"][step]
    shares, bias = np.zeros_like(trace.inputs[:, 0]), 0.0
    for t in range(step, -1, -1):
        h = trace.initial["h"][0, 0, 0] if t == 0 else signals["h"][t - 1]
        kept, written = signals["z"][t] * h, (1 - signals["z"][t]) * signals["n"][t]
        of_n, of_old = written / (kept + written) * of_h, kept / (kept + written) * of_h
        r = signals["r"][t][:, None]
        constant = p["b_n"][:, None], r * p["b_hn"][:, None]
        parts = np.concatenate([p["W_n"] * trace.inputs[t, 0], r * p["U_n"] * h, *constant], axis=1)
        found = parts / parts.sum(axis=1, keepdims=True) * of_n[:, None]
        width = trace.inputs.shape[-1]
        shares[t], of_h = found[:, :width].sum(0), of_old + found[:, width:-2].sum(0)
        bias += found[:, -2:].sum()
    return shares, bias, of_h.sum()


@pytest.mark.parametrize(("name", "rules"), [("lstm", lstm_relevance), ("gru", gru_relevance)])
def test_relevance_is_the_papers(name: str, rules: Callable[..., tuple[np.ndarray, float, float]]) -> None:
    trace = random_trace(name)
    vector = np.random.default_rng(2).normal(size=trace.hidden_size)
    step = len(trace) - 2
    shares, bias, initial = rules(trace.sequence(0), vector, step)
    found = attribution(trace, vector, "relevance", step=step)
    np.testing.assert_allclose(found.inputs, shares, atol=1e-9)
    assert (found.bias, found.initial) == (pytest.approx(bias, abs=1e-9), pytest.approx(initial, abs=1e-9))
    assert found.error < 1e-10


@pytest.mark.parametrize(("name", "rules"), [("lstm", lstm_relevance), ("gru", gru_relevance)])
def test_beyond_a_baseline_is_what_is_left_of_the_papers_shares(name: str, rules: Callable[..., Any]) -> None:
    trace = random_trace(name)
    vector = np.random.default_rng(2).normal(size=trace.hidden_size)
    step = len(trace) - 2
    x = trace.sequence(0).inputs[:, 0].astype(float)
    baseline = np.random.default_rng(3).normal(size=x.shape)
    shares, bias, _ = rules(trace.sequence(0), vector, step)
    found = attribution(trace, vector, "relevance", step=step, baseline=baseline)
    np.testing.assert_allclose(found.inputs, shares / x * (x - baseline), atol=1e-6)
    assert found.baseline == pytest.approx((shares / x * baseline).sum(), abs=1e-6) and found.error < 1e-10
    assert found.bias == pytest.approx(bias, abs=1e-9)
    assert not attribution(trace, vector, "gradient", step=step, baseline=x).words.any()


@pytest.mark.parametrize("cell", GATED)
@pytest.mark.parametrize("method", ["integrated", "relevance", "exact"])
def test_every_cell_is_complete(cell: str, method: str) -> None:
    trace = random_trace(cell)
    vector = np.random.default_rng(2).normal(size=trace.hidden_size)
    found = attribution(trace, vector, method)
    assert found.error < 1e-4, found
    sum_ = found.words.sum() + found.initial + found.bias
    assert sum_ == pytest.approx(found.value - found.baseline, abs=1e-4)
    if found.inputs is not None:
        np.testing.assert_allclose(found.inputs.sum(-1), found.words)


def test_exact_is_the_memorys() -> None:
    model = lstm_core.load_model("pronouns-gru")
    trace = model.run("Mary met John and then", device="cpu")
    direction = readout(model, "she", "he")
    found = attribution(trace, direction, "exact", step=3)
    np.testing.assert_array_equal(found.words, memory(trace, 3, direction=direction.vector).contributions)


def test_a_model_with_attention_and_one_that_skips_padding() -> None:
    model = lstm_core.load_model("pronouns-lstm-attention")
    trace = model.run("Mary was late because", device="cpu")
    found = attribution(trace, readout(model, "she", "he"), "integrated", points=64)
    assert found.error < 1e-4 and found.leading(1) == (0,)
    with pytest.raises(ValueError, match="attention: take method='integrated'"):
        attribution(trace, readout(model, "she", "he"))
    block = lstm_core.load_model("pronouns-lstm").block
    x = np.random.default_rng(0).normal(size=(6, 1, 16))
    mask = np.array([True, True, False, True, True, False])[:, None]
    vector = np.random.default_rng(1).normal(size=block.hidden_size)
    masked, short = block.trace(x, mask=mask), block.trace(x[mask[:, 0]])
    found, expected = (attribution(one, vector, "integrated") for one in (masked, short))
    np.testing.assert_allclose(found.words[mask[:, 0]], expected.words, atol=1e-6)
    assert not found.words[~mask[:, 0]].any() and found.error < 1e-4


def torch_lstm(model: lstm_core.Network) -> nn.LSTM:
    """A shipped model's own recurrence in PyTorch, in float64."""
    params = model.block.layers[0][0]
    units, width = params["W_i"].shape
    module = nn.LSTM(width, units).double()
    with torch.no_grad():
        for name, letter in (("weight_ih_l0", "W"), ("weight_hh_l0", "U"), ("bias_ih_l0", "b")):
            rows = [torch.from_numpy(np.asarray(params[f"{letter}_{gate}"], np.float64)) for gate in "ifgo"]
            getattr(module, name).copy_(torch.cat(rows))
        module.bias_hh_l0.zero_()
    return module


def country_case(gap: int, row: int) -> tuple[lstm_core.Network, Trace, np.ndarray]:
    """A text of country-lstm up to the language, and the lead of that language over the mean of all others."""
    model = lstm_core.load_model("country-lstm")
    ids = {word: at for at, word in enumerate(model.tokenizer.pieces)}
    others = [ids[language] for _, language in countries()]
    text = probes(model, 3, row + 1, gap)[row]
    end = int(text.answers[0])
    target = model.predicts.whole[int(text.ids[end])] - model.predicts.whole[others].mean(0)
    return model, model.read(text.ids[:end]), target.astype(np.float64)


@pytest.mark.parametrize(("gap", "row"), [(20, 0), (20, 1), (100, 2)])
def test_integrated_gradients_add_up_over_a_cliff(gap: int, row: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """country-lstm keeps one country or another: along the way from nothing to the text it falls from one into the
    other, and gradients at even distances miss that."""
    gradients, used = integrated.input_gradients, []

    def counted(run: Trace, *rest: Any) -> np.ndarray:
        used.append(run.inputs.shape[1])
        return gradients(run, *rest)

    monkeypatch.setattr(integrated, "input_gradients", counted)
    _, trace, target = country_case(gap, row)
    assert attribution(trace, target, "integrated").error < 1e-4 and 16 < sum(used) <= 256
    assert attribution(trace, target, "integrated", points=16).error > 1e-2, "or this is no test"


def test_every_share_over_a_cliff_is_that_of_many_gradients() -> None:
    model, trace, target = country_case(20, 0)
    module = torch_lstm(model)
    nodes, weights = np.polynomial.legendre.leggauss(16)
    x, whole = torch.from_numpy(trace.inputs.astype(np.float64)), 0.0
    parts = 128
    for low in np.arange(parts) / parts:
        at = (torch.from_numpy(low + (nodes + 1) / 2 / parts)[None, :, None] * x).requires_grad_()
        shown = module(at)[0][-1] @ torch.from_numpy(target)
        (slope,) = torch.autograd.grad(shown.sum(), at)
        whole += (slope * torch.from_numpy(weights)[None, :, None]).sum(1) / 2 / parts
    np.testing.assert_allclose(attribution(trace, target, "integrated").inputs, whole * x[:, 0], atol=1e-6)


def balanced() -> tuple[nn.RNN, Tensor]:
    """One unit that ends at 1 or at -1, and an input on whose way it balances between them for 16 steps: what it ends
    at turns over within a hundred-millionth of the way."""
    module = nn.RNN(2, 1).double()
    with torch.no_grad():
        for value, given in zip(module.parameters(), ([[1.0, -0.7]], [[4.0]], [-0.2], [0.0]), strict=True):
            value.copy_(torch.tensor(given))
    x = torch.zeros(16, 1, 2, dtype=torch.float64)
    x[:4, 0] = torch.tensor([[1.0, 0.3], [0.2, -0.4], [-0.1, 0.1], [0.05, 0.2]])
    return module, x


def halved_until_it_adds_up(module: nn.RNN, x: Tensor) -> np.ndarray:
    """Integrated gradients of the last state, (time, input): every part of the way that does not add up is halved."""
    nodes, weights = (torch.from_numpy(row) for row in np.polynomial.legendre.leggauss(16))
    shares, parts = torch.zeros_like(x[:, 0]), [(0.0, 1.0)]
    while parts:
        low, high = parts.pop()
        places = (low + high) / 2 + (high - low) / 2 * torch.cat([nodes, torch.tensor([-1.0, 1.0])])
        at = (places[None, :, None] * x).requires_grad_()
        ends = module(at)[0][-1, :, 0]
        (slope,) = torch.autograd.grad(ends[:16].sum(), at)
        own = (slope[:, :16] * weights[None, :, None]).sum(1) * x[:, 0] * (high - low) / 2
        if abs(float((own.sum() - ends[-1] + ends[-2]).detach())) > 1e-7 and high - low > 1e-13:
            parts += [(low, (low + high) / 2), ((low + high) / 2, high)]
        else:
            shares += own
    return shares.detach().numpy()


def test_a_fall_within_a_hundred_millionth_of_the_way_is_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    module, x = balanced()
    truth = halved_until_it_adds_up(module, x)
    gradients, used = integrated.input_gradients, []
    monkeypatch.setattr(
        integrated, "input_gradients", lambda run, *rest: used.append(run.inputs.shape[1]) or gradients(run, *rest)
    )
    trace = lstm_core.trace(module, x)
    found = attribution(trace, np.ones(1), "integrated")
    assert 0.5 < abs(truth.sum()) == pytest.approx(abs(found.value - found.baseline), abs=1e-4)
    np.testing.assert_allclose(found.inputs, truth, atol=2e-5)
    assert found.error < 1e-4 and sum(used) <= 256 and PLACES in used, "a fall, or this is no test"


def test_a_fall_says_what_its_shares_may_be_off_by() -> None:
    """Where the gradient turns within a fall, which one gradient for all of it does not say."""
    found = Fall(np.array([0.4, 0.6]), np.array([1.0, -0.25]), 1.25)
    gradients = np.array([[[1.0], [0.0]], [[1.0], [-2.0]]])  # (time, place, input): from both words to the second
    shares, doubt = found.shares(gradients)
    np.testing.assert_allclose(shares[:, 0], [0.5, 0.5 - 0.25])
    assert doubt == pytest.approx(1.25 * (0.5 + 0.5))
    assert found.shares(0 * gradients)[1] == 1.25, "nothing to be seen on both sides of a step"


def test_what_is_expected_is_the_mean_of_the_embeddings() -> None:
    model = lstm_core.load_model("pronouns-gru")
    trace = model.run("Mary met John and then she", device="cpu")
    h = trace["h"][-1, 0, :, 0].astype(float)
    scores = h @ model.predicts.whole.astype(float).T + model.predicts.bias
    chances = np.exp(scores - scores.max(1, keepdims=True))
    chances /= chances.sum(1, keepdims=True)
    found = expected(model, trace)
    np.testing.assert_allclose(found[1:], chances[:-1] @ model.embedding, atol=1e-4)
    np.testing.assert_allclose(found[0], model.embedding.mean(0), atol=1e-6)
    two = lstm_core.load_model("pronouns-lstm")
    with pytest.raises(ValueError, match="reads backwards"):
        expected(two, random_trace("lstm", directions=2))


@pytest.mark.parametrize("name", ["pronouns-lstm", "pronouns-gru"])
def test_deletion_is_the_run_without_these_words(name: str) -> None:
    model = lstm_core.load_model(name)
    trace = model.run("Mary met John and then she was", device="cpu")
    vector = readout(model, "she", "he").vector
    words = np.array([0.3, -1.0, 2.0, 0.1, 0.0, 0.5, 9.0])
    found = deletion(trace, vector, words, step=5)
    assert found.order == (2, 5, 0, 3, 4, 1), "the last is not read yet"
    x, expected_values = trace.inputs.copy(), []
    for at in (None, *found.order):
        if at is not None:
            x[at] = 0
        expected_values.append(float(model.read(x[:, 0])["h"][-1, 0, 5, 0] @ vector))
    np.testing.assert_allclose(found.values, expected_values, atol=1e-5)
    mean = (sum(expected_values) - (expected_values[0] + expected_values[-1]) / 2) / 6
    assert found.area == pytest.approx(mean, abs=1e-5)
    assert len(deletion(trace, vector, words, step=5, most=2).values) == 3
    with pytest.raises(ValueError, match=r"words holds \(3,\) shares; this sequence has 7 steps"):
        deletion(trace, vector, words[:3])


def test_what_there_is_not_says_so() -> None:
    trace = random_trace("lstm")
    vector = np.zeros(trace.hidden_size)
    with pytest.raises(ValueError, match="no method 'shap'; there are gradient, integrated, relevance, exact"):
        attribution(trace, vector, "shap")
    with pytest.raises(ValueError, match="points must be at least 1, not 0"):
        attribution(trace, vector, "integrated", points=0)
    for method in METHODS[:3]:
        with pytest.raises(ValueError, match=r"the target is a vector of the output, \(4,\), not \(3,\)"):
            attribution(trace, np.zeros(3), method)
    with pytest.raises(ValueError, match="no step 99"):
        attribution(trace, vector, step=99)


COUNT = 60


def share_of_subjects(name: str, method: str) -> float:
    """Of held-out texts that end before a pronoun, with persons beside its subject: how often the subject leads."""
    model, writer, right, texts = lstm_core.load_model(name), Writer(Random(7), held_out=True), 0, 0
    while texts < COUNT:
        gender = writer.rng.choice(GENDERS)
        before = writer.rng.choice(["", other(gender)])
        story = writer.probe(gender, before=before, distractor=writer.rng.random() < 0.5)
        end = max(story.pronouns)
        if max({**story.pronouns, **story.possessives}) > end:
            continue
        trace = model.run(" ".join(story.words[:end]), device="cpu")
        baseline = expected(model, trace) if method == "unexpected" else 0.0
        target = readout(model, PRONOUN[gender], PRONOUN[other(gender)])
        found = attribution(trace, target, "relevance" if method == "unexpected" else method, baseline=baseline)
        right += found.leading(1)[0] in story.span(story.subject_before(end))
        texts += 1
    return right / COUNT


def share_of_countries(name: str, method: str) -> float:
    """Of held-out texts that end before a language, 20 words after its country: how often the country leads."""
    model = lstm_core.load_model(name)
    ids = {word: at for at, word in enumerate(model.tokenizer.pieces)}
    spoken = {ids[country]: ids[language] for country, language in countries()}
    right = 0
    for row in probes(model, 3, COUNT, 20):
        end = int(row.answers[0])
        language = int(row.ids[end])
        others = sorted(set(spoken.values()) - {language})
        target = model.predicts.whole[language] - model.predicts.whole[others].mean(0)
        trace = model.read(row.ids[:end])
        baseline = expected(model, trace) if method == "unexpected" else 0.0
        found = attribution(trace, target, "relevance" if method == "unexpected" else method, baseline=baseline)
        right += spoken.get(int(row.ids[found.leading(1)[0]])) == language
    return right / COUNT


@pytest.mark.parametrize(
    ("share", "name", "method"),
    [
        (share_of_subjects, "pronouns-lstm", "unexpected"),
        (share_of_subjects, "pronouns-gru", "unexpected"),
        (share_of_countries, "country-lstm", "unexpected"),
        (share_of_countries, "country-gru", "unexpected"),
    ],
)
def test_it_points_at_the_word_that_decides(share: Callable[[str, str], float], name: str, method: str) -> None:
    """With one method: relevance beyond the word that the model expected."""
    assert share(name, method) >= 0.95
