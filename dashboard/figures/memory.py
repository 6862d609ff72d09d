"""The panels of the page "Memory": who wrote it, what is kept of what, and for how long."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from dashboard.language import tr
from lstm_core.analysis import Memory, Retention, Timescales
from lstm_core.analysis.letting_go import HALF
from lstm_core.drawing import panel as p
from lstm_core.drawing import theme
from lstm_core.drawing.words import named, words
from lstm_core.trace import Trace


def writers(
    id: str, trace: Trace, found: Memory, of: str, more: str = "", normaliser: tuple[str, float] | None = None
) -> dict[str, Any]:
    """Bars over the tokens: how much of the memory after ``found.step`` each of them wrote. ``more`` is noted too.

    normaliser: the name and the value of what the memory is read as a share of (the sLSTM's n), which the bars are
    divided by: the scale of the memory itself is no one's.
    """
    count = found.step + 1
    names = [named(trace, step) for step in range(len(trace))]
    state = found.state
    if normaliser is not None:
        by = normaliser[1]
        parts = {"contributions": found.contributions / by, "initial": found.initial / by, "value": found.value / by}
        found, state = replace(found, **parts, residual=found.residual / by), f"{found.state} / {normaliser[0]}"
    bars = p.signed_bars(range(count), found.contributions[:count], names[:count])
    notes = [
        tr(
            "{state} = {keep} \N{CIRCLED DOT OPERATOR} old {state} + {write} \N{CIRCLED DOT OPERATOR} {candidate}.",
            **{"state": found.state, "keep": p.factor(found.keep), "write": p.factor(found.write)},
            candidate=found.candidate,
        ),
        tr(
            "Sum of the bars {sum}, traced value {value}, difference {residual}.",
            sum=p.signed(float(found.contributions.sum() + found.initial + found.offset)),
            value=p.signed(float(found.value)),
            residual=p.powered(found.residual),
        ),
    ]
    if abs(float(found.initial)) > 1e-6:
        notes.append(tr("The state before the first word adds {value}.", value=p.signed(float(found.initial))))
    if found.candidate_reads_state:
        note = tr(
            "The candidate {candidate} was itself computed from the old {state}, so a word's share holds part of the "
            "past.",
            candidate=found.candidate,
            state=found.state,
        )
        notes.append(note)
    if normaliser is not None:
        said = {"state": state, "name": normaliser[0], "value": p.rounded(normaliser[1])}
        notes.append(tr("The bars are divided by {name}, {value} after this word: {state} is what h shows.", **said))
    text = _most(trace, found.contributions[:count], float(found.value))
    axes = {"xaxis": p.word_axis(trace), "yaxis": p.value_axis(tr("part of the value")), "meta": {"pick": "x"}}
    cell, after = tr(trace.cell.title), p.quoted(names[found.step])
    title = tr("{cell}: who wrote {of} after {word}", cell=cell, of=of, word=after)
    alt = tr("{title}. {said}", title=title, said=text)
    return p.panel(
        id, title, p.figure([bars], **axes), text=text, note=p.sentences(*notes, *[more] * bool(more)), alt=alt
    )


def _most(trace: Trace, parts: np.ndarray, value: float) -> str:
    """Which word wrote the largest part, and what the others made of it."""
    best = int(np.argmax(np.abs(parts)))
    part = float(parts[best])
    said = {"word": p.read_at(trace, best), "share": p.signed(part), "value": p.signed(value)}
    if part * value <= 0:
        return tr("The largest part was written at {word}: {share}. The others outweigh it: {value} in all.", **said)
    if p.signed(part) == p.signed(value):
        return tr("Nearly all of it was written at {word}: {share}.", **said)
    if abs(part) > abs(value):
        return tr("The largest part was written at {word}: {share}. With what others take from it: {value}.", **said)
    return tr("The largest part was written at {word}: {share} of {value}.", **said)


def around(step: int, count: int, most: int) -> range:
    """Of ``count`` steps those around ``step``, no more than ``most``."""
    first = max(0, min(step - most // 2, count - most))
    return range(first, min(first + most, count))


def kept(id: str, trace: Trace, found: Retention, step: int, unit: str) -> dict[str, Any]:
    """The retention matrix: row, after which word; column, which word wrote; colour, the share still there. Its steps
    may be some of the text's, of which ``step`` is one."""
    count, first = len(found.kept), found.start
    steps = range(first, first + count)
    read = np.tri(count, dtype=bool)
    if np.triu(found.kept, 1).any():  # backwards
        read = read.T
    mask = np.where(read, found.kept, np.nan)
    marker = {
        "type": "line",
        "x0": first - 0.5,
        "x1": steps.stop - 0.5,
        "y0": step + 0.5,
        "y1": step + 0.5,
        "line": {"width": 1},
    }
    below = p.word_axis(trace, steps=steps)
    tall = {**below, "tickangle": 0, "range": [steps.stop - 0.5, first - 0.5]}
    drawing = p.figure(
        [p.heatmap(mask, x0=first, y0=first, hovertemplate=tr("kept {share}", share="%{z:.3f}") + "<extra></extra>")],
        xaxis=below,
        yaxis=tall,
        margin={"l": max(76, 14 + round(p.reach(tall)))},
        shapes=[marker],
        meta={"pick": "y"},
    )
    text = tr(
        "Of what the word below wrote into {unit}, the share that is still there after the word on the left. A click "
        "chooses the row.",
        unit=unit,
    )
    title = tr("{cell}: what is kept", cell=tr(trace.cell.title))
    height = min(max(360, 44 + 12 * len(below["tickvals"])), 520)
    if count < len(trace):
        said = {"first": first + 1, "last": steps.stop, "count": len(trace)}
        part = tr("Steps {first:,} to {last:,} of {count:,} are drawn, those around the chosen word.", **said)
        text = p.sentences(part, text)
    return p.panel(id, title, drawing, height=height, text=text, alt=p.sentences(text, *_left(trace, found, step)))


def _left(trace: Trace, found: Retention, step: int) -> list[str]:
    """The chosen row in numbers: of which earlier word most and least is left."""
    shares = dict(enumerate(found.kept[step - found.start].tolist(), found.start))
    read = [k for k, share in shares.items() if share and k != step]  # before it, in whichever direction
    if not read:
        return []
    most, least = (int(choose(read, key=lambda k: shares[k])) for choose in (max, min))
    said = {
        "word": p.quoted(named(trace, step)),
        "most": p.read_at(trace, most),
        "high": shares[most],
        "least": p.read_at(trace, least),
        "low": shares[least],
    }
    return [tr("After {word}, {high:.2f} is left of what {most} wrote, and {low:.2f} of what {least} wrote.", **said)]


LISTED = 5
"""Words at which a unit let go that are named."""


def _span(trace: Trace, found: Timescales, unit: int) -> str:
    """How long the chosen unit remembers, and where it let go."""
    value, gone = found.holding[unit], _first_of_words(trace, np.flatnonzero(found.let_go[:, unit]))
    steps, share = p.rounded(value), p.percent(float(np.exp(-1 / value)) if value > 0 else 0.0)
    if not np.isfinite(value):
        kept = tr("Where the chosen unit holds on it forgets nothing on this input.")
    elif value < -1 / np.log(HALF):
        kept = tr("The chosen unit keeps {share} a step on this input: what it has is gone at once.", share=share)
    else:
        kept = tr(
            "The chosen unit keeps {share} a step on this input, a memory of about {steps} steps.",
            share=share,
            steps=steps,
        )
    if not len(gone):
        return p.sentences(kept, tr("It let go of nothing that it held."))
    places = p.listed([p.read_at(trace, int(step)) for step in gone[:LISTED]])
    if len(gone) == 1:
        return p.sentences(kept, tr("It let go once, at {word}.", word=places))
    if len(gone) <= LISTED:
        return p.sentences(kept, tr("It let go at {words}.", words=places))
    return p.sentences(kept, tr("It let go at {count} places, first at {words}.", count=len(gone), words=places))


def _first_of_words(trace: Trace, steps: np.ndarray) -> list[int]:
    """Of steps, those that are the first of them in their word, in the order in which they are given."""
    word = [k for k, one in enumerate(words(trace)) for _ in range(one.first, one.last + 1)]
    found: dict[int, int] = {}
    for step in steps.tolist():
        found.setdefault(word[step], step)
    return list(found.values())


def spans(id: str, trace: Trace, found: Timescales, unit: int) -> dict[str, Any]:
    """Timescales of all units, longest first; a unit that forgets nothing is drawn at the top edge."""
    order = np.argsort(-found.holding, kind="stable")
    top = 1e4
    on_text, at_rest = np.minimum(found.holding[order], top), np.minimum(found.from_bias[order], top)
    place = int(np.flatnonzero(order == unit)[0])
    names = [tr("unit {unit}", unit=k) for k in order]
    dots = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": list(range(len(order))),
            "y": np.asarray(values, np.float32),
            "name": name,
            "marker": {"color": color, "size": 7, "symbol": symbol},
            "hovertext": [
                tr("{unit}, {line}: {value:.3g} steps", unit=unit, line=name, value=value)
                for unit, value in zip(names, values, strict=True)
            ],
            "hoverinfo": "text",
        }
        for values, name, color, symbol in (
            (on_text, tr("on this input"), theme.role_color("keep", "light"), "circle"),
            (at_rest, tr("by the bias alone"), theme.OTHER_COLOR, "circle-open"),
        )
    ]
    chosen = {
        "type": "line",
        "x0": place,
        "x1": place,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"width": 1, "dash": "dot"},
    }
    drawing = p.figure(
        dots,
        xaxis={
            "title": {"text": tr("units, longest first")},
            "showticklabels": False,
            "showgrid": False,
            "zeroline": False,
        },
        yaxis=p.value_axis(tr("steps"), type="log", range=[-0.7, 4.1], dtick=1, separatethousands=True),
        shapes=[chosen],
        showlegend=True,
    )
    said = _span(trace, found, unit)
    note = tr(
        "T = \N{MINUS SIGN}1 / log {keep}: after so many steps a third of a memory (1/e) is left. Steps at which "
        "{keep} is below 0.5 are left out, whether anything was held there or not. By the bias alone: what the gate "
        "would keep if it read nothing.",
        keep=p.factor(found.keep),
    )
    return p.panel(id, tr("{cell}: timescales", cell=tr(trace.cell.title)), drawing, text=said, note=note, alt=said)
