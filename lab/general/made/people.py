"""English sentences about a man or a woman, and the pronoun that comes after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from lab.general.made.words import GENDERS, listed, name, words

SUBJECT = {"female": "she", "male": "he"}
OBJECT = {"female": "her", "male": "him"}
OWN = {"female": "her", "male": "his"}
SELF = {"female": "herself", "male": "himself"}
CALLED = 0.08
"""Share of those with a name who are called by what they are to the family: Mom. Else "Mom said that" leads to he."""
OF_SEVERAL = {"was": "were", "is": "are", "likes": "like", "lives": "live"}
POSSESSORS = ("my", "our", "your", "their", "his", "her")
OWNED = """keys umbrella bag book coat hat car house friends children work room phone letter money job name dog bicycle
    hair eyes    hands face glasses shoes breakfast homework parents tea mind best way birthday""".split()
WITH_OWNED = "lost forgot sold found hid painted cleaned wanted missed loved liked showed_us".split()
COMPANY = "mother friends father dog children parents neighbours".split()
LISTS = ("did", "did_to", "suffered", "join", "next", "says", "went_on", "fronted")
# With a second person in the sentence, these leave no doubt that the pronoun is the subject's.
OF_SUBJECT = (
    ", and",
    ", and then",
    ", but",
    ", and later",
    "and said that",
    "and hoped that",
    "before",
    "after",
    "while",
)


def called(rng: Random, gender: str) -> str:
    """A first name, or what stands for one in a family."""
    return rng.choice(words("people")["called"][gender]) if rng.random() < CALLED else name(rng, gender)


def other(gender: str) -> str:
    return "male" if gender == "female" else "female"


class People:
    """Writes sentences. fillers: real sentences that name nobody, put between a person and the pronoun."""

    def __init__(self, rng: Random, fillers: Sequence[str]) -> None:
        self.rng, self.fillers = rng, fillers
        held = words("people")
        self.lists = {key: listed(held[key]["words"]) for key in LISTS}
        self.nouns = {gender: held["nouns"][gender].split() for gender in GENDERS}
        self.kin, self.titles = held["kin"], held["titles"]
        self.groups = held["several"]["words"]
        self.surnames = held["titles"]["surnames"].split()
        self.adjectives = held["adjectives"]["words"].split()

    def pick(self, key: str) -> str:
        return self.rng.choice(self.lists[key])

    def sentence(self) -> str:
        """A sentence or a few, marked."""
        gender = self.rng.choice(GENDERS)
        return self._capital(self.rng.choice(self._ways())(gender))

    def person(self, gender: str, plain: bool = False) -> str:
        """Somebody: by name, by title, by noun, or as somebody's. plain: not as somebody's."""
        rng, kind = self.rng, self.rng.random()
        if kind < 0.5:
            return f"<{called(rng, gender)}>"
        if kind < 0.56:
            return f"<{name(rng, gender)} {rng.choice(self.surnames)}>"
        if kind < 0.66:
            return f"{rng.choice(self.titles[gender])} <{rng.choice(self.surnames)}>"
        if kind < 0.86 or plain:
            return f"{rng.choice(['the', 'the', 'the', 'a', 'this', 'that'])} {self.noun(gender)}"
        owner = rng.choice([*POSSESSORS, f"{self.person(rng.choice(GENDERS), True)}'s"])
        return f"{owner} {rng.choice(self.kin[gender])}"

    def noun(self, gender: str) -> str:
        return f"{self.rng.choice(self.adjectives)} " * (self.rng.random() < 0.3) + self.rng.choice(self.nouns[gender])

    def _ways(self) -> list[Callable[[str], str]]:
        return [
            self._joined, self._joined, self._said, self._of_somebody, self._suffered, self._fronted, self._relative,
            self._beside, self._new_sentence, self._after_a_while, self._pronoun_read, self._own, self._own,
            self._cleft, self._as_object, self._quoted,
        ]  # fmt: skip

    def several(self) -> str:
        """Of two people, or of several: they; with me among them, we. Marked."""
        rng, they, their = self.rng, "they", "their"
        who = [self.person(gender) for gender in rng.choices(GENDERS, k=2)]
        kind = rng.random()
        if kind < 0.55:
            group = " and ".join(who)
        elif kind < 0.7:
            group, they, their = f"{who[0]} and I", "we", "our"
        else:
            group = f"{rng.choice(['the', 'the', 'these', *POSSESSORS])} {rng.choice(self.groups)}"
        if rng.random() < 0.2:
            did = rng.choice(WITH_OWNED).replace("_", " ")
            return self._capital(f"{group} {did} [{their}] {rng.choice(OWNED)}.")
        first, *rest = self.pick("went_on").split(" ")
        went_on = " ".join([OF_SEVERAL.get(first, first), *rest])
        join = self.pick("next") if rng.random() < 0.3 else self.pick("join")
        pronoun = they.capitalize() if join == "." else they
        clause = f"{group} {self.pick('did')}{'' if join[0] in ',.' else ' '}{join}"
        return self._capital(f"{clause} [{pronoun}] {went_on}.")

    def _then(self, gender: str) -> str:
        """What joins, the pronoun, and what is said with it."""
        rng = self.rng
        if rng.random() < 0.25:
            return self._new(gender)
        join = self.pick("join")
        return f"{'' if join.startswith(',') else ' '}{join} [{SUBJECT[gender]}] {self.pick('went_on')}."

    def _new(self, gender: str) -> str:
        after = self.pick("next")
        pronoun = SUBJECT[gender].capitalize() if after == "." else SUBJECT[gender]
        return f"{after} [{pronoun}] {self.pick('went_on')}."

    def _of_subject(self, gender: str) -> str:
        join = self.rng.choice(OF_SUBJECT)
        return f"{'' if join.startswith(',') else ' '}{join} [{SUBJECT[gender]}] {self.pick('went_on')}."

    def _joined(self, gender: str) -> str:
        return f"{self.person(gender)} {self.pick('did')}{self._then(gender)}"

    def _said(self, gender: str) -> str:
        return f"{self.person(gender)} {self.pick('says')} [{SUBJECT[gender]}] {self.pick('went_on')}."

    def _of_somebody(self, gender: str) -> str:
        second = self.person(self.rng.choice(GENDERS), True)
        return f"{self.person(gender)} {self.pick('did_to')} {second}{self._of_subject(gender)}"

    def _suffered(self, gender: str) -> str:
        by = self.person(self.rng.choice(GENDERS), True)
        return f"{self.person(gender)} was {self.pick('suffered')} by {by}{self._then(gender)}"

    def _fronted(self, gender: str) -> str:
        clause = f"{self.pick('fronted')} {self.person(gender)} {self.pick('did')}"
        return f"{clause}, [{SUBJECT[gender]}] {self.pick('went_on')}."

    def _relative(self, gender: str) -> str:
        rng, second = self.rng, self.person(self.rng.choice(GENDERS), True)
        clause = rng.choice(
            [f"who {self.pick('did')}", f"who {self.pick('did_to')} {second}", f"that {second} {self.pick('did_to')}"]
        )
        if rng.random() < 0.5:
            who = f"{self.person(gender)}, {clause.replace('that', 'whom')},"
            return f"{who} {self.pick('says')} [{SUBJECT[gender]}] {self.pick('went_on')}."
        return f"the {self.noun(gender)} {clause} {self.pick('did')}{self._of_subject(gender)}"

    def _beside(self, gender: str) -> str:
        place = self.rng.choice(
            ["next to", "with", "behind", "in front of", "opposite", "near", "between us and", "across from"]
        )
        second = self.person(other(gender), True)
        return f"the {self.noun(gender)} {place} {second} {self.pick('did')}{self._of_subject(gender)}"

    def _new_sentence(self, gender: str) -> str:
        return f"{self.person(gender)} {self.pick('did')}{self._new(gender)}"

    def _after_a_while(self, gender: str) -> str:
        between = " ".join(self.rng.choice(self.fillers) for _ in range(self.rng.choice([1, 1, 2, 2, 3, 4, 6, 8])))
        start = self.rng.choice(
            [
                self.person(gender) + f" {self.pick('did')}.",
                f"I know {self.person(gender)}.",
                f"This is {self.person(gender)}.",
            ]
        )
        end = f"[{SUBJECT[gender].capitalize()}] {self.pick('went_on')}."
        return f"{start} {between} {end}"

    def _pronoun_read(self, gender: str) -> str:
        rng, who = self.rng, SUBJECT[gender]
        second = OBJECT[other(gender)]
        start = rng.choice(
            [
                f"{who} {self.pick('did')}",
                f"{who} {self.pick('did_to')} {second}",
                f"when {who} {self.pick('did')}, everybody was glad",
            ]
        )
        if rng.random() < 0.3:
            return f"{self.person(gender)} {self.pick('did_to')} {second}, and then [{who}] {self.pick('went_on')}."
        return f"{start}{self._of_subject(gender)}"

    def _own(self, gender: str) -> str:
        rng = self.rng
        did, owned = rng.choice(WITH_OWNED).replace("_", " "), rng.choice(OWNED)
        return rng.choice(
            [
                f"{self.person(gender)} {did} [{OWN[gender]}] {owned}.",
                f"{self.person(gender)} {self.pick('did')} with [{OWN[gender]}] {rng.choice(COMPANY)}.",
                f"{self.person(gender)} looked at [{SELF[gender]}] in the mirror.",
                f"{self.person(gender)} did it by [{SELF[gender]}].",
                f"I gave {self.person(gender)} [{OWN[gender]}] {owned}.",
                f"I saw {self.person(gender)} and asked [{OBJECT[gender]}] about it.",
                f"I like {self.person(gender)}, but I don't know [{OBJECT[gender]}] well.",
                f"When I met {self.person(gender)}, I told [{OBJECT[gender]}] everything.",
            ]
        )

    def _cleft(self, gender: str) -> str:
        who, second = self.person(gender), self.person(other(gender), True)
        start = self.rng.choice(
            [f"it was {who} who", f"{who}, not {second},", f"unlike {second}, {who}", f"both {who} and I",
             f"not even {who}", f"only {who}"]
        )  # fmt: skip
        return f"{start} {self.pick('did')}{self._of_subject(gender)}"

    def _as_object(self, gender: str) -> str:
        who = self.rng.choice(["we", "I", "nobody", "everybody", "the children", "they", "people", "my friends"])
        return f"{who} {self.pick('did_to')} {self.person(gender)}{self._then(gender)}"

    def _quoted(self, gender: str) -> str:
        said = self.rng.choice(self.fillers)
        said = f"{said[:-1]}," if said.endswith(".") else said
        return f'"{said}" said {self.person(gender)}{self._of_subject(gender)}'

    def _capital(self, marked: str) -> str:
        for k, character in enumerate(marked):
            if character.isalpha():
                return marked[:k] + character.upper() + marked[k + 1 :]
        return marked
