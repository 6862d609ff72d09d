"""What a recurrent block reads: another one, an embedding, or what the network is given, and what is between.

A node that arranges numbers anew (Transpose, Reshape, ...) changes none of them. Whether what comes out is the other
block's h as it is, both directions side by side, is tried with numbers that are all different.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lstm_core.block import Source
from lstm_core.files.formats.onnx.fold import Budget, Computed, Fold
from lstm_core.files.formats.onnx.graph import Entry, Made, Node, Value
from lstm_core.files.formats.onnx.others import Lookup, Others
from lstm_core.files.formats.onnx.shapes import ROOM, SAME, Values
from lstm_core.say import say

ARRANGE = frozenset("Cast CastLike Dropout Flatten Identity If Reshape Squeeze Transpose Unsqueeze".split())
"""What changes no number: a Dropout does nothing in a model that is used."""
OF_FIRST = ARRANGE | frozenset("Expand Gather GatherElements GatherND Pad ReverseSequence Slice Split Tile".split())
"""What takes its numbers from its first input; the others say how."""
VISITS, NUMBERS = 200_000, 1 << 22


@dataclass(frozen=True)
class Head:
    """What a block gives. name: the block's. steps: values of h, one of all steps or one for each. layout: their axes,
    0 (time, direction, batch, unit), 1 (batch, time, direction, unit), 2 (batch, unit) of each step. last: names of the
    states that other values are, at the last step."""

    name: str
    steps: tuple[Value, ...]
    layout: int
    last: Mapping[Value, str]


class Step(NamedTuple):
    """A value on the way back, the one that is made of it, and by which node."""

    value: Value
    after: Step | None
    node: Node | None


class Reads:
    def __init__(self, values: Values, others: Others, heads: Sequence[Head]) -> None:
        self._values, self._graph, self._others = values, values.graph, others
        self._visits = 0
        self._heads = {value: head for head in heads for value in (*head.steps, *head.last)}

    def source(self, x: Value, layout: int) -> Source | None:
        """Where ``x`` comes from, (time, batch, input) or with ``layout`` 1 (batch, time, input); None if from nothing
        that is known."""
        best = None
        for step in self._back(x):
            best = step if best is None or self._rank(step) < self._rank(best) else best
            if self._rank(best) == 0:
                break
        if best is None:
            return None
        between = _between(best)
        changed = tuple(node.label for node in between if node.op not in ARRANGE)
        head = self._heads.get(best.value)
        if head is not None and best.value in head.last:
            state = say("the last {state} of {name}", state=head.last[best.value], name=head.name)
            return Source(head.name, (state, *changed))
        arranged = () if not changed and self._as_it_is(best.value, x, layout) else [node.label for node in between]
        if head is not None:
            return Source(head.name, changed or tuple(arranged))
        origin = self._graph.resolve(best.value)[1]
        lookup = self._others.lookup(origin.node) if isinstance(origin, Made) else None
        if lookup is None:
            return Source("", changed)
        return Source(lookup.name, self._ids(lookup) + (changed or tuple(arranged)))

    def reaches(self, value: Value) -> bool:
        """Whether the value is h of a block, a part of it or another arrangement."""
        return any(step.value in self._heads for step in self._back(value, OF_FIRST | {"Concat"}))

    def _rank(self, step: Step) -> int:
        if step.value in self._heads:
            return 0
        return 2 if isinstance(self._graph.resolve(step.value)[1], Entry) else 1

    def _back(self, value: Value, only: frozenset[str] | None = None) -> Iterator[Step]:
        """Where the value comes from, the nearest first: a block, an embedding, an input of the main graph."""
        first = Step(self._graph.resolve(value)[0], None, None)
        waiting, seen = deque([first]), {first.value}
        while waiting and self._visits < VISITS:
            self._visits += 1
            step = waiting.popleft()
            origin = self._graph.resolve(step.value)[1]
            if isinstance(origin, Entry) and step.value.scope is self._graph.main and origin.position is not None:
                yield step
            elif step.value in self._heads or (isinstance(origin, Made) and self._others.lookup(origin.node)):
                yield step
            else:
                for node, before in _made_of(step.value, origin):
                    known = self._graph.resolve(before)[0]
                    if known not in seen and (only is None or node.op in only):
                        seen.add(known)
                        waiting.append(Step(known, step, node))

    def _ids(self, lookup: Lookup) -> tuple[str, ...]:
        """What changes the numbers of the rows that are looked up; none if they are what the network is given."""
        step = next(self._back(lookup.ids), None)
        if step is None or not isinstance(self._graph.resolve(step.value)[1], Entry):
            return ()
        with suppress(Computed, ValueError):
            shape = self._values.shapes[0].array(step.value).shape
            given = np.arange(min(math.prod(shape), NUMBERS)).reshape(shape) % lookup.rows
            if _same(self._try({step.value: given}, lookup.ids), given):
                return ()
        return tuple(node.label for node in _between(step) if node.op not in ARRANGE)

    def _as_it_is(self, value: Value, x: Value, layout: int) -> bool:
        """Whether ``x`` is what the block or the embedding gives, in the order of axes in which it is read."""
        head = self._heads.get(value)
        with suppress(Computed, ValueError):
            shapes = [self._values.shapes[0].array(step).shape for step in (head.steps if head else (value,))]
            count = sum(map(math.prod, shapes))
            if count > NUMBERS:
                return False
            numbers = np.split(
                np.arange(count, dtype=np.float32), np.cumsum([math.prod(shape) for shape in shapes])[:-1]
            )
            given = [part.reshape(shape) for part, shape in zip(numbers, shapes, strict=True)]
            found = self._try(dict(zip(head.steps if head else (value,), given, strict=True)), x)
            found = found.swapaxes(0, 1) if layout else found
            if head is None:
                return _same(found, given[0])
            h = np.stack(given)[:, None] if head.layout == 2 else given[0]
            h = h.transpose(1, 2, 0, 3) if head.layout == 1 else h
            h = h.transpose(0, 2, 1, 3)
            return np.array_equal(found, h.reshape(*h.shape[:2], -1))
        return False

    def _try(self, given: Mapping[Value, np.ndarray], value: Value) -> np.ndarray:
        """What ``value`` is where others are ``given``."""
        fold = Fold(self._graph, self._values.tensors, Budget(ROOM), given, SAME, self._values.shapes[0], strict=False)
        return fold.array(value)


def _same(found: np.ndarray, given: np.ndarray) -> bool:
    """Whether the numbers are those given, (time, batch, ...) or (batch, time, ...), or with an axis of one for one of
    these."""
    forms = [given, *([given[:, None], given[None]] if found.ndim == given.ndim + 1 else [])]
    return any(
        np.array_equal(found, form) or np.array_equal(found, form.swapaxes(0, 1)) for form in forms if form.ndim > 1
    )


def _between(step: Step) -> list[Node]:
    """The nodes that a value goes through, first to last."""
    nodes = []
    while step.after is not None and step.node is not None:
        nodes.append(step.node)
        step = step.after
    return nodes


def _made_of(value: Value, origin: object) -> Iterator[tuple[Node, Value]]:
    """The values that a value is made of, each with the node that makes it of them."""
    if isinstance(origin, Entry):
        owner = value.scope.owner  # of a loop's body: what it goes over, or begins with
        before = owner.input(origin.position) if owner is not None and origin.position is not None else None
        if owner is not None and before is not None:
            yield owner, before
    elif isinstance(origin, Made):
        node = origin.node
        position = origin.position + (node.op == "Loop")  # the first that a Loop's body gives is whether to go on
        for body in node.bodies if node.op in ("If", "Loop", "Scan") else ():
            if position < len(body.outputs):
                yield node, Value(body, body.outputs[position])
        for before in node.inputs[: 0 if node.op == "If" else 1 if node.op in OF_FIRST else None]:
            if before is not None:
                yield node, before
