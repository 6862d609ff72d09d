"""Seeded models for the benchmark: 64 units, a vocabulary of the usual size, nothing learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer as HuggingFaceTokenizer
from tokenizers import models, pre_tokenizers

from lstm_core import CELLS, Tokenizer
from lstm_core.network import assembled

HIDDEN, EMBEDDING, VOCABULARY = 64, 32, 4000
PAIR = ("bench-lstm", "bench-gru")


def words(count: int, seed: int = 0) -> str:
    """``count`` words of the vocabulary in random order; each is one token."""
    return " ".join(f"w{k}" for k in np.random.default_rng(seed).integers(1, VOCABULARY, count))


def tokenizer() -> Tokenizer:
    vocabulary = {"<unk>": 0, **{f"w{k}": k for k in range(1, VOCABULARY)}}
    library = HuggingFaceTokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    library.pre_tokenizer = pre_tokenizers.Whitespace()  # pyright: ignore[reportAttributeAccessIssue]
    return Tokenizer(library.to_str())


def save(folder: Path) -> None:
    """Write the pair as ``folder/bench-lstm.safetensors`` and ``folder/bench-gru.safetensors``."""
    rng = np.random.default_rng(0)

    def draw(*shape: int) -> np.ndarray:
        return rng.uniform(-1, 1, shape).astype(np.float32) * HIDDEN**-0.5

    for name in PAIR:
        cell = CELLS[name.removeprefix("bench-")]
        params = {param.name: draw(*param.shape(EMBEDDING, HIDDEN)) * 3 for param in cell.params}
        embedding = rng.standard_normal((VOCABULARY, EMBEDDING)).astype(np.float32)
        readout, bias = draw(VOCABULARY, HIDDEN), draw(VOCABULARY)
        model = assembled(name, cell, [[params]], tokenizer(), embedding, readout, bias)
        model.save(folder / f"{name}.safetensors")
