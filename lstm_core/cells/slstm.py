"""sLSTM: c = f c' + i z, n = f n' + i, h = o c / n, with exponential gates that m keeps in range."""

from __future__ import annotations

from lstm_core.cells.base import Cell, affine, candidate, gate, state


class SLSTM(Cell):
    """The LSTM with exponential gates: a word can outweigh everything written before it.

    Beck et al., "xLSTM: extended long short-term memory", 2024 (arXiv 2405.04517), section 2.2, with exponential input
    and forget gates. The normaliser n sums up what was written, and the stabiliser m scales c and n so that nothing
    overflows: f and i are the paper's f' and i', equations 15 to 17, and the larger of the two is always 1. The paper
    splits the units into heads, within which alone U_k joins them; here U_k is a full matrix, which is one head.
    """

    name = "slstm"
    title = "sLSTM"
    source = "Beck et al. 2024"
    note = "c is read relative to n, so f and i count relative to each other: i = 1 and f = 0 is a fresh start."
    signals = (
        candidate("z", "candidate: what could be written"),
        gate("o", "expose", "output gate: share of the memory that is shown"),
        state("m", "stabiliser", "stabiliser: logarithm of the scale on which c and n are kept"),
        gate("i", "write", "input gate on the scale of m: weight of the candidate"),
        gate("f", "keep", "forget gate on the scale of m: share of the old cell that is kept"),
        state("c", "cell", "cell state: the weighted sum of all candidates"),
        state("n", "normaliser", "normaliser: the sum of those weights", low=0.0),
        state("h", "hidden", "hidden state: what is shown of c / n; within −1 and 1 if the memory started empty"),
    )
    params = affine("z", "i", "f", "o")
    bias_init = {"b_f": 1.0}

    @staticmethod
    def gates(p, x, s, xp):
        return {
            "z": xp.tanh(p.W_z @ x + p.U_z @ s.h + p.b_z),
            "i_net": p.W_i @ x + p.U_i @ s.h + p.b_i,
            "f_net": p.W_f @ x + p.U_f @ s.h + p.b_f,
            "o": xp.sigmoid(p.W_o @ x + p.U_o @ s.h + p.b_o),
        }

    @staticmethod
    def update(p, v, s, xp):
        m = xp.maximum(v.f_net + s.m, v.i_net)
        i = xp.exp(v.i_net - m)
        f = xp.exp(v.f_net + s.m - m)
        c = f * s.c + i * v.z
        n = f * s.n + i
        return {"m": m, "i": i, "f": f, "c": c, "n": n, "h": v.o * (c / n)}
