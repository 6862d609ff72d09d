"""Small networks that an experiment trains and that are not shipped: a few letters kept over a lag."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lab.learning.loop import threads
from lab.learning.network import TorchNetwork
from lstm_core.cells import CELLS
from lstm_core.cells.base import Cell
from lstm_core.ops import TorchOps
from lstm_core.scan import scan
from lstm_core.trace import Trace

LETTERS = 8
BLANK, ASK = LETTERS, LETTERS + 1
VOCABULARY = LETTERS + 2


def strings(draw: np.random.Generator, count: int, lag: int, letters: int = 1) -> np.ndarray:
    """(time, count) ids: some letters, ``lag`` blanks, a question mark, the same letters again."""
    kept = draw.integers(0, LETTERS, (letters, count))
    return np.concatenate([kept, np.full((lag, count), BLANK), np.full((1, count), ASK), kept])


def right(network: TorchNetwork, ids: np.ndarray, letters: int = 1) -> float:
    """Share of the strings whose letters are all said again."""
    with torch.no_grad():
        logits, _ = network(torch.from_numpy(ids[:-1]), signals=False)
    return float((logits[-letters:].argmax(-1).numpy() == ids[-letters:]).all(0).mean())


def network(cell: str, hidden: int, seed: int) -> TorchNetwork:
    torch.manual_seed(seed)
    return TorchNetwork(CELLS[cell], VOCABULARY, VOCABULARY, hidden)


def train(
    one: TorchNetwork,
    seed: int,
    steps: int,
    lag: Callable[[int], int] | int,
    letters: int = 1,
    batch: int = 16,
    learning_rate: float = 1e-2,
    goal: float | None = None,
    every: int = 25,
    each: Callable[[int], None] = lambda step: None,
) -> tuple[int | None, float]:
    """Adam on the letters after the question mark. ``lag`` may grow with the step.

    ``goal`` is a share of 100 new strings; for the rest and what is returned see ``learn``.
    """
    draw = np.random.default_rng(seed)
    final = lag(steps) if callable(lag) else lag
    probes = strings(np.random.default_rng(10_000 + seed), 100, final, letters)

    def rows(step: int) -> Rows:
        ids = strings(draw, batch, lag(step) if callable(lag) else lag, letters)
        where = np.zeros(ids[:-1].shape, bool)
        where[-letters:] = True
        return ids, where

    return learn(one, rows, lambda: right(one, probes, letters), steps, learning_rate, goal, every, each)


Rows = tuple[np.ndarray, np.ndarray]
"""ids (time, batch) and, (time - 1, batch), where the next one has to be said."""


@threads()
def learn(
    one: TorchNetwork,
    rows: Callable[[int], Rows],
    score: Callable[[], float],
    steps: int,
    learning_rate: float,
    goal: float | None = None,
    every: int = 25,
    each: Callable[[int], None] = lambda step: None,
) -> tuple[int | None, float]:
    """Adam on the mean loss of what has to be said, ``rows`` of every step. ``each`` is told every step.

    Returns the first step, out of every ``every``, at which the score reaches ``goal`` (None if none did; the training
    ends there), and the score in the end.
    """
    optimizer = torch.optim.Adam(one.parameters(), lr=learning_rate)
    for step in range(1, steps + 1):
        each(step)
        ids, where = map(torch.from_numpy, rows(step))
        logits, _ = one(ids[:-1], where, signals=False)
        optimizer.zero_grad()
        functional.cross_entropy(logits, ids[1:][where]).backward()
        nn.utils.clip_grad_norm_(one.parameters(), 1.0)
        optimizer.step()
        if goal is not None and step % every == 0 and (reached := score()) >= goal:
            return step, reached
    return None, score()


def start_forget_gate(one: TorchNetwork, start: float | str, longest: int, seed: int) -> None:
    """Set the LSTM's forget bias: a number, or "chrono", b_f = log U(1, longest - 1) and b_i = -b_f.

    Tallec & Ollivier, "Can recurrent neural networks warp time?", ICLR 2018, arXiv 1804.11188, section 3.
    """
    p: Any = one.layer.params[0]
    with torch.no_grad():
        if start == "chrono":
            drawn = np.random.default_rng(seed).uniform(1, longest - 1, p[0]["b_f"].shape)
            p[0]["b_f"].copy_(torch.from_numpy(np.log(drawn)))
            p[0]["b_i"].copy_(-p[0]["b_f"])
        else:
            p[0]["b_f"].fill_(float(start))


class Stacked(nn.Module):
    """Several networks of one cell trained at once, each with one output: the time loop is what costs time.

    The equations are the cell's own; ``torch.func.vmap`` runs them for all networks side by side. ``parameters_of``
    gives one network's parameters under the cell's names.
    """

    def __init__(
        self, cell: type[Cell], seeds: Sequence[int], inputs: int, hidden: int, forget_bias: float = 1.0
    ) -> None:
        super().__init__()
        self.cell = cell
        started = [self._start(torch.Generator().manual_seed(seed), inputs, hidden, forget_bias) for seed in seeds]
        self.params = nn.ParameterDict(
            {name: nn.Parameter(torch.stack([one[name] for one in started])) for name in started[0]}
        )

    def _start(self, draw: torch.Generator, inputs: int, hidden: int, forget_bias: float) -> dict[str, Tensor]:
        found = {}
        # Gate by gate in this order: what was measured was drawn so.
        for param in sorted(self.cell.params, key=lambda param: "ifog".find(param.name[-1])):
            shape = param.shape(inputs, hidden)
            if param.axes == ("hidden", "hidden"):
                found[param.name] = torch.linalg.qr(torch.randn(shape, generator=draw))[0]
            elif len(shape) == 2:
                found[param.name] = torch.randn(shape, generator=draw) * (2 / sum(shape)) ** 0.5
            else:
                found[param.name] = torch.full(shape, forget_bias * (param.name == "b_f"))
        return found | {"V": torch.randn(hidden, generator=draw) * hidden**-0.5, "v": torch.zeros(())}

    def forward(self, x: Tensor) -> Tensor:
        """x (time, batch, input), the same for every network -> logits (time, network, batch)."""

        def one(params: dict[str, Tensor]) -> Tensor:
            signals, _ = scan(self.cell, [[params]], x, xp=TorchOps(str(x.device)))
            return signals[self.cell.output][0, 0] @ params["V"] + params["v"]

        return torch.func.vmap(one, out_dims=1)(dict(self.params.items()))

    def parameters_of(self, network: int) -> dict[str, np.ndarray]:
        return {k: v[network].detach().numpy().copy() for k, v in self.params.items() if k not in ("V", "v")}


def trace_of(one: TorchNetwork, ids: np.ndarray) -> Trace:
    """What a network does with one string (time,), in NumPy."""
    return one.model("", None, {}).read(ids)
