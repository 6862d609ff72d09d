"""Random networks and inputs for the tests, of any cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer as HuggingFaceTokenizer
from tokenizers import models, pre_tokenizers

from lstm_core import CELLS, Cell, Network, Tokenizer
from lstm_core.network import assembled
from lstm_core.ops import NUMPY, TorchOps
from lstm_core.scan import scan

Arrays = dict[str, np.ndarray]
BACKENDS = {"numpy": NUMPY, "torch": TorchOps("cpu")}
torch.set_num_threads(1)  # on matrices as small as these, a second thread only costs time


def parameters(cell: type[Cell], inputs: int, hidden: int, rng: np.random.Generator, scale: float = 0.7) -> Arrays:
    """Normal with standard deviation ``scale``, so that no bias is zero; what a cell declares as fixed is kept."""
    return {
        p.name: rng.normal(0, scale, p.shape(inputs, hidden)) if p.fixed is None else np.asarray(p.fixed(hidden), float)
        for p in cell.params
    }


def network(
    cell: type[Cell],
    rng: np.random.Generator,
    inputs: int = 3,
    hidden: int = 4,
    layers: int = 1,
    directions: int = 1,
    scale: float = 0.7,
) -> list[list[Arrays]]:
    """Parameters by layer, direction and name, float64."""
    sizes = [inputs, *[directions * hidden] * (layers - 1)]
    return [[parameters(cell, size, hidden, rng, scale) for _ in range(directions)] for size in sizes]


def start(cell: type[Cell], rng: np.random.Generator, *shape: int) -> Arrays:
    """A state (layer, direction, batch, unit) by name, within the declared ranges and within -1 and 1."""
    signals = [cell.signal(name) for name in cell.states()]
    return {s.name: rng.uniform(max(s.low, -1), min(s.high, 1), shape) for s in signals}


def run(cell: type[Cell], layers: Any, x: Any, state: Any = None, backend: str = "numpy") -> tuple[Arrays, Arrays]:
    """``scan`` on the named back end, NumPy in and NumPy out."""
    xp = BACKENDS[backend]
    converted = [[{name: xp.asarray(value) for name, value in p.items()} for p in row] for row in layers]
    signals, final = scan(cell, converted, xp.asarray(x), state, xp)
    return {k: xp.to_numpy(v) for k, v in signals.items()}, {k: xp.to_numpy(v) for k, v in final.items()}


WORDS = ("<unk>", "Mary", "John", "was", "late", "because", "she", "he", ".")


def word_tokenizer() -> Tokenizer:
    """Splits at white space and around punctuation; a word that is not in WORDS is unknown."""
    tokenizer = HuggingFaceTokenizer(models.WordLevel({word: id for id, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return Tokenizer(tokenizer.to_str())


def model(name: str = "lstm", tied: bool = False, layers: int = 1, directions: int = 1, hidden: int = 5) -> Network:
    """A small model with random float32 weights, small enough not to be chaotic: that would blow up every rounding."""
    rng, vocabulary, width = np.random.default_rng(7), len(WORDS), 4
    rows = network(CELLS[name], rng, width, hidden, layers, directions, scale=0.35)
    return assembled(
        name=f"small-{name}",
        tokenizer=word_tokenizer(),
        cell=CELLS[name],
        embedding=rng.normal(size=(vocabulary, width)).astype(np.float32),
        layers=[[{k: v.astype(np.float32) for k, v in p.items()} for p in row] for row in rows],
        readout=rng.normal(size=(width if tied else vocabulary, directions * hidden)).astype(np.float32),
        bias=rng.normal(size=vocabulary).astype(np.float32),
        tied=tied,
        meta={"seed": 7, "units": {"gender": {"layer": 0, "direction": 0, "unit": 2}}, "honesty": "random, 随机"},
    )
