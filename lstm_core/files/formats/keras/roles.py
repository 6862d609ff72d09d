"""What a file's other arrays are: whose layer each belongs to, and what that layer does for the recurrent ones."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from lstm_core.files.formats.keras.kernels import parts
from lstm_core.files.formats.keras.recurrent import Recurrent
from lstm_core.files.formats.keras.tree import Node

EMBEDDING = re.compile(r"(^|/)(layers/embedding(_\d+)?/vars/0|embeddings(:0)?)$")
WRAPPERS = ("layer", "cell")


class Owners:
    """The layers of a model by the paths of their arrays. places: of each in the configuration."""

    def __init__(self, root: Node) -> None:
        """root: the configuration of the whole model."""
        self.places = {node: place for place, node in enumerate(root.walk())}
        self.by_keys = {node.keys: node for node in self.places}
        self.within: dict[str, dict[str, Node]] = {}
        for node in self.places:
            if node is not root:
                self.within.setdefault(node.top, {})[node.name] = node

    def of(self, path: str) -> Node | None:
        """The innermost layer that an array belongs to; None if none is known."""
        steps = parts(path)
        if "vars" in steps:
            ends = range(len(steps) - steps[::-1].index("vars") - 1, 0, -1)
            return next((self.by_keys[steps[:end]] for end in ends if steps[:end] in self.by_keys), None)
        starts = ("/".join(steps[:end]) for end in range(len(steps), 0, -1))
        top = next((start for start in starts if start in self.within), "")
        inside = self.within.get(top, {})
        node = next((inside[step] for step in reversed(steps) if step in inside), None)
        while node is not None and any(node.inside.get(key) for key in WRAPPERS):
            node = next(node.inside[key][0] for key in WRAPPERS if node.inside.get(key))
        return node


def roles(
    names: Iterable[str],
    owners: Owners | None,
    layers: Sequence[Recurrent],
    heads: Mapping[Node, Sequence[Node]],
    inner: Collection[Node],
) -> dict[str, str]:
    """What each of the arrays is: "embedding"; "output", of the last Dense layer that reads what the last of the
    recurrent ``layers`` shows, if no layer reads that in turn; else its layer's class. A file of weights alone says
    which are embeddings and nothing else."""
    found: dict[str, str] = {}
    read = heads.get(layers[-1].node, []) if layers and layers[-1].node is not None else []
    output = read[-1] if read and read[-1] not in inner else None
    for name in names:
        if owners is None:
            if EMBEDDING.search("/".join(parts(name))):
                found[name] = "embedding"
            continue
        node = owners.of(name)
        if node is not None:
            found[name] = "embedding" if node.kind == "Embedding" else "output" if node is output else node.kind
    return found
