"""A network that says what is on a picture and, for each word, looks at a part of it (``lstm_core.beyond.attending``).

Xu et al. 2015, "Show, Attend and Tell" (arXiv 1502.03044): a convolution turns the picture into annotation vectors, one
a place (3.1.1). Left out of the paper: its pretrained convolution (ours is learned with the rest), the gate beta, and
the penalty that has every place looked at once. Added: each a_i ends with the row and the column of its
place, one of eight each; and beside red, green and blue a pixel says how much ink lies there, whatever its colour.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstm_core.beyond import attending, kept
from lstm_core.beyond.attending import Said, Speaker
from lstm_core.beyond.pictures import GRID, SIDE
from lstm_core.beyond.running import Do
from lstm_core.cells import cell as find_cell
from lstm_core.cells.base import Cell
from lstm_core.ops import NUMPY
from lstm_core.say import say
from lstm_core.stored import Kind

SOURCE = "Xu et al. 2015"
KIND = "looking"


def convolved(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """max(0, w * x + b), every second place: x (picture, row, column, channel), weight (out, channel, 3, 3) as torch
    has it, with one place of zeros round x. Gives (picture, row / 2, column / 2, out)."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))[:, ::2, ::2]
    out = np.tensordot(windows, weight, ((3, 4, 5), (1, 2, 3))) + bias
    return np.maximum(out, 0)


def inked(x: Any, xp: Any) -> Any:
    """(picture, row, column, 4) of pictures with three channels: the fourth is how much ink lies there, 1 for every
    colour that lacks a half of one of the three."""
    least = xp.minimum(xp.minimum(x[..., :1], x[..., 1:2]), x[..., 2:3])
    return xp.concatenate([x, xp.minimum(2 * (1 - least), 1.0)], axis=-1)


def placed(seen: Any, side: int, xp: Any) -> Any:
    """(place, picture, feature): what the convolution saw, (place, picture, channel), with one-hot row and column."""
    where = np.zeros((side * side, 1, 2 * side), np.float32)
    for k in range(side * side):
        where[k, 0, [k // side, side + k % side]] = 1
    where = np.repeat(where, seen.shape[1], axis=1)
    return xp.concatenate([seen, xp.asarray(where, like=seen)], axis=-1)


@dataclass(frozen=True, eq=False)
class Looking:
    """The network, in NumPy. convolution: weights and biases, first to last. meta: what else its header says."""

    name: str
    convolution: Sequence[tuple[np.ndarray, np.ndarray]]
    speaker: Speaker
    meta: Mapping[str, Any]

    @property
    def side(self) -> int:
        """Places on a side of what the convolution leaves of a picture."""
        return SIDE >> len(self.convolution)

    def within(self, place: int) -> np.ndarray:
        """Which places of the attention, row by row, lie on a place of the picture's grid."""
        each = self.side // GRID
        rows, columns = np.divmod(np.arange(self.side**2), self.side)
        return (rows // each == place // GRID) & (columns // each == place % GRID)

    def annotations(self, pictures: np.ndarray) -> np.ndarray:
        """(place, picture, feature) of pictures (picture, row, column, RGB), 0 to 1. Raises ValueError for other
        shapes."""
        x = np.asarray(pictures, np.float32)
        if x.ndim != 4 or x.shape[1:] != (SIDE, SIDE, 3):
            raise ValueError(
                say("pictures are (picture, {side}, {side}, 3), not {shape}", side=SIDE, shape=np.shape(pictures))
            )
        x = inked(x, NUMPY)
        for weight, bias in self.convolution:
            x = convolved(x, weight, bias)
        return placed(x.reshape(len(x), -1, x.shape[-1]).swapaxes(0, 1), self.side, NUMPY)

    def look(self, pictures: np.ndarray, do: Do | None = None) -> list[Said]:
        """What it says of each picture, (picture, row, column, RGB), and where it looked, row by row. do: what happens
        to the steps of its network."""
        return self.speaker.speak(self.annotations(pictures), do)

    def untrained(self, seed: int = 0) -> Looking:
        """The same network with random weights: the baseline of every claim."""
        groups = kept.random_like(self._groups(), seed)
        return replace(self._of(groups), name=f"{self.name} (untrained)")

    def _groups(self) -> dict[str, Mapping[str, np.ndarray]]:
        seen = {f"{kind}{k}": a for k, one in enumerate(self.convolution) for kind, a in zip("wb", one, strict=True)}
        return {"convolution": seen, **self.speaker.groups()}

    def _of(self, groups: Mapping[str, Mapping[str, np.ndarray]]) -> Looking:
        seen = groups["convolution"]
        convolution = [(seen[f"w{k}"], seen[f"b{k}"]) for k in range(len(seen) // 2)]
        return replace(self, convolution=convolution, speaker=self.speaker.with_arrays(groups))

    def save(self, path: str | os.PathLike[str], weights: Kind = "float32") -> None:
        """Write one safetensors file; ``weights``: how it stores them."""
        meta = {"cell": self.speaker.cell.name, "words": list(self.speaker.words), **self.meta}
        meta |= {"hard": True} if self.speaker.hard else {}
        kept.write(path, KIND, self.name, self._groups(), meta, weights)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Looking:
        """Read what ``save`` wrote. Raises ValueError for another file."""
        name, meta, groups = kept.read(path, KIND)
        cell, words = find_cell(kept.word(path, meta, "cell")), kept.words(path, meta, "words")
        kept.check(path, groups, shapes(path, cell, groups, words))
        seen = groups.pop("convolution")
        convolution = [(seen[f"w{k}"], seen[f"b{k}"]) for k in range(len(seen) // 2)]
        return Looking(name, convolution, Speaker.of(cell, groups, words, meta.pop("hard", False) is True), meta)


def shapes(path: str | os.PathLike[str], cell: type[Cell], groups: kept.Groups, words: Sequence[str]) -> kept.Shapes:
    """The arrays that such a network has; ValueError where its sizes cannot be found."""
    layers = len(groups.get("convolution", {})) // 2
    if not 1 <= layers <= (SIDE // GRID).bit_length() - 1:  # the attention has a place or more on each of the picture's
        said = {"path": str(path), "most": (SIDE // GRID).bit_length() - 1, "count": layers}
        raise ValueError(say("{path}: a picture is seen through 1 to {most} layers, not {count}", **said))
    convolution: dict[str, tuple[int, ...]] = {}
    channels = 4
    for k in range(layers):
        out = kept.size(path, groups, "convolution", f"w{k}", 0, 4)
        convolution |= {f"w{k}": (out, channels, 3, 3), f"b{k}": (out,)}
        channels = out
    seen = channels + 2 * (SIDE >> layers)
    return {"convolution": convolution, **attending.shapes(path, cell, groups, words, seen)}
