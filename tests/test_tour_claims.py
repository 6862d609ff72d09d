"""What the shipped tours say is true: every number of every line stands in one of the view's ``claims``, and each claim
is computed here by the library, from the text and the models that the view shows.

    {"says": "0.12", "signal": "f", "at": "John"}              a signal of the unit at a word, rounded as it is said
    {"says": "0.96 to 0.98", "signal": "c", "from": ..., "to": ...}          the least and the most over some words
    {"signal": "o", "at": ["she", "was"], "below": 0.07}       at each of them, above or below a bound
    {"says": "98 %", "next": "he"}                             the likeliest next word at the cursor, and its chance
    {"says": "97 %", "sum": ["was", "is"]}                     how likely words are together
    {"instead": {"France": "Germany"}, "next": "German"}       the same of another text: of its first piece
    {"says": "6", "sentences": "France"}                       whole ones between that of a word and the last one
    {"before": "↵"}                                            what is read before the text itself
    {"alpha": ...}, {"adds": ...}, {"wrote": ...}, {"held": ...}, {"copy": ...}, {"experiment": ...}, {"count": ...}
    {"says": "1", "formula": "1 − z"}                          part of a formula in the line: nothing to compute
    {"says": "1"}                                              part of another claim

``side`` is the left one where it is not named, ``unit`` the view's or the named one of the model, ``at`` the cursor's.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dashboard.state import Settings
from dashboard.talk.tour import FOLDER
from lab.experiments.copy import right
from lab.experiments.record import results
from lstm_core import list_models, load_model
from lstm_core.analysis import Force, intervene, memory
from lstm_core.analysis.influence import influence
from lstm_core.drawing.words import visible
from lstm_core.network import softmax

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?")
TOURS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(Path(FOLDER).glob("*.json"))}
VIEWS = [(name, k) for name, tour in TOURS.items() for k in range(len(tour["views"]))]
SEED, STRINGS = 70_000, 1000


class Seen:
    """One side of a view: the model, its trace of the text, and where the cursor stands."""

    def __init__(self, view: dict[str, Any], side: str) -> None:
        self.settings = Settings.parse(view["query"], list_models())
        self.model = load_model(getattr(self.settings, side))
        self.trace = self.model.run(self.settings.text)
        self.chosen = self.settings.unit if side == "left" else self.settings.unit2
        at = self.settings.at
        self.at = at + len(self.trace) if at < 0 else at

    def unit(self, claim: dict[str, Any]) -> int:
        units = self.model.meta.get("units", {})
        named = units[claim["unit"]]["unit"] if "unit" in claim else None
        found = [one for one in (named, self.chosen, *(one["unit"] for one in units.values()), 0) if one is not None]
        return int(found[0])

    def step(self, word: str | int) -> int:
        return word if isinstance(word, int) else [token.text for token in self.trace.tokens].index(word)

    def values(self, claim: dict[str, Any]) -> np.ndarray:
        """The signal where the claim speaks of it."""
        of = self.trace.signals[claim["signal"]][0, 0, :, 0, self.unit(claim)]
        if "from" in claim:
            return of[self.step(claim["from"]) : self.step(claim["to"]) + 1]
        at = claim.get("at", self.at)
        return np.array([of[self.step(word)] for word in (at if isinstance(at, list) else [at])])

    def chances(self) -> np.ndarray:
        return softmax(self.model.logits(self.trace)[self.at])

    def likeliest(self) -> tuple[str, float]:
        return self.model.predictions(self.trace, 1)[self.at][0]


@cache
def copied(model: str, lag: int) -> float:
    return right(load_model(model), lag, SEED, STRINGS)


def said(value: float, text: str) -> bool:
    """Whether the value is what the text says, rounded as the text is."""
    number = NUMBER.findall(text)[0]
    digits = len(number.partition(".")[2])
    return f"{value * (100 if '%' in text else 1):.{digits}f}" == number


def bounded(values: np.ndarray, claim: dict[str, Any]) -> bool:
    return bool((values < claim.get("below", np.inf)).all() and (values > claim.get("above", -np.inf)).all())


def signal(seen: Seen, claim: dict[str, Any]) -> None:
    values, text = seen.values(claim), claim.get("says", "")
    bounds = {"below", "above"} & claim.keys()
    assert len(values) and bounded(values, claim), f"{claim}: {values}"
    if bounds and text:
        assert float(NUMBER.findall(text)[0]) in [pytest.approx(claim[one], abs=0.006) for one in bounds]
    elif len(NUMBER.findall(text)) == 2:
        low, high = re.split(r"\s*(?:to|到)\s*", text)
        assert said(values.min(), low) and said(values.max(), high), values
    elif text:
        assert said(float(values[0]), text), values


def following(seen: Seen, claim: dict[str, Any]) -> None:
    word, chance = seen.likeliest()
    assert word == claim["next"]
    if text := claim.get("says"):
        assert said(chance, text), chance


def held(seen: Seen, claim: dict[str, Any]) -> None:
    """The next word where gates of the unit are held at a word, or at those of a name; without that it is another."""
    start, stop = seen.step(claim["at"]), seen.step(claim.get("to", claim["at"])) + 1
    forces = [Force(name, value, (seen.unit(claim),), start, stop) for name, value in claim["held"].items()]
    other = intervene(seen.trace, forces, seen.model).after
    before, after = (seen.model.predictions(trace, 1)[seen.at][0][0] for trace in (seen.trace, other))
    assert after == claim["next"] != before
    assert float(claim["says"]) in claim["held"].values()


def instead(seen: Seen, claim: dict[str, Any]) -> None:
    text = seen.settings.text
    for word, other in claim["instead"].items():
        assert word in text
        text = text.replace(word, other)
    trace = seen.model.run(text)
    piece = seen.model.predictions(trace, 1)[-1][0][0]
    assert seen.at == len(seen.trace) - 1 and piece and claim["next"].startswith(piece), piece


def together(seen: Seen, claim: dict[str, Any]) -> None:
    chance = float(sum(seen.chances()[seen.model.tokenizer.id(word)] for word in claim["sum"]))
    assert chance < claim["below"] if "below" in claim else said(chance, claim["says"]), chance


def alpha(seen: Seen, claim: dict[str, Any]) -> None:
    share = seen.trace.sel("alpha", layer=0, direction=0, batch=0, time=seen.at)[seen.step(claim["alpha"])]
    assert said(float(share), claim["says"]), share


def adds(seen: Seen, claim: dict[str, Any]) -> None:
    row = influence(seen.model, seen.trace)[seen.at]
    for word, sign in claim["adds"].items():
        part = row[seen.step(word)]
        assert part * sign > 0.04 * np.abs(row).max(), f"{word}: {part}, too little to be tinted"
        assert not claim.get("most") or part == row.max()


def wrote(seen: Seen, claim: dict[str, Any]) -> None:
    """All the words that wrote at least half as much as the one that wrote most, and no other."""
    found = np.abs(memory(seen.trace, seen.at, unit=seen.unit(claim)).contributions)
    assert np.flatnonzero(found >= 0.5 * found.max()).tolist() == [seen.step(word) for word in claim["wrote"]]


def copying(seen: Seen, claim: dict[str, Any]) -> None:
    share = copied(claim["copy"], claim["lag"])
    assert said(100 * share, claim["says"]) if "says" in claim else share == claim["right"] / 100, share


def measured(seen: Seen, claim: dict[str, Any]) -> None:
    """A figure of the shipped model; or ``untrained``: that it is no farther from 0 than this with random weights."""
    found = results(claim["experiment"])
    assert found is not None
    figure = found.figures[claim["figure"]]
    if "untrained" in claim:
        assert max(map(abs, figure.untrained)) <= claim["untrained"]
    else:
        assert said(figure.value("shipped") or 0, claim["says"])


def metric(seen: Seen, claim: dict[str, Any]) -> None:
    name, _, part = claim["metric"].partition(".")
    found = seen.model.meta["metrics"][name]
    assert said(found[part] if part else found, claim["says"])


def counted(seen: Seen, claim: dict[str, Any]) -> None:
    assert seen.settings.text.count(claim["count"]) == int(claim["says"])


def words(seen: Seen, claim: dict[str, Any]) -> None:
    """Those after the first sentence, without marks and the last word."""
    rest = seen.settings.text.partition(". ")[2].replace(".", "").split()[:-1]
    assert len(rest) == int(claim["says"])


def sentences(seen: Seen, claim: dict[str, Any]) -> None:
    """Those between the one that speaks of a word and the last, which may have no full stop."""
    all_of_them = [one for one in re.split(r"(?<=[.。])\s*", seen.settings.text) if one]
    [named] = [place for place, one in enumerate(all_of_them) if claim["sentences"] in one]
    assert len(all_of_them) - named - 2 == int(claim.get("says", claim.get("between")))


def before(seen: Seen, claim: dict[str, Any]) -> None:
    first = seen.trace.tokens[0]
    assert visible(first.text) == claim["before"] and first.end == 0


def units(seen: Seen, claim: dict[str, Any]) -> None:
    assert seen.model.hidden_size == int(claim["says"])


KINDS = {
    "signal": signal,
    "instead": instead,
    "held": held,
    "next": following,
    "sum": together,
    "alpha": alpha,
    "adds": adds,
    "wrote": wrote,
    "copy": copying,
    "experiment": measured,
    "metric": metric,
    "count": counted,
    "words": words,
    "sentences": sentences,
    "units": units,
    "before": before,
}


@pytest.mark.parametrize(("tour", "stop"), VIEWS, ids=[f"{name} {k + 1}" for name, k in VIEWS])
def test_what_a_stop_says_is_so(tour: str, stop: int) -> None:
    view = TOURS[tour]["views"][stop]
    claims = view.get("claims", [])
    covered = {number for claim in claims for number in NUMBER.findall(claim.get("says", ""))}
    assert set(NUMBER.findall(view["line"])) <= covered, "a number that nothing computes"
    for claim in claims:
        others = [value for other in claims if any(name in KINDS for name in other) for value in spelt(other)]
        if "formula" in claim:
            assert claim["says"] in claim["formula"] and claim["formula"] in view["line"]
        elif not any(name in KINDS for name in claim):
            assert set(NUMBER.findall(claim["says"])) <= set(others), f"{claim}: part of no claim that is computed"
        sides = {
            name: Seen(view, name)
            for name in ("left", "right")
            if claim.get("side", claim.get("units", "left")) == name
        }
        for kind in [name for name in KINDS if name in claim][:1]:
            KINDS[kind](*sides.values(), claim)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_read_before_a_text_is_told_where_it_is_first_seen(language: str) -> None:
    ours = [tour for tour in TOURS.values() if tour.get("language", language) == language]
    views = [view for tour in sorted(ours, key=lambda tour: tour["order"]) for view in tour["views"]]
    seen = next(view for view in views if any(Seen(view, side).trace.tokens[0].end == 0 for side in ("left", "right")))
    told = [claim["before"] for claim in seen["claims"] if "before" in claim]
    assert len(told) == 2 and all(one in seen["line"] and f"word {one}" in seen["ring"] for one in told)


@pytest.mark.parametrize("name", [name for name in TOURS if not name.endswith("-zh")])
def test_a_word_that_is_spoken_of_stands_in_quotation_marks(name: str) -> None:
    """Without them "From there to because i is nearly shut" reads as a reason."""
    for view in TOURS[name]["views"]:
        for claim in view.get("claims", []):
            at = claim.get("at", [])
            words = [at] if isinstance(at, str) else [*at, *claim.get("sum", [])]
            spoken = [word for word in words if word.islower() and re.search(rf"\b{word}\b", view["line"])]
            assert all(f"“{word}”" in view["line"] for word in spoken), view["line"]


def spelt(claim: dict[str, Any]) -> list[str]:
    """The numbers in a claim's values, such as the 100 of "distance_100"."""
    return re.findall(r"-?\d+(?:\.\d+)?", json.dumps([value for name, value in claim.items() if name != "side"]))


def test_a_false_claim_is_found() -> None:
    view = TOURS["what-the-gates-do"]["views"][3]
    [claim] = [one for one in view["claims"] if one["says"] == "0.08"]
    with pytest.raises(AssertionError):
        signal(Seen(view, "left"), claim | {"says": "0.09"})
    with pytest.raises(AssertionError):
        following(Seen(view, "left"), {"next": "he", "says": "98 %"})
    far = TOURS["other-sentences-zh"]["views"][2]
    [claim] = [one for one in far["claims"] if "sentences" in one]
    with pytest.raises(AssertionError):
        sentences(Seen(far, "left"), claim | {"says": str(int(claim["says"]) + 1)})
