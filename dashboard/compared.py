"""Two models to be compared, for the page "Compare", and what ``lstm_core.compare`` says of them.

A worker (``dashboard.workers``) works that out where one is a visitor's: nothing here knows of Streamlit.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from dashboard.language import mark
from lstm_core import Block, Network, compare
from lstm_core.comparing.beside import beside
from lstm_core.comparing.result import Comparison, Found, Parting
from lstm_core.files import Loaded, packed
from lstm_core.files.limits import reason
from lstm_core.files.sandbox import as_json, from_json
from lstm_core.network import Reader
from lstm_core.say import say

STEPS = 200
"""That are compared: where two part, they do so early."""
BESIDE = "beside "
"""What the names of ``Side.others`` begin with on their way to a worker: one may be called "embedding"."""


@dataclass(frozen=True, eq=False)
class Side:
    """A model to be compared: its blocks, first to last, the embedding that its words are looked up in, if it reads
    words, (words, input), and the arrays that a file has beside these, by name."""

    name: str
    blocks: tuple[Block, ...]
    embedding: np.ndarray | None = None
    others: Mapping[str, np.ndarray] = field(default_factory=dict)

    @staticmethod
    def of(network: Network) -> Side:
        return Side(network.name, (*network.below, network.block), network.embedding if network.reader else None)

    def model(self) -> Network | Loaded:
        """As ``lstm_core.compare`` takes it."""
        block, *above = self.blocks
        if above:
            return Loaded("", self.blocks)
        skips = block.reads is not None and block.reads.mask_zero
        reader = None if self.embedding is None else Reader(self.embedding, padding=0 if skips else None)
        return Network(self.name, block, reader)

    def reads(self, ids: np.ndarray) -> np.ndarray:
        """(time, input): the vectors that its words are. Raises ValueError where it has none for one of them."""
        if self.embedding is None or len(ids) and ids.max() >= len(self.embedding):
            raise ValueError(say("A has no embedding for these words"))
        return self.embedding[ids]


def answered(a: Side, b: Side, x: np.ndarray) -> Comparison:
    """What ``lstm_core.compare`` says of them on x, which ``a`` reads: ids, (time,), or vectors, (time, input).

    Raises ValueError as it does, and where ``b`` reads vectors and ``a`` has none for these ids.
    """
    if x.ndim == 1 and (b.embedding is None or len(a.blocks) + len(b.blocks) > 2):
        x = a.reads(x)
    if x.ndim == 2:
        a, b = replace(a, embedding=None), replace(b, embedding=None)
    found = compare(a.model(), b.model(), a.blocks[0].laid_out(x[:, None]))
    return replace(found, beside=beside(Loaded("", (), a.others), Loaded("", (), b.others), found.limit))


# ---- to a worker, and back


def sent(a: Side, b: Side, x: np.ndarray) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Arrays as NumPy writes them, "x" and those of both models by their place; and what else there is of these."""
    plain, files = {}, {"x": _npy(x)}
    for name, side in (("a", a), ("b", b)):
        others = {f"{BESIDE}{own}": array for own, array in side.others.items()}
        others |= {} if side.embedding is None else {"embedding": side.embedding}
        plain[name], arrays = packed.pack(Loaded(side.name, side.blocks, others))
        files |= {f"{name}{k}": _npy(array) for k, array in enumerate(arrays)}
    return files, plain


def read(files: Mapping[str, bytes], a: Any, b: Any) -> tuple[Any, Sequence[np.ndarray]]:
    """A reader: of what ``sent`` made."""

    def side(name: str, plain: Any) -> Side:
        arrays = [_array(files[f"{name}{k}"]) for k in range(sum(one.startswith(name) for one in files))]
        loaded = packed.unpack(plain, arrays)
        others = {own.removeprefix(BESIDE): array for own, array in loaded.others.items() if own.startswith(BESIDE)}
        return Side(loaded.format, loaded.blocks, loaded.others.get("embedding"), others)

    first, second = side("a", a), side("b", b)
    try:
        found = answered(first, second, _array(files["x"]))
    except ValueError as error:
        return {"wrong": as_json(reason(error))}, [np.zeros(0)]
    told = {name: _plain(getattr(found, name)) for name in ("equal", "error", "limit", "explained", "left")}
    parting = found.parting and {name: _plain(value) for name, value in vars(found.parting).items()}
    causes = [[one.name, as_json(one.change), one.side, one.where] for one in found.causes]
    parameters = found.parameters and [[*place, float(by)] for place, by in found.parameters.items()]
    told |= {"parting": parting, "causes": causes, "parameters": parameters, "beside": found.beside}
    told["cells"] = found.cells
    return told, [found.growth]


def came(said: Any, growth: np.ndarray) -> Comparison:
    """What a worker answered. Raises ValueError as ``answered`` does."""
    if "wrong" in said:
        raise ValueError(from_json(said["wrong"]))
    place, parameters = said["parting"], said["parameters"] or []
    shapes = place and place["shapes"] and tuple(tuple(shape) for shape in place["shapes"])
    return Comparison(
        said["equal"],
        said["error"],
        said["limit"],
        Parting(**{**place, "shapes": shapes}) if place else None,
        growth,
        tuple(Found(name, from_json(change), side, _places(where)) for name, change, side, where in said["causes"]),
        said["explained"],
        said["left"],
        {(layer, direction, name): by for layer, direction, name, by in parameters},
        beside=tuple((own, other, error) for own, other, error in said["beside"]),
        cells=said["cells"] and (said["cells"][0], said["cells"][1]),
    )


def _places(where: Any) -> tuple[tuple[int, int | None], ...]:
    return tuple((layer, direction) for layer, direction in where)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def _array(data: bytes) -> np.ndarray:
    return np.load(io.BytesIO(data), allow_pickle=False)


# ---- copies with a fault

ORDER, HALF, END = mark("two gates exchanged"), mark("weights rounded to 16 bits"), mark("read from the end")


def faults(side: Side) -> list[str]:
    """What can be done to a copy of it."""
    return [*[ORDER] * (len(_gates(side)) > 1), HALF, END]


def planted(side: Side, fault: str) -> Side:
    """A copy with one of ``faults`` in its first block."""
    block, *rest = side.blocks
    if fault == END:
        both = len(block.directions) == 2
        directions = block.directions if both else ("forward",) if block.directions == ("reverse",) else ("reverse",)
        layers = [row[::-1] for row in block.layers] if both else block.layers
        return replace(side, blocks=(replace(block, directions=directions, layers=layers), *rest))
    change = _rounded if fault == HALF else _exchanged
    layers = [[{name: change(side, params, name) for name in params} for params in row] for row in block.layers]
    return replace(side, blocks=(replace(block, layers=layers, biases=()), *rest))


def _gates(side: Side) -> list[str]:
    names = [param.name for param in side.blocks[0].cell.params]
    return [name[2:] for name in names if name.startswith("W_") and f"U_{name[2:]}" in names]


def _rounded(side: Side, params: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    return params[name].astype(np.float16).astype(params[name].dtype)


def _exchanged(side: Side, params: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """The last two gates for each other, as where a file has another order."""
    one, other = _gates(side)[-2:]
    kind, _, letter = name.partition("_")
    taken = f"{kind}_{ {one: other, other: one}.get(letter, letter) }"
    return params.get(taken, params[name])
