"""Modules and inputs drawn at random, every signal against the equations of PyTorch's documentation in float64.

The expected values are written out here and share no code with lstm_core: one step of one sequence at a time.
"""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from lstm_core.modules.keep import kept
from lstm_core.modules.tracing import trace_module

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
WITHIN = {torch.float32: 3e-5, torch.float64: 1e-12}


def sigmoid(a: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-a))


def step(kind: str, w: dict[str, np.ndarray], x: np.ndarray, h: np.ndarray, c: np.ndarray) -> dict[str, np.ndarray]:
    """One step of one sequence, as torch.nn's documentation writes it."""
    of_x, of_h = w["weight_ih"] @ x + w.get("bias_ih", 0), w["weight_hh"] @ h + w.get("bias_hh", 0)
    if kind == "LSTM":
        i, f, g, o = np.split(of_x + of_h, 4)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c = f * c + i * g
        h = o * np.tanh(c)
        return {"i": i, "f": f, "g": g, "o": o, "c": c, "h": w["weight_hr"] @ h if "weight_hr" in w else h}
    if kind == "GRU":
        (xr, xz, xn), (hr, hz, hn) = np.split(of_x, 3), np.split(of_h, 3)
        r, z = sigmoid(xr + hr), sigmoid(xz + hz)
        n = np.tanh(xn + r * hn)
        return {"r": r, "z": z, "n": n, "h": (1 - z) * n + z * h}
    return {"a": of_x + of_h, "h": np.tanh(of_x + of_h) if kind == "RNN" else np.maximum(of_x + of_h, 0)}


def expected(kind: str, module: nn.RNNBase, x: Tensor, lengths: list[int], h0: Tensor, c0: Tensor) -> dict[str, Any]:
    """By name and (layer, direction, step, sequence)."""
    found: dict[str, Any] = {}
    below = x.double().numpy()
    for layer in range(module.num_layers):
        rows = []
        for direction in range(1 + module.bidirectional):
            end = f"_l{layer}" + "_reverse" * direction
            w = {
                name.removesuffix(end): value.detach().double().numpy()
                for name, value in module.named_parameters()
                if name.endswith(end)
            }
            at = layer * (1 + module.bidirectional) + direction
            row = np.zeros((*below.shape[:2], h0.shape[-1]))
            for b, length in enumerate(lengths):
                h, c = h0[at, b].double().numpy(), c0[at, b].double().numpy()
                for t in range(length)[:: -1 if direction else 1]:
                    values = step(kind, w, below[t, b], h, c)
                    h, c = values["h"], values.get("c", c)
                    row[t, b] = h
                    for name, value in values.items():
                        found.setdefault(name, {})[layer, direction, t, b] = value
            rows.append(row)
        below = np.concatenate(rows, axis=-1)
    return found


@pytest.mark.parametrize("seed", range(60))
def test_every_signal_of_a_random_module(seed: int) -> None:
    draw = Random(seed)
    torch.manual_seed(seed)
    kind = ("LSTM", "GRU", "RNN", "ReLU")[seed % 4]
    dtype = draw.choice([torch.float32, torch.float32, torch.float64])
    width, units, layers, time, batch = (
        draw.choice(sizes) for sizes in ([1, 3, 16], [1, 5, 17], [1, 2], [1, 4, 13], [1, 3])
    )
    options: dict[str, Any] = {"num_layers": layers, "bidirectional": draw.random() < 0.5, "bias": draw.random() < 0.7}
    options["batch_first"] = draw.random() < 0.5
    if kind == "LSTM" and units > 1 and draw.random() < 0.3:
        options["proj_size"] = units // 2
    if kind == "ReLU":
        options["nonlinearity"] = "relu"
    module = getattr(nn, "RNN" if kind == "ReLU" else kind)(width, units, **options).to(dtype)
    x = torch.randn(time, batch, width, dtype=dtype)
    form = draw.choice(["full", "full", "lengths", "packed", "alone"])
    x = x[:, :1] if form == "alone" else x
    batch = x.shape[1]
    lengths = [draw.randint(1, time) for _ in range(batch)] if form in ("lengths", "packed") else [time] * batch
    at = layers * (1 + module.bidirectional)
    h, c = torch.zeros(at, batch, module.proj_size or units), torch.zeros(at, batch, units)
    state: Any = None
    if draw.random() < 0.5:
        h, c = torch.randn_like(h, dtype=dtype), 2 * torch.randn_like(c, dtype=dtype)
        parts = (h[:, 0], c[:, 0]) if form == "alone" else (h, c)
        state = parts if kind == "LSTM" else parts[0]
    given: Any = x[:, 0] if form == "alone" else x.transpose(0, 1) if module.batch_first else x
    if form == "packed":
        given = pack_padded_sequence(given, torch.tensor(lengths), module.batch_first, enforce_sorted=False)
    method = draw.choice(["auto", "product", "loop", "onednn" if kind == "LSTM" else "recorded"])
    where = kept(draw.choice(["host", "device"]), None, None)
    ragged = lengths if form == "lengths" else None
    found = trace_module(module, given, state, lengths=ragged, method=method, keep=where)
    right = expected(kind, module, x, lengths, h, c)
    assert set(found.signals) == set(right)
    for name, values in right.items():
        all_of_it = np.full(found[name].shape, np.nan)  # as after the end of a sequence
        for place, value in values.items():
            all_of_it[place] = value
        np.testing.assert_allclose(found[name], all_of_it, rtol=WITHIN[dtype], atol=WITHIN[dtype], err_msg=name)
