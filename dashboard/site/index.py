"""The first page of the folder: what this is, and where to begin."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from dashboard.language import current, tr
from dashboard.site import frame
from dashboard.site.pairs import Pair, home, pairs
from dashboard.site.tours import EXPERIMENTS, tours
from lab.experiments import discover


def page(sizes: Mapping[Pair, int], documents: bool) -> str:
    """``sizes``: bytes of each pair's page, with all that it loads."""
    first, guided = home(current()), tours()
    what = tr(
        "See what every gate of an LSTM or GRU does: on a sentence that you type, with networks that were really "
        "trained."
    )
    parts = [
        f"<h1>Gatescope</h1><p>{escape(what)}</p>",
        _p(
            tr(
                "These networks read a sentence word by word and keep a memory. At each word their gates decide what "
                "is kept of it, what is written and what is shown. Here you watch them do it."
            )
        ),
        _ways(first, guided),
        _picture(first),
        _p(
            tr(
                "Everything is computed in your browser, with the weights that lie beside this page. Nothing that you "
                "type is sent anywhere, and nothing is loaded from anywhere else."
            )
        ),
        _networks(sizes),
        _tours(guided),
        _experiments(),
    ]
    if documents:
        heading = escape(tr("Documentation"))
        about = escape(tr("The library, its cells and file formats, and how the models were trained"))
        parts.append(f'<h2>{heading}</h2><p><a href="{frame.root()}docs/index.html">{about}</a></p>')
    own = escape(tr("Your own model"))
    parts.append(f"<h2>{own}</h2>" + _p(_whole()))
    return frame.page(frame.INDEX, tr("Gatescope: what every gate does"), what, "\n".join(parts), documents)


def _p(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _ways(first: Pair, guided: list[dict]) -> str:
    ways = [(first.file, tr("Type a sentence"))]
    if guided:
        ways.append((_begin(guided[0]), tr("Take the tour: {length}", length=_length(guided[0]))))
    ways.append((EXPERIMENTS, tr("See what was measured")))
    return f'<ul class="gl-ways">{"".join(f"<li>{_a(*way)}</li>" for way in ways)}</ul>'


def _a(href: str, text: str) -> str:
    return f'<a href="{escape(href)}">{escape(text)}</a>'


def _picture(first: Pair) -> str:
    alt = escape(
        tr("An LSTM beside a GRU: a row for every unit, a column for every word, and what each of them expects next.")
    )
    image = f'<img src="{frame.root()}shared/gates.png" alt="{alt}" width="1366" height="768">'
    return f'<figure><a href="{first.file}">{image}</a><figcaption>{alt}</figcaption></figure>'


def _length(tour: Mapping) -> str:
    return tr("{stops} stops, {minutes} minutes", stops=len(tour["stops"]), minutes=tour["minutes"])


def _begin(tour: Mapping) -> str:
    file, _, part = tour["stops"][0]["place"].partition("#")
    return f"{file}?tour={tour['name']}&stop=1{f'#{part}' if part else ''}"


def _networks(sizes: Mapping[Pair, int]) -> str:
    size = tr("{size:.1f} MB")
    entries = "".join(
        f"<li>{_a(pair.file, pair.title)}<span>{escape(size.format(size=sizes[pair] / 1e6))}</span></li>"
        for pair in pairs()
    )
    return f'<h2 id="networks">{escape(tr("Networks"))}</h2><ul class="gl-list">{entries}</ul>'


def _tours(guided: list[dict]) -> str:
    entries = "".join(f"<li>{_a(_begin(one), one['title'])}<span>{escape(_length(one))}</span></li>" for one in guided)
    says = tr(
        "A tour leads through the pages and says a sentence or two at each stop. Page down and Page up lead on and "
        "back."
    )
    return f'<h2>{escape(tr("Tours"))}</h2>{_p(says)}<ul class="gl-list">{entries}</ul>'


def _experiments() -> str:
    entries = "".join(
        f"<li>{_a(f'{EXPERIMENTS}#{one.name}', tr(one.title))}<span>{escape(tr(one.claim))}</span></li>"
        for one in discover().values()
    )
    return f'<h2>{escape(tr("Experiments"))}</h2><ul class="gl-list">{entries}</ul>'


def _whole() -> str:
    return tr(
        "These pages show the networks that come with Gatescope. The whole program, which is free and runs on your "
        "own computer, also shows your own PyTorch, ONNX or Keras model, trains networks and reads whole data sets: "
        "its README says how to start it."
    )
