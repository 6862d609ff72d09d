"""The page "Gates": a sentence, and every gate of two models on it."""

from __future__ import annotations

import io

import streamlit as st

from dashboard.figures.content import content
from dashboard.gateplot import gateplot
from dashboard.scene import Scene, scene
from lstm_core import Trace
from lstm_core.equations import latex

TITLE = "Gates"
ORDER = 0


@st.fragment
def page() -> None:
    shown = scene()
    if shown is None:
        return
    settings = shown.settings
    units = (settings.unit, settings.unit2)
    tree = content(shown.models, shown.traces, [one.predictions for one in shown.readings], units, shown.drawn)
    gateplot(tree | {"text": settings.text, "settings": settings.browser_side(), "notices": shown.notices})
    equations(shown)
    downloads(shown)


def equations(shown: Scene) -> None:
    """Both cells' equations, read off the code that ran."""
    for column, trace in zip(st.columns(2), shown.traces, strict=True):
        with column:
            lines = (line.replace(" = ", " &= ", 1) for line in latex(trace.cell))
            st.latex(r"\begin{aligned}" + r"\\".join(lines) + r"\end{aligned}")
            st.caption(f"{trace.cell.title}: {trace.cell.source}. {trace.cell.note}".strip())


def downloads(shown: Scene) -> None:
    """Every value of both traces, made when asked for."""
    with st.container(horizontal=True):
        for side, (model, trace) in enumerate(zip(shown.models, shown.traces, strict=True)):
            for kind, make in {"CSV": as_csv, "NPZ": as_npz}.items():
                st.download_button(
                    f"{trace.cell.title} values, {kind}",
                    lambda make=make, trace=trace: make(trace),
                    f"{model.name}.{kind.lower()}",
                    type="tertiary",
                    key=f"{kind}{side}",
                    on_click="ignore",
                )


def as_csv(trace: Trace) -> bytes:
    """One row a value; ``token`` is what stands in the text at that step."""
    table = trace.to_pandas()
    if trace.tokens:
        table.insert(3, "token", [trace.tokens[step].text for step in table["time"]])
    return table.to_csv(index=False).encode("utf-8", "replace")


def as_npz(trace: Trace) -> bytes:
    file = io.BytesIO()
    trace.to_npz(file)
    return file.getvalue()
