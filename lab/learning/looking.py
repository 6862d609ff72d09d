"""The network that looks at pictures (`lstm_core.beyond.looking`), as it learns with PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from lab.learning.speaking import TorchSpeaker, array
from lstm_core.beyond.looking import Looking, inked, placed
from lstm_core.beyond.pictures import SIDE
from lstm_core.cells.base import Cell
from lstm_core.ops import TorchOps
from lstm_core.stored import Kind


def both(weight: Tensor) -> Tensor:
    """The weight of two groups as that of one convolution, whose halves do not see each other."""
    first, second = weight.chunk(2)
    reads = weight.shape[1]
    before, after = (0, 0, 0, 0, reads, 0), (0, 0, 0, 0, 0, reads)
    return torch.cat([functional.pad(first, after), functional.pad(second, before)])


class TorchLooking(nn.Module):
    def __init__(
        self,
        cell: type[Cell],
        words: Sequence[str],
        channels: Sequence[int],
        hidden: int,
        embedding: int,
        asks: int,
        blind: float = 0.0,
        dropout: float = 0.0,
        hard: bool = False,
    ) -> None:
        """channels: of every convolution, an even number. The first half of them sees where ink is and not its colour,
        and the halves meet only where they are read: what says the form cannot lean on the colour. dropout: of what
        they see, by channel. The others as `TorchSpeaker` takes them."""
        super().__init__()
        self.dropout = nn.Dropout2d(dropout)
        self.side = SIDE >> len(channels)
        first = channels[0]
        self.convolution = nn.ModuleList([nn.Conv2d(4, first, 3, stride=2, padding=1)])
        for low, high in pairwise(channels):
            self.convolution.append(nn.Conv2d(low, high, 3, stride=2, padding=1, groups=2))
        sees = torch.ones(first, 4, 1, 1)
        sees[: first // 2, :3] = 0
        self.register_buffer("sees", sees)
        for one in self.convolution:
            nn.init.kaiming_normal_(one.weight, nonlinearity="relu")  # type: ignore[arg-type]
            nn.init.zeros_(one.bias)  # type: ignore[arg-type]
        self.speaker = TorchSpeaker(cell, words, channels[-1] + 2 * self.side, hidden, embedding, asks, blind, hard)

    def annotations(self, pictures: Tensor) -> Tensor:
        """(place, picture, feature) of pictures (picture, row, column, RGB)."""
        x = inked(pictures, TorchOps()).permute(0, 3, 1, 2)
        for k, one in enumerate(self.convolution):
            seen = one(x) if k else functional.conv2d(x, one.weight * self.sees, one.bias, 2, 1)  # type: ignore[operator]
            x = self.dropout(seen.relu())
        return placed(x.flatten(2).permute(2, 0, 1), self.side, TorchOps())

    def forward(
        self, pictures: Tensor, read: Tensor, pick: Callable[[Tensor], Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """pictures (picture, row, column, RGB) and the words read, ids (time, picture), from the start on. Gives the
        scores of the next words (time, picture, vocabulary) and where it looked (time, picture, place)."""
        return self.speaker(self.annotations(pictures), read, pick)

    def model(self, name: str, meta: Mapping[str, Any], weights: Kind = "float32") -> Looking:
        """The same network for NumPy; `weights`: how they are stored, to which they are rounded."""
        seen = [(torch.as_tensor(one.weight).detach(), torch.as_tensor(one.bias)) for one in self.convolution]
        whole = [seen[0][0] * self.sees, *(both(weight) for weight, _ in seen[1:])]  # type: ignore[operator]
        convolution = [
            (array(weight, weights), array(bias, weights)) for weight, (_, bias) in zip(whole, seen, strict=True)
        ]
        return Looking(name, convolution, self.speaker.speaker(weights), dict(meta))
