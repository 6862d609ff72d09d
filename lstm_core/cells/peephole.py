"""Peephole LSTM: c = f c' + i g, h = o tanh(c), where i and f also read c' and o reads c."""

from __future__ import annotations

from lstm_core.cells.base import Cell, Param, affine, candidate, gate, state


class Peephole(Cell):
    """The LSTM whose gates see the memory itself: i and f look at the old cell, o at the new one.

    Gers & Schmidhuber, "Recurrent nets that time and count", IJCNN 2000; the equations of Greff et al. 2015
    (arXiv 1503.04069, section II-A), whose block input z and output y are g and h here.
    """

    name = "peephole"
    title = "LSTM with peepholes"
    source = "Gers & Schmidhuber 2000"
    signals = (
        gate("i", "write", "input gate: share of the candidate that is written"),
        gate("f", "keep", "forget gate: share of the old cell that is kept"),
        candidate("g", "candidate: what could be written"),
        gate("o", "expose", "output gate: share of the cell that is shown"),
        state("c", "cell", "cell state: the memory, seen by every gate"),
        state("h", "hidden", "hidden state: what is shown of the memory", low=-1.0, high=1.0),
    )
    params = (
        *affine("i", "f", "g", "o"),
        Param("p_i", ("hidden",), "weight of a unit's old cell in its i"),
        Param("p_f", ("hidden",), "weight of a unit's old cell in its f"),
        Param("p_o", ("hidden",), "weight of a unit's new cell in its o"),
    )
    bias_init = {"b_f": 1.0}

    @staticmethod
    def gates(p, x, s, xp):
        return {
            "i": xp.sigmoid(p.W_i @ x + p.U_i @ s.h + p.p_i * s.c + p.b_i),
            "f": xp.sigmoid(p.W_f @ x + p.U_f @ s.h + p.p_f * s.c + p.b_f),
            "g": xp.tanh(p.W_g @ x + p.U_g @ s.h + p.b_g),
            "o_net": p.W_o @ x + p.U_o @ s.h + p.b_o,
        }

    @staticmethod
    def update(p, v, s, xp):
        c = v.f * s.c + v.i * v.g
        o = xp.sigmoid(v.o_net + p.p_o * c)
        return {"c": c, "o": o, "h": o * xp.tanh(c)}
