"""Files that lie beside the one that is read: the weights of an ONNX model, the other shards of a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from lstm_core.files.limits import shown
from lstm_core.say import say


@dataclass(frozen=True)
class Beside:
    """folder: where the file lies; None for one that came as bytes. given: files that came with it, by name. taken:
    the names of those that were read."""

    folder: Path | None = None
    given: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    taken: dict[str, None] = field(default_factory=dict, compare=False)

    def read(self, name: str, limit: int) -> bytes | None:
        """The file of that relative name, of at most ``limit`` bytes; None if it is not there.

        Raises ValueError for a name that leads out of the folder (absolute, "..", a drive, a symbolic link) and for a
        file that is larger than ``limit``.
        """
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or PurePosixPath(name).is_absolute() or PureWindowsPath(name).anchor:
            raise ValueError(say("the name {name!r} of another file leads out of the folder", name=shown(name)))
        if name in self.given:
            size, data = len(self.given[name]), self.given[name]
        elif self.folder is not None:
            path = self.folder.joinpath(*parts)
            if not path.is_file():
                return None
            if not path.resolve().is_relative_to(self.folder.resolve()):
                raise ValueError(say("the name {name!r} of another file leads out of the folder", name=shown(name)))
            size = path.stat().st_size
            data = path.read_bytes() if size <= limit else b""
        else:
            return None
        if size > limit:
            raise ValueError(
                say(
                    "{name} has {size:,} bytes, more than the {limit:,} that are allowed",
                    name=shown(name),
                    size=size,
                    limit=limit,
                )
            )
        self.taken[name] = None
        return bytes(data)
