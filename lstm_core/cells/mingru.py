"""minGRU: h = (1 - z) h' + z n, with z and n of the input alone."""

from __future__ import annotations

import math

from lstm_core.cells.base import Cell, affine, candidate, gate, state


class MinGRU(Cell):
    """The GRU whose gate and candidate see the input alone, so that a whole text is computed at once.

    Feng et al., "Were RNNs all we needed?", 2024 (arXiv 2410.01201), section 3.1, whose candidate is n here, as in
    the other GRUs; see ``lstm_core.parallel``.
    """

    name = "mingru"
    title = "minGRU"
    source = "Feng et al. 2024"
    note = "As in the paper z writes, where PyTorch's GRU has z keep; the candidate is linear, so h has no bounds."
    signals = (
        gate("z", "write", "update gate: share of the candidate that is written"),
        candidate("n", "candidate: what could be written", low=-math.inf, high=math.inf),
        state("h", "hidden", "hidden state: memory and output in one"),
    )
    params = affine("z", "n", hidden=False)
    bias_init = {"b_z": -1.0}

    @staticmethod
    def gates(p, x, s, xp):
        return {
            "z": xp.sigmoid(p.W_z @ x + p.b_z),
            "n": p.W_n @ x + p.b_n,
        }

    @staticmethod
    def update(p, v, s, xp):
        return {"h": (1 - v.z) * s.h + v.z * v.n}
