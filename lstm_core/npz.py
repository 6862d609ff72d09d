"""Arrays in NumPy's .npz, read so that a hostile file costs what it may and runs nothing.

``numpy.load`` would do but for two things: it makes room for an array of whatever size its header claims, and what is
wrong with a file is any of a dozen errors.
"""

from __future__ import annotations

import io
import math
import os
import sys
import zipfile
from typing import IO

import numpy as np

from lstm_core import narrow
from lstm_core.say import Said, say

KINDS = "biufU"
"""Of ``numpy.dtype.kind``: truth values, numbers and text."""


def read(file: str | os.PathLike[str] | IO[bytes], limit: int) -> tuple[dict[str, np.ndarray], dict[str, Said]]:
    """The arrays by name, in the file's order; and why others were not read (Python objects, structures), by name.

    Raises ValueError for a file that is not an .npz, is damaged or cut short, or unfolds to more than ``limit`` bytes.
    """
    if isinstance(file, str | os.PathLike):
        with open(file, "rb") as opened:
            return read(opened, limit)
    arrays: dict[str, np.ndarray] = {}
    refused: dict[str, Said] = {}
    if not _begins_as_a_zip(file):
        raise ValueError(say("this is not an .npz file, as numpy.savez writes it"))
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > limit:
                raise ValueError(
                    say("the archive unfolds to more than the {limit:,} bytes that are allowed", limit=limit)
                )
            for member in members:
                # Other ways of packing are unfolded without a limit, whatever size the archive claims.
                if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise ValueError(say("{name} is packed in a way that .npz files do not use", name=member.filename))
                name = member.filename.removesuffix(".npy")
                if name in arrays or name in refused:
                    raise ValueError(say("the archive holds {name} twice", name=name))
                value = array(archive.read(member), name)
                (refused if isinstance(value, Said) else arrays)[name] = value  # type: ignore[index]
    except ValueError as error:
        raise error if any(isinstance(part, Said) for part in error.args) else _damaged(error) from error
    except Exception as error:  # zipfile, zlib, lzma, bz2: what they raise shares no base class
        raise _damaged(error) from error
    return arrays, refused


def _begins_as_a_zip(file: IO[bytes]) -> bool:
    """Whether the first bytes are an archive's; they are left to be read again."""
    try:
        start = file.tell()
        begins = file.read(2)
        file.seek(start)
    except (OSError, ValueError):  # it cannot go back, which the archive's reader says
        return True
    return begins == b"PK"


def array(data: bytes, name: str) -> np.ndarray | Said:
    """The array in an .npy file, or why it is not read. Raises ValueError if it is damaged."""
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
        if header is None:
            return say("{name} is in a version of .npy that is not read", name=name)
        shape, columns_first, dtype = header(file)
    except Exception as error:  # the header is Python text, and what is wrong with it can be anything
        raise ValueError(
            say("{name} is not an .npy file, or it is damaged: {error}", name=name, error=str(error)[:200])
        ) from error
    if dtype.hasobject:
        return say("{name} holds Python objects, which could be code and are not read", name=name)
    bfloat16 = dtype.kind == "V" and dtype.itemsize == 2 and dtype.names is None  # NumPy has no name for it
    if (dtype.kind not in KINDS and not bfloat16) or not dtype.itemsize:
        return say("{name} holds {kind}, which is neither real numbers nor text", name=name, kind=str(dtype)[:80])
    start, count = file.tell(), math.prod(shape)
    if any(size < 0 for size in shape) or count * dtype.itemsize != len(data) - start:
        raise ValueError(
            say(
                "{name} claims the shape {shape}, which does not fit its size (in bytes: {size:,})",
                name=name,
                shape=shape,
                size=len(data) - start,
            )
        )
    try:
        value = np.frombuffer(data, dtype, count, start).reshape(shape, order="F" if columns_first else "C")
    except (ValueError, OverflowError) as error:  # no numbers, in a shape that NumPy cannot have
        raise ValueError(say("{name} claims the shape {shape}", name=name, shape=shape)) from error
    value = narrow.widened("bfloat16", value.view(np.uint16)) if bfloat16 else value.copy(order="K")
    if dtype.kind == "U" and (np.frombuffer(data, dtype.byteorder + "u4", offset=start) > sys.maxunicode).any():
        raise ValueError(say("{name} holds text that is not Unicode", name=name))
    return value


def _damaged(error: Exception) -> ValueError:
    return ValueError(say("the .npz file is damaged or cut short: {error}", error=str(error)[:200]))
