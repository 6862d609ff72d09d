"""How torch stacks the weights of a layer, and ours from it. Needs no torch: files are read without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lstm_core.cells.base import Cell
from lstm_core.ops import NUMPY

GATES = {"rnn": "a", "rnn_relu": "a", "lstm": "ifgo", "lstm_projected": "ifgo", "gru": "rzn"}
"""The order in which torch stacks the blocks of its weights."""
KERNELS = {"rnn": "rnn_tanh", "rnn_relu": "rnn_relu", "lstm": "lstm", "lstm_projected": "lstm", "gru": "gru"}
"""torch's functions that run a layer."""


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


def stack_weights(cell: type[Cell], params: Mapping[str, Any], xp: Any = NUMPY) -> dict[str, Any]:
    """torch's weights of one layer and direction from ours, in its order: the inverse of ``split_weights``. What is
    added to a gate outside of it is in bias_ih alone."""
    letters = GATES[cell.name]
    inside = [params.get(f"b_h{k}", xp.zeros(params[f"b_{k}"].shape, like=params[f"b_{k}"])) for k in letters]
    stacks = {
        "weight_ih": [params[f"W_{k}"] for k in letters],
        "weight_hh": [params[f"U_{k}"] for k in letters],
        "bias_ih": [params[f"b_{k}"] for k in letters],
        "bias_hh": inside,
    }
    weights = {name: xp.concatenate(parts) for name, parts in stacks.items()}
    return weights | ({"weight_hr": params["W_hr"]} if "W_hr" in params else {})
