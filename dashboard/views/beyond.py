"""The page "Beyond": networks of which the recurrent one is a part. What each shows is a module of its own."""

from __future__ import annotations

from collections.abc import Callable

from dashboard import frame
from dashboard.beyond import drawing, imagining, looking, translating
from dashboard.controls.kept import kept_option
from dashboard.language import mark, tr

SHOWN: dict[str, Callable[[], None]] = {
    mark("Look"): looking.show,
    mark("Translate"): translating.show,
    mark("Draw"): drawing.show,
    mark("Imagine"): imagining.show,
}
"""By what stands in the address."""


@frame.bare(mark("Beyond"), order=10)
def page() -> None:
    name = kept_option("beyond", tr("A network that does more than read"), list(SHOWN))
    SHOWN[name]()
