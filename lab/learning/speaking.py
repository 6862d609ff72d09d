"""What speaks of what it looks at (`lstm_core.beyond.attending`), as it learns with PyTorch: the same functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lstm_core.beyond.attending import Speaker, first_states, next_word
from lstm_core.beyond.running import Running
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
        self, cell: type[Cell], words: Sequence[str], seen: int, hidden: int, embedding: int, asks: int, blind: float,
        hard: bool = False,
    ) -> None:  # fmt: skip
        """seen: features of what is looked at. asks: units of the small network that scores the places. blind: the
        share of the steps in training that do not see the word before. hard: whether it is to look at one place at a
        time once it is trained."""
        super().__init__()
        self.cell, self.words, self.blind, self.hard = cell, tuple(words), blind, hard
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

    def forward(self, a: Tensor, read: Tensor, pick: Callable[[Tensor], Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """a (place, batch, feature) and read (time, batch), the ids of the words from the start on; pick as `attend`
        takes it. Gives the scores of the next words (time, batch, vocabulary) and where it looked (time, batch,
        place)."""
        ops = TorchOps()
        look, out = parameters(dict(self.attention.items())), parameters(dict(self.out.items()))
        initial = first_states(parameters(dict(self.begin.items())), a, ops, self.cell)
        network = Running(self.cell, parameters(self.layer.layers()[0][0]), initial, ops)
        keys = look.W_a @ a
        y = self.embedding(read)
        if self.training and self.blind:
            y = y * (torch.rand(*read.shape, 1) >= self.blind)
        scores, alphas = [], []
        for now in y:
            found = next_word(look, out, now, a, network, ops, keys, pick)
            scores.append(found["score"])
            alphas.append(found["alpha"][..., 0].T)
        return torch.stack(scores), torch.stack(alphas)

    def speaker(self, weights: Kind = "float32") -> Speaker:
        """The same for NumPy."""

        def arrays(values: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
            return {name: array(value, weights) for name, value in values.items()}

        params = arrays(self.layer.layers()[0][0])
        attention, begin, out = (arrays(dict(part.items())) for part in (self.attention, self.begin, self.out))
        embedding = array(self.embedding.weight, weights)
        return Speaker(self.cell, params, attention, begin, out, embedding, self.words, hard=self.hard)


class Glances:
    """One look at a time, drawn with the chances of the weights (Xu et al. 2015, 4.1); as `attend` takes it.

    In half of the pictures the weights themselves are read, as with soft attention, which keeps the gradient quiet
    (theirs, too). One object is for one batch.
    """

    def __init__(self, batch: int) -> None:
        self.drawn = torch.rand(1, batch, 1) < 0.5
        self.logs: list[Tensor] = []
        self.entropies: list[Tensor] = []

    def __call__(self, alpha: Tensor) -> Tensor:
        """alpha (place, batch, 1)."""
        log = alpha.clamp(min=1e-12).log()
        at = torch.multinomial(alpha[..., 0].detach().T, 1).T[..., None]  # (1, batch, 1)
        self.logs.append((log.gather(0, at) * self.drawn)[0, :, 0])
        self.entropies.append(-(alpha * log).sum(0)[:, 0])
        return torch.where(self.drawn, torch.zeros_like(alpha).scatter(0, at, 1.0), alpha)


def glanced(scores: Tensor, target: Tensor, glances: Glances, baseline: Tensor, entropy: float) -> Tensor:
    """The loss of a batch that was read by `Glances`: the surprise at the words, and REINFORCE for the looks.

    scores (time, batch, vocabulary), target (time, batch), -100 where nothing is said. The reward of a look is the log
    probability of its word; baseline (time,) is its moving mean, which is moved on in place. entropy: what a spread of
    the weights is worth.
    """
    log = -functional.cross_entropy(scores.flatten(0, 1), target.flatten(), reduction="none").view(target.shape)
    said = (target >= 0).float()
    steps, count = len(target), said.sum()
    mean = (log.detach() * said).sum(1) / said.sum(1).clamp(min=1)
    reward = log.detach() - baseline[:steps, None]
    baseline[:steps] += 0.1 * (mean - baseline[:steps]) * (said.sum(1) > 0)
    looks, spread = torch.stack(glances.logs), torch.stack(glances.entropies)
    return -((log + reward * looks + entropy * spread) * said).sum() / count
