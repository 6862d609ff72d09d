"""Everything that the walk through a cell shows, step after step: its drawing, its equations, and the numbers in them.

Every number is the value of a node of the cell's own equations (``lstm_core.equations``), computed for all steps at
once
from what the trace says went in. Nothing is written down twice, and no cell is known by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dashboard.figures.content import named_units
from dashboard.figures.diagram import NEW, diagram
from dashboard.figures.expects import expects, looks_back, silent
from dashboard.language import mark, tr
from lstm_core import list_models
from lstm_core.analysis.steps import Steps, steps
from lstm_core.cells.base import Cell, Signal
from lstm_core.drawing import theme
from lstm_core.drawing.words import named, words
from lstm_core.equations import carry, equations, graph, plain
from lstm_core.network import Network
from lstm_core.ops import NUMPY, Matrix
from lstm_core.symbols import Expr, evaluate, symbol
from lstm_core.torch_source import torch_source
from lstm_core.trace import Trace

NUMBERS = 600_000
"""Of the units of both sides at all steps: 130 bytes are sent for each, and Streamlit sends at most 200 MB."""


def farthest(models: Sequence[Network]) -> int:
    """The steps that can be sent."""
    return max(1, NUMBERS // sum(model.hidden_size for model in models))


@dataclass(frozen=True)
class Stage:
    """One halt of the walk: which roles are decided here, and what that means in a sentence."""

    name: str
    roles: tuple[str, ...]
    text: str


STAGES = (
    Stage(
        mark("What to forget"), ("keep",), mark("How much of the old memory goes on: 1 keeps all of it, 0 forgets it.")
    ),
    Stage(mark("What to look back at"), ("reset",), mark("The candidate may see only a part of the old state.")),
    Stage(mark("What to write"), ("write", "candidate"), mark("What could be written, and how much of it is let in.")),
    Stage(
        mark("Update the memory"),
        ("carry",),
        mark("What is kept of the old memory, plus what is written, is the new memory."),
    ),
    Stage(
        mark("What to show"),
        ("expose", "hidden"),
        mark("The part of the memory that the rest of the network gets to see."),
    ),
)
LOOK = Stage(
    mark("Which words to look back at"),
    ("attention",),
    mark("Each word up to here is given a share, and the states after them are added up in these shares."),
)
EXPECT = Stage(
    mark("What it expects"),
    (),
    mark(
        "Every word of the vocabulary gets a score for coming next, and the softmax makes of the scores shares that "
        "add up to 1. A click on a word lets the text go on with it."
    ),
)
BEHIND = {LOOK: "looks", EXPECT: "expects"}
"""Halts behind the cell, on the way from its states to the next word, and what the browser shows there."""


DERIVED = {"What to forget": "keep", "What to write": "write"}
"""Halts at which a cell without a gate of its own for them keeps or writes what another gate leaves, as 1 - z."""


def stages(cell: type[Cell]) -> list[tuple[Stage, list[Signal]]]:
    """The halts that ``cell`` has, in order, each with the signals decided there; every signal belongs to one."""
    rule = carry(cell)
    found: dict[str, list[Signal]] = {stage.name: [] for stage in STAGES}
    by_role = {role: stage.name for stage in STAGES for role in stage.roles}
    for signal in cell.signals:
        role = "carry" if rule and signal.name == rule.state else signal.role
        found[by_role.get(role, "Update the memory")].append(signal)
    return [(stage, found[stage.name]) for stage in STAGES if found[stage.name]]


class Values:
    """The values of a cell's expressions at every step, each computed once: (time, unit), or (unit,) for a parameter.

    ``matrices`` gathers the weights that were asked for, (unit, source), by name.
    """

    def __init__(self, done: Steps) -> None:
        self.arrays: list[np.ndarray] = []
        self.matrices: dict[str, np.ndarray] = {}
        self._done = done
        self._leaves = done.leaves() | {f"v.{name}": value for name, value in done.signals.items()}
        self._places: dict[Any, int | None] = {}

    def of(self, expr: Expr) -> int | None:
        """Where the value of ``expr`` stands; None for the input, a matrix or a plain number."""
        key = expr.args[0] if expr.op == "symbol" else id(expr)
        if key not in self._places:
            value = None if expr.op == "number" or key == "x" else evaluate(expr, self._leaves, NUMPY)
            self._places[key] = None if value is None or isinstance(value, Matrix) else self._keep(value)
        return self._places[key]

    def signal(self, name: str) -> int:
        place = self.of(symbol(f"v.{name}"))
        assert place is not None
        return place

    def matrix(self, expr: Expr) -> str:
        """The name under which the matrix ``expr`` stands in ``matrices``."""
        name = plain(expr)
        self.matrices[name] = np.asarray(evaluate(expr, self._leaves, NUMPY).transposed.T, np.float32)
        return name

    def _keep(self, value: np.ndarray) -> int:
        value = np.asarray(value, np.float32)
        self.arrays.append(self._done.flip(value) if value.ndim == 2 else value)
        return len(self.arrays) - 1


def walk(
    models: Sequence[Network],
    traces: Sequence[Trace],
    units: Sequence[int],
    drawn: Sequence[tuple[int, int]],
    text: str = "",
) -> dict[str, Any]:
    """A tree for ``pack``, with one entry in ``sides`` a model; ``drawn``: the (layer, direction) of each; ``text``:
    what they read."""
    return {
        "sides": [
            side(model, trace, unit, *at) for model, trace, unit, at in zip(models, traces, units, drawn, strict=True)
        ],
        "text": text,
        "stages": {stage.name: tr(stage.name) for stage in (*STAGES, *BEHIND)},
        "behind": {stage.name: shows for stage, shows in BEHIND.items()},
        "scales": {"gate": theme.GATE_SCALE, "signed": theme.SIGNED_SCALE},
    }


def side(model: Network, trace: Trace, unit: int, layer: int, direction: int) -> dict[str, Any]:
    """One model's cell, walked through on this text."""
    cell = trace.cell
    done = steps(trace, layer, bool(direction))
    values = Values(done)
    rule = carry(cell)
    behind = {LOOK.name: looks_back(trace), EXPECT.name: expects(model, trace)}
    return {
        "title": tr(cell.title),
        "model": model.name,
        "hidden": trace.hidden_size,
        "unit": unit,
        "named": named_units(model, layer, direction, trace),
        "backward": direction == 1,
        "words": [[word.text, word.first, word.last, int(word.known)] for word in words(trace)],
        "ends": np.array([token.end for token in trace.tokens], np.int32),
        "tokens": [named(trace, step) for step in range(len(trace))],
        "embedded": bool(trace.tokens),
        "diagram": drawing(cell, values),
        "equations": {
            line.name: {
                "tree": tree(line.expr, line.names, values, root=True),
                "pushes": pushes(line.expr, line.names, done, values, root=True),
            }
            for line in equations(cell)
        },
        "signals": {
            signal.name: {
                "kind": signal.kind,
                "role": signal.role,
                "meaning": tr(signal.meaning),
                "value": values.signal(signal.name),
            }
            for signal in cell.signals
        },
        "stages": [
            {"name": stage.name, "text": tr(stage.text), "signals": [signal.name for signal in signals]}
            for stage, signals in stages(cell)
        ]
        + [
            {"name": stage.name, "text": tr(stage.text), "signals": [], "shows": shows}
            for stage, shows in BEHIND.items()
            if behind[stage.name]
        ],
        "looks": behind[LOOK.name],
        "expects": behind[EXPECT.name],
        "silent": silent(model),
        "layer": layer,
        "direction": direction,
        "code": code(model, trace, layer, direction),
        "derived": {stage: rule.label(role) for stage, role in DERIVED.items()} if rule else {},
        "memory": rule.state if rule else cell.states()[-1],
        "candidate": rule.candidate if rule else None,
        "output": cell.output,
        "below": list(cell.below),
        "inputs": done.x.shape[-1],
        "matrices": values.matrices,
        "sources": sources(done, layer),
        "values": values.arrays,
    }


def code(model: Network, trace: Trace, layer: int, direction: int) -> str:
    """The cell as a PyTorch module, and for a shipped model how it gets these weights; "" if it cannot be."""
    params = trace.layers[layer][direction]
    sizes = [params[p.name].shape[p.axes.index("input")] for p in trace.cell.params if "input" in p.axes]
    try:
        source = torch_source(trace.cell, sizes[0], trace.hidden_size)
    except (ValueError, IndexError, KeyError):
        return ""
    if model.name not in list_models():
        return source
    made = source.partition("class ")[2].partition("(")[0]
    weights = f'load_model("{model.name}").layers[{layer}][{direction}]'
    lines = (
        "from lstm_core import load_model",
        f"cell = {made}()",
        f"cell.load_state_dict({{name: torch.as_tensor(value) for name, value in {weights}.items()}})",
    )
    return "\n".join([source, *(f"# {line}" for line in lines)])


def drawing(cell: type[Cell], values: Values) -> dict[str, Any]:
    """The diagram's geometry; ``value`` of a node and of a wire says what flows there."""
    geometry = diagram(cell)
    flow = {node.id: node for node in graph(cell).nodes}
    at = {id: values.of(node.expr) if node.kind != "input" else None for id, node in flow.items()}
    nodes = [
        {
            "id": node.id,
            "kind": node.kind,
            "label": node.label or affine_label(flow[node.id % NEW].expr),
            "signal": node.signal,
            "letter": list(node.letter),
            "box": [node.x, node.y, node.half_width, node.half_height],
            "value": at[node.id - NEW if node.id >= NEW else node.id],
            "formula": tree(flow[node.id % NEW].expr, _names(cell), values, root=True),
        }
        for node in geometry.nodes
    ]
    wires = [
        {"from": wire.source, "to": wire.target, "points": [list(p) for p in wire.points], "value": at[wire.source]}
        for wire in geometry.wires
    ]
    frame = [geometry.left, geometry.top, geometry.right - geometry.left, geometry.bottom - geometry.top]
    return {"nodes": nodes, "wires": wires, "memory": list(geometry.memory), "frame": frame}


def affine_label(expr: Expr) -> str:
    """A layer without a function in short: "Wx+b"."""
    if expr.op == "@":
        matrix, source = expr.args
        return plain(matrix)[:1] + (source.args[0].rpartition(".")[2][:1] if source.op == "symbol" else "")
    if expr.op == "symbol":
        return expr.args[0][2:3]
    return "+".join(affine_label(arg) for arg in expr.args)


def _names(cell: type[Cell]) -> Mapping[int, str]:
    return equations(cell)[0].names


def tree(expr: Expr, names: Mapping[int, str], values: Values, root: bool = False) -> dict[str, Any]:
    """An expression for the browser to set as a formula: ``o`` operation, ``a`` arguments, ``s`` a symbol's key, ``v``
    where its value stands."""
    if not root and id(expr) in names:
        key = f"v.{names[id(expr)]}"
        return {"s": key, "v": values.of(expr)}
    if expr.op == "number":
        return {"n": expr.args[0]}
    if expr.op == "symbol":
        return {"s": expr.args[0], "v": values.of(expr)}
    return {"o": expr.op, "a": [tree(arg, names, values) for arg in expr.args], "v": values.of(expr)}


def pushes(
    expr: Expr, names: Mapping[int, str], done: Steps, values: Values, root: bool = False
) -> list[dict[str, Any]]:
    """The terms that push a unit of this signal: every matrix product and bias in ``expr`` that no other signal holds.

    ``matrix`` and ``source`` name a product's factors, so that the share of a single input can be looked up.
    """
    if not root and id(expr) in names:
        return []
    if expr.op == "@":
        matrix, source = expr.args
        name = source.args[0] if source.op == "symbol" else None
        return [{"matrix": values.matrix(matrix), "source": name, "value": values.of(expr)}]
    if expr.op == "*" and (weight := _weight(expr, names)) is not None:
        return [{"label": weight, "value": values.of(expr)}]
    if expr.op == "symbol":
        key = expr.args[0]
        bias = key.startswith("p.") and np.ndim(done.params[key[2:]]) == 1
        return [{"bias": key[2:], "value": values.of(expr)}] if bias else []
    return [push for arg in expr.args if isinstance(arg, Expr) for push in pushes(arg, names, done, values)]


def _weight(expr: Expr, names: Mapping[int, str]) -> str | None:
    """What a weight that is a vector makes of a state, such as a peephole, is called: "old c by p_f"."""
    weight, source = expr.args
    if weight.op != "symbol" or not weight.args[0].startswith("p."):
        return None
    by = weight.args[0][2:]
    if id(source) in names:
        return tr("{state} by {weight}", state=names[id(source)], weight=by)
    if source.op != "symbol":
        return None
    kind, _, name = source.args[0].partition(".")
    if name.startswith("below_"):
        return tr("{state} of the layer below by {weight}", state=name.removeprefix("below_"), weight=by)
    if kind == "s":
        return tr("old {state} by {weight}", state=name, weight=by)
    return tr("{state} by {weight}", state=name, weight=by)


def sources(done: Steps, layer: int) -> dict[str, Any]:
    """What the matrices are applied to, by the symbol's key; in the first layer the input is one word, not its
    numbers."""
    found: dict[str, Any] = {f"s.{name}": np.asarray(done.flip(value), np.float32) for name, value in done.old.items()}
    if layer > 0:
        found["x"] = np.asarray(done.flip(done.x), np.float32)
    return found
