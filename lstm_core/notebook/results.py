"""Any result as a table and as charts: one way for all, by the fields that it has and by what it says of their axes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from html import escape
from typing import Any

import numpy as np

from lstm_core.drawing import panel as p
from lstm_core.drawing import theme
from lstm_core.drawing.words import words
from lstm_core.shown import Result
from lstm_core.trace import Trace

ROWS = 12
"""Of a list, so many are written."""
LONG = 160
"""Characters of a part that is written out."""
VALUES = 60_000
"""Numbers in all charts of a result, at most."""
BARS = 64
"""More values than that are a line."""


def traces(result: Result) -> list[Trace]:
    """The traces that a result holds, which are drawn instead of it."""
    return [value for _, value in _fields(result) if isinstance(value, Trace)][:2]


def table(result: Result) -> str:
    """What a result says, as HTML: numbers as they are, arrays by their axes and the range of their values."""
    rows = "".join(_row(name, value, result.axes.get(name, "")) for name, value in _fields(result))
    head = escape(type(result).__name__)
    told = f"<pre>{escape(str(result))}</pre>" if type(result).__str__ is not object.__str__ else ""
    return f"<div><strong>{head}</strong>{told}<table>{rows}</table></div>"


def _fields(result: Any) -> Iterator[tuple[str, Any]]:
    if is_dataclass(result):
        yield from ((field.name, getattr(result, field.name)) for field in fields(result) if field.repr)


def _row(name: str, value: Any, axes: str) -> str:
    left = 'style="text-align:left"'
    return f"<tr><th {left}>{escape(name)}</th><td {left}>{escape(told(value, axes))}</td></tr>"


def told(value: Any, axes: str = "") -> str:
    """A value in one line."""
    if isinstance(value, np.ndarray) and value.ndim:
        finite = value[np.isfinite(value)] if value.dtype.kind == "f" else value
        named = ", ".join(f"{size} {axis}" for size, axis in zip(value.shape, _axes(axes, value.ndim), strict=True))
        return f"{named}: {_short(finite.min())} to {_short(finite.max())}" if finite.size else named
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {told(one, axes)}" for key, one in list(value.items())[:ROWS])
    if isinstance(value, (tuple, list)):
        more = f" and {len(value) - ROWS:,} more" if len(value) > ROWS else ""
        return "; ".join(told(one, axes) for one in value[:ROWS]) + more
    if isinstance(value, (bool, np.bool_)) or value is None or isinstance(value, (str, Trace)):
        return str(value)
    if isinstance(value, (int, float, np.number, np.ndarray)):
        return _short(value)
    return type(value).__name__ if is_dataclass(value) and len(str(value)) > LONG else str(value)


def _short(value: Any) -> str:
    number = value.item() if isinstance(value, (np.generic, np.ndarray)) else value
    return f"{number:.4g}" if isinstance(number, float) else str(number)


def _axes(axes: str, count: int) -> list[str]:
    """The names of so many axes, as far as they are known."""
    return [*(axes or "unit").split(), *["values"] * count][:count]


class Charts:
    """The charts of a result, as a tree for ``pack``."""

    units: Sequence[int] = ()
    counts: Sequence[int] = ()

    def __init__(self, result: Result, trace: Trace | None) -> None:
        """trace: the one that the result is of, for its words."""
        """trace: the one that the result is of, for its words."""
        self.result, self.trace = result, trace
        self.arrays = list(_arrays(result))

    def framed(self) -> Charts:
        """The same: it is small enough for a frame."""
        return self

    @property
    def steps(self) -> int:
        """Steps of the row of words; 0 without one."""
        return 0 if self.trace is None else len(self.trace)

    def tree(self, step: int) -> dict[str, Any]:
        """What ``chart/chart.js`` draws."""
        panels = [self._panel(str(k), *one) for k, one in enumerate(self.arrays)]
        if not panels:
            panels = [p.panel("0", type(self.result).__name__, text=self._text())]
        shown = [] if self.trace is None else [[w.text, w.first, w.last, int(w.known)] for w in words(self.trace)]
        columns = 1 if len(panels) == 1 else 2
        said = {"words": shown, "step": step, "columns": columns, "dark": theme.layout("dark"), "of": None}
        return {**said, "panels": [one | {"stamp": k} for k, one in enumerate(panels)]}

    def _text(self) -> str:
        return "; ".join(f"{name}: {told(value)}" for name, value in _fields(self.result))

    def _panel(self, id: str, name: str, values: np.ndarray, axes: list[str]) -> dict[str, Any]:
        """One array: bars or a line of one axis, a heat map of two."""
        if values.ndim == 1:
            figure = self._line(name, values, axes[0])
            return p.panel(id, name, figure, alt=f"{name}: {told(values, axes[0])}", height=200)
        values, axes, note = _fitted(values, axes, VALUES // max(1, len(self.arrays)))
        figure = self._map(values, axes)
        high = int(np.clip(8 * values.shape[axes[0] != "time"], 160, 420))
        return p.panel(id, name, figure, note=note, alt=f"{name}: {told(values, ' '.join(axes))}", height=high)

    def _line(self, name: str, values: np.ndarray, axis: str) -> dict[str, Any]:
        x = np.arange(len(values), dtype=np.float32)
        labels = [f"{axis} {k}" for k in range(len(values))]
        few = len(values) <= BARS
        data = p.signed_bars(x.tolist(), values, labels) if few else p.line(x, values, name, theme.role_color("cell"))
        return p.figure([data], xaxis=self._axis(axis, len(values)), yaxis=p.value_axis(""))

    def _map(self, values: np.ndarray, axes: list[str]) -> dict[str, Any]:
        """(time, unit) lies with time from left to right; of two axes of steps the first is read from top to bottom."""
        across = 0 if axes[0] == "time" and axes[1] != "time" else 1
        shown = values.T if across == 0 else values
        down = {"title": {"text": axes[1 - across], "standoff": 4}, "autorange": "reversed", "showgrid": False}
        scale = p.signed_scale(shown) if np.nanmin(shown, initial=0.0) < 0 else None
        layout = {"coloraxis2": scale} if scale else {}
        name = "coloraxis2" if scale or np.nanmax(shown, initial=0.0) > 1 else "coloraxis"
        hover = f"{axes[across]} %{{x}}, {axes[1 - across]} %{{y}}: %{{z:.3g}}<extra></extra>"
        data = p.heatmap(shown, name, hovertemplate=hover)
        if name == "coloraxis2" and not scale:
            layout = {"coloraxis2": p.signed_scale(shown)}
        return p.figure([data], xaxis=self._axis(axes[across], shown.shape[1]), yaxis=down, **layout)

    def _axis(self, axis: str, count: int) -> dict[str, Any]:
        """With the words below it, where they are known."""
        if axis == "time" and self.trace is not None and len(self.trace) == count:
            return p.word_axis(self.trace)
        return {
            "title": {"text": axis, "standoff": 4},
            "showgrid": False,
            "zeroline": False,
            "range": [-0.5, count - 0.5],
        }


def _arrays(result: Result) -> Iterator[tuple[str, np.ndarray, list[str]]]:
    """Name, values and axes of every array of one or two axes; of more the last layer and the first direction."""
    for name, value in _fields(result):
        given = {f"{name} {key}": one for key, one in value.items()} if isinstance(value, Mapping) else {name: value}
        for called, one in given.items():
            if isinstance(one, tuple) and one and all(isinstance(number, float) for number in one):
                one = np.array(one)
            if not isinstance(one, np.ndarray) or one.dtype.kind not in "fiub" or not one.ndim or not one.size:
                continue
            axes = _axes(result.axes.get(name, ""), one.ndim)
            while one.ndim > 2:
                at = -1 if axes[0] == "layer" else 0
                called = f"{called}, {axes[0]} {at % len(one)}"
                one, axes = one[at], axes[1:]
            yield called, one.astype(np.float32), axes


def _fitted(values: np.ndarray, axes: list[str], most: int) -> tuple[np.ndarray, list[str], str]:
    """As many columns as there is room for: units with the largest values, or the first steps."""
    if values.size <= most:
        return values, axes, ""
    room = max(1, most // len(values))
    if room < 2:
        values, room = values[: most // 2], 2
    if axes[1] == "time":
        side = max(2, int(most**0.5))
        return values[:side, :side], axes, f"the first {side:,} of {values.shape[1]:,} steps"
    largest = np.sort(np.argsort(-np.nan_to_num(np.abs(values)).max(0), kind="stable")[:room])
    return values[:, largest], axes, f"the {room:,} with the largest values of {values.shape[1]:,}"
