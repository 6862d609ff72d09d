"""Many networks of one cell side by side, trained on one core: for experiments that compare cells over seeds and rates.

The equations are the cell's own. What makes it quick: every array has the networks as its first axis; what a layer
reads is multiplied with its weights once for all steps; and the matrices that meet the same old state are one matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from lab.learning.sizes import layers_of
from lstm_core.cells.base import Cell
from lstm_core.equations import equations
from lstm_core.ops import TorchOps
from lstm_core.symbols import Expr

EMBEDDING = 8
XP = TorchOps("cpu")


def together(cell: type[Cell]) -> dict[str, list[str]]:
    """The matrices that are applied to the same thing: by "x" and by each old state, such as "s.h"."""
    found: dict[str, list[str]] = {}

    def visit(expr: Expr) -> None:
        if expr.op == "@" and {arg.op for arg in expr.args} == {"symbol"}:
            names = found.setdefault(expr.args[1].args[0], [])
            if expr.args[0].args[0][2:] not in names:
                names.append(expr.args[0].args[0][2:])
        for arg in expr.args:
            if isinstance(arg, Expr):
                visit(arg)

    for line in equations(cell):
        visit(line.expr)
    return found


class Weight:
    """A matrix of every network, (network, in, out), applied as in the papers; known products are looked up."""

    def __init__(self, transposed: Tensor, products: Callable[[Any], dict[int, Tensor]] | None = None) -> None:
        self.transposed, self.products = transposed, products

    def __matmul__(self, v: Tensor) -> Tensor:
        known = self.products(v) if self.products else {}
        return known[id(self)] if id(self) in known else torch.bmm(v, self.transposed)

    def __mul__(self, other: Weight) -> Weight:
        return Weight(self.transposed * other.transposed)


def run(cell: type[Cell], params: dict[str, Tensor], x: Tensor, below: dict[str, list[Tensor]]) -> dict[str, Any]:
    """One layer of every network over x (time, network, batch, input): what goes on, lists of (network, batch, unit).

    params: (network, ...) by name; below: what the cell reads of the layer below, step by step.
    """
    groups = together(cell)
    known: dict[int, dict[int, Tensor]] = {}

    def products(v: Any) -> dict[int, Tensor]:
        return known.get(id(v), {})

    weights = {name: Weight(value.mT, products) for name, value in params.items() if value.ndim == 3}
    p = SimpleNamespace(**{k: v[:, None] for k, v in params.items() if v.ndim == 2}, **weights)
    fused = {of: torch.cat([weights[k].transposed for k in names], -1) for of, names in groups.items()}
    widths = {of: [weights[k].transposed.shape[-1] for k in names] for of, names in groups.items()}
    ids = {of: [id(weights[k]) for k in names] for of, names in groups.items()}
    steps, networks, batch, inputs = x.shape
    from_x: Sequence[Tensor] = [x.new_zeros(())] * steps
    if "x" in fused:
        flat = x.transpose(0, 1).reshape(networks, steps * batch, inputs)
        wide = torch.bmm(flat, fused["x"]).view(networks, steps, batch, -1)
        from_x = wide.transpose(0, 1).contiguous().unbind(0)
    units = next(v.shape[1] for param in cell.params for v in [params[param.name]] if param.axes[0] == "hidden")
    zero = x.new_zeros(networks, batch, units)
    state = {name: zero for name in cell.states()}
    kept: dict[str, list[Tensor]] = {name: [] for name in {cell.output, *cell.below}}
    for t, read in enumerate(x.unbind(0)):
        old = {name: value + 0 if t == 0 else value for name, value in state.items()}  # each its own identity
        known.clear()
        if "x" in fused:
            known[id(read)] = dict(zip(ids["x"], from_x[t].split(widths["x"], -1), strict=True))
        for of, name in ((of, of[2:]) for of in fused if of != "x"):
            parts = torch.bmm(old[name], fused[of]).split(widths[of], -1)
            known[id(old[name])] = dict(zip(ids[of], parts, strict=True))
        s = SimpleNamespace(**old, **{f"below_{name}": below[name][t] if below else zero for name in cell.below})
        values = cell.gates(p, read, s, XP)
        values |= cell.update(p, SimpleNamespace(**values), s, XP)
        state = {name: values[name] for name in state}
        for name, one in kept.items():
            one.append(values[name])
    return kept


class Many:
    """``seeds`` networks at each of ``rates``, all of one cell, that answer one of ``classes`` at places in texts.

    Network k has the seed ``seeds[k % len(seeds)]`` and the rate ``rates[k // len(seeds)]``; networks of one seed start
    alike. All that one network learns is a row of ``flat``.
    """

    def __init__(
        self, cell: type[Cell], hidden: int, vocabulary: int, classes: int, seeds: Sequence[int], rates: Sequence[float]
    ) -> None:
        self.cell, self.vocabulary, self.seeds = cell, vocabulary, tuple(seeds)
        self.rates = torch.tensor(np.repeat(rates, len(seeds)), dtype=torch.float32)[:, None]
        layers = [(layer, param) for layer in range(layers_of(cell)) for param in cell.params]
        size = {layer: hidden if layer else EMBEDDING for layer in range(layers_of(cell))}
        self.fixed = {
            (layer, param.name): torch.as_tensor(np.asarray(param.fixed(hidden), np.float32))
            for layer, param in layers
            if param.fixed is not None
        }
        self.shapes: dict[Any, tuple[int, ...]] = {
            "embedding": (vocabulary, EMBEDDING),
            "readout": (hidden, classes),
            "bias": (1, classes),
        } | {(layer, p.name): p.shape(size[layer], hidden) for layer, p in layers if p.fixed is None}
        rows = [self._start(torch.Generator().manual_seed(seed)) for seed in seeds]
        self.flat = torch.stack(rows * len(rates)).requires_grad_()
        self.moments = torch.zeros(2, *self.flat.shape)

    def _start(self, draw: torch.Generator) -> Tensor:
        """One network's numbers: recurrent matrices orthogonal, the others by Glorot, biases as the cell has them."""
        parts = []
        for key, shape in self.shapes.items():
            name = key if isinstance(key, str) else key[1]
            if name == "embedding":
                part = 0.5 * torch.randn(shape, generator=draw)
            elif len(shape) == 2 and shape[0] == shape[1]:
                part = torch.linalg.qr(torch.randn(shape, generator=draw))[0]
            elif len(shape) == 2 and name != "bias":
                part = torch.randn(shape, generator=draw) * (2 / sum(shape)) ** 0.5
            else:
                part = torch.full(shape, float(self.cell.bias_init.get(name, 0.0)))
            parts.append(part.reshape(-1))
        return torch.cat(parts)

    @property
    def parameters(self) -> dict[Any, Tensor]:
        sizes = [int(np.prod(shape)) for shape in self.shapes.values()]
        parts = self.flat.split(sizes, 1)
        return {key: part.view(-1, *shape) for (key, shape), part in zip(self.shapes.items(), parts, strict=True)}

    def __call__(self, ids: Tensor, places: Tensor) -> Tensor:
        """ids (time, network, batch), and where answers are due (answer, network, batch) -> scores (..., class)."""
        params, networks = self.parameters, len(self.flat)
        first = (torch.arange(networks) * self.vocabulary)[:, None]
        x = functional.embedding(ids + first, params["embedding"].reshape(-1, EMBEDDING))
        below: dict[str, list[Tensor]] = {}
        for layer in range(layers_of(self.cell)):
            own = {key[1]: value for key, value in params.items() if key[0] == layer}
            fixed = {key[1]: value for key, value in self.fixed.items() if key[0] == layer}
            own |= {name: value.expand(networks, *value.shape) for name, value in fixed.items()}
            below = run(self.cell, own, x, below)
            x = torch.stack(below[self.cell.output])
        at = places[..., None].expand(*places.shape, x.shape[-1])
        chosen = x.gather(0, at).transpose(0, 1)  # (network, answer, batch, unit)
        scores = torch.matmul(chosen, params["readout"][:, None]) + params["bias"][:, None]
        return scores.transpose(0, 1)

    def losses(self, ids: Tensor, places: Tensor, answers: Tensor) -> tuple[Tensor, Tensor]:
        """(nats an answer, share of texts with all answers right) of each network."""
        scores = self(ids, places)
        nats = functional.cross_entropy(scores.flatten(0, 2), answers.flatten(), reduction="none").view(answers.shape)
        return nats.mean((0, 2)), (scores.argmax(-1) == answers).all(0).float().mean(-1)

    def step(self, ids: Tensor, places: Tensor, answers: Tensor, k: int, factor: float) -> None:
        """Step k (from 1 on) of Adam, each network at its own rate times ``factor``, its gradient clipped to norm 1."""
        (gradient,) = torch.autograd.grad(self.losses(ids, places, answers)[0].sum(), self.flat)
        gradient = gradient.nan_to_num(0.0, 0.0, 0.0)
        with torch.no_grad():
            gradient *= 1 / gradient.norm(dim=1, keepdim=True).clamp(min=1.0)
            first, second = self.moments
            first.lerp_(gradient, 0.1)
            second.lerp_(gradient * gradient, 0.001)
            step = first / (1 - 0.9**k) / ((second / (1 - 0.999**k)).sqrt() + 1e-8)
            self.flat -= factor * self.rates * step
