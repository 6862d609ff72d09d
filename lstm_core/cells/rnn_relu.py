"""Plain RNN with a rectifier: h = max(0, W x + U h' + b)."""

from __future__ import annotations

from lstm_core.cells.base import Cell, affine, candidate, state


class RNNReLU(Cell):
    """The plain recurrent network with a rectifier in place of tanh.

    Le, Jaitly & Hinton, "A simple way to initialize recurrent networks of rectified linear units" (arXiv 1504.00941),
    who start its recurrent matrix at the identity, so that it keeps what it does not rewrite; PyTorch's
    ``nn.RNN(nonlinearity="relu")`` does not.
    """

    name = "rnn_relu"
    title = "RNN (ReLU)"
    source = "Le et al. 2015"
    signals = (
        candidate("a", "net input: what the words and the old state ask for", low=-float("inf"), high=float("inf")),
        state("h", "hidden", "hidden state: the net input where it is positive, else 0", low=0.0),
    )
    params = affine("a")

    @staticmethod
    def gates(p, x, s, xp):
        return {"a": p.W_a @ x + p.U_a @ s.h + p.b_a}

    @staticmethod
    def update(p, v, s, xp):
        return {"h": xp.maximum(v.a, 0)}
