"""What an ONNX file holds in the place of a recurrent node that can be read: what that is, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lstm_core.files.formats.onnx.graph import Node, Scope
from lstm_core.say import Said, say

RECURRENT = re.compile(r"lstm|gru|rnn|recurrent", re.IGNORECASE)
PRODUCTS = ("Gemm", "MatMul", "FusedMatMul", "FusedGemm")
QUANTISED = ("MatMulInteger", "QLinearMatMul", "DynamicQuantizeMatMul", "MatMulIntegerToFloat", "QGemm", "MatMulNBits")
WRITTEN = ("Sigmoid", "Tanh", "HardSigmoid", "Relu", "Split", "Slice")


def sentence(nodes: Sequence[Node]) -> Said | None:
    """Why none of the nodes gives a block, if they are recurrent in another form."""
    foreign = next(filter(_foreign, nodes), None)
    if foreign is not None:
        return say(
            "this ONNX file holds {kind}, an operator of {domain} that is not among ONNX's own and is not read; export"
            " the model with the standard operators LSTM, GRU and RNN, or give its weights (a state_dict)",
            kind=_foreign(foreign),
            domain=foreign.domain,
        )
    if not any(node.op in ("Tanh", "Relu") for node in nodes):
        return None
    loop = next((node for node in nodes if node.op in ("Loop", "Scan") and not node.domain and _is_cell(node)), None)
    used = [op for op in (*PRODUCTS, *QUANTISED, *WRITTEN) if any(node.op == op for node in nodes)]
    if loop is not None:
        return say(
            "this ONNX file writes a cell out in the body of {loop}, and not in a form that can be read with certainty;"
            " export the model from LSTM, GRU or RNN layers, or give its weights (a state_dict)",
            loop=loop.label,
        )
    if any(op in QUANTISED for op in used) and "Sigmoid" in used:
        return say(
            "this ONNX file writes a quantised cell out ({operators}), which cannot be read; give the model as it was"
            " before it was quantised",
            operators=", ".join(used),
        )
    if any(op in QUANTISED for op in used):
        return say(
            "this ONNX file holds no LSTM, GRU or RNN node, and it is quantised ({operators}). If it writes a cell out,"
            " that cannot be read; give the model as it was before it was quantised",
            operators=", ".join(used),
        )
    steps = min(sum(node.op in ops for node in nodes) for ops in (PRODUCTS, ("Tanh", "Relu")))
    if any(op in PRODUCTS for op in used) and (("Sigmoid" in used and "Tanh" in used) or steps > 2):
        return say(
            "this ONNX file holds no LSTM, GRU or RNN node. If its cell is written out step by step ({operators}), it"
            " is not in a form that can be read with certainty; export the model from LSTM, GRU or RNN layers, or give"
            " its weights (a state_dict)",
            operators=", ".join(used),
        )
    return None


def unread(nodes: Sequence[Node], read: Sequence[Node], steps: Sequence[Node]) -> list[str]:
    """Kind and name of what is recurrent and gives no block, beside the nodes that give some: of a loop, of an
    operator, or of the first step (``steps``) of a cell that is written out."""
    inside = {scope for node in read for scope in _scopes(node)}
    loops = [node for node in nodes if node.op in ("Loop", "Scan") and not node.domain and _is_cell(node)]
    left = [node for node in loops if inside.isdisjoint(node.bodies)]
    alone = {node for node in steps if not any(scope in inside or scope.owner in loops for scope in _scopes(node))}
    return [node.label for node in nodes if (node in left or node in alone or _foreign(node)) and node not in read]


def _scopes(node: Node) -> Iterator[Scope]:
    scope = node.scope
    while scope.owner is not None:
        yield scope
        scope = scope.owner.scope


def _foreign(node: Node) -> str:
    """What a recurrent operator is called that is none of ONNX's own; empty for another node."""
    asked = node.attributes.get("operator") if node.op == "ATen" else None
    kind = node.op if asked is None else asked.s.decode("utf-8", "replace")
    return kind if node.domain and node.call is None and RECURRENT.search(kind) else ""


def _is_cell(loop: Node) -> bool:
    inner = {node.op for body in loop.bodies for node in body.nodes}
    return bool(inner & {*PRODUCTS, *QUANTISED}) and bool(inner & {"Tanh", "Relu", "Sigmoid"})
