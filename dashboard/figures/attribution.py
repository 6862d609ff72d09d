"""What each word adds to an output, for the page "Memory": the text tinted by it, bars, words deleted in turn."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from dashboard.figures.places import tint
from dashboard.language import mark, tr
from lstm_core.analysis import Attribution, Deletion
from lstm_core.drawing import panel as p
from lstm_core.drawing import theme
from lstm_core.drawing.words import named, visible
from lstm_core.trace import Trace

METHODS = {
    "exact": mark("exact decomposition"),
    "relevance": mark("relevance"),
    "unexpected": mark("relevance of the unexpected"),
    "integrated": mark("integrated gradients"),
    "gradient": mark("gradient × input"),
}
"""What the page calls them. "unexpected" is relevance beyond the word that the model expected."""
ABOUT = {
    "exact": mark("What each word wrote into the memory and what was kept of it: exact, given the gates of this text."),
    "relevance": mark(
        "Layer-wise relevance (Arras et al., 2017): a sum gives to its parts in proportion, a gate gives all to what "
        "it lets through."
    ),
    "unexpected": mark(
        "Layer-wise relevance of what each word is beyond the word that the model expected there: a word that had to "
        "come adds nothing."
    ),
    "integrated": mark(
        "Integrated gradients (Sundararajan et al., 2017): the gradient along the way from empty words to these, the "
        "gates' changes included."
    ),
    "gradient": mark(
        "The gradient times the input: quick, and right for a linear network alone, so it need not add up."
    ),
}


def tinted(text: str, trace: Trace, words: np.ndarray) -> str:
    """The text as HTML, each piece tinted by its share of ``words``, (time,), the largest in full colour."""
    reach = float(np.abs(words).max(initial=0.0))
    parts, end = [], 0
    for token, share in zip(trace.tokens, words, strict=True):
        between = text[end : token.start] if token.start > end else ""
        end = max(end, token.end)
        style, title = f"background:{tint(float(share), reach, False)}", p.signed(float(share))
        word = escape(visible(token.text) if not token.text.isspace() else " ")
        parts.append(f'{escape(between)}<span style="{style}" title="{title}">{word}</span>')
    return f'<p class="gc-tinted" dir="auto">{"".join(parts)}</p>'


def shares(id: str, trace: Trace, found: Attribution, method: str, of: str, more: str = "") -> dict[str, Any]:
    """Bars over the tokens: what each adds. ``method``: of ``METHODS``; ``more`` is noted too."""
    names = [named(trace, step) for step in range(len(trace))]
    count = len(trace) if len(trace.layers[0]) > 1 or trace.reverse else found.step + 1
    drawing = p.figure(
        [p.signed_bars(range(count), found.words[:count], names[:count])],
        xaxis=p.word_axis(trace),
        yaxis=p.value_axis(tr("part of the value")),
        meta={"pick": "x"},
    )
    place = {"cell": tr(trace.cell.title), "of": of, "word": p.quoted(names[found.step])}
    title = tr("{cell}: what speaks for {of} after {word}", **place)
    said = _first(trace, found)
    note = p.sentences(tr(ABOUT[method]), *_adds_up(found), *[more] * bool(more))
    alt = tr("{title}. {said}", title=title, said=said)
    return p.panel(id, title, drawing, text=said, note=note, alt=alt)


def _first(trace: Trace, found: Attribution) -> str:
    """Which words add most, and which take most away."""
    best, worst = int(np.argmax(found.words)), int(np.argmin(found.words))
    told = {"value": p.signed(found.value), "most": p.read_at(trace, best), "much": p.signed(found.words[best])}
    if found.words[worst] < 0:
        told |= {"least": p.read_at(trace, worst), "less": p.signed(found.words[worst])}
        return tr("Most is added by {most}, {much}, and most is taken away by {least}, {less}: {value} in all.", **told)
    return tr("Most is added by {most}, {much}: {value} in all.", **told)


def _adds_up(found: Attribution) -> list[str]:
    """What the bars and the rest add up to, and by how much that is off."""
    rest = {
        tr("of biases"): found.bias,
        tr("of the state before the first word"): found.initial,
        tr("of what was to be expected") if found.method != "integrated" else tr("of empty words"): found.baseline,
    }
    parts = [tr("{value} of the words", value=p.signed(float(found.words.sum())))]
    parts += [
        tr("{value} {what}", value=p.signed(part), what=what) for what, part in rest.items() if abs(part) > 5e-4
    ]
    told = {"value": p.signed(found.value), "parts": p.listed(parts), "error": p.powered(found.error)}
    return [tr("{value} is {parts}; off by {error}.", **told)]


def deleted(
    id: str, trace: Trace, chosen: Deletion, gradient: Deletion, method: str, of: str, bias: float
) -> dict[str, Any]:
    """What is left of the output as words are deleted, in the order of the chosen shares and of gradient x input's,
    first what speaks most for the likelier of the two words.

    bias: of the readout, which is there whatever is read.
    """
    x = np.arange(len(chosen.values))
    runs = [(chosen, tr(METHODS[method]), theme.role_color("write", "light"), "solid")]
    if method != "gradient":
        runs.append((gradient, tr(METHODS["gradient"]), theme.OTHER_COLOR, "dash"))
    lines = [p.line(x, one.values + bias, name, color, style={"dash": dash}) for one, name, color, dash in runs]
    for line, (one, name, *_) in zip(lines, runs, strict=True):
        gone = ["", *(p.escape(named(trace, step)) for step in one.order)]
        line["hovertext"] = [
            tr("{name}: {value} without {word}", name=name, value=p.signed(float(value)), word=p.quoted(word))
            if word
            else tr("{name}: {value}", name=name, value=p.signed(float(value)))
            for word, value in zip(gone, one.values + bias, strict=True)
        ]
        line["hoverinfo"] = "text"
        line.pop("hovertemplate", None)
    drawing = p.figure(
        lines,
        xaxis={
            "title": {"text": tr("words deleted"), "standoff": 4},
            "dtick": 1 if len(x) < 16 else None,
            "zeroline": False,
        },
        yaxis=p.value_axis(of),
        showlegend=True,
        margin={"b": 40},
    )
    title = tr("{cell}: without the words that matter most", cell=tr(trace.cell.title))
    said = _fall(trace, chosen, gradient, method, of, bias)
    note = tr(
        "One word after the other is read as an empty one, first the one that speaks most for what is likelier. The "
        "faster the line leaves its place, the better the bars say what matters."
    )
    return p.panel(id, title, drawing, text=said, note=note, alt=tr("{title}. {said}", title=title, said=said))


def _fall(trace: Trace, chosen: Deletion, gradient: Deletion, method: str, of: str, bias: float) -> str:
    """What deleting the first word does, and which of the two curves falls faster."""
    if not chosen.order:
        return tr("There is nothing to delete.")
    told = {"of": of, "word": p.read_at(trace, chosen.order[0])}
    told |= {"before": p.signed(float(chosen.values[0]) + bias), "after": p.signed(float(chosen.values[1]) + bias)}
    said = [tr("Without {word} alone, {of} is {after} instead of {before}.", **told)]
    if method != "gradient":
        areas = {"own": p.signed(chosen.area + bias), "other": p.signed(gradient.area + bias)}
        said.append(tr("On average over the line: {own}, and {other} in the order of gradient × input.", **areas))
    return p.sentences(*said)
