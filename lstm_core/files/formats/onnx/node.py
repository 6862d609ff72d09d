"""A recurrent node of an ONNX graph as a block: LSTM, GRU and RNN, and ONNX Runtime's quantised LSTM.

Equations, orders and defaults are those of the operators' specification (LSTM-22, GRU-22, RNN-22 and before).
``clip`` bounds the arguments of gates and candidate, not that of tanh(c); coupled gates are f = 1 - i: so ONNX
Runtime computes them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lstm_core.block import Block
from lstm_core.cells import CELLS
from lstm_core.cells.base import Cell
from lstm_core.files import limits
from lstm_core.files.formats.onnx import quantised
from lstm_core.files.formats.onnx.fold import Computed
from lstm_core.files.formats.onnx.graph import DIRECTIONS, Node, text
from lstm_core.files.formats.onnx.loops import one_round
from lstm_core.files.formats.onnx.values import Values
from lstm_core.say import Said, say
from lstm_core.variant import FORMULAS, SIGMOID, TANH, Activation, activation, variant

ORDER = {"LSTM": "iofg", "GRU": "zrn", "RNN": "a"}
INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
WEIGHTS = ("W", "R", "B", "P")
INT, FLOAT, STRING, FLOATS, STRINGS = 2, 1, 3, 6, 8
"""Types of an AttributeProto."""
COMMON = {
    "hidden_size": INT,
    "direction": STRING,
    "layout": INT,
    "activations": STRINGS,
    "activation_alpha": FLOATS,
    "activation_beta": FLOATS,
    "clip": FLOAT,
    "output_sequence": INT,
}
WITHOUT = ("affine", "scaledtanh", "thresholdedrelu")
"""Functions for which ONNX Runtime has no default of alpha."""
KNOWN = {"LSTM": COMMON | {"input_forget": INT}, "GRU": COMMON | {"linear_before_reset": INT}, "RNN": COMMON}


def blocks(name: str, node: Node, values: Values) -> list[Block]:
    """The node as a block; as two, of a name each, if its directions are different cells.

    Raises ValueError, naming what, for one that cannot be traced.
    """
    kind = quantised.KINDS.get(node.op, node.op) if node.domain else node.op
    where = say("the {kind} node {name}", kind=node.op, name=name)
    unknown = set(node.attributes) - KNOWN[kind].keys()
    if unknown:
        raise ValueError(
            say(
                "{where} has the attribute {names}, which is not supported",
                where=where,
                names=", ".join(sorted(unknown)),
            )
        )
    wrong = [key for key, attribute in node.attributes.items() if attribute.type != KNOWN[kind][key]]
    if wrong:
        raise ValueError(
            say("{where} has attributes of the wrong type: {names}", where=where, names=", ".join(sorted(wrong))),
        )
    attributes = node.values
    direction = text(attributes.get("direction", b"forward"))
    if direction not in DIRECTIONS:
        raise ValueError(
            say(
                "{where} has the direction {direction!r}; there are {names}",
                where=where,
                direction=direction,
                names=", ".join(DIRECTIONS),
            )
        )
    directions, layout = DIRECTIONS[direction], attributes.get("layout", 0)
    if layout not in (0, 1):
        raise ValueError(say("{where} has the layout {layout}; there are 0 and 1", where=where, layout=layout))
    given = _weights(node, kind, values, where)
    hidden = _fits(given, kind, len(directions), attributes.get("hidden_size"), where)
    assumed = [quantised.assumed()] if node.domain else []
    initial, unsaid = _initial(node, values, layout, len(directions), hidden, where)
    lengths, also = _lengths(node, values, layout, where)
    assumed += [*unsaid, *also, *one_round(node)]
    cells, defaults = _cells(kind, attributes, "P" in given, len(directions), where)
    assumed += defaults
    parts = [
        _split(kind, cell, {key: value[d] for key, value in given.items()}, hidden) for d, cell in enumerate(cells)
    ]
    block = Block(name, "onnx", cells[0], [parts], directions, layout == 1, initial, lengths, assumed=tuple(assumed))
    if len(set(cells)) == 1:
        return [block]
    return [
        replace(
            block,
            name=f"{name}/{'backward' if way == 'reverse' else way}",
            cell=cells[d],
            layers=[[parts[d]]],
            directions=(way,),
            initial={key: value[:, d : d + 1] for key, value in initial.items()},
        )
        for d, way in enumerate(directions)
    ]


def _weights(node: Node, kind: str, values: Values, where: str) -> dict[str, np.ndarray]:
    """W, R, B and P, as the specification has them."""
    arrays = {}
    for key, source in zip(INPUTS if kind == "LSTM" else INPUTS[:6], node.inputs, strict=False):
        if key in WEIGHTS and source is not None:
            try:
                arrays[key] = values.constant(source)
            except Computed as error:
                raise ValueError(
                    say(
                        "{key} of {where} is computed by the graph from {source}; only what is computed from"
                        " initialisers and constants can be read",
                        key=key,
                        where=where,
                        source=error.by,
                    )
                ) from error
            except ValueError as error:
                raise ValueError(
                    say("{key} of {where}: {error}", key=key, where=where, error=limits.reason(error))
                ) from error
    missing = next((key for key in ("W", "R") if key not in arrays), None)
    if missing:
        raise ValueError(say("{where} has no {key}", where=where, key=missing))
    if kind != node.op:
        arrays |= quantised.weights(node, arrays, values, where)
    return limits.weights(arrays, where)


def _fits(given: Mapping[str, np.ndarray], kind: str, count: int, stated: int | None, where: str) -> int:
    """Units of the node, whose weights have the shapes that this needs."""
    recurrent = given["R"]
    if recurrent.ndim != 3:
        raise ValueError(
            say("{key} of {where} has {count} axes, not {wanted}", key="R", where=where, count=recurrent.ndim, wanted=3)
        )
    hidden = recurrent.shape[2]
    if not hidden:
        raise ValueError(say("{where} has no units: its R is {shape}", where=where, shape=recurrent.shape))
    if stated and recurrent.shape[1] == len(ORDER[kind]) * stated > 0 and stated != hidden:
        raise _projected(where, stated, hidden)
    if stated is not None and stated != hidden:
        raise ValueError(
            say(
                "{where} says hidden_size {said}; its R is for {hidden}",
                where=where,
                said=stated,
                hidden=hidden,
            )
        )
    rows = len(ORDER[kind]) * hidden
    width = given["W"].shape[2] if given["W"].ndim == 3 else 0
    shapes = {"W": (count, rows, width), "R": (count, rows, hidden), "B": (count, 2 * rows), "P": (count, 3 * hidden)}
    for key, value in given.items():
        limits.expect(value, shapes[key], say("{key} of {where}", key=key, where=where))
    return hidden


def _projected(where: str, cells: int, hidden: int) -> ValueError:
    return ValueError(
        say(
            "{where} projects its h, from {stated} numbers to {hidden}, as ONNX's own LSTM cannot; give the PyTorch "
            "model that it was made from (.pt, .safetensors), whose projected LSTM is read",
            where=where,
            stated=cells,
            hidden=hidden,
        )
    )


def _cells(
    kind: str, attributes: Mapping[str, Any], peepholes: bool, count: int, where: str
) -> tuple[list[type[Cell]], list[Said]]:
    """The cell that the node's attributes ask for, for each direction, and what is assumed of its functions."""
    usual = {"LSTM": [SIGMOID, TANH, TANH], "GRU": [SIGMOID, TANH], "RNN": [TANH]}[kind]
    functions, assumed = _functions(attributes, len(usual) * count, where)
    functions = functions or usual * count
    clip = float(attributes.get("clip", 0.0)) or math.inf  # 0 is how runtimes write that there is none
    if clip < 0 or clip != clip:
        raise ValueError(say("{where} has the clip {clip}; a positive number is needed", where=where, clip=clip))
    cells = []
    for chosen in (functions[d * len(usual) : (d + 1) * len(usual)] for d in range(count)):
        if kind == "RNN" and chosen == [activation("relu")] and clip == math.inf:
            cells.append(CELLS["rnn_relu"])
        elif kind == "RNN":
            cells.append(variant(CELLS["rnn"], shown=chosen[0], clip=clip))
        elif kind == "GRU":
            base = CELLS["gru" if attributes.get("linear_before_reset", 0) else "gru_cho"]
            cells.append(variant(base, chosen[0], chosen[1], clip=clip))
        else:
            base = CELLS["peephole" if peepholes else "lstm"]
            cells.append(variant(base, *chosen, clip=clip, coupled=bool(attributes.get("input_forget", 0))))
    return cells, assumed


def _functions(attributes: Mapping[str, Any], wanted: int, where: str) -> tuple[list[Activation], list[Said]]:
    """The activations that the node names, those of one direction after those of the other; none if it names none. And
    what is assumed of them."""
    names = [text(name) for name in attributes.get("activations", [])]
    if names and len(names) != wanted:
        raise ValueError(
            say("{where} has {count} activations; {wanted} are needed", where=where, count=len(names), wanted=wanted)
        )
    # "The values are consumed in the order of activation functions": each takes the next of those that it needs.
    alpha, beta = (iter(attributes.get(f"activation_{key}", [])) for key in ("alpha", "beta"))
    functions, assumed = [], dict[Said, None]()
    try:
        for name, usual in zip(names, map(activation, names), strict=True):
            formula = FORMULAS[usual.name]
            taken = [
                next(given, None) if default is not None else None
                for given, default in ((alpha, formula.alpha), (beta, formula.beta))
            ]
            functions.append(activation(usual.name, *taken))
            if taken[0] is None and usual.name in WITHOUT:
                said = say(
                    "alpha of {name} is {alpha:g}, as ONNX has it by default; ONNX Runtime takes 0",
                    name=name,
                    alpha=formula.alpha,
                )
                assumed[said] = None
    except ValueError as error:
        raise ValueError(say("activations of {where}: {error}", where=where, error=limits.reason(error))) from error
    return functions, [*assumed]


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
            with np.errstate(over="ignore"):
                params[f"b_{letter}"] = of_input + of_state
    if "P" in part:
        params |= dict(zip(("p_i", "p_o", "p_f"), np.split(part["P"], 3), strict=True))
    return params


def _initial(
    node: Node, values: Values, layout: int, count: int, hidden: int, where: str
) -> tuple[dict[str, np.ndarray], list[str]]:
    """The first states that the file holds, (1, direction, batch, unit), and what is assumed of those it computes."""
    states, assumed = {}, []
    for position, key in ((5, "initial_h"), (6, "initial_c")):
        source = node.input(position)
        if source is None:
            continue
        try:
            # One that the file holds has a shape, which shows whether it belongs to this node.
            whole = values.is_constant(source)
            value = values.constant(source) if whole else values.state(source, 0 if layout else 1)
            value = limits.weights({key: value}, where)[key]
        except Computed as error:
            assumed.append(
                say(
                    "{key} is zero (the graph computes it from {source}; pass state to set it)",
                    key=key,
                    source=error.by,
                )
            )
            continue
        if value.ndim == 0 and not whole:
            value = np.broadcast_to(value, (count, 1, hidden))
        elif layout and value.ndim == 3:
            value = value.swapaxes(0, 1)
        if key == "initial_c" and value.ndim == 3 and value.shape[2] > hidden:  # torch.onnx.export drops the matrix
            raise _projected(where, value.shape[2], hidden)
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
        one = value[:, :1]
        if value.any():  # a state that is the same for every sequence fits a batch of any size
            states[key.removeprefix("initial_")] = (one if (value == one).all() else value)[None]
    return states, assumed


def _lengths(node: Node, values: Values, layout: int, where: str) -> tuple[tuple[int, ...] | None, list[str]]:
    """The lengths that the file holds, and what is assumed of those it computes."""
    source, x = node.input(4), node.input(0)
    if source is None or x is None:
        return None, []
    try:
        lengths = values.lengths(source, x, layout)
    except Computed as error:
        return None, [
            say(
                "every sequence is read whole (the graph computes sequence_lens from {source}; pass lengths to set"
                " them)",
                source=error.by,
            )
        ]
    if lengths is not None and (lengths.dtype.kind not in "iu" or lengths.ndim != 1):
        raise ValueError(say("sequence_lens of {where} are not whole numbers, one for a sequence", where=where))
    return None if lengths is None else tuple(map(int, lengths)), []
