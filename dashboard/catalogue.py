"""``python -m dashboard.catalogue``: brings ``locale/*.po`` up to what the code says. New entries come in empty.

Collected are the templates that stand in ``tr``, ``mark`` and ``say``, in Python and in JavaScript, and what is shown
of the registries: cells, experiments and the headers of the shipped models.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from dashboard.language import ENGLISH, FOLDER
from dashboard.talk.tour import shipped
from lab.experiments import discover
from lab.experiments.record import results
from lab.tasks.miniature import MINIATURES
from lstm_core import CELLS, list_models, load_model
from lstm_core.attention import ALPHA, SOURCE
from lstm_core.beyond import kept
from lstm_core.cells import VARIANTS

ROOT = Path(__file__).resolve().parent.parent
KEYWORDS: dict[str, Any] = {"tr": None, "mark": None, "say": None}
METHODS = [("static/**", "ignore"), ("dashboard/static/**", "ignore"), ("**.py", "python"), ("**.js", "javascript")]


def collected() -> Catalog:
    """Every text that the page shows, with the files that show it."""
    found = Catalog(charset="utf-8")
    for package in ("dashboard", "lab", "lstm_core"):
        rows = extract_from_dir(ROOT / package, METHODS, keywords=KEYWORDS, strip_comment_tags=True)
        for path, _, text, _, _ in sorted(rows, key=lambda row: (row[0], row[1])):
            found.add(text if isinstance(text, str) else text[0], locations=[(f"{package}/{path}", 0)])
    for place, text in registered():
        found.add(text, locations=[(place, 0)])
    return found


def registered() -> Iterator[tuple[str, str]]:
    """(where it comes from, text) of what is shown of cells, experiments and models and stands in no call."""
    for cell in (*CELLS.values(), *VARIANTS.values()):
        for text in (cell.title, cell.source, cell.note, *(signal.meaning for signal in cell.signals)):
            if text:
                yield f"{cell.__module__.replace('.', '/')}.py", text
    yield from (("lstm_core/attention.py", text) for text in (ALPHA.meaning, SOURCE))
    for name, one in discover().items():
        texts = (one.title, one.claim, one.source, one.look, one.disproof, *filter(None, [one.shaped]))
        for text in (*texts, *(target.says for target in one.targets), *(t.ask for t in one.tries if t.ask)):
            yield f"lab/experiments/{name.replace('-', '_')}.py", text
        measured = results(name)
        for text in measured.notes if measured else ():
            yield f"assets/experiments/{name}.json", text
    for miniature in MINIATURES.values():
        yield from (("lab/tasks/miniature.py", text) for text in (miniature.title, miniature.about))
    for name, tour in shipped().items():
        if tour.language not in ("", ENGLISH):
            continue  # it is written in its own language
        yield from ((f"assets/tours/{name}.json", text) for text in (tour.title, *(view.line for view in tour.views)))
    for name in list_models():
        meta = load_model(name).meta
        labels = [str(one["label"]) for one in meta.get("examples", ()) if isinstance(one, dict) and "label" in one]
        meanings = [str(unit["meaning"]) for unit in meta.get("units", {}).values() if unit.get("meaning")]
        for text in (meta.get("title"), meta.get("honesty"), *labels, *meta.get("units", {}), *meanings):
            if text:
                yield f"assets/models/{name}", str(text)
    for name, path in kept.files().items():
        yield f"assets/models/beyond/{name}", str(kept.header(path)["honesty"])


def updated(path: Path, found: Catalog) -> bytes:
    """The catalogue at ``path`` with the entries of ``found``, its translations kept, unused ones left out."""
    with path.open("rb") as file:
        catalogue = read_po(file, locale=path.stem)
    catalogue.update(found, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    file = io.BytesIO()
    write_po(file, catalogue, width=120, omit_header=False, sort_by_file=True, include_lineno=False)
    return file.getvalue()


def main() -> None:
    found = collected()
    for path in sorted(FOLDER.glob("*.po")):
        path.write_bytes(updated(path, found))
        with path.open("rb") as file:
            empty = [message.id for message in read_po(file) if message.id and not message.string]
        print(f"{path.name}: {len(found)} texts, {len(empty)} without a translation")
        for text in empty:
            print(f"  {text}")


if __name__ == "__main__":
    main()
