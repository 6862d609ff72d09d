"""A network that learns in NumPy: embedding, layers of any cell and readout, their gradients, and Adam. No torch.

It computes what ``lab.learning.loop`` does for the recipes: the same start, loss, economy, clipping and steps.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lab.learning.arrange import COST
from lab.learning.backward import backward
from lab.learning.batch import Batch
from lab.learning.unrolled import Unrolled
from lstm_core.cells.base import Cell, Param
from lstm_core.network import Network, assembled
from lstm_core.text import Tokenizer


def start(param: Param, cell: type[Cell], inputs: int, hidden: int, draw: np.random.Generator) -> np.ndarray:
    """As ``lstm_core.layer.Layer`` starts: hidden-to-hidden orthogonal, input-to-hidden Glorot uniform, vectors at 0 or
    at the cell's ``bias_init``."""
    shape = param.shape(inputs, hidden)
    if param.fixed is not None:
        return param.fixed(hidden)
    if len(shape) == 1:
        return np.full(shape, cell.bias_init.get(param.name, 0.0))
    if param.axes == ("hidden", "hidden"):
        q, r = np.linalg.qr(draw.standard_normal(shape))
        return q * np.where(np.diag(r) < 0, -1.0, 1.0)
    return draw.uniform(-1, 1, shape) * (6 / sum(shape)) ** 0.5


class Learner:
    """``params`` by name: "embedding" (word, input), "0.W_f" of layer 0 and so on, "readout" (word, unit), "bias".

    ``weights`` is one vector of all that is trained and ``gradient`` one of the same length; ``params`` and ``grads``
    are views of them.
    """

    def __init__(
        self,
        cell: type[Cell],
        words: int,
        embedding: int,
        hidden: int,
        layers: int = 1,
        draw: np.random.Generator | None = None,
        dtype: type[np.floating] = np.float32,
    ) -> None:
        draw = np.random.default_rng() if draw is None else draw
        self.cell = cell
        started = {"embedding": draw.standard_normal((words, embedding))}
        for layer, inputs in enumerate([embedding, *[hidden] * (layers - 1)]):
            started |= {f"{layer}.{param.name}": start(param, cell, inputs, hidden, draw) for param in cell.params}
        started |= {"readout": draw.uniform(-1, 1, (words, hidden)) * hidden**-0.5, "bias": np.zeros(words)}
        fixed = {f"{layer}.{param.name}" for layer in range(layers) for param in cell.params if param.fixed}
        trained = {name: value for name, value in started.items() if name not in fixed}
        self.weights = np.concatenate([value.ravel() for value in trained.values()]).astype(dtype)
        self.gradient = np.zeros_like(self.weights)
        self.grads = _views(self.gradient, trained)
        self.params = _views(self.weights, trained) | {name: started[name].astype(dtype) for name in fixed}
        self.layers = [Unrolled(cell, _of(self.params, layer)) for layer in range(layers)]

    @np.errstate(over="ignore", invalid="ignore")  # exp in a shut gate; see also ``lstm_core.scan.scan``
    def loss(self, batch: Batch, economy: float) -> float:
        """The weighted loss of the next words plus ``economy`` times what the gates pay. Fills ``gradient``."""
        self.gradient[:] = 0
        x, runs, signals = self.params["embedding"][batch.inputs].transpose(0, 2, 1), [], {}
        for layer in self.layers:
            nothing = np.zeros((len(x), layer.hidden, x.shape[2]), x.dtype)
            runs.append(layer.forward(x, {name: signals.get(name, nothing) for name in self.cell.below}))
            signals = {name: runs[-1].values[at] for name, at in layer.signals.items()}
            x = signals[self.cell.output]
        loss, error = self._read_out(x, batch)
        read = batch.read[:, None].astype(x.dtype)
        price = read * (economy / (read.sum() * len(runs) * x.shape[1]))
        given: dict[str, np.ndarray] = {}
        for k, layer, run in reversed([*zip(range(len(runs)), self.layers, runs, strict=True)]):
            given[self.cell.output] = given.get(self.cell.output, 0) + error
            if economy > 0 and COST in layer.signals:
                given[COST] = price
                loss += float((run.values[layer.signals[COST]] * price).sum())
            error, given = backward(layer, run, given, _of(self.grads, k))
        words = batch.inputs.reshape(-1, 1) == np.arange(len(self.params["embedding"]))
        errors = error.transpose(0, 2, 1).reshape(len(words), -1)
        self.grads["embedding"][...] = words.T.astype(errors.dtype) @ errors
        return loss

    def _read_out(self, h: np.ndarray, batch: Batch) -> tuple[float, np.ndarray]:
        """The loss of the next words, and the error in h, (time, unit, batch)."""
        counts = batch.weights > 0
        read, weights = h.transpose(0, 2, 1)[counts], batch.weights[counts].astype(h.dtype)
        each = np.arange(len(read)), batch.targets[counts]
        logits = read @ self.params["readout"].T + self.params["bias"]
        logits -= logits.max(axis=1, keepdims=True)
        delta = np.exp(logits)
        total = delta.sum(axis=1, keepdims=True)
        loss = float(weights @ (np.log(total[:, 0]) - logits[each]))
        delta /= total
        delta[each] -= 1
        delta *= weights[:, None]
        self.grads["readout"][...] = delta.T @ read
        self.grads["bias"][...] = delta.sum(axis=0)
        error = np.zeros((len(h), h.shape[2], h.shape[1]), h.dtype)
        error[counts] = delta @ self.params["readout"]
        return loss, np.ascontiguousarray(error.transpose(0, 2, 1))

    def network(self, name: str, tokenizer: Tokenizer) -> Network:
        """The network as it is now, to run and to ask."""
        copies = {name: value.copy() for name, value in self.params.items()}
        return assembled(
            name=name,
            tokenizer=tokenizer,
            cell=self.cell,
            embedding=copies["embedding"],
            layers=[[_of(copies, layer)] for layer in range(len(self.layers))],
            readout=copies["readout"],
            bias=copies["bias"],
        )


class Adam:
    """Kingma & Ba 2015 (arXiv 1412.6980), algorithm 1, on a gradient clipped to norm ``most``."""

    def __init__(self, weights: np.ndarray, rate: float, most: float = 1.0) -> None:
        self.weights, self.rate, self.most = weights, rate, most
        self.mean, self.square, self.steps = np.zeros_like(weights), np.zeros_like(weights), 0

    def step(self, gradient: np.ndarray) -> None:
        self.steps += 1
        norm = float(np.sqrt(gradient @ gradient))
        gradient = gradient * min(1.0, self.most / (norm + 1e-6))
        self.mean += (1 - 0.9) * (gradient - self.mean)
        self.square += (1 - 0.999) * (gradient**2 - self.square)
        size = np.sqrt(self.square / (1 - 0.999**self.steps)) + 1e-8
        self.weights -= self.rate / (1 - 0.9**self.steps) * self.mean / size


def _views(vector: np.ndarray, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Parts of ``vector`` by name, in the shapes of ``arrays``."""
    ends = np.cumsum([value.size for value in arrays.values()])
    parts = np.split(vector, ends[:-1])
    return {name: part.reshape(value.shape) for (name, value), part in zip(arrays.items(), parts, strict=True)}


def _of(params: Mapping[str, np.ndarray], layer: int) -> dict[str, np.ndarray]:
    """The parameters of one layer by their own names."""
    start = f"{layer}."
    return {name.removeprefix(start): value for name, value in params.items() if name.startswith(start)}
