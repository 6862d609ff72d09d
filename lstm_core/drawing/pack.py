"""A tree of dicts and lists with NumPy arrays in it as one block of bytes, read without copying in the browser.

Streamlit sends bytes as they are; a list of numbers would be three times larger and many times slower.
Layout: uint32 length of the JSON text, the JSON, padding to 4 bytes, the arrays one after another. An array stands in
the JSON as {"$": [type, byte offset behind the padding, shape]}; types are "f4", "f2" and "i4", each padded to 4 bytes.
"""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

LARGEST = 60_000
"""Of the numbers of an array that is sent in half precision."""


def pack(tree: Any, half: bool = False) -> bytes:
    """Real arrays are sent as float32, whole numbers as int32. Not-a-number outside an array raises ValueError.

    half: real arrays are sent as float16, to three digits, where they hold nothing too large for it.
    """
    blocks: list[bytes] = []
    size = 0

    def place(node: Any) -> Any:
        """What stands for an array or a number of NumPy's in the JSON."""
        nonlocal size
        if isinstance(node, np.generic):
            return node.item()
        if not isinstance(node, np.ndarray):
            raise TypeError(f"cannot send {type(node).__name__}")
        kind = "i4" if np.issubdtype(node.dtype, np.integer) else "f4"
        if half and kind == "f4" and np.abs(node[np.isfinite(node)]).max(initial=0.0) < LARGEST:
            kind = "f2"
        block = np.ascontiguousarray(node, dtype=f"<{kind}").tobytes()
        block += bytes(-len(block) % 4)
        blocks.append(block)
        size += len(block)
        return {"$": [kind, size - len(block), list(node.shape)]}

    said = json.dumps(tree, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=place)
    text = said.encode("utf-8", "replace")
    text += b" " * (-len(text) % 4)
    return b"".join([struct.pack("<I", len(text)), text, *blocks])
