"""Reading HDF5 and zip archives that somebody else made, without following where they point or unfolding what is
folded."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from lstm_core.adapters import refuse

MAX_NODES = 100_000
MAX_DEPTH = 32


def members(data: bytes, limit: int) -> dict[str, int]:
    """Sizes of a zip archive's members by name. Raises ValueError if it is damaged or unfolds to more than
    ``limit``."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise ValueError(f"the archive is damaged or cut short: {error}") from error
    if sum(info.file_size for info in infos) > limit:
        raise ValueError(f"the archive unfolds to more than the {limit:,} bytes that are allowed")
    if any(info.flag_bits & 1 for info in infos):
        raise ValueError("the archive is encrypted")
    return {info.filename: info.file_size for info in infos}


def member(data: bytes, name: str, limit: int) -> bytes:
    """One member of a zip archive, of at most ``limit`` bytes whatever it claims."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(name) as file:
            content = file.read(limit + 1)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError, RuntimeError) as error:
        raise ValueError(f"{name} in the archive is damaged or cut short: {error}") from error
    except Exception as error:  # zlib.error and what other decompressors raise share no base class
        raise ValueError(f"{name} in the archive cannot be unfolded: {error}") from error
    if len(content) > limit:
        raise ValueError(f"{name} unfolds to more than the {limit:,} bytes that are allowed")
    return content


def open_hdf5(data: bytes) -> Any:
    """An ``h5py.File`` on the bytes."""
    try:
        import h5py
    except ImportError:
        raise ValueError("a Keras file is read with the package h5py: pip install 'gatescope[keras]'") from None
    try:
        return h5py.File(io.BytesIO(data), "r")
    except OSError as error:
        raise ValueError(f"the HDF5 file is damaged or cut short: {error}") from error


def datasets(group: Any, prefix: str = "", depth: int = 0, seen: list[int] | None = None) -> Iterator[tuple[str, Any]]:
    """Every dataset below ``group`` by its path. Links to other places and other files are refused, cycles too."""
    import h5py

    seen = [0] if seen is None else seen
    if depth > MAX_DEPTH:
        raise ValueError(f"groups are nested more than {MAX_DEPTH} deep")
    for name in _names(group, prefix):
        seen[0] += 1
        if seen[0] > MAX_NODES:
            raise ValueError(f"the file has more than {MAX_NODES:,} entries")
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"{prefix}{name} is a link to another place, which is not followed")
        try:
            inner = group[name]
        except (KeyError, OSError) as error:
            raise ValueError(f"{prefix}{name} cannot be read: {error}") from error
        if isinstance(inner, h5py.Group):
            yield from datasets(inner, f"{prefix}{name}/", depth + 1, seen)
        elif isinstance(inner, h5py.Dataset):
            yield f"{prefix}{name}", inner


def _names(group: Any, prefix: str) -> list[str]:
    try:
        return list(group)
    except (OSError, RuntimeError) as error:
        raise ValueError(f"{prefix or 'the HDF5 file'} is damaged: {error}") from error


def array(dataset: Any, what: str, limit: int) -> np.ndarray:
    """The values of an HDF5 dataset, of at most ``limit`` bytes."""
    if dataset.is_virtual or dataset.external:
        raise ValueError(f"{what} lies in another file; save the model with its data inside")
    if dataset.shape is None:
        raise ValueError(f"{what} is empty")
    refuse.check_size(what, dataset.shape, dataset.dtype.itemsize, limit)
    try:
        value = np.asarray(dataset[()])
        if str(_text(dataset.attrs.get("dtype", ""))) == "bfloat16" and value.dtype.itemsize == 2:
            value = (value.view(np.uint16).astype(np.uint32) << 16).view(np.float32)  # the upper half of a float32
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"{what} cannot be read: {error}") from error
    return value


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
