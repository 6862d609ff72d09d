"""English sentences whose verb agrees with a subject that stands before other nouns."""

from __future__ import annotations

from random import Random

from lab.general.made.words import listed, words

VERBS = {"is": ("is", "are"), "was": ("was", "were"), "has": ("has", "have"), "does": ("doesn't", "don't")}
AFTER_DOES = "work|matter|look good|help|exist any more|belong here|come from here|like it|move|change|look old".split(
    "|"
)


class Number:
    def __init__(self, rng: Random) -> None:
        self.rng = rng
        held = words("things")
        self.pairs = [line.split() for line in listed(held["pairs"])]
        self.lists = {key: listed(held[key]) for key in ("relative", "after_is", "after_has")}
        self.held = held
        self.adjectives = held["adjectives"].split()

    def noun(self, many: bool) -> str:
        rng = self.rng
        determiner = rng.choice(self.held["determiners_more" if many else "determiners_one"])
        noun = rng.choice(self.pairs)[many]
        adjective = f"{rng.choice(self.adjectives)} " * (rng.random() < 0.3)
        if determiner == "A" and (adjective or noun)[0] in "aeiou":
            determiner = "An"
        return f"{determiner} {adjective}{noun}"

    def sentence(self) -> str:
        rng, many = self.rng, self.rng.random() < 0.5
        subject = self.noun(many)
        for _ in range(rng.choice([0, 1, 1, 1, 1, 2, 2, 3])):
            if rng.random() < 0.7:
                subject += f" {rng.choice(self.held['between_words'])} {self._low(self.noun(rng.random() < 0.5))}"
            else:
                second = rng.choice(self.pairs)
                clause = rng.choice(self.lists["relative"])
                subject += f" {clause.format(noun=second[rng.random() < 0.4])}"
                break
        before = rng.choice(self.held["before"])
        subject = f"{before} {self._low(subject)}" if before else subject
        kind = rng.choice(["is", "is", "is", "was", "was", "has", "does"])
        after = {"has": self.lists["after_has"], "does": AFTER_DOES}.get(kind, self.lists["after_is"])
        return f"{subject} [{VERBS[kind][many]}] {rng.choice(after)}."

    @staticmethod
    def _low(phrase: str) -> str:
        return phrase[0].lower() + phrase[1:]
