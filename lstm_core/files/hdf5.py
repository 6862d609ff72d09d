"""Reading an HDF5 file that somebody else made, in a process of its own: a damaged file can keep the HDF5 library busy
for good, and while it is busy no thread of Python's runs. No link is followed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from lstm_core import narrow
from lstm_core.files import limits, sandbox
from lstm_core.say import Said, say

MAX_NODES = 100_000
MAX_DEPTH = 32

Attributes = dict[str, dict[str, str | list[str]]]


@dataclass(frozen=True)
class Content:
    """What is read of an HDF5 file.

    arrays: matrices and vectors by path, in the order in which they were put into the file.
    attributes: text and lists of text that stand at the file itself ("") and at its groups ("model_weights/lstm"), by
        path and name: "keras_version", "backend", a layer's "weight_names".
    """

    arrays: dict[str, np.ndarray]
    attributes: Attributes

    @property
    def config(self) -> str | None:
        """The attribute "model_config" of the file, if it has one."""
        text = self.attributes.get("", {}).get("model_config")
        return text if isinstance(text, str) else None


def read(data: bytes, limit: int) -> Content:
    """What is in an HDF5 file, of at most ``limit`` bytes. Raises ValueError with what is wrong."""
    if find_spec("h5py") is None:
        raise ValueError(
            say("HDF5 and Keras files are read with the package h5py, which is not installed: pip install h5py")
        )
    attributes, arrays = sandbox.run(__name__, data, limit)
    return Content(arrays, attributes)


# ---- in the child


def parse(data: bytes, limit: int) -> tuple[Attributes, dict[str, np.ndarray]]:
    """Attributes and arrays as ``Content`` has them, each of at most ``limit`` bytes in all."""
    try:
        return _parsed(data, limit)
    except (MemoryError, RecursionError):
        raise
    except Exception as error:  # what h5py raises where it trips over damage is not of one kind
        if isinstance(limits.reason(error), Said):
            raise
        raise ValueError(
            say("{what} is damaged: {error}", what=say("the HDF5 file"), error=str(error)[:200])
        ) from error


def _parsed(data: bytes, limit: int) -> tuple[Attributes, dict[str, np.ndarray]]:
    import h5py
    from h5py import h5o  # pyright: ignore[reportAttributeAccessIssue]: compiled

    with _opened(data) as file:
        attributes: Attributes = {}
        arrays: list[tuple[int, str, np.ndarray]] = []
        left = room = limit
        for path, node in nodes(file):
            if isinstance(node, h5py.Group):
                texts = _texts(node, path)
                room -= sum(len(name) + len(str(text)) for name, text in texts.items())
                if room < 0:
                    raise ValueError(
                        say("the file's attributes have more than the {limit:,} bytes that are allowed", limit=limit)
                    )
                attributes |= {path: texts} if texts else {}
            elif node.shape is not None and len(node.shape) in (1, 2):
                value = array(node, path, left)
                if value is not None:
                    # Groups list their members by name; where a node lies says when it was put in.
                    arrays.append((h5o.get_info(node.id).addr, path, value))
                    left -= value.nbytes
    return attributes, {path: value for _, path, value in sorted(arrays, key=lambda entry: entry[0])}


def _texts(group: Any, path: str) -> dict[str, str | list[str]]:
    """The attributes of a group that are text, or a list of it."""
    texts: dict[str, str | list[str]] = {}
    try:
        for name in group.attrs:
            try:
                value = _text(group.attrs[name])
            except TypeError:  # of a kind that NumPy does not have
                continue
            if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "OSU":
                texts[name] = [str(_text(item)) for item in value]
            elif isinstance(value, str):
                texts[name] = str(value)
    except (KeyError, OSError, RuntimeError, ValueError) as error:
        what = path or say("the HDF5 file")
        raise ValueError(say("{what} is damaged: {error}", what=what, error=str(error))) from error
    return texts


def _opened(data: bytes) -> Any:
    """An ``h5py.File`` on the bytes."""
    import h5py

    try:
        return h5py.File(io.BytesIO(data), "r")
    except OSError as error:
        raise ValueError(say("the HDF5 file is damaged or cut short: {error}", error=str(error))) from error


def nodes(group: Any, prefix: str = "", depth: int = 0, seen: list[int] | None = None) -> Iterator[tuple[str, Any]]:
    """``group`` and every group and dataset below it, by path. Links to other places and files are refused, cycles
    too."""
    import h5py

    seen = [0] if seen is None else seen
    if depth > MAX_DEPTH:
        raise ValueError(say("groups are nested more than {depth} deep", depth=MAX_DEPTH))
    yield prefix.removesuffix("/"), group
    for name in _names(group, prefix):
        seen[0] += 1
        if seen[0] > MAX_NODES:
            raise ValueError(say("the file has more than {count:,} entries", count=MAX_NODES))
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(say("{what} is a link to another place, which is not followed", what=prefix + name))
        try:
            inner = group[name]
        except (KeyError, OSError) as error:
            raise ValueError(say("{what} cannot be read: {error}", what=prefix + name, error=str(error))) from error
        if isinstance(inner, h5py.Group):
            yield from nodes(inner, f"{prefix}{name}/", depth + 1, seen)
        elif isinstance(inner, h5py.Dataset):
            yield f"{prefix}{name}", inner


def _names(group: Any, prefix: str) -> list[str]:
    try:
        return list(group)
    except (OSError, RuntimeError) as error:
        raise ValueError(
            say("{what} is damaged: {error}", what=prefix or say("the HDF5 file"), error=str(error))
        ) from error


def array(dataset: Any, what: str, limit: int) -> np.ndarray | None:
    """The numbers of an HDF5 dataset, of at most ``limit`` bytes; None if it holds something else."""
    try:
        kind = dataset.dtype.kind
    except TypeError as error:  # as of times, which NumPy does not have
        raise ValueError(say("{what} cannot be read: {error}", what=what, error=str(error))) from error
    if kind not in "biufcV":  # words of a vocabulary, say
        return None
    if dataset.is_virtual or dataset.external:
        raise ValueError(say("{what} lies in another file; save the model with its data inside", what=what))
    limits.check_size(what, dataset.shape, dataset.dtype.itemsize, limit)
    try:
        value = np.asarray(dataset[()])
        named = str(_text(dataset.attrs.get("dtype", ""))) == "bfloat16"
        opaque = value.dtype.kind == "V" and value.dtype.names is None  # as Keras 2 and .h5 have it, without the name
        if (named or opaque) and value.dtype.itemsize == 2:
            value = narrow.widened("bfloat16", value.view(np.uint16))
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(say("{what} cannot be read: {error}", what=what, error=str(error))) from error
    return None if value.dtype.kind == "V" else value


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
