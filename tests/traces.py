"""Traces of random networks, for the tests of the analysis."""

from __future__ import annotations

from dataclasses import replace

import cases
import numpy as np
from tokenizers import Tokenizer as HuggingFaceTokenizer
from tokenizers import models, pre_tokenizers

from lstm_core import CELLS, Network, Token, Tokenizer, Trace
from lstm_core.cells import cell as find_cell
from lstm_core.equations import carry
from lstm_core.network import Reader, Readout
from lstm_core.scan import scan

GATED = [name for name, cell in CELLS.items() if carry(cell) is not None]


def random_trace(
    name: str,
    seed: int = 0,
    time: int = 7,
    hidden: int = 4,
    layers: int = 1,
    directions: int = 1,
    batch: int = 2,
    dtype: type = np.float64,
) -> Trace:
    """A random network's run on random inputs, from a random state."""
    rng, cell = np.random.default_rng(seed), find_cell(name)
    weights = [
        [{key: value.astype(dtype) for key, value in params.items()} for params in row]
        for row in cases.network(cell, rng, hidden=hidden, layers=layers, directions=directions)
    ]
    x = rng.normal(size=(time, batch, 3)).astype(dtype)
    initial = {k: v.astype(dtype) for k, v in cases.start(cell, rng, layers, directions, batch, hidden).items()}
    signals, _ = scan(cell, weights, x, initial)
    return Trace(cell, signals, x, weights, initial)


def word_model(name: str, words: str, seed: int = 3, hidden: int = 5, layers: int = 1, directions: int = 1) -> Network:
    """A random model whose vocabulary is the given words."""
    ids = {word: k for k, word in enumerate(["<unk>", *dict.fromkeys(words.split())])}
    tokenizer = HuggingFaceTokenizer(models.WordLevel(ids, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()  # type: ignore[assignment]
    model = cases.model(name, layers=layers, directions=directions, hidden=hidden)
    rng = np.random.default_rng(seed)
    embedding = rng.normal(size=(len(ids), 4)).astype(np.float32)
    weight = rng.normal(size=(len(ids), directions * hidden)).astype(np.float32)
    readout = Readout(weight, rng.normal(size=len(ids)).astype(np.float32))
    return replace(model, reader=Reader(embedding, Tokenizer(tokenizer.to_str())), readout=readout)


def tokens_of(text: str) -> tuple[Token, ...]:
    """One token a word of the text, none of them known to any vocabulary."""
    found, start = [], 0
    for k, word in enumerate(text.split()):
        start = text.index(word, start)
        found.append(Token(word, start, start + len(word), k, word, True, k))
        start += len(word)
    return tuple(found)
