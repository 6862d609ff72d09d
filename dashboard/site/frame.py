"""What every page of the folder has: head and way round in the language in use, and what it loads from beside it."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template

from dashboard import language
from dashboard.language import ENGLISH, current, languages, tr
from dashboard.site.tours import EXPERIMENTS
from lstm_core import list_models
from lstm_core.drawing.modules import files

FOLDER = Path(__file__).parent
BESIDE = "'self' file:"
POLICY = f"script-src 'unsafe-inline' data: {BESIDE}; style-src 'unsafe-inline' {BESIDE}; img-src data: blob: {BESIDE}"
"""What pages may load: what lies beside them. A browser that opens a page from a disk has no 'self' there."""
INDEX = "index.html"
NAMED = (
    "const map = document.createElement('script')\nmap.type = 'importmap'\n"
    "map.textContent = JSON.stringify({ imports: window.gatescopeModules })\ndocument.head.append(map)"
)
"""Names the modules that scripts beside the page said, before the first of them is asked for."""


def root() -> str:
    """The way from a page of the language in use to the folder: English pages lie in it, others in one of their own."""
    return "" if current() == ENGLISH else "../"


def folder(code: str) -> str:
    return "" if code == ENGLISH else f"{code}/"


@cache
def version() -> str:
    """Stands behind the names of what pages share: what a browser keeps of an earlier site is not taken for it."""
    read = [*files().values(), *sorted(language.FOLDER.glob("*.po")), *list_models().values(), FOLDER / "site.css"]
    return sha256(b"".join(path.read_bytes() for path in read)).hexdigest()[:8]


def style(name: str, asked: str = "") -> str:
    """``asked``: the name under which modules ask for this sheet, which is there then."""
    said = f' data-file="{asked}"' if asked else ""
    return f'<link rel="stylesheet" href="{root()}shared/{name}?{version()}"{said}>'


def script(name: str, id: str = "") -> str:
    said = f' id="{id}"' if id else ""
    return f'<script src="{root()}shared/{name}?{version()}"{said}></script>'


def modules(more: str = "") -> str:
    """Scripts that name all modules, and the language's words. ``more``: in JavaScript, names of this page alone."""
    words = [script(f"words.{current()}.js")] if current() != ENGLISH else []
    tours = script(f"tours.{current()}.js")
    return "\n".join([script("modules.js"), *words, tours, f"<script>{more}\n{NAMED}</script>"])


def above(file: str, documents: bool) -> str:
    """The way round. ``file``: the page's name, which it has in every language."""
    ways = [(INDEX, tr("Networks"), f"{INDEX}#networks"), (EXPERIMENTS, tr("Experiments"), EXPERIMENTS)]
    links = [_link(href, title, name == file and name != INDEX) for name, title, href in ways]
    if documents:
        links.append(_link(f"{root()}docs/index.html", tr("Documentation")))
    others = [
        f'<a class="gl-language" lang="{code}" hreflang="{code}" href="{root()}{folder(code)}{file}">{name}</a>'
        for code, name in languages().items()
        if code != current()
    ]
    name = f'<a href="{INDEX}"><strong>Gatescope</strong></a>'
    return "\n".join(['<header class="gl-head">', name, *links, *others, "</header>"])


def _link(href: str, title: str, here: bool = False) -> str:
    return f'<a href="{href}"{" aria-current=page" if here else ""}>{escape(title)}</a>'


def page(file: str, title: str, description: str, body: str, documents: bool, more: tuple[str, str] = ("", "")) -> str:
    """A page that is read. more: scripts of its head and of its end."""
    return Template((FOLDER / "page.html").read_text(encoding="utf-8")).substitute(
        language=current(),
        policy=f"default-src 'none'; {POLICY}",
        description=escape(description),
        title=escape(title),
        styles="\n".join(map(style, ("offline.css", "talk.css", "wall.css", "site.css"))),
        scripts=more[0],
        above=above(file, documents),
        body=body,
        below=more[1],
    )
