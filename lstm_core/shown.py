"""Who draws a trace or a result in a notebook.

What is drawn knows nothing of figures: whoever stands to the right of it says who draws (``lstm_core.api``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from lstm_core.trace import Trace

_drawer: Callable[[], ModuleType]


def draw_with(module: Callable[[], ModuleType]) -> None:
    """From now on ``module()``, asked when something is shown, is what draws: ``lstm_core.notebook``."""
    global _drawer
    _drawer = module


def drawer() -> Any:
    """What draws."""
    return _drawer()


class Result:
    """What an analysis found, which a notebook can show: at the end of a cell as a table, ``show()`` as figures.

    axes: by field, what the axes of its arrays are where that is not "unit": "time unit", "time time", "layer direction
    time unit". Of an array with fewer axes they are the first ones. Traces that it holds are drawn beside each other.
    """

    axes: ClassVar[Mapping[str, str]] = {}

    def _repr_html_(self) -> str:
        return drawer().result_table(self)

    def show(self, trace: Trace | None = None) -> Any:
        """Its arrays as figures, for a notebook: see ``docs/notebook.md``.

        trace: the one that it is of, for its words along the axis of time.
        """
        return drawer().show_result(self, trace)
