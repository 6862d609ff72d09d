"""minLSTM: h = f h' + i g, f + i = 1, with f, i and g of the input alone."""

from __future__ import annotations

import math

from lstm_core.cells.base import Cell, affine, candidate, gate, state


class MinLSTM(Cell):
    """The LSTM whose gates see the input alone and share out one whole, so that a text is computed at once.

    Feng et al., "Were RNNs all we needed?", 2024 (arXiv 2410.01201), section 3.2; see ``lstm_core.parallel``. f and i
    are the paper's f' = sigma(a) / (sigma(a) + sigma(b)) and i' = sigma(b) / (sigma(a) + sigma(b)) for the net inputs a
    of f and b of i, written by logarithms (as in its appendix) because the fraction is 0/0 when both gates are shut.
    """

    name = "minlstm"
    title = "minLSTM"
    source = "Feng et al. 2024"
    note = "f and i are the normalised gates: together they are 1. The candidate is linear, so h has no bounds."
    signals = (
        gate("f", "keep", "forget gate, as a share of both gates: share of the old state that is kept"),
        gate("i", "write", "input gate, as a share of both gates: share of the candidate that is written"),
        candidate("g", "candidate: what could be written", low=-math.inf, high=math.inf),
        state("h", "hidden", "hidden state: memory and output in one"),
    )
    params = affine("f", "i", "g", hidden=False)
    bias_init = {"b_f": 1.0}

    @staticmethod
    def gates(p, x, s, xp):
        f = xp.sigmoid(xp.log_sigmoid(p.W_f @ x + p.b_f) - xp.log_sigmoid(p.W_i @ x + p.b_i))
        return {
            "f": f,
            "i": 1 - f,
            "g": p.W_g @ x + p.b_g,
        }

    @staticmethod
    def update(p, v, s, xp):
        return {"h": v.f * s.h + v.i * v.g}
