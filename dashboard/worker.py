"""What runs in a worker process of ``dashboard.workers``: it reads one file after the other, each within limits.

A reader is a function that is named "module:function" and called with the files, by name, and what else was said. It
returns a value that JSON can hold and arrays of numbers, or raises ValueError. Nothing here knows of Streamlit, and
NumPy is not imported before the process is confined: how many threads it takes is settled then.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

KINDNESS = 3
"""Of the system's "nice": where there is no processor to spare, the page itself goes first."""
DEEP = 10_000
"""Characters of a report of what went wrong, for the server's log."""


def given(connection: Any) -> Any:
    """A connection as it is: what the server reads with care needs none in the worker."""
    return connection


def begin() -> None:
    """Confine this process, before anything of a visitor's is in it."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # also while a library is busy and no Python runs
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
    from lstm_core.files import formats, sandbox

    for name in set(os.environ) - {*sandbox.ENVIRONMENT, "OMP_NUM_THREADS", "RAYON_NUM_THREADS"}:
        del os.environ[name]
    with suppress(OSError, AttributeError):  # Windows has none
        os.nice(KINDNESS)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # what a library says of a file is not for the server's log
        os.dup2(nowhere, stream)
    sandbox.confine()
    formats.discover()
    with suppress(ImportError):
        import resource

        for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
            resource.setrlimit(kind, (0, 0))


def answer(reader: str, files: Mapping[str, bytes], said: str, room: int, seconds: int) -> list[bytes]:
    """What a reader makes of the files: what was found or why it was not as JSON, then the arrays' bytes.

    said: JSON of the reader's other arguments. room: bytes of memory beside what the process has. seconds: of the
    processor; it ends where they do.
    """
    from dashboard import faults
    from lstm_core.files import limits, sandbox

    _bound(room, seconds)
    try:
        module, _, name = reader.partition(":")
        value, arrays = getattr(importlib.import_module(module), name)(files, **json.loads(said))
        head = {"value": value, "arrays": [[array.dtype.str, array.shape] for array in arrays]}
        parts = [json.dumps(head).encode(), *(array.tobytes() for array in arrays)]
    except limits.Ambiguous as error:
        parts = [json.dumps({"choices": error.choices}).encode()]
    except ValueError as error:
        parts = [json.dumps({"reason": sandbox.as_json(limits.reason(error))}).encode()]
    except (MemoryError, RecursionError):
        parts = [json.dumps({"reason": sandbox.as_json(sandbox.TOO_MUCH), "spent": True}).encode()]
    except BaseException as error:  # libraries that are written in Rust end with what is not even an Exception
        fault = {"kind": type(error).__name__, "trace": faults.trace(error)[-DEEP:]}
        parts = [json.dumps({"fault": fault}).encode()]
    finally:
        _bound(None, None)
    return parts


def _bound(room: int | None, seconds: int | None) -> None:
    """Limit memory and processor from here on, or with None no longer, where the system has such limits."""
    try:
        import resource
    except ImportError:
        return
    with suppress(ValueError, OSError):  # macOS takes no limit of addresses, and has no /proc
        memory = -1 if room is None else _addresses() + room
        resource.setrlimit(resource.RLIMIT_AS, (memory, resource.getrlimit(resource.RLIMIT_AS)[1]))
    with suppress(ValueError, OSError):
        most = -1 if seconds is None else math.ceil(time.process_time()) + seconds
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _addresses() -> int:
    """Bytes of addresses that the process has."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
