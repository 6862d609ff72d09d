"""What ``test_workers`` has read in a worker: good and hostile readers. ``files`` are bytes by name."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lstm_core.files.limits import Ambiguous
from lstm_core.say import say

Files = Mapping[str, bytes]
ARRAYS = [
    np.arange(6, dtype=np.float32).reshape(2, 3),
    np.array([], np.float64),
    np.array(3, np.int8),
    np.array([True, False]),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
]


def sizes(files: Files, **said: Any) -> Any:
    return {"sizes": {name: len(data) for name, data in files.items()}, "said": said}, ARRAYS


def refuse(files: Files) -> Any:
    raise ValueError(say("{what} is {count:,}", what=say("the thing"), count=1234))


def ask(files: Files) -> Any:
    raise Ambiguous({"": ("rnn", "rnn_relu")})


def sleep(files: Files, seconds: float) -> Any:
    time.sleep(seconds)
    return seconds, ()


def stand(files: Files, gate: str) -> Any:
    """Until there is a file of this name."""
    while not Path(gate).exists():
        time.sleep(0.005)
    return gate, ()


def killed(files: Files) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def hang(files: Files) -> Any:
    """In a library, where no Python runs."""
    return 3 ** (3**30), ()


def eat(files: Files, bytes: int) -> Any:
    return len(bytearray(bytes)), ()


def nibble(files: Files) -> Any:
    eaten = []
    while True:
        eaten.append("x" * 1000 + str(len(eaten)))


def dig(files: Files) -> Any:
    return dig(files)


def end(files: Files, status: int) -> Any:
    os._exit(status)


class PanicException(BaseException):
    """As libraries written in Rust raise."""


def panic(files: Files) -> Any:
    raise PanicException("called `Option::unwrap()` on a `None` value")


def nonsense(files: Files) -> Any:
    return object(), ()


def objects(files: Files) -> Any:
    return None, [np.array([{}], object)]


def surroundings(files: Files) -> Any:
    """What a reader finds around it, and whether it can write to the files' names."""
    written = ""
    try:
        for name in files:
            Path(name).write_bytes(b"x")
    except OSError as error:
        written = type(error).__name__
    return {"environment": dict(os.environ), "modules": list(sys.modules), "pid": os.getpid(), "written": written}, ()


class Payload:
    """Unpickled, this makes a file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (Path(self.path),)


def take_over(files: Files, path: str) -> Any:
    """Answer the server with a pickle of one's own, as a worker that was taken over might."""
    from pebble.pool import process

    pickle.dumps(Payload(path))
    process.send_result = lambda channel, result: channel.send(Payload(path))  # pyright: ignore
    return None, ()
