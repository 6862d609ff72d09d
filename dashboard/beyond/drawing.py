"""A network that draws: the canvas after each go, where it looked and where it wrote, and its gates."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np
import streamlit as st

from dashboard import address
from dashboard.beyond.frames import Frame, frames
from dashboard.beyond.inside import Part, inside
from dashboard.beyond.shared import about, still
from dashboard.chart import chart
from dashboard.controls.kept import follows
from dashboard.language import mark, tr
from lstm_core.beyond import kept
from lstm_core.beyond.drawing import Drawing, Drawn, latex
from lstm_core.beyond.running import Do
from lstm_core.drawing import panel as p
from lstm_core.trace import Trace

MODEL = "draw-lstm"
COPY, NEW = mark("Copy a digit"), mark("Make one up")
WAYS = {"copy": COPY, "new": NEW}
HOME = "copy-21"
MADE = 1000
"""So many can be made up: each is drawn from a number of its own."""


@cache
def model() -> Drawing:
    return Drawing.load(kept.file(MODEL))


def chosen() -> tuple[str, int]:
    """ "copy" or "new", and which one, as the address says it: "copy-3"."""
    way, _, number = (address.chosen("draw") or HOME).partition("-")
    known = number.isdecimal() and number.isascii() and len(number) < 5
    at = int(number) if known else 0
    way = way if way in WAYS else "copy"
    return way, min(at, count(way) - 1)


def count(way: str) -> int:
    return len(model().examples) if way == "copy" else MADE


def show() -> None:
    network = model()
    st.markdown(
        tr(
            "Two LSTMs draw a digit in {goes} goes. At each go the encoder looks at a patch of the digit and of what "
            "is still wrong with the canvas; the decoder says what to add, and where. Without a digit to look at it "
            "makes one up from random numbers.",
            goes=network.glimpses,
        )
    )
    way, at = _choice()
    drawn = _drawn(way, at)
    original = network.examples[at] if way == "copy" else None
    keys = [(tr("where it looks"), "read"), (tr("where it writes"), "write")][way == "new" :]
    shown = _frames(drawn, original, network)
    step = frames(shown, f"draw {way}-{at}", tr("Goes"), len(shown) - 1, keys, film=500)
    parts = _parts(network, drawn, original, max(0, step - 1))
    panels = inside(_told(drawn), parts, partial(_again, way, at, drawn))
    chart({"words": [], "step": step, "columns": 2, "panels": still(panels)}, "draw", "")
    m = network.meta["metrics"]
    lines, patch = latex(way == "copy")
    about(
        lines,
        network.cell,
        tr(
            "Gregor et al. 2015, DRAW: A Recurrent Neural Network For Image Generation, arXiv 1502.04623. It was "
            "meant to show that a picture need not come out at once: a network that may look and write several times, "
            "in places that it chooses, draws as people do, from the rough to the fine."
        ),
        tr(
            "Measured on {count} digits of other writers: {bound:.1f} nats a digit at most (the paper's bound; "
            "{low:.1f} to {high:.1f} in {seeds} seeds), where the mean of all digits takes {mean:.1f} and the "
            "untrained network {untrained:.1f}.",
            count=m["held_out"],
            low=min(run["bound"] for run in network.meta["seeds"]),
            high=max(run["bound"] for run in network.meta["seeds"]),
            seeds=len(network.meta["seeds"]),
            bound=m["bound"],
            mean=m["mean_picture"],
            untrained=m["untrained"],
        ),
        tr(str(network.meta["honesty"])),
        folded={tr("Where a patch lies: N points on a picture of A pixels a side"): patch},
    )


def _drawn(way: str, at: int, do: dict[str, Do] | None = None) -> Drawn:
    network = model()
    if way == "copy":
        [drawn] = network.draw(network.noise(0, 1), network.examples[at : at + 1], do)
    else:
        [drawn] = network.draw(network.noise(at, 1), do=do)
    return drawn


def named(way: str) -> str:
    return tr(WAYS[way])


def _choice() -> tuple[str, int]:
    way, at = chosen()
    first, second, third = st.columns([3, 2, 2], vertical_alignment="bottom")
    with first:
        label = tr("What it does")
        field = follows("draw way", way, _keep_way)
        st.segmented_control(label, list(WAYS), required=True, format_func=named, **field)
    with second:
        last = count(way) - 1
        label = tr("Which picture, 0 to {last}", last=last)
        if way == "new":
            label = tr("Which one, 0 to {last}", last=last)
        st.number_input(label, 0, last, None, **follows(f"draw {way}", at, partial(_keep, way)))
    with third:
        st.button(tr("Another"), key="draw another", on_click=_another)
    return way, at


def _keep(way: str, at: int) -> None:
    said = f"{way}-{int(at)}"
    address.choose("draw", None if said == HOME else said)


def _keep_way(way: str) -> None:
    _keep(way, 0)


def _another() -> None:
    way, at = chosen()
    _keep(way, (at + 1) % count(way))


def _frames(drawn: Drawn, original: np.ndarray | None, network: Drawing) -> list[Frame]:
    side = round(network.pixels**0.5)
    first = drawn.canvas[0] if original is None else original
    said = tr("An empty canvas.") if original is None else tr("The digit that it is to copy.")
    found = [Frame(tr("empty") if original is None else tr("the digit"), 1 - first.reshape(side, side), said)]
    for k, canvas in enumerate(drawn.canvas[1:]):
        boxes = [(0, *_window(drawn.read[k], network))] if drawn.read is not None else []
        boxes.append((len(boxes), *_window(drawn.write[k], network)))
        text = tr("The canvas after go {number}.", number=k + 1)
        if original is not None:
            wrong = float(np.abs(canvas - original).sum())
            said = tr(
                "It differs from the digit as if {pixels:.1f} of {count} pixels were black in the place of white.",
                pixels=wrong,
                count=side * side,
            )
            text = p.sentences(text, said)
        if drawn.kl is not None:
            nats = float(drawn.kl[k].sum())
            text = p.sentences(text, tr("In this go it was told {nats:.1f} nats about the digit.", nats=nats))
        found.append(Frame(str(k + 1), 1 - canvas.reshape(side, side), text, boxes=tuple(boxes)))
    return found


def _window(where: np.ndarray, network: Drawing) -> tuple[float, float, float, float]:
    """Left, top, width and height of a patch, as shares of the side: from its first point to its last."""
    side = round(network.pixels**0.5)
    across, down, apart, _ = map(float, where)
    reach = (network.points - 1) * apart
    return (across + 0.5 - reach / 2) / side, (down + 0.5 - reach / 2) / side, reach / side, reach / side


def _told(drawn: Drawn) -> list[dict[str, Any]]:
    if drawn.kl is None:
        return []
    nats = drawn.kl.sum(1)
    bars = p.signed_bars(range(len(nats)), nats, [tr("go {number}", number=k + 1) for k in range(len(nats))])
    title = tr("What each go was told about the digit")
    axes = {"xaxis": p.word_axis(drawn.traces["decoder"]), "yaxis": p.value_axis(tr("nats"))}
    alt = tr("{title}: {said}", title=title, said=p.row(f"{value:.1f}" for value in nats))
    return [p.panel("kl", title, p.figure([bars], **axes), height=190, alt=alt)]


def _parts(network: Drawing, drawn: Drawn, original: np.ndarray | None, go: int) -> list[Part]:
    titles = {"decoder": tr("Decoder"), "encoder": tr("Encoder")}

    def error(name: str) -> tuple[str, np.ndarray | None]:
        if original is None:
            return tr("There is no digit to miss here, and so no error to follow back."), None
        said = {
            "decoder": tr("The error is what the canvas after go {number} leaves open of the digit.", number=go + 1),
            "encoder": tr("The error here is what go {number} is told about the digit.", number=go + 1),
        }
        return said[name], network.error(drawn, name, go, original)

    return [
        Part(name, title, drawn.traces[name], go, partial(error, name))
        for name, title in titles.items()
        if name in drawn.traces
    ]


def _again(way: str, at: int, drawn: Drawn, do: dict[str, Do]) -> tuple[dict[str, Trace], list[dict[str, Any]]]:
    after = _drawn(way, at, do)
    side = round(model().pixels ** 0.5)
    pair = {tr("as it was"): drawn, tr("what if"): after}
    found = []
    for k, (name, one) in enumerate(pair.items()):
        # A scale of its own: a dark page turns the others round.
        gray = {"cmin": 0, "cmax": 1, "colorscale": [[0, "#ffffff"], [1, "#000000"]], "showscale": False}
        axis = {"showticklabels": False, "showgrid": False, "zeroline": False, "fixedrange": True, "ticks": ""}
        picture = p.heatmap(one.canvas[-1].reshape(side, side), "coloraxis3", hoverinfo="skip")
        axes = {"xaxis": axis, "yaxis": {**axis, "autorange": "reversed", "scaleanchor": "x"}}
        title = tr("The last canvas, {run}", run=name)
        found.append(p.panel(f"canvas{k}", title, p.figure([picture], **axes, coloraxis3=gray), height=240, alt=title))
    moved = float(np.abs(after.canvas[-1] - drawn.canvas[-1]).sum())
    found[1]["text"] = tr(
        "It differs as if {pixels:.1f} of {count} pixels were black in the place of white.",
        pixels=moved,
        count=side * side,
    )
    return after.traces, found
