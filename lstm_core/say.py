"""Text that another language can take over: what is said in English keeps its template and its values.

``lstm_core`` speaks English and knows of no catalogue; ``dashboard.language`` gives it one, in which ``tr`` looks a
template up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

BRACKET = "\N{FULLWIDTH RIGHT PARENTHESIS}"
"""It brings its own space: none of the template's follows it."""
_HAN = "[\u4e00-\u9fff]"
_WIDE = re.compile(rf"{_HAN}|[\u201c\u201d\u300a\u300b\uff08\uff09]")
"""Chinese characters and their quotation marks and brackets: no space stands between two of them."""


class Said(str):
    """English text made of ``template`` and ``values``; it is a ``str`` wherever a ``str`` is wanted."""

    template: str
    values: dict[str, Any]


def say(template: str, **values: Any) -> Said:
    """``template.format(**values)``, of which both parts are kept.

    A value may itself be something said. Give ``say`` the template as it stands in the code: catalogues are collected
    by reading the source.
    """
    text = Said(template.format(**values))
    text.template, text.values = template, values
    return text


_catalogue: Callable[[], Mapping[str, str]] = dict


def look_up_in(catalogue: Callable[[], Mapping[str, str]]) -> None:
    """From now on ``catalogue()``, English template to translation, is asked at every text: sessions differ."""
    global _catalogue
    _catalogue = catalogue


def tr(text: str, **values: Any) -> str:
    """``text`` in the language in use, with ``values`` filled in; what nobody translated stays English.

    A value is filled in as it is, for it may be a visitor's word, unless it is itself something said.
    """
    return translated(text, _catalogue(), **values)


def translated(text: str, catalogue: Mapping[str, str], **values: Any) -> str:
    """``tr`` by another catalogue than the one in use."""
    if isinstance(text, Said):
        text, values = text.template, {**text.values, **values}
    elif not values:
        return _kept_together(catalogue.get(text, text))
    told = {name: translated(value, catalogue) if isinstance(value, Said) else value for name, value in values.items()}
    template = catalogue.get(text, text)
    for name, value in told.items():
        if isinstance(value, str) and value:
            template = _closed_up(template, f"{{{name}}}", value)
    return _kept_together(template).format(**told)


def _kept_together(template: str) -> str:
    """``template`` with a space between a number and its % at which no line ends, as the page's words.js has it."""
    return re.sub(r"(?<=[\d}]) (?=%)", "\u202f", template) if " %" in template else template


def _closed_up(template: str, place: str, value: str) -> str:
    """``template`` without the spaces around ``place`` that ``value``, which comes there, has no use for."""
    if value[-1] == BRACKET:
        template = template.replace(f"{place} ", place)
    elif _WIDE.match(value[-1]):
        template = re.sub(f"{re.escape(place)} (?={_HAN})", place, template)
    if _WIDE.match(value[0]):
        template = re.sub(f"(?<={_HAN}) {re.escape(place)}", place, template)
    return template


def mark(text: str) -> str:
    """``text`` as it is: a constant that is translated where it is shown, found by the catalogue here."""
    return text
