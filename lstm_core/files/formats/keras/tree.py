"""A model's configuration as a tree of layers: models in models, layers in wrappers, cells in layers.

Every option that is itself a layer, or a list of layers, is followed, whatever the class that has it, so that a
recurrent layer is found wherever it stands. Nothing here knows what a layer computes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lstm_core.files.limits import shown
from lstm_core.say import say

MAX_DEPTH = 32
MAX_LAYERS = 50_000
KERAS = ("keras", "tf_keras", "tensorflow")
CONTAINERS = ("Sequential", "Functional", "Model")
NO_LAYER = re.compile(
    r".*(_initializer|_regularizer|_constraint)|dtype|quantization_config|build_config|compile_config"
)


@dataclass(eq=False)
class Node:
    """One layer as the configuration has it.

    kind: its class. own: a class of the model's author, not of Keras. shown: its name with those of the models that it
        stands in. top: the layer of the whole model that it is or stands in. keys: the groups that lead to its
        variables where these are numbered ("layers", "lstm_1").
    inside: the layers in it, by the option that holds them. inbound: its calls, in a model that is a graph.
    """

    kind: str
    name: str
    shown: str
    config: Mapping[str, Any]
    keys: tuple[str, ...]
    top: str = ""
    own: bool = False
    trainable: bool = True
    inbound: list[Any] = field(default_factory=list)
    inside: dict[str, list[Node]] = field(default_factory=dict)

    @property
    def is_model(self) -> bool:
        """Whether its layers feed each other, as its configuration says."""
        return "layers" in self.inside and (self.kind in CONTAINERS or not self.inside.keys() - {"layers"})

    @property
    def label(self) -> str:
        """Its class and name, for messages: "LSTM lstm_1"."""
        return f"{self.kind} {self.name}"

    def walk(self) -> Iterator[Node]:
        """This layer and all in it, in the order of the configuration."""
        yield self
        for nodes in self.inside.values():
            for node in nodes:
                yield from node.walk()


def tree(config: Any) -> Node:
    """The tree of a model's configuration. Raises ValueError for one that is too deep or too large."""
    return _node(config, None, "", "", [0])


def mapping(value: Any) -> Mapping[str, Any]:
    """``value`` if it is a mapping, else an empty one: what is of the wrong type says nothing."""
    return value if isinstance(value, dict) else {}


def text(value: Any, usual: str = "") -> str:
    """``value`` if it is text that can be shown, else ``usual``."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) and value else usual


def number(value: Any, usual: float) -> float:
    """``value`` if it is a number of a sensible size, else ``usual``."""
    return float(value) if isinstance(value, int | float) and abs(value) < 1e30 else usual


def snake(name: str) -> str:
    """As Keras makes a group's name from a class: LSTM is lstm, SimpleRNN simple_rnn, CuDNNLSTM cu_dnnlstm."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _node(value: Any, parent: Node | None, option: str, group: str, seen: list[int], depth: int = 0) -> Node:
    """option: of ``parent``, which holds it. group: its own in a list of layers, else empty."""
    seen[0] += 1
    if depth > MAX_DEPTH:
        raise ValueError(say("models are nested more than {depth} deep", depth=MAX_DEPTH))
    if seen[0] > MAX_LAYERS:
        raise ValueError(say("the model's configuration has more than {count:,} layers", count=MAX_LAYERS))
    entry = mapping(value)
    kind, inner = shown(text(entry.get("class_name"))), entry.get("config")
    options = {"layers": inner} if isinstance(inner, list) else mapping(inner)  # a Sequential until Keras 2.2.2
    name = text(options.get("name"), text(entry.get("name"), group or snake(kind)))
    node = Node(kind, name, "", options, ())
    if parent is not None:
        node.keys = (*parent.keys, option, group) if group else (*parent.keys, option)
        node.top = parent.top or name
        # The one layer in a wrapper, or the one cell in an RNN, is called as its wrapper.
        inside = f"{parent.shown}/{name}" if parent.shown else name
        node.shown = parent.shown if option in ("layer", "backward_layer", "cell") and parent.shown else inside
    module = entry.get("module", KERAS[0])
    node.own = not (isinstance(module, str) and module.startswith(KERAS))
    node.trainable = options.get("trainable") is not False and (parent is None or parent.trainable)
    node.inbound = entry["inbound_nodes"] if isinstance(entry.get("inbound_nodes"), list) else []
    for key, held in options.items():
        if NO_LAYER.fullmatch(key):
            continue
        if _is_layer(held):
            node.inside[key] = [_node(held, node, key, "", seen, depth + 1)]
        elif isinstance(held, list | dict):
            layers = [item for item in _items(held) if _is_layer(item)]
            if layers:
                node.inside[key] = _listed(layers, node, key, seen, depth)
    return node


def _listed(layers: list[Any], parent: Node, option: str, seen: list[int], depth: int) -> list[Node]:
    """The layers of a list. Keras 3 names the group of each by its class and how many of it came before."""
    used: dict[str, int] = {}
    nodes = []
    for item in layers:
        group = snake(text(item["class_name"]))
        used[group] = used.get(group, -1) + 1
        group = f"{group}_{used[group]}" if used[group] else group
        nodes.append(_node(item, parent, option, group, seen, depth + 1))
    return nodes


def _items(held: Any) -> list[Any]:
    return list(held.values()) if isinstance(held, dict) else held


def _is_layer(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("class_name"), str)
        and isinstance(value.get("config"), dict | list)
    )
