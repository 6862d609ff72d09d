"""Recurrent blocks in a PyTorch state_dict, found by their keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np

from lstm_core.block import Block
from lstm_core.cells import CELLS
from lstm_core.files import limits
from lstm_core.files.folded import RECURRENT, Folded, fold
from lstm_core.files.formats import Found
from lstm_core.files.options import Options
from lstm_core.say import Said, say
from lstm_core.stacked import GATES, split_weights

KEY = re.compile(rf"(?:.*\.)?(?:{RECURRENT}(?:_(?:g|v|u|orig|mask|raw))?|parametrizations\.{RECURRENT}\..+)", re.DOTALL)
"""The key of a recurrent weight or of a part of one: ``found`` takes these whatever numbers they hold, and says what is
wrong with them. Of the rest it takes what is floating-point."""
WEIGHT = re.compile(
    rf"(?P<prefix>(?:.*\.)?)(?={RECURRENT}\Z)(?P<kind>[a-z]+_[a-z]+)(?:_l(?P<layer>[0-9]+)(?P<back>_reverse)?)?",
    re.DOTALL,
)
SEPARATED = re.compile(rf"(?P<at>.*)[\W_](?P<weight>{RECURRENT})", re.DOTALL)
MARKS = "/\\:_-|. "
CHANGES = re.compile(r"(?i)scale|zero|lora|delta|absmax|quant")
"""In a name beside a weight's own: what has it acts on the weight."""
LAYOUT = say("x is (time, batch, input), as without batch_first")
"""What is assumed of a block whose file does not say how it reads its input."""
OTHER = {"bias_ih": "bias_hh", "bias_hh": "bias_ih"}

Group = dict[tuple[int, bool], dict[str, np.ndarray]]
"""Weights by PyTorch's name for them without the layer, by layer and whether it is the backward one."""


def found(
    tensors: Mapping[str, np.ndarray],
    options: Options,
    layout: Mapping[str, tuple[int, ...]] | None = None,
    dims: Mapping[str, int] | None = None,
) -> Found:
    """The blocks among the tensors, and the others.

    layout: the shape of everything that the file holds, in its order; what is not among ``tensors`` was not read.
    dims: as for ``fold``.
    """
    names = dict(options.names or _dotted(tensors))
    folded = fold(_renamed(tensors, names), dims or {})
    others = {key: value for key, value in folded.tensors.items() if not WEIGHT.fullmatch(key) and value.ndim in (1, 2)}
    shapes: dict[str, tuple[int, ...]] = {}
    for key, shape in (layout or {key: value.shape for key, value in tensors.items()}).items():
        key = names.get(key, key)
        while key in folded.parts:
            key = folded.parts[key]
        shapes.setdefault(key, folded.tensors[key].shape if key in folded.tensors else tuple(shape))
    return Found(_blocks(folded, options), others, layout=shapes)


def named(arrays: Mapping[str, np.ndarray], options: Options) -> Found:
    """The blocks among arrays of all kinds of numbers, as ``found``."""
    names = options.names or {}
    kept = {key: value for key, value in arrays.items() if value.dtype.kind == "f" or key in names or is_weight(key)}
    return found(kept, options, {key: value.shape for key, value in arrays.items()})


def is_weight(key: str) -> bool:
    """Whether it is the key of a recurrent weight, or of a part of one, whatever stands between it and its block."""
    return KEY.fullmatch(key) is not None or SEPARATED.fullmatch(key) is not None


def _dotted(keys: Iterable[str]) -> dict[str, str]:
    """PyTorch's key for each that has another mark before the weight's own name: "rnn/weight_ih_l0", "rnn_weight_ih".
    None if there are keys of PyTorch's among them: then these may be something else, such as averages."""
    matches = {key: SEPARATED.fullmatch(key) for key in keys}
    if any(map(KEY.fullmatch, matches)):
        return {}
    parts = {key: (match["at"].rstrip(MARKS), match["weight"]) for key, match in matches.items() if match}
    return {key: f"{at}.{weight}" if at else weight for key, (at, weight) in parts.items()}


def _renamed(tensors: Mapping[str, np.ndarray], names: Mapping[str, str]) -> dict[str, np.ndarray]:
    """``tensors`` under PyTorch's keys, where the caller says which they are."""
    for name, key in names.items():
        if name not in tensors:
            raise ValueError(
                say(
                    "names= has {name!r}, but the file has not; it holds {names}", name=name, names=limits.some(tensors)
                )
            )
        if not WEIGHT.fullmatch(str(key)):
            raise ValueError(
                say(
                    "names= has {key!r} for {name!r}, which is not one of PyTorch's keys: weight_ih_l0, weight_hh_l0, "
                    "bias_ih_l0, bias_hh_l0, and weight_hr_l0 where h is projected",
                    name=name,
                    key=key,
                )
            )
    renamed = {names.get(name, name): value for name, value in tensors.items()}
    if len(renamed) < len(tensors):
        raise ValueError(say("names= gives two arrays of the file one key"))
    return renamed


def _blocks(folded: Folded, options: Options) -> list[Block]:
    """Every recurrent block among the tensors, in their order. Raises ValueError for one that is not whole, Ambiguous
    as ``load`` says."""
    groups: dict[tuple[str, bool], Group] = {}
    assumed: dict[tuple[str, bool], list[Said]] = {}
    for key, value in folded.tensors.items():
        match = WEIGHT.fullmatch(key)
        if match is not None:
            # A module that is a cell has keys without a layer; beside one with layers it is a block of its own.
            at = match["prefix"].removesuffix("."), match["layer"] is None
            place = int(match["layer"] or 0), match["back"] is not None
            groups.setdefault(at, {}).setdefault(place, {})[match["kind"]] = value
            assumed.setdefault(at, []).extend(folded.assumed.get(key, ()))
    named: dict[str, tuple[Group, list[Said]]] = {}
    for (name, cell), group in groups.items():
        unique = f"{name}#cell" if cell and (name, False) in groups else name
        named[unique] = group, assumed[name, cell]
    fits = {name: _cells(name, group, folded.tensors) for name, (group, _) in named.items()}
    chosen = limits.choose({name: cells for name, cells in fits.items() if len(cells) > 1}, options.cell)
    return [
        _block(
            name, group, chosen.get(name, fits[name][0]), options.batch_first, [*assumptions, *_beside(name, folded)]
        )
        for name, (group, assumptions) in named.items()
    ]


def _beside(name: str, folded: Folded) -> list[Said]:
    """What is assumed of weights that torch's own modules do not have, in the module that these belong to: those of a
    normalisation, or peepholes."""
    start = f"{name.removesuffix('#cell')}." if name else ""
    own = [key for key in folded.tensors if key.startswith(start) and not WEIGHT.fullmatch(key)]
    if not own:
        return []
    within = [key.removeprefix(start) for key in own]
    for key in within:
        if CHANGES.search(key) and (re.search(RECURRENT, key) or (name and "lora_" in key)):
            raise ValueError(
                say(
                    "{key} lies beside the weights of {where} and changes them, and the file does not say how; save "
                    "the weights as they act in the model, merged and not quantised",
                    key=key,
                    where=limits.block_of(name),
                )
            )
    names = limits.some(within, 3)
    return [say("what lies beside its weights does not act in its steps ({names})", names=names)]


def _cells(name: str, group: Group, tensors: Iterable[str]) -> tuple[str, ...]:
    """The cells that the first layer's shapes fit; ValueError if none does."""
    where = limits.block_of(name)
    first = group.get((0, False), {})
    for kind in ("weight_ih", "weight_hh"):
        if kind not in first:
            raise limits.Incomplete(
                say(
                    "{kind} of the first layer of {where} is missing; the file holds {names}. {shards}",
                    kind=kind,
                    where=where,
                    names=limits.some(_under(name, tensors)),
                    shards=_shards(),
                )
            )
    for kind in ("weight_ih", "weight_hh", "weight_hr"):
        if kind in first and (first[kind].ndim != 2 or not len(first[kind])):
            raise ValueError(
                say(
                    "{key} of {where} is {shape}, not a matrix of weights",
                    key=kind,
                    where=where,
                    shape=first[kind].shape,
                )
            )
    rows, output = first["weight_hh"].shape
    if "weight_hr" in first:
        return ("lstm_projected",)
    times, rest = divmod(rows, max(output, 1))
    cells = {4: ("lstm",), 3: ("gru",), 1: ("rnn", "rnn_relu")}.get(times, ())
    if rows and not output % rows and output // rows in (3, 4):
        raise ValueError(
            say(
                "weight_hh of {where} is {shape}: it is transposed, or its gates lie beside each other; PyTorch has "
                "them below each other, (gates * units, units)",
                where=where,
                shape=(rows, output),
            )
        )
    if rest or not cells:
        raise ValueError(
            say(
                "weight_hh of {where} is {shape}: its rows are neither 1 (RNN), 3 (GRU) nor 4 times (LSTM) its columns",
                where=where,
                shape=(rows, output),
            )
        )
    return cells


def _block(name: str, group: Group, cell: str, batch_first: bool, assumed: list[Said]) -> Block:
    where = limits.block_of(name)
    first = group[0, False]
    rows, output = first["weight_hh"].shape
    both = any(back for _, back in group)
    count = max(layer for layer, _ in group) + 1
    missing = [
        _layer(layer, back)
        for layer in range(count)
        for back in (False, True)[: 1 + both]
        if (layer, back) not in group
    ]
    if missing:
        raise limits.Incomplete(
            say(
                "{where} is not whole, it lacks {layers}. {shards}",
                where=where,
                layers=limits.some(missing),
                shards=_shards(),
            )
        )
    hidden = first["weight_hr"].shape[-1] if "weight_hr" in first else output
    if rows != hidden * len(GATES[cell]):
        raise ValueError(
            say(
                "weight_hh of {where} is {shape}; {times} times {hidden} rows would fit the others",
                where=where,
                shape=(rows, output),
                times=len(GATES[cell]),
                hidden=hidden,
            )
        )
    layers, biases = [], []
    for layer in range(count):
        row, two = [], []
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
            whole = {"bias_ih": zero, "bias_hh": zero} | found
            row.append(split_weights(CELLS[cell], whole))
            two.append({name: whole[name] for name in ("bias_ih", "bias_hh")})
        layers.append(row)
        biases.append(two)
    directions = ("forward", "reverse")[: 1 + both]
    layout = [] if batch_first else [LAYOUT]
    lost = [kind for kind in ("bias_ih", "bias_hh") if kind not in first]
    if len(lost) == 1:  # without both it is a module that was made without biases
        layout.append(
            say("{kind} is missing beside {other}, and zeros stand for it", kind=lost[0], other=OTHER[lost[0]])
        )
    said = (*layout, *assumed)
    return Block(name, "torch", CELLS[cell], layers, directions, batch_first, assumed=said, biases=biases)


def _layer(layer: int, back: bool) -> Said:
    return say("layer {layer} backward", layer=layer) if back else say("layer {layer}", layer=layer)


def _shards() -> Said:
    return say(
        "If it is one of several files of a checkpoint, give their index (model.safetensors.index.json), with all of "
        "them beside it"
    )


def _under(name: str, keys: Iterable[str]) -> list[str]:
    """Names of the recurrent weights in a block, and of parts of them that were not put together."""
    start = f"{name}." if name else ""
    return [key.removeprefix(start) for key in keys if key.startswith(start) and KEY.fullmatch(key)]
