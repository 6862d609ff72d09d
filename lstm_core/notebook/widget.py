"""A figure as a widget: the page's modules drawn into a cell's output, its cursor and units shared with the kernel."""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

from lstm_core.notebook import carried
from lstm_core.notebook.framed import framed
from lstm_core.notebook.packing import packed
from lstm_core.notebook.tree import check
from lstm_core.say import say


def _together(one: View, other: View) -> None:
    """Keep the steps of two figures the same, as far as each has them."""
    moving = False

    def follow(step: int, to: View) -> None:
        nonlocal moving
        if not moving:  # else it is we who move it
            moving = True
            try:
                to.step = max(0, min(step, to._figure.steps - 1))
            finally:
                moving = False

    follow(one.step, other)
    one.observe(lambda change: follow(change["new"], other), "step")
    other.observe(lambda change: follow(change["new"], one), "step")


class View(anywidget.AnyWidget):
    """A figure in a notebook.

    step: the step at which its cursor stands, from 0 on; -1 is the last. unit, unit2: the chosen unit, and that of the
    right side of two. Each follows what is chosen in the figure, and what is set is shown there (``observe`` and
    ``traitlets.link`` work as for any widget). Raises ValueError for a step or unit that there is not.
    """

    _esm = carried.loader()
    version = traitlets.Unicode(carried.version()).tag(sync=True)
    module = traitlets.Unicode().tag(sync=True)
    content = traitlets.Bytes().tag(sync=True)
    step = traitlets.Int().tag(sync=True)
    unit = traitlets.Int().tag(sync=True)
    unit2 = traitlets.Int().tag(sync=True)

    def __init__(self, figure: Any, module: str, still: str) -> None:
        """figure: a ``Grid`` or ``Charts``. module: what draws it in the browser. still: HTML beside it."""
        self._figure, self._still = figure, still
        units = dict(zip(("unit", "unit2"), figure.units, strict=False))
        at = max(0, figure.steps - 1)
        super().__init__(module=module, content=packed(figure, at), step=at, **units)
        self.on_msg(self._asked)

    @property
    def html(self) -> str:
        """The figure as it is now as HTML that needs no kernel."""
        return framed(self._figure, self.module)

    def link(self, *others: View) -> None:
        """From now on the cursors of the other figures stand where this one's does, by the number of the step; one that
        has fewer stays at its last. Raises TypeError for what is no such figure."""
        for other in others:
            if not isinstance(other, View):
                raise TypeError(say("figures are linked with figures, not with {kind}", kind=type(other).__name__))
            _together(self, other)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """For what shows no widgets, a table or a picture beside it."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle or {}, {})
        return {**data, "text/html": self._still}, metadata

    def _asked(self, _: Any, message: Any, __: Any) -> None:
        """The first figure that a browser draws asks for what all of them need."""
        if isinstance(message, dict) and message.get("kind") == "carry":
            buffers = [carried.modules(), carried.plotly() if message.get("plotly") else b""]
            self.send({"kind": "carried"}, buffers)

    @traitlets.validate("step")
    def _step(self, proposal: Any) -> int:
        step, count = proposal["value"], self._figure.steps
        if step or count:
            check("step", step, count, -count)
        return step % count if count else 0

    @traitlets.validate("unit", "unit2")
    def _unit(self, proposal: Any) -> int:
        unit, side = proposal["value"], int(proposal["trait"].name == "unit2")
        counts = self._figure.counts
        if side < len(counts):
            check("unit", unit, counts[side])
        return unit

    @traitlets.observe("unit", "unit2")
    def _chosen(self, change: Any) -> None:
        """A unit without a row is given one."""
        side, figure = int(change["name"] == "unit2"), self._figure
        if side >= len(figure.counts):
            return
        had = figure.has(side, change["new"])
        figure.choose(side, change["new"])
        if not had:
            self.content = packed(figure, self.step)
