"""A cell that the graph writes out: step by step, as exporters do with nn.RNN and with a loop over nn.LSTMCell, or once
in the body of a Loop or Scan.

Its weights are those that every step has, its order in time is that in which each step takes over the state of the one
before. That it is the cell it looks like is then tried: the graph's own steps are computed for random numbers, and must
be what the block gives for these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from lstm_core.block import Block
from lstm_core.cells import CELLS
from lstm_core.files import limits
from lstm_core.files.formats.onnx import parameters
from lstm_core.files.formats.onnx.affine import Affine
from lstm_core.files.formats.onnx.fold import WRONG, Computed
from lstm_core.files.formats.onnx.graph import Entry, Node, Value
from lstm_core.files.formats.onnx.loops import Rounds, one_round, way
from lstm_core.files.formats.onnx.proof import Proof, Written
from lstm_core.files.formats.onnx.steps import Step, Steps
from lstm_core.files.formats.onnx.values import Values
from lstm_core.say import say

STEPS = 2000
"""The longest loop that is followed."""


def find(values: Values, nodes: Sequence[Node]) -> tuple[list[Written], list[Node]]:
    """The cells that can be read with certainty, and the first step of each that has gates and cannot."""
    written, left = [], []
    steps = Unrolled(values)
    for chain in steps.chains(nodes):
        read = steps.try_to_read(chain)
        if read is None and len(chain) > 1:  # a size that the file leaves open may be the number of steps
            with suppress(ValueError):
                readers = (Unrolled(sized) for sized in values.sized(len(chain)))
                read = next((read for reader in readers if (read := reader.try_to_read(chain)) is not None), None)
        if read is not None:
            written.append(read)
        elif steps.goes_on(chain):
            left.append(chain[0].node)
    return _directions(written), left


class Unrolled:
    """Reads blocks that a graph writes out step by step."""

    def __init__(self, values: Values) -> None:
        """values: of the graph."""
        self._values, self._graph = values, values.graph
        self._affine = Affine(values)
        self._proof = Proof(values)

    def try_to_read(self, chain: Sequence[Step]) -> Written | None:
        """The block that the steps are, if it gives what they give."""
        with suppress(*WRONG):  # they are not what they looked like
            return self._chain(chain) if len(chain) > 1 else self._single(chain[0])
        return None

    def goes_on(self, chain: Sequence[Step]) -> bool:
        """Whether steps with gates are of a sequence: there are several, or one that is fed its state. (One that is not
        is how TensorFlow finds the shape of what a loop gives.)"""
        with suppress(*WRONG):
            return not chain[0].kind.startswith("rnn") and (len(chain) > 1 or self._fed(chain[0].before))
        return False

    def chains(self, nodes: Sequence[Node]) -> list[list[Step]]:
        """Steps of one kind, each of which takes over the state of the one before; those that nothing is taken over
        from and that take over nothing of a step, alone."""
        forms = Steps(self._values, self._affine)
        steps = [step for node in nodes if (step := forms.of(node)) is not None]
        by_state = {(step.kind, step.c or step.h): step for step in steps}
        after: dict[int, Step] = {}
        followers: Counter[int] = Counter()
        firsts = []
        for step in steps:
            before = by_state.get((step.kind, step.before)) if step.before else self._before(step, by_state)
            if before is None or before is step:
                firsts.append(step)
            else:
                after[id(before)] = step
                followers[id(before)] += 1
        chains = []
        for step in firsts:
            chain = [step]
            while followers[id(chain[-1])] == 1 and len(chain) < STEPS:
                chain.append(after[id(chain[-1])])
            owner = step.node.scope.owner
            if (
                len(chain) > 1
                or not step.kind.startswith("rnn")
                or (owner is not None and owner.op in ("Loop", "Scan"))
            ):
                chains.append(chain)
        return chains

    def _before(self, step: Step, by_state: Mapping[tuple[str, Value], Step]) -> Step | None:
        """The step whose h a plain RNN's step takes over: the one of two products that is of such."""
        with suppress(*WRONG):
            terms = self._affine.form(step.arguments["a"]).terms
            keys = [(step.kind, part.value) for term in terms for part in self._affine.parts(term)]
            linked = {key for key in keys if key in by_state}
            return by_state[linked.pop()] if len(linked) == 1 < len(keys) else None
        return None

    def _chain(self, chain: Sequence[Step]) -> Written | None:
        first = chain[0]
        params, second = parameters.of_step(self._affine, chain[1], first.h)
        x, h0 = parameters.of_first(self._affine, first, params)
        inputs = [x, second]
        for before, step in zip(chain[1:], chain[2:], strict=False):
            others, values = parameters.of_step(self._affine, step, before.h)
            if not parameters.same(params, others):
                return None
            inputs.append(values)
        states = {"h": h0, "c": first.before if first.kind == "lstm" else None}
        block = self._block(first, params, states)
        return self._proof.of(block, chain, self._taken_from(inputs), states)

    def _taken_from(self, inputs: Sequence[Sequence[Value]]) -> tuple[Value, ...]:
        """The value of which the steps read parts; if there is none, what each reads. Raises Computed if one reads
        several values."""
        ways = [way(self._values, self._affine, value) for values in inputs for value in values]
        common = [value for value in ways[0] if all(value in others for others in ways[1:])] if ways else []
        if not common and any(len(values) != 1 for values in inputs):
            raise Computed("")
        return (common[-1],) if common else tuple(values[0] for values in inputs)

    def _single(self, step: Step) -> Written | None:
        """A step that is fed its states, by who runs the graph or by a loop."""
        rounds = Rounds(self._values, self._affine, step.node.scope)
        carried = {e for e in rounds.carried if rounds.carries(e, step.h) or rounds.skips(e, step.h)}
        params, inputs, h = parameters.of_single(self._affine, step, carried)
        states = {"h": h} if step.kind != "lstm" else {"h": h, "c": step.before}
        if len(inputs) != 1 or not all(map(self._fed, states.values())):
            return None
        x = inputs[0]
        written = self._proof.of(self._block(step, params, states), [step], (x,), states)
        if written is None:
            return None
        kept = {"h": step.h, "c": step.c}
        skips = any(rounds.skips(entry, kept[name]) for name, entry in states.items())
        goes_on = all(rounds.carries(e, kept[name]) or rounds.skips(e, kept[name]) for name, e in states.items())
        whole = rounds.sequence(x, written.block.input_size) if goes_on else None
        if whole is None:
            said = (*written.block.assumed, *one_round(step.node))
            return replace(written, block=replace(written.block, assumed=said))
        begun = {name: rounds.carried[entry].first for name, entry in states.items() if entry is not None}
        block = self._block(step, params, begun)
        if skips:
            said = say("the steps that the graph skips in {loop} are read, too; pass a mask", loop=rounds.label)
            block = replace(block, assumed=(*block.assumed, said))
        return replace(
            written,
            block=replace(block, batch_first=whole[1] == 1),
            x=(whole[0],),
            layout=whole[1],
            h=rounds.collected(step.h),
            h_layout=3,
            own=(*written.own, *(leaf for value in begun.values() for leaf in self._values.leaves(value)[0])),
        )

    def _block(self, step: Step, params: parameters.Parameters, states: Mapping[str, Value | None]) -> Block:
        params = limits.weights(params, step.kind)
        hidden = next(iter(params.values())).shape[0]
        initial, assumed = {}, []
        for name, value in states.items():
            if value is None:
                continue
            try:
                state = limits.weights({name: self._values.state(value, -2)}, name)[name]
                rows = state.reshape(-1, hidden) if state.ndim else np.full((1, hidden), state)
            except Computed as error:
                assumed.append(
                    say(
                        "{key} is zero (the graph computes it from {source}; pass state to set it)",
                        key=f"initial_{name}",
                        source=error.by,
                    )
                )
                continue
            if rows.any():
                initial[name] = (rows[:1] if (rows == rows[:1]).all() else rows)[None, None]
        # An exporter that says where in the module a node stands writes "/cell/Mul_2" for one in "/cell".
        name = step.node.name
        name = name.rpartition("/")[0] or name
        return Block(name, "onnx", CELLS[step.kind], [[params]], ("forward",), False, initial, assumed=tuple(assumed))

    def _fed(self, value: Value | None) -> bool:
        """Whether a state is given to the graph: one that is constant, or made, belongs to a longer sequence of steps
        that is not understood."""
        last = None if value is None else way(self._values, self._affine, value)[-1]
        return last is not None and isinstance(self._graph.resolve(last)[1], Entry)


def _directions(written: list[Written]) -> list[Written]:
    """Two that read the same value in opposite orders of time, and are alike, are one block of two directions."""
    merged: list[Written] = []
    for one in written:
        alike = [other for other in written if other.x == one.x and other.layout == one.layout < 2]
        alike = [other for other in alike if other.block.cell is one.block.cell and other.h_layout == 2]
        ways = {other.block.directions: other for other in alike}
        if len(alike) != 2 or len(ways) != 2 or any(other.block.initial for other in alike):
            merged.append(one)
        elif one is alike[0]:
            first, second = ways["forward",], ways["reverse",]
            if first.block.hidden_size != second.block.hidden_size:
                merged += alike
                continue
            block = replace(
                one.block,
                layers=[[first.block.layers[0][0], second.block.layers[0][0]]],
                directions=("forward", "reverse"),
                assumed=tuple(dict.fromkeys((*first.block.assumed, *second.block.assumed))),
            )
            h = tuple(value for both in zip(first.h, second.h, strict=True) for value in both)
            merged.append(replace(one, block=block, h=h, own=first.own + second.own))
    return merged
