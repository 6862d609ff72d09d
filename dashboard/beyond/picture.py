"""The component with a picture that is made by clicking."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dashboard.browser.mount import mounted, told
from dashboard.language import tr
from lstm_core.beyond import pictures

_picture = mounted("gatescope_picture", "picture/picture.js")


def picture(
    shown: str, examples: Sequence[tuple[str, str]], choose: Callable[[str], None], key: str = "picture"
) -> None:
    """Draw the picture to click on, ``shown`` as ``pictures.written`` writes it. ``choose`` is told what a click made
    of it, before the page is drawn again."""

    def clicked() -> None:
        said, _ = told(key, "picture")
        if isinstance(said, str):
            choose(said)

    def css(color: tuple[float, float, float]) -> str:
        return "#" + "".join(f"{round(255 * part):02x}" for part in color)

    colors = [
        {"letter": letter, "name": tr(color), "css": css(pictures.COLORS[color])}
        for letter, color in pictures.COLOR_LETTERS.items()
    ]
    forms = [{"letter": letter, "name": tr(form)} for letter, form in pictures.FORM_LETTERS.items()]
    unseen = [pictures.written([pictures.Shape(0, *pair)])[:2] for pair in pictures.HELD_OUT]
    offered = [{"label": label, "picture": one} for label, one in examples]
    content = {"picture": shown, "colors": colors, "forms": forms, "unseen": unseen, "examples": offered}
    content |= {"side": pictures.GRID, "most": pictures.MOST, "heard": told(key, "picture")[1]}
    _picture(key, content, on_picture_change=clicked)
