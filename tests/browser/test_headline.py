"""The sentence above the figure says of a unit what its lines show, and of each model what it has read itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dashboard.browser.publish import publish
from tests.browser.gates import Gates

WORDS = "Mary met John and the king".split()
Tell = Callable[..., str]


@pytest.fixture
def tell(open_gates: Callable[..., Gates]) -> Tell:
    """``tell(name, *arguments)``: what a function of telling.js says."""
    page = open_gates().page

    def said(name: str, *arguments: Any) -> str:
        call = "async ([module, name, given]) => (await import(new URL(module, document.baseURI)))[name](...given)"
        return page.evaluate(call, [f"/app/static/{publish()[0]}/gates/telling.js", name, list(arguments)])

    return said


def side(title: str = "LSTM", model: str = "one", words: list[str] = WORDS, **more: Any) -> dict[str, Any]:
    spans = [[word, step, step, 1] for step, word in enumerate(words)]
    count = len(words)
    next = {"ids": [[0]] * count, "p": [[0.5]] * count, "words": ["he", "unknown word"], "unknown": 1}
    return {"title": title, "model": model, "words": spans, "named": [], "ends": [], "next": next, **more}


def unit(tell: Tell, keep: list[float], memory: list[float], **more: Any) -> str:
    gate, state = {"label": "f", "values": keep}, {"label": "c", "values": memory}
    return tell("unit", [side(**more)], 0, 3, gate, state)


def test_a_unit_lets_go_only_of_what_it_held(tell: Tell) -> None:
    said = unit(tell, [0.3, 1, 0.12, 1, 1, 0.39], [0.9, 0.9, -0.9, -0.9, -0.02, 0.01])
    assert said == "LSTM’s unit 3 lets go at “John” (f = 0.12)."
    assert "lets go" not in unit(tell, [1, 1, 1, 0.2, 1, 1], [0, 0.02, 0, 0.01, 0.9, 0.9])  # nothing was held there
    assert "lets go" not in unit(tell, [1, 1, 0.3, 1, 1, 1], [0.9] * 6)  # the same is written again
    assert "“met”" in unit(tell, [1, 0.2, 1, 1, 1, 1], [-0.8, -0.8, 0.9, 0.9, 0.9, 0.9], backward=True)


def test_of_many_places_the_three_that_changed_most_are_named(tell: Tell) -> None:
    said = unit(tell, [1, 0.1, 0.1, 0.1, 0.1, 1], [0.9, -0.4, 0.6, -0.7, 0.8, 0.8])
    assert said == "LSTM’s unit 3 lets go at “met” (f = 0.10), “and” (f = 0.10), and “the” (f = 0.10)."


def test_an_open_gate_holds_nothing_that_is_written_over(tell: Tell) -> None:
    said = unit(tell, [1, 1, 1, 1, 1, 1], [0.9, 0.9, -0.8, -0.8, -0.8, -0.8])
    assert said == "LSTM’s unit 3 is rewritten at “John” (c from 0.90 to −0.80)."


def test_a_unit_holds_on_after_it_was_written(tell: Tell) -> None:
    said = unit(tell, [0.4, 0.87, 0.95, 0.9, 1, 1], [0.9, 0.9, 0.8, 0.8, 0.8, 0.8])
    assert said == "LSTM’s unit 3 holds on after “Mary”: f never falls below 0.87."
    said = unit(tell, [0.4, 0.997, 0.999, 1, 1, 1], [0.9, 0.9, 0.8, 0.8, 0.8, 0.8])
    assert said == "LSTM’s unit 3 holds on after “Mary”: f never falls below 0.99."
    assert "holds on" not in unit(tell, [0.7] + [0.85] * 5, [0.9, 0.7, 0.55, 0.44, 0.36, 0.2])  # it leaks away
    said = unit(tell, [1, 1, 1, 1, 1, 0.6], [0, 0, 0, 0, 0, -0.9])
    assert said == "LSTM’s unit 3 is written at “king”: c = −0.90."


def test_a_unit_or_a_gate_that_hardly_moves_is_said_to(tell: Tell) -> None:
    said = unit(tell, [0.9, 0.2, 0.9, 1, 1, 1], [0, 0.02, -0.06, 0, 0, 0])
    assert said == "LSTM’s unit 3 holds nothing: c stays between −0.06 and 0.02."
    said = unit(tell, [0.46, 0.5, 0.52, 0.49, 0.48, 0.47], [0.3, -0.2, 0.3, -0.2, 0.3, -0.3])
    assert said == "LSTM’s unit 3: f stays between 0.46 and 0.52."
    assert unit(tell, [1] * 6, [0.2, 0.5, 0.9, 0.5, 0.3, 0.15]) == "LSTM’s unit 3: f stays at 1.00."
    assert tell("unit", [side()], 0, 3, None, {"label": "h", "values": [0.9] * 6}) == ""


def test_what_is_read_later_is_not_told(tell: Tell) -> None:
    lines = {"label": "f", "values": [1, 1, 0.1, 1, 1, 1]}, {"label": "c", "values": [0.9, 0.9, -0.8, -0.8, -0.8, -0.8]}
    assert tell("unit", [side()], 0, 3, *lines, 1) == "LSTM’s unit 3 holds on after “Mary”: f never falls below 1.00."
    assert tell("unit", [side()], 0, 3, *lines, 3) == "LSTM’s unit 3 lets go at “John” (f = 0.10)."
    back = [side(backward=True)]
    assert "“met”" in tell("unit", back, 0, 3, *lines, 0) and "“met”" not in tell("unit", back, 0, 3, *lines, 3)


def test_a_named_unit_says_what_its_sign_means_or_that_it_holds_nothing(tell: Tell) -> None:
    lines = {"label": "f", "values": [1, 1, 0.1, 1, 1, 1]}, {"label": "c", "values": [0.1, 0.9, -0.8, -0.8, -0.8, -0.8]}
    gender = {"unit": 3, "name": "gender", "high": "she", "low": "he", "side": [0, 1, -1, -1, -1, -1]}
    sides = [side(named=[gender])]
    assert tell("unit", sides, 0, 3, *lines, 0) == "LSTM’s gender (unit 3) holds nothing at “Mary”."
    said = "LSTM’s gender (unit 3) is written at “met”: c = 0.90. At “met”, c = 0.90: she."
    assert tell("unit", sides, 0, 3, *lines, 1) == said
    said = "LSTM’s gender (unit 3) lets go at “John” (f = 0.10). At “and”, c = −0.80: he."
    assert tell("unit", sides, 0, 3, *lines, 3) == said


def test_a_model_expects_from_a_quarter_on(tell: Tell) -> None:
    one = side()
    one["next"]["p"] = [[0.2, 0.1]] * 3 + [[0.25, 0.1]] * 3
    assert tell("expectation", [one], [0]) == "After “Mary”, LSTM is undecided, likeliest “he” (20\u202f%)."
    assert tell("expectation", [one], [3]) == "After “and”, LSTM expects “he” (25\u202f%)."
    one["next"] = {
        **one["next"],
        "p": [[0.5, 0.2]] * 3 + [[0.5, 0.3]] * 3,
        "ids": [[0, 2]] * 6,
        "words": ["he", "?", "she"],
    }
    assert tell("expectation", [one], [0]) == "After “Mary”, LSTM expects “he” (50\u202f%)."
    assert tell("expectation", [one], [3]) == (
        "After “and”, LSTM is undecided between “he” (50\u202f%) and “she” (30\u202f%)."
    )
    one["next"]["p"] = [[0.2, 0.1]] * 6
    one["next"]["ids"] = [[1]] * 6
    assert "likeliest a word it does not know (20" in tell("expectation", [one], [0])


def test_each_model_names_the_word_that_it_read(tell: Tell) -> None:
    both = [side(), side("GRU", "two")]
    assert (
        tell("expectation", both, [3, 3]) == "After “and”, LSTM expects “he” (50\u202f%), GRU expects “he” (50\u202f%)."
    )
    said = "After “15”, LSTM expects “he” (50\u202f%). After “and”, GRU expects “he” (50\u202f%)."
    assert tell("expectation", [side(words=["14", "15"]), both[1]], [1, 3]) == said
    bare = side(words=["14", "15"], next={"ids": [], "p": [], "words": [], "unknown": -1})
    assert tell("expectation", [bare, both[1]], [1, 3]) == "After “and”, GRU expects “he” (50\u202f%)."
    assert tell("expectation", [bare, bare], [1, 1]) == ""


def test_two_of_the_same_cell_are_told_apart_and_one_beside_itself_is_told_once(tell: Tell) -> None:
    said = "After “and”, LSTM (one) expects “he” (50\u202f%), LSTM (two) expects “he” (50\u202f%)."
    assert tell("expectation", [side(), side(model="two")], [3, 3]) == said
    assert tell("expectation", [side(), side()], [3, 3]) == "After “and”, LSTM expects “he” (50\u202f%)."


def test_an_unknown_word_is_not_quoted(tell: Tell) -> None:
    one = side()
    one["next"]["ids"] = [[1]] * 6
    assert tell("expectation", [one], [0]) == "After “Mary”, LSTM expects a word it does not know (50\u202f%)."


def test_the_page_says_it(open_gates: Callable[..., Gates]) -> None:
    """The attention model's forget gate stays open where its gender is written over; an RNN keeps nothing."""
    text = "Mary met John and she left . The king saw Anna because he"
    pair = {"left": "pronouns-lstm-attention", "right": "pronouns-lstm", "unit": "4"}
    page: Page = open_gates({"text": text, **pair}).page
    caption = page.get_by_test_id("gs-caption")
    expect(caption).to_contain_text("LSTM (pronouns-lstm-attention)’s gender (unit 4) is rewritten at “king” (c from ")
    expect(page.get_by_test_id("gs-next-1")).to_contain_text("LSTM (pronouns-lstm) expects next")
    caption = open_gates({"text": text, "left": "pronouns-rnn", "right": "pronouns-gru"}).page.get_by_test_id(
        "gs-caption"
    )
    said = "After “he”, RNN is undecided, likeliest “went” (3.8 %), GRU is undecided, likeliest “was” (4.6 %)."
    expect(caption).to_have_text(said)


def test_in_chinese_brackets_and_percent_bring_no_space(open_gates: Callable[..., Gates]) -> None:
    page = open_gates({"text": "Mary met", "left": "pronouns-gru_cho", "unit": "0", "lang": "zh"}).page
    said = page.get_by_test_id("gs-caption").text_content() or ""
    assert "GRU（Cho）的单元 0" in said and "GRU（Cho）拿不定主意" in said
    assert "%" in said and " %" not in said and "） " not in said and "。 " not in said
