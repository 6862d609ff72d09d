"""Every model that a page can show, by name: the shipped ones, and the visitor's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboard import cache
from dashboard.language import tr
from dashboard.state import YOURS, Settings
from lstm_core import Model

if TYPE_CHECKING:
    from dashboard.yours.session import Upload


def names() -> dict[str, str]:
    """What to call each model that can be chosen."""
    return {**{name: tr(title) for name, title in cache.models().items()}, YOURS: tr("Your model")}


def stands_for(name: str, side: str) -> str:
    """The model that is shown for ``name`` on the "left" or "right": the side's own where nothing was uploaded yet."""
    if name != YOURS or _upload() is not None:
        return name
    default: str = getattr(Settings(), side)
    return default if default in cache.models() else next(iter(cache.models()))


def model(name: str) -> Model:
    upload = _upload() if name == YOURS else None
    return cache.model(name) if upload is None else upload.model()


def read(name: str, text: str, limit: int = cache.LIMIT) -> cache.Reading:
    """The model's reading of the first ``limit`` steps."""
    upload = _upload() if name == YOURS else None
    return cache.read(name, text, limit) if upload is None else upload.read(text, limit)


def notices(name: str, shown: Model) -> list[str]:
    """What to say where ``shown`` stands for ``name``: a link does not carry the model of whoever made it."""
    if name == shown.name:
        return []
    return [tr("No model of yours is in this session yet: {name} is shown in its place.", name=shown.name)]


def _upload() -> Upload | None:
    from dashboard.yours import session  # only where it is chosen: the first page does not wait for it

    return session.place().upload
