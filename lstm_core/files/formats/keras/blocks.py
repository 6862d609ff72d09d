"""Blocks from recurrent layers: their cells, their weights in our letters, and what each reads and skips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np

from lstm_core.block import Block, Source
from lstm_core.cells.base import Cell
from lstm_core.files import limits
from lstm_core.files.formats.keras.cells import Chooser
from lstm_core.files.formats.keras.kernels import Kernel
from lstm_core.files.formats.keras.recurrent import CellOf, Recurrent, Way
from lstm_core.files.formats.keras.stored import Version
from lstm_core.files.options import Options
from lstm_core.say import Said, say

ORDER = {"LSTM": "ifgo", "GRU": "zrn", "SimpleRNN": "a"}
"""The gates as they follow each other in a kernel."""

Params = dict[str, np.ndarray]


@dataclass(frozen=True)
class Given:
    """What holds for all layers of a file. weights: of each cell. reason: why a cell has no options, where it has
    none. grus: which GRU it is, by the layer's name, where nothing else says."""

    options: Options
    version: Version
    weights: Mapping[CellOf, Kernel]
    reason: Said
    grus: Mapping[str, str]


@dataclass(frozen=True)
class Made:
    """A cell of a block: its class, its weights, and what was taken for options that nobody stated."""

    of: CellOf
    cell: type[Cell]
    params: Params
    defaults: dict[str, str]
    doubts: Sequence[Said]

    @property
    def width(self) -> int:
        """Features of the input: columns of its W."""
        return self._matrix("W").shape[1]

    @property
    def hidden(self) -> int:
        """Units of h: columns of its U."""
        return self._matrix("U").shape[0]

    @property
    def kind(self) -> tuple[type[Cell], int]:
        """Cells of one kind can be the layers of one block."""
        return self.cell, self.hidden

    def _matrix(self, letter: str) -> np.ndarray:
        return next(value for name, value in self.params.items() if name.startswith(f"{letter}_"))


def build(layer: Recurrent, given: Given) -> list[Block]:
    """The blocks of a layer: one, but for directions or cells on top of each other that differ; those come one by one.
    What it reads is not in them yet, but for cells that read the one below.

    Raises ValueError, naming the layer, for weights that do not fit together or a function that is not supported.
    """
    ways = [[_made(layer, way, cell, given) for cell in way.cells] for way in layer.ways]
    for lower, upper in chain.from_iterable(map(pairwise, ways)):
        if upper.width != lower.hidden:
            text = say(
                "the cell {name} reads {width} numbers, and the one below it gives {hidden}",
                name=upper.of.name,
                width=upper.width,
                hidden=lower.hidden,
            )
            raise ValueError(say("the layer {name}: {error}", name=layer.name, error=text))
    forward = {}
    if len(layer.ways) == 1 and layer.cells[0].options is None and given.options.go_backwards is None:
        forward["go_backwards"] = "False"

    def block(name: str, rows: list[list[Made]], directions: tuple[str, ...], source: Source | None = None) -> Block:
        cells = [made for row in rows for made in row]
        kind = np.result_type(*(value for made in cells for value in made.params.values()))
        layers = [[{key: value.astype(kind) for key, value in made.params.items()} for made in row] for row in rows]
        taken = [made.defaults | forward for made in cells]
        assumed = [_by_default(options, given) for options in taken if options]
        assumed += [text for made in cells for text in made.doubts] + list(layer.doubts)
        first = not layer.options.get("time_major", False)
        unique = tuple(dict.fromkeys(assumed))
        return Block(name, "keras", cells[0].cell, layers, directions, first, reads=source, assumed=unique)

    if [way.backwards for way in layer.ways] == [False, True] and _side_by_side(*ways):
        return [block(layer.name, [[ways[0][0], ways[1][0]]], ("forward", "reverse"))]
    blocks: list[Block] = []
    for place, (way, cells) in enumerate(zip(layer.ways, ways, strict=True)):
        name = f"{layer.name}/{('forward', 'backward')[place]}" if len(ways) == 2 else layer.name
        direction = ("reverse" if way.backwards else "forward",)
        if len({made.kind for made in cells}) == 1:
            blocks.append(block(name, [[made] for made in cells], direction))
            continue
        source = None
        for number, made in enumerate(cells):
            of_the_same = any(other.of.name == made.of.name for other in cells[:number])
            within = f"{made.of.name}_{number}" if of_the_same else made.of.name
            blocks.append(block(f"{name}/{within}", [[made]], direction, source))
            source = Source(blocks[-1].name)
    return blocks


def _by_default(options: Mapping[str, str], given: Given) -> Said:
    """That options were taken as Keras has them by default, and why."""
    taken = ", ".join(f"{key}={value}" for key, value in options.items())
    keras = f"Keras {given.version.text}" if given.version.text else "Keras"
    return say("{taken}, as {keras} has it by default: {reason}", taken=taken, keras=keras, reason=given.reason)


def _side_by_side(forward: Sequence[Made], backward: Sequence[Made]) -> bool:
    """Whether two directions are one block: of one cell each, which differ in their weights alone."""
    if len(forward) != 1 or len(backward) != 1 or forward[0].kind != backward[0].kind:
        return False
    shapes = [{name: value.shape for name, value in made.params.items()} for made in (forward[0], backward[0])]
    return shapes[0] == shapes[1]


def _made(layer: Recurrent, way: Way, cell: CellOf, given: Given) -> Made:
    kernel = given.weights[cell]
    name = layer.name
    if len(layer.ways) == 2 and way is layer.ways[1]:
        name = say("{name} backward", name=name)
    if len(way.cells) > 1:
        name = say("{cell} in {name}", cell=cell.name, name=name)
    if kernel.extra:
        names = ", ".join(kernel.extra[:5])
        raise ValueError(say("{name} has weights that no cell of Keras's own has: {names}", name=name, names=names))
    if not kernel.kind:
        shape = kernel.arrays["recurrent_kernel"].shape
        raise ValueError(
            say("recurrent_kernel of {name} is {shape}, which fits no LSTM, GRU or RNN", name=name, shape=shape)
        )
    chooser = Chooser(cell, kernel, given.options, given.version, given.grus.get(layer.name))
    try:
        variant = chooser.cell()
    except ValueError as error:
        raise ValueError(say("the layer {name}: {error}", name=name, error=limits.reason(error))) from error
    return Made(cell, variant, _split(name, chooser.kind, variant, kernel), chooser.defaults, chooser.doubts)


def _split(where: str, kind: str, cell: type[Cell], kernel: Kernel) -> Params:
    """Our parameters from a cell's kernel, recurrent_kernel and bias, which Keras applies from the right."""
    found = kernel.plain(limits.weights(kernel.arrays, where))
    letters = ORDER[kind]
    hidden, width = len(found["recurrent_kernel"]), len(found["kernel"])
    wide = len(letters) * hidden
    inside = any(param.name == "b_hn" for param in cell.params)
    shapes = {"kernel": (width, wide), "recurrent_kernel": (hidden, wide), "bias": (2, wide) if inside else (wide,)}
    zero = np.zeros(shapes["bias"], found["kernel"].dtype)
    for key, value in found.items():
        limits.expect(value, shapes[key], say("{key} of {where}", key=key, where=where))
    bias = found.get("bias", zero)
    of_input, of_state = (bias[0], bias[1]) if inside else (bias, np.zeros_like(bias))
    params: Params = {}
    for k, letter in enumerate(letters):
        at = slice(k * hidden, (k + 1) * hidden)
        params[f"W_{letter}"] = np.ascontiguousarray(found["kernel"][:, at].T)
        params[f"U_{letter}"] = np.ascontiguousarray(found["recurrent_kernel"][:, at].T)
        if inside and letter == "n":
            params["b_n"], params["b_hn"] = of_input[at], of_state[at]
        else:
            params[f"b_{letter}"] = of_input[at] + of_state[at]
    return params
