"""The network in training: embedding, one recurrent layer, a projection back to the embedding, which also reads out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

HIDDEN = {"lstm": 384, "gru": 448, "rnn": 848}
"""Units by cell: about as many recurrent parameters each."""
EMBEDDING = 192
DROPOUT = 0.25

State = tuple[Tensor, ...]
"""What the layer carries from step to step, (1, batch, hidden) each: h, and c of an LSTM."""


class Reader(nn.Module):
    """Reads ids and predicts the piece after each.

    embedding: (vocabulary, 192), the readout as well. Forget gates start at a bias of 1.
    """

    def __init__(self, cell: str, vocabulary: int, hidden: int | None = None, embedding: int = EMBEDDING) -> None:
        super().__init__()
        self.cell, self.hidden = cell, hidden or HIDDEN[cell]
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.layer = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[cell](embedding, self.hidden)
        self.projection = nn.Linear(self.hidden, embedding, bias=False)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.dropout = nn.Dropout(DROPOUT)
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
        """Make the first ``units`` of an LSTM's units long memories: their forget gates open, their input gates close.

        A layer that has read only real text keeps little for more than a few words, and where nothing is kept no
        gradient says that something should be (Jozefowicz et al. 2015; Tallec & Ollivier 2018).
        """
        if self.cell == "lstm":
            with torch.no_grad():
                self.layer.bias_ih_l0[self.hidden : self.hidden + units] += 5.0
                self.layer.bias_ih_l0[:units] -= 2.0

    def start(self, batch: int) -> State:
        """The state zero of so many rows."""
        zero = self.bias.new_zeros(1, batch, self.hidden)
        return (zero, zero.clone()) if self.cell == "lstm" else (zero,)

    def forward(self, ids: Tensor, state: State) -> tuple[Tensor, State]:
        """ids (time, batch) -> (what the readout reads, (time, batch, embedding), float32; the state after it, from
        which gradients flow back)."""
        x = self.dropout(self.embedding(ids))
        with torch.autocast(ids.device.type, torch.bfloat16):
            h, after = self.layer(x, state if self.cell == "lstm" else state[0])
            read = self.projection(self.dropout(h))
        after = after if isinstance(after, tuple) else (after,)
        return read.float(), tuple(value.float() for value in after)
