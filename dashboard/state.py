"""The controls as one frozen value, bound to the URL.

The browser keeps the URL: it writes what was chosen into it and sends what the server must know
(``Settings.server_side``). The server reads the URL when a page is opened. Whatever cannot be read falls back to its
default.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from dashboard import address

SERVER_SIDE = address.SCENE
YOURS = "yours"
"""Stands for the visitor's own model where a shipped one is named."""
LONGEST = 100_000
"""Characters of a text that are looked at; the page says so when there are more tokens than it shows."""

HOMES: Mapping[str, Mapping[str, Any]] = {
    "zh": {
        **{"text": "昨天王女士去了市场，因为她很饿。后来李先生遇见了小红，他", "at": -2},
        **{"left": "pronouns_zh-lstm", "right": "pronouns_zh-gru"},
    }
}
"""What the bare address opens on in a language, where it is not the default."""


@dataclass(frozen=True)
class Settings:
    """Everything that a link reopens.

    text: what is read. left, right: names of models. picked: 1 where somebody has chosen these, whatever the text.
    layer, direction: which of the model's are drawn.
    show: which units of a wide layer have a row, as ``lstm_core.drawing.drawn`` names it.
    unit, unit2: the unit drawn as lines on the left and on the right; None is the one that decides.
    at: the cursor's step, from the end if negative. sort: the order of the units. only: the one row that is drawn.
    """

    text: str = "Mary went to the market because she was hungry. Then John met Anna and he"
    left: str = "pronouns-lstm"
    right: str = "pronouns-gru"
    picked: int = 0
    layer: int = 0
    direction: int = 0
    show: str = "lead"
    unit: int | None = None
    unit2: int | None = None
    at: int = -2
    sort: str = "index"
    only: str = ""

    @staticmethod
    def parse(params: Mapping[str, Any], models: Collection[str]) -> Settings:
        """Settings from the URL's or the browser's values; unknown names are ignored, broken values are defaults."""
        settings = Settings()
        for field in fields(Settings):
            if field.name in params:
                value = _read(params[field.name], getattr(settings, field.name), field.name)
                if value is not None:
                    settings = replace(settings, **{field.name: value})
        names = list(models)
        for side in ("left", "right"):
            if getattr(settings, side) not in names:
                default = getattr(Settings(), side)
                settings = replace(settings, **{side: default if default in names else names[0] if names else ""})
        if "text" in params and "at" not in params:
            settings = replace(settings, at=Settings.start(settings.text))
        return settings

    @staticmethod
    def start(text: str) -> int:
        """Where the cursor is at first: a sentence of one's own is read to its end."""
        homes = {Settings().text: Settings().at} | {home["text"]: home["at"] for home in HOMES.values()}
        return homes.get(text, -1)

    @staticmethod
    def home(params: Mapping[str, Any], language: str) -> Mapping[str, Any]:
        """``params``, or where they say nothing of a view what a visitor of this language sees first."""
        return params if params.keys() & {field.name for field in fields(Settings)} else HOMES.get(language, params)

    @staticmethod
    def unsaid(language: str) -> dict[str, Any]:
        """What an address in this language may leave out, for it is read as that. The text and the models are always
        said where a bare address opens a home of the language's own."""
        given = Settings().server_side()
        return {name: value for name, value in given.items() if language not in HOMES or name not in address.READERS}

    def server_side(self) -> dict[str, Any]:
        """What the server must know; the rest is chosen and kept in the browser."""
        return {name: getattr(self, name) for name in SERVER_SIDE}

    def browser_side(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name not in SERVER_SIDE}


def _read(value: Any, default: Any, name: str) -> Any:
    if isinstance(default, str):
        return str(value)[:LONGEST].encode("utf-8", "replace").decode()  # half of a pair of surrogates is no character
    try:
        number = int(str(value))
    except ValueError:
        return None
    low = -LONGEST if name == "at" else 0
    return number if low <= number <= LONGEST else None
