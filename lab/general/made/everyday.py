"""What everybody knows, in both languages: the clouds are in the sky."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from lab.general.made.words import listed, words

LED = 0.3
"""Share of the English ones that something leads to."""


class Everyday:
    """fillers: real sentences that name nobody; one or two stand before half of what is said."""

    def __init__(self, rng: Random, fillers: Sequence[str]) -> None:
        self.rng, self.fillers = rng, fillers
        self.held = {key: listed(text) for key, text in words("everyday").items()}

    def _before(self) -> list[str]:
        return [self.rng.choice(self.fillers) for _ in range(self.rng.choice([0, 0, 1, 2]))]

    def sentence(self) -> str:
        said = self.rng.choice(self.held["english"])
        if self.rng.random() < LED:
            said = f"{self.rng.choice(self.held['looks'])} {said}"
        return " ".join([*self._before(), f"{said[0].upper()}{said[1:]}."])

    def sentence_zh(self) -> str:
        return "".join([*self._before(), f"{self.rng.choice(self.held['chinese'])}。"])
