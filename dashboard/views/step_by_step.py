"""The page "Step by step": one word and one stage at a time through both cells, with the numbers of this sentence."""

from __future__ import annotations

import streamlit as st

from dashboard.figures.walk import walk
from dashboard.language import mark
from dashboard.scene import scene
from dashboard.views.gradients import plain_rnn
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
        found if unit is None or unit >= model.hidden_size else unit
        for model, unit, found in zip(shown.models, chosen, shown.units, strict=True)
    ]
    content = walk(shown.models, shown.traces, units, shown.drawn, shown.settings.text)
    plain = plain_rnn(shown.models[0], shown.settings.text) if shown.models[0].reads_words else None
    content["plain"] = plain if plain != shown.models[0].name else None
    walkthrough(content | {"at": shown.settings.at})
