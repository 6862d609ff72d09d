"""The pages that explain a trace, through AppTest: they send what the analysis says, and bad input is a message."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dashboard.views import contrast, gradients, memory, step_by_step, what_if
from lstm_core import analysis
from tests.small_models import small_model
from tests.test_views import SENTENCE, opened, sent, small  # noqa: F401

PAGES = [step_by_step, memory, what_if, gradients, contrast]
ANALYSES = PAGES[1:]


@pytest.fixture(autouse=True)
def plain(small: None, tmp_path: Path) -> None:  # noqa: F811
    """The small models, and a plain RNN, which has no gates."""
    replace(small_model("rnn"), name="pronouns-rnn").save(tmp_path / "pronouns-rnn.safetensors")


def panels(view, **params: str) -> dict[str, dict]:
    return {panel["id"]: panel for panel in sent(opened(view.__name__, **params))["panels"]}


@pytest.mark.parametrize("view", PAGES, ids=lambda view: view.TITLE)
@pytest.mark.parametrize(
    "params",
    [
        {"text": ""},
        {"text": "a"},
        {"text": "\N{FAMILY} 我 \u202e مرحبا \x00 <b>bold</b> $x$ `code`"},
        {"left": "pronouns-rnn", "right": "stacked", "layer": "1", "direction": "1"},
        {"unit": "999", "at": "99999", "stage": "x", "look": "nothing", "do": "f[6", "do2": "f[99]@1:2=1", "word": "%"},
    ],
    ids=["empty", "one letter", "any text", "no gates beside two layers", "a broken link"],
)
def test_every_page_takes_every_input(view, params: dict[str, str]) -> None:
    opened(view.__name__, **params)


def test_memory_shows_the_decomposition() -> None:
    trace = small_model("lstm").run(SENTENCE)
    found = analysis.memory(trace, 3, unit=5)
    drawn = panels(memory, text=SENTENCE, at="3", unit="5")["writers0"]
    np.testing.assert_allclose(drawn["figure"]["data"][0]["y"], found.contributions[:4], atol=1e-6)
    assert f"residual {found.residual:.1e}" in drawn["note"]


def test_memory_of_a_word_pair_is_projected_on_the_readout() -> None:
    model = small_model("lstm")
    words = [piece for piece in model.tokenizer.pieces if piece.isalpha()][:2]
    trace = model.run(SENTENCE)
    direction = analysis.readout(model, *words).vector
    drawn = panels(memory, text=SENTENCE, at="2", look="one word against another", word=words[0], against=words[1])
    expected = analysis.memory(trace, 2, direction=direction).contributions[:3]
    np.testing.assert_allclose(drawn["writers0"]["figure"]["data"][0]["y"], expected, atol=1e-6)


def test_a_word_that_the_model_does_not_have_is_a_message() -> None:
    drawn = panels(memory, text=SENTENCE, look="one word against another", word="zzzz")["writers0"]
    assert drawn.get("figure") is None
    assert "zzzz" in drawn["text"] and "Try another word" in drawn["text"]


def test_the_plain_network_says_that_its_memory_cannot_be_taken_apart() -> None:
    drawn = panels(memory, text=SENTENCE, left="pronouns-rnn")["writers0"]
    assert "rewrites its whole state" in drawn["text"]


def test_what_if_forces_what_the_link_says() -> None:
    model = small_model("lstm")
    trace = model.run(SENTENCE)
    found = analysis.intervene(trace, ["f[5]@2:3=1", "!i[5]@2:3=0"], model)
    drawn = panels(what_if, text=SENTENCE, do="f[5]@2:3=1;!i[5]@2:3=0")
    before, after = (line["y"] for line in drawn["unit0"]["figure"]["data"][:2])
    np.testing.assert_allclose(before, trace.sel("c", layer=0, direction=0, batch=0, unit=5), atol=1e-6)
    np.testing.assert_allclose(after, found.after.sel("c", layer=0, direction=0, batch=0, unit=5), atol=1e-6)
    assert np.abs(np.asarray(after) - before).max() > 1e-4


def test_what_if_opens_with_the_first_subject_kept() -> None:
    model = small_model("lstm")
    trace = model.run(SENTENCE)
    unit = next(iter(model.meta["units"].values()))["unit"] if model.meta.get("units") else 0
    step = 1 + int(trace.sel("f", layer=0, direction=0, batch=0, unit=unit)[1:].argmin())
    test = opened(what_if.__name__, text=SENTENCE)
    said = [box.label for box in test.checkbox][:2]
    assert [label.partition(",")[0] for label in said] == ["f = 1", "i = 0"]
    assert all(f"unit {unit})" in label and f"(step {step + 1})" in label for label in said)


def test_an_intervention_that_the_model_does_not_have_is_a_message() -> None:
    drawn = panels(what_if, text=SENTENCE, do="f[999]@1:2=1")["next0"]
    assert "999" in drawn["text"] and "remove it" in drawn["text"]


def test_what_if_can_be_switched_off_and_cleared() -> None:
    test = opened(what_if.__name__, text=SENTENCE, do="f[5]@2:3=1")
    test.checkbox[0].uncheck().run()
    assert test.session_state["do"] == "!f[5]@2:3=1"
    next(button for button in test.button if button.label == "Clear").click().run()
    assert test.session_state["do"] == ""
    assert not test.exception


def test_gradients_draw_the_flow_of_all_three() -> None:
    drawn = panels(gradients, text=SENTENCE, at="4")["vanishing"]
    lines = {line["name"]: np.asarray(line["y"]) for line in drawn["figure"]["data"]}
    for name in ("rnn", "lstm", "gru"):
        model = small_model(name)
        flow = analysis.flow(model.run(SENTENCE), 4, "h")
        np.testing.assert_allclose(lines[model.cell.title], flow.norm[:5] / flow.identity, rtol=1e-4)


def test_contrast_aligns_and_subtracts() -> None:
    other = SENTENCE.replace("Mary", "John")
    drawn = sent(opened(contrast.__name__, text=SENTENCE, other=other, unit="5"))
    assert drawn["words"][0][0] == "Mary/John"
    model = small_model("lstm")
    values = [model.run(text).sel("c", layer=0, direction=0, batch=0) for text in (SENTENCE, other)]
    found = {panel["id"]: panel for panel in drawn["panels"]}
    np.testing.assert_allclose(np.stack(found["map0"]["figure"]["data"][0]["z"]), (values[1] - values[0]).T, atol=1e-6)
    np.testing.assert_allclose(found["unit0"]["figure"]["data"][1]["y"], values[1][:, 5], atol=1e-6)


def test_contrast_with_nothing_asks_for_a_sentence() -> None:
    test = opened(contrast.__name__, text=SENTENCE, other="")
    assert any("two sentences" in caption.value for caption in test.caption)
