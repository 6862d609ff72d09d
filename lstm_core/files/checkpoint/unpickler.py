"""An unpickler that imports nothing: a name in a pickle is one of ours (``functions``), or inert."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, BinaryIO

from lstm_core.files import strangers
from lstm_core.files.checkpoint.functions import KNOWN
from lstm_core.files.checkpoint.inert import known, named
from lstm_core.files.checkpoint.tensors import Storage
from lstm_core.say import Said, say

TYPES = {name: what if isinstance(what, type) else known(name, what) for name, what in KNOWN.items()}
"""What a pickle may name and run."""


INSIDE = "torch.storage._load_from_bytes"


class Unpickler(pickle.Unpickler):
    """storage: of what a pickle says of one that lies outside of it. inside: of the bytes of one that lies in it. Where
    they are None there are no such.

    What Python 2 wrote as ``str`` comes as bytes, which may be text or numbers.
    """

    def __init__(
        self,
        file: BinaryIO,
        storage: Callable[[tuple[Any, ...]], Storage] | None = None,
        inside: Callable[[Any], Storage] | None = None,
    ) -> None:
        """file: the pickle, opened for reading. storage, inside: as in the class."""
        super().__init__(file, encoding="bytes")
        self._storage, self._inside = storage, inside

    def find_class(self, module: str, name: str, /) -> type:
        """One of our own types under that name, else an inert one; nothing is imported."""
        dotted = f"{module}.{name}"
        if dotted.startswith("joblib.numpy_pickle"):  # its arrays lie between the pickle's own bytes
            raise ValueError(
                say(
                    "this file was written by joblib, which is not read; save the weights by name: "
                    "numpy.savez(path, weight_ih_l0=..., weight_hh_l0=...)"
                )
            )
        if dotted.startswith("torch.distributed.checkpoint"):
            raise ValueError(strangers.DISTRIBUTED)
        if dotted == INSIDE and self._inside is not None:
            return known(dotted, self._inside)
        return TYPES.get(dotted) or named(dotted)

    def persistent_load(self, pid: Any, /) -> Any:
        """The storage that ``pid`` speaks of. Raises ValueError for a ``pid`` that is not torch's."""
        if not isinstance(pid, tuple) or len(pid) < 2 or self._storage is None:
            raise ValueError(say("the file is damaged: it refers to something outside the file"))
        if pid[0] in ("module", b"module"):  # a class, with its source
            return pid[1]
        return self._storage(pid)

    def load(self) -> Any:
        """The next object of the file. Raises ValueError for whatever is wrong with it."""
        try:
            return super().load()
        except (MemoryError, RecursionError):
            raise
        except Exception as error:
            if any(isinstance(argument, Said) for argument in error.args):
                raise
            # Python says of a broken pickle what its opcode happened to trip over, by any of its errors.
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ValueError(say("the file is damaged or cut short: {error}", error=reason[:200])) from error
