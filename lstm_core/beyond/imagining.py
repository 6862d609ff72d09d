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
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np

from lstm_core.beyond import kept
from lstm_core.beyond.attending import step, traced
from lstm_core.cells import cell as find_cell
from lstm_core.cells.base import Cell
from lstm_core.ops import NUMPY, parameters
from lstm_core.say import say
from lstm_core.stored import Kind as Stored
from lstm_core.trace import Trace

Kind = Literal["vrnn", "storn", "plain"]
SOURCES = {"vrnn": "Chung et al. 2015", "storn": "Bayer & Osendorfer 2014", "plain": "a recurrent network without z"}
KIND = "imagining"
LEAST, MOST = -4.0, 3.0
"""Logarithms of a spread stay between these."""


def two_layers(p: Any, name: str, x: Any, xp: Any) -> tuple[Any, Any]:
    """Mean and logarithm of the spread of a Gaussian: a layer of tanh, and two linear ones on it."""
    part = getattr(p, name)
    seen = xp.tanh(part.W @ x + part.b)
    log = part.W_log @ seen + part.b_log
    return part.W_mean @ seen + part.b_mean, xp.minimum(xp.maximum(log, LEAST), MOST)


def divergence(mean: Any, log: Any, prior_mean: Any, prior_log: Any, xp: Any) -> Any:
    """KL(N(mean, exp(log)^2) || N(prior_mean, exp(prior_log)^2)), number by number, in nats."""
    far = (mean - prior_mean) / xp.exp(prior_log)
    return prior_log - log + (xp.exp(2 * (log - prior_log)) + far * far - 1) / 2


def unlikely(x: Any, mean: Any, log: Any, xp: Any) -> Any:
    """-log N(x; mean, exp(log)^2), number by number, in nats."""
    far = (x - mean) / xp.exp(log)
    return (far * far + math.log(2 * math.pi)) / 2 + log


def run(
    kind: Kind, p: Any, x: Any, noise: Any, cell: type[Cell], xp: Any, dream: Any = None, start: Any = None
) -> dict[str, list[Any]]:
    """Read x (time, batch, number), or imagine it where x is None.

    p: ``cell``, "prior", "posterior", "out" and "reader", parameters of each as ``lstm_core.ops.parameters`` gives
    them, those that the kind has, and ``units`` and ``numbers``. noise: (time, batch, latent), standard normal. dream:
    (time, batch, number), the same for x, where it is imagined. start: the states and the x to go on from; zeros by
    default.

    Returns by step what there is of: ``mean`` and ``log`` of x, ``prior`` and ``posterior`` of z (mean and logarithm of
    the spread), ``z``, ``kl`` (batch, latent), ``x``, and signals and inputs of the network ("cell") and of STORN's
    reader.
    """
    batch = noise.shape[1]
    zeros = xp.zeros((batch, p.units), like=noise)
    reading = {name: zeros for name in cell.states()}
    state, before = start or (dict(reading), xp.zeros((batch, p.numbers), like=noise))
    found: dict[str, list[Any]] = {}
    for t in range(len(noise)):
        h, now, z, log_prior = state["h"], {}, None, None
        if kind != "plain":
            mean_prior = xp.zeros(tuple(noise[t].shape), like=noise)
            log_prior = mean_prior
            if kind == "vrnn":
                mean_prior, log_prior = two_layers(p, "prior", h, xp)
            mean_z, log_z = mean_prior, log_prior
            if x is not None:
                seen = xp.concatenate([x[t], h], axis=-1)
                if kind == "storn":
                    values = step(cell, p.reader, x[t], reading, xp)
                    reading = {name: values[name] for name in reading}
                    now["reader"] = {**values, "inputs": x[t]}
                    seen = values["h"]
                mean_z, log_z = two_layers(p, "posterior", seen, xp)
                now["kl"] = divergence(mean_z, log_z, mean_prior, log_prior, xp)
                now["posterior"] = mean_z, log_z
            z = mean_z + xp.exp(log_z) * noise[t]
            now |= {"prior": (mean_prior, log_prior), "z": z}
        if kind == "storn":  # the network itself reads z, and what came before
            inputs = xp.concatenate([before, z], axis=-1)
            values = step(cell, p.cell, inputs, state, xp)
            mean, log = two_layers(p, "out", values["h"], xp)
            x_t = mean + xp.exp(log) * dream[t] if x is None else x[t]
        else:
            mean, log = two_layers(p, "out", h if z is None else xp.concatenate([z, h], axis=-1), xp)
            x_t = mean + xp.exp(log) * dream[t] if x is None else x[t]
            inputs = x_t if z is None else xp.concatenate([x_t, z], axis=-1)
            values = step(cell, p.cell, inputs, state, xp)
        state, before = {name: values[name] for name in state}, x_t
        now |= {"mean": mean, "log": log, "x": x_t, "cell": {**values, "inputs": inputs}}
        for name, value in now.items():
            found.setdefault(name, []).append(value)
    return found


def bound(found: Mapping[str, list[Any]], xp: Any) -> Any:
    """(time, batch): the nats that x_t takes at most, given what came before: what x_t leaves open under the Gaussian,
    and what z_t says more than the prior."""
    steps = zip(found["x"], found["mean"], found["log"], strict=True)
    nats = xp.stack([unlikely(x, mean, log, xp).sum(-1) for x, mean, log in steps])
    return nats + xp.stack([kl.sum(-1) for kl in found["kl"]]) if "kl" in found else nats


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
        self, x: np.ndarray | None, noise: np.ndarray, dream: np.ndarray | None = None, start: Any = None
    ) -> dict[str, list[Any]]:
        parts = {name: parameters(part) for name, part in self.groups.items()}
        p = SimpleNamespace(**parts, units=self.units, numbers=self.examples.shape[-1])
        return run(self.kind, p, x, noise, self.cell, NUMPY, dream, start)

    def read(self, x: np.ndarray, seed: int = 0) -> Line:
        """Read a line x (time, number)."""
        x = self._checked(x[:, None])
        return self._line(self._run(x, self.noise(seed, len(x), 1)))

    def imagine(self, steps: int, seed: int = 0, spread: float = 1.0) -> Line:
        """A line of its own of so many steps. spread: of what is drawn for x, as a share of what it says."""
        draw = np.random.default_rng(seed)
        dream = spread * draw.standard_normal((steps, 1, self.examples.shape[-1])).astype(np.float32)
        return self._line(self._run(None, self.noise(seed + 1, steps, 1), dream))

    def ahead(self, line: Line, t: int, count: int, seed: int = 0) -> np.ndarray:
        """(count, number): what x_t could be, given the line before it, drawn so many times."""
        draw = np.random.default_rng(seed)
        numbers, trace = self.examples.shape[-1], line.traces["cell"]
        of = {name: trace.signals[name][0, 0, t - 1] if t else trace.initial[name][0, 0] for name in self.cell.states()}
        state = {name: np.repeat(value, count, axis=0) for name, value in of.items()}
        before = np.repeat(line.x[t - 1 : t] if t else np.zeros((1, numbers), np.float32), count, axis=0)
        noise, dream = (draw.standard_normal((1, count, n)).astype(np.float32) for n in (self.latent, numbers))
        return self._run(None, noise, dream, (state, before))["x"][0]

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

    def _line(self, found: Mapping[str, list[Any]]) -> Line:
        traces = {}
        for name in ("cell", "reader"):
            if name in found:
                values = {key: np.stack([v[key] for v in found[name]]) for key in found[name][0]}
                inputs = values.pop("inputs")
                zeros = np.zeros_like(values["h"][0])
                traces[name] = traced(
                    self.cell, self.groups[name], values, inputs, {state: zeros for state in self.cell.states()}
                )

        def gaussian(name: str) -> np.ndarray | None:
            if name not in found:
                return None
            return np.stack([np.stack([mean[0], np.exp(log[0])], axis=-1) for mean, log in found[name]])

        x, mean, log = (np.stack([v[0] for v in found[name]]) for name in ("x", "mean", "log"))
        kl = np.stack([v[0] for v in found["kl"]]) if "kl" in found else None
        return Line(x, mean, np.exp(log), gaussian("prior"), gaussian("posterior"), kl, traces)

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
        try:
            lines = groups.pop("examples")["lines"]
            return Imagining(name, meta.pop("way"), find_cell(meta.pop("cell")), groups, lines, meta)
        except KeyError as error:
            raise ValueError(
                say("{path} is not whole: {error} is missing", path=str(path), error=str(error))
            ) from error
