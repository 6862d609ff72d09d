"""What stands around a recurrent block in its file: an embedding that feeds it, an output layer that reads it.

Both are found by their shapes. A file says nothing about what is wired to what, so these are proposals to confirm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_core.block import Block
from lstm_core.files import limits
from lstm_core.say import say
from lstm_core.trace import Trace

if TYPE_CHECKING:
    from lstm_core.files.load import Loaded


def embeddings(loaded: Loaded, block: Block) -> list[str]:
    """Names of the matrices (words, input) that could feed ``block``, the likeliest first."""
    found = [name for name, value in _matrices(loaded).items() if value.shape[1] == block.input_size]
    # A matrix that reads the block's output has its width by chance, if that is as wide as the input.
    return sorted(found, key=lambda name: ("emb" not in name.lower(), -len(loaded.others[name])))


def outputs(loaded: Loaded, block: Block, words: int) -> list[str]:
    """Names of the matrices that could turn h into scores of ``words`` words, the likeliest first."""
    wide = block.output_size * len(block.directions)
    found = [name for name, value in _matrices(loaded).items() if value.shape in ((words, wide), (wide, words))]
    return sorted(found, key=lambda name: "emb" in name.lower())


def embedding(loaded: Loaded, name: str) -> np.ndarray:
    """The matrix of that name, float32 or float64. Raises ValueError if it holds NaN or infinity."""
    return limits.weights({name: loaded.others[name]}, say("the file"))[name]


def output(loaded: Loaded, name: str, words: int) -> tuple[np.ndarray, np.ndarray]:
    """Weight (words, output) and bias (words,) of an output layer; zeros for a bias that the file does not have.

    Raises ValueError if they hold NaN or infinity.
    """
    weight = embedding(loaded, name)
    weight = weight if len(weight) == words else np.ascontiguousarray(weight.T)
    vectors = [other for other, value in loaded.others.items() if value.shape == (words,)]
    stem = name.replace("weight", "").replace("kernel", "").rstrip("0123456789/:._")
    near = [other for other in vectors if stem and other.startswith(stem)] or [o for o in vectors if "bias" in o]
    bias = embedding(loaded, near[0]) if near else np.zeros(words, weight.dtype)
    return weight, bias


def _matrices(loaded: Loaded) -> dict[str, np.ndarray]:
    """The others with two axes; what an optimiser keeps of each parameter has its shape, and is none of them."""
    named = {name: value for name, value in loaded.others.items() if "optim" not in name.lower()}
    return {name: value for name, value in named.items() if value.ndim == 2}


def run(loaded: Loaded, x: Any, lengths: Any, mask: Any) -> dict[str, Trace]:
    """See ``Loaded.trace``."""
    raise NotImplementedError
