"""What a browser needs to read a text by itself while it is typed: where it finds the models' files, their cells as
JavaScript, and what a saved page knows of them, too. The modules of ``dashboard/browser/live`` do the rest.

Nothing of it is in a page's messages but the addresses: a browser fetches a model once, when it has drawn a figure.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from streamlit import runtime
from tokenizers import Tokenizer as HuggingFaceTokenizer
from tokenizers import models

from dashboard import language
from dashboard.browser.publish import publish_bytes
from dashboard.state import YOURS
from lstm_core import Network, list_models
from lstm_core.drawing.pack import pack
from lstm_core.javascript import javascript
from lstm_core.text import Tokenizer

LARGEST = 4 << 20
"""Bytes of a visitor's model that goes back to the browser; a larger one waits for the server."""
WORDS = 10_000
"""Entries of a visitor's vocabulary, of which each has to be named."""
PROBE, CLOSE = 16, 1e-5
"""Steps on which a visitor's model and what is saved of it have to do the same, and how close."""

Place = tuple[int, int]


def at_once(networks: Sequence[Network], drawn: Sequence[Place]) -> list[dict[str, Any]] | None:
    """Of each side the addresses of its parts, below the app's, and their size; None where a model cannot run there.

    drawn: which (layer, direction) of each.
    """
    sides = [
        _shipped(model.name, *at, language.current()) if model.name != YOURS else _own(model, at, side)
        for side, (model, at) in enumerate(zip(networks, drawn, strict=True))
    ]
    found = [one for one in sides if one is not None]
    return found if len(found) == len(sides) else None


@cache
def _shipped(name: str, layer: int, direction: int, code: str) -> dict[str, Any] | None:
    """``code``: the language of what is said of it."""
    from dashboard.cache import model as shipped  # which the page has read by now

    try:
        data = list_models()[name].read_bytes()
        known = _known(shipped(name), data, (layer, direction))
        return {
            "known": publish_bytes(known, ".bin"),
            "weights": publish_bytes(data, ".bin"),
            "cell": _cell(shipped(name)),
            "bytes": len(data),
        }
    except (OSError, ValueError, KeyError):  # a disk that cannot be written to, or a cell without JavaScript
        return None


def prepare() -> None:
    """Write the parts of every shipped model, in every language."""
    from dashboard.cache import model as shipped

    for code in language.languages():
        language.ask(lambda code=code: code)
        for name in list_models():
            for layer, row in enumerate(shipped(name).layers):
                for direction in range(len(row)):
                    _shipped(name, layer, direction, code)
    language.ask(lambda: language.ENGLISH)


def _cell(model: Network) -> str:
    return publish_bytes(javascript(model.cell, model.attention is not None).encode(), ".js")


def _known(model: Network, data: bytes, at: Place) -> bytes:
    from dashboard.export import live  # only where somebody looks at a figure

    return pack({"sha256": sha256(data).hexdigest(), **live.known(model, *at)})


_files: WeakKeyDictionary[Network, bytes] = WeakKeyDictionary()
"""What is saved of visitors' models, as long as those are there; nothing of those that cannot be."""


def _own(model: Network, at: Place, side: int) -> dict[str, Any] | None:
    """Of a visitor's own model, whose parts only that visitor is told the addresses of."""
    if model not in _files:
        _files[model] = _saved(model)
    if not (data := _files[model]) or not runtime.exists():
        return None
    try:
        known, cell = _known(model, data, at), _cell(model)
    except (OSError, ValueError):
        return None
    media = runtime.get_instance().media_file_mgr

    def offered(part: str, content: bytes) -> str:
        place = f"at once {side} {part}"  # a download stays one run longer: for who goes to another page meanwhile
        return media.add(content, "application/octet-stream", place, is_for_static_download=True).lstrip("/")

    return {"known": offered("known", known), "weights": offered("weights", data), "cell": cell, "bytes": len(data)}


def _saved(model: Network) -> bytes:
    """The model as a file of ours; empty where it is too large, or where what is saved would not do what it does."""
    reader, size = model.reader, 0 if model.reader is None else len(model.reader.embedding)
    if reader is None or reader.tokenizer is None or reader.tokenizer.size > WORDS:
        return b""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.safetensors")
        try:
            replace(model, reader=replace(reader, tokenizer=_numbered(size))).save(path)
            if path.stat().st_size > LARGEST or not _same(model, Network.load(path)):
                return b""
            model.save(path)
        except (ValueError, OSError):
            return b""
        return path.read_bytes()


def _numbered(size: int) -> Tokenizer:
    """A vocabulary in the place of another one, of which a file of ours can only be read with what wrote it."""
    words = HuggingFaceTokenizer(models.WordLevel({f"w{k}": k for k in range(size)}, unk_token="w0"))
    return Tokenizer(words.to_str())


def _same(model: Network, saved: Network) -> bool:
    ids = np.arange(PROBE) % len(model.embedding)
    one, other = model.read(ids), saved.read(ids)
    pairs = [(one.signals[name], other.signals.get(name)) for name in one.signals]
    pairs += zip(model.likeliest(one, 1), saved.likeliest(other, 1), strict=True)
    return all(
        second is not None and first.shape == second.shape and np.allclose(first, second, atol=CLOSE)
        for first, second in pairs
    )
