"""A recurrent block out of a visitor's file as a model, so that every page draws it like a shipped one.

What the file does not hold says so when it is asked for: the tokenizer of a model that reads no words, the scores of
one without an output layer. The reason is a ValueError that pages show in the place of what it is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lstm_core import Block, Network, Token, Tokenizer, Trace
from lstm_core.say import say


class NoWords(Tokenizer):
    """Stands where a model has no vocabulary. ``why`` is what whoever asks for a word is told."""

    def __init__(self, why: str) -> None:
        self.json = ""
        self.why = why

    @property
    def size(self) -> int:
        return 0

    def id(self, piece: str) -> int:
        raise ValueError(self.why)

    def display(self, id: int) -> str:
        raise ValueError(self.why)

    def encode(self, text: str) -> tuple[Token, ...]:
        return ()


@dataclass(frozen=True, eq=False)
class Yours(Network):
    """block: what runs. x: (time, input), what it reads if it reads no words. why: why nothing is predicted, or empty.

    certified: whether each run is compared with the module of ``torch.nn`` that has the same weights.
    """

    block: Block | None = None
    x: np.ndarray | None = None
    why: str = ""
    certified: bool = False

    def run(self, text: str | Sequence[Token], device: str = "auto", backend: str | None = None) -> Trace:
        """Read ``text``, or the signal ``x`` if there is one, in NumPy on the CPU.

        Raises ValueError if a value is beyond what a float holds, or differs from torch's by more than rounding.
        """
        tokens: tuple[Token, ...] = ()
        if self.x is None:
            tokens = self.tokenizer.encode(text) if isinstance(text, str) else tuple(text)
        return self.first(tokens, None)

    def first(self, tokens: tuple[Token, ...], steps: int | None) -> Trace:
        """The run on the first ``steps`` of ``tokens``, or of the signal. Raises as ``run`` does."""
        assert self.block is not None
        if self.x is None:
            tokens = tokens[:steps]
            x = self.embedding[np.array([token.id for token in tokens], dtype=np.intp)]
        else:
            tokens, x = (), self.x[:steps]
        block = self.block
        if block.directions == ("reverse",):  # drawn in the order in which it reads, so that before stays before
            block, x, tokens = replace(block, directions=("forward",)), x[::-1], tokens[::-1]
        with np.errstate(over="ignore", invalid="ignore"):
            trace = block.trace(x, lengths=[len(x)])
        for name, values in trace.signals.items():
            if not np.isfinite(values).all():
                step = np.argwhere(~np.isfinite(values))[:, 2].min() + 1
                raise ValueError(
                    say(
                        "In your model {name} grows beyond every bound at step {step}; read fewer steps.",
                        name=name,
                        step=step,
                    )
                )
        return replace(trace, tokens=tokens, max_abs_error=self._certificate(trace) if self.certified else None)

    def _certificate(self, trace: Trace) -> float:
        import torch

        from lstm_core.modules.kinds import module_of
        from lstm_core.modules.tracing import TOLERANCE

        h = np.concatenate(list(trace.signals["h"][-1]), axis=-1)
        if len(trace) == 0:
            return 0.0
        with torch.no_grad():
            output = module_of(self.cell, self.layers)(torch.as_tensor(trace.inputs))[0]
        error = float(np.abs(h - output.numpy()).max())
        if not error <= TOLERANCE[output.dtype] * max(1.0, float(output.abs().max())):
            raise ValueError(
                say("The run of your model differs from torch's own by {error:.2g}, so it is not shown.", error=error)
            )
        return error

    @cached_property
    def readout_weight(self) -> np.ndarray:
        """As of every model. Raises ValueError where nothing is predicted."""
        if self.why:
            raise ValueError(self.why)
        return self.readout

    def logits(self, trace: Trace) -> np.ndarray:
        """As of every model. Raises ValueError where nothing is predicted."""
        if self.why:
            raise ValueError(self.why)
        return super().logits(trace)

    def predictions(self, trace: Trace, k: int = 5) -> list[list[tuple[str, float]]]:
        """As of every model; nothing at every step where nothing is predicted."""
        return [[] for _ in range(len(trace))] if self.why else super().predictions(trace, k)
