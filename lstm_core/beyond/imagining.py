"""Recurrent networks that imagine how a line goes on: with what cannot be foreseen in a latent variable, and without.

Chung et al. 2015, "A Recurrent Latent Variable Model for Sequential Data" (VRNN, arXiv 1506.02216): at every step a
latent z_t is drawn from a prior that h_{t-1} sets (their equation 5), x_t from what z_t and h_{t-1} say (6), and the
recurrent network reads both (7); in training z_t comes from a posterior that has seen x_t (9). Bayer & Osendorfer 2014,
"Learning Stochastic Recurrent Networks" (STORN, arXiv 1411.7610): the prior is a standard normal at every step, and the
posterior is a second recurrent network that reads x. "plain" has no z: x_t comes from h_{t-1} alone. All of them say a
Gaussian for each number of x_t.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np

from lstm_core.beyond import kept
from lstm_core.beyond.running import Do, Running, slope
from lstm_core.beyond.writing import Recurrent, written
from lstm_core.cells import cell as find_cell
from lstm_core.cells.base import Cell
from lstm_core.ops import NUMPY, parameters
from lstm_core.say import say
from lstm_core.stored import Kind as Stored
from lstm_core.symbols import SymbolicOps, Symbols, lift, symbol
from lstm_core.trace import Trace

Kind = Literal["vrnn", "storn", "plain"]
SOURCES: dict[Kind, str] = {
    "vrnn": "Chung et al. 2015",
    "storn": "Bayer & Osendorfer 2014",
    "plain": "a recurrent network without z",
}
KIND = "imagining"
LEAST, MOST = -4.0, 3.0
"""Logarithms of a spread stay between these."""


def two_layers(name: str, p: Any, x: Any, xp: Any) -> dict[str, Any]:
    """A Gaussian of that name: a layer of tanh, "seen", and two linear ones on it, for the mean and for the logarithm
    of the spread, "log"."""
    seen = xp.tanh(p.W @ x + p.b)
    log = xp.minimum(xp.maximum(p.W_log @ seen + p.b_log, LEAST), MOST)
    return {f"{name}_seen": seen, f"{name}_mean": p.W_mean @ seen + p.b_mean, f"{name}_log": log}


def divergence(mean: Any, log: Any, prior_mean: Any, prior_log: Any, xp: Any) -> Any:
    """KL(N(mean, exp(log)^2) || N(prior_mean, exp(prior_log)^2)), number by number, in nats."""
    far = (mean - prior_mean) / xp.exp(prior_log)
    return prior_log - log + (xp.exp(2 * (log - prior_log)) + far * far - 1) / 2


def unlikely(x: Any, mean: Any, log: Any, xp: Any) -> Any:
    """-log N(x; mean, exp(log)^2), number by number, in nats."""
    far = (x - mean) / xp.exp(log)
    return (far * far + math.log(2 * math.pi)) / 2 + log


def go(
    kind: Kind, p: Any, x: Any, before: Any, noise: Any, dream: Any, nothing: Any, cell: Any, reader: Any, xp: Any
) -> dict[str, Any]:
    """One step. x (batch, number), or None where it is imagined; before: that of the step before. p, noise, dream: as
    ``run`` takes them, at this step. nothing: mean and logarithm of the spread of a standard normal for z, zeros.
    cell, reader: the networks under way (``running.Running``).

    Returns what there is of: z and x, and the Gaussians "prior" and "posterior" of z, and "out" of x, as ``two_layers``
    gives them; "kl" (batch, latent); what the networks show, "r" and "h".
    """
    now: dict[str, Any] = {}
    h = cell.h
    if kind != "plain":
        if kind == "vrnn":
            now |= two_layers("prior", p.prior, h, xp)
        else:
            now["prior_mean"], now["prior_log"] = nothing
        mean, log = now["prior_mean"], now["prior_log"]
        if x is not None:
            if kind == "storn":
                now["r"] = reader(x)
            seen = now["r"] if kind == "storn" else xp.concatenate([x, h], axis=-1)
            now |= two_layers("posterior", p.posterior, seen, xp)
            mean, log = now["posterior_mean"], now["posterior_log"]
            now["kl"] = divergence(mean, log, now["prior_mean"], now["prior_log"], xp)
        now["z"] = mean + xp.exp(log) * noise
    if kind == "storn":  # the network itself reads z, and what came before
        now["h"] = h = cell(xp.concatenate([before, now["z"]], axis=-1))
    now |= two_layers("out", p.out, xp.concatenate([now["z"], h], axis=-1) if kind == "vrnn" else h, xp)
    now["x"] = x = now["out_mean"] + xp.exp(now["out_log"]) * dream if x is None else x
    if kind != "storn":
        now["h"] = cell(x if kind == "plain" else xp.concatenate([x, now["z"]], axis=-1))
    return now


def run(
    kind: Kind, p: Any, x: Any, noise: Any, cell: type[Cell], xp: Any, dream: Any = None, start: Any = None,
    do: Mapping[str, Do] | None = None,
) -> Steps:  # fmt: skip
    """Read x (time, batch, number), or imagine it where x is None.

    p: ``cell``, "prior", "posterior", "out" and "reader", parameters of each as ``lstm_core.ops.parameters`` gives
    them, those that the kind has, and ``units`` and ``numbers``. noise: (time, batch, latent), standard normal. dream:
    (time, batch, number), the same for x, where it is imagined. start: the states and the x to go on from; zeros by
    default. do: what happens to the steps of "cell" and "reader".
    """
    batch, do = noise.shape[1], do or {}
    zeros = xp.zeros((batch, p.units), like=noise)
    first = {name: zeros for name in cell.states()}
    state, before = start or (dict(first), xp.zeros((batch, p.numbers), like=noise))
    network = Running(cell, p.cell, state, xp, do.get("cell"))
    reader = Running(cell, p.reader, dict(first), xp, do.get("reader")) if kind == "storn" else None
    nothing = (xp.zeros(tuple(noise.shape[1:]), like=noise),) * 2
    found: dict[str, list[Any]] = {}
    for t in range(len(noise)):
        drawn = None if dream is None else dream[t]
        now = go(kind, p, None if x is None else x[t], before, noise[t], drawn, nothing, network, reader, xp)
        before = now["x"]
        for name, value in now.items():
            found.setdefault(name, []).append(value)
    ran = {"cell": network, "reader": reader}
    return Steps(found, {name: one for name, one in ran.items() if one is not None and one.steps})


@dataclass(frozen=True, eq=False)
class Steps:
    """What ``run`` found: by step, what ``go`` returns, and the networks that ran, by name."""

    values: Mapping[str, Sequence[Any]]
    ran: Mapping[str, Running]


def bound(found: Steps, xp: Any) -> Any:
    """(time, batch): the nats that x_t takes at most, given what came before: what x_t leaves open under the Gaussian,
    and what z_t says more than the prior."""
    values = found.values
    steps = zip(values["x"], values["out_mean"], values["out_log"], strict=True)
    nats = xp.stack([unlikely(x, mean, log, xp).sum(-1) for x, mean, log in steps])
    return nats + xp.stack([kl.sum(-1) for kl in values["kl"]]) if "kl" in values else nats


@dataclass(frozen=True, eq=False)
class Line:
    """One line, read or imagined.

    x: (time, number). mean, spread: (time, number), the Gaussian of x_t. prior, posterior: (time, latent, 2), mean and
    spread of z_t; kl: (time, latent), nats. None where there is none. traces: of the network, and of STORN's reader.
    """

    x: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    prior: np.ndarray | None
    posterior: np.ndarray | None
    kl: np.ndarray | None
    traces: dict[str, Trace]


@dataclass(frozen=True, eq=False)
class Imagining:
    """The network, in NumPy. groups: parameters by part; those of two layers are called "out W" and so on.

    examples: lines that it did not learn from, (line, time, number).
    """

    name: str
    kind: Kind
    cell: type[Cell]
    groups: Mapping[str, Mapping[str, np.ndarray]]
    examples: np.ndarray
    meta: Mapping[str, Any]

    @property
    def units(self) -> int:
        """Of a gate."""
        return len(self.groups["cell"]["U_f"]) if "U_f" in self.groups["cell"] else self.groups["out"]["W"].shape[1]

    @property
    def latent(self) -> int:
        """Numbers of z; 1, which nothing reads, where there is no z."""
        return len(self.groups["posterior"]["b_mean"]) if "posterior" in self.groups else 1

    def _run(
        self, x: np.ndarray | None, noise: np.ndarray, dream: np.ndarray | None = None, start: Any = None,
        do: Mapping[str, Do] | None = None,
    ) -> Steps:  # fmt: skip
        parts = {name: parameters(part) for name, part in self.groups.items()}
        p = SimpleNamespace(**parts, units=self.units, numbers=self.examples.shape[-1])
        return run(self.kind, p, x, noise, self.cell, NUMPY, dream, start, do)

    def read(self, x: np.ndarray, seed: int = 0, do: Mapping[str, Do] | None = None) -> Line:
        """Read a line x (time, number). do: what happens to the steps of "cell" and "reader"."""
        x = self._checked(x[:, None])
        return self._line(self._run(x, self.noise(seed, len(x), 1), do=do))

    def imagine(self, steps: int, seed: int = 0, spread: float = 1.0, do: Mapping[str, Do] | None = None) -> Line:
        """A line of its own of so many steps. spread: of what is drawn for x, as a share of what it says. do: as
        ``read`` takes it."""
        draw = np.random.default_rng(seed)
        dream = spread * draw.standard_normal((steps, 1, self.examples.shape[-1])).astype(np.float32)
        return self._line(self._run(None, self.noise(seed + 1, steps, 1), dream, do=do))

    def ahead(self, line: Line, t: int, count: int, seed: int = 0) -> np.ndarray:
        """(count, number): what x_t could be, given the line before it, drawn so many times."""
        draw = np.random.default_rng(seed)
        numbers, trace = self.examples.shape[-1], line.traces["cell"]
        of = {name: trace.signals[name][0, 0, t - 1] if t else trace.initial[name][0, 0] for name in self.cell.states()}
        state = {name: np.repeat(value, count, axis=0) for name, value in of.items()}
        before = np.repeat(line.x[t - 1 : t] if t else np.zeros((1, numbers), np.float32), count, axis=0)
        noise, dream = (draw.standard_normal((1, count, n)).astype(np.float32) for n in (self.latent, numbers))
        return self._run(None, noise, dream, (state, before)).values["x"][0]

    def nats(self, line: Line) -> np.ndarray:
        """(time,): the nats that each step of the line took at most, given what came before."""
        found = unlikely(line.x, line.mean, np.log(line.spread), NUMPY).sum(-1)
        return found if line.kl is None else found + line.kl.sum(-1)

    def error(self, line: Line, part: str, t: int) -> np.ndarray | None:
        """(unit,): how a number grows with each number of what "cell" or "reader" shows at step t: of the first the
        nats that x leaves open, of the next step if they are said of that, of the second those that z is told. None
        after the last step."""
        parts = {name: parameters(group) for name, group in self.groups.items()}
        h = line.traces[part][self.cell.output][0, 0, t, 0].astype(float)
        if part == "reader":

            def told(h: np.ndarray) -> np.ndarray:
                found = two_layers("posterior", parts["posterior"], h, NUMPY)
                return divergence(found["posterior_mean"], found["posterior_log"], 0.0, np.zeros(1), NUMPY).sum(-1)

            return slope(told, h)
        at = t if self.kind == "storn" else t + 1
        if at == len(line.x):
            return None
        z = line.traces["cell"].inputs[at, :, -self.latent :] if self.kind == "vrnn" else None

        def open_(h: np.ndarray) -> np.ndarray:
            seen = h if z is None else np.concatenate([np.repeat(z, len(h), axis=0), h], axis=-1)
            found = two_layers("out", parts["out"], seen, NUMPY)
            return unlikely(line.x[at], found["out_mean"], found["out_log"], NUMPY).sum(-1)

        return slope(open_, h)

    def noise(self, seed: int, steps: int, batch: int) -> np.ndarray:
        """(time, batch, latent), standard normal."""
        return np.random.default_rng(seed).standard_normal((steps, batch, self.latent)).astype(np.float32)

    def bound(self, lines: np.ndarray, seed: int = 0) -> np.ndarray:
        """(line, time): the nats that each step of the lines (line, time, number) takes at most."""
        x = self._checked(np.asarray(lines, np.float32).swapaxes(0, 1))
        return bound(self._run(x, self.noise(seed, *x.shape[:2])), NUMPY).T

    def _checked(self, x: np.ndarray) -> np.ndarray:
        numbers = self.examples.shape[-1]
        if x.ndim != 3 or x.shape[-1] != numbers:
            raise ValueError(say("a line is (time, {numbers}), not {shape}", numbers=numbers, shape=x.shape))
        return np.asarray(x, np.float32)

    def _line(self, found: Steps) -> Line:
        zeros = np.zeros((1, self.units), np.float32)
        first = {state: zeros for state in self.cell.states()}
        traces = {name: network.trace(self.groups[name], first) for name, network in found.ran.items()}
        values = {name: np.stack([one[0] for one in steps]) for name, steps in found.values.items()}

        def gaussian(name: str) -> np.ndarray | None:
            if f"{name}_mean" not in values:
                return None
            return np.stack([values[f"{name}_mean"], np.exp(values[f"{name}_log"])], axis=-1)

        x, mean, spread = values["x"], values["out_mean"], np.exp(values["out_log"])
        return Line(x, mean, spread, gaussian("prior"), gaussian("posterior"), values.get("kl"), traces)

    def untrained(self, seed: int = 0) -> Imagining:
        """The same network with random weights: the baseline."""
        return replace(self, name=f"{self.name} (untrained)", groups=kept.random_like(self.groups, seed))

    def save(self, path: str | os.PathLike[str], weights: Stored = "float32") -> None:
        """Write one safetensors file; ``weights``: how it stores them."""
        meta = {"cell": self.cell.name, "way": self.kind, **self.meta}
        kept.write(path, KIND, self.name, {**self.groups, "examples": {"lines": self.examples}}, meta, weights)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Imagining:
        """Read what ``save`` wrote. Raises ValueError for another file."""
        name, meta, groups = kept.read(path, KIND)
        cell, way = find_cell(kept.word(path, meta, "cell")), kept.word(path, meta, "way")
        kinds: dict[str, Kind] = {"vrnn": "vrnn", "storn": "storn", "plain": "plain"}
        kind = kinds.get(way)
        if kind is None:
            raise ValueError(say("{path} is a model of another kind", path=str(path)))
        kept.check(path, groups, shapes(path, kind, cell, groups))
        return Imagining(name, kind, cell, groups, groups.pop("examples")["lines"], meta)


def shapes(path: str | os.PathLike[str], kind: Kind, cell: type[Cell], groups: kept.Groups) -> kept.Shapes:
    """The arrays that such a network has; ValueError where its sizes cannot be found."""
    sizes = partial(kept.size, path, groups)
    numbers, units, between = sizes("examples", "lines", 2, 3), sizes("out", "W", 1, 2), sizes("out", "W", 0, 2)
    latent = 0 if kind == "plain" else sizes("posterior", "b_mean", 0, 1)
    units -= latent if kind == "vrnn" else 0

    def layers(reads: int, says: int) -> dict[str, tuple[int, ...]]:
        ends = {f"{letter}_{end}": (says, between)[:n] for letter, n in (("W", 2), ("b", 1)) for end in ("mean", "log")}
        return {"W": (between, reads), "b": (between,), **ends}

    found = {
        "cell": kept.of_cell(cell, numbers + latent, units),
        "out": layers(units + (latent if kind == "vrnn" else 0), numbers),
        "examples": {"lines": (-1, -1, numbers)},
    }
    if kind == "vrnn":
        found |= {"prior": layers(units, latent), "posterior": layers(units + numbers, latent)}
    if kind == "storn":
        found |= {"reader": kept.of_cell(cell, numbers, units), "posterior": layers(units, latent)}
    return found


_LETTERS = {
    **{"given": "x_{t}", "before": "x_{t-1}", "noise": r"\varepsilon_{t}", "dream": r"\eta_{t}", "r": "r_{t}"},
    **{"prior_seen": "s^{0}_{t}", "prior_mean": r"\mu^{0}_{t}", "prior_log": r"\log \sigma^{0}_{t}"},
    **{"posterior_seen": "s_{t}", "posterior_mean": r"\mu_{t}", "posterior_log": r"\log \sigma_{t}", "z": "z_{t}"},
    **{"out_seen": "s^{x}_{t}", "out_mean": r"\mu^{x}_{t}", "out_log": r"\log \sigma^{x}_{t}"},
    **{"kl": r"\mathrm{KL}_{t}"},
    **{"x": "x_{t}", "h": "h_{t}", "cell.h": "h_{t-1}", "reader.h": "r_{t-1}"},
}
_PARTS = {"prior": "prior", "posterior": "post", "out": "out"}
_FUNCTIONS = {
    "concatenate": r"\left[{0},\; {1}\right]",
    "cell": r"\mathrm{{LSTM}}\left({0},\; {1}\right)",
    "reader": r"\mathrm{{LSTM}}^{{r}}\left({0},\; {1}\right)",
}


def latex(kind: Kind, reads: bool = True) -> list[str]:
    """The equations of ``go``, one line each, written from the code that runs. ``reads``: where it reads a line; else
    where it makes one up."""
    xp, parts = SymbolicOps(), {name: Symbols(letter) for name, letter in _PARTS.items()}
    x, before, noise, dream = (symbol(name) for name in ("given", "before", "noise", "dream"))
    p, cell, reader = SimpleNamespace(**parts), Recurrent("cell"), Recurrent("reader")
    lines = go(kind, p, x if reads else None, before, noise, dream, (lift(0), lift(0)), cell, reader, xp)
    return written(lines, _LETTERS, _FUNCTIONS, hidden={"x"} if reads else ())
