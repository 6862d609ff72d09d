"""The sentence above the figure, as the page says it; what it says of which lines is in tests/node/telling.test.js."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from lstm_core import load_model
from tests.browser.gates import Gates


def test_the_page_says_it(open_gates: Callable[..., Gates]) -> None:
    """The attention model's forget gate stays open where its gender is written over; an RNN keeps nothing."""
    text = "Mary met John and she left . The king saw Anna because he"
    pair = {"left": "pronouns-lstm-attention", "right": "pronouns-lstm", "unit": "4"}
    page = open_gates({"text": text, **pair}).page
    caption = page.get_by_test_id("gs-caption")
    expect(caption).to_contain_text("pronouns-lstm-attention’s gender (unit 4) is rewritten at “king” (c from ")
    expect(page.get_by_test_id("gs-next-1")).to_contain_text("LSTM (pronouns-lstm) expects next")
    page.get_by_test_id("gs-left").select_option("pronouns-rnn")
    page.get_by_test_id("gs-right").select_option("pronouns-gru")
    clauses = []
    for title in ("RNN", "GRU"):
        model = load_model(f"pronouns-{title.lower()}")
        [(word, chance)] = model.next_tokens(model.run(text, device="cpu"), -1, k=1)
        assert chance < 0.1
        clauses.append(f"{title} is undecided, likeliest “{word}” ({chance:.1%})")
    said = f"After “he”, {', '.join(clauses)}."
    expect(caption).to_have_text(said.replace("%", " %"))


def test_in_chinese_brackets_and_percent_bring_no_space(open_gates: Callable[..., Gates]) -> None:
    page = open_gates({"text": "Mary met", "left": "pronouns-gru_cho", "unit": "0", "lang": "zh"}).page
    said = page.get_by_test_id("gs-caption").text_content() or ""
    assert "GRU（Cho）的单元 0" in said and "GRU（Cho）拿不定主意" in said
    assert "%" in said and " %" not in said and "） " not in said and "。 " not in said
