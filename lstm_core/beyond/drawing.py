"""A network that draws a picture in several goes: where it looks, where it writes, and what stands on its canvas.

Gregor et al. 2015, "DRAW" (arXiv 1502.04623). At every glimpse the encoder reads a patch of the picture x and of what
is still wrong with the canvas, x - sigmoid(c_{t-1}) (their equations 3 and 4), and h of the decoder; its h gives the
mean and the spread of z_t (1, 2); the decoder reads z_t (6), and its h says what is added to the canvas, and where (7,
8). A patch is seen and written through a grid of Gaussians (3.2, equations 19 to 29). Without a picture z_t is drawn
from a standard normal, and the encoder does nothing (2.3).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from lstm_core.beyond import kept
from lstm_core.beyond.attending import step, traced
from lstm_core.cells import cell as find_cell
from lstm_core.cells.base import Cell
from lstm_core.ops import NUMPY, parameters
from lstm_core.say import say
from lstm_core.stored import Kind
from lstm_core.trace import Trace

SOURCE = "Gregor et al. 2015"
KIND = "drawing"


def grid(five: Any, side: int, count: int, xp: Any) -> tuple[Any, Any, Any, Any]:
    """The Gaussians of a patch: rows F_Y and columns F_X, (batch, count, side) each, how strong it is (batch, 1, 1),
    and where: (batch, 4), its middle (column, row), the distance of its points and their width, in pixels from 0.

    five: (batch, 5), what a linear layer says of h (their equations 21 to 24).
    """
    across, down, variance, stride, strength = (five[:, k : k + 1] for k in range(5))
    middle_x, middle_y = (side + 1) / 2 * (across + 1) - 1, (side + 1) / 2 * (down + 1) - 1
    apart = (side - 1) / max(count - 1, 1) * xp.exp(stride)
    width = xp.exp(variance / 2)
    points = xp.asarray(np.arange(count, dtype=np.float32) - (count - 1) / 2, like=five)
    pixels = xp.asarray(np.arange(side, dtype=np.float32), like=five)

    def bank(middle: Any) -> Any:
        at = middle + points * apart
        off = (pixels - at[:, :, None]) / width[:, :, None]
        found = xp.exp(-off * off / 2)
        return found / (found.sum(-1)[:, :, None] + 1e-6)

    where = xp.concatenate([middle_x, middle_y, apart, width], axis=-1)
    return bank(middle_y), bank(middle_x), xp.exp(strength)[:, :, None], where


def glimpses(p: Any, x: Any, noise: Any, cell: type[Cell], xp: Any) -> dict[str, Any]:
    """All of a picture, or of a picture that is made up.

    p: ``encoder``, ``decoder`` and ``between``, the parameters of each as ``lstm_core.ops.parameters`` gives them, and
    ``pixels`` and ``units``, how many there are. x: (batch, pixel), 0 to 1; None for nothing to copy. noise: (glimpse,
    batch, latent), standard normal.

    Returns lists by glimpse: ``canvas`` (batch, pixel) before the sigmoid, ``z``, ``mean``, ``spread`` and ``kl``
    (batch, latent), ``read`` and ``write`` (where, see ``grid``), and the signals and inputs of both networks as
    "encoder" and "decoder". Without x only what the decoder does.
    """
    b = p.between
    batch, pixels = noise.shape[1], p.pixels
    side, count = round(pixels**0.5), round(b.b_w.shape[0] ** 0.5)
    zeros = xp.zeros((batch, p.units), like=noise)
    states = {name: {state: zeros for state in cell.states()} for name in ("encoder", "decoder")}
    canvas = xp.zeros((batch, pixels), like=noise)
    found: dict[str, list[Any]] = {}
    for drawn in noise:
        now: dict[str, Any] = {}
        if x is None:
            z = drawn
        else:
            h = states["decoder"]["h"]
            rows, columns, strength, where = grid(b.W_read @ h + b.b_read, side, count, xp)
            seen = []
            for picture in (x, x - xp.sigmoid(canvas)):
                patch = rows @ picture.reshape((batch, side, side)) @ columns.swapaxes(-1, -2) * strength
                seen.append(patch.reshape((batch, count * count)))
            inputs = xp.concatenate([*seen, h], axis=-1)
            values = step(cell, p.encoder, inputs, states["encoder"], xp)
            states["encoder"] = {name: values[name] for name in states["encoder"]}
            mean = b.W_mean @ values["h"] + b.b_mean
            log = b.W_spread @ values["h"] + b.b_spread
            z = mean + xp.exp(log) * drawn
            now |= {"mean": mean, "spread": xp.exp(log), "read": where, "encoder": {**values, "inputs": inputs}}
            now["kl"] = (mean * mean + xp.exp(2 * log) - 1) / 2 - log
        values = step(cell, p.decoder, z, states["decoder"], xp)
        states["decoder"] = {name: values[name] for name in states["decoder"]}
        h = values["h"]
        rows, columns, strength, where = grid(b.W_write @ h + b.b_write, side, count, xp)
        patch = (b.W_w @ h + b.b_w).reshape((batch, count, count))
        added = rows.swapaxes(-1, -2) @ patch @ columns / strength
        canvas = canvas + added.reshape((batch, pixels))
        now |= {"z": z, "canvas": canvas, "write": where, "decoder": {**values, "inputs": z}}
        for name, value in now.items():
            found.setdefault(name, []).append(value)
    return found


@dataclass(frozen=True, eq=False)
class Drawn:
    """One picture, glimpse by glimpse.

    canvas: (glimpse + 1, pixel), 0 to 1, what stands on it; the first is empty. read, write: (glimpse, 4), the middle
    (column, row) of the patch, the distance of its points and their width, in pixels; read is None of what is made up.
    kl: (glimpse, latent), nats that z says of the picture. traces: of the encoder, if it ran, and the decoder.
    """

    canvas: np.ndarray
    read: np.ndarray | None
    write: np.ndarray
    kl: np.ndarray | None
    traces: dict[str, Trace]


@dataclass(frozen=True, eq=False)
class Drawing:
    """The network, in NumPy. groups: "encoder", "decoder" and "between", parameters by name, and "examples", pictures
    that it did not learn from, (picture, pixel). glimpses: how many it was trained with."""

    name: str
    cell: type[Cell]
    groups: Mapping[str, Mapping[str, np.ndarray]]
    glimpses: int
    meta: Mapping[str, Any]

    @property
    def pixels(self) -> int:
        """Of a picture."""
        return self.examples.shape[1]

    @property
    def points(self) -> int:
        """Points on a side of a patch."""
        return round(len(self.groups["between"]["b_w"]) ** 0.5)

    @property
    def units(self) -> int:
        """Of a gate, in both networks."""
        return self.groups["between"]["W_w"].shape[1]

    @property
    def examples(self) -> np.ndarray:
        """(picture, pixel), 0 or 1: pictures that it did not learn from."""
        return self.groups["examples"]["pixels"]

    @property
    def latent(self) -> int:
        """Numbers of z."""
        return len(self.groups["between"]["b_mean"])

    def _run(self, x: np.ndarray | None, noise: np.ndarray) -> dict[str, Any]:
        parts = {name: parameters(self.groups[name]) for name in ("encoder", "decoder", "between")}
        p = SimpleNamespace(**parts, pixels=self.pixels, units=self.units)
        return glimpses(p, x, noise, self.cell, NUMPY)

    def noise(self, seed: int, batch: int, glimpses: int | None = None) -> np.ndarray:
        """(glimpse, batch, latent), standard normal."""
        shape = glimpses or self.glimpses, batch, self.latent
        return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)

    def draw(self, noise: np.ndarray, x: np.ndarray | None = None) -> list[Drawn]:
        """Copy the pictures x (picture, pixel), 0 to 1, or make some up; noise: (glimpse, picture, latent)."""
        if x is not None:
            x = np.asarray(x, np.float32)
            if x.shape != (noise.shape[1], self.pixels):
                shape = noise.shape[1], self.pixels
                raise ValueError(say("pictures are {expected}, not {shape}", expected=shape, shape=x.shape))
        found = self._run(x, noise)
        return [self._one(found, k) for k in range(noise.shape[1])]

    def _one(self, found: Mapping[str, Any], k: int) -> Drawn:
        canvas = np.stack([np.full(self.pixels, 0.0), *(c[k] for c in found["canvas"])])
        traces = {}
        for name in ("encoder", "decoder"):
            if name in found:  # of what is made up the decoder alone
                values = {key: np.stack([v[key][k : k + 1] for v in found[name]]) for key in found[name][0]}
                inputs = values.pop("inputs")
                zeros = np.zeros_like(values["h"][0])
                first = {state: zeros for state in self.cell.states()}
                traces[name] = traced(self.cell, self.groups[name], values, inputs, first)

        def of(name: str) -> np.ndarray | None:
            return np.stack([v[k] for v in found[name]]) if name in found else None

        write = of("write")
        assert write is not None
        return Drawn(NUMPY.sigmoid(canvas), of("read"), write, of("kl"), traces)

    def bound(self, x: np.ndarray, seed: int = 0) -> np.ndarray:
        """(picture,): the nats that it takes at most to say each picture x (picture, pixel), of which a pixel is black
        with the chance of its grey: what z says more than the prior, and what the last canvas leaves open."""
        found = self._run(np.asarray(x, np.float32), self.noise(seed, len(x)))
        return bound(x, found, NUMPY)

    def untrained(self, seed: int = 0) -> Drawing:
        """The same network with random weights: the baseline."""
        groups = {**kept.random_like(self.groups, seed), "examples": self.groups["examples"]}
        return replace(self, name=f"{self.name} (untrained)", groups=groups)

    def save(self, path: str | os.PathLike[str], weights: Kind = "float32") -> None:
        """Write one safetensors file; ``weights``: how it stores them."""
        meta = {"cell": self.cell.name, "glimpses": self.glimpses, **self.meta}
        kept.write(path, KIND, self.name, self.groups, meta, weights)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Drawing:
        """Read what ``save`` wrote. Raises ValueError for another file."""
        name, meta, groups = kept.read(path, KIND)
        try:
            return Drawing(name, find_cell(meta.pop("cell")), groups, meta.pop("glimpses"), meta)
        except KeyError as error:
            raise ValueError(
                say("{path} is not whole: {error} is missing", path=str(path), error=str(error))
            ) from error


def bound(x: Any, found: Mapping[str, Any], xp: Any) -> Any:
    """(batch,): the nats of ``Drawing.bound``, of what ``glimpses`` found."""
    c = found["canvas"][-1]
    wrong = -(x * xp.log_sigmoid(c) + (1 - x) * xp.log_sigmoid(-c)).sum(-1)
    return wrong + sum(kl.sum(-1) for kl in found["kl"])
