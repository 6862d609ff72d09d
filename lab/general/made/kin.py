"""Chinese sentences about somebody who is somebody's, 他的妈妈, and about several."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from lab.general.made.chinese import SUBJECT, Chinese
from lab.general.made.words import GENDERS, words

THEM = {"female": "她们", "male": "他们"}
OWNERS = "他 她 他 她 我 你 我们 他们".split()


class Kin(Chinese):
    """A word that says he or she is read before somebody of whom the other is said."""

    def __init__(self, rng: Random, tom_mary: Sequence[str], others: Sequence[str]) -> None:
        super().__init__(rng, tom_mary, others)
        self.more = {key: value.split() for key, value in words("kin").items()}

    def person(self, gender: str, plain: bool = False) -> str:
        """Somebody's mother; now and then her friend's. plain: as everybody."""
        rng = self.rng
        if plain or rng.random() < 0.15:
            return super().person(gender, plain)
        owner = rng.choice(OWNERS) if rng.random() < 0.6 else super().person(rng.choice(GENDERS), True)
        if rng.random() < 0.2:
            owner += rng.choice(["", "的"]) + rng.choice(self.kin[rng.choice(GENDERS)])
        return f"{owner}{rng.choice(['', '的', '的'])}{rng.choice(self.kin[gender])}"

    def sentence(self) -> str:
        """Marked."""
        gender = self.rng.choice(GENDERS)
        if self.rng.random() < 0.2:
            return self.several()
        ways = [self._what_is, self._what_is, self._what_is, self._comes, self._said, self._fronted, self._joined]
        return self.rng.choice([*ways, self._after_a_while])(gender)

    def several(self) -> str:
        """Of two people, or of several: they; with me among them, we. Marked."""
        rng = self.rng
        genders = rng.choices(GENDERS, k=2)
        kind, them = rng.random(), THEM["female" if set(genders) == {"female"} else "male"]
        who = [self.name(gender) if rng.random() < 0.5 else super(Kin, self).person(gender, True) for gender in genders]
        if kind < 0.45:
            group = f"{who[0]}{rng.choice('和跟')}{who[1]}"
        elif kind < 0.65:
            group, them = f"我和{who[0]}", "我们"
        elif kind < 0.75:
            group, them = rng.choice(self.more["sisters"]), THEM["female"]
        else:
            group, them = rng.choice(self.more["groups"]), THEM["male"]
        return f"{group}{self._does()}{self._do('joins')}[{them}]{self._do('went_on')}。"

    def _does(self) -> str:
        """What somebody is or did; now and then both."""
        rng = self.rng
        said = [rng.choice(self.more["is"])] if rng.random() < 0.6 else [self._do("did")]
        if rng.random() < 0.4:
            said.append(rng.choice(self.more["is"]) if rng.random() < 0.6 else self._do("did"))
        return "，".join(said)

    def _what_is(self, gender: str) -> str:
        return f"{self.person(gender)}{self._does()}{self._then(gender)}"

    def _comes(self, gender: str) -> str:
        rng = self.rng
        said = rng.choice(["，", "，说", "，对我说", "，然后", "，告诉我们", "的时候，"])
        return f"{self.person(gender)}{rng.choice(self.more['comes'])}{said}[{SUBJECT[gender]}]{self._do('went_on')}。"
