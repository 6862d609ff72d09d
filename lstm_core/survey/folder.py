"""A survey's folder: a manifest, Parquet files with plain columns, and a lock while somebody writes to it.

    manifest.json                model, data, options, versions; "complete" once all data was read
    documents/00000.parquet      the texts or ids, and how many steps each has
    patterns/00000.parquet       which units were on, a bit a step
    waiting/00000.parquet        what a part holds, until it is done
    summaries/00000.parquet      what was counted in each part, until all are done
    units, histograms, lags, followed, places .parquet   the same of all parts, once it is

A file is written beside its place and moved there when it is whole; a part is done when its summary is there.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_core.say import say

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
TABLES = {
    "units": ("id", "module", "layer", "direction", "signal", "unit", "q50"),
    "histograms": ("id", "low", "high", "count"),
    "lags": ("id", "lag", "autocorrelation"),
    "followed": ("id", "property", "correlation", "auc", "shuffled_auc"),
    "places": ("id", "kind", "document", "step", "value"),
}
"""The tables of a whole survey, and columns that each has to have."""
MANIFEST = {"complete": bool, "model": dict, "options": dict}
WHOLE = {"data": dict, "parts": list}
"""What a manifest holds, and that of a whole survey besides."""


def let_go() -> None:
    """Gives free memory back to the system: C's allocator keeps what large arrays of many sizes leave between them."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):  # glibc alone has it
        ctypes.CDLL(None).malloc_trim(0)


class Folder:
    """``path``, which need not be there yet. Every method that writes raises OSError, in plain words, if the disk is
    full; what was written before stays whole."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """path: looked at when something is read or written, not before."""
        self.path = Path(path)

    def part(self, kind: str, number: int) -> Path:
        """The file of a part."""
        return self.path / kind / f"{number:05}.parquet"

    def parts(self, kind: str) -> list[int]:
        """The numbers of the parts that have a file of that kind, in order."""
        names = (re.fullmatch(r"(\d{5,})\.parquet", path.name) for path in (self.path / kind).glob("*.parquet"))
        return sorted(int(name[1]) for name in names if name)

    def manifest(self) -> dict[str, Any] | None:
        """What the manifest says; None if there is none. Raises ValueError for one that cannot be read."""
        path = self.path / "manifest.json"
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (ValueError, OSError) as error:
            raise ValueError(
                say("{path} cannot be read as a survey's manifest: {error}", path=str(path), error=str(error))
            ) from error
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise ValueError(say("{path} is not the manifest of a survey that this version reads", path=str(path)))
        wanted = MANIFEST | (WHOLE if found.get("complete") else {})
        wrong = [name for name, kind in wanted.items() if not isinstance(found.get(name), kind)]
        size = found.get("part", 1)  # one of before does not say it
        if type(size) is not int or size < 1:
            wrong.append("part")
        if wrong:
            raise ValueError(
                say("{path} is damaged, it does not say {name}: copy the folder again", path=str(path), name=wrong[0])
            )
        return found

    def read(self, path: Path, needs: Collection[str] = (), columns: Sequence[str] | None = None) -> pa.Table:
        """A table. Raises ValueError for a file that is missing, damaged, or has not the columns that are needed."""
        import pyarrow.parquet as pq

        with _said(path):
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                table = file.read(columns)
        if not set(needs) <= set(table.column_names):
            raise _damaged(path, ", ".join(sorted(set(needs) - set(table.column_names))))
        return table

    def note(self, path: Path) -> dict[str, str]:
        """What is noted in a table's file. Raises ValueError as ``read`` does."""
        import pyarrow.parquet as pq

        with _said(path):
            found = pq.read_schema(path).metadata or {}
            return {key.decode(): value.decode() for key, value in found.items() if key != b"ARROW:schema"}

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Puts ``manifest`` in the place of the one there is."""
        with self._instead(self.path / "manifest.json") as path:
            path.write_text(json.dumps(manifest, indent=1, ensure_ascii=False), encoding="utf-8")

    def write(self, path: Path, tables: Iterable[pa.Table]) -> None:
        """Writes tables of one form as a Parquet file, each as a row group of its own if there are several."""
        import pyarrow.parquet as pq

        let_go()
        with self._instead(path) as beside:
            writer = None
            try:
                for table in tables:
                    writer = writer or pq.ParquetWriter(
                        beside, table.schema, compression="zstd", write_page_checksum=True
                    )
                    writer.write_table(table, row_group_size=max(len(table), 1))
            finally:
                if writer is not None:
                    writer.close()
        let_go()

    def remove(self, kind: str) -> None:
        """Removes the parts of that kind."""
        for number in self.parts(kind):
            self.part(kind, number).unlink(missing_ok=True)
        if (self.path / kind).exists():
            (self.path / kind).rmdir()

    @contextmanager
    def _instead(self, path: Path) -> Iterator[Path]:
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield beside
            os.replace(beside, path)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            raise OSError(
                error.errno,
                say(
                    "no space is left for {path}: what was surveyed so far is kept; free some, and call survey again",
                    path=str(path),
                ),
            ) from error
        finally:
            beside.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else writes to the folder meanwhile. Raises ValueError if somebody does already. The system lets go
        of the lock when a process ends, however it ends."""
        if self.path.exists() and not self.path.is_dir():
            raise ValueError(say("{folder} is a file, and a survey takes a folder", folder=str(self.path)))
        self.path.mkdir(parents=True, exist_ok=True)
        with open(self.path / ".lock", "a+b") as file:
            if not _lock(file):
                raise ValueError(
                    say(
                        "another run is writing to {folder}: wait for it, or take another folder", folder=str(self.path)
                    )
                )
            yield


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """What goes wrong as ``path`` is read is said in words."""
    import pyarrow as pa

    try:
        yield
    except FileNotFoundError as error:
        raise ValueError(
            say("{path} is missing from the survey: copy the whole folder again, or survey anew", path=str(path))
        ) from error
    except (pa.ArrowException, OSError, KeyError, ValueError, TypeError) as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, error: str) -> ValueError:
    return ValueError(
        say(
            "{path} is damaged: copy the whole folder again, or survey anew ({error})",
            path=str(path),
            error=error.partition("\n")[0][:200],
        )
    )


def _lock(file: Any) -> bool:
    """Whether the lock on ``file`` could be taken."""
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
