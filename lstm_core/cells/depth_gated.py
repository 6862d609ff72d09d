"""Depth-gated LSTM: c = f c' + i g + d c of the layer below, h = o tanh(c)."""

from __future__ import annotations

from lstm_core.cells.base import Cell, Param, affine, candidate, gate, state


class DepthGated(Cell):
    """The LSTM with a gate d that lets the memory of the layer below flow straight into this one's.

    Yao et al., "Depth-gated LSTM", 2015 (arXiv 1508.03790), section 3, with its peepholes w_c. There is no cell under
    the first layer: it reads zeros, and its d is computed but lets nothing through.
    """

    name = "depth_gated"
    title = "Depth-gated LSTM"
    source = "Yao et al. 2015"
    note = "The depth gate joins two layers, so this cell is of use from two layers on."
    below = ("c",)
    signals = (
        gate("i", "write", "input gate: share of the candidate that is written"),
        gate("f", "keep", "forget gate: share of the old cell that is kept"),
        gate("d", "depth", "depth gate: share of the lower layer's cell that is added"),
        candidate("g", "candidate: what could be written"),
        gate("o", "expose", "output gate: share of the cell that is shown"),
        state("c", "cell", "cell state: the memory"),
        state("h", "hidden", "hidden state: what is shown of the memory", low=-1.0, high=1.0),
    )
    params = (
        *affine("i", "f", "g", "o"),
        Param("W_d", ("hidden", "input"), "weight of the input in d"),
        Param("b_d", ("hidden",), "bias of d"),
        *(Param(f"w_c{k}", ("hidden",), f"weight of a unit's own cell in its {k}") for k in "ifod"),
        Param("w_ld", ("hidden",), "weight of the lower layer's cell in d"),
    )
    bias_init = {"b_f": 1.0}

    @staticmethod
    def gates(p, x, s, xp):
        return {
            "i": xp.sigmoid(p.W_i @ x + p.U_i @ s.h + p.w_ci * s.c + p.b_i),
            "f": xp.sigmoid(p.W_f @ x + p.U_f @ s.h + p.w_cf * s.c + p.b_f),
            "d": xp.sigmoid(p.W_d @ x + p.w_cd * s.c + p.w_ld * s.below_c + p.b_d),
            "g": xp.tanh(p.W_g @ x + p.U_g @ s.h + p.b_g),
            "o_net": p.W_o @ x + p.U_o @ s.h + p.b_o,
        }

    @staticmethod
    def update(p, v, s, xp):
        c = v.d * s.below_c + v.f * s.c + v.i * v.g
        o = xp.sigmoid(v.o_net + p.w_co * c)
        return {"c": c, "o": o, "h": o * xp.tanh(c)}
