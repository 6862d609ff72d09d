"""The page "Gradients": how the error at a chosen word flows back, in the RNN, the LSTM and the GRU."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from dashboard import cache, frame, library
from dashboard.chart import chart
from dashboard.controls.kept import kept
from dashboard.figures import gradients as draw
from dashboard.figures.asked import Asked, asked
from dashboard.figures.asked import named as named_piece
from dashboard.figures.powers import powers, recurrent
from dashboard.figures.weight_gradient import over_time
from dashboard.frame import Context, Reach
from dashboard.language import mark, tr
from dashboard.moved import moved
from dashboard.scene import Drawn, Scene, same_step
from lstm_core import Network, Trace
from lstm_core.analysis import Flow, flow, gradients, word_error
from lstm_core.drawing.expected import names_after
from lstm_core.drawing.panel import panel
from lstm_core.drawing.words import as_sentence, named, visible
from lstm_core.equations import carry

KEY = "gradients"
LONGEST = 300
"""Steps that are gone back; each needs a matrix of unit x unit."""
WORK = 80_000_000_000
"""Multiplications of such matrices that are waited for, of all models together: some seconds."""
WIDE = 128
"""Units from which on these matrices are of single precision, whose norms are right to more digits than are shown."""


def together(shown: Scene) -> dict[str, Network]:
    """The models that are gone back through, by name: a plain RNN, where one fits, and those of both sides."""
    models = {model.name: model for model in shown.models}
    plain = plain_rnn(shown.models[0], shown.settings.text)
    return models if plain is None else {plain: cache.model(plain), **models}


def most(shown: Scene) -> int:
    """The steps that are gone back."""
    return longest_back(list(together(shown).values()))


REACH = Reach(most, mark("The error goes back through every step, which takes seconds with models of this size."))


@frame.page(mark("Gradients"), order=4, reach=REACH)
def page(here: Context) -> None:
    shown, step = here.scene, here.step
    models, longest = together(shown), most(shown)
    traces = {name: library.read(name, shown.settings.text, longest).trace for name in models}
    first = traces[shown.models[0].name]
    narrow = st.columns([2, 4])[0]
    label, hint = tr("The error of the next word"), tr("the word that really comes next")
    word = kept("target", lambda: narrow.text_input(label, key="target", bind="query-params", placeholder=hint))
    panels = []
    places = {name: same_step(first, trace, step) for name, trace in traces.items()}
    drawn = {model.name: at for model, at in zip(shown.models, shown.drawn, strict=True)}
    flows: dict[Any, Flow] = {}  # a state that two figures speak of is gone back from once

    def flowing(trace: Trace, *place: Any) -> Flow:
        if (id(trace), *place) not in flows:
            flows[id(trace), *place] = _flow(trace, *place)
        return flows[id(trace), *place]

    ways = [
        way
        for name, trace in traces.items()
        for way in _ways(trace, places[name], _title(name, traces), drawn.get(name, shown.drawn[0]), flowing)
    ]
    panels.append(draw.vanishing("vanishing", first, ways, named(first, step)))
    for side, (model, at) in enumerate(zip(shown.models, shown.drawn, strict=True)):
        trace, place = traces[model.name], places[model.name]
        rule = carry(trace.cell)
        state = rule.state if rule else trace.cell.output
        found = flowing(trace, place, state, at.layer, bool(at.direction))
        panels.append(frame.picking(draw.paths(f"paths{side}", trace, found), frame.back(first, trace)))
    weights = []
    for side, (model, at) in enumerate(zip(shown.models, shown.drawn, strict=True)):
        trace, place = traces[model.name], places[model.name]
        try:
            _ = model.predicts  # a network that expects nothing says why, whatever is asked
            wanted = asked(model.tokenizer, word) if word.strip() else _next(model, trace, place)
            error = word_error(model, trace, place, wanted.id)
        except ValueError as reason:
            title = tr("{cell}: the error in each gate", cell=tr(trace.cell.title))
            panels.append(panel(f"gates{side}", title, text=as_sentence(reason)))
            weights.append(panel(f"weights{side}", ""))
            continue
        found = gradients(trace, place, error)
        by_gate = draw.by_gate(f"gates{side}", trace, found, wanted.name, at.layer, at.direction)
        panels.append(frame.picking(by_gate, frame.back(first, trace)))
        added = over_time(f"weights{side}", trace, found, at.layer, at.direction)
        weights.append(frame.picking(added, frame.back(first, trace)))
    panels += weights
    for name, model in models.items():
        matrix = recurrent(model.cell)
        if matrix is not None:
            layer = drawn.get(name, shown.drawn[0]).layer
            params = model.layers[min(layer, len(model.layers) - 1)][0]
            panels.append(powers("powers", params[matrix].astype(float), matrix, _title(name, traces)))
            break
    frame.pieces(panels, traces.values())
    chart({"words": frame.rows(first), "step": step, "columns": 2, "panels": panels}, KEY, shown.settings.text)
    moved()


WIDEST = "general-rnn"
"""It has pieces for any text, so a share says nothing; with 848 units it takes long, and stands beside its own kind."""
KNOWN = 0.8
"""Share of a text that a model must have words for to be read beside others."""


def plain_rnn(model: Network, text: str) -> str | None:
    """The shipped plain RNN to draw beside ``model``: of its own task, else the one that reads most of the text."""
    own = f"{model.name.partition('-')[0]}-rnn"
    if own in cache.models():
        return own
    shares: dict[str, float] = {}
    for name in cache.models():
        if name.endswith("-rnn") and name != WIDEST:
            tokens = cache.model(name).tokenizer.encode(text)
            shares[name] = sum(token.known for token in tokens) / max(1, len(tokens))
    best = max(shares, key=shares.__getitem__, default=None)
    return best if best is not None and shares[best] >= KNOWN else None


def _title(name: str, traces: Mapping[str, Trace]) -> str:
    """What to call a model: by its cell, and by its own name too where another has the same cell."""
    title = tr(traces[name].cell.title)
    alone = sum(trace.cell is traces[name].cell for trace in traces.values()) == 1
    return title if alone else tr("{cell} ({name})", cell=title, name=name)


def _flow(trace: Trace, step: int, state: str, layer: int, backward: bool) -> Flow:
    dtype = np.float32 if trace.hidden_size >= WIDE else np.float64
    return flow(trace, step, state, layer=layer, backward=backward, dtype=dtype)


def _ways(trace: Trace, step: int, title: str, at: Drawn, flowing: Callable[..., Flow] = _flow) -> list[draw.Way]:
    """What the cell shows, and the memory that it carries on where that is something else; in the chosen layer and
    direction, or the last that the model has."""
    shown, rule = _state(trace), carry(trace.cell)
    layer, backward = min(at.layer, len(trace.layers) - 1), min(at.direction, len(trace.layers[0]) - 1) == 1

    def way(state: str) -> draw.Way:
        found = flowing(trace, step, state, layer, backward)
        return draw.Way(title, trace.cell.name, found, backward, shown=state == shown, trace=trace)

    return [*([way(rule.state)] if rule and rule.state != shown else []), way(shown)]


def _state(trace: Trace) -> str:
    """What the next layer reads, if it is a state that flows on in time, else the cell's last state."""
    states = trace.cell.states()
    return trace.cell.output if trace.cell.output in states else states[-1]


def longest_back(models: Sequence[Network]) -> int:
    """Steps that are gone back: fewer for wide layers, whose matrices take long to multiply."""
    each = [sum(param.name.startswith("U_") for param in model.cell.params) or 1 for model in models]
    states = [len(model.cell.states()) for model in models]
    step = sum(n * s * model.hidden_size**3 for n, s, model in zip(each, states, models, strict=True))
    return max(10, min(LONGEST, WORK // step))


def _next(model: Network, trace: Trace, step: int) -> Asked:
    """The vocabulary's piece that comes next in the text; after the last word, the one that the model expects."""
    tokenizer = model.tokenizer
    if trace.tokens and step + 1 < len(trace):
        return named_piece(tokenizer, trace.tokens[step + 1].id)
    ids = model.likeliest(trace, 1)[0][step]
    return Asked(int(ids[0]), visible(names_after(model, [(trace, step)], ids)[int(ids[0])]))
