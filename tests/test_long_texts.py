"""A text of 5,000 words on every page: how much of it is shown stands above the figure, once, and it comes soon."""

from __future__ import annotations

import re
import time
import types
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import cache
from dashboard.controls import units
from dashboard.figures import meaning, memory
from dashboard.figures.attribution import METHODS
from dashboard.views import compare, discover, gradients, step_by_step
from dashboard.views import memory as memory_page
from lstm_core.analysis import Retention, retention
from lstm_core.analysis.memory import memory as remembered
from tests.small_models import small_model
from tests.test_experiments_page import all_sent
from tests.test_views import opened

ENGLISH = "Alice told Bob that the old house near the river was empty, and she went there with her brother. " * 264
CHINESE = "昨天王女士去了市场，因为她很饿。后来李先生遇见了小红，他说天气很好。" * 200
TEXTS = {"English": ENGLISH, "Chinese": CHINESE}
GENERAL = {"left": "general-lstm", "right": "general-gru"}
OF_NO_ROW = ("Health", "Contrast", "Corpus")
"""They draw units, the pairs of two texts, and places in others."""
OF_NO_TEXT = ("Experiments", "Beyond")
SOON = 15.0
"""Seconds of one processor. Most pages take one; 20 a side went by while every unit's name was looked up anew."""


@pytest.fixture(params=list(TEXTS))
def text(request: pytest.FixtureRequest) -> Iterator[str]:
    for name in GENERAL.values():
        cache.read(name, TEXTS[request.param])
    yield TEXTS[request.param]


def said(test: AppTest) -> list[str]:
    """What stands on the page: above the figure, in it, and in its panels."""
    trees = all_sent(test)
    figures = [one.get(part) or "" for tree in trees for one in tree.get("panels", []) for part in ("text", "note")]
    return [one.value for one in test.caption] + [note for tree in trees for note in tree.get("notices", [])] + figures


def steps(test: AppTest) -> set[int]:
    """How many steps of the text are drawn."""
    trees = all_sent(test)
    rows = [one["words"] for tree in trees for one in (tree, *tree.get("sides", [])) if one.get("words")]
    return {row[-1][2] + 1 for row in rows}


@pytest.mark.every(2)
@pytest.mark.parametrize("view", discover(), ids=lambda view: view.page.title)
def test_how_much_of_a_long_text_is_shown_is_said_once_and_is_so(view: ModuleType, text: str) -> None:
    found = cache.read("general-lstm", text).found
    assert found > 5000
    begun = time.process_time()
    test = opened(view.__name__, text=text, **GENERAL)
    assert time.process_time() - begun < SOON
    told = [one for one in said(test) if f"{found:,}" in one]
    if view.page.title in OF_NO_TEXT:
        assert not told
        return
    assert len(told) == 1
    (count,) = re.findall(r"first ([\d,]+) of", told[0])
    drawn = steps(test)
    assert drawn == {int(count.replace(",", ""))} or view.page.title in OF_NO_ROW
    assert not [one for one in said(test) if re.search(r"up to [\d,]+ tokens|first \d+ steps", one)]
    above = test.caption[0].value if test.caption else ""
    assert told[0] == above or view.page.title == "Gates"  # whose figure says it above itself


@pytest.mark.parametrize("view", [compare, gradients, step_by_step], ids=lambda view: view.page.title)
def test_why_a_page_goes_less_far_than_others_is_said_where_it_does(view: ModuleType) -> None:
    for text, there in (("Mary saw John", False), (ENGLISH, True)):
        captions = [one.value for one in opened(view.__name__, text=text, **GENERAL).caption]
        assert any(view.REACH.why in one for one in captions) is there
    assert sum(view.REACH.why in one for one in captions) == 1


def test_the_matrix_of_a_long_text_is_drawn_around_the_chosen_step() -> None:
    trace = small_model("lstm").run("Mary saw John because she " * 8)
    found, most = retention(trace, 2), 11
    for step, first in ((0, 0), (20, 15), (39, 29)):
        seen = memory.around(step, len(trace), most)
        drawn = memory.kept("id", trace, retention(trace, 2, start=seen.start, stop=seen.stop), step, "unit 2")
        heat, layout = drawn["figure"]["data"][0], drawn["figure"]["layout"]
        assert heat["z"].shape == (most, most) and heat["x0"] == heat["y0"] == first
        row = remembered(trace, step, unit=2)
        assert row.step == step and heat["z"][step - first, 0] == pytest.approx(found.kept[step, first], abs=1e-6)
        assert layout["xaxis"]["range"] == [first - 0.5, first + most - 0.5] == layout["yaxis"]["range"][::-1]
        assert all(first <= at < first + most for at in layout["xaxis"]["tickvals"])
        assert f"Steps {first + 1} to {first + most} of 40 are drawn" in drawn["text"]
    assert memory.around(3, 40, 40) == memory.around(3, 40, 50) == range(40)
    assert "are drawn" not in memory.kept("id", trace, found, 3, "unit 2")["text"]


@pytest.mark.parametrize("at", ["0", "700", "-1"])
def test_of_a_long_text_no_more_of_the_matrix_is_computed_than_is_drawn(
    at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[int, int]] = []

    def watched(*given: Any, **more: Any) -> Retention:
        found = retention(*given, **more)
        made.append(found.kept.shape)
        return found

    monkeypatch.setattr(memory_page, "retention", watched)
    test = opened(memory_page.__name__, text=ENGLISH, at=at, **GENERAL)
    most = memory_page.DRAWN
    assert steps(test) == {cache.LIMIT} and made == [(most, most)] * 2


@pytest.mark.parametrize("method", list(METHODS))
def test_how_far_the_words_get_their_shares_is_said_above(method: str) -> None:
    asked = {"look": memory_page.WORDS, "word": "she", "against": "he", "method": METHODS[method]}
    test = opened(memory_page.__name__, text=ENGLISH, **asked, **GENERAL)
    said = [one.value for one in test.caption if "tokens are shown" in one.value]
    [drawn] = steps(test)
    assert len(said) == 1 and f"The first {drawn:,} of" in said[0]
    assert (memory_page.REACH.why in said[0]) == (method != "exact")
    assert drawn == cache.LIMIT if method == "exact" else drawn > 300 or method == "integrated"
    parts = {one["id"]: one for tree in all_sent(test) for one in tree.get("panels", [])}
    assert parts["writers0"]["figure"] is not None and parts["writers1"]["figure"] is not None


def test_the_matrix_of_who_reads_backwards_has_what_was_read() -> None:
    trace = small_model("lstm", directions=2).run("Mary saw John because she")
    found = retention(trace, 2, backward=True)
    z = memory.kept("id", trace, found, 0, "unit 2")["figure"]["data"][0]["z"]
    assert z[0, -1] == pytest.approx(found.kept[0, -1], abs=1e-6) and not z[-1, 0] >= 0


# ---- what would take the longer the longer a text is, for every unit of a list


def test_the_names_of_all_units_are_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    found = units.named_units
    monkeypatch.setattr(units, "named_units", lambda *of: (asked.append(of), found(*of))[1])
    for name in ("memory", "what_if", "contrast"):
        asked.clear()
        opened(f"dashboard.views.{name}", text="Mary saw John because she", **GENERAL)
        assert 0 < len(asked) < 30, name


class Counted(list):
    looks = 0

    def __iter__(self) -> Iterator:
        Counted.looks += 1
        return super().__iter__()


def test_the_words_of_a_meaning_are_found_in_a_few_looks_through_the_tokens() -> None:
    trace = cache.model("general-lstm").run("Mary saw John. Bartholomew's grandmother met 王女士 and José. " * 5)
    for about in ("person", "noun", "pronoun"):
        naive = []
        whole = [" "] * trace.tokens[-1].end
        for token in trace.tokens:
            whole[token.start : token.start + len(token.text)] = token.text
        for match in meaning.words(about).finditer("".join(whole).lower()):
            over = [
                k for k, token in enumerate(trace.tokens) if token.start < match.end() and token.end > match.start()
            ]
            naive += over[-1:] if all(trace.tokens[k].known for k in over) else []
        Counted.looks = 0
        assert meaning.spoken(types.SimpleNamespace(tokens=Counted(trace.tokens)), about) == naive  # type: ignore[arg-type]
        assert Counted.looks < 5 and (naive or about != "person")
