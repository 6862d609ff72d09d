"""The page "Gates": a sentence, and every gate of two models on it."""

from __future__ import annotations

import io
from dataclasses import dataclass

import streamlit as st

from dashboard.figures.content import content
from dashboard.gateplot import gateplot
from dashboard.scene import scene
from lstm_core import Model, Trace, attention
from lstm_core.equations import latex

TITLE = "Gates"
ORDER = 0
BELOW = "figure"


@dataclass
class Below:
    """What stands below the figure is of: the models, and the newest traces, which the downloads are made of."""

    models: tuple[Model, ...]
    traces: tuple[Trace, ...]


def page() -> None:
    st.session_state.pop(BELOW, None)
    figure()
    if (shown := st.session_state.get(BELOW)) is not None:
        equations(shown)
        downloads(shown)


@st.fragment
def figure() -> None:
    """What a sentence changes, and nothing else: each element of a rerun costs the browser milliseconds."""
    shown = scene()
    if shown is None:
        return
    settings = shown.settings
    units = (settings.unit, settings.unit2)
    tree = content(shown.models, shown.traces, [one.predictions for one in shown.readings], units, shown.drawn)
    for side, reading in zip(tree["sides"], shown.readings, strict=True):
        side["next"]["why"] = reading.why
    gateplot(
        tree | {"text": settings.text, "settings": settings.browser_side(), "notices": [*shown.notices, *tree["cut"]]}
    )
    below: Below = st.session_state.setdefault(BELOW, Below(shown.models, shown.traces))
    other = below.models != shown.models
    below.models, below.traces = shown.models, shown.traces
    if other:
        st.rerun()  # other models: what stands below the figure is drawn anew, too


def equations(shown: Below) -> None:
    """Both cells' equations, read off the code that ran."""
    for column, trace in zip(st.columns(2), shown.traces, strict=True):
        with column:
            more = attention.latex() if trace.attention else []
            lines = (line.replace(" = ", " &= ", 1) for line in (*latex(trace.cell), *more))
            st.latex(r"\begin{aligned}" + r"\\".join(lines) + r"\end{aligned}")
            st.caption(f"{trace.cell.title}: {trace.cell.source}. {trace.cell.note}".strip())
            if more:
                st.caption(f"Attention: {attention.SOURCE}.")


def downloads(shown: Below) -> None:
    """Every value of both traces, made when asked for, of the sentence that is then shown."""
    with st.container(horizontal=True):
        for side, model in enumerate(shown.models):
            for kind, make in {"CSV": as_csv, "NPZ": as_npz}.items():
                st.download_button(
                    f"{model.cell.title} values, {kind}",
                    lambda make=make, side=side: make(shown.traces[side]),
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
