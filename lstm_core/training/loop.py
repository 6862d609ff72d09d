"""The training loop of every shipped model, and what a recipe has to say to use it."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lstm_core.attention import PARAMS, attended
from lstm_core.cells.base import Cell
from lstm_core.equations import carry
from lstm_core.layer import Layer
from lstm_core.network import Network, assembled
from lstm_core.ops import TorchOps
from lstm_core.text import Tokenizer
from lstm_core.training.batch import Batch


class TorchNetwork(nn.Module):
    """Embedding, recurrent layers, readout. `tied`: the readout is the embedding's transpose on a projection of h.
    `attention`: the readout also reads a mean of the states so far (`lstm_core.attention`)."""

    def __init__(
        self,
        cell: type[Cell],
        vocabulary: int,
        embedding: int,
        hidden: int,
        num_layers: int = 1,
        tied: bool = False,
        attention: bool = False,
    ) -> None:
        super().__init__()
        self.cell = cell
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.layer = Layer(cell, embedding, hidden, num_layers)
        width = 2 * hidden if attention else hidden
        self.projection = nn.Linear(width, embedding, bias=False) if tied else None
        self.readout = nn.Linear(embedding if tied else width, vocabulary)
        if tied:
            nn.init.normal_(self.embedding.weight, std=embedding**-0.5)
            self.readout.weight = self.embedding.weight
        nn.init.zeros_(self.readout.bias)
        shapes = {param.name: param.shape(hidden, hidden) for param in PARAMS} if attention else {}
        self.attention = nn.ParameterDict({name: nn.init.xavier_uniform_(torch.empty(s)) for name, s in shapes.items()})

    def forward(
        self, ids: Tensor, where: Tensor | None = None, signals: bool = True
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """ids (time, batch) -> logits of the next word (time, batch, vocabulary), and the layer's signals.

        where: (time, batch) bool; the logits of these steps alone, (step, vocabulary): the readout is what costs time.
        """
        h, values = self.layer(self.embedding(ids), signals=signals)
        if self.attention:
            h, _ = attended(dict(self.attention.items()), h, TorchOps(str(h.device)))
        if where is not None:
            h = h[where]
        return self.readout(h if self.projection is None else self.projection(h)), values

    def model(self, name: str, tokenizer: Tokenizer, meta: Mapping[str, Any], half: bool = False) -> Network:
        """The same network for NumPy, as it is shipped; `half` rounds to float16 first."""
        rounded = copy.deepcopy(self).half().float() if half else self
        return rounded._model(name, tokenizer, meta)

    def _model(self, name: str, tokenizer: Tokenizer, meta: Mapping[str, Any]) -> Network:
        def array(value: Tensor) -> np.ndarray:
            return value.detach().cpu().numpy().copy()

        return assembled(
            name=name,
            tokenizer=tokenizer,
            cell=self.cell,
            embedding=array(self.embedding.weight),
            layers=self.layer.parameters_numpy(),
            readout=array(self.readout.weight if self.projection is None else self.projection.weight),
            bias=array(self.readout.bias),
            tied=self.projection is not None,
            attention={name: array(value) for name, value in self.attention.items()} or None,
            meta=meta,
        )


def economy(cell: type[Cell], signals: Mapping[str, Tensor], mask: Tensor) -> Tensor:
    """The mean of what a cell writes plus the mean of what it forgets, over the steps in `mask` (time, batch).

    A network that pays for both writes and forgets only where it must, and its gates become readable. What keeps and
    what writes comes from the cell's own update; a cell whose memory has no such rule (the plain RNN) pays nothing.
    """
    rule = carry(cell)
    if rule is None:
        return mask.new_zeros(())
    ops = TorchOps(str(mask.device))
    cost = rule.evaluate("write", signals, ops) + (1 - rule.evaluate("keep", signals, ops))
    return (cost.mean(dim=(0, 1, -1)) * mask).sum() / mask.sum()


class Recipe(ABC):
    """How one model is made. A file in `recipes/` has a tuple `RECIPES` of these; they are found by themselves."""

    name: str
    cell: type[Cell]
    steps: int = 3000
    seeds: int = 5
    learning_rate: float = 1e-2
    economy: float = 0.3
    weight_decay: float = 0.0
    half: bool = False  # store float16

    @abstractmethod
    def tokenizer(self) -> Tokenizer:
        """What cuts a text into the words of this model."""

    @abstractmethod
    def network(self) -> TorchNetwork:
        """A new network, not trained; torch's random numbers are already seeded."""

    def penalty(self, network: TorchNetwork) -> Tensor | float:
        """What else the loss counts, of the weights alone."""
        return 0.0

    @abstractmethod
    def batches(self, rng: Random, steps: int) -> Iterator[Batch]:
        """`steps` batches, the same ones for the same state of `rng`."""

    @abstractmethod
    def measure(self, model: Network) -> tuple[dict[str, Any], dict[str, Any]]:
        """(metrics, units) on texts that were not trained: numbers by name, and named units as in `Network.meta`."""

    @abstractmethod
    def passes(self, metrics: Mapping[str, Any]) -> bool:
        """Whether a model with these metrics may be shipped."""

    @abstractmethod
    def score(self, metrics: Mapping[str, Any]) -> float:
        """Of the models that pass, the one with the highest score is shipped."""

    @abstractmethod
    def about(self) -> dict[str, Any]:
        """What else the file's header says: `honesty`, `examples`, ..."""

    def found(self, metrics: Mapping[str, Any]) -> dict[str, Any]:
        """What the header says instead now that the model is measured; nothing, if it did what it was trained for."""
        return {}


@dataclass(frozen=True)
class Trained:
    """One seed's model with its metrics in the header, and whether it may be shipped."""

    seed: int
    model: Network
    metrics: dict[str, Any]
    passes: bool


@contextmanager
def one_thread() -> Iterator[None]:
    """torch on one thread: with small matrices more of them only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def train(
    recipe: Recipe, seed: int, steps: int | None = None, watch: Callable[[Iterator[Batch]], Iterator[Batch]] = iter
) -> Trained:
    """Train with AdamW on one CPU thread, the learning rate falling on a cosine to 5 %, gradients clipped to norm 1.

    The same seed gives the same model. `watch` is wrapped round the batches (a progress bar).
    """
    with one_thread():
        torch.manual_seed(seed)
        network = recipe.network()
        steps = recipe.steps if steps is None else steps
        parameters = list(network.parameters())
        groups = [  # biases do not decay: a forget gate that starts open should not be drawn shut
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
            {"params": [p for p in parameters if p.ndim == 1], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: 0.05 + 0.95 * (1 + math.cos(math.pi * min(step / max(steps, 1), 1))) / 2
        )
        for batch in watch(recipe.batches(Random(seed), steps)):
            optimizer.zero_grad()
            (batch_loss(network, batch, recipe.economy) + recipe.penalty(network)).backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    header = {
        "recipe": recipe.name,
        "seed": seed,
        "steps": steps,
        "learning_rate": recipe.learning_rate,
        "economy": recipe.economy,
        "weight_decay": recipe.weight_decay,
        **recipe.about(),
    }
    model = network.model(recipe.name, recipe.tokenizer(), header, recipe.half)
    metrics, units = recipe.measure(model)
    model = replace(model, meta={**header, **recipe.found(metrics), "metrics": metrics, "units": units})
    return Trained(seed, model, metrics, recipe.passes(metrics))


def batch_loss(network: TorchNetwork, batch: Batch, lam: float) -> Tensor:
    """The weighted loss of the next words plus `lam` times the economy of the gates."""
    weights, targets = torch.from_numpy(batch.weights), torch.from_numpy(batch.targets)
    counts = weights > 0
    logits, signals = network(torch.from_numpy(batch.inputs), counts, signals=lam > 0)
    loss = functional.cross_entropy(logits, targets[counts], reduction="none") @ weights[counts]
    return loss + lam * economy(network.cell, signals, torch.from_numpy(batch.read).to(loss.dtype)) if lam > 0 else loss


def best(recipe: Recipe, runs: list[Trained], even_failing: bool = False) -> Trained | None:
    """The run to ship: of those that pass the one with the highest score. If none passes it is None, or with
    `even_failing` the one with the highest score of all."""
    passing = [run for run in runs if run.passes]
    return max(passing or (runs if even_failing else []), key=lambda run: recipe.score(run.metrics), default=None)
