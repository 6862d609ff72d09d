"""Reading what somebody else made in a process of its own, which may hang, run out of memory or die.

    value, arrays = sandbox.run("lstm_core.files.formats.hdf5", data, limit)

calls ``parse(data, limit)`` of that module in the child. It returns a value that JSON can hold and arrays of numbers by
name, or raises ValueError; what it was said with travels along, so that it can be translated. The child is told little
of its parent's environment. It has limits of time and memory and writes no file, where the system has such limits, and
the parent's clock everywhere.
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
REFUSED = 3  # the child's exit status when it says why
ALIGNED = 16

ENVIRONMENT = (
    *("PATH", "HOME", "USERPROFILE", "APPDATA", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "PYTHONUSERBASE", "__PYVENV_LAUNCHER__"),
)
"""What the child needs to find Python and its libraries: not the keys and passwords that a server's may hold."""


def run(module: str, data: bytes, limit: int) -> tuple[Any, dict[str, np.ndarray]]:
    """``parse(data, limit)`` of a module, run in a child; the arrays are not writable. limit: bytes that the file may
    unfold to. Raises ValueError with what is wrong with the file, also where the child did not answer."""
    seconds = SECONDS + len(data) // BYTES_A_SECOND
    paths = [str(Path(__file__).resolve().parents[2]), *filter(None, sys.path)]
    environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    environment |= {"PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-m", "lstm_core.files.sandbox", module, str(limit), str(seconds)]
    slow = say("the file could not be read within {seconds} s; it is damaged, or made so on purpose", seconds=seconds)
    try:
        child = subprocess.run(
            command,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            env=environment,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except subprocess.TimeoutExpired:
        raise ValueError(slow) from None
    except OSError as error:
        raise ValueError(say("no process could be started to read the file: {error}", error=str(error))) from error
    if child.returncode == -getattr(signal, "SIGXCPU", 0) != 0:
        raise ValueError(slow)
    try:
        if child.returncode == 0:
            return _received(child.stdout)
        reason = _heard(json.loads(child.stdout)) if child.returncode == REFUSED else None
    except (ValueError, TypeError, KeyError):  # a child that is no longer ours says anything
        reason = None
    code = child.returncode
    if reason is None and code < 0:  # a signal
        reason = say("the file is damaged: reading it ended with signal {code}", code=-code)
    raise ValueError(reason or say("the file could not be read: what reads it ended with status {code}", code=code))


def _received(frame: bytes) -> tuple[Any, dict[str, np.ndarray]]:
    """The reverse of ``_send``; arrays lie in ``frame``."""
    at = 8 + int.from_bytes(frame[:8], "little")
    value, kinds = json.loads(frame[8:at])
    arrays = {}
    for name, kind, shape in kinds:
        dtype = np.dtype(kind)
        arrays[name] = np.ndarray(shape, dtype, frame, at)
        at += _padded(math.prod(shape) * dtype.itemsize)
    return value, arrays


def _heard(tree: Any) -> Any:
    """The reverse of ``_told``."""
    return say(tree[0], **{name: _heard(value) for name, value in tree[1].items()}) if isinstance(tree, list) else tree


def _told(value: Any) -> Any:
    """Something said, and what it was said with, as JSON has it."""
    if isinstance(value, Said):
        return [value.template, {name: _told(inner) for name, inner in value.values.items()}]
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, int | float) else str(value)


def _padded(size: int) -> int:
    return size + -size % ALIGNED


# ---- in the child


def main(module: str, limit: int, seconds: int) -> int:
    """Answer on standard output for the file on standard input; the exit status is 0 or ``REFUSED``."""
    gc.disable()  # the process ends before what refers to itself could be in the way
    parse = importlib.import_module(module).parse
    data = sys.stdin.buffer.read()
    _bound(MEMORY + 2 * len(data) + 3 * limit, seconds)
    try:
        _send(*parse(data, limit))
        return 0
    except ValueError as error:
        reason = _told(limits.reason(error))
    except (MemoryError, RecursionError):
        reason = _told(say("reading the file takes more memory than is allowed; it is damaged, or made so on purpose"))
    sys.stdout.buffer.write(json.dumps(reason).encode())
    return REFUSED


def _send(value: Any, arrays: dict[str, np.ndarray]) -> None:
    """The length of what follows in JSON, that, and the numbers of each array, each from a round address."""
    for name, array in arrays.items():
        if array.dtype.kind not in "biufc":
            raise TypeError(f"{name} holds {array.dtype}, not numbers")
    plain = {name: array.astype(array.dtype.newbyteorder("="), "C", copy=False) for name, array in arrays.items()}
    head = json.dumps([value, [[name, array.dtype.str, array.shape] for name, array in plain.items()]]).encode()
    head += b" " * (-(8 + len(head)) % ALIGNED)
    out = sys.stdout.buffer
    out.write(len(head).to_bytes(8, "little") + head)
    for array in plain.values():
        out.write(array.reshape(-1).view(np.uint8).data)
        out.write(bytes(_padded(array.nbytes) - array.nbytes))


def _bound(memory: int, seconds: int) -> None:
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
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
