"""The calls in a model that is a graph, each after those whose output it reads; Keras 2 and 3 write them differently.

Keras 2 lists the tensors that go in: [["lstm", 0, 0, {...}], ...], a recurrent layer's first state after its input.
Keras 3 writes the call down: {"args": [...], "kwargs": {...}}, with tensors that know where they come from.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lstm_core.files.formats.keras.tree import MAX_DEPTH, Node, mapping
from lstm_core.say import say

MOST_TENSORS = 500_000

Tensor = tuple[str, int, int]
"""The layer's name, which of its calls, which of the tensors that it gave."""


@dataclass(frozen=True)
class Step:
    """A call of a layer. at: which of its calls. states, mask: tensors given for these, of a recurrent layer. new: as
    Keras 3 calls it."""

    node: Node
    at: int
    inputs: tuple[Tensor, ...] = ()
    states: tuple[Tensor, ...] = ()
    mask: tuple[Tensor, ...] = ()
    new: bool = False

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All that the call reads, whatever it reads it for."""
        return (*self.inputs, *self.states, *self.mask)


def tensors(value: Any, depth: int = 0) -> Iterator[Tensor]:
    """Every tensor that is named in a value of lists and mappings, in order."""
    if isinstance(value, dict):
        history = mapping(value.get("config")).get("keras_history")
        if value.get("class_name") == "__keras_tensor__":
            yield from tensors(history, depth + 1)
            return
        value = list(value.values())
    if not isinstance(value, list) or depth > MAX_DEPTH:
        return
    if len(value) in (3, 4) and isinstance(value[0], str) and all(isinstance(part, int) for part in value[1:3]):
        if value[0] != "_CONSTANT_VALUE":
            yield value[0], value[1], value[2]
        return
    for item in value:
        yield from tensors(item, depth + 1)


class Graph:
    """The calls of a model. steps: in an order in which they can be made; one that reads what nobody makes, or its own
    output, is left out. outputs: what the model gives.

    Raises ValueError for a model of more tensors than any has.
    """

    def __init__(self, model: Node, recurrent: Collection[Node]) -> None:
        """model: the layer that is the graph. recurrent: those of its layers that take states beside their input."""
        self.outputs = tuple(_few(model.config.get("output_layers")))
        calls: dict[tuple[str, int], Step] = {}
        count: dict[str, int] = {}
        left = MOST_TENSORS
        for node in model.inside["layers"]:
            made = [_step(node, at, call, node in recurrent) for at, call in enumerate(node.inbound)]
            made = made or ([Step(node, 0)] if node.kind == "InputLayer" else [])
            left -= sum(len(step.tensors) for step in made)
            if left < 0:
                text = say("the model's configuration connects more than {count:,} tensors", count=MOST_TENSORS)
                raise ValueError(text)
            calls |= {(node.name, step.at): step for step in made}
            count[node.name] = len(made)
        # A model in a model may count one call more, that by which it was made.
        self._more: dict[str, int] = {}
        for name, at, _ in (*self.outputs, *(tensor for step in calls.values() for tensor in step.tensors)):
            self._more[name] = max(self._more.get(name, 0), at - count.get(name, 1) + 1)
        self.steps = self._in_order(calls)

    def maker(self, tensor: Tensor) -> tuple[str, int]:
        """The call that gave a tensor: the layer's name, and which of its calls."""
        return tensor[0], tensor[1] - self._more.get(tensor[0], 0)

    def _in_order(self, calls: dict[tuple[str, int], Step]) -> list[Step]:
        readers: dict[tuple[str, int], list[tuple[str, int]]] = {}
        waits: dict[tuple[str, int], int] = {}
        for key, step in calls.items():
            needed = {self.maker(tensor) for tensor in step.tensors}
            waits[key] = len(needed)
            for need in needed:
                readers.setdefault(need, []).append(key)
        ready = deque(key for key, number in waits.items() if not number)
        found = []
        while ready:
            key = ready.popleft()
            found.append(calls[key])
            for reader in readers.get(key, ()):
                waits[reader] -= 1
                if not waits[reader]:
                    ready.append(reader)
        return found


def _step(node: Node, at: int, call: Any, recurrent: bool) -> Step:
    if isinstance(call, dict) and "args" in call:
        args, kwargs = call["args"], mapping(call.get("kwargs"))
        if not recurrent:
            rest = {key: value for key, value in kwargs.items() if key != "mask"}
            return Step(node, at, tuple(_few([args, rest])), (), tuple(_few(kwargs.get("mask"))), new=True)
        given = [*args, None, None, None][:3] if isinstance(args, list) else [args, None, None]
        read = tuple(_few(given[0] or kwargs.get("sequences") or kwargs.get("inputs")))
        states = (*read[1:], *_few(given[1]), *_few(kwargs.get("initial_state")))
        return Step(node, at, read[:1], states, (*_few(given[2]), *_few(kwargs.get("mask"))), new=True)
    items = call if isinstance(call, list) else []
    options = next((mapping(item[3]) for item in items if isinstance(item, list) and len(item) == 4), {})
    found = tuple(_few(call))
    if not recurrent:
        return Step(node, at, found or tuple(_few(options)))
    states = (*found[1:], *_few(options.get("initial_state")))
    return Step(node, at, found[:1], states, tuple(_few(options.get("mask"))))


def _few(value: Any) -> Iterator[Tensor]:
    return islice(tensors(value), MOST_TENSORS)
