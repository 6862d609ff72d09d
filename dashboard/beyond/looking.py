"""What is on a picture: a network that looks at it, word by word, and a picture that the visitor makes."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np
import streamlit as st

from dashboard import address
from dashboard.beyond.frames import Frame, frames, png
from dashboard.beyond.inside import inside
from dashboard.beyond.picture import picture
from dashboard.beyond.shared import about, measured, readable, spread, still
from dashboard.beyond.speaking import decoder, said_instead
from dashboard.chart import chart
from dashboard.language import mark, tr
from lstm_core.beyond import attending, kept, pictures
from lstm_core.beyond.attending import END, Said
from lstm_core.beyond.looking import Looking
from lstm_core.beyond.pictures import Shape
from lstm_core.beyond.running import Do
from lstm_core.drawing import panel as p
from lstm_core.trace import Trace

MODEL, HARD = "captions-lstm", "captions_hard-lstm"
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
def _hard() -> Looking | None:
    """The same network with hard attention."""
    return Looking.load(kept.file(HARD)) if HARD in kept.files() else None


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
            "of its attention, and reads the mean of all places by these shares. Make a picture by clicking, then "
            "choose a word: what it does not look at lies in the shade. Nothing told it where to look; it learned from "
            "the words alone."
        )
    )
    left, right = st.columns([1, 3], gap="medium")
    with left:
        ready = [(tr(label), one) for label, one in EXAMPLES]
        picture(pictures.written(shapes), ready, lambda made: address.choose("picture", made))
    if not shapes:
        with right:
            st.caption(tr("Put at least one shape on the picture."))
        _about(network)
        return
    drawn = pictures.drawn([shapes])[0]
    said = network.look(drawn[None])[0]
    with right:
        step = frames(_frames(said, shapes, drawn, network), pictures.written(shapes), tr("Words of the sentence"), 1)
    own = [*_beside(drawn, said, shapes, step), _could_say(said, step)]
    panels = inside(own, [decoder(network.speaker, said, step)], partial(_again, drawn, said, step))
    chart({"words": [], "step": step, "columns": 2, "panels": still(panels)}, "look", "")
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


def _beside(drawn: np.ndarray, said: Said, shapes: list[Shape], step: int) -> list[dict[str, Any]]:
    """Where soft attention looks before this word, and where hard attention does; a panel each."""
    hard = _hard()
    if hard is None:
        return []
    [other] = hard.look(drawn[None])
    right = " ".join(pictures.sentence(shapes))
    found = []
    for id, title, one in (("soft", tr("Soft attention"), said), ("hard", tr("Hard attention"), other)):
        at = min(step, len(one.words) - 1)
        word = tr("end") if one.words[at] == END else one.words[at]
        text = tr(
            "Before it says {word}, {share} of its attention lies on one place.",
            word=p.quoted(word),
            share=p.percent(one.alpha[at].max()),
        )
        sentence = " ".join(one.sentence)
        if sentence != right:
            text = p.sentences(text, tr("It says: {sentence}.", sentence=p.quoted(sentence)))
        found.append(
            p.panel(id, title, _looks(drawn, one.alpha[at]), height=260, text=text, alt=p.sentences(title, text))
        )
    return found


def _looks(drawn: np.ndarray, alpha: np.ndarray) -> dict[str, Any]:
    """The picture, and over it the shares of the attention, place by place."""
    side = round(len(alpha) ** 0.5)
    axis = {"showticklabels": False, "showgrid": False, "zeroline": False, "fixedrange": True, "ticks": ""}
    under = {"source": png(drawn), "xref": "x", "yref": "y", "x": -0.5, "y": -0.5, "sizex": side, "sizey": side}
    hover = tr("share {share}", share="%{z:.3f}") + "<extra></extra>"
    return p.figure(
        [p.heatmap(alpha.reshape(side, side), hovertemplate=hover, opacity=0.6)],
        xaxis={**axis, "range": [-0.5, side - 0.5]},
        yaxis={**axis, "range": [side - 0.5, -0.5], "scaleanchor": "x"},
        images=[{**under, "sizing": "stretch", "layer": "below"}],
    )


def _again(
    drawn: np.ndarray, said: Said, step: int, do: dict[str, Do]
) -> tuple[dict[str, Trace], list[dict[str, Any]]]:
    [after] = model().look(drawn[None], do.get("decoder"))
    return {"decoder": readable(after.trace)}, said_instead(model().speaker, said, after, step)


def _could_say(said: Said, step: int) -> dict[str, Any]:
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
        xaxis={"range": [0, 1.12], **p.share_ticks(), "gridcolor": p.GRID, "zeroline": False, "fixedrange": True},
        yaxis={"autorange": "reversed", "showgrid": False, "fixedrange": True},
        margin={"l": 84, "r": 40, "t": 6, "b": 30},
    )
    title = tr("What it could say here")
    alt = tr("{title}: {said}", title=title, said=p.row(map(" ".join, zip(bars["y"], bars["text"], strict=True))))
    return p.panel("said", title, drawn, height=190, alt=alt)


def _about(network: Looking) -> None:
    m = network.meta["metrics"]
    about(
        attending.latex(network.speaker.cell),
        network.speaker.cell,
        tr(
            "Xu et al. 2015, Show, Attend and Tell, arXiv 1502.03044, section 4.2: soft attention. It was meant to "
            "show that a network can learn where to look from captions alone, and that one can see what it looked at. "
            "a_i is what a small convolution sees at place i of 8 x 8, with its row and column; x_t is the word "
            "before and z_t."
        ),
        tr(
            "Measured on pictures with pairs of colour and form that no picture of its training showed: {exact} of "
            "1,000 sentences word for word right ({low} to {high} in {seeds} seeds), {mass} of the attention on the "
            "shape that is named (a place is 1 of 16). On pictures of the usual pairs {usual}; the same network "
            "looking everywhere alike {everywhere}, untrained {untrained}.",
            exact=measured(m["exact_held_out"]),
            mass=measured(m["on_named_held_out"]),
            usual=measured(m["exact"]),
            everywhere=measured(m["exact_everywhere"]),
            untrained=measured(m["exact_untrained"]),
            **spread(network.meta["seeds"], "exact_held_out"),
        ),
        *_hard_measured(),
        tr(str(network.meta["honesty"])),
        folded=_hard_lines(),
    )


def _hard_measured() -> list[str]:
    hard = _hard()
    if hard is None:
        return []
    m, seeds = hard.meta["metrics"], hard.meta["seeds"]
    runs = spread(seeds, "exact_held_out")
    return [
        tr(
            "Hard attention (section 4.1) reads one place before each word; in its training it was drawn by its share, "
            "and what to look at was learned by REINFORCE with a moving baseline, in as many steps. On the same "
            "pictures: {exact} word for word right ({runs}), and {mass} of its looks lie on the shape that is named.",
            runs=tr("{low} to {high} in {seeds} seeds", **runs) if len(seeds) > 1 else tr("one seed"),
            exact=measured(m["exact_held_out"]),
            mass=measured(m["on_named_held_out"]),
        )
    ]


def _hard_lines() -> dict[str, list[str]]:
    hard = _hard()
    return {tr("The same with hard attention"): attending.latex(hard.speaker.cell, hard=True)} if hard else {}
