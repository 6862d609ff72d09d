"""How these networks are kept: one safetensors file each, below the folder of the shipped models."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lstm_core.cells.base import Cell
from lstm_core.network import model_folders
from lstm_core.say import say
from lstm_core.stored import Kind, packed, unpacked

FORMAT = 1
FOLDER = "beyond"

Groups = dict[str, dict[str, np.ndarray]]
"""Arrays by the part of the network, then by name."""


def write(
    path: str | os.PathLike[str], kind: str, name: str, groups: Mapping[str, Mapping[str, np.ndarray]],
    meta: Mapping[str, Any], weights: Kind = "float32",
) -> None:  # fmt: skip
    """One file; ``weights``: how it stores them. ``meta`` goes into its header as JSON."""
    from safetensors.numpy import save_file

    tensors = {f"{group}/{key}": value for group, arrays in groups.items() for key, value in arrays.items()}
    header = {"format": FORMAT, "kind": kind, "name": name, **meta}
    save_file(packed(tensors, weights), path, metadata={"gatescope": json.dumps(header, ensure_ascii=False)})


def read(path: str | os.PathLike[str], kind: str) -> tuple[str, dict[str, Any], Groups]:
    """Name, what else the header says, and the arrays. Raises ValueError for a file that is something else."""
    header, tensors = _opened(path)
    if header.pop("kind") != kind:
        raise ValueError(say("{path} is a model of another kind", path=str(path)))
    groups: Groups = {}
    for name, value in tensors.items():
        group, _, key = name.partition("/")
        groups.setdefault(group, {})[key] = value
    return header.pop("name"), header, groups


Shapes = Mapping[str, Mapping[str, tuple[int, ...]]]
"""By the part of the network, then by name; -1 for any length but 0."""


def size(path: str | os.PathLike[str], groups: Groups, part: str, name: str, axis: int, axes: int) -> int:
    """The length of an axis of an array that has so many. Raises ValueError if it is missing, empty or has others."""
    array = groups.get(part, {}).get(name)
    if array is None or not array.size:
        raise ValueError(_missing(path, f"{part}/{name}"))
    if array.ndim != axes:
        raise ValueError(
            say("{path}: {name} has {count} axes, not {axes}", path=str(path), name=f"{part}/{name}", count=array.ndim,
                axes=axes)
        )  # fmt: skip
    return array.shape[axis]


def of_cell(cell: type[Cell], reads: int, units: int) -> dict[str, tuple[int, ...]]:
    """The shapes of the parameters of a cell, by name."""
    return {param.name: param.shape(reads, units) for param in cell.params}


def check(path: str | os.PathLike[str], groups: Groups, shapes: Shapes) -> None:
    """Raises ValueError if an array is missing, is one too many, or has another shape."""
    for part, named in shapes.items():
        for name, shape in named.items():
            array = groups.get(part, {}).get(name)
            if array is None:
                raise ValueError(_missing(path, f"{part}/{name}"))
            fits = len(shape) == array.ndim and all(
                there > 0 if wanted < 0 else there == wanted for there, wanted in zip(array.shape, shape, strict=True)
            )
            if not fits:
                wanted = tuple("any" if one < 0 else one for one in shape)
                said = {"path": str(path), "name": f"{part}/{name}", "shape": array.shape, "expected": wanted}
                raise ValueError(say("{path}: {name} has the shape {shape}, not {expected}", **said))
    extra = sorted(f"{part}/{name}" for part in groups for name in groups[part].keys() - shapes.get(part, {}).keys())
    if extra:
        raise ValueError(say("{path} has an array that this model has not: {name}", path=str(path), name=extra[0]))


def word(path: str | os.PathLike[str], meta: dict[str, Any], name: str) -> str:
    """What the header says under that name, taken out of it. Raises ValueError if it is missing or not a text."""
    if not isinstance(meta.get(name), str):
        raise ValueError(_missing(path, name))
    return meta.pop(name)


def words(path: str | os.PathLike[str], meta: dict[str, Any], name: str) -> list[str]:
    """The list of different texts that the header holds under that name, taken out of it. Raises ValueError for
    another one."""
    listed = meta.pop(name, None)
    fits = isinstance(listed, list) and listed and all(isinstance(one, str) for one in listed)
    if not fits or len(set(listed)) < len(listed):
        raise ValueError(_missing(path, name))
    return listed


def _missing(path: str | os.PathLike[str], name: str) -> str:
    return say("{path} is not whole: {error} is missing", path=str(path), error=repr(name))


def header(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What the header says. Raises ValueError for a file that is something else."""
    return _opened(path)[0]


def _opened(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {})["gatescope"])
            tensors = unpacked({name: file.get_tensor(name) for name in file.keys()})
            header = {str(key): value for key, value in dict(header).items()}
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise ValueError(
            say("{path} is not a model of Gatescope: {error}", path=str(path), error=str(error))
        ) from error
    if header.pop("format", None) != FORMAT or not all(isinstance(header.get(key), str) for key in ("kind", "name")):
        raise ValueError(say("{path} is a model of another kind", path=str(path)))
    return header, tensors


def random_like(groups: Mapping[str, Mapping[str, np.ndarray]], seed: int) -> Groups:
    """Arrays of the same shapes, U(-s, s) with s = 1 / sqrt(what a unit reads): the same ones for the same seed, in
    whatever order the groups come."""
    draw = np.random.default_rng(seed)

    def drawn(array: np.ndarray) -> np.ndarray:
        bound = array[0].size ** -0.5 if array.ndim > 1 else len(array) ** -0.5
        return draw.uniform(-bound, bound, array.shape).astype(np.float32)

    return {name: {key: drawn(part[key]) for key in sorted(part)} for name, part in sorted(groups.items())}


def files() -> dict[str, Path]:
    """The shipped files by name; the first folder that holds a name wins."""
    found: dict[str, Path] = {}
    for folder in model_folders():
        for path in sorted((folder / FOLDER).glob("*.safetensors")):
            found.setdefault(path.stem, path)
    return found


def file(name: str) -> Path:
    """The shipped file of that name; ValueError lists the names there are."""
    known = files()
    if name not in known:
        raise ValueError(say("there is no model {name!r}; there are {names}", name=name, names=", ".join(known)))
    return known[name]
