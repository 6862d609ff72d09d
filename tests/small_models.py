"""Small random models with a known vocabulary, for the tests of the page: no training, no files."""

from __future__ import annotations

from functools import cache

import numpy as np
from tokenizers import Tokenizer as HuggingFaceTokenizer
from tokenizers import models, normalizers, pre_tokenizers

from lstm_core import Network, Tokenizer
from lstm_core.cells import cell as find_cell
from lstm_core.network import assembled

WORDS = "<unk> . , mary john anna saw met the a market and because she he was".split()


@cache
def small_model(cell: str, seed: int = 0, layers: int = 1, directions: int = 1, hidden: int = 8) -> Network:
    """A model of that cell with U(-1, 1) weights and a unit 2 named "gender"."""
    rng = np.random.default_rng(seed)
    tokenizer = HuggingFaceTokenizer(models.WordLevel({word: k for k, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()  # type: ignore[assignment]
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()  # type: ignore[assignment]

    def draw(*shape: int) -> np.ndarray:
        return rng.uniform(-1, 1, shape).astype(np.float32)

    def draw_all(inputs: int) -> dict[str, np.ndarray]:
        return {
            p.name: draw(*p.shape(inputs, hidden)) if p.fixed is None else p.fixed(hidden).astype(np.float32)
            for p in find_cell(cell).params
        }

    return assembled(
        name=f"small-{cell}",
        tokenizer=Tokenizer(tokenizer.to_str()),
        cell=find_cell(cell),
        embedding=draw(len(WORDS), 5),
        layers=[[draw_all(hidden * directions if k else 5) for _ in range(directions)] for k in range(layers)],
        readout=draw(len(WORDS), hidden * directions),
        bias=draw(len(WORDS)),
        meta={
            "units": {"gender": {"layer": 0, "direction": 0, "unit": 2, "meaning": "the subject's gender"}},
            "examples": ["Mary saw John because she", "John met <b>Anna</b>"],
            "honesty": "made up",
        },
    )
