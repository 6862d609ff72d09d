"""How torch stacks the weights of a layer, and ours from it. Needs no torch: files are read without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lstm_core.cells.base import Cell

GATES = {"rnn": "a", "rnn_relu": "a", "lstm": "ifgo", "lstm_projected": "ifgo", "gru": "rzn"}
"""The order in which torch stacks the blocks of its weights."""


def split_weights(cell: type[Cell], weights: Mapping[str, Any]) -> dict[str, Any]:
    """Our parameters from torch's of one layer and direction, NumPy or torch, as views where torch has them so.

    weights: weight_ih (k * hidden, input), weight_hh (k * hidden, output) and bias_ih and bias_hh (k * hidden,), for
    the k blocks of ``GATES``; weight_hr (output, hidden) if h is projected. The two biases are added where they only
    ever act as a sum.
    """
    letters = GATES[cell.name]
    hidden = weights["weight_ih"].shape[0] // len(letters)
    inner, declared = weights["bias_hh"], {param.name for param in cell.params}
    total = weights["bias_ih"] + inner
    params: dict[str, Any] = {}
    for k, letter in enumerate(letters):
        rows = slice(k * hidden, (k + 1) * hidden)
        inside = f"b_h{letter}" in declared
        params[f"W_{letter}"] = weights["weight_ih"][rows]
        params[f"U_{letter}"] = weights["weight_hh"][rows]
        params[f"b_{letter}"] = (weights["bias_ih"] if inside else total)[rows]
        if inside:
            params[f"b_h{letter}"] = inner[rows]
    if "weight_hr" in weights:
        params["W_hr"] = weights["weight_hr"]
    return params
