"""The network in training: embedding, one recurrent layer, a projection back to the embedding, which also reads out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lab.general.precision import autocast

HIDDEN = {"lstm": 384, "gru": 448, "rnn": 848}
"""Units by cell: about as many recurrent parameters each."""
EMBEDDING = 192

State = tuple[Tensor, ...]
"""What the layer carries from step to step, (1, batch, hidden) each: h, and c of an LSTM."""


class Reader(nn.Module):
    """Reads ids and predicts the piece after each.

    embedding: (vocabulary, 192), the readout as well. dropout: in training, of what the layer reads and of its h.
    Forget gates start at a bias of 1.
    """

    def __init__(
        self, cell: str, vocabulary: int, hidden: int | None = None, embedding: int = EMBEDDING, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.cell, self.hidden = cell, hidden or HIDDEN[cell]
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.layer = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[cell](embedding, self.hidden)
        self.projection = nn.Linear(self.hidden, embedding, bias=False)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.embedding.weight, std=embedding**-0.5)
        with torch.no_grad():
            for name, value in self.layer.named_parameters():
                if name.startswith("weight_hh"):
                    for block in value.split(self.hidden):
                        nn.init.orthogonal_(block)
                elif name.startswith("bias"):
                    value.zero_()
            if cell == "lstm":
                self.layer.bias_ih_l0[self.hidden : 2 * self.hidden] = 1.0

    def hold(self, units: int) -> None:
        """Open the forget gates of the first ``units`` units of an LSTM, and close their input gates a little.

        A layer that has read only real text keeps little for more than a few words, and where nothing is kept no
        gradient says that something should be (Jozefowicz et al. 2015; Tallec & Ollivier 2018).
        """
        if self.cell == "lstm":
            with torch.no_grad():
                self.layer.bias_ih_l0[self.hidden : self.hidden + units] += 4.0
                self.layer.bias_ih_l0[:units] -= 1.0

    def price(self, x: Tensor, h: Tensor, before: Tensor, units: int) -> Tensor:
        """What the first ``units`` units write and forget: the mean of i + 1 - f of an LSTM, of 1 - z of a GRU, in
        which z = 1 keeps; 0 of a plain RNN.

        x: (time, batch, embedding), what the layer reads. h: (time, batch, hidden), and ``before``, (batch, hidden),
        the state before the first step.
        """
        kept = {"lstm": (0, self.hidden), "gru": (self.hidden,)}.get(self.cell, ())
        rows = [row for start in kept for row in range(start, start + units)]
        if not rows:
            return x.new_zeros(())
        layer, earlier = self.layer, torch.cat([before[None], h[:-1].float()])
        gates = x @ layer.weight_ih_l0[rows].T + earlier @ layer.weight_hh_l0[rows].T
        gates = torch.sigmoid(gates + layer.bias_ih_l0[rows] + layer.bias_hh_l0[rows])
        keep = gates[..., -units:]
        return (1 - keep).mean() + (gates[..., :units].mean() if self.cell == "lstm" else 0.0)

    def start(self, batch: int) -> State:
        """The state zero of so many rows."""
        zero = self.bias.new_zeros(1, batch, self.hidden)
        return (zero, zero.clone()) if self.cell == "lstm" else (zero,)

    def run(self, ids: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """ids (time, batch) -> what the layer reads, (time, batch, embedding); h, (time, batch, hidden); and the state
        after it, from which gradients flow back."""
        x = self.dropout(self.embedding(ids))
        with autocast(ids.device):
            h, after = self.layer(x, state if self.cell == "lstm" else state[0])
        after = after if isinstance(after, tuple) else (after,)
        return x, h, tuple(value.float() for value in after)

    def read(self, h: Tensor) -> Tensor:
        """What the readout reads of h, (time, batch, embedding), float32."""
        with autocast(h.device):
            return self.projection(self.dropout(h)).float()

    def forward(self, ids: Tensor, state: State) -> tuple[Tensor, State]:
        """ids (time, batch) -> (what the readout reads, the state after it)."""
        _, h, after = self.run(ids, state)
        return self.read(h), after
