"""The networks that learn with PyTorch: embedding, recurrent layers, readout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lstm_core.attention import PARAMS, attended
from lstm_core.cells.base import Cell
from lstm_core.layer import Layer
from lstm_core.network import Network, assembled
from lstm_core.ops import TorchOps
from lstm_core.stored import Kind, rounded
from lstm_core.text import Tokenizer


class TorchNetwork(nn.Module):
    """Embedding, recurrent layers, readout. `tied`: the readout is the embedding's transpose on a projection of h.
    `attention`: the readout also reads a mean of the states so far (`lstm_core.attention`)."""

    def __init__(
        self,
        cell: type[Cell],
        vocabulary: int,
        embedding: int,
        hidden: int,
        num_layers: int = 1,
        tied: bool = False,
        attention: bool = False,
    ) -> None:
        super().__init__()
        self.cell = cell
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.layer = Layer(cell, embedding, hidden, num_layers)
        width = 2 * hidden if attention else hidden
        self.projection = nn.Linear(width, embedding, bias=False) if tied else None
        self.readout = nn.Linear(embedding if tied else width, vocabulary)
        if tied:
            nn.init.normal_(self.embedding.weight, std=embedding**-0.5)
            self.readout.weight = self.embedding.weight
        nn.init.zeros_(self.readout.bias)
        shapes = {param.name: param.shape(hidden, hidden) for param in PARAMS} if attention else {}
        self.attention = nn.ParameterDict({name: nn.init.xavier_uniform_(torch.empty(s)) for name, s in shapes.items()})

    def forward(
        self, ids: Tensor, where: Tensor | None = None, signals: bool = True
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """ids (time, batch) -> logits of the next word (time, batch, vocabulary), and the layer's signals.

        where: (time, batch) bool; the logits of these steps alone, (step, vocabulary): the readout is what costs time.
        """
        h, values = self.layer(self.embedding(ids), signals=signals)
        if self.attention:
            h, _ = attended(dict(self.attention.items()), h, TorchOps(str(h.device)))
        if where is not None:
            h = h[where]
        return self.readout(h if self.projection is None else self.projection(h)), values

    def model(
        self, name: str, tokenizer: Tokenizer | None, meta: Mapping[str, Any], weights: Kind = "float32"
    ) -> Network:
        """The same network for NumPy, with weights as rounded as the file that stores them.

        tokenizer: None for one that reads ids alone.
        """

        def array(value: Tensor) -> np.ndarray:
            return rounded(value.detach().cpu().numpy().copy(), weights)

        return assembled(
            name=name,
            tokenizer=tokenizer,
            cell=self.cell,
            embedding=array(self.embedding.weight),
            layers=[
                [{param: rounded(value, weights) for param, value in params.items()} for params in row]
                for row in self.layer.parameters_numpy()
            ],
            readout=array(self.readout.weight if self.projection is None else self.projection.weight),
            bias=array(self.readout.bias),
            tied=self.projection is not None,
            attention={name: array(value) for name, value in self.attention.items()} or None,
            meta=meta,
        )
