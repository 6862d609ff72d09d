"""Places in the texts of the page "Corpus" as HTML: words tinted by what a unit is there, each place a link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from lstm_core.drawing import panel as p
from lstm_core.drawing import theme
from lstm_core.drawing.words import visible
from lstm_core.text import Token


@dataclass(frozen=True)
class Place:
    """A place in the data. tokens: those around it, with the signal's ``values`` there; at: which of them it is. text:
    of the document. link: where it opens."""

    text: str
    tokens: Sequence[Token]
    values: np.ndarray
    at: int
    value: float
    link: str
    until: int = 0
    """The last of the tokens that are meant; ``at`` where it is one alone."""
    units: int | None = None
    """Said in the place of the value: how many units are on."""


def places(found: Sequence[Place], heading: str, opens: str, reach: float, gate: bool) -> str:
    """A list of places as HTML: words tinted by the signal's value, which is ``reach`` at full colour; each a link.

    gate: values are shares from 0 to 1, or else signed.
    """
    rows = "".join(_place(one, opens, reach, gate) for one in found)
    return f'<section class="gc-places"><h3>{escape(heading)}</h3><ol>{rows}</ol></section>'


def _place(one: Place, opens: str, reach: float, gate: bool) -> str:
    parts = []
    end = one.tokens[0].start if one.tokens else 0
    last = max(one.until, one.at)
    for k, (token, value) in enumerate(zip(one.tokens, one.values, strict=True)):
        between = one.text[end : token.start] if token.start > end else ""
        end = max(end, token.end)
        style = f' style="background:{tint(float(value), reach, gate)}"'
        text = escape(visible(token.text) if not token.text.isspace() else " ")
        name = "mark" if one.at <= k <= last else "span"
        parts.append(f"{escape(between)}<{name}{style}>{text}</{name}>")
    number = p.signed(one.value) if not gate else f"{one.value:.2f}"
    number = number if one.units is None else str(one.units)
    words = "".join(parts)
    href = f'href="{escape(one.link)}" target="_self" title="{escape(opens)}"'
    return f'<li><a {href}><b>{number}</b> <span dir="auto">{words}</span></a></li>'


def tint(value: float, reach: float, gate: bool) -> str:
    """A background for a word, on a light and on a dark page."""
    if np.isnan(value):
        return "none"
    share = min(abs(value) / reach, 1.0) if reach > 0 else 0.0
    color = theme.role_color("keep", "light") if gate else (p.POSITIVE if value >= 0 else p.NEGATIVE)
    return f"color-mix(in srgb, {color} {round(55 * share)}%, transparent)"
