"""The page "Gradients": how the error at a chosen word flows back, in the RNN, the LSTM and the GRU."""

from __future__ import annotations

import streamlit as st

from dashboard import cache
from dashboard.chart import chart, chosen_step
from dashboard.controls.kept import kept
from dashboard.figures import gradients as draw
from dashboard.figures.panel import panel
from dashboard.figures.words import words
from dashboard.scene import scene
from lstm_core import Model, Trace
from lstm_core.analysis import flow, gradients, word_error
from lstm_core.equations import carry

TITLE = "Gradients"
ORDER = 4
KEY = "gradients"
LONGEST = 300
"""Steps that are gone back; each needs a matrix of unit x unit."""


@st.fragment
def page() -> None:
    shown = scene()
    if shown is None:
        return
    if shown.notices:
        st.caption(" ".join(shown.notices))
    if len(shown.traces[0]) == 0:
        st.caption("Type a sentence above, or choose an example.")
        return
    models = {model.name: model for model in shown.models}
    plain = f"{shown.settings.left.partition('-')[0]}-rnn"
    if plain in cache.models():
        models = {plain: cache.model(plain), **models}
    text = _cut(shown.settings.text, shown.traces[0])
    traces = {name: cache.read(name, text).trace for name in models}
    first = traces[shown.models[0].name]
    step = chosen_step(shown.settings.text, len(first))
    narrow = st.columns([2, 4])[0]
    label, hint = "The error of the next word", "the word that really comes next"
    word = kept("target", lambda: narrow.text_input(label, key="target", bind="query-params", placeholder=hint))
    panels = []
    end = first.tokens[step].end
    places = {name: max(0, sum(token.end <= end for token in trace.tokens) - 1) for name, trace in traces.items()}
    flows = {trace.cell.title: flow(trace, places[name], _state(trace)) for name, trace in traces.items()}
    panels.append(draw.vanishing("vanishing", first, flows, first.tokens[step].text))
    for side, (model, at) in enumerate(zip(shown.models, shown.drawn, strict=True)):
        trace, place = traces[model.name], places[model.name]
        rule = carry(trace.cell)
        state = rule.state if rule else trace.cell.output
        found = flow(trace, place, state, layer=at.layer, backward=bool(at.direction))
        panels.append(draw.paths(f"paths{side}", trace, found))
    for side, (model, at) in enumerate(zip(shown.models, shown.drawn, strict=True)):
        trace, place = traces[model.name], places[model.name]
        wanted = word.strip() or _next_piece(model, trace, place)
        try:
            error = word_error(model, trace, place, wanted.lower() if word else wanted)
        except ValueError as reason:
            panels.append(panel(f"gates{side}", trace.cell.title, text=f"{str(reason)[0].upper()}{str(reason)[1:]}."))
            continue
        found = gradients(trace, place, error)
        panels.append(
            draw.by_gate(
                f"gates{side}",
                trace,
                found,
                model.tokenizer.display(model.tokenizer.id(wanted.lower() if word else wanted)),
                at.layer,
                at.direction,
            )
        )
    rows = [[one.text, one.first, one.last, int(one.known)] for one in words(first)]
    chart({"words": rows, "step": step, "columns": 2, "panels": panels}, KEY, shown.settings.text)
    if text != shown.settings.text:
        st.caption(f"The first {LONGEST} tokens are gone back through.")


def _state(trace: Trace) -> str:
    """What the next layer reads, if it is a state that flows on in time, else the cell's last state."""
    states = trace.cell.states()
    return trace.cell.output if trace.cell.output in states else states[-1]


def _cut(text: str, trace: Trace) -> str:
    return text if len(trace) <= LONGEST else text[: trace.tokens[LONGEST - 1].end]


def _next_piece(model: Model, trace: Trace, step: int) -> str:
    """The vocabulary's piece that comes next in the text; after the last word, the one that the model expects."""
    if step + 1 < len(trace):
        return trace.tokens[step + 1].piece
    return model.tokenizer.pieces[int(model.probabilities(trace)[step].argmax())]
