"""Writes the folder: ``build(folder)``."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from dashboard import language
from dashboard.export import live, offline
from dashboard.site import experiments, frame, index
from dashboard.site.pairs import Pair, pairs, parts
from dashboard.site.tours import EXPERIMENTS, tours
from lab.experiments.record import FOLDER as MEASURED
from lstm_core import list_models
from lstm_core.drawing.modules import WORDS, source

DOCUMENTS = "docs"
"""What another command puts into the folder; it is left as it is."""
OURS = "shared", "experiments"
ROOT = Path(__file__).resolve().parents[2]


def build(folder: Path) -> None:
    """Write every page, in every language. What an earlier run wrote is taken away first."""
    clean(folder)
    documents = (folder / DOCUMENTS / "index.html").exists()
    shared(folder)
    sizes = {}
    for code in language.languages():
        language.ask(lambda code=code: code)
        own = folder / frame.folder(code)
        own.mkdir(parents=True, exist_ok=True)
        for pair in pairs():
            write(own / pair.file, live_page(pair, folder, documents))
            sizes[pair] = size(own / pair.file, folder)
        write(own / EXPERIMENTS, experiments.page(documents))
        write(own / frame.INDEX, index.page(sizes, documents))
    language.ask(lambda: language.ENGLISH)


def clean(folder: Path) -> None:
    """Raises ValueError where there is something that no run of this wrote."""
    ours = {*OURS, DOCUMENTS, *language.languages()}
    there = [path for path in folder.glob("*") if path.name not in ours and path.suffix != ".html"]
    if there:
        raise ValueError(f"{there[0]} is not part of a site: name a folder that is empty or not there yet")
    for path in folder.glob("*"):
        if path.is_dir() and path.name != DOCUMENTS:
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()


def write(path: Path, text: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8", "replace") if isinstance(text, str) else text)


def shared(folder: Path) -> None:
    """What pages have in common: modules, styles, words, tours, and the figures of the experiments."""
    lies = folder / "shared"
    imports = dict(offline.modules(language.ENGLISH, live.START, {live.START: offline.renamed_to_names(live.START)}))
    write(lies / "modules.js", f"window.gatescopeModules = {json.dumps(imports)}\n")
    for name, sheet in live.styles().items():
        write(lies / sheet_file(name), sheet)
    write(lies / "wall.css", source("wall/wall.css"))
    write(lies / "site.css", (frame.FOLDER / "site.css").read_text(encoding="utf-8"))
    for code in language.languages():
        language.ask(lambda code=code: code)
        write(lies / f"tours.{code}.js", f"window.gatescopeTours = {json.dumps(tours(), ensure_ascii=False)}\n")
        if code != language.ENGLISH:
            name, words = offline.named(WORDS.format(code=code), language.script(code))
            write(lies / f"words.{code}.js", f"window.gatescopeModules[{json.dumps(name)}] = {json.dumps(words)}\n")
    shutil.copyfile(ROOT / "assets" / "screenshots" / "gates.png", lies / "gates.png")
    for path in MEASURED.glob("*.json"):
        write(folder / "experiments" / path.name, path.read_bytes())


def sheet_file(asked: str) -> str:
    """The file of a style sheet that modules ask for under this name; one goes by the name of Plotly's script."""
    return "live.css" if asked == "plotly.js" else asked


def weights(name: str, folder: Path) -> str:
    """The script that says a model's file, written once. It puts it where a saved page has it: in its own element."""
    path = folder / "shared" / f"{name}.js"
    if not path.exists():
        packed = offline.packed(list_models()[name].read_bytes())
        write(path, f'document.currentScript.textContent = "{packed}"\n')
    return path.name


def live_page(pair: Pair, folder: Path, documents: bool) -> bytes:
    made = parts(pair)
    cells = dict(offline.named(name, code) for name, code in made.modules.items())
    networks = [frame.script(weights(name, folder), f"network-{k}") for k, name in enumerate(made.networks)]
    named = f"Object.assign(window.gatescopeModules, {json.dumps(cells)})"
    styles = [frame.style(sheet_file(name), name) for name in live.styles()]
    return live.written(
        made,
        policy=frame.POLICY,
        origin=made.origin,
        styles="\n".join([*styles, frame.style("site.css")]),
        modules=frame.modules(named),
        above=frame.above(pair.file, documents),
        networks="\n".join(networks),
        start=f'import "{offline.PREFIX}{live.START}"',
    )


def size(page: Path, folder: Path) -> int:
    """Bytes of a page and of all that it loads."""
    loaded = loads(page.read_text(encoding="utf-8"))
    return page.stat().st_size + sum((page.parent / name).stat().st_size for name in loaded)


def loads(html: str) -> list[str]:
    """What a page's elements load: the ways there."""
    return re.findall(r'<(?:(?:script|img)\b[^>]*?\ssrc|link\b[^>]*?\shref)="([^"?]+)', html)
