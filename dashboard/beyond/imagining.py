"""Networks that imagine how a line goes on: what they expect, what they saw, and what a latent variable is for."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import streamlit as st

from dashboard import address
from dashboard.beyond.shared import about, memories
from dashboard.chart import chart, chosen_step
from dashboard.figures.signals import signals
from dashboard.frame import rows
from dashboard.language import mark, tr
from lstm_core.beyond import kept
from lstm_core.beyond.imagining import Imagining, Line
from lstm_core.drawing import panel as p
from lstm_core.drawing import theme

NAMES = {"vrnn": mark("VRNN"), "storn": mark("STORN"), "plain": mark("LSTM without a latent variable")}
WAYS = {"read": mark("Read a line"), "new": mark("Make one up")}
MADE, STEPS, AHEAD = 1000, 40, 60
"""Lines that can be made up, steps of each, and how often the next step is drawn."""
EQUATIONS = {
    "vrnn": (
        r"z_t \sim \mathcal{N}(\mu_0(h_{t-1}),\, \sigma_0(h_{t-1}))",
        r"z_t \mid x_t \sim \mathcal{N}(\mu(x_t, h_{t-1}),\, \sigma(x_t, h_{t-1}))",
        r"x_t \sim \mathcal{N}(\mu_x(z_t, h_{t-1}),\, \sigma_x(z_t, h_{t-1}))",
        r"h_t = \mathrm{LSTM}([x_t,\, z_t],\, h_{t-1})",
    ),
    "storn": (
        r"z_t \sim \mathcal{N}(0,\, 1)",
        r"z_t \mid x_{1 \ldots t} \sim \mathcal{N}(\mu(r_t),\, \sigma(r_t)), \quad r_t = \mathrm{LSTM}(x_t,\, r_{t-1})",
        r"h_t = \mathrm{LSTM}([x_{t-1},\, z_t],\, h_{t-1})",
        r"x_t \sim \mathcal{N}(\mu_x(h_t),\, \sigma_x(h_t))",
    ),
    "plain": (
        r"x_t \sim \mathcal{N}(\mu_x(h_{t-1}),\, \sigma_x(h_{t-1}))",
        r"h_t = \mathrm{LSTM}(x_t,\, h_{t-1})",
    ),
}


@cache
def model(kind: str) -> Imagining:
    return Imagining.load(kept.file(f"strokes-{kind}"))


def chosen() -> tuple[str, str, int]:
    """The network, what it does, and which line, as the address says it: "vrnn-read-3"."""
    kind, _, rest = (address.chosen("imagine") or "").partition("-")
    way, _, number = rest.partition("-")
    known = number.isdecimal() and number.isascii() and len(number) < 5
    kind, way = kind if kind in NAMES else "vrnn", way if way in WAYS else "read"
    return kind, way, min(int(number) if known else 0, count(way) - 1)


def count(way: str) -> int:
    return len(model("vrnn").examples) if way == "read" else MADE


def show() -> None:
    st.markdown(
        tr(
            "A pen goes on as it went, and now and then it turns to the left or to the right: nobody can foresee "
            "when, or where to. An LSTM that says one Gaussian for the next step has to make it wide enough for all "
            "sides. With a latent variable z, drawn anew at every step, the surprise has a place of its own: what z "
            "is told jumps where the pen turns, and is little elsewhere."
        )
    )
    kind, way, at = _choice()
    network = model(kind)
    line = network.read(network.examples[at]) if way == "read" else network.imagine(STEPS, at)
    of = f"imagine {kind}-{way}-{at}"
    step = chosen_step(of, len(line.x))
    panels = _panels(network, line, step)
    chart({"words": rows(line.traces["cell"]), "step": step, "columns": 2, "panels": panels}, "imagine", of)
    about(
        EQUATIONS[kind],
        network.cell,
        tr(
            "VRNN: Chung et al. 2015, A Recurrent Latent Variable Model for Sequential Data, arXiv 1506.02216. STORN: "
            "Bayer and Osendorfer 2014, Learning Stochastic Recurrent Networks, arXiv 1411.7610. They were meant to "
            "show that what cannot be foreseen belongs into a variable of its own, not into the noise of the output."
        ),
        _measured(),
        tr(str(network.meta["honesty"])),
    )


def _measured() -> str:
    said = []
    for kind, name in NAMES.items():
        bounds = [run["bound"] for run in model(kind).meta["seeds"]]
        mean, low, high = (p.signed(float(value)) for value in (np.mean(bounds), min(bounds), max(bounds)))
        said.append(tr("{name} {mean} ({low} to {high})", name=tr(name), mean=mean, low=low, high=high))
    return tr(
        "Nats that a step of 500 new lines takes at most, mean of {seeds} seeds and from the lowest to the highest; "
        "less is better: {figures}.",
        seeds=min(len(model(kind).meta["seeds"]) for kind in NAMES),
        figures=tr("; ").join(said),
    )


def called(one: str) -> str:
    return tr({**NAMES, **WAYS}[one])


def _choice() -> tuple[str, str, int]:
    kind, way, at = chosen()
    first, second, third, fourth = st.columns([4, 3, 2, 2], vertical_alignment="bottom")
    with first:
        label = tr("Network")
        new_kind = st.segmented_control(label, list(NAMES), default=kind, format_func=called, key="kind")
    with second:
        label = tr("What it does")
        new_way = st.segmented_control(label, list(WAYS), default=way, format_func=called, key="imagine way")
    picked = new_kind or kind, new_way or way
    at = min(at, count(picked[1]) - 1)
    with third:
        number = st.number_input(tr("Which line"), 0, count(picked[1]) - 1, at, key=f"line {picked[1]} {at}")
    with fourth:
        if st.button(tr("Another"), key="imagine another"):
            number = (int(number) + 1) % count(picked[1])
    here = (*picked, int(number))
    address.choose("imagine", "-".join(map(str, here)))
    if here != (kind, way, at):
        st.rerun()
    return here


def _panels(network: Imagining, line: Line, step: int) -> list[dict[str, Any]]:
    trace = line.traces["cell"]
    found = [_path(network, line, step)]
    if line.kl is not None:
        nats = line.kl.sum(1)
        bars = p.signed_bars(range(len(nats)), nats, [tr("step {step}", step=k + 1) for k in range(len(nats))])
        title = tr("What z was told beyond the prior")
        text = tr("{nats:.2f} nats at step {step}; most at step {most}, {high:.2f}.", nats=float(nats[step]),
                  step=step + 1, most=int(nats.argmax()) + 1, high=float(nats.max()))  # fmt: skip
        axes = {"xaxis": p.word_axis(trace), "yaxis": p.value_axis(tr("nats")), "meta": {"pick": "x"}}
        alt = p.sentences(title, text)
        found.append(p.panel("kl", title, p.figure([bars], **axes), height=260, text=text, alt=alt))
    if line.prior is not None:
        found += [_latent(line, k) for k in range(line.prior.shape[1])]
    found += memories(trace, step)
    found += signals("cell", trace, step)
    if "reader" in line.traces:
        found += signals("reader", line.traces["reader"], step, tr("What reads x"))
    return found


def _path(network: Imagining, line: Line, step: int) -> dict[str, Any]:
    """The line so far and to its end, and where the next step could lead, drawn many times."""
    way = np.concatenate([np.zeros((1, 2)), np.cumsum(line.x, axis=0)])
    ahead = way[step] + network.ahead(line, step, AHEAD)
    color = theme.role_color("keep", "light")
    whole = p.line(way[:, 0], way[:, 1], tr("the line"), "#888888", mode="lines", hoverinfo="skip")
    now = p.line(way[: step + 2, 0], way[: step + 2, 1], tr("up to step {step}", step=step + 1), color)
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": np.asarray(ahead[:, 0], np.float32),
        "y": np.asarray(ahead[:, 1], np.float32),
        "name": tr("where step {step} could have led", step=step + 1),
        "marker": {"color": theme.role_color("write", "light"), "size": 5, "opacity": 0.7},
        "hoverinfo": "skip",
    }
    square = {"scaleanchor": "x", "gridcolor": p.GRID, "zeroline": False, "fixedrange": True}
    plain = {"gridcolor": p.GRID, "zeroline": False, "fixedrange": True}
    title = tr("The line, and what the network thinks of the next step")
    figure = p.figure([whole, now, dots], xaxis=plain, yaxis=square, showlegend=True)
    asked = {"count": AHEAD, "step": step + 1}
    text = tr("Drawn {count} times from what it expects, given the line before step {step}.", **asked)
    return p.panel("path", title, figure, height=320, text=text, alt=p.sentences(title, text))


def _latent(line: Line, k: int) -> dict[str, Any]:
    """Prior against posterior of one number of z: mean and one spread to either side."""
    steps = np.arange(len(line.x), dtype=np.float32)
    found = []
    both = [(tr("prior"), line.prior, theme.role_color("keep", "light"), "dot")]
    if line.posterior is not None:
        both.append((tr("posterior"), line.posterior, theme.role_color("write", "light"), "solid"))
    for name, values, color, dash in both:
        if values is None:
            continue
        mean, spread = values[:, k].T
        edge = np.concatenate([mean + spread, (mean - spread)[::-1]])
        back = np.concatenate([steps, steps[::-1]])
        band = p.line(back, edge, name, color, fill="toself", opacity=0.25, showlegend=False, hoverinfo="skip")
        middle = p.line(steps, mean, name, color, style={"dash": dash})
        found += [{**band, "line": {"width": 0, "color": color}}, middle]
    axes = {"xaxis": p.word_axis(line.traces["cell"]), "yaxis": p.value_axis(""), "meta": {"pick": "x"}}
    title = tr("z {number}: prior and posterior", number=k + 1)
    return p.panel(f"z{k}", title, p.figure(found, showlegend=True, **axes), height=200, alt=title)
