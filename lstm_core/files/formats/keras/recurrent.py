"""The recurrent layers of a model: which cells each has, on top of each other and in which directions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lstm_core.files.formats.keras.tree import Node
from lstm_core.say import Said, say

LAYERS = {"LSTM": "LSTM", "GRU": "GRU", "SimpleRNN": "SimpleRNN", "CuDNNLSTM": "LSTM", "CuDNNGRU": "GRU"}
CELLS = {"LSTMCell": "LSTM", "GRUCell": "GRU", "SimpleRNNCell": "SimpleRNN"}


@dataclass(frozen=True, eq=False)
class CellOf:
    """One cell of a layer. kind: "LSTM", "GRU", "SimpleRNN", or empty if only its weights say. options: what the
    configuration says of it, None if it says nothing. keys: the groups that lead to its numbered variables. trainable:
    files with named variables list what is not last."""

    kind: str
    name: str
    options: Mapping[str, Any] | None
    keys: tuple[str, ...] = ()
    trainable: bool = True


@dataclass(frozen=True, eq=False)
class Way:
    """One direction of a layer: its cells, the lowest first. names: what the layer may be called in a path."""

    names: tuple[str, ...]
    cells: tuple[CellOf, ...]
    backwards: bool


@dataclass(frozen=True, eq=False)
class Recurrent:
    """A recurrent layer. ways: one or, in a Bidirectional, two directions. node: its place in the configuration, None
    if the file has none or does not name it there. doubts: what is not certain of it, in words."""

    name: str
    ways: tuple[Way, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    node: Node | None = None
    merge: str = "concat"
    doubts: tuple[Said, ...] = ()

    @property
    def cells(self) -> list[CellOf]:
        """The cells of all directions, those of the first direction first, lowest first."""
        return [cell for way in self.ways for cell in way.cells]

    @property
    def sequences(self) -> bool:
        """Whether it returns every step, not the last alone."""
        return bool(self.options.get("return_sequences"))


def find(root: Node) -> tuple[list[Recurrent], dict[Node, Said]]:
    """Every recurrent layer in the order of the configuration; and those that are not read, with the reason."""
    found: list[Recurrent] = []
    refused: dict[Node, Said] = {}
    _search(root, found, refused)
    return found, refused


def _search(node: Node, found: list[Recurrent], refused: dict[Node, Said]) -> None:
    message = _unsupported(node)
    if message is not None:
        refused[node] = message
        return
    layer = _bidirectional(node) or _single(node)
    if layer is not None:
        found.append(layer)
        return
    for nodes in node.inside.values():
        for inner in nodes:
            _search(inner, found, refused)


def _single(node: Node) -> Recurrent | None:
    way = _way(node, node.keys)
    if way is None:
        return None
    doubts = (say("{kind} is a class of the model's own: it is read as its weights and options are", kind=node.kind),)
    known = node.kind == "RNN" or way.cells[0].kind
    return Recurrent(node.shown or node.name, (way,), node.config, node, doubts=() if known else doubts)


def _bidirectional(node: Node) -> Recurrent | None:
    if node.kind != "Bidirectional" or node.own or "layer" not in node.inside:
        return None
    [forward] = node.inside["layer"][:1]
    [backward] = node.inside.get("backward_layer", [forward])[:1]
    one = _way(forward, (*node.keys, "forward_layer"))
    two = _way(backward, (*node.keys, "backward_layer"))
    if one is None or two is None:
        return None
    turned = not one.backwards if backward is forward else two.backwards
    one = Way((*one.names, f"forward_{forward.name}"), one.cells, one.backwards)
    two = Way((f"backward_{backward.name}", *(two.names if backward is not forward else ())), two.cells, turned)
    merge = node.config.get("merge_mode", "concat")
    return Recurrent(node.shown or node.name, (one, two), forward.config, node, "none" if merge is None else str(merge))


def _way(node: Node, keys: tuple[str, ...]) -> Way | None:
    """The cells of a layer in its direction; None for a layer that is not recurrent."""
    if node.kind in LAYERS and not node.own:
        where = keys if node.kind.startswith("CuDNN") else (*keys, "cell")
        cells = [CellOf(LAYERS[node.kind], node.name, node.config, where, node.trainable)]
    elif node.kind == "RNN" and not node.own:
        if _unsupported(node) is not None:
            return None
        cells = _cells(node.inside["cell"][0], (*keys, "cell"))
    elif "units" in node.config and "recurrent_initializer" in node.config and not node.kind.endswith("Cell"):
        # A class of the author's that is made from one of Keras's has its options.
        cells = [CellOf("", node.name, node.config, (*keys, "cell"), node.trainable)]
    else:
        return None
    return Way((node.name,), tuple(cells), bool(node.config.get("go_backwards")))


def _cells(cell: Node, keys: tuple[str, ...]) -> list[CellOf]:
    if cell.kind in CELLS:
        return [CellOf(CELLS[cell.kind], cell.name, cell.config, keys, cell.trainable)]
    return [part for inner in cell.inside["cells"] for part in _cells(inner, (*keys, *inner.keys[-2:]))]


def _unsupported(node: Node) -> Said | None:
    """Why a recurrent layer is not read; None if it is, or if it is not a recurrent layer."""
    name = node.shown or node.name
    if node.kind.startswith("ConvLSTM"):
        return say("the layer {name} is a {kind}, which is not supported", name=name, kind=node.kind)
    if node.kind != "RNN" or node.own:
        return None
    if "cell" not in node.inside:
        return say("the layer {name} is an RNN without a cell", name=name)
    kind = _unknown(node.inside["cell"][0])
    if kind is None:
        return None
    return say("the layer {name} is an RNN of {kind}, which is not supported", name=name, kind=kind)


def _unknown(cell: Node) -> str | None:
    """The class of a cell, or of one in a stack, that is not one of Keras's three."""
    if cell.kind == "StackedRNNCells" and not cell.own and "cells" in cell.inside:
        return next((kind for kind in map(_unknown, cell.inside["cells"]) if kind is not None), None)
    return None if cell.kind in CELLS and not cell.own else cell.kind
