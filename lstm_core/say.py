"""Text that another language can take over: what is said in English keeps its template and its values.

``lstm_core`` speaks English and knows of no catalogue; ``dashboard.language`` looks a template up and fills it in.
"""

from __future__ import annotations

from typing import Any


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
