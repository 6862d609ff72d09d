"""Reading zip archives that somebody else made, without unfolding more than was agreed."""

from __future__ import annotations

import io
import zipfile

from lstm_core.say import say


class Archive:
    """A zip archive. sizes: what its members unfold to, by name. start: bytes before the first
    of them. Raises ValueError if it is damaged, encrypted, or unfolds to more than ``limit`` bytes."""

    def __init__(self, data: bytes, limit: int) -> None:
        """data: of the whole archive. limit: bytes that its members may unfold to together."""
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
            infos = self._archive.infolist()
        except Exception as error:  # what trips over a damaged directory is not of one kind
            if data[:2] == b"PK" and not _has_end(data):
                text = say("the archive is damaged or cut short: its end is missing; download it again")
                raise ValueError(text) from error
            raise ValueError(say("the archive is damaged or cut short: {error}", error=str(error)[:200])) from error
        if sum(info.file_size for info in infos) > limit:
            raise ValueError(say("the archive unfolds to more than the {limit:,} bytes that are allowed", limit=limit))
        if any(info.flag_bits & 1 for info in infos):
            raise ValueError(say("the archive is encrypted"))
        # zipfile unfolds other ways of packing without a limit, whatever size a member claims.
        if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in infos):
            raise ValueError(
                say("the archive is packed in a way that is not read; pack it again without bzip2 or LZMA")
            )
        self.start = min((info.header_offset for info in infos), default=0)
        self.sizes = {info.filename: info.file_size for info in infos}

    def read(self, name: str, limit: int | None = None) -> bytes:
        """One member, of at most ``limit`` bytes, or as many as it claims. Raises ValueError if it is damaged, larger,
        or not there."""
        most = self.sizes.get(name, 0) if limit is None else limit
        try:
            with self._archive.open(name) as file:
                content = file.read(most + 1)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError, RuntimeError) as error:
            raise ValueError(
                say("{name} in the archive is damaged or cut short: {error}", name=name, error=str(error)[:200])
            ) from error
        except Exception as error:  # zlib.error and what other decompressors raise share no base class
            raise ValueError(
                say("{name} in the archive cannot be unfolded: {error}", name=name, error=str(error)[:200])
            ) from error
        if len(content) > most:
            raise ValueError(
                say("{name} unfolds to more than the {limit:,} bytes that are allowed", name=name, limit=most)
            )
        return content


def _has_end(data: bytes) -> bool:
    """Whether the archive's last part, which says where the others lie, is there, damaged or not."""
    try:
        return zipfile.is_zipfile(io.BytesIO(data))
    except zipfile.BadZipFile:
        return True


def members(data: bytes, limit: int) -> dict[str, int]:
    """Sizes of a zip archive's members by name. Raises ValueError as ``Archive`` does."""
    return Archive(data, limit).sizes


def member(data: bytes, name: str, limit: int) -> bytes:
    """One member of a zip archive, of at most ``limit`` bytes whatever it claims."""
    return Archive(data, 1 << 62).read(name, limit)
