"""Whether a block is what the graph writes out: its steps are computed for random numbers, and so is the block."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from lstm_core.block import Block
from lstm_core.files.formats.onnx.fold import WRONG, Fold
from lstm_core.files.formats.onnx.graph import Made, Node, Value, text
from lstm_core.files.formats.onnx.shapes import SAME
from lstm_core.files.formats.onnx.steps import Step
from lstm_core.files.formats.onnx.values import Values

TOLERANCE, HALF = 1e-4, 2e-2
"""How far h may be off, and in a graph that computes in half precision."""
AS_RUN = {key: rule for key, rule in SAME.items() if key != ("", "Cast")}
"""A Cast is run: a graph in half precision casts what it is given before it multiplies it."""


@dataclass(frozen=True)
class Written:
    """A block as the graph writes it out.

    x: what it reads, whole or a value for each step. layout: axes of it, 0 (time, batch, input), 1 (batch, time,
    input), 2 (batch, input) of each step. h: what it gives, of each step in the order of time, direction by direction,
    or with ``h_layout`` 3 (time, batch, unit). node: that of the first h. own: the tensors that are its weights.
    """

    block: Block
    x: tuple[Value, ...]
    layout: int
    h: tuple[Value, ...]
    h_layout: int
    node: Node
    own: tuple[Value, ...]


class Proof:
    """Tries, with random numbers, whether a block gives what steps of a graph give."""

    def __init__(self, values: Values) -> None:
        """values: of the graph; their ``trials`` say how much may be computed."""
        self._values, self._graph = values, values.graph
        self._budget = values.trials

    def of(
        self, block: Block, chain: Sequence[Step], inputs: tuple[Value, ...], states: Mapping[str, Value | None]
    ) -> Written | None:
        """The block with the order of axes and of time in which it gives what the steps of ``chain`` give, if there is
        one. inputs: what they read, one for all or one for each. states: what the first takes over.

        Raises Computed or ValueError if the graph's steps cannot be computed.
        """
        begun = [value for value in states.values() if value is not None]
        free = {name: value for name, value in states.items() if value is not None and not self._is_known(value)}
        given = self._random(inputs, list(free.values()))
        shapes = self._values.shapes[0]
        fold = Fold(self._graph, self._values.tensors, self._budget, given, AS_RUN, shapes, strict=False)
        h = np.stack([fold.array(step.h).reshape(-1, block.hidden_size) for step in chain])
        state = {name: given[value].reshape(1, 1, -1, block.hidden_size) for name, value in free.items()}
        kinds = {fold.array(value).dtype.itemsize for value in (chain[-1].h, *chain[-1].arguments.values())}
        allowed = HALF if 2 in kinds else TOLERANCE
        for layout, x in _forms([given[value] for value in inputs], len(chain)):
            if x.shape != (*h.shape[:2], block.input_size):
                continue
            for direction, turn in (("forward", 1), ("reverse", -1)):
                turned = replace(block, batch_first=layout == 1, directions=(direction,))
                with np.errstate(all="ignore"):
                    signals = turned.trace(x.swapaxes(0, 1) if layout == 1 else x, state or None).signals
                    equal = np.abs(signals["h"][0, 0][::turn] - h).max() <= allowed
                if equal:
                    steps = tuple(step.h for step in chain)[::turn]
                    x_values = inputs[::turn] if layout == 2 else inputs
                    own = tuple(self._behind(chain, begun, set(inputs)))
                    return Written(turned, x_values, layout, steps, 2, chain[0].node, own)
        return None

    def _random(self, inputs: Sequence[Value], states: Sequence[Value]) -> dict[Value, np.ndarray]:
        """Numbers for all of them; where a step is given alone, states are of as many sequences."""
        rng = np.random.default_rng(0)
        zeros = {value: self._values.shapes[0].array(value) for value in (*inputs, *states)}
        shapes = {value: array.shape for value, array in zeros.items()}
        first = shapes[inputs[0]]
        if len(first) == 2:
            shapes |= {value: (*shapes[value][:-2], first[0], *shapes[value][-1:]) for value in states}
        self._budget.take(16 * sum(map(math.prod, shapes.values())), text(inputs[0].name))
        return {value: rng.normal(size=shape).astype(zeros[value].dtype) for value, shape in shapes.items()}

    def _is_known(self, value: Value) -> bool:
        with suppress(*WRONG):
            self._values.state(value, -2)
            return True
        return False

    def _behind(self, chain: Sequence[Step], states: Sequence[Value], until: set[Value]) -> list[Value]:
        """The tensors behind the gates of the steps, but not behind what they read."""
        values = [*states, *(argument for step in chain for argument in step.arguments.values())]
        waiting = [self._graph.resolve(value)[0] for value in values]
        seen = until | {step.h for step in chain}
        leaves = []
        while waiting:
            value = waiting.pop()
            if value in seen:
                continue
            seen.add(value)
            if self._values.is_constant(value):
                leaves += self._values.leaves(value)[0]
                continue
            origin = self._graph.resolve(value)[1]
            given = origin.node.inputs if isinstance(origin, Made) else ()
            waiting += [self._graph.resolve(part)[0] for part in given if part is not None]
        return leaves


def _forms(inputs: Sequence[np.ndarray], steps: int) -> list[tuple[int, np.ndarray]]:
    """What the steps read as (time, batch, input), and how it lies in the graph."""
    if len(inputs) == 1 and inputs[0].ndim == 3:
        return [(0, inputs[0]), (1, inputs[0].swapaxes(0, 1))]
    if len(inputs) == steps and all(part.ndim > 1 for part in inputs):
        return [(2, np.stack([part.reshape(-1, part.shape[-1]) for part in inputs]))]
    return []
