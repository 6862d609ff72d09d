"""Train it yourself: a miniature learns in a process of its own while its gates are drawn, then a slider goes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from dashboard.chart import chart
from dashboard.controls.kept import kept
from dashboard.jobs import JOB, Busy, Job, begin
from dashboard.language import tr
from dashboard.session import keeps
from lab.learning.live import SECONDS, WAIT, Choice, keep_bias
from lab.tasks.miniature import MINIATURES, Miniature
from lstm_core.cells import CELLS
from lstm_core.drawing import panel as p
from lstm_core.drawing import theme
from lstm_core.equations import carry

CHOICE = keeps("training chosen")
KEY = "train"
FIRST = ("lstm", "gru", "rnn")


def section() -> None:
    st.header(tr("Train it yourself"), anchor=False)
    st.caption(
        p.sentences(
            tr(
                "A small network learns, from its first step on, in at most two minutes; the gates on one text are "
                "drawn while it does."
            ),
            tr(
                "It learns by back-propagation through the cell's own equations, as the page Gradients draws it: in "
                "NumPy, on the CPU."
            ),
        )
    )
    job: Job | None = st.session_state.get(JOB)
    running = job is not None and job.running
    with st.container(key=f"{KEY} settings", gap="small"):
        choice = _form(running)
    with st.container(horizontal=True, gap="small"):
        st.button(tr("Train"), type="primary", key=f"{KEY} start", on_click=_start, args=(choice,), disabled=running)
        if running and job is not None and job.label == KEY:
            st.button(tr("Go on") if job.paused else tr("Pause"), on_click=job.pause, args=(not job.paused,))
            st.button(tr("Stop"), on_click=job.stop)
    if job is not None and job.label != KEY and running:
        st.caption(tr("An experiment is being measured; train when it is over, or cancel it there."))
    elif job is not None and job.label == KEY:
        st.fragment(_watch, run_every=1.0 if running and not job.paused else None)(job, st.session_state[CHOICE])


def _form(disabled: bool) -> Choice:
    """The settings, which outlive a change of page; what they mean stands beside them."""
    first = st.columns([2, 2, 1, 1], vertical_alignment="bottom")

    def asked(name: str, start: Any, widget: Callable[..., Any], *said: Any, off: bool = False, **more: Any) -> Any:
        key = f"{KEY} {name}"
        field = {"key": key, "on_change": _filled, "args": (key,)}
        return kept(key, lambda: widget(*said, **field, disabled=disabled or off, **more), start)

    tasks = list(MINIATURES)
    called = {name: tr(MINIATURES[name].title) for name in tasks}
    task = asked("task", tasks[0], first[0].selectbox, tr("Task"), tasks, format_func=called.__getitem__)
    names = list(dict.fromkeys([*FIRST, *CELLS]))
    titles = {name: tr(CELLS[name].title) for name in names}
    cell = asked("cell", names[0], first[1].selectbox, tr("Cell"), names, format_func=titles.__getitem__)
    hidden = asked("hidden", 8, first[2].number_input, tr("Units"), 1, 32, None)
    seconds = asked("seconds", 40, first[3].number_input, tr("Seconds"), 5, int(SECONDS), None, 5)
    second = st.columns([2, 2, 2], vertical_alignment="bottom")
    gate = keep_bias(CELLS[cell])
    bias = asked(
        "bias",
        1.0,
        second[0].slider,
        tr("Forget bias ({gate})", gate=gate) if gate else tr("Forget bias: this cell has none"),
        *(-2.0, 4.0),
        step=0.5,
        off=gate is None,
        help=tr("What the gate that keeps the memory starts with: 0 keeps half a step, 3 keeps 95 %."),
    )
    rates = [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1]
    rate = asked("rate", 0.01, second[1].select_slider, tr("Learning rate"), rates)
    economy = asked(
        "economy",
        0.2,
        second[2].slider,
        tr("Price on writing and forgetting"),
        *(0.0, 1.0),
        step=0.1,
        off=carry(CELLS[cell]) is None,
        help=tr("The gate-economy loss: with it single units become readable; without it what is kept is spread."),
    )
    st.caption(tr(MINIATURES[task].about))
    return Choice(task, cell, int(hidden), float(bias), float(rate), float(economy), float(seconds))


def _filled(key: str) -> None:
    """A field that is emptied shows again what it did."""
    if st.session_state.get(key) is None:
        st.session_state[key] = st.session_state["kept"][key]


def _start(choice: Choice) -> None:
    st.session_state.pop(f"{KEY} step", None)
    try:
        arguments = [json.dumps(asdict(choice))]
        begin("lab.learning.live", arguments, choice.seconds + WAIT + 60, KEY)
        st.session_state[CHOICE] = choice
    except Busy as error:
        st.toast(tr(error.args[0]))


def _watch(job: Job, choice: Choice) -> None:
    """What is trained, the loss so far and the newest checkpoint; once it is over, any checkpoint."""
    running = job.running
    st.caption(trained(choice))
    said = job.said
    steps = [int(path.stem) for path in checkpoints(job.folder)]
    if job.ends_now():
        st.rerun()
    if job.problem:
        st.error(tr("The training ended early. {why}", why=tr(job.problem)))
    if not said or not steps:
        if job.waits:
            st.caption(tr(job.waits))
        elif running:
            st.caption(tr("Starting."))
        return
    last = said[-1]
    share = min(last["seconds"] / choice.seconds, 1.0)
    now = {"step": last["step"], "loss": last["loss"], "right": p.percent(last["right"]), "seconds": last["seconds"]}
    if running and job.paused:
        st.progress(share, tr("paused: step {step:,}, loss {loss:.3f}, {right} of new texts right", **now))
    elif running:
        st.progress(share, tr("step {step:,}, loss {loss:.3f}, {right} of new texts right", **now))
    if running:
        shown = steps[-1]
    else:
        st.caption(tr("{step:,} steps in {seconds:.0f} s: loss {loss:.3f}, {right} of new texts right.", **now))
        shown = st.select_slider(tr("Checkpoint"), steps, steps[-1], key=f"{KEY} step") if len(steps) > 1 else steps[0]
    with np.load(job.folder / f"{int(shown):06d}.npz") as file:
        signals = {name: file[name] for name in file.files}
    mini = MINIATURES[choice.task]
    tokens = mini.tokenizer.encode(mini.text)
    panels = [loss_panel(said, int(shown)), *gate_panels(choice, mini, signals)]
    chart({"words": [], "columns": 2, "panels": panels}, f"{KEY} chart", "")
    st.caption(expected(mini, signals["probabilities"], [token.id for token in tokens]))


def trained(choice: Choice) -> str:
    """What the figures are of: the settings above them may be others by now."""
    cell = CELLS[choice.cell]
    said = [
        tr(MINIATURES[choice.task].title),
        tr(cell.title),
        tr("1 unit") if choice.hidden == 1 else tr("{count:,} units", count=choice.hidden),
        tr("learning rate {rate:g}", rate=choice.learning_rate),
    ]
    if keep_bias(cell) is not None:
        said.append(tr("forget bias {bias:g}", bias=choice.forget_bias))
    if carry(cell) is not None:
        said.append(tr("price {price:g}", price=choice.economy))
    return tr("{said}.", said=p.row(said))


def checkpoints(folder: Path) -> list[Path]:
    return sorted(folder.glob("[0-9]*.npz"))


def loss_panel(said: list[dict[str, Any]], shown: int) -> dict[str, Any]:
    """Loss and share right over the steps; a dotted line stands at the checkpoint that is drawn."""
    steps = [line["step"] for line in said]
    mark = {
        "type": "line",
        "x0": shown,
        "x1": shown,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"width": 1, "dash": "dot", "color": theme.OTHER_COLOR},
    }
    drawn = p.figure(
        [
            p.line(steps, np.array([line["loss"] for line in said]), tr("loss"), theme.role_color("write", "light")),
            p.line(steps, np.array([line["right"] for line in said]), tr("share of new texts right"),
                   theme.role_color("keep", "light"), yaxis="y2"),
        ],
        xaxis={"title": {"text": tr("step"), "standoff": 4}, "showgrid": False, "zeroline": False},
        yaxis=p.value_axis(tr("loss"), rangemode="tozero"),
        yaxis2={"overlaying": "y", "side": "right", "range": [-0.02, 1.02], "showgrid": False, "zeroline": False,
                "tickvals": [0, 0.5, 1], "ticktext": [p.percent(0), p.percent(0.5), p.percent(1)]},
        shapes=[mark],
        showlegend=True,
        margin={"l": 52, "r": 46, "t": 6, "b": 40},
    )  # fmt: skip
    last = said[-1]
    text = tr(
        "Learning. Loss {loss:.3f} and {right} right after step {step:,}.",
        loss=last["loss"],
        right=p.percent(last["right"]),
        step=last["step"],
    )
    return p.panel("loss", tr("Learning"), drawn, alt=text, height=230)


def gate_panels(choice: Choice, mini: Miniature, signals: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """What is kept, written and remembered by every unit at every word of the task's text."""
    cell = CELLS[choice.cell]
    rule = carry(cell)
    tokens = mini.tokenizer.encode(mini.text)
    axis = {
        "tickmode": "array",
        "tickvals": list(range(len(tokens))),
        "ticktext": [p.escape(token.text) for token in tokens],
        "tickangle": -40 if mini.pattern != r"\S" else 0,
        "showgrid": False,
        "zeroline": False,
    }
    parts = []
    if rule is not None:
        for role in ("keep", "write"):
            values = np.broadcast_to(rule.evaluate(role, signals), signals[rule.state].shape)
            title = tr("{gate}: share kept", gate=rule.label(role))
            if role == "write":
                title = tr("{gate}: share written", gate=rule.label(role))
            parts.append((role, title, values, "coloraxis"))
    state = rule.state if rule else cell.output
    parts.append(("memory", tr("{state}: the memory", state=state), signals[state], "coloraxis2"))
    hover = tr("unit {unit}: {value}", unit="%{y}", value="%{z:.2f}") + "<extra></extra>"
    panels = []
    for id, title, values, colors in parts:
        z = values[-1, 0, :, 0].T
        drawn = p.figure(
            [p.heatmap(z, colors, hovertemplate=hover)],
            xaxis=axis,
            yaxis={
                "title": {"text": tr("unit"), "standoff": 6},
                "autorange": "reversed",
                "nticks": 6,
                "zeroline": False,
            },
            **({"coloraxis2": p.signed_scale(z)} if colors == "coloraxis2" else {}),
        )
        said = tr("{title}, of every unit at every word; mean {mean:.2f}.", title=title, mean=float(z.mean()))
        panels.append(p.panel(id, title, drawn, alt=said, height=230))
    return panels


def expected(mini: Miniature, probabilities: np.ndarray, ids: list[int]) -> str:
    """What the network expects where the text's answers stand."""
    vocabulary = mini.tokenizer.pieces
    said = []
    for t in range(1, len(ids)):
        word = vocabulary[ids[t]]
        if word in ("she", "he") or (mini.pattern == r"\S" and t >= len(ids) - 2):
            best = int(probabilities[t - 1].argmax())
            chance = p.percent(float(probabilities[t - 1, best]))
            said.append(
                tr(
                    "before {word} it expects {expected} ({chance})",
                    word=p.quoted(word),
                    expected=p.quoted(vocabulary[best]),
                    chance=chance,
                )
            )
    return tr("In the text drawn, {expectations}.", expectations=tr("; ").join(said)) if said else ""
