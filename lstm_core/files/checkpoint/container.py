"""The two formats of ``torch.save``, and a plain pickle: where the pickle lies, and the storages that it speaks of. The
formats of torch's programs are archives as well (``script``, ``exported``)."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from lstm_core.files import strangers
from lstm_core.files.archive import Archive
from lstm_core.files.checkpoint import exported, script
from lstm_core.files.checkpoint.inert import name_of
from lstm_core.files.checkpoint.numpy_arrays import text
from lstm_core.files.checkpoint.tensors import NUMBERS, STORAGES, Storage, counts
from lstm_core.files.checkpoint.unpickler import Unpickler
from lstm_core.say import say

MAGIC = 0x1950A86A20F9469CFC6C
"""With this number torch's older format begins, its version and a description of the machine follow."""
VERSION = 1001

Bytes = bytes | memoryview


class Saved(NamedTuple):
    """content: what was given to ``torch.save``, ``torch.jit.save``, ``torch.export.save`` or ``pickle.dump``. code:
    what the code beside it says of a class, by its name. modules: what is said of modules, by theirs. program: whether
    it is one of torch's programs, with code of its own."""

    content: Any
    code: Callable[[str], Mapping[str, Any]] = lambda kind: {}
    modules: Mapping[str, Mapping[str, Any]] = {}
    program: bool = False


def saved(data: bytes, limit: int) -> Saved:
    """What a file holds. Raises ValueError for what is damaged, or unfolds to more than ``limit`` bytes."""
    archive = Archive(data, limit) if data.startswith(b"PK") else None
    if archive is not None and archive.start:  # one archive a tensor, after each other
        raise ValueError(strangers.DISTRIBUTED)
    if archive is not None and (inner := exported.state(archive)) is not None:
        weights = _from_zip(Archive(inner, limit)) if inner.startswith(b"PK") else Saved(_from_stream(inner))
        return weights._replace(program=True)
    if archive is None:
        return Saved(_from_stream(data))
    if (config := exported.config(archive)) is not None:
        return Saved(exported.tensors(archive, config), modules=exported.modules(archive, config), program=True)
    return _from_zip(archive)


def _from_zip(archive: Archive) -> Saved:
    """The archive holds data.pkl, and each storage as a member data/KEY."""
    pickles = [name for name in archive.sizes if f"/{name}".endswith("/data.pkl")]
    root = min(pickles, key=len, default="data.pkl").removesuffix("data.pkl")
    code = script.Code(archive, root) if f"{root}constants.pkl" in archive.sizes else None
    if code is not None:
        script.check(archive, root)
    order = archive.read(f"{root}byteorder").strip() if f"{root}byteorder" in archive.sizes else b"little"
    if order not in (b"little", b"big"):
        raise ValueError(say("the file is damaged: it gives its byte order as neither little nor big"))

    def load(name: str) -> bytes:
        if name not in archive.sizes:
            raise ValueError(say("the file is damaged or cut short: {name} is missing", name=name))
        return archive.read(name)

    storages: dict[str, Storage] = {}

    def storage(pid: tuple[Any, ...]) -> Storage:
        key, dtype, size = _described(pid)
        if key not in storages:
            name = f"{root}data/{key}"
            storages[key] = Storage(dtype, cache(lambda: load(name)[:size]), "<" if order == b"little" else ">")
        return storages[key]

    content = Unpickler(io.BytesIO(archive.read(f"{root}data.pkl")), storage, _from_bytes).load()
    return Saved(content) if code is None else Saved(content, code.says, program=True)


def _from_stream(data: bytes) -> Any:
    """A number, a version and a description of the machine, each pickled, are followed by what was saved, a list of
    storages, and their sizes and numbers. A plain pickle is what was saved alone."""
    file = io.BytesIO(data)
    first = Unpickler(file, None, _from_bytes).load()
    if not isinstance(first, int) or first != MAGIC:
        return first
    if Unpickler(file).load() != VERSION:
        raise ValueError(say("this PyTorch file is of a version that is not known"))
    Unpickler(file).load()
    places: dict[str, Bytes] = {}
    storages: dict[str, tuple[Storage, int]] = {}

    def load(key: str) -> Bytes:
        if key not in places:
            raise ValueError(say("the file is damaged or cut short: {name} is missing", name=key))
        return places[key]

    def storage(pid: tuple[Any, ...]) -> Storage:
        key, dtype, size = _described(pid)
        if key not in storages:
            storages[key] = Storage(dtype, lambda: load(key)), size
        whole = storages[key][0]
        if len(pid) < 6 or pid[5] is None:
            return whole
        _, offset, length = pid[5]  # a part of another storage, as views were once written
        first, count = (n * _width(whole.dtype) for n in counts((offset, length)))
        return Storage(whole.dtype, lambda: whole.data()[first : first + count])

    saved = Unpickler(file, storage).load()
    keys = Unpickler(file).load()
    rest, at = memoryview(data), file.tell()
    for key in map(_key, keys if isinstance(keys, list) else ()):
        kind, size = storages.get(key, (None, 0))
        count = int.from_bytes(rest[at : at + 8], "little")
        if kind is None or count * _width(kind.dtype) != size or at + 8 + size > len(rest):
            raise ValueError(say("the file is damaged or cut short: {name} is missing", name=key))
        places[key] = rest[at + 8 : at + 8 + size]
        at += 8 + size
    return saved


def _from_bytes(data: Any) -> Any:
    """A storage as a plain pickle has it: in bytes of its own, in the older format."""
    if not isinstance(data, bytes):
        raise ValueError(say("the file is damaged: the description of a tensor contradicts itself"))
    return _from_stream(data)


def _described(pid: tuple[Any, ...]) -> tuple[str, str, int]:
    """Key, kind of numbers and bytes of a storage, as a pickle describes it."""
    if len(pid) < 5 or text(pid[0]) != "storage":
        raise ValueError(say("the file is damaged: it refers to something outside the file"))
    dtype = STORAGES.get(name_of(pid[1]).rpartition(".")[2])
    if dtype is None:
        raise ValueError(say("the file holds numbers of the kind {kind}, which is not known", kind=name_of(pid[1])))
    return _key(pid[2]), dtype, counts((pid[4],))[0] * _width(dtype)


def _key(key: Any) -> str:
    return str(key) if isinstance(key, int) and key.bit_length() <= 64 else text(key)


def _width(dtype: str) -> int:
    return np.dtype(NUMBERS[dtype]).itemsize
