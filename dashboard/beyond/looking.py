"""What is on a picture: a network that looks at it, word by word, and a picture that the visitor makes."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import streamlit as st

from dashboard import address
from dashboard.beyond.frames import Frame, frames
from dashboard.beyond.picture import picture
from dashboard.beyond.shared import about, memories, readable, still
from dashboard.chart import chart
from dashboard.figures.signals import signals
from dashboard.language import mark, tr
from lstm_core.beyond import attending, kept, pictures
from lstm_core.beyond.attending import END, Said
from lstm_core.beyond.looking import Looking
from lstm_core.beyond.pictures import Shape
from lstm_core.drawing import panel as p

MODEL = "captions-lstm"
HOME = "rc5-bs6-yt12"
EXAMPLES = (
    (mark("Two shapes"), "gc0-ps10"),
    (mark("Three shapes"), HOME),
    (mark("Four shapes"), "ks1-io3-bt8-rx15"),
    (mark("Pairs it has never seen"), "rf2-bx5-gt14"),
)
NAMES = (
    *(mark("red"), mark("green"), mark("blue"), mark("yellow"), mark("purple"), mark("black"), mark("pink")),
    *(mark("circle"), mark("square"), mark("triangle"), mark("cross"), mark("ring"), mark("frame")),
)
"""Of the colours and forms, for those who translate: the network itself says them in English."""


@cache
def model() -> Looking:
    return Looking.load(kept.file(MODEL))


@cache
def _blank() -> list[Shape]:
    return pictures.read(HOME)


def chosen() -> list[Shape]:
    """The picture that the address says; the first one where it says none that can be read."""
    said = address.chosen("picture")
    try:
        return _blank() if said is None else pictures.read(said)
    except ValueError:
        return _blank()


def show() -> None:
    network = model()
    shapes = chosen()
    st.markdown(
        tr(
            "An LSTM says what is on a picture. Before each word it looks: it gives every place of the picture a share "
            "of its attention, and reads the mean. Make a picture by clicking, then choose a word: what it does not "
            "look at lies in the shade. Nothing told it where to look; it learned from the words alone."
        )
    )
    left, right = st.columns([1, 3], gap="medium")
    with left:
        made = picture(pictures.written(shapes), [(tr(label), one) for label, one in EXAMPLES])
    if made is not None and made != pictures.written(shapes):
        address.choose("picture", made)
        st.rerun()
    if not shapes:
        with right:
            st.caption(tr("Put at least one shape on the picture."))
        _about(network)
        return
    drawn = pictures.drawn([shapes])[0]
    said = network.look(drawn[None])[0]
    with right:
        step = frames(_frames(said, shapes, drawn, network), pictures.written(shapes), tr("Words of the sentence"), 1)
    chart({"words": [], "step": step, "columns": 2, "panels": still(_panels(said, step))}, "look", "")
    _about(network)


def _frames(said: Said, shapes: list[Shape], drawn: np.ndarray, network: Looking) -> list[Frame]:
    right = said.sentence == pictures.sentence(shapes)
    at = pictures.named(shapes) if right else [None] * len(said.words)
    found = []
    for k, word in enumerate(said.words):
        shown = tr("end") if word == END else word
        chance = p.percent(float(said.chances[k].max()))
        text = tr("Says {word} with {chance}.", word=p.quoted(shown), chance=chance)
        place = at[k] if k < len(at) else None
        if place is not None:
            share = float(said.alpha[k][network.within(place)].sum())
            text = p.sentences(
                text, tr("{share} of its attention lies on the shape that it names.", share=p.percent(share))
            )
        found.append(Frame(shown, drawn, p.sentences(_sentence(said, shapes), text), said.alpha[k]))
    return found


def _sentence(said: Said, shapes: list[Shape]) -> str:
    text = " ".join(said.sentence)
    if said.sentence == pictures.sentence(shapes):
        return tr("It says: {sentence}. That is right.", sentence=p.quoted(text))
    if len(shapes) == 1 and said.sentence[:3] == pictures.sentence(shapes):
        return tr("It says: {sentence}. There is only one shape.", sentence=p.quoted(text))
    right = " ".join(pictures.sentence(shapes))
    return tr("It says: {sentence}. Right would be {right}.", sentence=p.quoted(text), right=p.quoted(right))


def _panels(said: Said, step: int) -> list[dict[str, Any]]:
    trace = readable(said.trace)
    best = np.argsort(-said.chances[step])[:5]
    words = [str(model().speaker.words[k]) for k in best]
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": [tr("end") if one == END else p.escape(one) for one in words],
        "x": [float(said.chances[step][k]) for k in best],
        "text": [p.percent(float(said.chances[step][k])) for k in best],
        "textposition": "outside",
        "cliponaxis": False,
        "hoverinfo": "none",
        "marker": {"color": "#0072b2"},
    }
    drawn = p.figure(
        [bars],
        xaxis={"range": [0, 1.12], "tickformat": ".0%", "gridcolor": p.GRID, "zeroline": False, "fixedrange": True},
        yaxis={"autorange": "reversed", "showgrid": False, "fixedrange": True},
        margin={"l": 84, "r": 40, "t": 6, "b": 30},
    )
    title = tr("What it could say here")
    alt = tr("{title}: {said}", title=title, said=p.row(map(" ".join, zip(bars["y"], bars["text"], strict=True))))
    return [
        p.panel("said", title, drawn, height=190, alt=alt),
        *memories(trace, step),
        *signals("gates", trace, step),
    ]


def _about(network: Looking) -> None:
    m = network.meta["metrics"]
    about(
        attending.latex(),
        network.speaker.cell,
        tr(
            "Xu et al. 2015, Show, Attend and Tell, arXiv 1502.03044, section 4.2: soft attention. It was meant to "
            "show that a network can learn where to look from captions alone, and that one can see what it looked at. "
            "a_i is what a small convolution sees at place i of 8 x 8, with its row and column; x_t is the word "
            "before and z_t."
        ),
        tr(
            "Measured on pictures with pairs of colour and form that no picture of its training showed: {exact} of "
            "1,000 sentences word for word right, {mass} of the attention on the shape that is named (a place is 1 of "
            "16). On pictures of the usual pairs {usual}; the same network looking everywhere alike {everywhere}, "
            "untrained {untrained}.",
            exact=p.percent(m["exact_held_out"]),
            mass=p.percent(m["on_named_held_out"]),
            usual=p.percent(m["exact"]),
            everywhere=p.percent(m["exact_everywhere"]),
            untrained=p.percent(m["exact_untrained"]),
        ),
        tr(str(network.meta["honesty"])),
    )
