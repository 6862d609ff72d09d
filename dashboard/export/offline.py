"""One HTML file with the grid in it, which opens without a server and without a network.

It is drawn by the page's own modules: an import map gives each a name and carries it as a data: address, since
modules cannot be imported from beside a file that was opened from a disk. Plotly.js and the numbers are compressed; a
browser that knows import maps unpacks them by itself.
"""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from html import escape
from string import Template
from typing import Any

import numpy as np

from dashboard import language
from dashboard.language import tr
from lstm_core.drawing import theme
from lstm_core.drawing.modules import WORDS, needed, renamed, source
from lstm_core.drawing.pack import pack
from lstm_core.drawing.plotly import SOURCE

START = "offline/offline.js"
PREFIX = "gatescope/"
LONGEST = 3_800_000
"""Characters of packed numbers, of a file that is to stay below six million bytes."""
PRIMARY = {"light": "#2a5674", "dark": "#85c4c9"}


@dataclass(frozen=True)
class Cell:
    """What is said of a cell below the figure; ``lines`` are its equations in LaTeX."""

    title: str
    lines: Sequence[str]
    captions: Sequence[str]


def page(tree: Mapping[str, Any], cells: Sequence[Cell], address: str = "") -> bytes:
    """The file, in the language in use. ``tree`` is what the figure's component gets (``dashboard.figures.content``),
    with ``text``, ``settings`` and ``notices``; ``address`` reopens the view in the app, if others can reach it."""
    code = language.current()
    names = " / ".join(side["model"] for side in tree["sides"])
    content = packed(pack({**tree, "language": code}))
    short = len(content) > LONGEST
    if short:
        content = packed(pack(_shortened({**tree, "language": code})))
    whole = Template(source("offline/offline.html")).substitute(
        language=code,
        title=escape(f"Gatescope: {names}"),
        look=look(),
        figure=source("gates/gates.css"),
        modules=json.dumps({"imports": dict(modules(code, START))}),
        sentence=escape(tree["text"]),
        waiting=escape(tr("The figure is drawn by JavaScript, in a browser of 2023 or later.")),
        damaged=damaged(),
        cells="".join(map(equations_of, cells)),
        origin=origin(names, address, short),
        plotly=plotly(),
        content=content,
        start=renamed_to_names(START),
    )
    return whole.encode("utf-8", "replace")


def damaged() -> str:
    """What makes a file that was cut short say so."""
    said = tr("This file could not be read: it is damaged, or this browser is older than 2023.")
    return Template(source("offline/damaged.html")).substitute(said=json.dumps(said))


def look() -> str:
    """The style of a saved page, in the colours of a light and a dark one."""
    return Template(source("offline/offline.css")).substitute({mode: colours(mode) for mode in ("light", "dark")})


def modules(code: str, start: str, more: Mapping[str, str] | None = None) -> Iterator[tuple[str, str]]:
    """Name and data: address of every module that ``start`` imports, of the language's words, and of ``more`` by their
    names."""
    found = {name: renamed_to_names(name) for name in needed(start) if name != start} | dict(more or {})
    if code != language.ENGLISH:
        found[WORDS.format(code=code)] = language.script(code)
    for name, script in sorted(found.items()):
        yield named(name, script)


def named(name: str, script: str) -> tuple[str, str]:
    """What a module is called in an import map, and its data: address."""
    return PREFIX + name, f"data:text/javascript;base64,{b64encode(script.encode()).decode()}"


@cache
def plotly() -> str:
    """Plotly.js, compressed once a server."""
    return packed(SOURCE.read_bytes())


def renamed_to_names(module: str) -> str:
    """A module at a data: address has nothing beside it: what it imports is called by name."""
    return renamed(module, lambda name: PREFIX + name)


def packed(data: bytes) -> str:
    return b64encode(gzip.compress(data, mtime=0)).decode()


def _shortened(node: Any) -> Any:
    """With three digits of every number, half of float32's bits: the other half is zeros, which take no room."""
    if isinstance(node, np.ndarray) and node.dtype.kind == "f":
        bits = np.ascontiguousarray(node, dtype=np.float32).view(np.uint32)
        return ((bits + 0x1000) & np.uint32(0xFFFFE000)).view(np.float32)
    if isinstance(node, Mapping):
        return {key: _shortened(value) for key, value in node.items()}
    return [_shortened(one) for one in node] if isinstance(node, (list, tuple)) else node


def colours(mode: str) -> str:
    named = {
        "--st-background-color": theme.BACKGROUND[mode],
        "--st-text-color": theme.TEXT[mode],
        "--st-border-color": theme.RULE[mode],
        "--st-primary-color": PRIMARY[mode],
        "--quiet": theme.QUIET[mode],
    }
    return " ".join(f"{name}: {colour};" for name, colour in named.items())


def equations_of(cell: Cell) -> str:
    from latex2mathml.converter import convert  # only where a page is saved

    captions = "".join(f"<p>{escape(line)}</p>" for line in cell.captions)
    return f"<section><h2>{escape(cell.title)}</h2>{''.join(map(convert, cell.lines))}{captions}</section>"


def origin(names: str, address: str, short: bool) -> str:
    said = escape(
        tr(
            "Saved from Gatescope on {date}: {names}. All that is shown is in this file; it asks the network for "
            "nothing.",
            date=date.today().isoformat(),
            names=names,
        )
    )
    if short:
        said += " " + escape(tr("Numbers are kept to three digits, since the text is long."))
    if not address.startswith(("http://", "https://")):
        return said
    link = escape(tr("This view in Gatescope"))  # within an f-string the catalogue would not find it
    return f'{said} <a href="{escape(address)}" rel="noreferrer">{link}</a>'
