"""Recurrent cells as scalar loops, written from the papers: what our cells are tested against.

Python floats and ``math`` only, and nothing of ours is imported, so that one mistake cannot stand in both.

An oracle runs one layer in one direction: ``oracle(params, xs, state)``, with params by name (a matrix as a list of
rows), xs one list of floats a step, and the states before the first step by name. It returns for each step all signals
by name, each a list of floats. For a cell that reads the layer below (``Cell.below``) a fourth argument gives, by
name and then by step, what it reads.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from oracles_more import MORE

Vector = list[float]
Step = dict[str, Vector]


def sigmoid(a: float) -> float:
    return 1.0 / (1.0 + math.exp(-a)) if a >= 0 else math.exp(a) / (1.0 + math.exp(a))


def dot(row: Vector, vector: Vector) -> float:
    return math.fsum(a * b for a, b in zip(row, vector, strict=True))


def rnn(params: dict[str, Any], xs: list[Vector], state: Step) -> list[Step]:
    """Elman 1990, with the net input a as in Goodfellow et al. 2016, eq. 10.8 and 10.9."""
    h, steps = state["h"], []
    for x in xs:
        a = [dot(params["W_a"][j], x) + dot(params["U_a"][j], h) + params["b_a"][j] for j in range(len(h))]
        h = [math.tanh(value) for value in a]
        steps.append({"a": a, "h": h})
    return steps


def lstm(params: dict[str, Any], xs: list[Vector], state: Step) -> list[Step]:
    """Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000; no peepholes."""
    h, c, steps = state["h"], state["c"], []
    for x in xs:

        def net(k: str, j: int, x: Vector = x, h: Vector = h) -> float:
            return dot(params[f"W_{k}"][j], x) + dot(params[f"U_{k}"][j], h) + params[f"b_{k}"][j]

        units = range(len(h))
        i = [sigmoid(net("i", j)) for j in units]
        f = [sigmoid(net("f", j)) for j in units]
        g = [math.tanh(net("g", j)) for j in units]
        o = [sigmoid(net("o", j)) for j in units]
        c = [c[j] * f[j] + g[j] * i[j] for j in units]
        h = [math.tanh(c[j]) * o[j] for j in units]
        steps.append({"i": i, "f": f, "g": g, "o": o, "c": c, "h": h})
    return steps


def gru(params: dict[str, Any], xs: list[Vector], state: Step) -> list[Step]:
    """Cho et al. 2014, arXiv 1406.1078v1, as cuDNN has it: r scales U_n h + b_hn, not h itself."""
    h, steps = state["h"], []
    for x in xs:
        r, z, n = [], [], []
        for j in range(len(h)):
            r.append(sigmoid(dot(params["W_r"][j], x) + dot(params["U_r"][j], h) + params["b_r"][j]))
            z.append(sigmoid(dot(params["W_z"][j], x) + dot(params["U_z"][j], h) + params["b_z"][j]))
            past = dot(params["U_n"][j], h) + params["b_hn"][j]
            n.append(math.tanh(dot(params["W_n"][j], x) + params["b_n"][j] + r[j] * past))
        h = [z[j] * h[j] + (1.0 - z[j]) * n[j] for j in range(len(h))]
        steps.append({"r": r, "z": z, "n": n, "h": h})
    return steps


def gru_cho(params: dict[str, Any], xs: list[Vector], state: Step) -> list[Step]:
    """Cho et al. 2014, EMNLP, eq. 5 to 8: r scales the old state before it is multiplied by U_n."""
    h, steps = state["h"], []
    for x in xs:
        units = range(len(h))
        r = [sigmoid(dot(params["W_r"][j], x) + dot(params["U_r"][j], h) + params["b_r"][j]) for j in units]
        z = [sigmoid(dot(params["W_z"][j], x) + dot(params["U_z"][j], h) + params["b_z"][j]) for j in units]
        seen = [r[j] * h[j] for j in units]
        n = [math.tanh(dot(params["W_n"][j], x) + dot(params["U_n"][j], seen) + params["b_n"][j]) for j in units]
        h = [z[j] * h[j] + (1.0 - z[j]) * n[j] for j in units]
        steps.append({"r": r, "z": z, "n": n, "h": h})
    return steps


def rnn_relu(params: dict[str, Any], xs: list[Vector], state: Step) -> list[Step]:
    """Le et al. 2015: Elman's network with max(0, a)."""
    h, steps = state["h"], []
    for x in xs:
        a = [dot(params["W_a"][j], x) + dot(params["U_a"][j], h) + params["b_a"][j] for j in range(len(h))]
        h = [value if value > 0 else 0.0 for value in a]
        steps.append({"a": a, "h": h})
    return steps


def lstm_projected(params: dict[str, Any], xs: list[Vector], state: Step) -> list[Step]:
    """Sak et al. 2014, eq. 1 to 6 without peepholes and with the recurrent projection alone: r_t = W_rm m_t."""
    r, c, steps = state["h"], state["c"], []
    for x in xs:
        units = range(len(c))

        def net(k: str, j: int, x: Vector = x, r: Vector = r) -> float:
            return dot(params[f"W_{k}"][j], x) + dot(params[f"U_{k}"][j], r) + params[f"b_{k}"][j]

        i, f, o = ([sigmoid(net(k, j)) for j in units] for k in "ifo")
        g = [math.tanh(net("g", j)) for j in units]
        c = [f[j] * c[j] + i[j] * g[j] for j in units]
        m = [o[j] * math.tanh(c[j]) for j in units]
        r = [dot(row, m) for row in params["W_hr"]]
        steps.append({"i": i, "f": f, "g": g, "o": o, "c": c, "h": r})
    return steps


def peephole(params: dict[str, Any], xs: list[Vector], state: Step) -> list[Step]:
    """Gers & Schmidhuber 2000: i and f see c of the step before, o sees c of this step."""
    h, c, steps = state["h"], state["c"], []
    for x in xs:
        units = range(len(h))

        def net(k: str, j: int, x: Vector = x, h: Vector = h) -> float:
            return dot(params[f"W_{k}"][j], x) + dot(params[f"U_{k}"][j], h) + params[f"b_{k}"][j]

        i = [sigmoid(net("i", j) + params["p_i"][j] * c[j]) for j in units]
        f = [sigmoid(net("f", j) + params["p_f"][j] * c[j]) for j in units]
        g = [math.tanh(net("g", j)) for j in units]
        c = [f[j] * c[j] + i[j] * g[j] for j in units]
        o = [sigmoid(net("o", j) + params["p_o"][j] * c[j]) for j in units]
        h = [o[j] * math.tanh(c[j]) for j in units]
        steps.append({"i": i, "f": f, "g": g, "c": c, "o": o, "h": h})
    return steps


ORACLES: dict[str, Callable[..., list[Step]]] = {
    "rnn": rnn,
    "lstm": lstm,
    "gru": gru,
    "gru_cho": gru_cho,
    "rnn_relu": rnn_relu,
    "lstm_projected": lstm_projected,
    "peephole": peephole,
    **MORE,
}
