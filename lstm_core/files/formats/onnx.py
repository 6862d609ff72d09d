"""Recurrent blocks in an ONNX file: the nodes LSTM, GRU and RNN, wherever they stand in its graph.

Equations, orders and defaults are those of the operators' specification (LSTM-22, GRU-22, RNN-22 and before).
``clip`` bounds the arguments of gates and candidate, not that of tanh(c); coupled gates are f = 1 - i: so ONNX
Runtime computes them.
"""

from __future__ import annotations

import math
from collections import ChainMap, Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lstm_core.block import Block
from lstm_core.cells import CELLS
from lstm_core.cells.base import Cell
from lstm_core.files import limits
from lstm_core.files.formats import Content, Format, Found
from lstm_core.files.options import Options
from lstm_core.files.variant import FORMULAS, SIGMOID, TANH, Activation, activation, variant
from lstm_core.say import say

ORDER = {"LSTM": "iofg", "GRU": "zrn", "RNN": "a"}
INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
COMMON = {
    "hidden_size",
    "direction",
    "layout",
    "activations",
    "activation_alpha",
    "activation_beta",
    "clip",
    "output_sequence",
}
KNOWN = {"LSTM": COMMON | {"input_forget"}, "GRU": COMMON | {"linear_before_reset"}, "RNN": COMMON}
DIRECTIONS = {"forward": ("forward",), "reverse": ("reverse",), "bidirectional": ("forward", "reverse")}


def read(content: Content, options: Options) -> Found:
    """Every recurrent node as a block, and the graph's other matrices and vectors. Raises ValueError, naming what, for
    one that cannot be traced."""
    data, limit = content.data, options.max_bytes
    try:
        import onnx
    except ImportError:
        raise ValueError(say("an ONNX file is read with the package onnx: pip install 'gatescope[onnx]'")) from None
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise ValueError(
            say("the file is no ONNX model, or damaged or cut short: {error}", error=str(error))
        ) from error
    found: list[Block] = []
    taken: Counter[str] = Counter()
    for node, constants in _nodes(model.graph, ChainMap()):
        if node.op_type in ORDER and node.domain in ("", "ai.onnx"):
            # A name that is no UTF-8 comes as bytes.
            name = str(node.name or next((out for out in node.output if out), node.op_type))
            taken[name] += 1
            unique = name if taken[name] == 1 else f"{name}#{taken[name]}"
            found.append(_block(unique, node, constants, limit))
    return Found(found, _others(model.graph, limit))


def _others(graph: Any, limit: int) -> dict[str, np.ndarray]:
    from onnx import TensorProto

    floats = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16)
    tensors = [tensor for tensor in graph.initializer if tensor.data_type in floats and len(tensor.dims) in (1, 2)]
    tensors = [tensor for tensor in tensors if not (tensor.external_data or tensor.HasField("segment"))]
    return {tensor.name: _array(tensor, tensor.name, limit) for tensor in tensors}


def _nodes(graph: Any, outer: ChainMap[str, Any], depth: int = 0) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Every node of the graph and of the graphs inside it, with the constants (TensorProto) that it can see by name."""
    if depth > 16:
        raise ValueError(say("graphs are nested more than {depth} deep", depth=16))
    constants = outer.new_child({tensor.name: tensor for tensor in graph.initializer})
    for node in graph.node:
        if node.op_type == "Constant" and node.domain in ("", "ai.onnx"):
            for attribute in node.attribute:
                if attribute.name == "value":
                    constants[node.output[0]] = attribute.t
        elif node.op_type == "Identity" and node.input and node.input[0] in constants:
            constants[node.output[0]] = constants[node.input[0]]
    for node in graph.node:
        yield node, constants
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _nodes(inner, constants, depth + 1)


def _array(tensor: Any, what: str, limit: int) -> np.ndarray:
    """The values of a TensorProto; ValueError for one that is elsewhere, too large or not as large as it says."""
    from onnx import TensorProto, helper, numpy_helper

    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        raise ValueError(say("{what} lies in another file; save the model with its data inside", what=what))
    if tensor.HasField("segment"):
        raise ValueError(say("{what} is in segments, which is not supported", what=what))
    try:
        limits.check_size(what, tensor.dims, helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize, limit)
        return numpy_helper.to_array(tensor)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(say("{what} cannot be read: {error}", what=what, error=limits.reason(error))) from error


def _block(name: str, node: Any, constants: Mapping[str, Any], limit: int) -> Block:
    from onnx import helper

    kind = node.op_type
    where = say("the {kind} node {name}", kind=kind, name=name)
    attributes = {str(attribute.name): helper.get_attribute_value(attribute) for attribute in node.attribute}
    unknown = set(attributes) - KNOWN[kind]
    if unknown:
        raise ValueError(
            say(
                "{where} has the attribute {names}, which is not supported",
                where=where,
                names=", ".join(sorted(unknown)),
            )
        )
    direction = attributes.get("direction", b"forward").decode("utf-8", "replace")
    if direction not in DIRECTIONS:
        raise ValueError(
            say(
                "{where} has the direction {direction!r}; there are {names}",
                where=where,
                direction=direction,
                names=", ".join(DIRECTIONS),
            )
        )
    directions = DIRECTIONS[direction]
    inputs = dict(zip(INPUTS, node.input, strict=False))
    given = {
        key: _array(constants[source], say("{key} of {where}", key=key, where=where), limit)
        for key, source in inputs.items()
        if key != "X" and source in constants
    }
    for key in ("W", "R", "B", "P"):
        if inputs.get(key) and key not in given:
            raise ValueError(
                say(
                    "{key} of {where} is computed by the graph; only initialisers and constants can be read",
                    key=key,
                    where=where,
                )
            )
        if key in ("W", "R") and key not in given:
            raise ValueError(say("{where} has no {key}", where=where, key=key))
    found = limits.weights({key: given[key] for key in ("W", "R", "B", "P") if key in given}, where)
    letters = ORDER[kind]
    if found["R"].ndim != 3:
        raise ValueError(
            say(
                "{key} of {where} has {count} axes, not {wanted}", key="R", where=where, count=found["R"].ndim, wanted=3
            )
        )
    hidden, count = found["R"].shape[2], len(directions)
    if attributes.get("hidden_size", hidden) != hidden:
        raise ValueError(
            say(
                "{where} says hidden_size {said}; its R is for {hidden}",
                where=where,
                said=attributes["hidden_size"],
                hidden=hidden,
            )
        )
    rows = len(letters) * hidden
    width = found["W"].shape[2] if found["W"].ndim == 3 else 0
    shapes = {"W": (count, rows, width), "R": (count, rows, hidden), "B": (count, 2 * rows), "P": (count, 3 * hidden)}
    for key, value in found.items():
        limits.expect(value, shapes[key], say("{key} of {where}", key=key, where=where))
    cell = _cell(kind, attributes, "P" in found, count, where)
    layout = attributes.get("layout", 0)
    if layout not in (0, 1):
        raise ValueError(say("{where} has the layout {layout}; there are 0 and 1", where=where, layout=layout))
    parts = [{key: value[d] for key, value in found.items()} for d in range(count)]
    lengths = given.get("sequence_lens")
    return Block(
        name,
        "onnx",
        cell,
        [[_split(kind, cell, part, hidden) for part in parts]],
        directions,
        layout == 1,
        _initial(given, layout, count, hidden, where),
        None if lengths is None else tuple(int(n) for n in lengths.ravel()),
        assumed=tuple(
            say("{key} is zero (the graph computes it; pass state to set it)", key=key)
            for key in ("initial_h", "initial_c")
            if inputs.get(key) and key not in given
        ),
    )


def _cell(kind: str, attributes: Mapping[str, Any], peepholes: bool, count: int, where: str) -> type[Cell]:
    """The cell that the node's attributes ask for."""
    usual = {"LSTM": (SIGMOID, TANH, TANH), "GRU": (SIGMOID, TANH), "RNN": (TANH,)}[kind]
    names = [name.decode("utf-8", "replace") for name in attributes.get("activations", [])]
    functions: list[Activation] = list(usual)
    if names:
        if len(names) != count * len(usual):
            raise ValueError(
                say(
                    "{where} has {count} activations; {wanted} are needed",
                    where=where,
                    count=len(names),
                    wanted=count * len(usual),
                )
            )
        # "The values are consumed in the order of activation functions": each takes the next of those that it needs.
        alpha, beta = (iter(attributes.get(f"activation_{key}", [])) for key in ("alpha", "beta"))
        try:
            every = []
            for usual_form in map(activation, names):
                formula = FORMULAS[usual_form.name]
                values = (
                    next(v, None) if d is not None else None for v, d in ((alpha, formula.alpha), (beta, formula.beta))
                )
                every.append(activation(usual_form.name, *values))
        except ValueError as error:
            raise ValueError(say("activations of {where}: {error}", where=where, error=limits.reason(error))) from error
        functions = every[: len(usual)]
        if every[len(usual) :] not in ([], functions):
            raise ValueError(
                say("the activations of {where} differ between its directions, which is not supported", where=where)
            )
    clip = float(attributes.get("clip", 0.0)) or math.inf  # 0 is how runtimes write that there is none
    if clip < 0 or clip != clip:
        raise ValueError(say("{where} has the clip {clip}; a positive number is needed", where=where, clip=clip))
    if kind == "RNN":
        if functions == [activation("relu")] and clip == math.inf:
            return CELLS["rnn_relu"]
        return variant(CELLS["rnn"], shown=functions[0], clip=clip)
    if kind == "GRU":
        base = CELLS["gru" if attributes.get("linear_before_reset", 0) else "gru_cho"]
        return variant(base, functions[0], functions[1], clip=clip)
    base = CELLS["peephole" if peepholes else "lstm"]
    return variant(base, *functions, clip=clip, coupled=bool(attributes.get("input_forget", 0)))


def _split(kind: str, cell: type[Cell], part: Mapping[str, np.ndarray], hidden: int) -> dict[str, np.ndarray]:
    """Our parameters from one direction's W, R, B and P."""
    letters = ORDER[kind]
    rows = len(letters) * hidden
    bias = part.get("B", np.zeros(2 * rows, part["W"].dtype))
    params: dict[str, np.ndarray] = {}
    for k, letter in enumerate(letters):
        at = slice(k * hidden, (k + 1) * hidden)
        params[f"W_{letter}"], params[f"U_{letter}"] = part["W"][at], part["R"][at]
        of_input, of_state = bias[:rows][at], bias[rows:][at]
        if letter == "n" and any(param.name == "b_hn" for param in cell.params):
            params["b_n"], params["b_hn"] = of_input, of_state
        else:
            params[f"b_{letter}"] = of_input + of_state
    if "P" in part:
        params |= dict(zip(("p_i", "p_o", "p_f"), np.split(part["P"], 3), strict=True))
    return params


def _initial(
    given: Mapping[str, np.ndarray], layout: int, count: int, hidden: int, where: str
) -> dict[str, np.ndarray]:
    """The first states that are constants in the file, (1, direction, batch, unit)."""
    found = limits.weights({key: given[key] for key in ("initial_h", "initial_c") if key in given}, where)
    states = {}
    for key, value in found.items():
        value = value.swapaxes(0, 1) if layout and value.ndim == 3 else value
        if value.ndim != 3 or value.shape[0] != count or value.shape[2] != hidden:
            raise ValueError(
                say(
                    "{key} of {where} is {shape} (direction, batch, unit) for {count} and {hidden}",
                    key=key,
                    where=where,
                    shape=value.shape,
                    count=count,
                    hidden=hidden,
                )
            )
        states[key.removeprefix("initial_")] = value[None]
    return states


MARKS = (b"\x08", b"\x12", b"\x1a", b"\x22", b"\x3a", b"\x42")
"""A field of ONNX's ModelProto; what stands after it shows that it is not safetensors."""
FORMAT = Format("ONNX", lambda content: content.starts(*MARKS) and content.data[8:9] != b"{", read)
