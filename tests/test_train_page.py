"""The page "Train it yourself" through AppTest: what it trains, how it reports, waits and goes on."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from dashboard import jobs
from dashboard import train as training
from dashboard.jobs import Job
from lab.learning.live import Choice, keep_bias
from lab.tasks.miniature import MINIATURES
from tests.test_experiments_page import NAME, all_sent, until
from tests.test_views import opened


@pytest.mark.parametrize("name", MINIATURES)
def test_a_miniatures_answers_follow_from_what_came_before(name: str) -> None:
    mini = MINIATURES[name]
    pieces = mini.tokenizer.pieces
    assert all(token.known for token in mini.tokenizer.encode(mini.text))
    for row in mini.rows(np.random.default_rng(0), 50):
        words = [pieces[k] for k in row.ids]
        said = [words[k] for k in row.answers]
        if name == "pronouns":
            subjects = [words[0], words[row.answers[0] + 4]]
            assert said == ["she" if one in ("mary", "anna", "emma", "lucy") else "he" for one in subjects]
        elif name == "copy":
            assert said == words[:2]
        else:
            n = words.count("a")
            assert words == ["a"] * n + ["b"] * n + ["."] and said == [*["b"] * (n - 1), "."]


@pytest.mark.parametrize(
    "wrong", [{"task": "x"}, {"cell": "x"}, {"hidden": 0}, {"hidden": 999}, {"seconds": 600.0}, {"learning_rate": 0.0}]
)
def test_what_cannot_be_trained_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="there is no|can be"):
        Choice(**wrong)


def test_the_forget_bias_is_the_keep_gates() -> None:
    from lstm_core import CELLS

    found = {name: keep_bias(CELLS[name]) for name in ("lstm", "gru", "rnn", "janet")}
    assert found == {"lstm": "b_f", "gru": "b_z", "rnn": None, "janet": "b_f"}


def test_training_reports_while_it_learns() -> None:
    choice = Choice("count", "lstm", hidden=3, forget_bias=2.5, seconds=2.0, learning_rate=0.02)
    one = Job("lab.learning.live", [json.dumps(asdict(choice))], 200)
    try:
        until(lambda: not one.running, 150)
        assert one.problem == ""
        said, files = one.said, training.checkpoints(one.folder)
        assert said[0]["step"] == 0 and said[-1]["step"] > 3 and said[-1]["loss"] < said[0]["loss"]
        assert [int(path.stem) for path in files] == [line["step"] for line in said]
        with np.load(files[0]) as first, np.load(files[-1]) as last:
            assert first["f"].shape == (1, 1, len(MINIATURES["count"].text), 1, 3)
            assert first["f"].mean() == pytest.approx(1 / (1 + np.exp(-2.5)), abs=0.2)  # it starts where it was told to
            assert not np.array_equal(first["f"], last["f"])
            panels = training.gate_panels(choice, MINIATURES["count"], dict(last))
        assert [panel["id"] for panel in panels] == ["keep", "write", "memory"]
    finally:
        one.end()


def test_a_paused_training_waits_and_goes_on() -> None:
    choice = Choice("count", "rnn", hidden=2, seconds=3.0)
    one = Job("lab.learning.live", [json.dumps(asdict(choice))], 200)
    try:
        until(lambda: one.said, 150)
        one.pause(True)
        rests, before = 0, -1
        while rests < 15 and one.running:  # what it was about to say when it was asked to wait may still come
            time.sleep(0.1)
            rests, before = (rests + 1 if len(one.said) == before else 0), len(one.said)
        assert one.paused and one.running
        one.pause(False)
        until(lambda: not one.running, 100)
        assert one.said[-1]["seconds"] >= 3.0 and one.problem == ""
    finally:
        one.end()


def test_train_it_yourself_from_the_page() -> None:
    test = opened(NAME, experiment="train")
    test.number_input[1].set_value(120).run()
    next(button for button in test.button if button.label == "Train").click().run()
    one: Job = test.session_state[jobs.JOB]
    assert next(button for button in test.button if button.label == "Train").disabled
    next(button for button in test.button if button.label == "All experiments").click().run()
    next(button for button in test.button if button.label == "Your network is being trained").click().run()
    assert test.session_state[jobs.JOB] is one and test.query_params["experiment"] in ("train", ["train"])
    until(lambda: one.said, 300)
    next(button for button in test.button if button.label == "Stop").click().run()
    test.run()
    assert not test.exception, test.exception
    assert not one.running
    (tree,) = all_sent(test)
    assert [panel["id"] for panel in tree["panels"]] == ["loss", "keep", "write", "memory"]
    assert not any(panel.get("wide") for panel in tree["panels"]), "two beside two, so that gates are seen as it learns"
    assert any("it expects" in caption.value for caption in test.caption)
    test.slider[0].set_value(3.0)
    test.number_input[0].set_value(5).run()
    test.query_params["experiment"] = ""
    test.run()
    test.query_params["experiment"] = "train"
    test.run()
    test.number_input[0].set_value(None).run()  # emptied: what was there stays
    assert [field.value for field in test.number_input] == [5, 120] and test.slider[0].value == 3.0
    drawn = "He or she, LSTM, 8 units, learning rate 0.01, forget bias 1, price 0.2."
    assert drawn in [caption.value for caption in test.caption], "what is drawn is not what is chosen now"
    assert not test.warning
    one.end()
