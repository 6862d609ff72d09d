"""What the panels of the analysis pages are made of: a heading, a figure, and the axis with the words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from html import unescape
from typing import Any
from unicodedata import east_asian_width

import numpy as np

from lstm_core.drawing import theme
from lstm_core.drawing.words import named, spelled, visible, words
from lstm_core.say import tr
from lstm_core.trace import Trace

LABELS, CHARACTERS = 36, 60
"""Tick labels a figure, of words and of one or two characters: more of them is what makes a figure slow, and of these
the browser leaves out what finds no room."""

AXIS = {"ticklabeloverflow": "allow"}
"""The margins leave room for every label; to look whether one overflows takes Plotly a third of its time."""


def panel(id: str, title: str, figure: dict[str, Any] | None = None, height: int = 240, **more: Any) -> dict[str, Any]:
    """One panel. ``more``: text (above), note (below, quiet), alt (what the figure says), wide (over all columns),
    level (of its heading, if that is not 2)."""
    return {"id": id, "title": title, "figure": figure, "height": height, **more}


def figure(data: Sequence[dict[str, Any]], **layout: Any) -> dict[str, Any]:
    """Plotly data and layout in the light theme; the component takes over the dark one's colours, and writes the legend
    itself (``showlegend``): Plotly's own is slow and may lie on what is drawn. ``margin`` says where it is not the
    usual one, which leaves room below for words on the slant, or for a line of them."""
    axis = layout.get("xaxis", {})
    lines = max((label.count("<br>") for label in axis.get("ticktext", ())), default=0)
    slanted = max(62, 22 + 0.64 * reach(axis)) if axis.get("tickangle") else 0  # 40 degrees, and the mark of a tick
    below = round(slanted) or 34 + 14 * lines
    layout["margin"] = {"l": 52, "r": 12, "t": 6, "b": below, **layout.get("margin", {})}
    base = {"showlegend": False, "hovermode": "closest", "bargap": 0.25}
    axes = {name: {**AXIS, **axis} for name, axis in layout.items() if name.startswith(("xaxis", "yaxis"))}
    return {"data": list(data), "layout": {**theme.layout("light"), **base, **layout, **axes}}


def reach(axis: dict[str, Any]) -> float:
    """How wide the longest of an axis's labels may be, in pixels."""
    parts = [unescape(part) for label in axis.get("ticktext", ()) for part in label.split("<br>")]
    return max((sum(13 if east_asian_width(one) in "WF" else 7 for one in part) for part in parts), default=0)


def word_axis(
    trace: Trace, ticks: bool = True, before: Sequence[str] = (), steps: range | None = None
) -> dict[str, Any]:
    """An axis of steps with the words below it. ``before``: what another model reads before the first of them;
    ``steps``: those that are shown, if not all."""
    drawn = range(len(trace)) if steps is None else steps
    shown: list[tuple[float, Sequence[str]]] = [(k - len(before), (text,)) for k, text in enumerate(before)]
    shown += [((one.first + one.last) / 2, (one.text,)) for one in words(trace) if one.first in drawn]
    axis = text_axis(shown, drawn.stop, ticks)
    return {**axis, "range": [drawn.start - len(before) - 0.5, axis["range"][1]]}


def text_axis(shown: Sequence[tuple[float, Sequence[str]]], count: int, ticks: bool = True) -> dict[str, Any]:
    """An axis of ``count`` steps with lines of text at places below it, thinned to what can be read: one or two
    characters stand upright (the browser leaves some out where they do not find room), words lie on the slant."""
    upright = all(len(line) <= 2 for _, lines in shown for line in lines)
    every = max(1, -(-len(shown) // (CHARACTERS if upright else LABELS)))
    return {
        "tickmode": "array",
        "tickvals": [at for at, _ in shown[::every]],
        "ticktext": ["<br>".join(escape(short(line)) for line in lines) for _, lines in shown[::every]],
        "tickangle": 0 if upright else -40,
        "range": [-0.5, max(count, 1) - 0.5],
        "automargin": False,
        "showgrid": False,
        "zeroline": False,
        "showticklabels": ticks,
        "fixedrange": True,
    }


def value_axis(title: str = "", **more: Any) -> dict[str, Any]:
    """An axis of numbers, with few ticks, which are written out: no "400\u03bc". ``more``: as Plotly has it."""
    look = {"gridcolor": GRID, "zerolinecolor": ZERO, "nticks": 6, "exponentformat": "none"}
    return {"title": {"text": title, "standoff": 6}, **look, **more}


def share_ticks(most: float = 1.0) -> dict[str, Any]:
    """The ticks of an axis of shares from 0 to ``most``, at most six, in whole per cent."""
    whole = round(100 * most, 6)
    step = next((one for one in (1, 2, 5, 10) if whole < 6 * one), 20)
    values = [k / 100 for k in range(0, int(whole) + 1, step)]
    return {"tickvals": values, "ticktext": [tr("{percent} %", percent=round(100 * value)) for value in values]}


def between(low: str, high: str) -> str:
    """What the two ends of an axis mean, as its title; empty if nothing."""
    return tr("{low} \N{LEFTWARDS ARROW} \N{RIGHTWARDS ARROW} {high}", low=low, high=high) if low and high else ""


GRID, ZERO = "rgba(128,136,144,0.22)", "rgba(128,136,144,0.7)"


def signed_bars(x: Sequence[float], y: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """Bars up and down from 0 in the two colours of everything signed."""
    colors = [POSITIVE if value >= 0 else NEGATIVE for value in y]
    hover = [f"{escape(name)}: {signed(value)}" for name, value in zip(names, y, strict=True)]
    return {
        "type": "bar",
        "x": list(x),
        "y": np.asarray(y, np.float32),
        "marker": {"color": colors},
        "hovertext": hover,
        "hoverinfo": "text",
    }


POSITIVE, NEGATIVE = "#6f4a9e", "#c8690c"


def line(x: Any, y: np.ndarray, name: str, color: str, **more: Any) -> dict[str, Any]:
    """A line that says its name and value under the mouse. ``style``: of the line; ``more``: as Plotly has it."""
    look = {"type": "scatter", "mode": "lines", "line": {"color": color, "width": 2, **more.pop("style", {})}}
    return {
        **look,
        "x": x,
        "y": np.asarray(y, np.float32),
        "name": name,
        "hovertemplate": f"{name}: %{{y:.3g}}<extra></extra>",
        **more,
    }


def heatmap(z: np.ndarray, axis: str = "coloraxis", **more: Any) -> dict[str, Any]:
    """(row, column) values on a colour axis of the layout. ``more``: as Plotly has it."""
    return {"type": "heatmap", "z": np.ascontiguousarray(z, np.float32), "coloraxis": axis, **more}


def signed_scale(z: np.ndarray) -> dict[str, Any]:
    """The colour axis of signed values that reaches to the largest of them on both sides."""
    most = float(np.nanmax(np.abs(z), initial=1e-9))
    return {**theme.layout("light")["coloraxis2"], "cmin": -most, "cmax": most}


def short(text: str, longest: int = 12) -> str:
    """``text``, or its beginning and an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"


def row(items: Iterable[str]) -> str:
    """ "a, b, c", with the comma of the language in use."""
    return tr("{first}, {second}", first="", second="").join(items)


def listed(items: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return tr("{first} and {last}", first=row(items[:-1]), last=items[-1]) if len(items) > 1 else items[0]


def sentences(*said: str) -> str:
    """One after another; Chinese has no space between them."""
    return tr("{first} {second}", first="", second="").join(said)


def signed(value: float) -> str:
    """A number with its sign: "+0.61", and "−0.61" with a real minus, as the charts' axes have it. Of one that is close
    to 0 two digits that are not: "+0.0050"."""
    size = abs(value)
    digits = 1 - int(f"{size:.1e}".split("e")[1]) if 5e-9 < size < 0.05 else 2
    text = number(value, min(digits, 8))
    return text if text.startswith(minus("-")) or value != value else f"+{text}"


def number(value: float, digits: int) -> str:
    """A number with so many digits behind the point, an exact half away from 0, without a negative zero; by a power of
    ten from 1e7 on. The rule of ``dashboard/browser/page/numbers.js``."""
    if not abs(value) < 1e7:
        return powered(value)
    text = str(Decimal(float(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))
    return minus(text) if float(text) else text.replace("-", "")


def percent(share: float) -> str:
    """0.42 as "42 %", 0.004 as "0.4 %", 0.996 as "99.6 %": never so that a part seems to be all or nothing. The rule of
    ``dashboard/browser/page/numbers.js``."""
    hundredths = 100 * float(share)  # not rounded to what the share is kept in
    if 0 < hundredths < 0.05:
        return tr("{percent} %", percent="\N{ALMOST EQUAL TO}0")
    if share < 1 and hundredths >= 99.95:
        return tr("{percent} %", percent="\N{ALMOST EQUAL TO}100")
    decimals = 1 if 0 < hundredths < 9.95 or 99.5 <= hundredths < 100 else 0
    return tr("{percent} %", percent=number(hundredths, decimals))


def rounded(value: float) -> str:
    """A number in two digits: "4,200", "1.0", "-0.31", and what is very small or very large by a power of ten."""
    if value < 0:
        return minus("-") + rounded(-value)
    if 1 <= value < 10:
        return f"{value:.1f}"
    if 10 <= value < 1e7:
        return f"{float(f'{value:.2g}'):,.0f}"
    return f"{value:.2g}" if 1e-3 <= value < 1 else powered(value)


def at_most(value: float) -> str:
    """What a number that is not negative does not exceed, in two digits: 0.214 as "0.22", 0.0031 as "0.0032"."""
    shown = float(f"{value:.1e}")
    return rounded(shown if shown >= value else shown + 10.0 ** (np.floor(np.log10(value)) - 1))


def powered(value: float) -> str:
    """A number in two digits by a power of ten, as people write it: "2.1 x 10^12" with a sign and raised digits."""
    if not value or value != value:
        return "NaN" if value else "0"
    if abs(value) == np.inf:
        return "\N{INFINITY}" if value > 0 else minus("-\N{INFINITY}")
    digits, power = f"{value:.1e}".split("e")
    return ten_to(int(power)) if digits == "1.0" else f"{minus(digits)}\N{MULTIPLICATION SIGN}{ten_to(int(power))}"


def ten_to(power: int) -> str:
    """A power of ten with raised digits."""
    return "10" + str(power).translate(_RAISED)


_RAISED = str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")


def minus(text: str) -> str:
    """Hyphens of a number or of a formula as minus signs."""
    return text.replace("-", "\N{MINUS SIGN}")


def factor(text: str) -> str:
    """A formula as a part of a product: "f", "(1 − z)"."""
    return minus(f"({text})" if " " in text else text)


def brief(text: str) -> str:
    """A text in which words that would fill lines end in an ellipsis; Chinese, which has no spaces, stays whole. The
    rule of ``dashboard/browser/page/naming.js``."""
    return re.sub("[^\\s\u3040-\u9fff]{25,}", lambda word: short(word[0], 24), text)


def quoted(text: str) -> str:
    """``text`` in quotation marks, in single ones if it has some of its own. A word of more than a line is cut."""
    text = brief(text)
    if re.search('["\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}]', text):
        return f"\N{LEFT SINGLE QUOTATION MARK}{text}\N{RIGHT SINGLE QUOTATION MARK}"
    return f"\N{LEFT DOUBLE QUOTATION MARK}{text}\N{RIGHT DOUBLE QUOTATION MARK}"


def read_at(trace: Trace, step: int) -> str:
    """What was read at a step, in quotation marks, told apart from the same elsewhere in the text: the 2nd “the”."""
    first, last = spelled(trace.tokens, step) if trace.tokens else (step, step)
    if first < last:  # a character in bytes
        said = _numbered(trace, first, quoted(visible(trace.tokens[step].text)))
        return tr("{word} (piece {at} of {count})", word=said, at=step - first + 1, count=last - first + 1)
    return _numbered(trace, step, quoted(named(trace, step)))


def _numbered(trace: Trace, step: int, said: str) -> str:
    """What is ``said`` of the token at ``step``, the first of those that spell its character: of several the 2nd."""
    tokens = trace.tokens
    same = [k for k, one in enumerate(tokens) if one.text == tokens[step].text and spelled(tokens, k)[0] == k]
    if len(same) < 2:
        return said
    n = same.index(step) + 1
    told, ends_in = {"n": n, "word": said}, 0 if n // 10 % 10 == 1 else n % 10
    if ends_in == 1:
        return tr("the {n}st {word}", **told)
    if ends_in == 2:
        return tr("the {n}nd {word}", **told)
    if ends_in == 3:
        return tr("the {n}rd {word}", **told)
    return tr("the {n}th {word}", **told)


def escape(text: str) -> str:
    """Plotly reads tags in its labels; a visitor's text is shown as it stands."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
