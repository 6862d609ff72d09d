"""What every network of the page "Beyond" shows below its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from dashboard.language import tr
from lstm_core.beyond.attending import END
from lstm_core.cells.base import Cell
from lstm_core.drawing import panel as p
from lstm_core.equations import latex
from lstm_core.trace import Trace

LONG = 200
"""Characters of LaTeX from which on an equation is wider than a phone."""


def aligned(lines: Sequence[str]) -> str:
    return r"\begin{aligned}" + r"\\".join(map(_row, lines)) + r"\end{aligned}"


def _row(line: str) -> str:
    """A line of ``aligned``; of a long one the fraction that ends it goes below."""
    row, fraction = line.replace(" = ", " &= ", 1), r" + \frac"
    before, _, _ = row.partition(fraction)
    whole = before.count("{") == before.count("}") and before.count(r"\left") == before.count(r"\right")
    return row.replace(fraction, r"\\ &\quad" + fraction, 1) if whole and len(line) > LONG else row


def readable(trace: Trace) -> Trace:
    """The same, with the end of a sentence called so."""
    tokens = tuple(replace(token, text=tr("end")) if token.text == END else token for token in trace.tokens)
    return replace(trace, tokens=tokens)


def about(
    lines: Sequence[str], cell: type[Cell], *said: str, folded: Mapping[str, Sequence[str]] | None = None
) -> None:
    """The equations, those of the cell folded away and before them what else is, by its title, and what is said of the
    network."""
    st.latex(aligned(lines))
    for title, others in {**(folded or {}), tr("The LSTM's own equations"): latex(cell)}.items():
        with st.expander(title):
            st.latex(aligned(others))
    for text in said:
        st.caption(text)


def measured(share: float) -> str:
    """0.949 as "94.9 %": in whole percent one of twenty mistakes more or less, or the last of them, is not seen."""
    return tr("{share:.1f} %", share=100 * share)


def spread(seeds: Sequence[Mapping[str, Any]], name: str) -> dict[str, str | int]:
    """How many seeds there are, and a share in the lowest and the highest of them, to be put into a sentence."""
    shares = [float(run[name]) for run in seeds]
    return {"seeds": len(shares), "low": measured(min(shares)), "high": measured(max(shares))}


def outcome(before: str, after: str) -> dict[str, Any]:
    """What was said, and what would have been."""
    same = tr("It still says {said}.", said=p.quoted(after))
    other = tr("Instead of {before} it says {after}.", before=p.quoted(before), after=p.quoted(after))
    return p.panel("outcome", tr("What comes of it"), text=same if before == after else other)


def still(panels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same where another component chooses the step: a click chooses nothing."""
    for one in panels:
        if one["figure"]:
            one["figure"]["layout"].pop("meta", None)
    return panels
