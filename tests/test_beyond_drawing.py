"""A network that draws: every go against the paper's equations written anew, and what its file claims."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from lab.tasks.digits import TRAINED, digits
from lstm_core import analysis
from lstm_core.beyond import kept
from lstm_core.beyond.drawing import Drawing

FRESH = 7


@pytest.fixture(scope="module")
def model() -> Drawing:
    return Drawing.load(kept.file("draw-lstm"))


def lstm(params: dict[str, np.ndarray]) -> torch.nn.LSTMCell:
    cell = torch.nn.LSTMCell(params["W_f"].shape[1], len(params["b_f"]))
    with torch.no_grad():
        cell.weight_ih.copy_(torch.from_numpy(np.concatenate([params[f"W_{k}"] for k in "ifgo"])))
        cell.weight_hh.copy_(torch.from_numpy(np.concatenate([params[f"U_{k}"] for k in "ifgo"])))
        cell.bias_ih.copy_(torch.from_numpy(np.concatenate([params[f"b_{k}"] for k in "ifgo"])))
        cell.bias_hh.zero_()
    return cell


def filters(five: np.ndarray, count: int, side: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Equations 19 to 26 of the paper, pixel by pixel, whose pixels and points count from 1."""
    across, down, log_variance, log_stride, log_strength = map(float, five)
    stride = (side - 1) / (count - 1) * math.exp(log_stride)
    banks = []
    for middle in ((side + 1) / 2 * (across + 1), (side + 1) / 2 * (down + 1)):
        bank = np.zeros((count, side))
        for i in range(1, count + 1):
            mean = middle + (i - count / 2 - 0.5) * stride
            for a in range(1, side + 1):
                bank[i - 1, a - 1] = math.exp(-((a - mean) ** 2) / (2 * math.exp(log_variance)))
        banks.append(bank / (bank.sum(1, keepdims=True) + 1e-6))
    return banks[1], banks[0], math.exp(log_strength)


def test_every_go_is_the_papers(model: Drawing) -> None:
    x, noise = model.examples[3], model.noise(5, 1)
    [drawn] = model.draw(noise, x[None])
    assert drawn.kl is not None
    b, side, n = model.groups["between"], 16, model.points
    encoder, decoder = lstm(dict(model.groups["encoder"])), lstm(dict(model.groups["decoder"]))
    zeros = torch.zeros(model.units)
    enc, dec, canvas = (zeros, zeros), (zeros, zeros), np.zeros(256)
    with torch.no_grad():
        for t in range(model.glimpses):
            h = dec[0].numpy()
            rows, columns, strength = filters(b["W_read"] @ h + b["b_read"], n, side)
            wrong = x - 1 / (1 + np.exp(-canvas))
            seen = [strength * rows @ picture.reshape(side, side) @ columns.T for picture in (x, wrong)]
            read = np.concatenate([seen[0].ravel(), seen[1].ravel(), h]).astype(np.float32)
            enc = encoder(torch.from_numpy(read), enc)
            mean = b["W_mean"] @ enc[0].numpy() + b["b_mean"]
            spread = np.exp(b["W_spread"] @ enc[0].numpy() + b["b_spread"])
            z = (mean + spread * noise[t, 0]).astype(np.float32)
            dec = decoder(torch.from_numpy(z), dec)
            h = dec[0].numpy()
            rows, columns, strength = filters(b["W_write"] @ h + b["b_write"], n, side)
            patch = (b["W_w"] @ h + b["b_w"]).reshape(n, n)
            canvas = canvas + (rows.T @ patch @ columns / strength).ravel()
            np.testing.assert_allclose(drawn.canvas[t + 1], 1 / (1 + np.exp(-canvas)), atol=2e-4)
            given = Normal(torch.from_numpy(mean), torch.from_numpy(spread))
            nats = kl_divergence(given, Normal(torch.zeros(len(mean)), torch.ones(len(mean))))
            np.testing.assert_allclose(drawn.kl[t], nats, atol=1e-3)
    black = np.clip(1 / (1 + np.exp(-canvas)), 1e-7, 1 - 1e-7)
    open_ = -(x * np.log(black) + (1 - x) * np.log(1 - black)).sum()
    found = model.bound(x[None], seed=5)
    np.testing.assert_allclose(found, open_ + drawn.kl.sum(), rtol=1e-3)


def test_what_is_made_up_is_decided_by_the_random_numbers_alone(model: Drawing) -> None:
    first, again, other = (model.draw(model.noise(seed, 1))[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.canvas, again.canvas)
    assert np.abs(first.canvas[-1] - other.canvas[-1]).max() > 0.5
    assert first.read is None and first.kl is None and set(first.traces) == {"decoder"}
    black, untrained = (
        np.mean([one.draw(one.noise(seed, 1))[0].canvas[-1].mean() for seed in range(20)])
        for one in (model, model.untrained())
    )
    assert abs(black - digits()[0].mean()) < 0.1 < abs(untrained - digits()[0].mean()), "as much ink as the digits have"


def test_its_traces_are_some_like_any_other(model: Drawing) -> None:
    [drawn] = model.draw(model.noise(0, 1), model.examples[:1])
    for name, trace in drawn.traces.items():
        cell = lstm(dict(model.groups[name]))
        state = (torch.zeros(1, model.units), torch.zeros(1, model.units))
        with torch.no_grad():
            for t in range(len(trace)):
                state = cell(torch.from_numpy(trace.inputs[t]), state)
                np.testing.assert_allclose(trace.signals["c"][0, 0, t], state[1], atol=1e-4)
        assert analysis.memory(trace, len(trace) - 1).residual < 1e-5


def test_it_says_new_digits_in_fewer_nats_than_their_mean_takes(model: Drawing) -> None:
    pictures, _ = digits(held_out=True)
    metrics = model.meta["metrics"]
    found = float(model.bound(pictures[:200], FRESH).mean())
    assert found < 0.6 * metrics["mean_picture"] and abs(found - metrics["bound"]) < 3
    assert model.untrained().bound(pictures[:50], FRESH).mean() > metrics["mean_picture"]
    learned = {row.tobytes() for row in digits()[0]}
    assert sum(row.tobytes() in learned for row in model.examples) <= 1
    np.testing.assert_array_equal(model.examples, pictures[: len(model.examples)])
    assert len(digits()[0]) == TRAINED and kept.file("draw-lstm").stat().st_size < 1_000_000


def test_a_picture_of_another_size_is_refused(model: Drawing) -> None:
    with pytest.raises(ValueError, match="256"):
        model.draw(model.noise(0, 1), np.zeros((1, 64)))
