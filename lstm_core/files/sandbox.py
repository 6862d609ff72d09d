"""Reading what somebody else made in a process of its own, which may hang, run out of memory or die.

    value, arrays = sandbox.run("lstm_core.files.hdf5", data, limit)

calls ``parse(data, limit)`` of that module in the child. It returns a value that JSON can hold and arrays of numbers by
name, or raises ValueError; what it was said with travels along, so that it can be translated. The child is told little
of its parent's environment. It has limits of time and memory and writes no file, where the system has such limits, and
the parent's clock everywhere. A process that is itself such a child, and says so with ``confine``, reads in place.
"""

from __future__ import annotations

import gc
import importlib
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from lstm_core.files import limits
from lstm_core.say import Said, say

SECONDS = 10
BYTES_A_SECOND = 50 << 20
"""A large file has a second more for each of these."""
MEMORY = 512 << 20
"""What Python, its libraries (about 120 MB of addresses) and a file's small objects may take, beside the data."""
MOST_TEXT = 256 << 20
"""Bytes of an answer beside its arrays."""
NUMBERS = "biufc"
"""NumPy's kinds of numbers."""

ENVIRONMENT = (
    *("PATH", "HOME", "USERPROFILE", "APPDATA", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "PYTHONUSERBASE", "__PYVENV_LAUNCHER__"),
)
"""What the child needs to find Python and its libraries: not the keys and passwords that a server's may hold."""

Answer = tuple[Any, dict[str, np.ndarray]]
TOO_MUCH = say("reading the file takes more memory than is allowed; it is damaged, or made so on purpose")

_confined = False


def confine() -> None:
    """This process has limits of its own and somebody who waits for it: what it reads needs no other."""
    global _confined
    _confined = True


def run(module: str, data: bytes, limit: int) -> Answer:
    """``parse(data, limit)`` of a module, run in a child. limit: bytes that the file may unfold to.

    Raises ValueError with what is wrong with the file, also where the child does not answer.
    """
    if _confined:
        return _in_place(module, data, limit)
    seconds = SECONDS + len(data) // BYTES_A_SECOND
    paths = [str(Path(__file__).resolve().parents[2]), *filter(None, sys.path)]
    environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    environment |= {"PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    try:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "lstm_core.files.sandbox", module, str(limit), str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise ValueError(say("no process could be started to read the file: {error}", error=str(error))) from error
    clock, end = threading.Timer(seconds, child.kill), time.monotonic() + seconds
    with child:
        try:
            clock.start()
            answer = _answer(child, data, limit)
            status = child.wait() if answer is None else 0
        finally:
            child.kill()
            clock.cancel()
    if answer is None:
        answer = silence(status, seconds, time.monotonic() >= end)
    if isinstance(answer, str):
        raise ValueError(answer)
    return answer


def _answer(child: subprocess.Popen[bytes], data: bytes, limit: int) -> Answer | str | None:
    """What the child says of the file: what is in it, or why it is refused; None if it does not say it as agreed."""
    assert child.stdin is not None and child.stdout is not None
    with suppress(OSError), child.stdin:  # of a child that has ended
        child.stdin.write(data)
    left = 2 * limit  # numbers of half the width that NumPy does not have become wider
    try:
        size = int.from_bytes(child.stdout.read(8), "little")
        reply = json.loads(child.stdout.read(size) if size <= MOST_TEXT else b"")
        if "reason" in reply:
            return from_json(reply["reason"])
        arrays = {}
        for name, kind, shape in reply["arrays"]:
            dtype = np.dtype(kind)
            left -= math.prod(shape) * dtype.itemsize
            if left < 0 or dtype.kind not in NUMBERS:
                return None
            arrays[name] = np.empty(shape, dtype)
            room = arrays[name].reshape(-1).view(np.uint8)
            if child.stdout.readinto(room.data) < room.size:  # pyright: ignore[reportAttributeAccessIssue]
                return None
        return reply["value"], arrays
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return None


def silence(status: int, seconds: int, late: bool) -> Said:
    """Why a child that ended with this status said nothing."""
    if late or status == -getattr(signal, "SIGXCPU", 0) != 0:
        return say(
            "the file could not be read within {seconds} s; it is damaged, or made so on purpose", seconds=seconds
        )
    if status < 0:
        return say("the file is damaged: reading it ended with signal {code}", code=-status)
    return say("the file could not be read: the reading process ended with status {code}", code=status)


def from_json(tree: Any) -> Any:
    """The reverse of ``as_json``."""
    return (
        say(tree[0], **{name: from_json(value) for name, value in tree[1].items()}) if isinstance(tree, list) else tree
    )


def as_json(value: Any) -> Any:
    """Something said, and what it was said with, as JSON has it."""
    if isinstance(value, Said):
        return [value.template, {name: as_json(inner) for name, inner in value.values.items()}]
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, int | float) else str(value)


# ---- in the child


def _in_place(module: str, data: bytes, limit: int) -> Answer:
    """What the child would have answered."""
    try:
        value, arrays = importlib.import_module(module).parse(data, limit)
        return value, {name: _plain(array) for name, array in arrays.items()}
    except (MemoryError, RecursionError) as error:
        raise ValueError(TOO_MUCH) from error


def main(module: str, limit: int, seconds: int) -> None:
    """Answer on standard output for the file on standard input."""
    gc.disable()  # the process ends before what refers to itself could be in the way
    parse = importlib.import_module(module).parse
    data = sys.stdin.buffer.read()
    bound(MEMORY + 2 * len(data) + 3 * limit, seconds)
    try:
        value, arrays = parse(data, limit)
        arrays = {name: _plain(array) for name, array in arrays.items()}
        reply = {"value": value, "arrays": [[name, a.dtype.str, a.shape] for name, a in arrays.items()]}
        text = json.dumps(reply).encode()
    except ValueError as error:
        text, arrays = _refusal(limits.reason(error)), {}
    except (MemoryError, RecursionError):
        text, arrays = _refusal(TOO_MUCH), {}
    out = sys.stdout.buffer
    out.write(len(text).to_bytes(8, "little") + text)
    for array in arrays.values():
        out.write(array.reshape(-1).view(np.uint8).data)


def _refusal(reason: str) -> bytes:
    return json.dumps({"reason": as_json(reason)}).encode()


def _plain(array: np.ndarray) -> np.ndarray:
    """The array in this machine's order of bytes, row after row."""
    if array.dtype.kind not in NUMBERS:
        raise TypeError(f"{array.dtype} are not numbers")
    return array.astype(array.dtype.newbyteorder("="), "C", copy=False)


def bound(memory: int, seconds: int) -> None:
    """What the process may use; where the system knows no such limits there is still the parent's clock."""
    try:
        import resource
    except ImportError:
        return
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):  # macOS takes no limit of addresses
            resource.setrlimit(kind, (most, resource.getrlimit(kind)[1]))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
