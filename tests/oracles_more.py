"""Oracles of the cells that came after the LSTM and the GRU, written from their papers like those in ``oracles``.

Python floats and ``math`` only, and nothing of ours is imported. The letters are the papers', renamed when a step is
handed over.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

Vector = list[float]
Step = dict[str, Vector]
Params = dict[str, Any]
Oracle = Callable[..., list[Step]]


def sigma(a: float) -> float:
    return 1.0 / (1.0 + math.exp(-a)) if a >= 0 else math.exp(a) / (1.0 + math.exp(a))


def times(matrix: list[Vector], vector: Vector) -> Vector:
    return [math.fsum(w * v for w, v in zip(row, vector, strict=True)) for row in matrix]


def total(*vectors: Vector) -> Vector:
    return [math.fsum(values) for values in zip(*vectors, strict=True)]


def each(function: Callable[..., float], *vectors: Vector) -> Vector:
    return [function(*values) for values in zip(*vectors, strict=True)]


def mul(a: Vector, b: Vector) -> Vector:
    return each(lambda u, v: u * v, a, b)


def rest(a: Vector) -> Vector:
    return [1.0 - value for value in a]


def coupled(params: Params, xs: list[Vector], state: Step) -> list[Step]:
    """Greff et al. 2015, CIFG, f = 1 - i: their input gate's net input is minus the one of our forget gate."""
    y, c, steps = state["h"], state["c"], []
    for x in xs:

        def net(k: str, x: Vector = x, y: Vector = y) -> Vector:
            return total(times(params[f"W_{k}"], x), times(params[f"U_{k}"], y), params[f"b_{k}"])

        i = [sigma(-value) for value in net("f")]
        f = rest(i)
        z, o = each(math.tanh, net("g")), each(sigma, net("o"))
        c = total(mul(z, i), mul(c, f))
        y = mul(each(math.tanh, c), o)
        steps.append({"i": i, "f": f, "g": z, "o": o, "c": c, "h": y})
    return steps


def depth_gated(params: Params, xs: list[Vector], state: Step, below: dict[str, list[Vector]]) -> list[Step]:
    """Yao et al. 2015, section 3: c of layer L+1 takes in a share d of c of layer L."""
    h, c, steps = state["h"], state["c"], []
    for x, lower in zip(xs, below["c"], strict=True):

        def net(k: str, x: Vector = x, h: Vector = h) -> Vector:
            return total(params[f"b_{k}"], times(params[f"W_{k}"], x), times(params[f"U_{k}"], h))

        i = each(sigma, total(net("i"), mul(params["w_ci"], c)))
        f = each(sigma, total(net("f"), mul(params["w_cf"], c)))
        g = each(math.tanh, net("g"))
        gated = total(mul(params["w_cd"], c), mul(params["w_ld"], lower))
        d = each(sigma, total(params["b_d"], times(params["W_d"], x), gated))
        c = total(mul(d, lower), mul(f, c), mul(i, g))
        o = each(sigma, total(net("o"), mul(params["w_co"], c)))
        h = mul(o, each(math.tanh, c))
        steps.append({"i": i, "f": f, "d": d, "g": g, "o": o, "c": c, "h": h})
    return steps


def clockwork(params: Params, xs: list[Vector], state: Step) -> list[Step]:
    """Koutnik et al. 2014, section 3: four modules of periods 1, 2, 4, 8, whose rows are computed when t mod T = 0;
    module i reads the modules j >= i. The periods and the blocks are made here, not taken from the parameters."""
    y, clock, steps = state["h"], state["k"], []
    hidden = len(y)
    module = [4 * unit // hidden for unit in range(hidden)]
    for x in xs:
        new, due, full = list(y), [0.0] * hidden, []
        for a in range(hidden):
            net = sum(w * v for w, v in zip(params["W_n"][a], x, strict=True)) + params["b_n"][a]
            net += sum(params["U_n"][a][b] * y[b] for b in range(hidden) if module[b] >= module[a])
            full.append(math.tanh(net))
            if clock[a] % 2 ** module[a] == 0:
                due[a], new[a] = 1.0, full[a]
        y, clock = new, [value + 1 for value in clock]
        steps.append({"u": due, "n": full, "h": y, "k": clock})
    return steps


def grid(params: Params, xs: list[Vector], state: Step, below: dict[str, list[Vector]]) -> list[Step]:
    """Kalchbrenner et al. 2015: (h', m') = LSTM(H, m, W) in each of two dimensions, H = [h_time; h_depth]."""

    def transform(stacked: Vector, m: Vector, dimension: str) -> tuple[Step, Vector, Vector]:
        def net(k: str) -> Vector:  # W H with W = [U W]
            rows = [u + w for u, w in zip(params[f"U_{k}{dimension}"], params[f"W_{k}{dimension}"], strict=True)]
            return total(times(rows, stacked), params[f"b_{k}{dimension}"])

        u, f, o, c = each(sigma, net("i")), each(sigma, net("f")), each(sigma, net("o")), each(math.tanh, net("g"))
        memory = total(mul(f, m), mul(u, c))
        hidden = each(math.tanh, mul(o, memory))
        names = {"i": u, "f": f, "o": o, "g": c, "c": memory, "h": hidden}
        return {f"{k}{dimension}": value for k, value in names.items()}, hidden, memory

    h, m, steps = state["h"], state["c"], []
    for x, lower in zip(xs, below["c_d"], strict=True):
        stacked = h + x
        depth, _, _ = transform(stacked, lower, "_d")
        along, h, m = transform(stacked, m, "")
        steps.append(along | depth)
    return steps


def janet(params: Params, xs: list[Vector], state: Step) -> list[Step]:
    """van der Westhuizen & Lasenby 2018, eq. 2; h = c."""
    c, steps = state["h"], []
    for x in xs:

        def net(k: str, x: Vector = x, h: Vector = c) -> Vector:
            return total(times(params[f"U_{k}"], h), times(params[f"W_{k}"], x), params[f"b_{k}"])

        f, new = each(sigma, net("f")), each(math.tanh, net("g"))
        c = total(mul(f, c), mul(rest(f), new))
        steps.append({"f": f, "g": new, "h": c})
    return steps


def mingru(params: Params, xs: list[Vector], state: Step) -> list[Step]:
    """Feng et al. 2024, section 3.1."""
    h, steps = state["h"], []
    for x in xs:
        z = each(sigma, total(times(params["W_z"], x), params["b_z"]))
        new = total(times(params["W_n"], x), params["b_n"])
        h = total(mul(rest(z), h), mul(z, new))
        steps.append({"z": z, "n": new, "h": h})
    return steps


def minlstm(params: Params, xs: list[Vector], state: Step) -> list[Step]:
    """Feng et al. 2024, section 3.2: f' = f / (f + i), i' = i / (f + i)."""
    h, steps = state["h"], []
    for x in xs:
        f = each(sigma, total(times(params["W_f"], x), params["b_f"]))
        i = each(sigma, total(times(params["W_i"], x), params["b_i"]))
        new = total(times(params["W_g"], x), params["b_g"])
        kept, written = each(lambda a, b: a / (a + b), f, i), each(lambda a, b: b / (a + b), f, i)
        h = total(mul(kept, h), mul(written, new))
        steps.append({"f": kept, "i": written, "g": new, "h": h})
    return steps


def slstm(params: Params, xs: list[Vector], state: Step) -> list[Step]:
    """Beck et al. 2024, section 2.2, with exponential input and forget gates and the stabiliser state."""
    h, c, n, m, steps = state["h"], state["c"], state["n"], state["m"], []
    for x in xs:

        def net(k: str, x: Vector = x, h: Vector = h) -> Vector:
            return total(times(params[f"W_{k}"], x), times(params[f"U_{k}"], h), params[f"b_{k}"])

        z, o = each(math.tanh, net("z")), each(sigma, net("o"))
        log_i, log_f = net("i"), net("f")
        before = total(log_f, m)
        m = each(max, before, log_i)
        i = each(lambda a, b: math.exp(a - b), log_i, m)
        f = each(lambda a, b: math.exp(a - b), before, m)
        c = total(mul(f, c), mul(i, z))
        n = total(mul(f, n), i)
        h = mul(o, each(lambda a, b: a / b, c, n))
        steps.append({"z": z, "o": o, "m": m, "i": i, "f": f, "c": c, "n": n, "h": h})
    return steps


MORE: dict[str, Oracle] = {
    oracle.__name__: oracle for oracle in (coupled, depth_gated, clockwork, grid, janet, mingru, minlstm, slstm)
}
