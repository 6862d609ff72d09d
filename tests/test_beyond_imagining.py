"""Networks that imagine lines: every step against the papers' equations written anew, and what their files claim."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from lab.tasks.strokes import strokes
from lstm_core import analysis
from lstm_core.beyond import kept
from lstm_core.beyond.imagining import LEAST, MOST, Imagining
from tests.test_beyond_drawing import lstm

FRESH = 7
KINDS = ("vrnn", "storn", "plain")


def model(kind: str) -> Imagining:
    return Imagining.load(kept.file(f"strokes-{kind}"))


def normal(part: dict[str, np.ndarray], *reads: torch.Tensor) -> Normal:
    p = {name: torch.from_numpy(value) for name, value in part.items()}
    seen = torch.tanh(p["W"] @ torch.cat(reads) + p["b"])
    return Normal(p["W_mean"] @ seen + p["b_mean"], (p["W_log"] @ seen + p["b_log"]).clamp(LEAST, MOST).exp())


@pytest.mark.parametrize("kind", KINDS)
def test_every_step_is_the_papers(kind: str) -> None:
    network = model(kind)
    lines = network.examples[:1]
    x, noise = torch.from_numpy(lines[0]), torch.from_numpy(network.noise(3, lines.shape[1], 1)[:, 0])
    g = {name: dict(part) for name, part in network.groups.items()}
    cell, reader = lstm(g["cell"]), lstm(g["reader" if kind == "storn" else "cell"])
    zeros = torch.zeros(network.units)
    state, reading, before = (zeros, zeros), (zeros, zeros), torch.zeros(2)
    nats = []
    with torch.no_grad():
        for t in range(len(x)):
            said = torch.zeros(())
            if kind == "vrnn":
                prior, given = normal(g["prior"], state[0]), normal(g["posterior"], x[t], state[0])
                z = given.mean + given.stddev * noise[t]
                said = kl_divergence(given, prior).sum()
                out = normal(g["out"], z, state[0])
                state = cell(torch.cat([x[t], z]), state)
            elif kind == "storn":
                reading = reader(x[t], reading)
                given = normal(g["posterior"], reading[0])
                z = given.mean + given.stddev * noise[t]
                said = kl_divergence(given, Normal(torch.zeros(len(z)), torch.ones(len(z)))).sum()
                state = cell(torch.cat([before, z]), state)
                out = normal(g["out"], state[0])
            else:
                out = normal(g["out"], state[0])
                state = cell(x[t], state)
            nats.append(float(said - out.log_prob(x[t]).sum()))
            before = x[t]
    np.testing.assert_allclose(network.bound(lines, seed=3)[0], nats, atol=5e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_its_trace_is_one_like_any_other(kind: str) -> None:
    network = model(kind)
    for line in (network.read(network.examples[0]), network.imagine(12, 1)):
        for trace in line.traces.values():
            assert len(trace) == len(line.x)
            assert analysis.memory(trace, len(trace) - 1).residual < 1e-5
        assert (line.kl is not None) == (kind != "plain" and line.posterior is not None)
    assert network.imagine(12, 1).posterior is None


def test_a_latent_variable_is_worth_its_nats() -> None:
    """On new lines: in every seed the networks with z need fewer nats than a plain network of their size."""
    lines = strokes(np.random.default_rng(FRESH), 150)
    bounds = {kind: float(model(kind).bound(lines, FRESH)[:, 5:].mean()) for kind in KINDS}
    runs = {kind: [run["bound"] for run in model(kind).meta["seeds"]] for kind in KINDS}
    for kind in ("vrnn", "storn"):
        assert bounds[kind] < bounds["plain"] - 0.5 and max(runs[kind]) < min(runs["plain"]) - 0.5
        untrained = model(kind).untrained().bound(lines[:30], FRESH)[:, 5:].mean()
        assert untrained > bounds["plain"]
    for kind in KINDS:
        assert abs(bounds[kind] - model(kind).meta["metrics"]["bound"]) < 0.2 and len(runs[kind]) >= 5
    sizes = [model(kind).meta["parameters"] for kind in KINDS]
    assert max(sizes) < 1.15 * min(sizes)


def at_turns_over_elsewhere(network: Imagining) -> float:
    """How many times as many nats z is told where the pen turns."""
    at_turns, elsewhere = [], []
    for line in strokes(np.random.default_rng(FRESH + 1), 30):
        found = network.read(line)
        angle = np.arctan2(line[:, 1], line[:, 0])
        turned = np.abs((np.diff(angle) + np.pi) % (2 * np.pi) - np.pi) > 1
        assert found.kl is not None
        nats = found.kl.sum(1)[1:]
        at_turns += list(nats[4:][turned[4:]])
        elsewhere += list(nats[4:][~turned[4:]])
    return float(np.mean(at_turns) / np.mean(elsewhere))


@pytest.mark.parametrize("kind", ["vrnn", "storn"])
def test_z_is_told_most_where_the_pen_turns(kind: str) -> None:
    assert at_turns_over_elsewhere(model(kind)) > 4
    assert at_turns_over_elsewhere(model(kind).untrained()) < 2


def ahead(network: Imagining) -> tuple[float, float]:
    """Of what could come next on its examples: the share that goes straight on, and how far its pace is off."""
    straight, off = [], []
    for k, example in enumerate(network.examples):
        line, pace = network.read(example), np.median(np.linalg.norm(example, axis=1))
        drawn = network.ahead(line, 20, 100, seed=k)
        heading = np.arctan2(*example[19][::-1])
        turned = (np.arctan2(drawn[:, 1], drawn[:, 0]) - heading + np.pi) % (2 * np.pi) - np.pi
        straight.append(np.mean(np.abs(turned) < 0.3))
        off.append(np.abs(np.linalg.norm(drawn, axis=1) / pace - 1).mean())
    return float(np.mean(straight)), float(np.mean(off))


def test_what_could_come_next_is_where_the_pen_goes() -> None:
    """Straight on, mostly, at the line's own pace: a network without z draws from a wide Gaussian between the sides."""
    most, least = ahead(model("plain"))
    for kind in ("vrnn", "storn"):
        straight, off = ahead(model(kind))
        assert straight > most + 0.1 and off < 0.8 * least
        straight, off = ahead(model(kind).untrained())
        assert straight < most and off > least
