"""Reading zip archives that somebody else made, without unfolding more than was agreed."""

from __future__ import annotations

import io
import zipfile

from lstm_core.say import say


def members(data: bytes, limit: int) -> dict[str, int]:
    """Sizes of a zip archive's members by name. Raises ValueError if it is damaged or unfolds to more than
    ``limit``."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise ValueError(say("the archive is damaged or cut short: {error}", error=str(error))) from error
    if sum(info.file_size for info in infos) > limit:
        raise ValueError(say("the archive unfolds to more than the {limit:,} bytes that are allowed", limit=limit))
    if any(info.flag_bits & 1 for info in infos):
        raise ValueError(say("the archive is encrypted"))
    return {info.filename: info.file_size for info in infos}


def member(data: bytes, name: str, limit: int) -> bytes:
    """One member of a zip archive, of at most ``limit`` bytes whatever it claims."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(name) as file:
            content = file.read(limit + 1)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError, RuntimeError) as error:
        raise ValueError(
            say("{name} in the archive is damaged or cut short: {error}", name=name, error=str(error))
        ) from error
    except Exception as error:  # zlib.error and what other decompressors raise share no base class
        raise ValueError(
            say("{name} in the archive cannot be unfolded: {error}", name=name, error=str(error))
        ) from error
    if len(content) > limit:
        raise ValueError(
            say("{name} unfolds to more than the {limit:,} bytes that are allowed", name=name, limit=limit)
        )
    return content
