"""Plain RNN: h = tanh(W x + U h' + b)."""

from __future__ import annotations

from lstm_core.cells.base import Cell, affine, candidate, state


class RNN(Cell):
    """The plain recurrent network: its whole memory is rewritten at every step.

    Elman, "Finding structure in time", Cognitive Science 14 (1990), with tanh in the place of the logistic function, as
    in nn.RNN. The net input is written a, as in Goodfellow et al. (2016), equation 10.8, who call the matrix of the
    input U and the recurrent one W; here, as in all cells, it is the other way round.
    """

    name = "rnn"
    title = "RNN"
    source = "Elman 1990"
    signals = (
        candidate("a", "net input: what the words and the old state ask for", low=-float("inf"), high=float("inf")),
        state("h", "hidden", "hidden state: all that is remembered, and all that is shown", low=-1.0, high=1.0),
    )
    params = affine("a")

    @staticmethod
    def gates(p, x, s, xp):
        return {"a": p.W_a @ x + p.U_a @ s.h + p.b_a}

    @staticmethod
    def update(p, v, s, xp):
        return {"h": xp.tanh(v.a)}
