"""Recurrent blocks in a PyTorch state_dict, found by their keys: in what ``torch.save`` wrote, and in safetensors."""

from __future__ import annotations

import io
import json
import pickle
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lstm_core.adapters import refuse
from lstm_core.adapters.block import Block
from lstm_core.adapters.stacked import GATES, split_weights
from lstm_core.cells import CELLS
from lstm_core.say import Said, say

KEY = re.compile(
    r"(?P<prefix>(?:.*\.)?)(?P<kind>weight_ih|weight_hh|bias_ih|bias_hh|weight_hr)(?:_l(?P<layer>\d{1,4})(?P<back>_reverse)?)?"
)
FLOATS = {"F64": np.float64, "F32": np.float32, "F16": np.float16}


def from_torch(data: bytes, limit: int) -> dict[str, np.ndarray]:
    """The matrices and vectors in a file of ``torch.save``, by dotted key. Nothing in it is executed:
    ``weights_only=True``."""
    try:
        import torch
    except ImportError:
        raise ValueError(say("a PyTorch file is read with torch, which is not installed: pip install torch")) from None
    if zipfile.is_zipfile(io.BytesIO(data)):
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
        if any(name.endswith("constants.pkl") for name in names):
            raise ValueError(
                say("this is a TorchScript archive, which is code; save the state_dict: torch.save(m.state_dict(), f)")
            )
    try:
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        what = re.search(r"(?:GLOBAL|global|class|function) ([\w.]+)", str(error))
        raise ValueError(
            say(
                "this pickle holds more than tensors{named}, which could be code and is not run; "
                "save the weights alone: torch.save(model.state_dict(), path)",
                named=f" ({what[1]})" if what else "",
            )
        ) from error
    except Exception as error:  # a file cut short fails in the zip reader, the unpickler or a tensor, each in its way
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(say("the file is damaged or cut short: {error}", error=first[:200])) from error
    found: dict[str, np.ndarray] = {}
    for name, tensor in _tensors(content, torch.Tensor):
        kind = str(tensor.dtype).removeprefix("torch.")
        plain = tensor.layout is torch.strided and kind in ("float64", "float32", "float16", "bfloat16")
        if KEY.fullmatch(name) is None and not (plain and tensor.ndim in (1, 2)):
            continue
        refuse.check_size(name, tensor.shape, tensor.element_size(), limit)
        if tensor.layout is not torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
            raise ValueError(
                say("{name} is no plain tensor of floating-point weights (is it quantised or sparse?)", name=name)
            )
        found[name] = (tensor.float() if tensor.dtype is torch.bfloat16 else tensor).detach().numpy()
    return found


def _tensors(
    content: Any, kind: type, prefix: str = "", depth: int = 0, seen: set[int] | None = None
) -> Iterator[tuple[str, Any]]:
    """Tensors in nested dicts by dotted key: {"epoch": 3, "model": {"rnn.weight_ih_l0": ...}} gives model.rnn....

    A dict that stands in several places is entered once: a small pickle could hold more paths than can be walked.
    """
    seen = set() if seen is None else seen
    if isinstance(content, kind):
        yield prefix.removesuffix("."), content
    elif isinstance(content, Mapping) and depth < 8 and id(content) not in seen:
        seen.add(id(content))
        for key, value in content.items():
            yield from _tensors(value, kind, f"{prefix}{key}.", depth + 1, seen)


def from_safetensors(data: bytes, limit: int) -> dict[str, np.ndarray]:
    """The matrices and vectors in a safetensors file by key."""
    from safetensors import SafetensorError, deserialize

    try:
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        if "gatescope" in header.get("__metadata__", {}):
            raise ValueError(say("this is one of Gatescope's own models: lstm_core.Model.load reads it"))
        tensors = deserialize(data)
    except (SafetensorError, UnicodeDecodeError, json.JSONDecodeError, AttributeError) as error:
        raise ValueError(say("the safetensors file is damaged or cut short: {error}", error=str(error))) from error
    found = {}
    for name, info in tensors:
        kind, raw = info["dtype"], info["data"]
        if KEY.fullmatch(name) is None and not (kind in ("BF16", *FLOATS) and len(info["shape"]) in (1, 2)):
            continue
        if kind == "BF16":  # the upper half of a float32
            value = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
        elif kind in FLOATS:
            value = np.frombuffer(raw, np.dtype(FLOATS[kind]).newbyteorder("<"))
        else:
            raise ValueError(
                say("{name} holds {kind}, not floating-point weights (is it quantised?)", name=name, kind=kind)
            )
        found[name] = value.reshape(info["shape"])
    return found


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
    chosen = refuse.choose({name: cells for name, cells in fits.items() if len(cells) > 1}, cell)
    return [_block(name, group, chosen.get(name, fits[name][0]), batch_first) for name, group in groups.items()]


def _cells(name: str, group: Mapping[tuple[int, bool], Mapping[str, np.ndarray]]) -> tuple[str, ...]:
    """The cells that the first layer's shapes fit; ValueError if none does."""
    where = refuse.block_of(name)
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
    where = refuse.block_of(name)
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
            found = refuse.weights(group[layer, back], mark)
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
                refuse.expect(value, shapes.get(kind, (rows,)), say("{key} of {where}", key=kind, where=mark))
            zero = np.zeros(rows, found["weight_ih"].dtype)
            row.append(split_weights(CELLS[cell], {"bias_ih": zero, "bias_hh": zero} | found))
        layers.append(row)
    directions = ("forward", "reverse")[: 1 + both]
    assumed = () if batch_first else ("x is (time, batch, input), as without batch_first",)
    return Block(name, "torch", CELLS[cell], layers, directions, batch_first, assumed=assumed)


def _layer(layer: int, back: bool) -> Said:
    return say("layer {layer} backward", layer=layer) if back else say("layer {layer}", layer=layer)
