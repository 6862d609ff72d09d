"""LSTM with a projection: c = f c' + i g, h = W_hr (o tanh(c))."""

from __future__ import annotations

from lstm_core.cells.base import Cell, Param, affine, candidate, gate, state


class LSTMProjected(Cell):
    """The LSTM whose shown memory goes through a matrix before anyone reads it: ``nn.LSTM(proj_size=...)``.

    Sak, Senior & Beaufays, "Long short-term memory recurrent neural network architectures for large scale acoustic
    modeling", Interspeech 2014. Their cell also has peepholes, and a second projection that is not fed back; here, as
    in nn.LSTM, there is neither. W_hr is (projection, hidden) and U_k is (hidden, projection): h may be narrower than
    c. ``Layer`` makes it square.
    """

    name = "lstm_projected"
    title = "LSTM with projection"
    source = "Sak et al. 2014"
    signals = (
        gate("i", "write", "input gate: share of the candidate that is written"),
        gate("f", "keep", "forget gate: share of the old cell that is kept"),
        candidate("g", "candidate: what could be written"),
        gate("o", "expose", "output gate: share of the cell that is shown"),
        state("c", "cell", "cell state: the memory"),
        state("h", "hidden", "hidden state: what is shown of the memory, projected"),
    )
    params = (*affine("i", "f", "g", "o"), Param("W_hr", ("hidden", "hidden"), "projection of what is shown"))
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
        return {"c": c, "h": p.W_hr @ (v.o * xp.tanh(c))}
