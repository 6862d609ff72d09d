"""What speaks of what it looks at (`lstm_core.beyond.attending`), as it learns with PyTorch: the same functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from lstm_core.beyond.attending import Speaker, attend, first_states, spoken, step
from lstm_core.cells.base import Cell
from lstm_core.layer import Layer
from lstm_core.ops import TorchOps, parameters
from lstm_core.stored import Kind, rounded


def started(shapes: Mapping[str, tuple[int, ...]]) -> nn.ParameterDict:
    """Matrices Glorot uniform, vectors at 0."""
    made = {}
    for name, shape in shapes.items():
        value = torch.zeros(shape)
        made[name] = nn.Parameter(nn.init.xavier_uniform_(value) if len(shape) == 2 else value)
    return nn.ParameterDict(made)


def array(value: Tensor, weights: Kind = "float32") -> np.ndarray:
    """A copy in NumPy; ``weights``: how it is stored, to which it is rounded."""
    return rounded(value.detach().cpu().numpy().copy(), weights)


class TorchSpeaker(nn.Module):
    def __init__(
        self, cell: type[Cell], words: Sequence[str], seen: int, hidden: int, embedding: int, asks: int, blind: float
    ) -> None:
        """seen: features of what is looked at. asks: units of the small network that scores the places. blind: the
        share of the steps in training that do not see the word before."""
        super().__init__()
        self.cell, self.words, self.blind = cell, tuple(words), blind
        self.embedding = nn.Embedding(len(words), embedding)
        nn.init.normal_(self.embedding.weight, std=embedding**-0.5)
        self.layer = Layer(cell, embedding + seen, hidden)
        self.attention = started({"W_a": (asks, seen), "U_a": (asks, hidden), "b_a": (asks,), "v": (1, asks)})
        self.begin = started(
            {f"{kind}_{name}": (hidden, seen)[: 2 if kind == "W" else 1] for name in cell.states() for kind in "Wb"}
        )
        self.out = started(
            {"L_o": (len(words), embedding), "b_o": (len(words),), "L_h": (embedding, hidden), "L_z": (embedding, seen)}
        )

    def forward(self, a: Tensor, read: Tensor) -> tuple[Tensor, Tensor]:
        """a (place, batch, feature) and read (time, batch), the ids of the words from the start on. Gives the scores of
        the next words (time, batch, vocabulary) and where it looked (time, batch, place)."""
        ops = TorchOps()
        p = parameters(self.layer.layers()[0][0])
        look, out = parameters(dict(self.attention.items())), parameters(dict(self.out.items()))
        state = first_states(parameters(dict(self.begin.items())), a, ops, self.cell)
        keys = look.W_a @ a
        y = self.embedding(read)
        if self.training and self.blind:
            y = y * (torch.rand(*read.shape, 1) >= self.blind)
        scores, alphas = [], []
        for now in y:
            found = attend(look, state["h"], a, ops, keys)
            values = step(self.cell, p, torch.cat([now, found["z"]], -1), state, ops)
            state = {name: values[name] for name in state}
            scores.append(spoken(out, now, state["h"], found["z"]))
            alphas.append(found["alpha"][..., 0].T)
        return torch.stack(scores), torch.stack(alphas)

    def speaker(self, weights: Kind = "float32") -> Speaker:
        """The same for NumPy."""

        def arrays(values: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
            return {name: array(value, weights) for name, value in values.items()}

        params = arrays(self.layer.layers()[0][0])
        attention, begin, out = (arrays(dict(part.items())) for part in (self.attention, self.begin, self.out))
        return Speaker(self.cell, params, attention, begin, out, array(self.embedding.weight, weights), self.words)
