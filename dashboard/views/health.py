"""The page "Health": which units do nothing, which cannot learn any more, and what the weights say about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dashboard import frame, training
from dashboard.figures import health as draw
from dashboard.frame import Context
from dashboard.language import mark, tr
from dashboard.scene import Scene
from lstm_core import Trace
from lstm_core.analysis import Health, health
from lstm_core.analysis.health import NOTES, Note
from lstm_core.drawing.panel import panel, sentences

KEY = "health"
FINDINGS: dict[str, Callable[[str, Trace, Health], dict[str, Any]]] = {
    "dead": draw.dead,
    "saturated": draw.saturated,
    "integrator": draw.integrators,
    "timescale": draw.timescale,
    "singular": draw.singular,
}


@frame.page(mark("Health"), order=7)
def page(here: Context) -> None:
    shown = here.scene
    found = [health(trace) for trace in shown.traces]
    panels = [_summary(f"summary{side}", shown, side, found[side]) for side in (0, 1)]
    for name, note in NOTES.items():
        panels.append(panel(name, tr(note.title), text=tr(note.why), note=_remedy(note), wide=True))
        figures = [_finding(name, f"{name}{side}", shown, side, found[side]) for side in (0, 1)]
        panels += [under(one, tr(note.title)) for one in figures]
    here.chart(KEY, panels, (), words=[])
    training.section()


def under(figure: dict[str, Any], heading: str) -> dict[str, Any]:
    """The panel below a heading, named by what it shows and one level lower."""
    what = heading[:1].lower() + heading[1:]
    return {**figure, "title": tr("{cell}: {what}", cell=figure["title"], what=what), "level": 3}


def _remedy(note: Note) -> str:
    remedy = tr(note.remedy)
    source = tr(note.source)
    return tr("What is usually done: {remedy} ({source})", remedy=remedy[0].lower() + remedy[1:], source=source)


def _summary(id: str, shown: Scene, side: int, found: tuple[Health, ...]) -> dict[str, Any]:
    trace, model = shown.traces[side], shown.models[side]
    said = []
    for one in found:
        place, counts = draw.where(one, found), draw.summary(one, len(trace))
        told = tr("{place}: {counts}", place=place, counts=counts) if place else counts
        said.append(_sentence(told))
    note = tr(
        "Steps read: {count:,}. A longer and more varied input says more; the weights below are the same on any.",
        count=len(trace),
    )
    return panel(
        id, tr("{cell} ({name})", cell=tr(trace.cell.title), name=model.name), text=sentences(*said), note=note
    )


def _sentence(said: str) -> str:
    return tr("{said}.", said=said[:1].upper() + said[1:])


def _finding(name: str, id: str, shown: Scene, side: int, found: tuple[Health, ...]) -> dict[str, Any]:
    trace, at = shown.traces[side], shown.drawn[side]
    if name == "bias":
        return draw.biases(id, trace, found)
    here = next(one for one in found if (one.layer, one.direction) == at)
    if here.message is not None and name != "singular":
        return panel(id, tr(trace.cell.title), text=_sentence(tr(here.message)))
    return FINDINGS[name](id, trace, here)
