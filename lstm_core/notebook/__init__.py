"""What a notebook shows of traces and results: the page's own figures, and small tables.

With anywidget a figure is a widget, whose cursor the kernel knows and moves; without, or where that is asked for, HTML
with a frame in it that lives on in a saved notebook. Of a trace that has no figure pictures of its signals are left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import Any

from lstm_core.drawing.order import width
from lstm_core.notebook import pictures, results, tree
from lstm_core.notebook.framed import Framed
from lstm_core.notebook.pictures import Picture, table
from lstm_core.shown import Result
from lstm_core.trace import Trace

__all__ = ["result_table", "show_result", "show_traces", "table"]

result_table = results.table


def show_traces(
    traces: Sequence[Trace],
    signals: str | Iterable[str] | None,
    layer: int,
    direction: int,
    batch: int,
    unit: int | None,
    live: bool,
) -> Any:
    """See ``Trace.show`` and ``lstm_core.beside``."""
    names = None if signals is None else [signals] if isinstance(signals, str) else list(signals)
    shown = [tree.shown(trace, names, layer, direction, batch) for trace in traces]
    if not all(map(tree.can_draw, shown)):
        return Picture("".join(pictures.show(trace, names, layer, direction, batch).html for trace in traces))
    if unit is not None:
        tree.check("unit", unit, width(shown[0].trace))
    figure = tree.Grid(shown, names, unit).filled()
    still = "".join(map(pictures.table, traces))
    return _view(figure, "gates/gates.js", still, live)


def show_result(result: Result, trace: Trace | None) -> Any:
    """See ``Result.show``."""
    traces = results.traces(result)
    if traces:
        return show_traces(traces, None, -1, 0, 0, None, True)
    return _view(results.Charts(result, trace), "chart/chart.js", results.table(result), True)


def _view(figure: Any, module: str, still: str, live: bool) -> Any:
    """A widget where there can be one, else a frame. still: HTML for what shows neither."""
    if live and find_spec("anywidget") is not None:
        from lstm_core.notebook.widget import View

        return View(figure, module, still)
    return Framed(figure, module)
