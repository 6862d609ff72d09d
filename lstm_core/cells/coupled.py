"""Coupled LSTM (CIFG): c = f c' + (1 - f) g, h = o tanh(c)."""

from __future__ import annotations

import math

from lstm_core.cells.base import Cell, affine, candidate, gate, state


class Coupled(Cell):
    """The LSTM that writes exactly as much as it forgets: one gate decides both.

    Greff et al., "LSTM: a search space odyssey", 2015 (arXiv 1503.04069), variant CIFG, without its peepholes
    (``CoupledPeephole`` has them). They compute i and write f = 1 - i; here f is the gate that is computed, as in the
    other cells, which is the same with that gate's weights and bias of the other sign.
    """

    name = "coupled"
    title = "Coupled LSTM (CIFG)"
    source = "Greff et al. 2015"
    note = "What is not kept is written: i is 1 \N{MINUS SIGN} f."
    signals = (
        gate("f", "keep", "forget gate: share of the old cell that is kept"),
        gate("i", "write", "input gate: what is not kept is written, 1 \N{MINUS SIGN} f"),
        candidate("g", "candidate: what could be written"),
        gate("o", "expose", "output gate: share of the cell that is shown"),
        state("c", "cell", "cell state: a running mean of candidates", low=-1.0, high=1.0),
        state("h", "hidden", "hidden state: what is shown of the memory", low=-math.tanh(1), high=math.tanh(1)),
    )
    params = affine("f", "g", "o")
    bias_init = {"b_f": 1.0}

    @staticmethod
    def gates(p, x, s, xp):
        f = xp.sigmoid(p.W_f @ x + p.U_f @ s.h + p.b_f)
        return {
            "f": f,
            "i": 1 - f,
            "g": xp.tanh(p.W_g @ x + p.U_g @ s.h + p.b_g),
            "o": xp.sigmoid(p.W_o @ x + p.U_o @ s.h + p.b_o),
        }

    @staticmethod
    def update(p, v, s, xp):
        c = v.f * s.c + v.i * v.g
        return {"c": c, "h": v.o * xp.tanh(c)}
