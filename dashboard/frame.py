"""What every page begins with: the sentence and the models, what the reader must know of them, and the chosen step.

    @page(mark("Memory"), order=2)
    def page(here: Context) -> None: ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import update_wrapper
from math import floor
from typing import Any, NamedTuple

import streamlit as st

from dashboard.cache import LIMIT
from dashboard.chart import chart, chosen_step
from dashboard.controls.text import inline
from dashboard.language import tr
from dashboard.reading import scene
from dashboard.scene import Drawn, Scene
from lstm_core import Network, Trace
from lstm_core.drawing.panel import quoted, row, sentences
from lstm_core.drawing.words import piece, places, words


@dataclass(frozen=True)
class Context:
    """What a page is drawn from. ``step``: the one of the left side's text that is chosen, on whichever page."""

    scene: Scene
    step: int

    @property
    def text(self) -> str:
        return self.scene.settings.text

    @property
    def words(self) -> list[list[Any]]:
        """The text as the browser's row of words."""
        return rows(self.scene.traces[0])

    def steps(self) -> list[int]:
        """The chosen step on each side."""
        return [self.scene.same_step(side, self.step) for side in range(2)]

    def sides(self) -> Iterator[tuple[Network, Trace, Drawn]]:
        """Of each side its model, the trace, and which layer and direction are drawn."""
        return zip(self.scene.models, self.scene.traces, self.scene.drawn, strict=True)

    def chart(self, key: str, panels: list[dict[str, Any]], traces: Sequence[Trace] | None = None, **more: Any) -> None:
        """Draw the words and the panels, in two columns, and say of which words they name pieces. ``traces``: what the
        panels are about, if not both sides; ``more`` as ``dashboard.chart.chart`` takes it."""
        pieces(panels, self.scene.traces if traces is None else traces)
        chart({"words": self.words, "step": self.step, "columns": 2, "panels": panels, **more}, key, self.text)


MOST = 3
"""Words whose pieces are told."""


def pieces(panels: Sequence[Mapping[str, Any]], traces: Iterable[Trace]) -> None:
    """Say of which words the pieces are that the panels name ("An-"); where they name none, of the first word that one
    of the traces reads in pieces."""
    named = "\n".join(str(one.get(part, "")) for one in panels for part in ("title", "text"))
    told: dict[str, bool] = {}
    for trace in dict.fromkeys(traces):
        for word in words(trace) if trace.tokens else []:
            read = [quoted(piece(trace.tokens, step)) for step in range(word.first, word.last + 1)]
            if read[0][:-1].endswith("-") and read[-1][1:].startswith("-"):
                said = {"pieces": row(read), "word": quoted(word.text)}
                text = tr("{pieces}: the pieces in which {word} is read, one after the other.", **said)
                told[text] = any(one in named for one in read)
    asked = [text for text, here in told.items() if here] or list(told)[:1]
    if asked:
        st.caption(inline(sentences(*asked[:MOST])))


def rows(trace: Trace) -> list[list[Any]]:
    """Text, first step, last step, and whether the vocabulary holds it, of each word."""
    return [[word.text, word.first, word.last, int(word.known)] for word in words(trace)]


class Page:
    """A page: what it is called, its place among the others, and what draws it."""

    def __init__(self, title: str, order: int, draw: Callable[[], None]) -> None:
        self.title, self.order = title, order
        self._draw = draw
        update_wrapper(self, draw)

    def __call__(self) -> None:
        self._draw()


def bare(title: str, order: int) -> Callable[[Callable[[], None]], Page]:
    """A page that draws what it begins with itself."""
    return lambda draw: Page(title, order, draw)


class Reach(NamedTuple):
    """How far into a text a page goes: how many steps of a scene it draws, and in a sentence why not more. What stands
    above its figure of a longer text follows from it."""

    steps: Callable[[Scene], int]
    why: str = ""


WHOLE = Reach(lambda shown: LIMIT)
"""Of a page that draws all that is read."""


def page(
    title: str, order: int, empty: bool = False, reach: Reach = WHOLE
) -> Callable[[Callable[[Context], None]], Page]:
    """A page of the scene. ``empty``: it draws a text of no steps, too."""

    def made(draw: Callable[[Context], None]) -> Page:
        @st.fragment
        def whole() -> None:
            if (here := context(empty, reach)) is not None:
                draw(here)

        update_wrapper(whole, draw)
        return Page(title, order, whole)

    return made


def context(empty: bool = False, reach: Reach = WHOLE) -> Context | None:
    """Draw what a page begins with; None where nothing can follow, with what to do on the page."""
    shown = scene()
    if shown is None:
        return None
    shown = shown.first(reach.steps(shown), reach.why)
    if shown.notices:
        st.caption(inline(" ".join(shown.notices)))
    count = len(shown.traces[0])
    if not count and not empty:
        st.caption(tr("Type a sentence above, or choose an example."))
        return None
    return Context(shown, chosen_step(shown.settings.text, count))


def columns(sides: list[list[dict[str, Any]]], at: Sequence[int] = ()) -> list[dict[str, Any]]:
    """The panels of both sides, those that belong to each other side by side. ``at``: as ``picking`` takes it, of the
    right side's."""
    return [panel for left, right in zip(*sides, strict=True) for panel in (left, picking(right, at))]


def picking(panel: dict[str, Any], at: Sequence[int]) -> dict[str, Any]:
    """The panel, where a click on its step k chooses ``at[k]`` in the row of words; k itself if there is none."""
    layout = panel["figure"]["layout"] if panel["figure"] else {}
    if not at or "pick" not in layout.get("meta", {}):
        return panel
    return {**panel, "figure": {**panel["figure"], "layout": {**layout, "meta": {**layout["meta"], "at": list(at)}}}}


def back(first: Trace, other: Trace) -> list[int]:
    """By step of ``other``, the one of ``first`` that stands at the same word; empty where they cut a text alike."""
    steps = [max(0, min(floor(place + 0.5), len(first) - 1)) for place in places(first, other)]
    return [] if steps == list(range(len(first))) else steps
