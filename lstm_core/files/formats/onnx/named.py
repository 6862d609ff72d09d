"""What an ONNX file holds in the place of a recurrent node that can be read: what that is, and what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lstm_core.files.formats.onnx.graph import Node
from lstm_core.say import Said, say

RECURRENT = re.compile(r"lstm|gru|rnn|recurrent", re.IGNORECASE)
PRODUCTS = ("Gemm", "MatMul", "FusedMatMul", "FusedGemm")
QUANTISED = ("MatMulInteger", "QLinearMatMul", "DynamicQuantizeMatMul", "MatMulIntegerToFloat", "QGemm", "MatMulNBits")
WRITTEN = ("Sigmoid", "Tanh", "HardSigmoid", "Relu", "Split", "Slice")


def sentence(nodes: Sequence[Node]) -> Said | None:
    """Why none of the nodes gives a block, if they are recurrent in another form."""
    for node in nodes:
        asked = node.values.get("operator", b"") if node.op == "ATen" else b""
        kind = asked.decode("utf-8", "replace") if isinstance(asked, bytes) and asked else node.op
        if node.domain and node.call is None and RECURRENT.search(kind):
            return say(
                "this ONNX file holds {kind}, an operator of {domain} that is not among ONNX's own and is not read;"
                " export the model with the standard operators LSTM, GRU and RNN, or give its weights (a state_dict)",
                kind=kind,
                domain=node.domain,
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
    if any(op in PRODUCTS for op in used) and "Sigmoid" in used and "Tanh" in used:
        return say(
            "this ONNX file holds no LSTM, GRU or RNN node. If its cell is written out step by step ({operators}), it"
            " is not in a form that can be read with certainty; export the model from LSTM, GRU or RNN layers, or give"
            " its weights (a state_dict)",
            operators=", ".join(used),
        )
    return None


def _is_cell(loop: Node) -> bool:
    inner = {node.op for body in loop.bodies for node in body.nodes}
    return bool(inner & {*PRODUCTS, *QUANTISED}) and bool(inner & {"Tanh", "Relu", "Sigmoid"})
