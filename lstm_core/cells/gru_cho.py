"""GRU as published: n = tanh(W x + U (r h') + b), h = z h' + (1 - z) n."""

from __future__ import annotations

from lstm_core.cells.base import Cell, affine, candidate, gate, state


class GRUCho(Cell):
    """The gated recurrent unit as published: the reset gate acts on the old state before the product.

    Cho et al., EMNLP 2014 (arXiv 1406.1078), equations 5 to 8, which write no biases; here there are some.
    """

    name = "gru_cho"
    title = "GRU (Cho)"
    source = "Cho et al. 2014"
    note = "Cho's convention: the reset gate acts before the product; z keeps the old state, as in the paper."
    signals = (
        gate("r", "reset", "reset gate: share of the old state that the candidate may see"),
        gate("z", "keep", "update gate: share of the old state that is kept"),
        candidate("n", "candidate: what could be written"),
        state("h", "hidden", "hidden state: memory and output in one", low=-1.0, high=1.0),
    )
    params = affine("r", "z", "n")
    bias_init = {"b_z": 1.0}

    @staticmethod
    def gates(p, x, s, xp):
        r = xp.sigmoid(p.W_r @ x + p.U_r @ s.h + p.b_r)
        return {
            "r": r,
            "z": xp.sigmoid(p.W_z @ x + p.U_z @ s.h + p.b_z),
            "n": xp.tanh(p.W_n @ x + p.U_n @ (r * s.h) + p.b_n),
        }

    @staticmethod
    def update(p, v, s, xp):
        return {"h": v.z * s.h + (1 - v.z) * v.n}
