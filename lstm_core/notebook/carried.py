"""What all figures of a notebook share: the page's modules and style sheets, and Plotly.js."""

from __future__ import annotations

import gzip
import hashlib
import json
from functools import cache

from lstm_core.drawing.modules import COMMENT, SPECIFIER, beside, needed, renamed, source
from lstm_core.drawing.plotly import SOURCE

LOADER, START = "notebook/loader.js", "notebook/notebook.js"
STYLES = ("gates/gates.css", "chart/chart.css")
PREFIX = "gatescope/"


@cache
def modules() -> bytes:
    """The modules that a figure needs, each behind those that it imports, and the style sheets; compressed JSON."""
    names = sorted(needed(START), key=_depth)
    written = [(name, renamed(name, lambda other: PREFIX + other)) for name in names]
    styles = {name.rpartition("/")[2]: source(name) for name in STYLES}
    return gzip.compress(json.dumps({"modules": written, "styles": styles}).encode(), mtime=0)


@cache
def _depth(name: str) -> int:
    """How many modules stand below it at most."""
    found = (beside(name, match[2]) for match in SPECIFIER.finditer(COMMENT.sub("", source(name))))
    return max((1 + _depth(other) for other in found if "$" not in other), default=0)


@cache
def loader() -> str:
    """What each figure carries, as the text of a module."""
    return COMMENT.sub("", source(LOADER))


@cache
def version() -> str:
    """Names what is carried: two versions of Gatescope do not share it."""
    return hashlib.sha256(modules() + loader().encode()).hexdigest()[:12]


@cache
def plotly() -> bytes:
    """Plotly.js, compressed."""
    return gzip.compress(SOURCE.read_bytes(), mtime=0)
