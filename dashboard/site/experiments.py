"""The experiments on one page, as measured: claim, drawings, target beside measured, and texts to try."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from urllib.parse import urlencode

from dashboard.figures import experiments as draw
from dashboard.language import tr
from dashboard.site import frame
from dashboard.site.pairs import Pair, pairs
from dashboard.site.tours import EXPERIMENTS
from dashboard.views.experiments import count, measured_on, rows
from lab.experiments import discover
from lab.experiments.base import Drawing, Experiment, Results
from lab.experiments.record import results
from lstm_core.drawing.panel import sentences

LABEL = 60
"""Characters of a text that a link to it shows."""
GUIDE = """<script type="module">
import { Guide } from "gatescope/live/tour.js"
import { speak } from "gatescope/page/words.js"
await speak(document.documentElement.lang)
const part = () => document.getElementById(location.hash.slice(1))
new Guide(window.gatescopeTours, () => part()?.scrollIntoView()).arrive()
</script>"""


def page(documents: bool) -> str:
    measured = [(one, found) for one in discover().values() if (found := results(one.name)) is not None]
    said = tr(
        "What the essays about these networks claim, measured on trained models and beside untrained ones. "
        "A target that is missed stays here as missed."
    )
    entries = "".join(
        f'<li><a href="#{one.name}">{escape(tr(one.title))}</a><span>{escape(count(one, found))}</span></li>'
        for one, found in measured
    )
    body = f'<h1>{escape(tr("Experiments"))}</h1><p>{escape(said)}</p><ul class="gl-list">{entries}</ul>'
    body += "".join(section(one, found) for one, found in measured)
    title = tr("Gatescope: {page}", page=tr("Experiments"))
    return frame.page(EXPERIMENTS, title, said, body, documents, (frame.modules(), GUIDE))


def section(one: Experiment, found: Results) -> str:
    drawings = "".join(map(drawing, one.draw(found)))
    said = sentences(tr("{said}.", said=count(one, found)), tr(one.short(found)), tr(one.shaped))
    lines = [
        (tr("Claim."), f"{tr(one.claim)} {tr(one.source)}"),
        (tr("Measured."), said),
        (tr("What to look at."), tr(one.look)),
        (tr("What would disprove it."), tr(one.disproof)),
    ]
    head = "".join(map(_line, lines[:2]))
    below = "".join(map(_line, lines[2:]))
    notes = escape(sentences(*map(tr, found.notes), measured_on(found)))
    figures = escape(tr("Every figure, as JSON"))
    return (
        f'<section class="gl-experiment" id="{one.name}"><h2>{escape(tr(one.title))}</h2>{head}'
        f'<div class="gl-drawings">{drawings}</div>{below}{table(one, found)}{tries(one)}<p class="gl-quiet">{notes} '
        f'<a href="{frame.root()}experiments/{one.name}.json">{figures}</a></p></section>'
    )


def _line(line: tuple[str, str]) -> str:
    title, said = line
    return f"<p><strong>{escape(title)}</strong> {escape(said)}</p>"


def drawing(one: Drawing) -> str:
    keys = "".join(_key(*key) for key in draw.legend(one))
    title = f"<figcaption>{escape(tr(one.title))}</figcaption>"
    return (
        f'<figure class="gx">{title}<div class="gx-figure">{draw.small(one)}</div><div class="gx-legend">{keys}</div>'
        "</figure>"
    )


def _key(name: str, color: str, dashed: bool) -> str:
    look = f'class="gx-key gx-dash" style="color: {color}"' if dashed else f'class="gx-key" style="background: {color}"'
    return f"<span><i {look}></i>{escape(name)}</span>"


def table(one: Experiment, found: Results) -> str:
    head, *lines = rows(one, found)
    missed = tr("missed")
    body = "".join(f"<tr>{_cells(line, 'gl-missed' if line[0] == missed else '')}</tr>" for line in lines)
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    return f'<div class="gl-table"><table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>'


def _cells(line: Iterable[str], first: str) -> str:
    cells = [f"<td>{escape(text)}</td>" for text in line]
    return "".join([cells[0].replace("<td>", f'<td class="{first}">') if first else cells[0], *cells[1:]])


def tries(one: Experiment) -> str:
    """Texts to try, each a link to the page of its models."""
    links = []
    for each in one.tries:
        pair = Pair(each.left, each.right)
        if pair not in pairs():
            continue
        query = {"text": each.text} | {
            name: value for name, value in (("at", each.at), ("unit", each.unit)) if value is not None
        }
        label = each.text if len(each.text) <= LABEL else f"{each.text[: LABEL - 1]}\N{HORIZONTAL ELLIPSIS}"
        asked = f"<span>{escape(tr(each.ask))}</span>" if each.ask else ""
        address = escape(f"{pair.file}?{urlencode(query)}")
        links.append(f'<li><a href="{address}" dir="auto">{escape(label)}</a>{asked}</li>')
    if not links:
        return ""
    heading = escape(tr("Try a text"))
    return f'<p><strong>{heading}</strong></p><ul class="gl-list">{"".join(links)}</ul>'
