"""Recurrent blocks in a PyTorch state_dict, found by their keys."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from lstm_core.block import Block
from lstm_core.cells import CELLS
from lstm_core.files import limits
from lstm_core.files.formats import Found
from lstm_core.files.options import Options
from lstm_core.say import Said, say
from lstm_core.stacked import GATES, split_weights

KEY = re.compile(
    r"(?P<prefix>(?:.*\.)?)(?P<kind>weight_ih|weight_hh|bias_ih|bias_hh|weight_hr)(?:_l(?P<layer>\d{1,4})(?P<back>_reverse)?)?"
)
def found(tensors: Mapping[str, np.ndarray], options: Options) -> Found:
    """The blocks among the tensors, and the others."""
    others = {name: value for name, value in tensors.items() if not KEY.fullmatch(name)}
    return Found(blocks(tensors, options.cell, options.batch_first), others)


def blocks(tensors: Mapping[str, np.ndarray], cell: str | Mapping[str, str] | None, batch_first: bool) -> list[Block]:
    """Every recurrent block among the tensors. Raises ValueError for one that is not whole, Ambiguous as ``load``
    says."""
    groups: dict[str, dict[tuple[int, bool], dict[str, np.ndarray]]] = {}
    for key, value in tensors.items():
        match = KEY.fullmatch(key)
        if match is not None:
            # A module that is a cell has keys without a layer; beside one with layers it is a block of its own.
            at = int(match["layer"] or 0), match["back"] is not None
            name = match["prefix"].removesuffix(".")
            groups.setdefault(name, {}).setdefault(at, {})[match["kind"]] = value
    fits = {name: _cells(name, group) for name, group in groups.items()}
    chosen = limits.choose({name: cells for name, cells in fits.items() if len(cells) > 1}, cell)
    return [_block(name, group, chosen.get(name, fits[name][0]), batch_first) for name, group in groups.items()]


def _cells(name: str, group: Mapping[tuple[int, bool], Mapping[str, np.ndarray]]) -> tuple[str, ...]:
    """The cells that the first layer's shapes fit; ValueError if none does."""
    where = limits.block_of(name)
    first = group.get((0, False), {})
    for kind in ("weight_ih", "weight_hh"):
        if kind not in first:
            raise ValueError(
                say(
                    "{kind} of the first layer of {where} is missing (weight norm? remove it before saving)",
                    kind=kind,
                    where=where,
                )
            )
        if first[kind].ndim != 2:
            raise ValueError(
                say(
                    "{key} of {where} has {count} axes, not {wanted}",
                    key=kind,
                    where=where,
                    count=first[kind].ndim,
                    wanted=2,
                )
            )
    rows, output = first["weight_hh"].shape
    if "weight_hr" in first:
        return ("lstm_projected",)
    times, rest = divmod(rows, max(output, 1))
    cells = {4: ("lstm",), 3: ("gru",), 1: ("rnn", "rnn_relu")}.get(times, ())
    if rest or not cells:
        raise ValueError(
            say(
                "weight_hh of {where} is {shape}: its rows are neither 1 (RNN), 3 (GRU) nor 4 times (LSTM) its columns",
                where=where,
                shape=(rows, output),
            )
        )
    return cells


def _block(
    name: str, group: Mapping[tuple[int, bool], Mapping[str, np.ndarray]], cell: str, batch_first: bool
) -> Block:
    where = limits.block_of(name)
    first = group[0, False]
    rows, output = first["weight_hh"].shape
    both = (0, True) in group
    count = max(layer for layer, _ in group) + 1
    expected = {(layer, back) for layer in range(count) for back in (False, True)[: 1 + both]}
    if set(group) != expected:
        missing = _layer(*sorted(expected ^ set(group))[0])
        raise ValueError(say("{where} is not whole: {layer} does not fit the others", where=where, layer=missing))
    hidden = first["weight_hr"].shape[-1] if "weight_hr" in first else output
    if rows != hidden * len(GATES[cell]):
        raise ValueError(
            say(
                "weight_hh of {where} has {rows} rows, not {times} times {hidden}",
                where=where,
                rows=rows,
                times=len(GATES[cell]),
                hidden=hidden,
            )
        )
    layers = []
    for layer in range(count):
        row = []
        for back in (False, True)[: 1 + both]:
            mark = say("{key} of {where}", key=_layer(layer, back), where=where)
            found = limits.weights(group[layer, back], mark)
            if set(found) != set(first):
                raise ValueError(
                    say(
                        "{layer} has {found}; the first layer has {first}",
                        layer=mark,
                        found=", ".join(sorted(found)),
                        first=", ".join(sorted(first)),
                    )
                )
            width = first["weight_ih"].shape[1] if layer == 0 else output * (1 + both)
            shapes = {"weight_ih": (rows, width), "weight_hh": (rows, output), "weight_hr": (output, hidden)}
            for kind, value in found.items():
                limits.expect(value, shapes.get(kind, (rows,)), say("{key} of {where}", key=kind, where=mark))
            zero = np.zeros(rows, found["weight_ih"].dtype)
            row.append(split_weights(CELLS[cell], {"bias_ih": zero, "bias_hh": zero} | found))
        layers.append(row)
    directions = ("forward", "reverse")[: 1 + both]
    assumed = () if batch_first else ("x is (time, batch, input), as without batch_first",)
    return Block(name, "torch", CELLS[cell], layers, directions, batch_first, assumed=assumed)


def _layer(layer: int, back: bool) -> Said:
    return say("layer {layer} backward", layer=layer) if back else say("layer {layer}", layer=layer)
