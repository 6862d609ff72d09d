"""JANET: h = f h' + (1 - f) g, with no other gate."""

from __future__ import annotations

from lstm_core.cells.base import Cell, affine, candidate, gate, state


class JANET(Cell):
    """JANET, "just another network": an LSTM with its forget gate alone.

    van der Westhuizen & Lasenby, "The unreasonable effectiveness of the forget gate", 2018 (arXiv 1804.04849),
    equation 2; h and c are one there, h here. Their experiments also write a little more, 1 - sigma(s - 1) for
    f = sigma(s), and draw the forget biases at random by the longest dependency expected; neither is done here.
    """

    name = "janet"
    title = "JANET"
    source = "van der Westhuizen & Lasenby 2018"
    signals = (
        gate("f", "keep", "forget gate: share of the old state that is kept"),
        candidate("g", "candidate: what could be written"),
        state("h", "hidden", "hidden state: memory and output in one", low=-1.0, high=1.0),
    )
    params = affine("f", "g")
    bias_init = {"b_f": 1.0}

    @staticmethod
    def gates(p, x, s, xp):
        return {
            "f": xp.sigmoid(p.W_f @ x + p.U_f @ s.h + p.b_f),
            "g": xp.tanh(p.W_g @ x + p.U_g @ s.h + p.b_g),
        }

    @staticmethod
    def update(p, v, s, xp):
        return {"h": v.f * s.h + (1 - v.f) * v.g}
