"""What a recurrent block reads: another one, an embedding, or what the network is given, and what is between.

A node that arranges numbers anew (Transpose, Reshape, ...) changes none of them. Whether what comes out is the other
block's h as it is, both directions side by side, is tried with numbers that are all different.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from lstm_core.block import Source
from lstm_core.files.formats.onnx.fold import WRONG, Fold, run
from lstm_core.files.formats.onnx.graph import Entry, Made, Node, Value
from lstm_core.files.formats.onnx.others import Lookup, Others
from lstm_core.files.formats.onnx.shapes import SAME
from lstm_core.files.formats.onnx.values import Values
from lstm_core.say import say

ARRANGE = frozenset("Cast CastLike Dropout Flatten Identity If Reshape Squeeze Transpose Unsqueeze".split())
"""What changes no number: a Dropout does nothing in a model that is used."""
OF_FIRST = ARRANGE | frozenset("Expand Gather GatherElements GatherND Pad ReverseSequence Slice Split Tile".split())
"""What takes its numbers from its first input; the others say how."""
VISITS, NUMBERS = 200_000, 1 << 22


@dataclass(frozen=True)
class Head:
    """What a block gives. name: the block's. h: one value of all steps, or one for each, direction by direction within
    a step. layout: their axes, 0 (time, direction, batch, unit), 1 (batch, time, direction, unit), 2 (batch, unit) of
    each step, 3 (time, batch, unit). last: names of the states that other values are, at the last step."""

    name: str
    h: tuple[Value, ...]
    layout: int
    directions: int
    last: Mapping[Value, str] = field(default_factory=dict)


class Read(NamedTuple):
    """source: None if nothing that is known. batch_first: how who runs the graph gives it, if the block is the first,
    or how the node reads it."""

    source: Source | None
    batch_first: bool


class Step(NamedTuple):
    """A value on the way back, the one that is made of it, and by which node."""

    value: Value
    after: Step | None
    node: Node | None


class Reads:
    """Follows what recurrent blocks read back to where it comes from."""

    def __init__(self, values: Values, others: Others, heads: Sequence[Head]) -> None:
        """others: the file's embeddings, among other things. heads: what each block gives."""
        self._values, self._graph, self._others = values, values.graph, others
        self._visits = 0
        self._heads = {value: head for head in heads for value in (*head.h, *head.last)}

    def of(self, x: Sequence[Value], layout: int) -> Read:
        """Where ``x`` comes from, with ``layout`` 0 (time, batch, input), 1 (batch, time, input) or 2 (batch, input) of
        each step."""
        best = None
        for step in self._back(x[0]):
            best = step if best is None or self._rank(step) < self._rank(best) else best
            if self._rank(best) == 0:
                break
        if best is None:
            return Read(None, layout == 1)
        between, head = _between(best), self._heads.get(best.value)
        changed = tuple(node.label for node in between if node.op not in ARRANGE and not self._others.scales(node))
        if head is not None and best.value in head.last:
            state = say("the last {state} of {name}", state=head.last[best.value], name=head.name)
            return Read(Source(head.name, (state, *changed)), layout == 1)
        turned = self._turned(best.value, x, layout)
        through = () if turned is not None else changed or tuple(node.label for node in between)
        if head is not None:
            return Read(Source(head.name, through), layout == 1)
        origin = self._graph.resolve(best.value)[1]
        lookup = self._others.lookup(origin.node) if isinstance(origin, Made) else None
        if lookup is None:
            return Read(Source("", changed if turned is None else ()), layout == 1 if turned is None else turned)
        labels, again = self._ids(lookup)
        through = labels + through
        return Read(Source(lookup.name, through), layout == 1 if turned is None or through else turned != again)

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
                if isinstance(origin, Made):
                    self._others.scales(origin.node)  # before the rows that it scales are asked for
                for node, before in _made_of(step.value, origin):
                    known = self._graph.resolve(before)[0]
                    if known not in seen and (only is None or node.op in only):
                        seen.add(known)
                        waiting.append(Step(known, step, node))

    def _ids(self, lookup: Lookup) -> tuple[tuple[str, ...], bool]:
        """What changes the numbers of the rows that are looked up, none if they are what the network is given; and
        whether their axes are exchanged before."""
        step = next(self._back(lookup.ids), None)
        if step is None or not isinstance(self._graph.resolve(step.value)[1], Entry):
            return (), False
        with suppress(*WRONG):
            zeros, shapes = self._values.shapes[0].array(step.value), self._values.shapes[0]
            given = (np.arange(min(zeros.size, NUMBERS)).reshape(zeros.shape) % lookup.rows).astype(zeros.dtype)
            budget, changed = self._values.trials, {step.value: given}
            fold = Fold(self._graph, self._values.tensors, budget, changed, shapes=shapes, strict=False)
            turned = _exchanged(fold.array(lookup.ids), given)
            if turned is not None:
                return (), turned
        return tuple(node.label for node in _between(step) if node.op not in ARRANGE), False

    def _scaled(self, node: Node, arrays: list[Any]) -> list[Any]:
        """What a DequantizeLinear gives; of rows that were looked up, their numbers as they are."""
        return arrays[:1] if self._others.scales(node) else run(node, arrays, self._values.trials)

    def _turned(self, value: Value, x: Sequence[Value], layout: int) -> bool | None:
        """Whether what a block, an embedding or who runs the graph gives is (batch, time, ...), if ``x`` is that as it
        is, in the order of axes in which it is read; None if it is not. Of a block, False."""
        head = self._heads.get(value)
        values = (value,) if head is None else head.h
        with suppress(*WRONG):
            shapes = [self._values.shapes[0].array(made).shape for made in values]
            count = sum(map(math.prod, shapes))
            if count > NUMBERS:
                return None
            ends = np.cumsum([math.prod(shape) for shape in shapes])[:-1]
            numbers = np.split(np.arange(count, dtype=np.float32), ends)
            given = {made: part.reshape(shape) for made, part, shape in zip(values, numbers, shapes, strict=True)}
            budget, shape_of = self._values.trials, self._values.shapes[0]
            rules = {**SAME, ("", "DequantizeLinear"): (3, self._scaled)}
            fold = Fold(self._graph, self._values.tensors, budget, given, rules, shape_of, strict=False)
            found = [fold.array(read) for read in x]
            if layout == 2:
                found = [np.stack([part.reshape(-1, part.shape[-1]) for part in found])]
            read = found[0].swapaxes(0, 1) if layout == 1 else found[0]
            if head is None:
                return _exchanged(read, given[value])
            return False if np.array_equal(read, _side_by_side(head, given)) else None
        return None


def _side_by_side(head: Head, given: Mapping[Value, np.ndarray]) -> np.ndarray:
    """h as a block on top reads it, (time, batch, direction * unit)."""
    parts = [given[value] for value in head.h]
    if head.layout == 2:
        rows = [part.reshape(-1, part.shape[-1]) for part in parts]
        h = np.stack(rows).reshape(-1, head.directions, *rows[0].shape).transpose(0, 2, 1, 3)
    elif head.layout == 3:
        return parts[0]
    else:
        h = parts[0].transpose((1, 0, 2, 3) if head.layout else (0, 2, 1, 3))
    return h.reshape(*h.shape[:2], -1)


def _exchanged(found: np.ndarray, given: np.ndarray) -> bool | None:
    """Whether the first two axes of what is given are exchanged; None if the numbers are not those. What has one axis
    less is of one sequence."""
    if found.ndim == given.ndim + 1:
        return False if any(np.array_equal(found, form) for form in (given[:, None], given[None])) else None
    if np.array_equal(found, given):
        return False
    return True if given.ndim > 1 and np.array_equal(found, given.swapaxes(0, 1)) else None


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
