"""Recurrent layers in a Keras file: ``.keras``, ``.weights.h5`` and the older ``.h5``. Keras itself is not needed.

A ``.keras`` archive and an older ``.h5`` hold the layers' configuration beside the weights; a ``.weights.h5`` holds
the weights alone, and what they do not say is taken as Keras has it by default and listed in ``Block.assumed``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_core.block import Block
from lstm_core.cells import CELLS
from lstm_core.cells.base import Cell
from lstm_core.files import archive, limits
from lstm_core.files.formats import Content, Format, Found, hdf5
from lstm_core.files.options import Options
from lstm_core.files.variant import Activation, activation, variant
from lstm_core.say import say

ORDER = {"LSTM": "ifgo", "GRU": "zrn", "SimpleRNN": "a"}
NAMES = {"linear": "affine", "swish": "silu"}  # Keras's name for a function: ours
MAX_JSON = 64 << 20

Weights = dict[str, np.ndarray]
"""kernel (input, k * hidden), recurrent_kernel (hidden, k * hidden) and perhaps bias of one layer in one direction."""


@dataclass(frozen=True)
class Layer:
    """What a configuration says of one recurrent layer. ``path``: names and class names that may lead to its
    weights."""

    name: str
    kind: str
    config: Mapping[str, Any]
    path: tuple[str, ...]
    bidirectional: bool


def read(content: Content, options: Options) -> Found:
    """The recurrent layers, and the file's other matrices and vectors by path."""
    source = _from_zip if content.members else _from_hdf5
    return source(content.data, options.max_bytes, options.cell)


def _from_zip(data: bytes, limit: int, cell: str | Mapping[str, str] | None) -> Found:
    """The layers of a ``.keras`` archive."""
    sizes = archive.members(data, limit)
    if "model.weights.h5" not in sizes:
        raise ValueError(say("the archive holds no model.weights.h5, so it is no Keras model"))
    config = _json(archive.member(data, "config.json", MAX_JSON)) if "config.json" in sizes else None
    _, arrays = hdf5.read(archive.member(data, "model.weights.h5", limit), limit)
    return Found(_blocks(_weights(arrays), config, cell), _others(arrays))


def _from_hdf5(data: bytes, limit: int, cell: str | Mapping[str, str] | None) -> Found:
    """The layers of a ``.weights.h5`` or an older ``.h5``."""
    text, arrays = hdf5.read(data, limit)
    return Found(_blocks(_weights(arrays), None if text is None else _json(text), cell), _others(arrays))


def _json(text: bytes | str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(say("the model's configuration is no JSON: {error}", error=str(error))) from error


def _weights(arrays: Mapping[str, np.ndarray]) -> dict[str, Weights]:
    """The weights of every recurrent layer and direction by the path of its group, found by their shapes.

    Keras 3 numbers a cell's variables: .../cell/vars/0, 1, 2. Before, they had names: .../kernel:0, recurrent_kernel:0.
    """
    groups: dict[str, dict[str, np.ndarray]] = {}
    for path, values in arrays.items():
        group, _, name = path.rpartition("/")
        groups.setdefault(group, {})[name.removesuffix(":0")] = values
    found = {}
    for group, entries in groups.items():
        if {"kernel", "recurrent_kernel"} <= set(entries):
            names = {name: name for name in ("kernel", "recurrent_kernel", "bias")}
            where = group
        elif re.search(r"(^|/)(cell|[a-z_\d]*_cell(_\d+)?)/vars$", group) and {"0", "1"} <= set(entries):
            names = {"kernel": "0", "recurrent_kernel": "1", "bias": "2"}
            where = group.removesuffix("/vars")
        else:
            continue
        if any(entries[names[key]].ndim != 2 for key in ("kernel", "recurrent_kernel")):
            continue  # a convolutional LSTM
        found[where] = {key: entries[name] for key, name in names.items() if name in entries}
    return found


def _others(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {path: values for path, values in arrays.items() if values.dtype.kind == "f"}


def _blocks(found: dict[str, Weights], config: Any, cell: str | Mapping[str, str] | None) -> list[Block]:
    layers = list(_layers(config, ())) if config is not None else []
    blocks, left = [], dict(found)
    for layer in layers:
        paths = _claim(layer, left)
        if paths:
            blocks.append(_from_config(layer, [left.pop(path) for path in paths]))
    return blocks + _without_config(left, cell)


# What a configuration says.


def _layers(config: Any, path: tuple[str, ...], depth: int = 0) -> Iterator[Layer]:
    """The recurrent layers in a model's configuration, in order, models in models included."""
    if depth > hdf5.MAX_DEPTH:
        raise ValueError(say("models are nested more than {depth} deep", depth=hdf5.MAX_DEPTH))
    inner = _dict(_dict(config).get("config"))
    layers = inner.get("layers", [])
    used: dict[str, int] = {}
    for layer in layers if isinstance(layers, list) else []:
        layer = _dict(layer)
        kind, options = str(layer.get("class_name", "")), _dict(layer.get("config"))
        snake = _snake(kind)
        used[snake] = used.get(snake, -1) + 1
        # Keras 3 names a layer's group by its class and how many of it came before, older ones by the layer's name.
        key = snake if used[snake] == 0 else f"{snake}_{used[snake]}"
        here = (*path, f"layers/{key}", str(options.get("name", key)))
        name = "/".join((*path[1::2], str(options.get("name", key))))
        wrapped = _dict(options.get("layer"))
        if kind == "Bidirectional" and (recurrent := _recurrent(wrapped)):
            _check_backward(options, recurrent, name)
            yield Layer(name, *recurrent, here, True)
        elif recurrent := _recurrent(layer):
            yield Layer(name, *recurrent, here, False)
        elif "layers" in options:
            yield from _layers(layer, here, depth + 1)


def _recurrent(layer: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
    """Kind and options of a recurrent layer; an ``RNN`` round one of the three cells is such a layer. None for
    others."""
    kind, options = str(layer.get("class_name", "")), _dict(layer.get("config"))
    if kind in ORDER:
        return kind, options
    cell = _dict(options.get("cell"))
    inner = str(cell.get("class_name", "")).removesuffix("Cell")
    if kind == "RNN":
        if inner not in ORDER:
            raise ValueError(
                say(
                    "the layer {name} is an RNN of {kind}, which is not supported",
                    name=options.get("name"),
                    kind=cell.get("class_name"),
                )
            )
        return inner, {**options, **_dict(cell.get("config")), "name": options.get("name")}
    return None


def _check_backward(options: Mapping[str, Any], forward: tuple[str, Mapping[str, Any]], name: str) -> None:
    """A Bidirectional may have a layer of its own for the way back; it has to be of the same kind."""
    backward = _recurrent(_dict(options.get("backward_layer")))
    keys = ("activation", "recurrent_activation", "reset_after", "use_bias")
    if backward and (backward[0] != forward[0] or any(backward[1].get(k) != forward[1].get(k) for k in keys)):
        raise ValueError(say("the two directions of {name} are different layers, which is not supported", name=name))


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _snake(name: str) -> str:
    """As Keras makes a group's name from a class: LSTM is lstm, SimpleRNN simple_rnn."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _claim(layer: Layer, found: Mapping[str, Weights]) -> list[str]:
    """The paths of a layer's weights, forward first; none if they are not there."""
    keys, names = "/".join(layer.path[::2]), layer.path[1::2]

    def below(path: str) -> bool:
        path = path.replace("_layer_checkpoint_dependencies", "layers").removeprefix("model_weights/")
        parts = path.split("/")
        if parts[0] == "layers":
            return path.startswith(f"{keys}/")
        return parts[0] == names[0] and all(name in parts for name in names)

    paths = [path for path in found if below(path)]
    if not layer.bidirectional:
        return paths[:1]
    forward = [path for path in paths if re.search(r"(^|/)forward_", path)]
    backward = [path for path in paths if re.search(r"(^|/)backward_", path)]
    if len(forward) != 1 or len(backward) != 1:
        raise ValueError(say("the two directions of {name} are not both in the file", name=layer.name))
    return forward + backward


def _from_config(layer: Layer, parts: Sequence[Weights]) -> Block:
    options = layer.config
    try:
        given, inner = (_function(options, key) for key in ("activation", "recurrent_activation"))
    except ValueError as error:
        raise ValueError(say("the layer {name}: {error}", name=layer.name, error=limits.reason(error))) from error
    base = _cell(layer.kind, bool(options.get("reset_after", True)), given, inner)
    directions = (
        ("forward", "reverse") if layer.bidirectional else ("reverse",) if options.get("go_backwards") else ("forward",)
    )
    if layer.bidirectional and options.get("go_backwards"):
        raise ValueError(say("the forward layer of {name} goes backwards, which is not supported", name=layer.name))
    first = not options.get("time_major", False)
    return Block(layer.name, "keras", base, [_row(layer.name, layer.kind, base, parts)], directions, first)


def _function(options: Mapping[str, Any], key: str) -> Activation:
    usual = "tanh" if key == "activation" else "sigmoid"
    name = options.get(key, usual)
    if isinstance(name, dict):  # a function that is an object, with its options
        raise ValueError(say("its {key} is {kind}, which is not supported", key=key, kind=name.get("class_name")))
    if name is None:
        name = "linear"
    if name == "hard_sigmoid":  # Keras 3: relu6(x + 3) / 6
        return activation("hardsigmoid", 1 / 6, 0.5)
    if name == "leaky_relu":
        return activation("leakyrelu", 0.2)
    return activation(NAMES.get(str(name), str(name)))


def _cell(kind: str, reset_after: bool, given: Activation, inner: Activation) -> type[Cell]:
    if kind == "LSTM":
        return variant(CELLS["lstm"], inner, given, given)
    if kind == "GRU":
        return variant(CELLS["gru" if reset_after else "gru_cho"], inner, given)
    return CELLS["rnn_relu"] if given == activation("relu") else variant(CELLS["rnn"], shown=given)


# Weights.


def _without_config(left: dict[str, Weights], cell: str | Mapping[str, str] | None) -> list[Block]:
    """Blocks from weights alone. A GRU without bias may be of either kind, and the file does not say which: asks."""
    pairs: dict[str, list[Weights]] = {}
    for path, part in sorted(left.items(), key=lambda item: "backward_" in item[0]):
        parts = [step for step in path.split("/") if step not in ("cell", "layers", "_layer_checkpoint_dependencies")]
        two = any(step.startswith(("forward_", "backward_")) for step in parts)
        name = "/".join(step for step in parts if not (two and step.startswith(("forward_", "backward_"))))
        pairs.setdefault(re.sub(r"(/(lstm|gru|simple_rnn)_cell(_\d+)?)$", "", name), []).append(part)
    fits = {}
    for name, parts in pairs.items():
        hidden = parts[0]["recurrent_kernel"].shape[0]
        times, rest = divmod(parts[0]["recurrent_kernel"].shape[1], max(1, hidden))
        bias = parts[0].get("bias")
        gru = ("gru", "gru_cho") if bias is None else ("gru",) if bias.ndim == 2 else ("gru_cho",)
        fits[name] = {4: ("lstm",), 3: gru, 1: ("rnn",)}.get(times, ())
        if rest or not fits[name]:
            raise ValueError(
                say(
                    "recurrent_kernel of {name} is {shape}, which fits no LSTM, GRU or RNN",
                    name=name,
                    shape=parts[0]["recurrent_kernel"].shape,
                )
            )
    chosen = limits.choose({name: cells for name, cells in fits.items() if len(cells) > 1}, cell)
    kinds = {"lstm": "LSTM", "gru": "GRU", "gru_cho": "GRU", "rnn": "SimpleRNN"}
    blocks = []
    for name, parts in pairs.items():
        key = chosen.get(name) or fits[name][0]
        directions = ("forward", "reverse") if len(parts) == 2 else ("forward",)
        row = _row(name, kinds[key], CELLS[key], parts)
        assumed = (say("the activations are tanh and sigmoid, and it runs forward: the file holds weights alone"),)
        blocks.append(Block(name, "keras", CELLS[key], [row], directions, True, assumed=assumed))
    return blocks


def _row(name: str, kind: str, cell: type[Cell], parts: Sequence[Weights]) -> list[dict[str, np.ndarray]]:
    return [_split(say("{name} backward", name=name) if k else name, kind, cell, part) for k, part in enumerate(parts)]


def _split(where: str, kind: str, cell: type[Cell], part: Weights) -> dict[str, np.ndarray]:
    """Our parameters from a layer's kernel, recurrent_kernel and bias, which Keras applies from the right."""
    found = limits.weights(part, where)
    letters = ORDER[kind]
    hidden = found["recurrent_kernel"].shape[0]
    wide = len(letters) * hidden
    limits.expect(
        found["recurrent_kernel"], (hidden, wide), say("{key} of {where}", key="recurrent_kernel", where=where)
    )
    limits.expect(found["kernel"], (found["kernel"].shape[0], wide), say("{key} of {where}", key="kernel", where=where))
    inside = any(param.name == "b_hn" for param in cell.params)
    zero = np.zeros((2, wide) if inside else wide, found["kernel"].dtype)
    bias = limits.expect(found.get("bias", zero), zero.shape, say("{key} of {where}", key="bias", where=where))
    of_input, of_state = (bias[0], bias[1]) if inside else (bias, np.zeros_like(bias))
    params: dict[str, np.ndarray] = {}
    for k, letter in enumerate(letters):
        at = slice(k * hidden, (k + 1) * hidden)
        params[f"W_{letter}"] = np.ascontiguousarray(found["kernel"][:, at].T)
        params[f"U_{letter}"] = np.ascontiguousarray(found["recurrent_kernel"][:, at].T)
        if inside and letter == "n":
            params["b_n"], params["b_hn"] = of_input[at], of_state[at]
        else:
            params[f"b_{letter}"] = of_input[at] + of_state[at]
    return params


def _fits(content: Content) -> bool:
    return content.starts(b"\x89HDF\r\n\x1a\n") or bool({"model.weights.h5", "config.json"} & set(content.members))


FORMAT = Format("Keras", _fits, read)
