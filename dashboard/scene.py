"""What a page shows: models, what they read of the sentence, which layer and units of them. Nothing is drawn here."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import NamedTuple
from weakref import ref

from dashboard import cache, library, unread
from dashboard.cache import cut
from dashboard.language import mark, tr
from dashboard.state import Settings
from lstm_core import Network, Trace

LOST = mark("The text of this link was too long for an address; paste it to see it.")


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
    units: tuple[int, int] = (0, 0)  # what each side's page speaks of until another unit is picked
    lost: bool = False  # the link stands for a text that was too long for it
    only: tuple[str, ...] = ()  # the sentences for which alone its models are there; none where they read any
    writing: bool = False  # somebody is still writing at the end of the text
    why: str = ""  # why no more steps are shown where the page has cut the readings, in a sentence

    @property
    def models(self) -> tuple[Network, ...]:
        return tuple(reading.model for reading in self.readings)

    @property
    def traces(self) -> tuple[Trace, ...]:
        return tuple(reading.trace for reading in self.readings)

    @property
    def key(self) -> Hashable:
        """Two scenes with one key show the same, in one language. It keeps no reading in memory."""
        return self.settings, self.drawn, self.units, self.lost, self.only, self.writing, *map(ref, self.readings)

    def first(self, steps: int, why: str = "") -> Scene:
        """The scene of no more than the first ``steps`` of each side; ``why`` there are not more."""
        if all(len(trace) <= steps for trace in self.traces):
            return self
        left, right = (
            one
            if len(one.trace) <= steps
            else replace(library.read(one.model.name, self.settings.text, steps), notes=one.notes)
            for one in self.readings
        )
        return replace(self, readings=(left, right), why=why)

    def cursor(self, side: int) -> int:
        """The step of ``side`` at which the address has the cursor; 0 where nothing is read."""
        at, count = self.settings.at, len(self.traces[0])
        return self.same_step(side, max(0, min(at + count if at < 0 else at, count - 1))) if count else 0

    def same_step(self, side: int, step: int) -> int:
        """The step at which ``side`` has read as far into the text as the left side after ``step``."""
        return step if side == 0 else same_step(self.traces[0], self.traces[side], step)

    @property
    def notices(self) -> list[str]:
        """What the reader must know about what is not shown."""
        wanted = (self.settings.left, self.settings.right)
        said = [
            note
            for name, reading in zip(wanted, self.readings, strict=True)
            for note in (*library.notices(name, reading.model), *reading.others)
        ]
        unknown = unread.notices(self.readings, self.settings.text if self.writing else "")
        return [tr(LOST)] * self.lost + list(dict.fromkeys([*unknown, *cut(self.readings, self.why), *said]))


def same_step(first: Trace, other: Trace, step: int) -> int:
    """The step at which ``other`` has read as far into the text as ``first`` after ``step``; where one of them reads
    no text, the step of the same number."""
    if not first.tokens or not other.tokens:
        return min(step, max(0, len(other) - 1))
    return max(0, bisect_right([token.end for token in other.tokens], first.tokens[step].end) - 1)
