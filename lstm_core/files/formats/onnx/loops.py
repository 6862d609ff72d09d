"""A Loop or a Scan whose body is one step: what it goes over, carries from round to round, and collects."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from lstm_core.files.formats.onnx.affine import PARTS, SAME, Affine
from lstm_core.files.formats.onnx.fold import WRONG, Fold
from lstm_core.files.formats.onnx.graph import Made, Node, Scope, Value, text
from lstm_core.files.formats.onnx.shapes import SAME as RULES
from lstm_core.files.formats.onnx.values import Values
from lstm_core.say import say

LINKS = 256
CHOOSE = frozenset("Add Cast Expand Identity Mul Not Squeeze Sub Tile Unsqueeze Where".split())


def way(values: Values, affine: Affine, value: Value) -> list[Value]:
    """The value, and what it is taken from as a part or another arrangement, the nearest first."""
    found = [affine.bare(value)]
    for _ in range(LINKS):
        origin = values.graph.resolve(found[-1])[1]
        node = origin.node if isinstance(origin, Made) and not origin.node.domain else None
        if node is None or node.op not in PARTS | SAME or node.inputs[0] is None:
            break
        if not all(given is None or values.is_constant(given) for given in node.inputs[1:]):
            break
        found.append(affine.bare(node.inputs[0]))
    return found


def one_round(node: Node) -> list[str]:
    """A node inside a loop runs once in each of its rounds."""
    owners, scope = [], node.scope
    while scope.owner is not None:
        owners.append(scope.owner)
        scope = scope.owner.scope
    return [
        say("this is one round of the {kind} {name} that the node stands in", kind=owner.op, name=owner.name)
        for owner in owners
        if owner.op in ("Loop", "Scan") and not owner.domain
    ]


class Carried(NamedTuple):
    """A value that a round takes over from the one before: what it is in the next round, and in the first."""

    after: Value
    first: Value


class Rounds:
    """scope: the body of a Loop or Scan; None for another."""

    def __init__(self, values: Values, affine: Affine, scope: Scope) -> None:
        """values, affine: of the graph that the loop stands in."""
        self._values, self._affine, self._owner = values, affine, scope.owner
        self.carried: dict[Value, Carried] = {}
        self._scanned: dict[Value, int] = {}
        self._collected: list[tuple[Value, Value]] = []
        owner = scope.owner
        if owner is None or owner.domain or owner.op not in ("Loop", "Scan") or scope not in owner.bodies:
            return
        loop = owner.op == "Loop"  # its body is given the round's number and a condition first, and gives a condition
        names, skipped = scope.inputs, 2 * loop
        scanned = 0 if loop else owner.number("num_scan_inputs")
        states = len(names) - scanned - skipped
        for k in range(states):
            first = owner.input(k + skipped)
            if first is not None and k + loop < len(scope.outputs):
                entry = Value(scope, names[k + skipped])
                self.carried[entry] = Carried(Value(scope, scope.outputs[k + loop]), first)
        self._counter = Value(scope, names[0]) if loop and names else None
        self._scanned = {Value(scope, names[len(names) - scanned + k]): k for k in range(scanned)}
        for k, name in enumerate(scope.outputs[states + loop :], states):
            if k < len(owner.proto.output) and owner.proto.output[k]:
                self._collected.append((Value(scope, name), owner.output(k)))

    @property
    def label(self) -> str:
        """Kind and name of the loop, to show."""
        return "" if self._owner is None else self._owner.label

    def carries(self, entry: Value | None, state: Value | None) -> bool:
        """Whether a round takes over in the one value what the round before gave as the other."""
        carried = None if entry is None else self.carried.get(entry)
        return carried is not None and self._affine.bare(carried.after) == state

    def skips(self, entry: Value | None, state: Value | None) -> bool:
        """Whether it does so but where a mask keeps what was before: tried with a mask that keeps all, and none."""
        carried = None if entry is None else self.carried.get(entry)
        if carried is None or entry is None or state is None:
            return False
        masks = self._made_of(carried.after, {entry, state}) - {entry, state}
        with suppress(*WRONG):
            [mask] = masks
            graph, tensors, shapes = self._values.graph, self._values.tensors, self._values.shapes[0]
            zeros, axes = shapes.array(mask), shapes.array(entry)
            before, after = np.full(axes.shape, 1, axes.dtype), np.full(axes.shape, 2, axes.dtype)
            for kept in (before, after):
                given = {entry: before, state: after, mask: np.full(zeros.shape, kept is after)}
                fold = Fold(graph, tensors, self._values.trials, given, shapes=shapes, strict=False)
                if zeros.dtype != bool or not np.array_equal(fold.array(carried.after), kept):
                    return False
            return True
        return False

    def _made_of(self, value: Value, until: set[Value]) -> set[Value]:
        """The values that one is made of by what chooses between two, or puts a mask into numbers."""
        waiting, seen, leaves = [self._values.graph.resolve(value)[0]], set[Value](), set[Value]()
        while waiting and len(seen) < LINKS:
            here = waiting.pop()
            if here in seen or self._values.is_constant(here):
                continue
            seen.add(here)
            origin = self._values.graph.resolve(here)[1]
            node = origin.node if isinstance(origin, Made) and not origin.node.domain else None
            if here in until or node is None or node.op not in CHOOSE:
                leaves.add(here)
            else:
                waiting += [self._values.graph.resolve(given)[0] for given in node.inputs if given is not None]
        return leaves

    def collected(self, h: Value) -> tuple[Value, ...]:
        """The value that is ``h`` of all rounds, (time, batch, unit)."""
        axes = self._owner.values.get("scan_output_axes", ()) if self._owner is not None else ()
        backwards = self._owner.values.get("scan_output_directions", ()) if self._owner is not None else ()
        if any(axes) or any(backwards):
            return ()
        return next(((whole,) for each, whole in self._collected if self._affine.bare(each) == h), ())

    def sequence(self, x: Value, width: int) -> tuple[Value, int] | None:
        """The value of which ``x`` is one step in each round, first to last, and its axis of time, 0 or 1."""
        for value in way(self._values, self._affine, x):
            if value in self._scanned and self._owner is not None:
                k = self._scanned[value]
                settings = self._owner.values
                axis = (*settings.get("scan_input_axes", ()), *[0] * (k + 1))[k]
                whole = self._owner.inputs[len(self._owner.inputs) - len(self._scanned) + k]
                if whole is None or axis not in (0, 1) or any(settings.get("scan_input_directions", ())[k : k + 1]):
                    return None
                return (whole, axis) if self._is_step(x, whole, axis, width, value, None) else None
            gather = self._affine.node(value, "Gather")
            if gather is not None and None not in gather.inputs[:2]:
                whole, index = gather.inputs[:2]
                counter = way(self._values, self._affine, index)[-1]  # type: ignore[arg-type]
                axis = gather.number("axis")
                if axis in (0, 1) and self._counts(counter) and whole is not None:
                    return (whole, axis) if self._is_step(x, whole, axis, width, None, counter) else None
        return None

    def _is_step(
        self, x: Value, whole: Value, axis: int, width: int, step: Value | None, counter: Value | None
    ) -> bool:
        """Whether ``x`` is the step of that number, tried with numbers that are all different."""
        shapes, known = self._values.shapes[0], self._values.graph.resolve(whole)[0]
        with suppress(*WRONG):
            shape = shapes.array(whole).shape
            self._values.trials.take(4 * math.prod(shape), text(whole.name))
            numbers = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
            for k in range(min(shape[axis], 3)):
                expected = np.asarray(numbers.take(k, axis))
                given = {known: numbers}
                given |= {step: expected} if step is not None else {}
                given |= {counter: np.array(k)} if counter is not None else {}
                fold = Fold(
                    self._values.graph, self._values.tensors, self._values.trials, given, RULES, shapes, strict=False
                )
                if not np.array_equal(fold.array(x).reshape(-1, width), expected.reshape(-1, width)):
                    return False
            return True
        return False

    def _counts(self, value: Value) -> bool:
        """Whether the value is the number of the round."""
        if value == self._counter:
            return True
        carried = self.carried.get(value)
        node = None if carried is None else self._affine.node(carried.after, "Add")
        if carried is None or node is None or len(node.inputs) != 2:
            return False
        given = [part for part in node.inputs if part is not None]
        added = [part for part in given if self._values.is_constant(part)]
        if len(added) != 1 or value not in [self._affine.bare(part) for part in given]:
            return False
        with suppress(*WRONG):
            return not self._values.constant(carried.first).any() and bool((self._values.constant(added[0]) == 1).all())
        return False
