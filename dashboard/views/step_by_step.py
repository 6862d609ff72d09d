"""The page "Step by step": one word and one stage at a time through both cells, with the numbers of this sentence."""

from __future__ import annotations

import streamlit as st

from dashboard.figures.content import named_unit
from dashboard.figures.walk import walk
from dashboard.language import mark
from dashboard.scene import scene
from dashboard.walk import walkthrough

TITLE = mark("Step by step")
ORDER = 1


@st.fragment
def page() -> None:
    shown = scene()
    if shown is None:
        return
    if shown.notices:
        st.caption(" ".join(shown.notices))
    chosen = (shown.settings.unit, shown.settings.unit2)
    units = [
        named_unit(model, *at) if unit is None or unit >= model.hidden_size else unit
        for model, unit, at in zip(shown.models, chosen, shown.drawn, strict=True)
    ]
    content = walk(shown.models, shown.traces, units, shown.drawn, shown.settings.text)
    walkthrough(content | {"at": shown.settings.at})
