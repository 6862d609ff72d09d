"""The pages that explain a trace, through AppTest: they send what the analysis says, and bad input is a message."""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import pytest
import torch

import lstm_core
from dashboard import language, reading
from dashboard.controls import words
from dashboard.figures import memory as draw
from dashboard.figures.deciding import decided
from dashboard.figures.gradients import vanishing
from dashboard.scene import Drawn
from dashboard.state import Settings
from dashboard.views import contrast, gradients, memory, step_by_step, what_if
from lstm_core import analysis
from lstm_core.analysis.letting_go import last
from lstm_core.drawing import theme
from lstm_core.drawing.panel import figure, percent, powered, rounded, signed, text_axis
from tests.small_models import small_model
from tests.test_deciding import shares
from tests.test_experiments_page import all_sent
from tests.test_views import SENTENCE, opened, sent, small  # noqa: F401

PAGES = [step_by_step, memory, what_if, gradients, contrast]
ANALYSES = PAGES[1:]


@pytest.fixture(autouse=True)
def plain(small: None, tmp_path: Path) -> None:  # noqa: F811
    """The small models, and a plain RNN, which has no gates."""
    replace(small_model("rnn"), name="pronouns-rnn").save(tmp_path / "pronouns-rnn.safetensors")


def panels(view, **params: str) -> dict[str, dict]:
    return {panel["id"]: panel for panel in sent(opened(view.__name__, **params))["panels"]}


@pytest.mark.every(3)
@pytest.mark.parametrize("view", PAGES, ids=lambda view: view.page.title)
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
    assert f"difference {powered(found.residual)}" in drawn["note"]
    most = np.abs(found.contributions).argmax()  # the same numbers in the text, the note and at the bars
    written = [signed(float(found.contributions[most])), signed(float(found.value))]
    assert all(one in drawn["text"] for one in written) and f"traced value {written[1]}, " in drawn["note"]
    assert drawn["figure"]["data"][0]["hovertext"][most].endswith(f": {written[0]}")


def test_memory_that_is_read_as_a_share_of_a_sum_is_told_as_that_share(tmp_path: Path) -> None:
    """The scale of the sLSTM's c is no one's: its parts stand as parts of c / n."""
    model = small_model("slstm")
    replace(model, name="pronouns-slstm").save(tmp_path / "pronouns-slstm.safetensors")
    trace = model.run(SENTENCE)
    found = analysis.memory(trace, 3, unit=5)
    total = float(trace.sel("n", layer=0, direction=0, batch=0, time=3, unit=5))
    drawn = panels(memory, text=SENTENCE, at="3", unit="5", left="pronouns-slstm")["writers0"]
    np.testing.assert_allclose(drawn["figure"]["data"][0]["y"], found.contributions[:4] / total, rtol=1e-4, atol=1e-6)
    assert f"divided by n, {rounded(total)} after this word" in drawn["note"]
    assert f"traced value {signed(found.value / total)}, " in drawn["note"]


def test_who_wrote_the_first_pronoun_is_told_as_it_was_measured_of_each_model(tmp_path: Path) -> None:
    """Of some models it is the subject in all texts, of others in none."""
    for name, share in (("one", 1.0), ("two", 0.004), ("three", None)):
        model = small_model("lstm")
        metrics = {} if share is None else {"subject_wrote": share}
        replace(model, name=name, meta={**model.meta, "metrics": metrics}).save(tmp_path / f"{name}.safetensors")

    def said(left: str, right: str) -> list[str]:
        return [one.value for one in opened(memory.__name__, left=left, right=right).caption]

    assert any(f"in {percent(1)} (one), {percent(0.004)} (two) of the held-out" in text for text in said("one", "two"))
    assert any(f"in {percent(0.004)} (two) of the held-out" in text for text in said("three", "two"))
    assert not any("first pronoun" in text for text in said("three", "three"))


def test_small_numbers_on_an_axis_are_written_out() -> None:
    """The sLSTM's c may differ by "400\u03bc", as Plotly writes by itself."""
    axes = [
        axis
        for view in (what_if, contrast, memory)
        for panel in panels(view, text=SENTENCE).values()
        for axis in (panel["figure"] or {}).get("layout", {}).values()
        if isinstance(axis, dict)
        and (axis.get("title") or {}).get("text") in ("value", "difference", "part of the value")
    ]
    assert len(axes) > 4 and {axis["exponentformat"] for axis in axes} == {"none"}


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


def test_what_if_opens_with_what_the_unit_lets_go_of_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = small_model("lstm").run(SENTENCE)
    gone = {unit: last(trace, unit) for unit in range(trace.hidden_size)}
    unit = next(unit for unit, over in gone.items() if over)
    monkeypatch.setattr(reading, "deciding_unit", lambda *_: unit)
    test = opened(what_if.__name__, text=SENTENCE)
    said = [box.label for box in test.checkbox][:2]
    assert [label.partition(",")[0] for label in said] == ["f = 1", "i = 0"]
    [step] = gone[unit]
    assert all(re.search(rf"unit {unit}\b", label) and label.endswith(f"(step {step + 1})") for label in said)
    assert "do Keep what it lets go" in [button.key for button in test.button]
    assert f"let go once, at “{trace.tokens[step].text}”" in _memory(unit)


def _memory(unit: int) -> str:
    return panels(memory, text=SENTENCE, unit=str(unit))["spans0"]["text"]


def test_what_if_offers_nothing_to_keep_where_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = small_model("lstm").run(SENTENCE)
    unit = next(unit for unit in range(trace.hidden_size) if not last(trace, unit))
    monkeypatch.setattr(reading, "deciding_unit", lambda *_: unit)
    test = opened(what_if.__name__, text=SENTENCE)
    assert not [button for button in test.button if button.key and button.key.startswith("do Keep")]
    assert f"On this input unit {unit} holds nothing that it lets go of." in [one.value for one in test.caption]
    assert not [box for box in test.checkbox if "f = 1" in box.label]
    assert panels(what_if, text=SENTENCE)["next0"]["text"].startswith("Nothing is changed")
    assert "It let go of nothing that it held." in _memory(unit)


def test_an_intervention_that_the_model_does_not_have_is_a_message() -> None:
    drawn = panels(what_if, text=SENTENCE, do="f[999]@1:2=1")["next0"]
    assert "999" in drawn["text"] and "remove it" in drawn["text"]


def test_an_intervention_past_the_end_of_an_edited_sentence_leaves_the_others_at_work() -> None:
    alone, more = (panels(what_if, text=SENTENCE, do="f[5]@2:3=1" + rest) for rest in ("", ";f[5]@99=1;x@98:99=he"))
    assert more.keys() == alone.keys() and "reaches" not in str(more["next0"].get("text"))
    for one, other in zip(alone["unit0"]["figure"]["data"], more["unit0"]["figure"]["data"], strict=True):
        np.testing.assert_array_equal(one["y"], other["y"])
    assert "at no step here" in str(opened(what_if.__name__, text=SENTENCE, do="f[5]@99=1").checkbox[0].label)


def test_what_if_can_be_switched_off_and_cleared() -> None:
    test = opened(what_if.__name__, text=SENTENCE, do="f[5]@2:3=1")
    test.checkbox[0].uncheck().run()
    assert test.session_state["kept"]["do"] == "!f[5]@2:3=1"
    next(button for button in test.button if button.label == "Clear").click().run()
    assert test.session_state["kept"]["do"] == ""
    assert not test.exception


def test_a_second_click_on_the_list_counts_before_the_page_has_followed_the_first() -> None:
    test = opened(what_if.__name__, text=SENTENCE, do="f[5]@2:3=1;i[5]@2:3=0;o[5]@2:3=1")
    boxes, [_, remove, *_] = test.checkbox[:3], [one for one in test.button if one.label == "Remove"]
    for click in (boxes[0].uncheck, boxes[2].uncheck, remove.click):  # in the page as it was at first
        click().run()
        assert not test.exception
    assert test.session_state["kept"]["do"] == "!f[5]@2:3=1;!o[5]@2:3=1"
    assert [box.value for box in test.checkbox[:2]] == [False, False]


def test_gradients_draw_the_flow_of_all_three() -> None:
    drawn = panels(gradients, text=SENTENCE, at="4")["vanishing"]
    lines = {line["name"]: np.asarray(line["y"]) for line in drawn["figure"]["data"]}
    for name in ("rnn", "lstm", "gru"):
        model = small_model(name)
        titles = {"h": "LSTM (h)", "c": "LSTM (c)"} if name == "lstm" else {"h": model.cell.title}
        for state, title in titles.items():
            flow = analysis.flow(model.run(SENTENCE), 4, state)
            np.testing.assert_allclose(lines[title], flow.norm[:5] / flow.identity, rtol=1e-4)
    styles = {line["name"]: (line["line"]["color"], line["line"]["dash"]) for line in drawn["figure"]["data"]}
    assert styles["LSTM (h)"] == (theme.model_color("lstm"), "dash")
    assert styles["LSTM (c)"] == (theme.model_color("lstm"), "solid")
    assert styles["GRU"][0] == theme.model_color("gru")


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
    same = opened(contrast.__name__, text=SENTENCE, other=SENTENCE)
    assert any("the same" in caption.value for caption in same.caption)
    test = opened(contrast.__name__, text=SENTENCE, other="")
    assert any("one word changed" in caption.value for caption in test.caption)


def test_what_if_acts_at_the_chosen_word() -> None:
    test = opened(what_if.__name__, text=SENTENCE, at="2", do="")
    model = small_model("lstm")
    trace = model.run(SENTENCE)
    unit = int(shares(model, trace, decided(model.likeliest(trace, 5)[1], 2))[0].argmax())
    for chip, does in (("Change the sign of c", f"c[{unit}]@2:3=flip"), ("Show nothing (h = 0)", "h@2:3=0")):
        button = next(one for one in test.button if one.label == chip and str(one.key).startswith("do "))
        assert "at “John” (step 3)" in button.help
        button.click().run()
        assert test.session_state["kept"]["do"] == does
        assert "With" in {one["id"]: one for one in sent(test)["panels"]}["next0"]["text"]
    next(one for one in test.button if one.key == "do add").click().run()
    assert test.session_state["kept"]["do"].endswith(f";i[{unit}]@2:3=1")


def test_what_if_says_where_nothing_is_different_yet() -> None:
    drawn = panels(what_if, text=SENTENCE, at="1", do="c@3:4=flip;!h@0:1=0")["next0"]
    assert drawn["text"].startswith("With c turned round at “because”, nothing is different yet after “saw”")
    assert "nothing is different yet" not in panels(what_if, text=SENTENCE, at="3", do="c@3:4=flip")["next0"]["text"]


def test_what_if_draws_probabilities() -> None:
    drawn = panels(what_if, text=SENTENCE)["time0"]["figure"]["layout"]
    assert drawn["yaxis"]["title"]["text"] == "probability"
    assert language.words("zh")["probability"] != language.words("zh")["chance"]


def test_contrast_marks_the_chosen_word_of_the_text() -> None:
    """Where the second sentence has a word more, the places after it are not the text's steps."""
    other = SENTENCE.replace("saw", "saw the")
    drawn = sent(opened(contrast.__name__, text=SENTENCE, other=other, at="3"))
    assert [row[0] for row in drawn["words"]] == ["Mary", "saw", "\N{EN DASH}/the", "John", "because", "she"]
    assert drawn["steps"] == [0, 1, 1, 2, 3, 4] and drawn["step"] == 4
    found = {panel["id"]: panel for panel in drawn["panels"]}["next0"]
    assert found["title"] == "LSTM: what comes after “because”"
    model = small_model("lstm")
    for text, step, name in ((SENTENCE, 3, "first sentence"), (other, 4, "second")):
        word, chance = model.next_tokens(model.run(text), step, 1)[0]
        assert f"After “because” in the {name} “{word}” is likeliest ({100 * chance:.0f}\u202f%)." in found["text"]


def test_contrast_says_where_a_sentence_has_no_word() -> None:
    test = opened(contrast.__name__, text=SENTENCE, other=SENTENCE.replace("saw", "saw the"), at="1")
    test.session_state["contrast"] = {"step": {"value": 2, "number": 7}}
    test.run()
    drawn = sent(test)
    found = {panel["id"]: panel for panel in drawn["panels"]}["next0"]
    assert (
        drawn["step"] == 2
        and drawn["heard"] == 7
        and found["text"].startswith("The first sentence has no word here. After “the” in the second")
    )
    assert [one["name"] for one in found["figure"]["data"]] == ["second sentence"]


def test_contrast_says_which_words_are_unknown() -> None:
    test = opened(contrast.__name__, text=SENTENCE, other="zzzz saw yyyy xxxx she")
    said = "The sentence to compare with: Not in the vocabulary of LSTM"
    assert any(one.value.startswith(said) for one in test.caption)
    known = {row[0]: row[3] for row in sent(test)["words"]}
    assert known["Mary/zzzz"] == 0 and known["saw"] == 1


def test_contrast_waits_with_the_word_that_is_still_written_in_the_sentence_that_it_proposes() -> None:
    text = "Mary went to the marke"
    test = opened(contrast.__name__, text=text, picked="1")
    chosen = {**Settings().server_side(), "picked": 1, "text": text}
    for writing in (1, 0):
        test.session_state["controls"] = {"settings": {**chosen, "writing": writing}}
        test.run()
        assert "John went to the marke" in [one.value for one in test.text_input]
        assert [one.value for one in test.caption if "marke" in one.value] == [] or not writing
    test.text_input[0].set_value("John ate the appl")  # that is not being written where the cursor is
    test.session_state["controls"] = {"settings": {**chosen, "writing": 1}}
    test.run()
    assert any("appl" in one.value for one in test.caption)


def test_the_largest_part_is_told_as_it_is() -> None:
    trace = small_model("lstm").run("Mary saw John")

    def said(*parts: float) -> str:
        return draw._most(trace, np.array(parts), float(sum(parts)))

    assert said(0.6, 0.2) == "The largest part was written at “Mary”: +0.60 of +0.80."
    assert said(0.25, -0.75) == "The largest part was written at “saw”: −0.75. With what others take from it: −0.50."
    assert "“saw”: −0.50. The others outweigh it: +0.30 in all." in said(0.4, -0.5, 0.4)


def test_a_change_between_two_words_that_read_alike_says_at_which_steps() -> None:
    trace = small_model("lstm").run("Mary saw Mary and she")
    for stop, says in ((2, "f = 1 from “Mary” to “saw”"), (3, "f = 1 from “Mary” to “Mary” (steps 1 to 3)")):
        assert what_if._summary([analysis.Force("f", 1.0, (0,), 0, stop)], trace) == says


@pytest.mark.parametrize("view", [memory, gradients])
def test_no_number_on_a_page_is_written_as_a_computer_does(view) -> None:
    said = [str(panel.get(key, "")) for panel in panels(view).values() for key in ("text", "note")]
    assert any(re.search(r"\d", text) for text in said)
    assert not [text for text in said if re.search(r"\de[+\-\N{MINUS SIGN}]\d", text)]


def test_gradients_say_how_much_smaller_each_line_is() -> None:
    text = "Mary saw John because she met Anna and John met Anna and she"
    drawn = panels(gradients, text=text, at="12")["vanishing"]
    flow = analysis.flow(small_model("gru").run(text), 12, "h")
    for step, says in ((2, "10 steps back"), (0, "Where it began, at “Mary”")):
        factor = flow.identity / flow.norm[step]
        assert 1 < factor < 10 and drawn["text"].partition(says)[2].partition("GRU ")[2].startswith(f"{factor:.1f}")


@pytest.mark.parametrize(("layer", "direction"), [(0, 0), (0, 1), (1, 1)])
def test_gradients_are_those_of_the_chosen_layer_and_direction(layer: int, direction: int) -> None:
    trace = lstm_core.trace(torch.nn.LSTM(5, 6, 2, bidirectional=True), torch.randn(15, 1, 5))
    ways = gradients._ways(trace, 3, "LSTM", Drawn(layer, direction))
    assert [(way.flow.state, way.shown, way.backward) for way in ways] == [
        ("c", False, direction == 1),
        ("h", True, direction == 1),
    ]
    for way in ways:
        expected = analysis.flow(trace, 3, way.flow.state, layer=layer, backward=direction == 1)
        np.testing.assert_array_equal(way.flow.norm, expected.norm)
    text = vanishing("x", trace, ways, "step 4")["text"]
    shares = [way.share[14 if direction else 0] for way in ways]
    by = "by" if direction else "it is smaller by a factor of"  # nothing was said before
    began = f"Where it began, at “step {15 if direction else 1}”, {by}: LSTM (c)"
    assert shares[0] < 1 and f"{began} {rounded(1 / shares[0])}" in text
    ways[0].flow.norm[14 if direction else 0] = 2.5 * ways[0].flow.identity
    assert f"{began}, 2.5 times larger; LSTM (h) {rounded(1 / shares[1])}" in vanishing("x", trace, ways, "it")["text"]
    assert ("10 steps back" in text) == (direction == 1)
    assert (
        "10 steps back" not in vanishing("x", trace, gradients._ways(trace, 10, "LSTM", Drawn(0, 0)), "step 11")["text"]
    )
    first = gradients._ways(trace, 14 if direction else 0, "LSTM", Drawn(layer, direction))
    assert vanishing("x", trace, first, "it")["text"].startswith("Nothing was read before")


def test_single_characters_stand_upright_and_words_lie_on_the_slant() -> None:
    single = text_axis(
        [(k, (char,)) for k, char in enumerate("昨天王女士去了市场，因为她很饿。后来李先生遇见了小红")], 26
    )
    assert single["tickangle"] == 0 and len(single["tickvals"]) == 26
    assert figure([], xaxis=single)["layout"]["margin"]["b"] < 40
    slanted = text_axis([(k, ("market",)) for k in range(52)], 52)
    assert slanted["tickangle"] == -40 and len(slanted["tickvals"]) == 26
    double = text_axis([(0, ("先", "女")), (1, ("生",))], 2)
    assert double["ticktext"] == ["先<br>女", "生"]
    assert figure([], xaxis=double)["layout"]["margin"]["b"] > figure([], xaxis=single)["layout"]["margin"]["b"]


def test_bars_are_the_chances_of_every_run_not_only_of_its_own_likeliest() -> None:
    """A word that is among the first of one run alone has a small chance in the other, and not none."""
    model = small_model("lstm")
    step, other = 3, SENTENCE.replace("because", "John")
    runs = [model.run(SENTENCE), model.run(other)]
    for before, after, drawn in (
        (*runs, panels(contrast, text=SENTENCE, other=other, at=str(step))["next0"]),
        (runs[0], None, panels(what_if, text=SENTENCE, at=str(step), do="f[5]@2:3=0")["next0"]),
    ):
        for bars, run in zip(reversed(drawn["figure"]["data"]), (before, after), strict=True):
            if run is not None:
                chances = dict(model.next_tokens(run, step, 1000))
                np.testing.assert_allclose(bars["x"], [chances[word] for word in bars["y"]], rtol=1e-4)
                assert min(bars["x"]) > 0


def test_a_long_text_is_compared_by_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []
    matcher = words.SequenceMatcher

    def noted(junk: None, one: list[str], other: list[str], **options: bool) -> SequenceMatcher:
        lengths.append(len(one))
        return matcher(junk, one, other, **options)

    monkeypatch.setattr(words, "SequenceMatcher", noted)
    monkeypatch.setattr(words, "SENTENCES", (*words.SENTENCES, f"{SENTENCE} " * 300))
    opened(contrast.__name__, text=f"{SENTENCE} " * 300)
    assert lengths and max(lengths) == words.COMPARED


def test_of_a_text_too_long_to_be_walked_through_its_beginning_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent grows with steps and units; a text of 2,000 tokens of the general models came to 219 MB."""
    test, units = opened(step_by_step.__name__, text=SENTENCE), 2 * small_model("lstm").hidden_size
    assert any("plain" in tree for tree in all_sent(test))
    count = len(small_model("lstm").run(SENTENCE))
    monkeypatch.setattr("dashboard.figures.walk.NUMBERS", count * units - 1)
    test = opened(step_by_step.__name__, text=SENTENCE)
    (walked,) = (tree for tree in all_sent(test) if "plain" in tree)
    assert [len(side["tokens"]) for side in walked["sides"]] == [count - 1] * 2
    assert f"The first {count - 1} of {count} tokens are shown." in test.caption[0].value


def test_an_intervention_at_a_piece_names_it_as_the_figures_do() -> None:
    model = lstm_core.load_model("general-lstm")
    trace = model.run("Alice told Bob that")
    at = [token.text for token in trace.tokens].index("ob")
    force = analysis.Force("f", 1.0, (188,), at, at + 1, layer=0, direction=0)
    said = what_if._say(force, model, trace, Drawn(0, 0)).replace("\\", "")  # Markdown's own signs are escaped
    assert f"at “-ob” (step {at + 1})" in said


def test_a_second_unit_that_is_picked_counts_as_the_first_did() -> None:
    test = opened(memory.__name__, text=SENTENCE)
    for unit in (5, 7, 3):
        test.selectbox[0].set_value(unit).run()
        assert test.selectbox[0].value == unit and f"unit {unit}" in sent(test)["panels"][0]["title"]
        assert test.query_params["unit"] in (str(unit), [str(unit)])
