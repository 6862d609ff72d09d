"""What every page begins with: the sentence box and the choice of models, and the two readings that come of it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple

import streamlit as st

from dashboard import cache
from dashboard.controls import chosen, controls
from dashboard.state import Settings
from lstm_core import Model, Trace


class Drawn(NamedTuple):
    """The layer and direction of one model that are drawn: the chosen ones, or the nearest that it has."""

    layer: int
    direction: int


@dataclass(frozen=True)
class Scene:
    """What was chosen and what came of it; the tuples hold the left side, then the right side."""

    settings: Settings
    readings: tuple[cache.Reading, cache.Reading]
    drawn: tuple[Drawn, Drawn]

    @property
    def models(self) -> tuple[Model, ...]:
        return tuple(reading.model for reading in self.readings)

    @property
    def traces(self) -> tuple[Trace, ...]:
        return tuple(reading.trace for reading in self.readings)

    def same_step(self, side: int, step: int) -> int:
        """The step at which ``side`` has read as far into the text as the left side after ``step``."""
        ends = [token.end for token in self.traces[side].tokens]
        if side == 0 or not ends:
            return step
        return max(0, bisect_right(ends, self.traces[0].tokens[step].end) - 1)

    @property
    def notices(self) -> list[str]:
        """What the reader must know about what is not shown."""
        return [
            f"{reading.trace.cell.title}: the first {cache.LIMIT:,} of {reading.found:,} tokens are shown."
            for reading in self.readings
            if reading.found > cache.LIMIT
        ]


def scene() -> Scene | None:
    """Draw the controls and read the sentence; None, with a message on the page, if there is no model at all."""
    names = cache.models()
    if not names:
        st.error("There are no models in assets/models. Train one: `python -m lstm_core.training pronouns`.")
        return None
    said = chosen() or st.session_state.get("settings") or st.query_params.to_dict()
    settings = Settings.parse(said, names)
    st.session_state["settings"] = settings.server_side()
    models = (cache.model(settings.left), cache.model(settings.right))
    layers, directions = max(len(m.layers) for m in models), max(len(m.layers[0]) for m in models)
    controls(settings, names, examples(models[0]), layers, directions)
    left, right = cache.read(settings.left, settings.text), cache.read(settings.right, settings.text)
    return Scene(settings, (left, right), (_drawn(left.model, settings), _drawn(right.model, settings)))


def examples(model: Model) -> list[tuple[str, str]]:
    """Label and text of the sentences that the model's header proposes."""
    given = [one if isinstance(one, dict) else {"text": one} for one in model.meta.get("examples", [])]
    return [(str(one.get("label", one["text"])), str(one["text"])) for one in given if "text" in one]


def _drawn(model: Model, settings: Settings) -> Drawn:
    return Drawn(min(settings.layer, len(model.layers) - 1), min(settings.direction, len(model.layers[0]) - 1))
