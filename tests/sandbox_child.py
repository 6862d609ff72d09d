"""What ``test_files_sandbox`` has read in a child process: the file says what the reading does."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import numpy as np

from lstm_core.say import say

ARRAYS = {
    **{kind: np.arange(6).reshape(2, 3).astype(kind) for kind in "? b h i q B H I Q e f d F D".split()},
    "big": np.arange(3, dtype=">f4"),
    "transposed": np.arange(6.0).reshape(2, 3).T,
    "one number": np.float32(2.5).reshape(()),
    "empty": np.zeros((0, 3), np.float32),
    "not finite": np.array([np.nan, -np.inf, -0.0], np.float16),
    "last": np.zeros((2, 0)),
}
LIES = {
    "cut": (100, "[1, 2"),
    "objects": (57, '{"value": 1, "arrays": [["a", "O", [1]]]}        \x00\x00\x00\x00\x00\x00\x00\x00'),
    "much text": (1 << 60, "{}"),
    "many numbers": (60, '{"value": 1, "arrays": [["a", "<f8", [1000000000000000000]]]}'),
    "list": (2, "[]"),
}


def parse(data: bytes, limit: int) -> tuple[Any, dict[str, np.ndarray]]:
    match data.decode():
        case "arrays":
            return None, ARRAYS
        case "value":
            return {"我": [1, 2.5, None, "text"], "limit": limit}, {}
        case "refuse":
            place = say("layer {layer}", layer=np.int64(1234))
            raise ValueError(say("{what} has {count:,} rows", what=place, count=np.int64(1234)))
        case "refuse simply":
            raise ValueError("plain text")
        case "wait":
            time.sleep(60)
        case "spin":
            while True:
                pass
        case "take":
            return len(bytearray(8 << 30)), {}
        case "nest":
            parse(data, limit)
        case "crash":
            os.kill(os.getpid(), 11)
        case "stop":
            os._exit(3)
        case "cut" | "objects" | "much text" | "many numbers" | "list":
            size, text = LIES[data.decode()]
            sys.stdout.buffer.write(size.to_bytes(8, "little") + text.encode())
            sys.stdout.flush()
            os._exit(0)
        case "break":
            raise TypeError("a mistake of ours")
        case "told":
            return [dict(os.environ), os.getcwd(), sys.argv], {}
        case "imported":
            return sorted(sys.modules), {}
        case "write":
            with open(os.environ["HOME"] + "/written", "w") as file:
                file.write("text")
            return None, {}
    return len(data), {}
