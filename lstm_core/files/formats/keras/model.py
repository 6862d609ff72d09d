"""A model from its file: its recurrent layers with their weights, what they read, and what the other arrays are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain

import numpy as np

from lstm_core.block import Block
from lstm_core.files import limits
from lstm_core.files.formats import Found
from lstm_core.files.formats.keras import alone, kernels, recurrent
from lstm_core.files.formats.keras.blocks import Given, build
from lstm_core.files.formats.keras.cells import Chooser
from lstm_core.files.formats.keras.flow import Wiring, wire
from lstm_core.files.formats.keras.kernels import Kernel
from lstm_core.files.formats.keras.match import match
from lstm_core.files.formats.keras.reading import attach
from lstm_core.files.formats.keras.recurrent import CellOf, Recurrent
from lstm_core.files.formats.keras.roles import Owners, roles
from lstm_core.files.formats.keras.stored import Stored
from lstm_core.files.formats.keras.tree import Node, tree
from lstm_core.files.options import Options
from lstm_core.say import say

KERAS_1 = re.compile(r"_[WU](_[ifcozrh])?(:0)?$")
CONVOLUTION = re.compile(r"conv_?lstm", re.IGNORECASE)
MOST_PROBLEMS = 5


class Model:
    """See ``found``. layers: in the model's order. weights: of their cells. problems: why others are not read."""

    def __init__(self, file: Stored, options: Options) -> None:
        """file: its configuration, if it has one, and its arrays. options: what the caller says of it."""
        self.file, self.options = file, options
        self.root = None if file.config is None else tree(file.config)
        self.owners = None if self.root is None else Owners(self.root)
        self.problems: list[str] = []
        self.kernels = kernels.find(file)
        self.weights: dict[CellOf, Kernel] = {}
        self.layers = self._layers()

    def found(self) -> Found:
        """The blocks, the other arrays and their roles. Raises ValueError, naming a layer, if none can be read;
        Ambiguous as ``load`` says."""
        blocks = self._blocks()
        arrays = self.file.arrays
        used = {path for kernel in self.kernels for path in kernel.paths}
        others = {path: value for path, value in arrays.items() if value.dtype.kind == "f" and path not in used}
        layout = {path: value.shape for path, value in arrays.items()}
        if not blocks:
            self._refuse()
            return Found([], others, {}, layout)
        wiring = Wiring() if self.root is None else wire(self.root, list(blocks))
        blocks = attach(blocks, wiring, self._embeddings(others), self.file.version)
        notes = tuple(say("another layer of the file is not read: {reason}", reason=text) for text in self.problems)
        notes = notes[:MOST_PROBLEMS]
        made = [replace(block, assumed=(*block.assumed, *notes)) for block in chain.from_iterable(blocks.values())]
        return Found(made, others, roles(others, self.owners, list(blocks), wiring.heads, wiring.inner), layout)

    def _layers(self) -> list[Recurrent]:
        """The layers whose weights are in the file: those of the configuration, and those that it says nothing of."""
        known, refused = ([], {}) if self.root is None else recurrent.find(self.root)
        self.problems += refused.values()
        self.weights |= match(known, self.kernels)
        layers, self.missing = [], []
        for layer in known:
            here = [cell in self.weights for cell in layer.cells]
            if all(here):
                layers.append(layer)
            elif any(here):
                both = say("the two directions of {name} are not both in the file", name=layer.name)
                every = say("the cells of {name} are not all in the file", name=layer.name)
                self.problems.append(both if len(layer.ways) == 2 else every)
            else:
                self.missing.append(layer.name)
        taken = set(self.weights.values())
        others = _Refused(refused)
        left = [kernel for kernel in self.kernels if kernel not in taken and not others.has(kernel)]
        for layer, found in alone.layers(left, self._shown).items():
            layers.append(layer)
            self.weights |= zip(layer.cells, found, strict=True)
        if self.options.go_backwards is not None:
            layers = [_turned(layer, self.options.go_backwards) for layer in layers]
        return _unique(sorted(layers, key=self._place))

    def _place(self, layer: Recurrent) -> int:
        """The layer's place in the configuration; what is not in it comes last, as it lies in the file."""
        if self.owners is None:
            return 0
        kernel = self.weights[layer.cells[0]]
        node = layer.node or self.owners.of(kernel.paths[0])
        return len(self.owners.places) if node is None else self.owners.places[node]

    def _shown(self, kernel: Kernel) -> tuple[str, ...]:
        """The groups that lead to some weights, with the name of the layer that they lie in where it is known."""
        node = None if self.owners is None else self.owners.of(kernel.paths[0])
        if node is None or not node.shown:
            return kernel.parts
        return (*node.shown.split("/"), *kernel.parts[len(node.keys) :])

    def _blocks(self) -> dict[Recurrent, list[Block]]:
        alone, unsaid = say("the file holds weights alone"), say("the options of this layer are not in the file")
        asked = {
            layer.name: ("gru", "gru_cho")
            for layer in self.layers
            if any(Chooser(cell, self.weights[cell], self.options, self.file.version).open for cell in layer.cells)
        }
        grus = limits.choose(asked, self.options.cell)
        given = Given(self.options, self.file.version, self.weights, alone if self.root is None else unsaid, grus)
        blocks: dict[Recurrent, list[Block]] = {}
        for layer in self.layers:
            try:
                blocks[layer] = build(layer, given)
            except ValueError as error:
                self.problems.append(limits.reason(error))
        return blocks

    def _embeddings(self, others: Mapping[str, np.ndarray]) -> dict[Node, str]:
        found: dict[Node, str] = {}
        for path, value in others.items():
            node = None if self.owners is None else self.owners.of(path)
            if node is not None and node.kind == "Embedding" and value.ndim == 2:
                found.setdefault(node, path)
        return found

    def _refuse(self) -> None:
        """ValueError for a file of which nothing can be read, with what is known of the reason."""
        if self.problems:
            raise ValueError(self.problems[0])
        if self.file.version.before(2) or any(KERAS_1.search(path) for path in self.file.arrays):
            raise ValueError(say("this file was written by Keras 1; load it in Keras 2 and save it again"))
        if self.missing:
            raise ValueError(say("the weights of the layer {name} are not in the file", name=self.missing[0]))
        for path in self.file.arrays:
            if CONVOLUTION.search(path):
                name = "/".join(step for step in kernels.parts(path)[:-1] if step not in ("layers", "vars", "cell"))
                text = say("the layer {name} is a {kind}, which is not supported", name=name, kind="ConvLSTM")
                raise ValueError(text)


class _Refused:
    """Layers that are not read, and whether some weights belong to one."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.keys: set[tuple[str, ...]] = set()
        self.names: set[tuple[str, str]] = set()
        for node in nodes:
            # A Bidirectional has two such layers, in groups of other names.
            self.keys.add(node.keys[:-1] if node.keys[-1:] in (("layer",), ("backward_layer",)) else node.keys)
            names = (node.name, f"forward_{node.name}", f"backward_{node.name}")
            # What stands in a wrapper may not be named in a path at all.
            self.names |= {(node.top, name) for name in (*names, *([node.top] if node.shown == node.top else []))}

    def has(self, kernel: Kernel) -> bool:
        if kernel.numbered:
            return any(kernel.parts[:end] in self.keys for end in range(len(kernel.parts) + 1))
        return any((kernel.layer, part) in self.names for part in (kernel.layer, *kernel.parts))


def _turned(layer: Recurrent, backwards: bool) -> Recurrent:
    """The layer in the direction that the caller says; a Bidirectional runs in both anyhow."""
    return replace(layer, ways=(replace(layer.ways[0], backwards=backwards),)) if len(layer.ways) == 1 else layer


def _unique(layers: Iterable[Recurrent]) -> list[Recurrent]:
    """The layers, with a number behind a name that another one has."""
    taken: set[str] = set()
    last: dict[str, int] = {}
    found = []
    for layer in layers:
        name = unique = layer.name or "cell"
        while unique in taken:
            last[name] = last.get(name, 0) + 1
            unique = f"{name}_{last[name]}"
        taken.add(unique)
        found.append(replace(layer, name=unique))
    return found
