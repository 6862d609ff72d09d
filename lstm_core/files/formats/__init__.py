"""The formats that are read, found in this folder: adding one is adding its file with a ``FORMAT``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property

import numpy as np

from lstm_core.block import Block
from lstm_core.files import archive, hdf5
from lstm_core.files.options import Options


class Content:
    """A file's bytes, and what shows which format they are in."""

    def __init__(self, data: bytes, limit: int) -> None:
        """data: of the file, or its beginning. limit: bytes that what is packed in it may unfold to."""
        self.data, self.limit = data, limit

    def starts(self, *marks: bytes) -> bool:
        """Whether the file begins with one of these bytes."""
        return self.data.startswith(marks)

    @cached_property
    def members(self) -> Mapping[str, int]:
        """Sizes of a zip archive's members by name; none for what is not a zip archive.

        Raises ValueError for an archive that is damaged, encrypted, or unfolds to more than is allowed.
        """
        return archive.members(self.data, self.limit) if self.data.startswith(b"PK\x03\x04") else {}

    @cached_property
    def hdf5(self) -> hdf5.Content:
        """What is in an HDF5 file. Raises ValueError for one that is damaged, or larger than is allowed."""
        return hdf5.read(self.data, self.limit)


@dataclass(frozen=True)
class Found:
    """What a reader finds. blocks: in the file's order. others: the file's other matrices and vectors by name, in its
    order. roles: what the file says of some of these, by name: "embedding", "output", or the name of another layer
    ("Conv1D"). layout: the shape of everything that the file holds, by name, in its order."""

    blocks: list[Block]
    others: dict[str, np.ndarray] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    layout: dict[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Format:
    """name: as a person says it. fits: whether a file is of this format, by its first bytes or an archive's members; at
    most one format fits a file. read: raises ValueError, in plain words, for whatever is wrong with the file.
    takes: the options of ``load`` that are of this format and not of every one."""

    name: str
    fits: Callable[[Content], bool]
    read: Callable[[Content, Options], Found]
    takes: tuple[str, ...] = ()


@cache
def discover() -> tuple[Format, ...]:
    """Every format, in the order of the files' names."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__))
    modules = (importlib.import_module(f"{__name__}.{name}") for name in names)
    return tuple(module.FORMAT for module in modules if hasattr(module, "FORMAT"))
