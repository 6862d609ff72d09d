"""What the page says, in the visitor's language. English is in the code; ``locale/XX.po`` holds another language.

``tr("... {count:,} ...", count=5)`` looks the template up and fills it in; what ``lstm_core`` says is looked up by its
own template (`lstm_core.say`). ``python -m dashboard.catalogue`` collects the templates, from Python and JavaScript.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from lstm_core.say import Said

FOLDER = Path(__file__).with_name("locale")
ENGLISH = "en"
BRACKET = "\N{FULLWIDTH RIGHT PARENTHESIS}"
"""It brings its own space: none of the template's follows it."""

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


def tr(text: str, **values: Any) -> str:
    """``text`` in the language in use, with ``values`` filled in; what nobody translated stays English.

    A value is filled in as it is, for it may be a visitor's word, unless it is itself something said.
    """
    if isinstance(text, Said):
        text, values = text.template, {**text.values, **values}
    elif not values:
        return words(current()).get(text, text)
    told = {name: tr(value) if isinstance(value, Said) else value for name, value in values.items()}
    template = words(current()).get(text, text)
    for name, value in told.items():
        if isinstance(value, str) and value.endswith(BRACKET):
            template = template.replace(f"{{{name}}} ", f"{{{name}}}")
    return template.format(**told)


def mark(text: str) -> str:
    """``text`` as it is: a constant that is translated where it is shown, found by the catalogue here."""
    return text


@cache
def words(language: str) -> Mapping[str, str]:
    """The catalogue: English template to translation. Read once; English needs none, and does not load the reader."""
    return {text: said for text, said, _ in _entries(language)}


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
