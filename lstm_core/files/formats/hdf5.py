"""Reading an HDF5 file that somebody else made: in a process of its own, which may hang or die.

A damaged file can keep the HDF5 library busy for good, and while it is busy no thread of Python's runs. The child has
a time and a memory limit, follows no link, and answers in safetensors.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lstm_core.files import limits
from lstm_core.say import Said, say

SECONDS = 10
MAX_NODES = 100_000
MAX_DEPTH = 32
REFUSED = 3  # the child's exit status when it says why


class Content(NamedTuple):
    """config: the attribute "model_config", if there is one. arrays: matrices and vectors by path."""

    config: str | None
    arrays: dict[str, np.ndarray]


def read(data: bytes, limit: int) -> Content:
    """What is in an HDF5 file, of at most ``limit`` bytes. Raises ValueError with what is wrong."""
    from safetensors.numpy import load

    if find_spec("h5py") is None:
        raise ValueError(say("a Keras file is read with the package h5py: pip install 'gatescope[keras]'"))
    root = str(Path(__file__).resolve().parents[3])
    paths = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", __name__, str(limit)]
    try:
        child = subprocess.run(
            command, input=data, capture_output=True, timeout=SECONDS, env={**os.environ, "PYTHONPATH": paths}
        )
    except subprocess.TimeoutExpired:
        raise ValueError(
            say(
                "the HDF5 file could not be read within {seconds} s; it is damaged, or made so on purpose",
                seconds=SECONDS,
            )
        ) from None
    if child.returncode == REFUSED:
        raise ValueError(_heard(json.loads(child.stdout)))
    if child.returncode != 0:
        raise ValueError(say("the HDF5 file is damaged: reading it ended with status {code}", code=child.returncode))
    size = int.from_bytes(child.stdout[:8], "little")
    config = json.loads(child.stdout[8 : 8 + size])
    return Content(config, load(child.stdout[8 + size :]))


def _heard(tree: Any) -> Any:
    """The reverse of ``_told``."""
    return say(tree[0], **{name: _heard(value) for name, value in tree[1].items()}) if isinstance(tree, list) else tree


def _told(value: Any) -> Any:
    """Something said, and what it was said with, as JSON has it."""
    if isinstance(value, Said):
        return [value.template, {name: _told(inner) for name, inner in value.values.items()}]
    return value if isinstance(value, (int, float)) else str(value)


# ---- in the child


def main(limit: int) -> int:
    from safetensors.numpy import save

    _bound(limit)
    out = sys.stdout.buffer
    try:
        config, arrays = _content(sys.stdin.buffer.read(), limit)
    except ValueError as error:
        out.write(json.dumps(_told(error.args[0])).encode())
        return REFUSED
    head = json.dumps(config).encode()
    out.write(len(head).to_bytes(8, "little") + head + save(arrays))
    return 0


def _bound(limit: int) -> None:
    """What the process may use; where the system knows no such limits there is still the parent's clock."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    memory = 4 * limit + (2 << 30)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _content(data: bytes, limit: int) -> Content:
    with _opened(data) as file:
        try:
            config = file.attrs.get("model_config")
        except (OSError, RuntimeError, TypeError, ValueError) as error:
            raise ValueError(say("the HDF5 file is damaged or cut short: {error}", error=str(error))) from error
        arrays: dict[str, np.ndarray] = {}
        left = limit
        for path, dataset in datasets(file):
            if dataset.shape is None or len(dataset.shape) not in (1, 2):
                continue
            value = array(dataset, path, left)
            if value is not None:
                arrays[path] = np.ascontiguousarray(value)
                left -= value.nbytes
        return Content(None if config is None else str(_text(config)), arrays)


def _opened(data: bytes) -> Any:
    """An ``h5py.File`` on the bytes."""
    import h5py

    try:
        return h5py.File(io.BytesIO(data), "r")
    except OSError as error:
        raise ValueError(say("the HDF5 file is damaged or cut short: {error}", error=str(error))) from error


def datasets(group: Any, prefix: str = "", depth: int = 0, seen: list[int] | None = None) -> Iterator[tuple[str, Any]]:
    """Every dataset below ``group`` by its path. Links to other places and other files are refused, cycles too."""
    import h5py

    seen = [0] if seen is None else seen
    if depth > MAX_DEPTH:
        raise ValueError(say("groups are nested more than {depth} deep", depth=MAX_DEPTH))
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
            yield from datasets(inner, f"{prefix}{name}/", depth + 1, seen)
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
    if dataset.dtype.kind not in "fiuV":
        if len(dataset.shape) == 1:  # words of a vocabulary, say
            return None
        raise ValueError(say("{what} holds {kind}, not floating-point weights", what=what, kind=str(dataset.dtype)))
    if dataset.is_virtual or dataset.external:
        raise ValueError(say("{what} lies in another file; save the model with its data inside", what=what))
    limits.check_size(what, dataset.shape, dataset.dtype.itemsize, limit)
    try:
        value = np.asarray(dataset[()])
        if str(_text(dataset.attrs.get("dtype", ""))) == "bfloat16" and value.dtype.itemsize == 2:
            value = (value.view(np.uint16).astype(np.uint32) << 16).view(np.float32)  # the upper half of a float32
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(say("{what} cannot be read: {error}", what=what, error=str(error))) from error
    return None if value.dtype.kind == "V" else value


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
