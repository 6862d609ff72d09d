"""LSTM: c = f c' + i g, h = o tanh(c)."""

from __future__ import annotations

from lstm_core.cells.base import Cell, affine, candidate, gate, state


class LSTM(Cell):
    """Long short-term memory, as nn.LSTM computes it.

    Hochreiter & Schmidhuber, Neural Computation 9 (1997), with the forget gate of
    Gers, Schmidhuber & Cummins, Neural Computation 12 (2000). Both papers squash the candidate and what is shown with
    logistic functions of range (-2, 2) and (-1, 1); here, as in nn.LSTM, both functions are tanh. b_k is the sum of
    PyTorch's two biases.
    """

    name = "lstm"
    title = "LSTM"
    source = "Hochreiter & Schmidhuber 1997; Gers et al. 2000"
    signals = (
        gate("i", "write", "input gate: share of the candidate that is written"),
        gate("f", "keep", "forget gate: share of the old cell that is kept"),
        candidate("g", "candidate: what could be written"),
        gate("o", "expose", "output gate: share of the cell that is shown"),
        state("c", "cell", "cell state: the memory"),
        state("h", "hidden", "hidden state: what is shown of the memory", low=-1.0, high=1.0),
    )
    params = affine("i", "f", "g", "o")
    bias_init = {"b_f": 1.0}

    @staticmethod
    def gates(p, x, s, xp):
        return {
            "i": xp.sigmoid(p.W_i @ x + p.U_i @ s.h + p.b_i),
            "f": xp.sigmoid(p.W_f @ x + p.U_f @ s.h + p.b_f),
            "g": xp.tanh(p.W_g @ x + p.U_g @ s.h + p.b_g),
            "o": xp.sigmoid(p.W_o @ x + p.U_o @ s.h + p.b_o),
        }

    @staticmethod
    def update(p, v, s, xp):
        c = v.f * s.c + v.i * v.g
        return {"c": c, "h": v.o * xp.tanh(c)}
