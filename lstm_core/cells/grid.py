"""Grid LSTM: an LSTM along time, c, and one along depth, c_d, that read the same two hidden vectors."""

from __future__ import annotations

from lstm_core.cells.base import Cell, affine, candidate, gate, state, upward


class GridLSTM(Cell):
    """Two LSTMs in one block: one carries its memory c along time, the other carries c_d from layer to layer.

    Kalchbrenner et al., "Grid long short-term memory", 2015 (arXiv 1507.01526), sections 2 and 3: a block of two
    dimensions, none of them prioritised, so both read the same two hidden vectors, h_{t-1} and the input from below. As
    there, h is tanh(o c) and not o tanh(c). The paper's g^u, g^f, g^o, g^c and m are i, f, o, g and c here. It
    writes no biases and projects the input into both vectors of the depth, h and m; here there are biases, the first
    layer reads the input itself in the place of h, and c_d is 0 under it.
    """

    name = "grid"
    title = "Grid LSTM"
    source = "Kalchbrenner et al. 2015"
    note = "The layer above reads h_d and goes on with the memory c_d; under the first layer c_d is 0."
    output = "h_d"
    below = ("c_d",)
    signals = (
        gate("i", "write", "input gate along time: share of the candidate that is written"),
        gate("f", "keep", "forget gate along time: share of the old cell that is kept"),
        candidate("g", "candidate along time: what could be written"),
        gate("o", "expose", "output gate along time: share of the cell that is shown to the next step"),
        gate("i_d", "depth write", "input gate along depth: share of the candidate that is written"),
        gate("f_d", "depth keep", "forget gate along depth: share of the lower layer's cell that is kept"),
        candidate("g_d", "candidate along depth: what could be written", role="depth candidate"),
        gate("o_d", "depth expose", "output gate along depth: share of the cell that is shown to the layer above"),
        state("c", "cell", "cell state along time: the memory"),
        state("h", "hidden", "hidden state along time: what the next step sees", low=-1.0, high=1.0),
        upward("c_d", "depth cell", "cell state along depth: the memory that the layer above goes on with"),
        upward("h_d", "depth hidden", "hidden state along depth: what the layer above sees", low=-1.0, high=1.0),
    )
    params = affine("i", "f", "g", "o", "i_d", "f_d", "g_d", "o_d")
    bias_init = {"b_f": 1.0, "b_f_d": 1.0}

    @staticmethod
    def gates(p, x, s, xp):
        return {
            "i": xp.sigmoid(p.W_i @ x + p.U_i @ s.h + p.b_i),
            "f": xp.sigmoid(p.W_f @ x + p.U_f @ s.h + p.b_f),
            "g": xp.tanh(p.W_g @ x + p.U_g @ s.h + p.b_g),
            "o": xp.sigmoid(p.W_o @ x + p.U_o @ s.h + p.b_o),
            "i_d": xp.sigmoid(p.W_i_d @ x + p.U_i_d @ s.h + p.b_i_d),
            "f_d": xp.sigmoid(p.W_f_d @ x + p.U_f_d @ s.h + p.b_f_d),
            "g_d": xp.tanh(p.W_g_d @ x + p.U_g_d @ s.h + p.b_g_d),
            "o_d": xp.sigmoid(p.W_o_d @ x + p.U_o_d @ s.h + p.b_o_d),
        }

    @staticmethod
    def update(p, v, s, xp):
        c = v.f * s.c + v.i * v.g
        c_d = v.f_d * s.below_c_d + v.i_d * v.g_d
        return {"c": c, "h": xp.tanh(v.o * c), "c_d": c_d, "h_d": xp.tanh(v.o_d * c_d)}
