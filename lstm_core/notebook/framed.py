"""A figure as HTML: a frame that needs no kernel, no network and nothing beside it.

Plotly.js stands in the first frame of a notebook, and the others take it from there. In Colab no output sees another,
so each carries it.
"""

from __future__ import annotations

import sys
from base64 import b64encode
from functools import cached_property
from html import escape
from string import Template
from typing import Any

from lstm_core.drawing.modules import source
from lstm_core.notebook import carried
from lstm_core.notebook.packing import packed

HEIGHT = 780
"""Pixels of a frame before it is drawn; then it is as high as what is in it."""

_first: list[Framed] = []
"""The frame of this process that carries Plotly.js."""


class Framed:
    """HTML of one figure, which a notebook shows where it is the last value of a cell."""

    def __init__(self, figure: Any, module: str) -> None:
        """figure: a ``Grid`` or ``Charts``. module: what draws it in the browser."""
        self.figure, self.module = figure, module

    @cached_property
    def html(self) -> str:
        """The frame, without Plotly.js if another figure of this process carries it."""
        if not _first:
            _first.append(self)
        carries = _first[0] is self or "google.colab" in sys.modules
        return framed(self.figure, self.module, carries)

    def _repr_html_(self) -> str:
        return self.html


def framed(figure: Any, module: str, carries: bool = True) -> str:
    """An iframe with everything in it. carries: Plotly.js as well."""
    page = Template(source("notebook/frame.html")).substitute(
        module=module,
        plotly=b64encode(carried.plotly()).decode() if carries else "",
        modules=b64encode(carried.modules()).decode(),
        content=b64encode(packed(figure.framed(), figure.steps - 1)).decode(),
        loader=carried.loader(),
    )
    return f'<iframe title="Gatescope" style="width:100%;height:{HEIGHT}px;border:0" srcdoc="{escape(page)}"></iframe>'
