"""GRU of PyTorch and cuDNN: n = tanh(W x + b + r (U h' + b')), h = z h' + (1 - z) n."""

from __future__ import annotations

from lstm_core.cells.base import Cell, Param, affine, candidate, gate, state


class GRU(Cell):
    """The gated recurrent unit as nn.GRU and cuDNN compute it: the reset gate acts after the product U_n h.

    Cho et al., EMNLP 2014 (arXiv 1406.1078), in the variant of its first arXiv version, with cuDNN's biases: b_r and
    b_z are each the sum of PyTorch's two, and b_hn is added inside what r scales. The update gate z is the share that
    is kept; many papers write 1 - z for it.
    """

    name = "gru"
    title = "GRU"
    source = "Cho et al. 2014, as in PyTorch and cuDNN"
    note = (
        "PyTorch's convention: z keeps the old state (many papers let z write), "
        "and the reset gate acts after the product."
    )
    signals = (
        gate("r", "reset", "reset gate: share of the old state that the candidate may see"),
        gate("z", "keep", "update gate: share of the old state that is kept"),
        candidate("n", "candidate: what could be written"),
        state("h", "hidden", "hidden state: memory and output in one", low=-1.0, high=1.0),
    )
    params = (*affine("r", "z", "n"), Param("b_hn", ("hidden",), "bias inside the reset product"))
    bias_init = {"b_z": 1.0}

    @staticmethod
    def gates(p, x, s, xp):
        r = xp.sigmoid(p.W_r @ x + p.U_r @ s.h + p.b_r)
        return {
            "r": r,
            "z": xp.sigmoid(p.W_z @ x + p.U_z @ s.h + p.b_z),
            "n": xp.tanh(p.W_n @ x + p.b_n + r * (p.U_n @ s.h + p.b_hn)),
        }

    @staticmethod
    def update(p, v, s, xp):
        return {"h": (1 - v.z) * v.n + v.z * s.h}
