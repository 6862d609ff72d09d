"""Networks that imagine how a line goes on: what they expect, what they saw, and what a latent variable is for."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np
import streamlit as st

from dashboard import address
from dashboard.beyond.inside import Part, inside
from dashboard.beyond.shared import about
from dashboard.chart import chart, chosen_step
from dashboard.controls.kept import follows
from dashboard.figures import changes as draw
from dashboard.frame import rows
from dashboard.language import mark, tr
from lstm_core.beyond import kept
from lstm_core.beyond.imagining import Imagining, Line, latex
from lstm_core.beyond.running import Do
from lstm_core.drawing import panel as p
from lstm_core.drawing import theme
from lstm_core.trace import Trace

NAMES = {"vrnn": mark("VRNN"), "storn": mark("STORN"), "plain": mark("LSTM without a latent variable")}
WAYS = {"read": mark("Read a line"), "new": mark("Make one up")}
MADE, STEPS, AHEAD = 1000, 40, 60
"""Lines that can be made up, steps of each, and how often the next step is drawn."""


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
    line = _line(network, way, at)
    of = f"imagine {kind}-{way}-{at}"
    step = chosen_step(of, len(line.x), -2)  # after the last nothing comes that could surprise
    again = partial(_again, network, way, at, line)
    panels = inside(_panels(network, line, step), _parts(network, line, step), again)
    chart({"words": rows(line.traces["cell"]), "step": step, "columns": 2, "panels": panels}, "imagine", of)
    about(
        latex(network.kind, way == "read"),
        network.cell,
        tr(
            "VRNN: Chung et al. 2015, A Recurrent Latent Variable Model for Sequential Data, arXiv 1506.02216. STORN: "
            "Bayer and Osendorfer 2014, Learning Stochastic Recurrent Networks, arXiv 1411.7610. They were meant to "
            "show that what cannot be foreseen belongs into a variable of its own, not into the noise of the output."
        ),
        _measured(),
        tr(str(network.meta["honesty"])),
    )


def _line(network: Imagining, way: str, at: int, do: dict[str, Do] | None = None) -> Line:
    return network.read(network.examples[at], do=do) if way == "read" else network.imagine(STEPS, at, do=do)


def _measured() -> str:
    said = []
    for kind, name in NAMES.items():
        bounds = [run["bound"] for run in model(kind).meta["seeds"]]
        mean, low, high = (p.signed(float(value)) for value in (np.mean(bounds), min(bounds), max(bounds)))
        said.append(tr("{name} {mean} ({low} to {high})", name=tr(name), mean=mean, low=low, high=high))
    return tr(
        "Nats that a step of 500 new lines takes at most, mean of {seeds} seeds and from the lowest to the highest; "
        "less is better, and may be below 0, for the chance of a place on a plane is a density: {figures}.",
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
        field = follows("kind", kind, _keep_kind)
        st.segmented_control(label, list(NAMES), required=True, format_func=called, **field)
    with second:
        label = tr("What it does")
        field = follows("imagine way", way, _keep_way)
        st.segmented_control(label, list(WAYS), required=True, format_func=called, **field)
    with third:
        last = count(way) - 1
        label = tr("Which line, 0 to {last}", last=last)
        st.number_input(label, 0, last, None, **follows(f"line {way}", at, _keep_line))
    with fourth:
        st.button(tr("Another"), key="imagine another", on_click=_another)
    return kind, way, at


def _keep(kind: str, way: str, at: int) -> None:
    address.choose("imagine", f"{kind}-{way}-{min(int(at), count(way) - 1)}")


def _keep_kind(kind: str) -> None:
    _keep(kind, *chosen()[1:])


def _keep_way(way: str) -> None:
    kind, _, at = chosen()
    _keep(kind, way, at)


def _keep_line(at: int) -> None:
    _keep(*chosen()[:2], at)


def _another() -> None:
    kind, way, at = chosen()
    _keep(kind, way, (at + 1) % count(way))


def _panels(network: Imagining, line: Line, step: int) -> list[dict[str, Any]]:
    trace = line.traces["cell"]
    found = [_path(network, line, step)]
    if line.kl is not None:
        nats = line.kl.sum(1)
        bars = p.signed_bars(range(len(nats)), nats, [tr("step {step}", step=k + 1) for k in range(len(nats))])
        title = tr("What z was told beyond the prior")
        text = tr("{nats:.2f} nats at step {step}; most at step {most}, {high:.2f}.", nats=float(nats[step]),
                  step=step + 1, most=int(nats.argmax()) + 1, high=float(nats.max()))  # fmt: skip
        text = p.sentences(text, tr("A nat is 1.44 bits."))
        axes = {"xaxis": p.word_axis(trace), "yaxis": p.value_axis(tr("nats")), "meta": {"pick": "x"}}
        alt = p.sentences(title, text)
        found.append(p.panel("kl", title, p.figure([bars], **axes), height=260, text=text, alt=alt))
    if line.prior is not None:
        found += [_latent(line, k) for k in range(line.prior.shape[1])]
    return found


def _parts(network: Imagining, line: Line, step: int) -> list[Part]:
    titles = {"cell": tr("The network itself") if "reader" in line.traces else "", "reader": tr("What reads x")}

    def error(name: str) -> tuple[str, np.ndarray | None]:
        found = network.error(line, name, step)
        if found is None:
            return tr("After the last step nothing comes that could surprise it."), None
        if name == "reader":
            return tr("The error here is what z is told at step {step}.", step=step + 1), found
        said = step + (1 if network.kind == "storn" else 2)
        return tr("The error is what it leaves open of step {step} of the line.", step=said), found

    return [
        Part(name, title, line.traces[name], step, partial(error, name))
        for name, title in titles.items()
        if name in line.traces
    ]


def _again(
    network: Imagining, way: str, at: int, line: Line, do: dict[str, Do]
) -> tuple[dict[str, Trace], list[dict[str, Any]]]:
    after = _line(network, way, at, do)
    names = tr("as it was"), tr("what if")
    trace = line.traces["cell"]
    if way == "new":
        ways = [np.concatenate([np.zeros((1, 2)), np.cumsum(one.x, axis=0)]) for one in (line, after)]
        colors = draw.BEFORE, draw.AFTER
        drawn = [
            p.line(one[:, 0], one[:, 1], name, color, mode="lines", hoverinfo="skip")
            for one, name, color in zip(ways, names, colors, strict=True)
        ]
        plain = {"gridcolor": p.GRID, "zeroline": False, "fixedrange": True}
        figure = p.figure(drawn, xaxis=plain, yaxis={**plain, "scaleanchor": "x"}, showlegend=True)
        far = float(np.linalg.norm(ways[1][-1] - ways[0][-1]))
        text = tr("From the same random numbers the pen ends {far:.1f} away from where it did.", far=far)
        title = tr("The line that comes of it")
        return after.traces, [p.panel("outcome", title, figure, height=300, text=text, alt=p.sentences(title, text))]
    before, then = network.nats(line), network.nats(after)
    title = tr("Nats that each step takes at most")
    text = tr(
        "The whole line takes {after} nats at most, instead of {before}.",
        after=p.signed(float(then.sum())),
        before=p.signed(float(before.sum())),
    )
    return after.traces, [draw.unit_lines("outcome", title, p.word_axis(trace), before, then, names, text)]


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
    if line.posterior is None:
        title = tr("z {number}: prior", number=k + 1)
    text = ""
    if k == 0:
        text = tr("Prior: before the step was seen. A line is a mean, its band one standard deviation each way.")
        if line.posterior is not None:
            text = p.sentences(text, tr("Posterior: after it."))
    figure = p.figure(found, showlegend=True, **axes)
    return p.panel(f"z{k}", title, figure, height=200, text=text, alt=p.sentences(title, text))
