"""One colour scale per kind of signal and one colour per role, safe for colour-blind readers and readable in grey.

Gates are shares, 0 to 1: CARTO's "Teal" (CC-BY 3.0). Everything signed is ColorBrewer's "PuOr" (Apache-2.0), symmetric
about 0: its purples are taken where they are as light as its oranges. On a dark page both start from the page's
background, so that "nothing" has the colour of the page. Lines are Okabe & Ito's (2008), lighter on a dark page, and
the palest of them darker on a light one. ``tests/test_colors.py`` looks at them as colour-blind readers do.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

_TEAL = ("#d1eeea", "#a8dbd9", "#85c4c9", "#68abb8", "#4f90a6", "#3b738f", "#2a5674")
_ORANGE = ("#fee0b6", "#fdb863", "#e08214", "#b35806", "#7f3b08")
_PURPLE = ("#e2e4ef", "#c5c3df", "#9d93c2", "#7967a6", "#5f3a91")

BACKGROUND = {"light": "#ffffff", "dark": "#14171c"}
TEXT = {"light": "#1f2328", "dark": "#e3e6ea"}
QUIET = {"light": "#646b73", "dark": "#9aa2ab"}
RULE = {"light": "#d9dde1", "dark": "#343a42"}

ROLE_COLORS = {
    "light": {
        "keep": "#0072b2",
        "write": "#d55e00",
        "expose": "#009e73",
        "reset": "#cc79a7",
        "candidate": "#c48400",
        "cell": "#705ca8",
        "hidden": "#3a96cf",
    },
    "dark": {
        "keep": "#56b4e9",
        "write": "#ff8a3d",
        "expose": "#2ec79a",
        "reset": "#e29cc1",
        "candidate": "#f0bd4a",
        "cell": "#a99bdc",
        "hidden": "#8fc9ee",
    },
}
OTHER_COLOR = "#888888"
MODEL_ROLES = {"lstm": "keep", "gru": "write", "rnn": "reset"}
"""Which role lends a cell its colour, where models are told apart and no signals are."""


def _scale(colors: tuple[str, ...]) -> list[list[Any]]:
    return [[k / (len(colors) - 1), color] for k, color in enumerate(colors)]


GATE_SCALE = {
    "light": _scale(("#f7fbfa", *_TEAL)),
    "dark": _scale((BACKGROUND["dark"], *reversed(_TEAL))),
}
SIGNED_SCALE = {
    "light": _scale((*reversed(_ORANGE), "#f7f7f7", *_PURPLE)),
    "dark": _scale((*_ORANGE[1:], BACKGROUND["dark"], *reversed(_PURPLE[1:]))),
}


def role_color(role: str, mode: str = "light") -> str:
    """The colour of a role's line on a light or dark page; grey for a role without one."""
    return ROLE_COLORS[mode].get(role, OTHER_COLOR)


def model_color(cell_name: str, mode: str = "light", taken: Collection[str] = ()) -> str:
    """A model's colour by its cell, the same on every page: LSTM, GRU and RNN have their own. Another cell, or a second
    model of one, takes the first colour that is neither theirs nor ``taken``; grey when there is none left."""
    colors, own = ROLE_COLORS[mode], MODEL_ROLES.get(cell_name)
    if own and colors[own] not in taken:
        return colors[own]
    free = (color for role, color in colors.items() if role not in MODEL_ROLES.values() and color not in taken)
    return next(free, OTHER_COLOR)


def layout(mode: str) -> dict[str, Any]:
    """A layout's colours on a "light" or "dark" page; ``coloraxis`` is for gates, ``coloraxis2`` for signed values."""
    return {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": TEXT[mode], "size": 12},
        "coloraxis": {"colorscale": GATE_SCALE[mode], "cmin": 0, "cmax": 1, "showscale": False},
        "coloraxis2": {"colorscale": SIGNED_SCALE[mode], "cmin": -1, "cmax": 1, "showscale": False},
    }
