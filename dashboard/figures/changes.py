"""Before, after and difference of a run, for the pages "What if" and "Contrast"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dashboard.language import tr
from lstm_core.drawing import panel as p
from lstm_core.drawing import theme
from lstm_core.drawing.drawn import COUNT
from lstm_core.drawing.order import SMALL
from lstm_core.drawing.words import visible
from lstm_core.trace import Trace

BEFORE, AFTER = theme.OTHER_COLOR, theme.role_color("write", "light")
"""The line of the run as it was, and of the other one."""


FEW = 12
"""Rows of a map for which there is room to number each."""


def unit_lines(
    id: str,
    title: str,
    axis: dict[str, Any],
    before: np.ndarray,
    after: np.ndarray,
    names: tuple[str, str],
    text: str = "",
    ends: tuple[str, str] = ("", ""),
) -> dict[str, Any]:
    """One unit's value over time in two runs, and their difference as bars below it. (time,) each, NaN where none.

    ends: what its low and its high values mean, if anything."""
    steps = list(range(len(before)))
    difference = np.nan_to_num(after - before)
    drawing = p.figure(
        [
            p.line(steps, before, names[0], BEFORE),
            p.line(steps, after, names[1], AFTER, style={"dash": "dash"}),
            {
                **p.signed_bars(steps, difference, [tr("difference")] * len(steps)),
                "xaxis": "x",
                "yaxis": "y2",
                "showlegend": False,
            },
        ],
        xaxis={**axis, "anchor": "y2"},
        yaxis=p.value_axis(p.between(*ends) or tr("value"), domain=[0.42, 1]),
        yaxis2=p.value_axis(tr("difference"), domain=[0, 0.32], nticks=4),
        showlegend=True,
        meta={"pick": "x"},
    )
    alt = title
    if len(difference):
        most = int(np.argmax(np.abs(difference)))
        alt = tr(
            "{title}. Largest difference {value}, at step {step}.",
            **{"title": title, "value": p.signed(difference[most]), "step": most + 1},
        )
    return p.panel(id, title, drawing, height=300, text=text, alt=alt)


def difference_map(
    id: str, title: str, axis: dict[str, Any], difference: np.ndarray, text: str, unit: int
) -> dict[str, Any]:
    """Units' differences, (time, unit), on one symmetric scale: of a wide layer the largest, and ``unit``; where fewer
    than these differ, those that do, each with its number."""
    hover = tr("unit {unit}: {value}", unit="%{y}", value="%{z:+.3f}") + "<extra></extra>"
    most = np.nan_to_num(np.abs(difference)).max(axis=0, initial=0.0)
    units, kind = np.arange(len(most)), {}
    if len(most) > SMALL:
        kind = {"type": "category"}
        units = np.sort(np.argsort(-np.where(units == unit, np.inf, most), kind="stable")[:COUNT])
        others = float(np.delete(most, units).max())
        shown = tr(
            "The {count} of {all:,} units that differ most are drawn; no other differs by more than {most}.",
            **{"count": len(units), "all": len(most), "most": p.at_most(others)},
        )
        if not others:
            differ = np.flatnonzero(most)
            shown = tr("Units that differ: {count} of {all:,}.", count=len(differ), all=len(most))
            if not len(differ):
                shown = tr("No unit differs.")
            units = differ if len(differ) else np.array([unit])
        text = p.sentences(text, shown)
    rows: dict[str, Any] = {"title": {"text": tr("unit"), "standoff": 6}, "autorange": "reversed", "nticks": 6}
    rows["zeroline"] = False
    if kind and len(units) <= FEW:
        numbers = [str(one) for one in units]  # every row says which unit it is
        rows |= {"tickmode": "array", "tickvals": numbers, "ticktext": numbers}
    drawing = p.figure(
        [
            p.heatmap(
                difference.T[units], "coloraxis2", hovertemplate=hover, y=[str(one) for one in units] if kind else units
            )
        ],
        xaxis=axis,
        yaxis={**rows, **kind},
        coloraxis2=p.signed_scale(difference),
        meta={"pick": "x"},
    )
    alt = title
    if difference.size:
        step, largest = np.unravel_index(np.argmax(np.abs(np.nan_to_num(difference))), difference.shape)
        alt = tr(
            "{title}. Largest difference {value}, of unit {unit} at step {step}.",
            **{
                "title": title,
                "value": p.signed(float(difference[step, largest])),
                "unit": int(largest),
                "step": int(step) + 1,
            },
        )
    return p.panel(id, title, drawing, text=text, alt=alt)


def predictions(
    id: str,
    title: str,
    before: Sequence[tuple[str, float]],
    after: Sequence[tuple[str, float]],
    names: tuple[str, str],
    text: str = "",
) -> dict[str, Any]:
    """The likeliest next words of two runs at one step, as pairs of bars; ``text`` says what they show, or why there
    are none; a run that has nothing to expect has no bars."""
    if not before and not after:
        return p.panel(id, title, text=text)
    chances = ({word: chance for word, chance in run} for run in (before, after))
    first, second = chances
    chance = {word: max(first.get(word, 0.0), second.get(word, 0.0)) for word in {**first, **second}}
    words = sorted(chance, key=lambda word: -chance[word])
    likeliest = {run[0][0] for run in (before, after) if run}  # of which the sentence above the bars speaks
    words = [word for k, word in enumerate(words) if k < 3 or word in likeliest or (k < 6 and chance[word] >= 0.01)]
    labels = [p.escape(visible(word)) for word in words]
    bars = [
        {"type": "bar", "orientation": "h", "y": labels, "x": [run.get(word, 0.0) for word in words], "name": name,
         "text": [p.percent(run.get(word, 0.0)) for word in words], "textposition": "outside",
         "constraintext": "none",
         "marker": {"color": color},
         "cliponaxis": False, "hoverinfo": "none"}
        for run, name, color in ((second, names[1], AFTER), (first, names[0], BEFORE))
        if run
    ]  # fmt: skip
    drawing = p.figure(
        bars,
        barmode="group",
        bargap=0.35,
        xaxis={"range": [0, 1.12], **p.share_ticks(), "gridcolor": p.GRID, "zeroline": False, "fixedrange": True},
        yaxis={"autorange": "reversed", "showgrid": False, "fixedrange": True, "ticklabelstandoff": 4},
        showlegend=True,
        margin={"l": 84, "r": 40, "t": 6, "b": 30},
    )
    told = [
        tr("{run}: {word} ({chance})", run=name, word=p.quoted(visible(run[0][0])), chance=p.percent(run[0][1]))
        for name, run in zip(names, (before, after), strict=True)
        if run
    ]
    alt = tr("{about}: {values}.", about=title, values=tr("; ").join(told))
    return p.panel(id, title, drawing, text=text, alt=alt)


def words_over_time(
    id: str, trace: Trace, before: np.ndarray, after: np.ndarray, words: Sequence[str], names: tuple[str, str]
) -> dict[str, Any]:
    """The probability of a few next words at every step, (time, word): solid in the first run, dashed in the second."""
    colors = [theme.role_color(role, "light") for role in ("keep", "write", "expose", "reset")]
    steps = np.arange(len(trace), dtype=np.float32)
    lines = [
        p.line(
            steps,
            run[:, k],
            tr("{word}, {run}", word=p.escape(p.quoted(visible(word))), run=name),
            colors[k % len(colors)],
            style={"dash": dash},
        )
        for run, name, dash in ((before, names[0], "solid"), (after, names[1], "dash"))
        for k, word in enumerate(words)
    ]
    drawing = p.figure(
        lines,
        xaxis=p.word_axis(trace),
        yaxis=p.value_axis(tr("probability"), range=[-0.03, 1.03], **p.share_ticks()),
        showlegend=True,
        meta={"pick": "x"},
    )
    title = tr("{cell}: what it expects next, step by step", cell=tr(trace.cell.title))
    said = p.row(visible(word) for word in words)
    alt = tr(
        "Probability of {words} after every word, {before} and {after}", words=said, before=names[0], after=names[1]
    )
    told = [
        tr(
            "{word} moves most at step {step}, from {before} to {after}",
            **{"word": p.quoted(visible(word)), "step": at + 1},
            **{"before": p.percent(before[at, k]), "after": p.percent(after[at, k])},
        )
        for k, word in enumerate(words)
        for at in [int(np.argmax(np.abs(after[:, k] - before[:, k])))]
    ]
    alt = tr("{about}: {values}.", about=alt, values=tr("; ").join(told))
    return p.panel(id, title, drawing, height=260, alt=alt)
