"""What a recipe has to say, and what comes of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from torch import Tensor

from lab.learning.batch import Batch
from lab.learning.network import TorchNetwork
from lstm_core.cells.base import Cell
from lstm_core.network import Network
from lstm_core.stored import Kind
from lstm_core.text import Tokenizer

if TYPE_CHECKING:
    from lab.learning.checkpoint import Checkpoints, Progress

Watch = Callable[[Iterator[Any], int], Iterator[Any]]
"""Wrapped round the batches, of which so many were learned before (a progress bar)."""


class Recipe(ABC):
    """How one model is made. A file in `recipes/` has a tuple `RECIPES` of these; they are found by themselves."""

    name: str
    cell: type[Cell]
    steps: int = 3000
    seeds: int = 5
    learning_rate: float = 1e-2
    economy: float = 0.3
    weight_decay: float = 0.0
    weights: Kind = "float32"  # how the file stores them
    threads: int = 1  # on a CPU; small matrices only wait for each other on more
    reads_text: bool = False  # whether it learns from a folder of texts, which the command is given with --text
    text: Path | None = None  # that folder, set before anything else is asked
    folder: str = ""  # below that of the shipped models, for one that is no Network
    load: Callable[[Path], Any] = staticmethod(Network.load)  # reads what its model's ``save`` wrote

    @abstractmethod
    def learn(
        self, header: Mapping[str, Any], watch: Watch, device: str, kept: Checkpoints | None
    ) -> tuple[Any, Progress]:
        """The trained network, and what it took; from where it stopped if something of it is kept. header: its `seed`
        and `steps`."""

    @abstractmethod
    def measure(self, model: Any) -> tuple[dict[str, Any], dict[str, Any]]:
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

    def since(self, meta: Mapping[str, Any]) -> str:
        """What to say of a model with this header beside `honesty`: what it became after its training."""
        return ""


class BatchRecipe(Recipe):
    """A recipe that draws its batches; they are learned by the loop that most models share."""

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

    def learn(
        self, header: Mapping[str, Any], watch: Watch, device: str, kept: Checkpoints | None
    ) -> tuple[Network, Progress]:
        from lab.learning.loop import learned  # which asks recipes for their batches

        network, progress = learned(self, header, watch, device, kept)
        return network.model(self.name, self.tokenizer(), header, self.weights), progress


@dataclass(frozen=True)
class Trained:
    """One seed's model with its metrics in the header, and whether it may be shipped."""

    seed: int
    model: Any
    metrics: dict[str, Any]
    passes: bool


def best(recipe: Recipe, runs: list[Trained], even_failing: bool = False) -> Trained | None:
    """The run to ship: of those that pass the one with the highest score. If none passes it is None, or with
    `even_failing` the one with the highest score of all."""
    passing = [run for run in runs if run.passes]
    return max(passing or (runs if even_failing else []), key=lambda run: recipe.score(run.metrics), default=None)
