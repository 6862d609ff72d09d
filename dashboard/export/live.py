"""One HTML file that reads what is typed into it: the networks run in the browser, with no server and no network.

It carries the models' own files, the modules that their cells are written as (``lstm_core.javascript``), and the page's
own figure. What the figure is drawn from is made in the browser (``dashboard/browser/live/``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from string import Template
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from dashboard import language
from dashboard.export import offline
from dashboard.figures import meaning
from dashboard.figures.expects import added, compared
from dashboard.language import tr
from dashboard.unread import before_a_subject
from lstm_core import Network, list_models
from lstm_core.cells.base import Cell
from lstm_core.drawing import words
from lstm_core.drawing.drawn import COUNT
from lstm_core.drawing.modules import source
from lstm_core.drawing.pack import pack
from lstm_core.equations import carry
from lstm_core.javascript import javascript
from lstm_core.text import UNKNOWN, Tokenizer

START = "live/live.js"
FAR = 1e30
"""In the place of a threshold that nothing reaches: JSON has no infinity."""
GOES_ON, BYTE = 1, 2
TYPED, CLOSE = 1, 2
"""What a piece adds to a text: itself behind a space, or close to what is there."""


def can_live(models: Sequence[Network]) -> bool:
    """Whether a page with these models can be alive: the shipped ones, whose files are there to be carried along."""
    return all(model.name in list_models() for model in models)


@dataclass(frozen=True)
class Parts:
    """What a page that lives is made of, wherever it stands: in one file, or with its parts beside it.

    names: of the models. content: what the browser unpacks. networks: the bytes of each model's file, by name.
    modules: of this page alone, by name. below, origin: what stands below the figure, in HTML.
    """

    names: str
    content: bytes
    networks: Mapping[str, bytes]
    modules: Mapping[str, str]
    below: str
    origin: str


def page(
    tree: Mapping[str, Any],
    models: Sequence[Network],
    drawn: Sequence[tuple[int, int]],
    steps: Mapping[str, Any],
    examples: Sequence[tuple[str, str]],
    cells: Sequence[offline.Cell],
    address: str = "",
) -> bytes:
    """The file, in the language in use. ``tree``, ``cells`` and ``address`` are as for ``offline.page``; ``drawn``:
    which (layer, direction) of each model; ``steps``: of "Step by step" (``dashboard.figures.walk``)."""
    return whole(parts(tree, models, drawn, steps, examples, cells), address)


def whole(made: Parts, address: str = "") -> bytes:
    """The page with all of its parts in one file."""
    imports = dict(offline.modules(language.current(), START, made.modules))
    return written(
        made,
        policy="script-src 'unsafe-inline' data:; style-src 'unsafe-inline'; img-src data: blob:",
        styles="\n".join(f'<style data-file="{name}">{css}</style>' for name, css in styles().items()),
        modules=f'<script type="importmap">{json.dumps({"imports": imports})}</script>',
        above="",
        networks="\n".join(
            f'<script type="text/plain" id="network-{k}">{offline.packed(data)}</script>'
            for k, data in enumerate(made.networks.values())
        ),
        start=offline.renamed_to_names(START),
        origin=f"{made.origin} {offline.origin(made.names, address, False)}",
    )


def parts(
    tree: Mapping[str, Any],
    models: Sequence[Network],
    drawn: Sequence[tuple[int, int]],
    steps: Mapping[str, Any],
    examples: Sequence[tuple[str, str]],
    cells: Sequence[offline.Cell],
) -> Parts:
    """The parts, in the language in use; see ``page``."""
    files = {model.name: list_models()[model.name].read_bytes() for model in models}
    hashes = {name: sha256(data).hexdigest() for name, data in files.items()}
    sides = [
        {
            "network": f"network-{list(files).index(model.name)}",
            "sha256": hashes[model.name],
            **known(model, *at),
        }
        for model, at in zip(models, drawn, strict=True)
    ]
    template = {**tree, "figure": _empty(tree["figure"]), "sides": [_bare(side) for side in tree["sides"]]}
    template["steps"] = steps_of(steps, models)
    template |= {"language": language.current(), "known": sides, "examples": [list(one) for one in examples]}
    return Parts(
        names=" / ".join(side["model"] for side in tree["sides"]),
        content=pack(template),
        networks=files,
        modules={f"cell/{k}": javascript(m.cell, m.attention is not None) for k, m in enumerate(models)},
        below="".join([*map(offline.equations_of, cells), _trained(tree["honesty"])]),
        origin=_origin(hashes),
    )


def _trained(honesty: Sequence[str]) -> str:
    """What a reader must know about how the models were trained; beside the figure there is no room for it."""
    said = "".join(f"<p>{escape(one)}</p>" for one in honesty)
    heading = escape(tr("How the models were trained"))
    return f"<section><h2>{heading}</h2>{said}</section>" if said else ""


def styles() -> dict[str, str]:
    """Style sheets by the name under which the page's modules ask for them, in their order."""
    files = {"gates.css": "gates/gates.css", "walk.css": "walk/walk.css", "controls.css": "controls/controls.css"}
    files["talk.css"] = "talk/talk.css"
    sheets = {"offline.css": offline.look()} | {name: source(path) for name, path in files.items()}
    return sheets | {"plotly.js": source("live/live.css")}


def written(made: Parts, *, policy: str, origin: str, **blocks: str) -> bytes:
    """The page in HTML. policy: what it may load; blocks: the places of live/live.html that say how its parts come."""
    whole = Template(source("live/live.html")).substitute(
        language=language.current(),
        policy=f"default-src 'none'; {policy}",
        title=escape(f"Gatescope: {made.names}"),
        waiting=escape(tr("The figure is drawn by JavaScript, in a browser of 2023 or later.")),
        damaged=offline.damaged(),
        cells=made.below,
        origin=origin,
        content=offline.packed(made.content),
        **blocks,
    )
    return whole.encode("utf-8", "replace")


def _origin(hashes: Mapping[str, str]) -> str:
    """What runs here: the models by their files' hashes."""
    files = tr("; ").join(f"{name} (SHA-256 {digest[:16]})" for name, digest in hashes.items())
    return escape(tr("Everything on this page is computed in your browser, by {files}.", files=files))


def declared(cell: type[Cell]) -> dict[str, Any]:
    """What has to be known of a cell to run it (``dashboard/browser/live/run.js``)."""
    return {"states": list(cell.states()), "output": cell.output, "below": list(cell.below)}


def known(model: Network, layer: int, direction: int) -> dict[str, Any]:
    """What the browser knows of a side beside its file: ``Known`` of dashboard/browser/live/types.d.ts."""
    rule = carry(model.cell)
    title, width = tr(model.cell.title), model.hidden_size
    shown = {"title": title, "count": COUNT, "all": width}
    lead = tr(
        "{title}: the {count:,} of {all:,} units that add most to the lead of the likeliest next word, or take "
        "most from it, are shown.",
        **shown,
    )
    moved = tr("{title}: the {count:,} of {all:,} units that moved most on this input are shown.", **shown)
    band = tr("The band below them sums up the others: what a tenth of them exceed, half of them, and nine tenths.")
    return {
        "declared": declared(model.cell),
        "vocabulary": vocabulary(model.tokenizer),
        "layer": layer,
        "direction": direction,
        "keep": rule.label("keep") if rule is not None and not rule.needs("keep") else None,
        "holds": [[label, value] for label, value in _holds(model.cell)],
        "memory": rule.state if rule is not None else model.cell.output,
        "scale": next((one.name for one in model.cell.signals if one.role == "normaliser"), None),
        "named": [_meant(model, name, unit) for name, unit in model.meta.get("units", {}).items()],
        "opens": sorted(before_a_subject()),
        "says": {"lead": lead, "moved": moved, "band": band},
    }


def _holds(cell: type[Cell]) -> Iterator[tuple[str, float]]:
    """What forces a memory to stay as it was, of what is a signal of its own: all is kept, nothing is written."""
    rule, names = carry(cell), {signal.name for signal in cell.signals}
    if rule is not None:
        forced = (rule.label("keep"), 1.0), (rule.label("write"), 0.0)
        yield from ((label, value) for label, value in forced if label in names)


def _meant(model: Network, name: str, unit: Mapping[str, Any]) -> dict[str, Any]:
    """A named unit, and what tells whether it holds what the name means."""
    found = meaning.MEANINGS.get(str(unit.get("meaning", "")))
    one = {
        **{"name": tr(name), "unit": int(unit["unit"]), "meaning": tr(str(unit.get("meaning", "")))},
        **{"signal": str(unit.get("signal", 0)), "layer": unit.get("layer", 0), "direction": unit.get("direction", 0)},
        **{"about": None, "threshold": 0.0, "low": 0.0, "high": 0.0, "ends": ["", ""], "han": None},
        "apart": list(meaning.told_apart(model, str(unit.get("meaning", ""))).items()),
        "scale": meaning.scale(model.cell, str(unit.get("signal", 0))),
    }
    if found is None:
        return one
    up = bool(unit.get(found.flag, found.above))
    low, high = meaning.usual(model, unit, found)
    about = [found.about, *(["pronoun"] if found.about == "person" else [])] if found.about else []
    threshold = unit.get("threshold", 0.0)
    return one | {
        "about": [meaning.words(what).pattern for what in about],
        "threshold": float(threshold) if isinstance(threshold, (int, float)) else 0.0,
        "low": max(low, -FAR),
        "high": min(high, FAR),
        "ends": [tr(end) for end in (found.ends if up else found.ends[::-1])],
        "han": list(meaning.PRONOUNS[1][:: 1 if up else -1]) if found.about == "person" else None,
    }


_vocabularies: WeakKeyDictionary[Tokenizer, dict[str, Any]] = WeakKeyDictionary()


def vocabulary(tokenizer: Tokenizer) -> dict[str, Any]:
    """What each piece is called where it is the next word, and what it adds to a text: ``Vocabulary`` of types.d.ts.

    Of a large one it takes long to tell; it is told once, and kept as long as the tokenizer is.
    """
    if tokenizer not in _vocabularies:
        _vocabularies[tokenizer] = _named(tokenizer)
    return _vocabularies[tokenizer]


def _named(tokenizer: Tokenizer) -> dict[str, Any]:
    ids = range(tokenizer.size)
    named = [words.next_word(tokenizer, id) for id in ids]
    bare = [words.bare(tokenizer, id) for id in ids]
    kind = [BYTE if name == words.BYTE else GOES_ON * words.continues(tokenizer, id) for id, name in enumerate(named)]
    typed = [added(tokenizer, id) for id in ids]
    adds = [bool(one) * (CLOSE if one.startswith("##") else TYPED) for one in typed]
    return {
        "bare": [UNKNOWN if piece == UNKNOWN else text for piece, text in zip(tokenizer.pieces, bare, strict=True)],
        "kind": np.array(kind, np.int32),
        "adds": np.array(adds, np.int32),
    }


def steps_of(content: Mapping[str, Any], models: Sequence[Network]) -> dict[str, Any]:
    """What ``dashboard.figures.walk`` makes, as far as it does not depend on the text: the browser makes the rest."""
    made = ("values", "matrices", "sources", "expects", "words", "ends", "tokens", "named", "unit")
    sides = []
    for side, model in zip(content["sides"], models, strict=True):
        kept = {name: value for name, value in side.items() if name not in made}
        trees = [line["tree"] for line in side["equations"].values()]
        products = {plain(one): one for tree in trees for one in _matrices(tree)}
        kept |= {
            "places": len(side["values"]),
            "still": [place for place, value in enumerate(side["values"]) if np.ndim(value) == 1],
            "matrices": [[name, tree] for name, tree in products.items() if name in side["matrices"]],
            "looks": side["looks"] and {"equations": side["looks"]["equations"]},
            "compared": compared(model.tokenizer),
        }
        sides.append(kept)
    return {**content, "sides": sides}


def _matrices(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What stands left of a matrix product anywhere in the tree."""
    if tree.get("o") == "@":
        yield tree["a"][0]
    for one in tree.get("a", ()):
        yield from _matrices(one)


def plain(tree: Mapping[str, Any]) -> str:
    """A matrix as ``lstm_core.equations.plain`` writes it: "W_f", "M * U_n"."""
    return tree["s"][2:] if "s" in tree else f" {tree['o']} ".join(map(plain, tree["a"]))


def _empty(figure: Mapping[str, Any]) -> dict[str, Any]:
    """The figure without its values, which are made in the browser."""
    return {**figure, "data": [{**one, "z": []} if "z" in one else one for one in figure["data"]]}


def _bare(side: Mapping[str, Any]) -> dict[str, Any]:
    """A side as far as it does not depend on the text."""
    return {name: side[name] for name in ("title", "model", "width", "wide", "memory", "backward")}
