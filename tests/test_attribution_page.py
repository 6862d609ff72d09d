"""The page Memory tints the words by what they add to a lead, with whichever method, and deletes them in turn."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.figures.attribution import METHODS
from dashboard.views import memory
from lstm_core.analysis import Attribution, attribution, deletion, expected, readout
from tests.small_models import small_model
from tests.test_views import SENTENCE, opened, sent, small  # noqa: F401

LOOK = "one word against another"


@pytest.fixture(autouse=True)
def plain(small: None, tmp_path: Path) -> None:  # noqa: F811
    """The small models, and a plain RNN, which rewrites its whole state."""
    replace(small_model("rnn"), name="pronouns-rnn").save(tmp_path / "pronouns-rnn.safetensors")


def page(method: str, **params: str) -> AppTest:
    asked = {"text": SENTENCE, "at": "3", "look": LOOK, "word": "saw", "against": "met", "method": METHODS[method]}
    return opened(memory.__name__, **{**asked, **params})


def panels(test: AppTest) -> dict[str, dict]:
    return {panel["id"]: panel for panel in sent(test)["panels"]}


def tints(test: AppTest) -> list[list[tuple[str, float]]]:
    """(word, share) of the tinted text of each side."""
    found = []
    for one in test.get("html"):
        spans = re.findall(r'<span style="[^"]*" title="([^"]+)">([^<]+)</span>', str(one.proto.body))  # type: ignore[attr-defined]
        if spans:
            found.append([(word, float(value.replace("\N{MINUS SIGN}", "-"))) for value, word in spans])
    return found


def given(cell: str, method: str) -> np.ndarray:
    """(time,), what the library says."""
    model = small_model(cell)
    trace, direction = model.run(SENTENCE), readout(model, "saw", "met")
    if method == "unexpected":
        return attribution(trace, direction, "relevance", step=3, baseline=expected(model, trace)).words
    return attribution(trace, direction, method, step=3).words


@pytest.mark.parametrize("method", METHODS)
def test_words_are_tinted_by_what_the_library_says(method: str) -> None:
    test = page(method)
    drawn, said = panels(test), tints(test)
    for side, cell in enumerate(("lstm", "gru")):
        own = given(cell, method)
        bars = drawn[f"writers{side}"]["figure"]["data"][0]["y"]
        np.testing.assert_allclose(bars, own[:4], atol=1e-5)
        assert [word for word, _ in said[side]] == SENTENCE.split()
        np.testing.assert_allclose([share for _, share in said[side]], own, atol=0.0051)
        line = drawn[f"deleted{side}"]["figure"]["data"][0]
        direction = readout(small_model(cell), "saw", "met")
        trace = small_model(cell).run(SENTENCE)
        sign = np.sign(float(trace["h"][-1, 0, 3, 0] @ direction.vector) + direction.bias)
        fall = deletion(trace, direction, sign * own, step=3).values + direction.bias
        np.testing.assert_allclose(line["y"], fall, atol=1e-5)
        assert len(drawn[f"deleted{side}"]["figure"]["data"]) == (1 if method == "gradient" else 2)
    assert ("off by" if method != "exact" else "difference") in drawn["writers0"]["note"]


def test_a_cell_that_rewrites_its_state_has_shares_by_other_methods() -> None:
    assert "choose another method" in panels(page("exact", left="pronouns-rnn"))["writers0"]["text"]
    bars = panels(page("relevance", left="pronouns-rnn"))["writers0"]["figure"]["data"][0]["y"]
    np.testing.assert_allclose(bars, given("rnn", "relevance")[:4], atol=1e-5)


def test_one_word_alone_has_a_score() -> None:
    drawn = panels(page("relevance", against=" "))["writers0"]
    model = small_model("lstm")
    own = attribution(model.run(SENTENCE), readout(model, "saw"), "relevance", step=3).words
    np.testing.assert_allclose(drawn["figure"]["data"][0]["y"], own[:4], atol=1e-5)
    assert "the score of “saw”" in drawn["title"]


def test_what_takes_too_long_and_what_there_is_not_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "WORK", 10)
    assert "take too long with this model" in panels(page("integrated"))["writers0"]["text"]
    monkeypatch.setattr(memory, "LONGEST", 3)
    assert "up to 3 tokens" in panels(page("exact"))["deleted0"]["text"]
    broken = opened(memory.__name__, text=SENTENCE, look=LOOK, word="saw", against="met", method="<b>nonsense")
    assert panels(broken)["writers0"]["figure"], "a method that there is not is the first"


def test_shares_that_do_not_add_up_are_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    def jumping(*given: object, **more: object) -> Attribution:
        found = attribution(*given, **more)  # type: ignore[arg-type]
        return replace(found, error=0.06 * float(np.abs(found.words).max())) if found.method == "integrated" else found

    monkeypatch.setattr(memory, "attribution", jumping)
    drawn = panels(page("integrated"))["writers0"]
    assert "the score jumps so often that the shares would be off by" in drawn["text"] and drawn["figure"] is None
    assert not tints(page("integrated")) and panels(page("relevance"))["writers0"]["figure"]


def test_a_visitors_words_are_not_read_as_html() -> None:
    test = page("relevance", text="Mary <b>saw</b> & John because she", at="-1")
    [body] = [str(one.proto.body) for one in test.get("html")][:1]  # type: ignore[attr-defined]
    assert "<b>" not in body and "&lt;" in body and "&amp;" in body
