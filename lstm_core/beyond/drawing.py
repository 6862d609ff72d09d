"""A network that draws a picture in several goes: where it looks, where it writes, and what stands on its canvas.

Gregor et al. 2015, "DRAW" (arXiv 1502.04623). At every glimpse the encoder reads a patch of the picture x and of what
is still wrong with the canvas, x - sigmoid(c_{t-1}) (their equations 3 and 4), and h of the decoder; its h gives the
mean and the spread of z_t (1, 2); the decoder reads z_t (6), and its h says what is added to the canvas, and where (7,
8). A patch is seen and written through a grid of Gaussians (3.2, equations 19 to 29). Without a picture z_t is drawn
from a standard normal, and the encoder does nothing (2.3).
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from lstm_core.beyond import kept
from lstm_core.beyond.running import Do, Running, slope
from lstm_core.beyond.writing import Recurrent, written
from lstm_core.cells import cell as find_cell
from lstm_core.cells.base import Cell
from lstm_core.ops import NUMPY, parameters
from lstm_core.say import say
from lstm_core.stored import Kind
from lstm_core.symbols import SymbolicOps, Symbols, symbol
from lstm_core.trace import Trace

SOURCE = "Gregor et al. 2015"
KIND = "drawing"
MOST = 1000
"""Goes that a picture is drawn in."""


def grid(five: Sequence[Any], side: Any, count: Any, i: Any, a: Any, xp: Any) -> dict[str, Any]:
    """The Gaussians of a patch (equations 21 to 26).

    five: (batch, 1, 1) each, what a linear layer says of h. side: pixels of a picture's, and count: points of a
    patch's. i: (count, 1), points from 0, and a: (side,), pixels from 0.

    Returns the middle "g_X" and "g_Y", the distance "delta" of the points, their width "sigma" and their strength
    "gamma", (batch, 1, 1) each and in pixels, and rows "F_Y" and columns "F_X", (batch, count, side).
    """
    across, down, variance, stride, strength = five
    g_x, g_y = (side + 1) / 2 * (across + 1) - 1, (side + 1) / 2 * (down + 1) - 1
    delta = (side - 1) / (count - 1) * xp.exp(stride)
    sigma = xp.exp(variance / 2)

    def bank(middle: Any) -> tuple[Any, Any]:
        off = (a - (middle + (i - (count - 1) / 2) * delta)) / sigma
        bell = xp.exp(-(off * off) / 2)
        return bell, bell / (xp.sum_units(bell) + 1e-6)

    (e_x, f_x), (e_y, f_y) = bank(g_x), bank(g_y)
    where = {"g_X": g_x, "g_Y": g_y, "delta": delta, "sigma": sigma, "gamma": xp.exp(strength)}
    return {**where, "E_X": e_x, "F_X": f_x, "E_Y": e_y, "F_Y": f_y}


def look(b: Any, x: Any, c: Any, h: Any, gaussians: Any, xp: Any) -> dict[str, Any]:
    """What the encoder reads, "r" (batch, input): x and c (batch, side, side), h (batch, unit) of the decoder (3, 4,
    21, 27). b: parameters. gaussians: ``grid``, of the five numbers."""
    five = b.W_read @ h + b.b_read
    patch, wrong = gaussians(five), x - xp.sigmoid(c)

    def seen(picture: Any) -> Any:
        return xp.flat(patch["gamma"] * (patch["F_Y"] @ picture @ xp.transposed(patch["F_X"])))

    return {"five": five, **patch, "wrong": wrong, "r": xp.concatenate([seen(x), seen(wrong), h], axis=-1)}


def tell(b: Any, h: Any, noise: Any, xp: Any) -> dict[str, Any]:
    """z (batch, latent) of the encoder's h, with the mean, the logarithm of the spread, and the nats "kl" that it says
    of the picture (1, 2, 11)."""
    mean = b.W_mean @ h + b.b_mean
    log = b.W_spread @ h + b.b_spread
    z = mean + xp.exp(log) * noise
    return {"mean": mean, "log": log, "z": z, "kl": (mean * mean + xp.exp(2 * log) - 1) / 2 - log}


def write(b: Any, c: Any, h: Any, gaussians: Any, xp: Any) -> dict[str, Any]:
    """The canvas "c" (batch, side, side) after the decoder, which shows h, has written the patch "w" on it (8, 28,
    29)."""
    five = b.W_write @ h + b.b_write
    patch, w = gaussians(five), xp.square(b.W_w @ h + b.b_w)
    return {"five": five, **patch, "w": w, "c": c + xp.transposed(patch["F_Y"]) @ w @ patch["F_X"] / patch["gamma"]}


def gaussians_of(side: int, count: int, like: Any, xp: Any) -> Callable[[Any], dict[str, Any]]:
    """``grid`` of five numbers (batch, 5), of a picture and a patch of those sides, in the precision of ``like``."""
    i, a = (xp.asarray(np.arange(n, dtype=np.float32), like=like) for n in (count, side))
    return lambda five: grid([five[:, k, None, None] for k in range(5)], side, count, i[:, None], a, xp)


def glimpses(p: Any, x: Any, noise: Any, cell: type[Cell], xp: Any, do: Mapping[str, Do] | None = None) -> Glimpses:
    """All of a picture, or of a picture that is made up.

    p: ``encoder``, ``decoder`` and ``between``, the parameters of each as ``lstm_core.ops.parameters`` gives them, and
    ``pixels`` and ``units``, how many there are. x: (batch, pixel), 0 to 1; None for nothing to copy. noise: (glimpse,
    batch, latent), standard normal. do: what happens to the steps of "encoder" and "decoder".
    """
    b, batch = p.between, noise.shape[1]
    side, count = round(p.pixels**0.5), round(b.b_w.shape[0] ** 0.5)
    gaussians = gaussians_of(side, count, noise, xp)
    zeros = xp.zeros((batch, p.units), like=noise)
    first = {state: zeros for state in cell.states()}
    encoder, decoder = (
        Running(cell, getattr(p, name), dict(first), xp, (do or {}).get(name)) for name in ("encoder", "decoder")
    )
    picture = None if x is None else x.reshape((batch, side, side))
    c = xp.zeros((batch, side, side), like=noise)

    def where(patch: Mapping[str, Any]) -> Any:
        return xp.concatenate([patch[name][..., 0] for name in ("g_X", "g_Y", "delta", "sigma")], axis=-1)

    found = Glimpses(encoder, decoder)
    for drawn in noise:
        z = drawn
        if picture is not None:
            read = look(b, picture, c, decoder.h, gaussians, xp)
            told = tell(b, encoder(read["r"]), drawn, xp)
            z = told["z"]
            found.read.append(where(read))
            found.kl.append(told["kl"])
        written = write(b, c, decoder(z), gaussians, xp)
        c = written["c"]
        found.write.append(where(written))
        found.canvas.append(c.reshape((batch, p.pixels)))
    return found


@dataclass(eq=False)
class Glimpses:
    """What ``glimpses`` found. By glimpse: canvas (batch, pixel) before the sigmoid, where it read and wrote (batch,
    4), middle (column, row), distance and width, and kl (batch, latent), in nats; read and kl only of a picture."""

    encoder: Running
    decoder: Running
    canvas: list[Any] = field(default_factory=list)
    read: list[Any] = field(default_factory=list)
    write: list[Any] = field(default_factory=list)
    kl: list[Any] = field(default_factory=list)


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

    def _run(self, x: np.ndarray | None, noise: np.ndarray, do: Mapping[str, Do] | None = None) -> Glimpses:
        parts = {name: parameters(self.groups[name]) for name in ("encoder", "decoder", "between")}
        p = SimpleNamespace(**parts, pixels=self.pixels, units=self.units)
        return glimpses(p, x, noise, self.cell, NUMPY, do)

    def noise(self, seed: int, batch: int, glimpses: int | None = None) -> np.ndarray:
        """(glimpse, batch, latent), standard normal."""
        shape = glimpses or self.glimpses, batch, self.latent
        return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)

    def draw(self, noise: np.ndarray, x: np.ndarray | None = None, do: Mapping[str, Do] | None = None) -> list[Drawn]:
        """Copy the pictures x (picture, pixel), 0 to 1, or make some up; noise: (glimpse, picture, latent). do: what
        happens to the steps of "encoder" and "decoder"."""
        if x is not None:
            x = np.asarray(x, np.float32)
            if x.shape != (noise.shape[1], self.pixels):
                shape = noise.shape[1], self.pixels
                raise ValueError(say("pictures are {expected}, not {shape}", expected=shape, shape=x.shape))
        found = self._run(x, noise, do)
        return [self._one(found, k) for k in range(noise.shape[1])]

    def _one(self, found: Glimpses, k: int) -> Drawn:
        canvas = np.stack([np.full(self.pixels, 0.0), *(c[k] for c in found.canvas)])
        zeros = np.zeros((k + 1, self.units), np.float32)
        ran = {name: network for name in ("encoder", "decoder") if (network := getattr(found, name)).steps}
        traces = {
            name: network.trace(self.groups[name], {state: zeros for state in self.cell.states()}, k)
            for name, network in ran.items()
        }
        read, kl = (np.stack([one[k] for one in of]) if of else None for of in (found.read, found.kl))
        return Drawn(NUMPY.sigmoid(canvas), read, np.stack([one[k] for one in found.write]), kl, traces)

    def bound(self, x: np.ndarray, seed: int = 0) -> np.ndarray:
        """(picture,): the nats that it takes at most to say each picture x (picture, pixel), of which a pixel is black
        with the chance of its grey: what z says more than the prior, and what the last canvas leaves open."""
        found = self._run(np.asarray(x, np.float32), self.noise(seed, len(x)))
        return bound(x, found, NUMPY)

    def error(self, drawn: Drawn, part: str, t: int, x: np.ndarray) -> np.ndarray:
        """(unit,): how a number grows with each number of what "encoder" or "decoder" shows at go t: of the decoder the
        nats that its canvas after this go leaves open of the picture x (pixel,), of the encoder those that it tells."""
        b, side = parameters(self.groups["between"]), round(self.pixels**0.5)
        h = drawn.traces[part][self.cell.output][0, 0, t, 0].astype(float)
        if part == "encoder":
            return slope(lambda h: tell(b, h, np.zeros((1, self.latent)), NUMPY)["kl"].sum(-1), h)
        before = np.clip(drawn.canvas[t].astype(float), 1e-12, 1 - 1e-12)
        c = np.log(before / (1 - before)).reshape(1, side, side) if t else np.zeros((1, side, side))

        def open_(h: np.ndarray) -> np.ndarray:
            after = write(b, c, h, gaussians_of(side, self.points, h, NUMPY), NUMPY)["c"].reshape(len(h), -1)
            return -(x * NUMPY.log_sigmoid(after) + (1 - x) * NUMPY.log_sigmoid(-after)).sum(-1)

        return slope(open_, h)

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
        cell, glimpses = find_cell(kept.word(path, meta, "cell")), meta.pop("glimpses", None)
        if type(glimpses) is not int or not 1 <= glimpses <= MOST:
            raise ValueError(say("{path}: a picture is drawn in 1 to {most} goes", path=str(path), most=MOST))
        kept.check(path, groups, shapes(path, cell, groups))
        return Drawing(name, cell, groups, glimpses, meta)


def shapes(path: str | os.PathLike[str], cell: type[Cell], groups: kept.Groups) -> kept.Shapes:
    """The arrays that such a network has; ValueError where its sizes cannot be found, or are not those of squares."""
    sizes = partial(kept.size, path, groups)
    pixels, units = sizes("examples", "pixels", 1, 2), sizes("between", "W_w", 1, 2)
    latent, points = sizes("between", "b_mean", 0, 1), sizes("between", "b_w", 0, 1)
    if math.isqrt(pixels) ** 2 != pixels or math.isqrt(points) ** 2 != points or points < 4:
        said = {"path": str(path), "pixels": pixels, "points": points}
        raise ValueError(
            say("{path}: pictures of {pixels} pixels and patches of {points} points are not square", **said)
        )
    between = {"read": 5, "write": 5, "mean": latent, "spread": latent, "w": points}
    return {
        "encoder": kept.of_cell(cell, 2 * points + units, units),
        "decoder": kept.of_cell(cell, latent, units),
        "between": {f"W_{name}": (says, units) for name, says in between.items()}
        | {f"b_{name}": (says,) for name, says in between.items()},
        "examples": {"pixels": (-1, pixels)},
    }


def bound(x: Any, found: Glimpses, xp: Any) -> Any:
    """(batch,): the nats of ``Drawing.bound``, of what ``glimpses`` found."""
    c = found.canvas[-1]
    wrong = -(x * xp.log_sigmoid(c) + (1 - x) * xp.log_sigmoid(-c)).sum(-1)
    return wrong + sum(kl.sum(-1) for kl in found.kl)


_LETTERS = {
    **{"x": "x", "before": "c_{t-1}", "noise": r"\varepsilon_{t}", "wrong": r"\hat{x}_{t}", "r": "r_{t}"},
    **{"mean": r"\mu_{t}", "log": r"\log \sigma_{t}", "z": "z_{t}", "kl": r"\mathrm{KL}_{t}"},
    **{"encoder.h": r"h^{\mathrm{enc}}_{t-1}", "h_enc": r"h^{\mathrm{enc}}_{t}"},
    **{"decoder.h": r"h^{\mathrm{dec}}_{t-1}", "h_dec": r"h^{\mathrm{dec}}_{t}"},
    **{"w": "w_{t}", "c": "c_{t}", "F_X": "F_{X}", "F_Y": "F_{Y}", "gamma": r"\gamma"},
    **{"written F_X": r"\hat{F}_{X}", "written F_Y": r"\hat{F}_{Y}", "written gamma": r"\hat{\gamma}"},
}
_FIVE = (r"\tilde{g}_{X}", r"\tilde{g}_{Y}", r"\log \tilde{\sigma}^{2}", r"\log \tilde{\delta}", r"\log \tilde{\gamma}")
_GRID = {
    **{f"five.{k}": letter for k, letter in enumerate(_FIVE)},
    **{"five": r"\left(" + r",\; ".join(_FIVE) + r"\right)", "A": "A", "N": "N", "i": "i", "a": "a"},
    **{"g_X": "g_{X}", "g_Y": "g_{Y}", "delta": r"\delta", "sigma": r"\sigma", "gamma": r"\gamma"},
    **{"E_X": "E_{X}[i, a]", "F_X": "F_{X}[i, a]", "E_Y": "E_{Y}[i, a]", "F_Y": "F_{Y}[i, a]"},
    **{name: _LETTERS[name] for name in ("decoder.h", "h_dec")},
}
_FUNCTIONS = {
    "sum_units": r"\textstyle\sum_{{a}} {0}",
    "flat": r"\operatorname{{vec}}\left({0}\right)",
    "square": r"\operatorname{{square}}\left({0}\right)",
    "concatenate": r"\left[{0},\; {1},\; {2}\right]",
    "encoder": r"\mathrm{{LSTM}}^{{\mathrm{{enc}}}}\left({0},\; {1}\right)",
    "decoder": r"\mathrm{{LSTM}}^{{\mathrm{{dec}}}}\left({0},\; {1}\right)",
}


def latex(copies: bool = True) -> tuple[list[str], list[str]]:
    """The equations of a glimpse, and those of the Gaussians of the patch that it reads, or that it writes where there
    is nothing to copy; written from the code that runs. What has a hat is of the patch that is written."""
    xp, b, noise, c = SymbolicOps(), Symbols("b"), symbol("noise"), symbol("before")
    encoder, decoder = Recurrent("encoder"), Recurrent("decoder")

    def gaussians(five: Any) -> dict[str, Any]:
        side, count, i, a = (symbol(name) for name in "ANia")
        return grid([symbol(f"five.{k}") for k in range(5)], side, count, i, a, xp)

    read: dict[str, Any] = {}
    told: dict[str, Any] = {"z": noise}
    if copies:
        read = look(b, symbol("x"), c, decoder.h, gaussians, xp)
        h = encoder(read["r"])
        told = {"h_enc": h, **tell(b, h, noise, xp)}
    h = decoder(told["z"])
    drawn = write(b, c, h, gaussians, xp)
    hats = {f"written {name}": drawn[name] for name in ("F_X", "F_Y", "gamma")}
    hidden = {"F_X", "F_Y", "gamma", *hats}
    lines = {**read, **told, "h_dec": h, **hats, "w": drawn["w"], "c": drawn["c"]}
    patch = {**(read or drawn), "h_dec": h}
    return (
        written(lines, _LETTERS, _FUNCTIONS, {"gamma", "written gamma"}, hidden),
        written(patch, _GRID, _FUNCTIONS, hidden={"h_dec"}, times=r"\, "),
    )
