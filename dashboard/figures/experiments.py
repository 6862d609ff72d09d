"""An experiment's figure, in full for Plotly and small as SVG, both from the same ``Drawing``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from dashboard import theme
from dashboard.figures import panel as p
from lstm_core.experiments.base import Drawing, Series

ROLES = {"lstm": "keep", "gru": "write", "rnn": "reset"}
FREE = ("keep", "write", "expose", "reset", "candidate", "cell", "hidden")


def colors(drawing: Drawing) -> list[str]:
    """One colour a series: a cell has its own everywhere, the untrained network is grey, others take what is free."""
    taken = [ROLES.get(one.color) for one in drawing.series]
    free = iter([role for role in FREE if role not in taken] * len(taken))
    return [
        theme.OTHER_COLOR if one.color == "untrained" else theme.role_color(role or next(free))
        for one, role in zip(drawing.series, taken, strict=True)
    ]


# -- in full -----------------------------------------------------------------------------------------------------------


def full(id: str, drawing: Drawing, height: int = 300) -> dict[str, Any]:
    """A panel with the figure; the spread over seeds is a band about a line, a whisker on a bar."""
    data: list[dict[str, Any]] = []
    for one, color in zip(drawing.series, colors(drawing), strict=True):
        data += {"bars": _bar, "points": _points, "lines": _line, "histogram": _histogram}[drawing.kind](one, color)
    names = _names(drawing)
    long = bool(names) and max(map(len, names)) * len(names) > 60
    y: dict[str, Any] = {"type": "log", "exponentformat": "power"} if drawing.log_y else {}
    if drawing.y_range and not drawing.log_y:
        y["range"] = list(drawing.y_range)
    x: dict[str, Any] = {"title": {"text": drawing.x, "standoff": 4}, "showgrid": False, "zeroline": False}
    if drawing.log_x:
        x |= {"type": "log", "dtick": 1, "exponentformat": "power"}
    if names:
        x["tickangle"] = -35 if long else 0
    drawn = p.figure(
        data,
        xaxis=x,
        yaxis=p.value_axis(drawing.y, **y),
        barmode="group",
        showlegend=len(drawing.series) > 1,
        shapes=[_limit(at) for at, _ in drawing.limits],
        annotations=[_says(at, says, drawing.log_y) for at, says in drawing.limits],
        margin={"l": 62, "r": 12, "t": 10, "b": 104 if long else 46},
    )
    return p.panel(id, drawing.title, drawn, height=height + 50 * long, alt=alt(drawing))


def alt(drawing: Drawing) -> str:
    """What the figure says, in words."""
    return f"{drawing.title}: " + "; ".join(_said(one, drawing) for one in drawing.series) + "."


def _said(one: Series, drawing: Drawing) -> str:
    values = [value for value in one.y if value is not None]
    if not values:
        return f"{one.name}: nothing"
    if drawing.kind == "bars":
        each = (f"{x} {y:.3g}" for x, y in zip(one.x, one.y, strict=True) if y is not None)
        return f"{one.name}: {', '.join(each)}"
    if drawing.kind == "lines":
        return f"{one.name}: {drawing.y} from {values[0]:.3g} to {values[-1]:.3g}"
    return f"{one.name}: {len(values)} values"


def _names(drawing: Drawing) -> list[str]:
    return [str(x) for one in drawing.series[:1] for x in one.x if isinstance(x, str)]


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
        "hovertemplate": f"{p.escape(one.name)}: %{{y:.3g}}<extra></extra>",
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
        "hovertemplate": f"{p.escape(one.name)}, %{{x}}: %{{y:.3g}}<extra></extra>",
    }
    if one.low:
        up, down = ([abs(a - b) if a is not None and b is not None else 0 for a, b in zip(ends, one.y, strict=True)]
                    for ends in (one.high, one.low))  # fmt: skip
        bar["error_y"] = {"array": up, "arrayminus": down, "thickness": 1, "width": 3, "color": theme.OTHER_COLOR}
    return [bar]


def _limit(at: float) -> dict[str, Any]:
    line = {"color": theme.OTHER_COLOR, "width": 1, "dash": "dot"}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": at, "y1": at, "line": line}


def _says(at: float, says: str, log: bool) -> dict[str, Any]:
    place = {"xref": "paper", "x": 1, "xanchor": "right", "y": math.log10(at) if log else at, "yanchor": "bottom"}
    return {**place, "text": p.escape(says), "showarrow": False, "font": {"size": 11, "color": theme.OTHER_COLOR}}


# -- small -------------------------------------------------------------------------------------------------------------

WIDTH, HEIGHT = 320, 132
LEFT, RIGHT, TOP, BOTTOM = 34, 4, 6, 16


def small(drawing: Drawing) -> str:
    """The figure as SVG: the same marks, two ticks an axis, no legend but names in the colours of the lines."""
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
        f'<text x="{LEFT - 4}" y="{y(at) + down:.0f}" text-anchor="end">{_short(at)}</text>'
        for at, down in ((top, 7), (base, 1))
    )
    ticks += _ends(drawing)
    limits = "".join(
        f'<path class="gx-limit" d="M{LEFT} {y(at):.1f}H{WIDTH - RIGHT}"/>'
        for at, _ in drawing.limits
        if low <= at <= high
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_text(alt(drawing))}" '
        f'xmlns="http://www.w3.org/2000/svg">{rules}{limits}{marks}{ticks}</svg>'
    )


def legend(drawing: Drawing) -> list[tuple[str, str]]:
    """Name and colour of every series."""
    return [(one.name, color) for one, color in zip(drawing.series, colors(drawing), strict=True)]


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
    xs = [float(x) for one in drawing.series for x in one.x]
    x = _scale(min(xs, default=0), max(xs, default=1), LEFT + 4, WIDTH - RIGHT - 4, drawing.log_x)
    for one, color in zip(drawing.series, colors(drawing), strict=True):
        at = [(x(float(a)), y(b)) for a, b in zip(one.x, one.y, strict=True) if b is not None]
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


def _ends(drawing: Drawing) -> str:
    """What stands below the axis: the first and the last value, or the bars' names where they fit."""
    base = HEIGHT - 4
    names = _names(drawing)
    if names:
        room = (WIDTH - LEFT - RIGHT) / len(names)
        if max(map(len, names)) * 5.4 > room:
            return f'<text x="{(LEFT + WIDTH) / 2}" y="{base}" text-anchor="middle">{len(names)} groups</text>'
        places = (LEFT + room * (k + 0.5) for k in range(len(names)))
        return "".join(
            f'<text x="{at:.0f}" y="{base}" text-anchor="middle">{_text(name)}</text>'
            for at, name in zip(places, names, strict=True)
        )
    xs = [float(x) for one in drawing.series for x in one.x]
    return (
        f'<text x="{LEFT}" y="{base}">{_short(min(xs, default=0))}</text>'
        f'<text x="{(LEFT + WIDTH) / 2}" y="{base}" text-anchor="middle">{_text(drawing.x)}</text>'
        f'<text x="{WIDTH - RIGHT}" y="{base}" text-anchor="end">{_short(max(xs, default=1))}</text>'
    )


def _short(value: float) -> str:
    return f"{value:.3g}" if 1e-3 <= abs(value) < 1e5 or value == 0 else f"{value:.0e}"


def _text(text: str) -> str:
    return p.escape(text).replace('"', "&quot;")
