"""What every network of the page "Beyond" shows below its figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from dashboard.figures import gradients as draw_gradients
from dashboard.figures import memory as draw_memory
from dashboard.language import tr
from lstm_core.analysis import flow, memory
from lstm_core.beyond.attending import END
from lstm_core.cells.base import Cell
from lstm_core.equations import latex
from lstm_core.trace import Trace


def aligned(lines: Sequence[str]) -> str:
    return r"\begin{aligned}" + r"\\".join(line.replace(" = ", " &= ", 1) for line in lines) + r"\end{aligned}"


def readable(trace: Trace) -> Trace:
    """The same, with the end of a sentence called so."""
    tokens = tuple(replace(token, text=tr("end")) if token.text == END else token for token in trace.tokens)
    return replace(trace, tokens=tokens)


def about(lines: Sequence[str], cell: type[Cell], *said: str) -> None:
    """The equations, those of the cell folded away, and what is said of the network."""
    st.latex(aligned(lines))
    with st.expander(tr("The LSTM's own equations")):
        st.latex(aligned(latex(cell)))
    for text in said:
        st.caption(text)


def memories(trace: Trace, step: int) -> list[dict[str, Any]]:
    """Which step wrote what the memory holds now, of the unit that holds most; and how an error would flow back."""
    unit = int(np.abs(memory(trace, step).value).argmax())
    of = tr("unit {unit}", unit=unit)
    wrote = draw_memory.writers("writers", trace, memory(trace, step, unit=unit), of)
    return [wrote, draw_gradients.paths("paths", trace, flow(trace, step, "c"))]


def still(panels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same where another component chooses the step: a click chooses nothing."""
    for one in panels:
        if one["figure"]:
            one["figure"]["layout"].pop("meta", None)
    return panels
