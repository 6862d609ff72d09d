"""The page "Gates": a sentence, and every gate of two models on it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import numpy as np
import streamlit as st

from dashboard import frame, unread
from dashboard.at_once import at_once
from dashboard.controls.device import device_choice
from dashboard.export import handed
from dashboard.figures.content import content, named_units
from dashboard.figures.deciding import decided
from dashboard.gateplot import Same, asked, gateplot
from dashboard.language import mark, tr
from dashboard.proposed import examples
from dashboard.reading import scene
from dashboard.scene import Scene
from dashboard.state import YOURS, Settings
from lstm_core import Network, Trace, attention
from lstm_core.drawing.drawn import ALL, COUNT, drawn_units
from lstm_core.drawing.order import width
from lstm_core.drawing.words import visible
from lstm_core.equations import latex

BELOW = "figure"
TALK = "tour"
OWN_COMPUTER = ("localhost", "127.0.0.1", "0.0.0.0", "::1")
LONGEST_LINK = 4000


@dataclass
class Below:
    """What stands below the figure is of: the models, and the newest traces, which the downloads are made of."""

    models: tuple[Network, ...]
    traces: tuple[Trace, ...]

    @property
    def steps(self) -> bool:
        """Whether anything was read."""
        return any(map(len, self.traces))


@frame.bare(mark("Gates"), order=0)
def page() -> None:
    st.session_state.pop(BELOW, None)
    figure()
    if (shown := st.session_state.get(BELOW)) is not None:
        equations(shown)
        if shown.steps:
            downloads(shown)


@st.fragment
def figure() -> None:
    """What a sentence changes, and nothing else: each element of a rerun costs the browser milliseconds."""
    shown = scene()
    if shown is None:
        return
    wanted = asked("offline") is not None or asked("film") is not None
    if wanted or YOURS in (shown.settings.left, shown.settings.right):
        tree = _tree(shown, _rows(shown))
        gateplot(tree | _made(shown, tree))
    else:
        rows = _rows(shown)
        key = shown.key, *((by, *map(int, units)) for units, by in rows)
        gateplot(Same(key, lambda: {**_tree(shown, rows), "files": []}))
    below: Below = st.session_state.setdefault(BELOW, Below(shown.models, shown.traces))
    begun = below.models, below.steps
    device_choice()
    below.models, below.traces = shown.models, shown.traces
    if begun != (below.models, below.steps):
        st.rerun()  # what stands below the figure is drawn anew, too


def _units(shown: Scene) -> list[int]:
    """The units drawn as lines: those that were picked, while the layer has them, else those that decide."""
    wanted = shown.settings.unit, shown.settings.unit2
    return [
        found if unit is None or unit >= width(trace) else unit
        for unit, found, trace in zip(wanted, shown.units, shown.traces, strict=True)
    ]


def _rows(shown: Scene) -> list[tuple[np.ndarray, str]]:
    """Which units of each side have a row, and by what they were chosen; most of those that had one before stay."""
    kept: dict[Any, tuple[int, ...]] = st.session_state.setdefault("drawn units", {})
    rows = []
    for side, (reading, at, unit) in enumerate(zip(shown.readings, shown.drawn, _units(shown), strict=True)):
        ids, chances = reading.likeliest or (None, None)
        step = decided(chances, shown.cursor(side)) if chances is not None and len(chances) else 0
        always = [unit, *(named["unit"] for named in named_units(reading.model, *at, reading.trace))]
        place = side, reading.model.name, at, shown.settings.show
        found = drawn_units(
            reading.model, reading.trace, ids, step, *at, shown.settings.show, always, kept.get(place, ())
        )
        kept[place] = tuple(map(int, found[0])) if found[1] != ALL else ()
        rows.append(found)
    return rows


def _tree(shown: Scene, rows: Sequence[tuple[np.ndarray, str]]) -> dict[str, Any]:
    """What the figure is drawn from; ``rows``: which units have a row."""
    settings = shown.settings
    words = [reading.next_words for reading in shown.readings]
    ids = [reading.likeliest[0] if reading.likeliest else None for reading in shown.readings]
    tree = content(shown.models, shown.traces, words, _units(shown), shown.drawn, rows, ids)
    for side, reading in zip(tree["sides"], shown.readings, strict=True):
        side["next"]["why"] = tr(reading.why)
    notices = [*shown.notices, *tree["cut"]]
    said = {"settings": settings.browser_side(), "show": settings.show, "count": COUNT, "notices": notices}
    only = [(unread.begun(sentence), sentence) for sentence in shown.only]
    here = {"at_once": at_once(shown.models, shown.drawn), "only": only}
    return tree | {"text": settings.text, **here, **said}


def _made(shown: Scene, tree: Mapping[str, Any]) -> dict[str, Any]:
    """Files that the browser has asked for, which it saves, and what to say where one cannot be made."""
    files, notices = [], [*tree["notices"]]
    if isinstance(chosen := asked("offline"), Mapping):
        from dashboard.export import guided, live, offline  # only where it is asked for, as below
        from dashboard.figures.walk import farthest, walk

        cells = [offline.Cell(tr(trace.cell.title), lines(trace), list(captions(trace))) for trace in shown.traces]
        seen = Settings.parse({name: value for name, value in chosen.items() if value is not None}, [])
        wanted, address = {**tree, "settings": seen.browser_side()}, _address(shown.settings, seen)
        if live.can_live(shown.models):
            proposed = examples(shown.models[0]) or examples(shown.models[1])
            steps = walk(shown.models, shown.first(farthest(shown.models)).traces, _units(shown), shown.drawn)
            wanted["tours"] = guided.carried(shown.models[0].name, shown.models[1].name, _tours())
            page = live.page(wanted, shown.models, shown.drawn, steps, proposed, cells, address)
        else:
            page = offline.page(wanted, cells, address)
        files.append(handed("gatescope.html", "text/html", page))
    if (sent := asked("film")) is not None:
        from dashboard.export import film

        try:
            files.append(handed("gatescope.gif", "image/gif", film.made(sent)))
        except ValueError as error:
            notices.append(tr(error.args[0]))
    return {"files": files, "notices": notices}


def _tours() -> list[Any]:
    """The visitor's own tours that a saved page takes along: the one that leads here, and the one being made."""
    place = st.session_state.get(TALK)  # see dashboard.talk
    own = [] if place is None else [place.tour, place.own]
    return list({tour.title: tour for tour in own if tour is not None and tour.views}.values())


def _address(settings: Settings, seen: Settings) -> str:
    """The link that reopens the view; empty where it would lead readers to their own computer, or not to this text."""
    base = (st.context.url or "").partition("?")[0]
    said = settings.server_side() | {name: value for name, value in seen.browser_side().items() if value is not None}
    link = f"{base}?{urlencode(said, errors='replace')}"
    return "" if urlsplit(base).hostname in (None, *OWN_COMPUTER) or len(link) > LONGEST_LINK else link


def equations(shown: Below) -> None:
    """Both cells' equations, read off the code that ran."""
    for column, trace in zip(st.columns(2), shown.traces, strict=True):
        with column:
            aligned = (line.replace(" = ", " &= ", 1) for line in lines(trace))
            st.latex(r"\begin{aligned}" + r"\\".join(aligned) + r"\end{aligned}")
            for caption in captions(trace):
                st.caption(caption)


def lines(trace: Trace) -> list[str]:
    return [*latex(trace.cell), *(attention.latex() if trace.attention else [])]


def captions(trace: Trace) -> Iterator[str]:
    cell = trace.cell
    source = tr("{title}: {source}.", title=tr(cell.title), source=tr(cell.source))
    yield tr("{first} {second}", first=source, second=tr(cell.note)) if cell.note else source
    if trace.attention:
        yield tr("Attention: {source}.", source=tr(attention.SOURCE))


def downloads(shown: Below) -> None:
    """Every value of both traces, made when asked for, of the sentence that is then shown."""
    alike = len({model.cell.title for model in shown.models}) < len(shown.models)
    with st.container(horizontal=True, key="downloads"):
        if st.button(tr("Where else is this pattern?"), type="tertiary", help=tr("On the page Corpus, at this word.")):
            from dashboard.views import pages  # which imports this module
            from dashboard.where_else import LOOK

            st.session_state[LOOK] = True
            st.switch_page(pages()["corpus"])
        for side, model in enumerate(shown.models):
            title = tr(model.cell.title)
            if alike:
                title = tr("{cell} ({name})", cell=title, name=model.name)
            for kind, make in {"CSV": as_csv, "NPZ": as_npz}.items():
                st.download_button(
                    tr("{title} values, {kind}", title=title, kind=kind),
                    lambda make=make, side=side: make(shown.traces[side]),
                    f"{model.name}.{kind.lower()}",
                    type="tertiary",
                    key=f"{kind}{side}",
                    on_click="ignore",
                )


def as_csv(trace: Trace) -> bytes:
    """One row a value; ``token`` is what was read at that step, as the page writes it: a line break as ↵."""
    table = trace.to_pandas()
    if trace.tokens:
        names = [visible(token.text) for token in trace.tokens]
        table.insert(3, "token", [names[step] for step in table["time"]])
    return table.to_csv(index=False).encode("utf-8", "replace")


def as_npz(trace: Trace) -> bytes:
    file = io.BytesIO()
    trace.to_npz(file)
    return file.getvalue()
