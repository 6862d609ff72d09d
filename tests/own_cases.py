"""How each of the modules in tests/own_cells.py is described to ``lstm_core.trace_cell``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lstm_core import CELLS, Cell, Trace, trace_cell
from lstm_core.cells.base import Param, affine, candidate, gate, state
from tests import own_cells
from tests.own_cells import IN, UNITS

C, H = state("c", "cell", "memory"), state("h", "hidden", "what is shown")
IFGO = (
    gate("i", "write", "input gate"),
    gate("f", "keep", "forget gate"),
    candidate("g", "candidate"),
    gate("o", "expose", "output gate"),
)


def vectors(*names: str) -> tuple[Param, ...]:
    return tuple(Param(name, ("hidden",), name) for name in names)


def split(weight: Tensor, *names: str, lead: str = "") -> dict[str, Tensor]:
    """W_k and U_k of weights that read [x, h], stacked in the order of ``names``."""
    parts = dict(zip(names, weight.chunk(len(names)), strict=True))
    return {f"W_{k}": w[:, :IN] for k, w in parts.items()} | {f"U_{k}": w[:, IN:] for k, w in parts.items()}


def stacked(lead: str, weight: Tensor | None, *names: str) -> dict[str, Any]:
    parts = [None] * len(names) if weight is None else weight.chunk(len(names))
    return {f"{lead}_{k}": part for k, part in zip(names, parts, strict=True)}


def linear(lead: str, layer: nn.Linear, *names: str) -> dict[str, Any]:
    """Of a layer that reads x ("W") or h ("U") alone."""
    return stacked(lead, layer.weight, *names) | (stacked("b", layer.bias, *names) if lead == "W" else {})


def both(layer: nn.Linear, *names: str) -> dict[str, Any]:
    return split(layer.weight, *names) | stacked("b", layer.bias, *names)


class LayerNormGates(Cell):
    name = "layer_norm_gates"
    signals = (*IFGO, C, H)
    params = (
        *(param for param in affine("i", "f", "g", "o") if not param.name.startswith("b_")),
        *vectors(*(f"{lead}_{k}" for lead in ("gain", "b") for k in "ifgoc")),
    )

    @staticmethod
    def gates(p, x, s, xp):
        return {
            "i": xp.sigmoid(p.gain_i * xp.standardized(p.W_i @ x + p.U_i @ s.h, 1e-3) + p.b_i),
            "f": xp.sigmoid(p.gain_f * xp.standardized(p.W_f @ x + p.U_f @ s.h, 1e-3) + p.b_f + 1),
            "g": xp.tanh(p.gain_g * xp.standardized(p.W_g @ x + p.U_g @ s.h, 1e-3) + p.b_g),
            "o": xp.sigmoid(p.gain_o * xp.standardized(p.W_o @ x + p.U_o @ s.h, 1e-3) + p.b_o),
        }

    @staticmethod
    def update(p, v, s, xp):
        c = v.f * s.c + v.i * v.g
        return {"c": c, "h": v.o * xp.tanh(p.gain_c * xp.standardized(c, 1e-3) + p.b_c)}


def layer_norm_weights(m: own_cells.LayerNormGates) -> dict[str, Any]:
    norms = dict(zip("igfoc", m.norms, strict=True))
    gains = {f"gain_{k}": norm.weight for k, norm in norms.items()}
    return split(m.gates.weight, *"igfo") | gains | {f"b_{k}": norm.bias for k, norm in norms.items()}


class MGU(Cell):
    name = "mgu"
    signals = (gate("f", "write", "forget and reset"), candidate("n", "candidate"), H)
    params = affine("f", "n")

    @staticmethod
    def gates(p, x, s, xp):
        f = xp.sigmoid(p.W_f @ x + p.U_f @ s.h + p.b_f)
        return {"f": f, "n": xp.tanh(p.W_n @ x + p.U_n @ (f * s.h) + p.b_n)}

    @staticmethod
    def update(p, v, s, xp):
        return {"h": (1 - v.f) * s.h + v.f * v.n}


class IndRNN(Cell):
    name = "indrnn"
    signals = (H,)
    params = (*affine("h", hidden=False), *vectors("u"))

    @staticmethod
    def gates(p, x, s, xp):
        return {"a": p.W_h @ x + p.u * s.h + p.b_h}

    @staticmethod
    def update(p, v, s, xp):
        return {"h": xp.maximum(v.a, 0)}


class BRC(Cell):
    name = "brc"
    signals = (gate("a", "feedback", "own feedback", 0.0, 2.0), gate("c", "keep", "kept"), candidate("n", "new"), H)
    params = (*affine("a", "c", "n", hidden=False), *vectors("u_a", "u_c"))

    @staticmethod
    def gates(p, x, s, xp):
        a = 1 + xp.tanh(p.W_a @ x + p.u_a * s.h + p.b_a)
        c = xp.sigmoid(p.W_c @ x + p.u_c * s.h + p.b_c)
        return {"a": a, "c": c, "n": xp.tanh(p.W_n @ x + a * s.h + p.b_n)}

    @staticmethod
    def update(p, v, s, xp):
        return {"h": v.c * s.h + (1 - v.c) * v.n}


class FastRNN(Cell):
    name = "fastrnn"
    signals = (candidate("n", "new"), H)
    params = (*affine("n"), Param("alpha", (), "share written"), Param("beta", (), "share kept"))

    @staticmethod
    def gates(p, x, s, xp):
        return {"n": xp.tanh(p.W_n @ x + p.U_n @ s.h + p.b_n)}

    @staticmethod
    def update(p, v, s, xp):
        return {"h": p.alpha * v.n + p.beta * s.h}


class FastGRNN(Cell):
    name = "fastgrnn"
    signals = (gate("z", "keep", "kept"), candidate("n", "new"), H)
    params = (*affine("n"), *vectors("b_z"), Param("zeta", (), ""), Param("nu", (), ""))

    @staticmethod
    def gates(p, x, s, xp):
        a = p.W_n @ x + p.U_n @ s.h
        return {"z": xp.sigmoid(a + p.b_z), "n": xp.tanh(a + p.b_n)}

    @staticmethod
    def update(p, v, s, xp):
        return {"h": v.z * s.h + (p.zeta * (1 - v.z) + p.nu) * v.n}


def fastgrnn_weights(m: own_cells.FastGRNN) -> dict[str, Any]:
    products = {"W_n": (m.w1 @ m.w2).T, "U_n": (m.u1 @ m.u2).T, "b_z": m.bias_gate[0], "b_n": m.bias_update[0]}
    return products | {"zeta": m.zeta.sigmoid()[0, 0], "nu": m.nu.sigmoid()[0, 0]}


class RAN(Cell):
    name = "ran"
    signals = (candidate("g", "content", -np.inf, np.inf), gate("i", "write", "in"), gate("f", "keep", "kept"), C, H)
    params = (*affine("g", hidden=False), *affine("i", "f"))

    @staticmethod
    def gates(p, x, s, xp):
        return {
            "g": p.W_g @ x + p.b_g,
            "i": xp.sigmoid(p.W_i @ x + p.U_i @ s.h + p.b_i),
            "f": xp.sigmoid(p.W_f @ x + p.U_f @ s.h + p.b_f),
        }

    @staticmethod
    def update(p, v, s, xp):
        c = v.i * v.g + v.f * s.c
        return {"c": c, "h": xp.tanh(c)}


class Antisymmetric(Cell):
    name = "antisymmetric"
    signals = (candidate("n", "new"), H)
    params = affine("n")

    @staticmethod
    def gates(p, x, s, xp):
        return {"n": xp.tanh(p.W_n @ x + p.U_n @ s.h + p.b_n)}

    @staticmethod
    def update(p, v, s, xp):
        return {"h": s.h + 0.3 * v.n}


def antisymmetric_weights(m: own_cells.AntisymmetricRNN) -> dict[str, Any]:
    return linear("W", m.v, "n") | {"U_n": m.w - m.w.T - m.gamma * torch.eye(UNITS, dtype=m.w.dtype)}


class CoRNN(Cell):
    name = "cornn"
    signals = (candidate("a", "drive"), state("z", "velocity", "velocity"), H)
    params = (*affine("a"), Param("V_a", ("hidden", "hidden"), "of the velocity"))

    @staticmethod
    def gates(p, x, s, xp):
        return {"a": xp.tanh(p.W_a @ x + p.V_a @ s.z + p.U_a @ s.h + p.b_a)}

    @staticmethod
    def update(p, v, s, xp):
        z = s.z + 0.2 * (v.a - 1.5 * s.h - 0.7 * s.z)
        return {"z": z, "h": s.h + 0.2 * z}


def cornn_weights(m: own_cells.CoRNN) -> dict[str, Any]:
    w = m.i2h.weight
    return {"W_a": w[:, :IN], "V_a": w[:, IN : IN + UNITS], "U_a": w[:, IN + UNITS :], "b_a": "i2h.bias"}


class MultiplicativeLSTM(Cell):
    name = "multiplicative_lstm"
    signals = (candidate("m", "in place of h", -np.inf, np.inf), *IFGO, C, H)
    params = (Param("W_m", ("hidden", "input"), ""), Param("U_m", ("hidden", "hidden"), ""), *affine(*"ifgo"))

    @staticmethod
    def gates(p, x, s, xp):
        m = (p.W_m @ x) * (p.U_m @ s.h)
        return {
            "m": m,
            "i": xp.sigmoid(p.W_i @ x + p.U_i @ m + p.b_i),
            "f": xp.sigmoid(p.W_f @ x + p.U_f @ m + p.b_f),
            "g": xp.tanh(p.W_g @ x + p.U_g @ m + p.b_g),
            "o": xp.sigmoid(p.W_o @ x + p.U_o @ m + p.b_o),
        }

    update = CELLS["lstm"].update


class NAS(Cell):
    name = "nas"
    signals = (
        candidate("b0", "added"),
        gate("b1", "keep", "scales the new memory"),
        candidate("b2", "shown", -np.inf, np.inf),
        gate("b3", "expose", "shown"),
        C,
        H,
    )
    params = affine(*(f"n{k}" for k in range(8)))

    @staticmethod
    def gates(p, x, s, xp):
        w = [getattr(p, f"W_n{k}") @ x + getattr(p, f"b_n{k}") for k in range(8)]
        u = [getattr(p, f"U_n{k}") @ s.h for k in range(8)]
        return {
            "b0": xp.tanh(xp.sigmoid(w[0] + u[0]) * xp.maximum(w[1] + u[1], 0)),
            "b1": xp.tanh(xp.sigmoid(w[2] + u[2]) + xp.maximum(w[3] * u[3], 0)),
            "b2": xp.tanh(xp.tanh(w[4] + u[4]) * xp.sigmoid(w[5] + u[5])),
            "b3": xp.sigmoid(xp.tanh(w[6] + u[6]) + xp.sigmoid(w[7] + u[7])),
        }

    @staticmethod
    def update(p, v, s, xp):
        c = xp.tanh(v.b0 + s.c) * v.b1
        return {"c": c, "h": xp.tanh(c * xp.tanh(v.b2 + v.b3))}


class LEM(Cell):
    name = "lem"
    signals = (
        gate("slow", "write", "step of h"),
        gate("fast", "write_z", "step of z"),
        candidate("g", "new z"),
        candidate("n", "new h"),
        state("z", "cell", "fast memory"),
        H,
    )
    params = (*affine("slow", "fast", "g"), *affine("n"))

    @staticmethod
    def gates(p, x, s, xp):
        return {
            "slow": 0.8 * xp.sigmoid(p.W_slow @ x + p.U_slow @ s.h + p.b_slow),
            "fast": 0.8 * xp.sigmoid(p.W_fast @ x + p.U_fast @ s.h + p.b_fast),
            "g": xp.tanh(p.W_g @ x + p.U_g @ s.h + p.b_g),
            "net": p.W_n @ x + p.b_n,
        }

    @staticmethod
    def update(p, v, s, xp):
        z = (1 - v.fast) * s.z + v.fast * v.g
        n = xp.tanh(v.net + p.U_n @ z)
        return {"z": z, "n": n, "h": (1 - v.slow) * s.h + v.slow * n}


def lem_weights(m: own_cells.LEM) -> dict[str, Any]:
    inputs = linear("W", m.inp, "slow", "fast", "n", "g")
    hidden = linear("W", m.hid, "slow", "fast", "g")
    found = inputs | {f"U_{k}": hidden[f"W_{k}"] for k in ("slow", "fast", "g")} | {"U_n": m.transform_z.weight}
    biases = {f"b_{k}": inputs[f"b_{k}"] + hidden[f"b_{k}"] for k in ("slow", "fast", "g")}
    return found | biases | {"b_n": inputs["b_n"] + m.transform_z.bias}


def layer_norm_step(m: own_cells.LayerNormLSTM, x: Tensor, s: Any) -> dict[str, Tensor]:
    i, f, g, o = (m.ln_ih(m.ih(x)) + m.ln_hh(m.hh(s.h))).chunk(4, 1)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    c = f * s.c + i * g
    return {"i": i, "f": f, "g": g, "o": o, "c": c, "h": o * m.ln_c(c).tanh()}


def mgu_step(m: own_cells.MGU1, x: Tensor, s: Any) -> dict[str, Tensor]:
    f = m.uf(s.h).sigmoid()
    n = (m.wh(x) + m.uh(f * s.h)).tanh()
    return {"f": f, "n": n, "h": s.h + f * (n - s.h)}


def mgu3_step(m: own_cells.MGU3, x: Tensor, s: Any) -> dict[str, Tensor]:
    f = m.bf.sigmoid().expand_as(s.h)
    n = (m.wh(x) + m.uh(f * s.h)).tanh()
    return {"f": f, "n": n, "h": s.h + f * (n - s.h)}


def ligru_step(m: own_cells.LiGRU, x: Tensor, s: Any) -> dict[str, Tensor]:
    n, z = (m.norm(m.w(x)) + m.u(s.h)).chunk(2, 1)
    n, z = n.relu(), z.sigmoid()
    return {"z": z, "n": n, "h": z * s.h + (1 - z) * n}


def scrn_step(m: own_cells.SCRN, x: Tensor, s: Any) -> dict[str, Tensor]:
    b = m.B(x)
    slow = 0.95 * s.s + 0.05 * b
    h = (m.P(slow) + m.A(x) + m.R(s.h)).sigmoid()
    return {"b": b, "s": slow, "h": h, "y": (m.U(h) + m.V(slow)).softmax(-1)}


def conv_lstm_step(m: own_cells.ConvLSTM, x: Tensor, s: Any) -> dict[str, Tensor]:
    i, f, o, g = m.conv(torch.cat([x, s.h], 1)).chunk(4, 1)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    c = f * s.c + i * g
    return {"i": i, "f": f, "g": g, "o": o, "c": c, "h": o * c.tanh()}


def streaming_step(m: own_cells.StreamingGRU, x: Tensor, s: Any) -> dict[str, Tensor]:
    both = torch.cat([x, s.h], 1)
    r, z = m.wr(both).sigmoid(), m.wz(both).sigmoid()
    n = (m.wn(x) + r * m.un(s.h)).tanh()
    return {"r": r, "z": z, "n": n, "h": n + z * (s.h - n)}


def char_step(m: own_cells.CharRNN, x: Tensor, s: Any) -> dict[str, Tensor]:
    h = m.i2h(torch.cat((x, s.h), 1)).tanh()
    return {"h": h, "y": m.h2o(h).log_softmax(1)}


def from_conv(part: int, function: Callable[[Tensor], Tensor]) -> Any:
    """Of a convolution over all steps: (batch, 3 * unit, time) as (batch, time, unit)."""
    return "conv", lambda z: function(z.chunk(3, 1)[part].transpose(1, 2))


def sru_update(v: Any, s: Any, xp: Any) -> dict[str, Any]:
    c = v.f * s.c + (1 - v.f) * v.g
    return {"c": c, "h": v.r * xp.tanh(c) + (1 - v.r) * v.skip}


@dataclass
class Case:
    """A module, how it is described to ``trace_cell``, and the carry rule that is to come out (state, keep, write)."""

    make: Callable[[], own_cells.Base]
    how: dict[str, Any]
    rule: tuple[str, str, str] | None
    state: Callable[[int], Any] | None = None  # of a batch
    shape: tuple[int, ...] = (IN,)


def zeros(*shape: int) -> Callable[[int], Any]:
    return lambda batch: torch.zeros(batch, *shape, dtype=torch.float64)


def pair(*shape: int) -> Callable[[int], Any]:
    return lambda batch: (zeros(*shape)(batch), zeros(*shape)(batch))


def declared(cell: type[Cell], weights: Any, **more: Any) -> dict[str, Any]:
    return {"cell": cell, "weights": weights, **more}


HC = {"states": ("h", "c")}
CASES = {
    "layer norm": Case(own_cells.LayerNormLSTM, {"step": layer_norm_step, **HC}, ("c", "f", "i"), pair(UNITS)),
    "layer norm by gate": Case(own_cells.LayerNormGates, declared(LayerNormGates, layer_norm_weights), ("c", "f", "i")),
    "peephole": Case(
        own_cells.PeepholeLSTM,
        declared(
            CELLS["peephole"],
            lambda m: both(m.gates, *"ifgo") | {"p_i": m.w_ci, "p_f": m.w_cf, "p_o": m.w_co},
        ),
        ("c", "f", "i"),
    ),
    "cifg": Case(
        own_cells.CIFG,
        declared(CELLS["coupled"], lambda m: both(m.f, "f") | both(m.g, "g") | both(m.o, "o"), states=("c", "h")),
        ("c", "f", "i"),
    ),
    "mgu": Case(own_cells.MGU, declared(MGU, lambda m: both(m.f, "f") | both(m.n, "n")), ("h", "1 - f", "f")),
    "mgu1": Case(
        own_cells.MGU1,
        declared(
            MGU,
            lambda m: linear("W", m.wh, "n") | {"U_n": m.uh.weight, "W_f": None, "U_f": m.uf.weight, "b_f": "uf.bias"},
        ),
        ("h", "1 - f", "f"),
    ),
    "mgu2": Case(own_cells.MGU2, {"step": mgu_step}, ("h", "1 - f", "f"), zeros(UNITS)),
    "mgu3": Case(own_cells.MGU3, {"step": mgu3_step}, ("h", "1 - f", "f"), zeros(UNITS)),
    "ligru": Case(own_cells.LiGRU, {"step": ligru_step, "sequence": True, "batch_first": True}, ("h", "z", "1 - z")),
    "indrnn": Case(own_cells.IndRNN, declared(IndRNN, {"W_h": "weight_ih", "b_h": "bias_ih", "u": "weight_hh"}), None),
    "sru": Case(
        own_cells.SRU,
        {
            "names": {
                "g": "x_hat",
                "f": ("forget", torch.sigmoid),
                "r": ("reset", torch.sigmoid),
                "skip": "skip",
            },
            "sequence": True,
            "states": "c",
            "returns": ("h", "c"),
            "update": sru_update,
        },
        ("c", "f", "1 - f"),
    ),
    "qrnn": Case(
        own_cells.QRNN,
        {
            "names": {
                "z": from_conv(0, torch.tanh),
                "f": from_conv(1, torch.sigmoid),
                "o": from_conv(2, torch.sigmoid),
                "c": "memory",
            },
            "sequence": True,
            **HC,
        },
        ("c", "f", "1 - f"),
    ),
    "mingru": Case(
        own_cells.MinGRU,
        declared(
            CELLS["mingru"],
            lambda m: linear("W", m.to_gate, "z") | linear("W", m.to_hidden, "n"),
            sequence=True,
            batch_first=True,
        ),
        ("h", "1 - z", "z"),
    ),
    "minlstm": Case(own_cells.MinLSTM, {"step": lambda m, x, s: minlstm_step(m, x, s)}, ("h", "f", "i"), zeros(UNITS)),
    "brc": Case(
        own_cells.BRC,
        declared(
            BRC,
            lambda m: {
                **linear("W", m.a_x, "a"),
                **linear("W", m.c_x, "c"),
                **linear("W", m.u_x, "n"),
                "u_a": m.a_w,
                "u_c": m.c_w,
            },
        ),
        ("h", "c", "1 - c"),
    ),
    "fastrnn": Case(
        own_cells.FastRNN,
        declared(
            FastRNN,
            lambda m: linear("W", m.w, "n") | {"U_n": m.u.weight, "alpha": m.alpha.sigmoid(), "beta": m.beta.sigmoid()},
        ),
        ("h", "beta", "alpha"),
    ),
    "fastgrnn": Case(own_cells.FastGRNN, declared(FastGRNN, fastgrnn_weights), ("h", "z", "zeta * (1 - z) + nu")),
    "ran": Case(
        own_cells.RAN,
        declared(RAN, lambda m: linear("W", m.content, "g") | both(m.i, "i") | both(m.f, "f")),
        ("c", "f", "i"),
    ),
    "scrn": Case(
        own_cells.SCRN,
        {
            "step": scrn_step,
            "states": ("h", "s"),
            "returns": ("y", ("h", "s")),
            "update": lambda v, s, xp: {"s": 0.95 * s.s + 0.05 * v.b},
        },
        ("s", "0.95", "0.05"),
        lambda batch: (zeros(UNITS)(batch), zeros(2)(batch)),
    ),
    "antisymmetric": Case(
        own_cells.AntisymmetricRNN, declared(Antisymmetric, antisymmetric_weights), ("h", "1", "0.3")
    ),
    "cornn": Case(own_cells.CoRNN, declared(CoRNN, cornn_weights), ("z", "0.86", "0.2")),
    "multiplicative": Case(
        own_cells.MultiplicativeLSTM,
        declared(
            MultiplicativeLSTM,
            lambda m: {
                **linear("W", m.wx, *"ifog"),
                **linear("U", m.wh, *"ifog"),
                "W_m": m.wmx.weight,
                "U_m": m.wmh.weight,
            },
        ),
        ("c", "f", "i"),
    ),
    "nas": Case(
        own_cells.NAS,
        declared(
            NAS,
            lambda m: linear("W", m.w, *(f"n{k}" for k in range(8))) | linear("U", m.u, *(f"n{k}" for k in range(8))),
        ),
        None,
    ),
    "lem": Case(own_cells.LEM, declared(LEM, lem_weights, states=("h", "z")), ("z", "1 - fast", "fast")),
    "conv lstm": Case(own_cells.ConvLSTM, {"step": conv_lstm_step, **HC}, ("c", "f", "i"), pair(3, 4, 5), (2, 4, 5)),
    "conv gru": Case(
        own_cells.ConvGRU,
        {"names": {"r": "reset", "u": "update", "n": "out"}},
        ("h", "1 - u", "u"),
        shape=(2, 4, 5),
    ),
    "tutorial": Case(own_cells.CharRNN, {"step": char_step, "returns": ("y", "h")}, None, zeros(UNITS)),
    "streaming": Case(
        own_cells.StreamingGRU, {"step": streaming_step, "initial": {"h": "hidden"}}, ("h", "z", "1 - z")
    ),
}


RETURNED = {"sru": ("c", "h"), "qrnn": ("c",), "scrn": ("h", "s", "y"), "tutorial": ("h", "y")}
"""What is compared where it is not all states: of values that are read of submodules, what an update was found for."""


def minlstm_step(m: own_cells.MinLSTM, x: Tensor, s: Any) -> dict[str, Tensor]:
    f, i = m.f(x).sigmoid(), m.i(x).sigmoid()
    g = m.g(x)
    return {"f": f / (f + i), "i": i / (f + i), "g": g, "h": (f * s.h + i * g) / (f + i)}


def built(case: Case, seed: int = 0) -> own_cells.Base:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return case.make().double().eval()


def sequence(case: Case, time: int = 7, batch: int = 2) -> Tensor:
    x = torch.randn(time, batch, *case.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return x.transpose(0, 1) if case.how.get("batch_first") or case.make is own_cells.QRNN else x


def traced(case: Case, module: nn.Module, x: Tensor, **more: Any) -> Trace:
    return trace_cell(module, x, case.state(2) if case.state else None, **case.how, **more)


def begin(case: Case, module: own_cells.Base) -> Any:
    """The state that the loop of the test starts from: zeros."""
    if case.state is not None:
        return case.state(2)
    return (zeros if module.parts == 1 else pair)(UNITS)(2)
