"""What the page says, in the visitor's language. English is in the code; ``locale/XX.po`` holds another language.

``tr("... {count:,} ...", count=5)`` looks the template up and fills it in; what ``lstm_core`` says is looked up by its
own template (`lstm_core.say`), or by the one that the page has in its place (`dashboard.advice`).
``python -m dashboard.catalogue`` collects the templates, from Python and JavaScript.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from dashboard.advice import HERE
from lstm_core.say import look_up_in, mark, tr

__all__ = ["ENGLISH", "FOLDER", "ask", "best", "current", "languages", "mark", "script", "tr", "words"]

FOLDER = Path(__file__).with_name("locale")
ENGLISH = "en"

_asked: Callable[[], str] = lambda: ENGLISH  # noqa: E731


def ask(source: Callable[[], str]) -> None:
    """From now on ``source()`` says which language is wanted; it is asked at every text: sessions differ."""
    global _asked
    _asked = source


def current() -> str:
    """The language in use, a key of ``languages()``."""
    return _asked()


@cache
def languages() -> dict[str, str]:
    """Code and own name of each language that there is a catalogue of; English first."""
    names = {ENGLISH: "English", "zh": "中文"}
    return {code: names.get(code, code) for code in (ENGLISH, *sorted(path.stem for path in FOLDER.glob("*.po")))}


def best(*wanted: str | None) -> str:
    """The first of the wanted languages that there is: "zh-CN" is served with "zh"; English if there is none."""
    for one in wanted:
        if one and (code := one.lower().replace("_", "-").partition("-")[0]) in languages():
            return code
    return ENGLISH


@cache
def words(language: str) -> Mapping[str, str]:
    """What is said in the place of an English template: its translation, or that of what the page says in the place of
    the library. Read once; English has no catalogue, and does not load the reader."""
    found = {text: said for text, said, _ in _entries(language)}
    return found | {library: found.get(page, page) for library, page in HERE.items()}


look_up_in(lambda: words(current()))


@cache
def script(language: str) -> str:
    """The part of the catalogue that the browser needs, as a JavaScript module."""
    found = {text: said for text, said, files in _entries(language) if any(name.endswith(".js") for name in files)}
    return f"export default {json.dumps(found, ensure_ascii=False)}\n"


@cache
def _entries(language: str) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """(English, translation, files that show it) of each entry that somebody translated."""
    if language == ENGLISH:
        return ()
    from babel.messages.pofile import read_po

    with (FOLDER / f"{language}.po").open("rb") as file:
        return tuple(
            (str(entry.id), str(entry.string), tuple(name for name, _ in entry.locations))
            for entry in read_po(file, locale=language)
            if entry.id and entry.string and not entry.fuzzy
        )
