"""An experiment's figure, in full for Plotly and small as SVG, both from the same ``Drawing``."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from dashboard.language import tr
from lab.experiments.base import Drawing, Series
from lstm_core.drawing import panel as p
from lstm_core.drawing import theme

FREE = ("expose", "candidate", "cell", "hidden", "keep", "write", "reset")
"""Whose colours are lent to what is no cell: those of the cells come last."""


def colors(drawing: Drawing) -> list[str]:
    """One colour a series: a cell has its own everywhere, the untrained network is grey, others take what is free."""
    own = [
        theme.OTHER_COLOR if one.color == "untrained" else one.color and theme.model_color(one.color)
        for one in drawing.series
    ]
    free = iter([color for color in map(theme.role_color, FREE) if color not in own] * len(own))
    return [color or next(free) for color in own]


def number(value: float) -> str:
    """Three digits; what is below 1 is not rounded to it; very small and very large numbers in powers of ten."""
    if value < 0:
        return f"\N{MINUS SIGN}{number(-value)}"
    if value == 0 or 1e-3 <= value < 1e6:
        if value < 1 and float(f"{value:.3g}") == 1:
            return f"{value:.5g}"
        return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
    return p.powered(value)


def translated(drawing: Drawing) -> Drawing:
    """The drawing with every text in the visitor's language."""
    series = [
        replace(one, name=tr(one.name), x=[tr(x) if isinstance(x, str) else x for x in one.x]) for one in drawing.series
    ]
    return replace(
        drawing,
        title=tr(drawing.title),
        x=tr(drawing.x),
        y=tr(drawing.y),
        series=series,
        limits=[(at, tr(says)) for at, says in drawing.limits],
    )


# -- in full -----------------------------------------------------------------------------------------------------------


def full(id: str, drawing: Drawing, height: int = 300) -> dict[str, Any]:
    """A panel with the figure; the spread over seeds is a band about a line, a whisker on a bar."""
    drawing = translated(drawing)
    data: list[dict[str, Any]] = []
    for one, color in zip(drawing.series, colors(drawing), strict=True):
        data += {"bars": _bar, "points": _points, "lines": _line, "histogram": _histogram}[drawing.kind](one, color)
    names = _names(drawing)
    long = bool(names) and max(map(_wide, names)) * len(names) > 60
    below = round(3.6 * max(map(_wide, names))) if long else 0  # how far a name reaches down, a letter of it 3.6 pixels
    y: dict[str, Any] = {"type": "log", "exponentformat": "power"} if drawing.log_y else {}
    if drawing.y_range and not drawing.log_y:
        y["range"] = list(drawing.y_range)
    x: dict[str, Any] = {"title": {"text": drawing.x, "standoff": 4}, "showgrid": False, "zeroline": False}
    if drawing.log_x:
        x |= {"type": "log", "dtick": 1, "exponentformat": "power"}
    if names:
        x["tickangle"] = -35 if long else 0
    drawn = p.figure(
        [*data, *(_named(says) for _, says in drawing.limits)],
        xaxis=x,
        yaxis=p.value_axis(drawing.y, **y),
        barmode="group",
        showlegend=len(drawing.series) > 1 or bool(drawing.limits),
        shapes=[_limit(at) for at, _ in drawing.limits],
        margin={"l": max(62, long * (5 * _wide(names[0]) - 24)) if names else 62, "r": 12, "t": 10, "b": 46 + below},
    )
    return p.panel(id, drawing.title, drawn, height=height + below, alt=alt(drawing))


def alt(drawing: Drawing) -> str:
    """What the figure says, in words."""
    drawing = translated(drawing)
    series = tr("; ").join(_said(one, drawing) for one in drawing.series)
    return tr("{title}: {series}.", title=drawing.title, series=series)


def _said(one: Series, drawing: Drawing) -> str:
    values = [value for value in one.y if value is not None]
    if not values:
        return tr("{name}: nothing", name=one.name)
    if drawing.kind == "bars":
        each = (f"{x} {number(y)}" for x, y in zip(one.x, one.y, strict=True) if y is not None)
        return tr("{name}: {values}", name=one.name, values=p.row(each))
    if drawing.kind == "lines":
        return tr(
            "{name}: {axis} from {first} to {last}",
            name=one.name,
            axis=drawing.y,
            first=number(values[0]),
            last=number(values[-1]),
        )
    if drawing.kind == "histogram":
        most, at = max((y, float(x)) for x, y in zip(one.x, one.y, strict=True) if y is not None)
        return tr("{name}: highest, {value}, at {at}", name=one.name, value=number(most), at=number(at))
    said = {"name": one.name, "count": len(values), "low": number(min(values)), "high": number(max(values))}
    return tr("{name}: {count} values from {low} to {high}", **said)


def _wide(text: str) -> int:
    """How many Latin letters ``text`` takes the room of: a Chinese character is as wide as two."""
    return sum(1 + (unicodedata.east_asian_width(char) in "WF") for char in text)


def _names(drawing: Drawing) -> list[str]:
    """The names along the axis, each once; none where it has numbers."""
    return list(dict.fromkeys(x for one in drawing.series[:1] for x in one.x if isinstance(x, str)))


def _band(one: Series, color: str) -> list[dict[str, Any]]:
    look = {"type": "scatter", "mode": "lines", "line": {"width": 0, "color": color}, "showlegend": False}
    hidden = {**look, "hoverinfo": "skip", "x": list(one.x)}
    return [
        {**hidden, "y": list(one.low)},
        {**hidden, "y": list(one.high), "fill": "tonexty", "fillcolor": f"{color}2e"},
    ]


def _line(one: Series, color: str) -> list[dict[str, Any]]:
    dash = "dash" if one.dash else "solid"
    line = {
        "type": "scatter",
        "mode": "lines+markers" if len(one.x) <= 12 else "lines",
        "x": list(one.x),
        "y": list(one.y),
        "name": p.escape(one.name),
        "line": {"color": color, "width": 2, "dash": dash},
        "marker": {"color": color, "size": 5},
        **_hover(one, f"{p.escape(one.name)}: "),
    }
    return [*(_band(one, color) if one.low else []), line]


def _histogram(one: Series, color: str) -> list[dict[str, Any]]:
    (*_, line) = _line(one, color)
    return [
        line | {"mode": "lines", "fill": "tozeroy", "fillcolor": f"{color}2e", "line": line["line"] | {"shape": "hvh"}}
    ]


def _points(one: Series, color: str) -> list[dict[str, Any]]:
    (*_, line) = _line(one, color)
    return [line | {"mode": "markers", "marker": {"color": color, "size": 7, "opacity": 0.65}}]


def _bar(one: Series, color: str) -> list[dict[str, Any]]:
    bar: dict[str, Any] = {
        "type": "bar",
        "x": [p.escape(str(x)) for x in one.x],
        "y": list(one.y),
        "name": p.escape(one.name),
        "marker": {"color": color},
        **_hover(one, f"{p.escape(one.name)}, %{{x}}: "),
    }
    if one.low:
        up, down = ([abs(a - b) if a is not None and b is not None else 0 for a, b in zip(ends, one.y, strict=True)]
                    for ends in (one.high, one.low))  # fmt: skip
        bar["error_y"] = {"array": up, "arrayminus": down, "thickness": 1, "width": 3, "color": theme.OTHER_COLOR}
    return [bar]


def _hover(one: Series, before: str) -> dict[str, Any]:
    """The value under the pointer, written as everywhere on the page."""
    said = ["" if value is None else number(value) for value in one.y]
    return {"hovertext": said, "hovertemplate": f"{before}%{{hovertext}}<extra></extra>"}


def _limit(at: float) -> dict[str, Any]:
    line = {"color": theme.OTHER_COLOR, "width": 1, "dash": "dot"}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": at, "y1": at, "line": line}


def _named(says: str) -> dict[str, Any]:
    """Nothing to draw: what a limit says stands in the legend, where it lies on no mark."""
    line = {"color": theme.OTHER_COLOR, "width": 1, "dash": "dot"}
    return {"type": "scatter", "mode": "lines", "x": [None], "y": [None], "name": p.escape(says), "line": line}


# -- small -------------------------------------------------------------------------------------------------------------

WIDTH, HEIGHT = 320, 132
LEFT, RIGHT, TOP, BOTTOM = 38, 4, 6, 16
LETTER, LINE = 6.2, 13
"""Room for a Latin letter and for a line of them, in the card's letters of 12 pixels."""


def small(drawing: Drawing) -> str:
    """The figure as SVG: the same marks, two ticks an axis, no legend but names in the colours of the lines."""
    drawing = translated(drawing)
    values = [value for one in drawing.series for value in (*one.y, *one.low, *one.high) if value is not None]
    low, high = drawing.y_range or (min([0.0, *values]) if not drawing.log_y else min(values), max(values, default=1.0))
    if drawing.log_y:
        positive = [value for value in values if value > 0] or [1.0]
        low, high = 10 ** math.floor(math.log10(min(positive))), 10 ** math.ceil(math.log10(max(positive)))
    y = _scale(low, high, HEIGHT - BOTTOM, TOP, drawing.log_y)
    marks = "".join(_bars(drawing, y) if drawing.kind == "bars" else _lines(drawing, y))
    rules = f'<path class="gx-axis" d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>'
    top = float(f"{high:.1g}") if 0 < float(f"{high:.1g}") <= high else high
    base = 0.0 if abs(low) < 0.05 * (high - low) and not drawing.log_y else low
    ticks = "".join(
        f'<text x="{LEFT - 4}" y="{y(at) + down:.0f}" text-anchor="end">{_short(at, drawing.log_y)}</text>'
        for at, down in ((top, 7), (base, 1))
    )
    below = _ends(drawing)
    ticks += "".join(_written(at, anchor, lines) for at, anchor, lines in below)
    height = HEIGHT + LINE * (max(len(lines) for *_, lines in below) - 1)
    limits = "".join(
        f'<path class="gx-limit" d="M{LEFT} {y(at):.1f}H{WIDTH - RIGHT}"/>'
        for at, _ in drawing.limits
        if low <= at <= high
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{_text(alt(drawing))}" '
        f'xmlns="http://www.w3.org/2000/svg">{rules}{limits}{marks}{ticks}</svg>'
    )


def legend(drawing: Drawing) -> list[tuple[str, str, bool]]:
    """Name and colour of every series, and whether its line is dashed."""
    return [(tr(one.name), color, one.dash) for one, color in zip(drawing.series, colors(drawing), strict=True)]


def _scale(low: float, high: float, start: float, stop: float, log: bool = False) -> Callable[[float], float]:
    """A function from values to places; what lies outside is put on the edge."""

    def on_axis(value: float) -> float:
        if log:
            value = max(value, low)
            share = math.log(value / low) / math.log(high / low) if high > low else 0.5
        else:
            share = (value - low) / (high - low) if high > low else 0.5
        return start + (stop - start) * min(max(share, 0.0), 1.0)

    return on_axis


def _lines(drawing: Drawing, y: Callable[[float], float]) -> Iterator[str]:
    named = {name: float(k) for k, name in enumerate(_names(drawing))}

    def place(at: Any) -> float:
        return named[at] if at in named else float(at)

    xs = [place(x) for one in drawing.series for x in one.x]
    x = _scale(min(xs, default=0), max(xs, default=1), LEFT + 4, WIDTH - RIGHT - 4, drawing.log_x)
    for one, color in zip(drawing.series, colors(drawing), strict=True):
        at = [(x(place(a)), y(b)) for a, b in zip(one.x, one.y, strict=True) if b is not None]
        if drawing.kind == "points":
            yield "".join(
                f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.2" fill="{color}" fill-opacity=".6"/>' for a, b in at
            )
            continue
        if one.low:
            ends = list(zip(one.x, one.low, one.high, strict=True))
            up = [f"{x(float(a)):.1f} {y(c):.1f}" for a, _, c in ends if c is not None]
            down = [f"{x(float(a)):.1f} {y(b):.1f}" for a, b, _ in reversed(ends) if b is not None]
            yield f'<path d="M{"L".join([*up, *down])}Z" fill="{color}" fill-opacity=".18"/>' if up else ""
        if at:
            path = "L".join(f"{a:.1f} {b:.1f}" for a, b in at)
            dash = ' stroke-dasharray="4 3"' if one.dash else ""
            yield f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="1.8"{dash}/>'


def _bars(drawing: Drawing, y: Callable[[float], float]) -> Iterator[str]:
    count = max((len(one.x) for one in drawing.series), default=1)
    room = (WIDTH - LEFT - RIGHT) / max(count, 1)
    wide = 0.76 * room / max(len(drawing.series), 1)
    for k, (one, color) in enumerate(zip(drawing.series, colors(drawing), strict=True)):
        for n, value in enumerate(one.y):
            if value is None:
                continue
            left, top = LEFT + room * (n + 0.12) + wide * k, y(value)
            size = f'width="{wide:.1f}" height="{HEIGHT - BOTTOM - top:.1f}"'
            yield f'<rect x="{left:.1f}" y="{top:.1f}" {size} fill="{color}"/>'
            low, high = (one.low[n], one.high[n]) if one.low else (None, None)
            if low is not None and high is not None:
                middle = left + wide / 2
                yield f'<path class="gx-whisker" d="M{middle:.1f} {y(low):.1f}V{y(high):.1f}"/>'


def _ends(drawing: Drawing) -> list[tuple[float, str, list[str]]]:
    """What stands below the axis, as place, anchor and lines: the first and the last value with what is between, or
    the bars' names; where these do not fit, the first and the last."""
    middle = (LEFT + WIDTH - RIGHT) / 2
    names = _names(drawing)
    if names:
        room = (WIDTH - LEFT - RIGHT) / len(names)
        folded = [_fold(name, room) for name in names]
        if max(_wide(line) for lines in folded for line in lines) * LETTER > room:
            between = "\N{HORIZONTAL ELLIPSIS}" if len(names) > 2 else ""
            return [(LEFT, "start", names[:1]), (middle, "middle", [between]), (WIDTH - RIGHT, "end", names[-1:])]
        return [(LEFT + room * (k + 0.5), "middle", lines) for k, lines in enumerate(folded)]
    xs = [float(x) for one in drawing.series for x in one.x]
    first, last = _short(min(xs, default=0)), _short(max(xs, default=1))
    room = WIDTH - LEFT - RIGHT - 2 * LETTER * (max(len(first), len(last)) + 1)
    return [(LEFT, "start", [first]), (middle, "middle", _fold(drawing.x, room)), (WIDTH - RIGHT, "end", [last])]


BREAKS = re.compile(" |(?<=[\uff0c\uff1a])|(?=\uff08)")
"""Where a line may end: at a space; behind a Chinese comma or colon, before a Chinese bracket."""


def _fold(text: str, room: float) -> list[str]:
    """The text in one line, or in two where it is wider than ``room`` pixels."""
    places = [match.start() for match in BREAKS.finditer(text)]
    if _wide(text) * LETTER <= room or not places:
        return [text]
    pairs = [[text[:k].rstrip(" "), text[k:].lstrip(" ")] for k in places]
    return min(pairs, key=lambda lines: max(map(_wide, lines)))


def _written(at: float, anchor: str, lines: list[str]) -> str:
    base = HEIGHT - 4
    return "".join(
        f'<text x="{at:.0f}" y="{base + LINE * k}" text-anchor="{anchor}">{_text(line)}</text>'
        for k, line in enumerate(lines)
    )


def _short(value: float, log: bool = False) -> str:
    """Beside an axis there is room for three digits; a logarithmic one ends at powers of ten."""
    if log and not 1e-3 <= value < 1e4:
        return p.ten_to(round(math.log10(value)))
    return number(float(f"{value:.3g}"))


def _text(text: str) -> str:
    return p.escape(text).replace('"', "&quot;")
