"""Every page with a visitor's own model, through AppTest: no page has a case of its own for it, and none fails."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch import nn
from uploads import HOSTILE, SENTENCE, WORDS, onnx_lstm, safetensors, saved, tagger

from dashboard import cache, language, library
from dashboard.state import YOURS
from dashboard.views import contrast, discover, gates, gradients, health, memory, step_by_step, what_if
from dashboard.yours import session, vocabulary
from dashboard.yours.upload import Given
from lstm_core import analysis
from lstm_core.analysis.health import NOTES
from lstm_core.say import tr
from tests.test_figures import unpack
from tests.test_views import script, sent, small  # noqa: F401


def placed(data: bytes, words: bool = False, **chosen: object) -> session.Place:
    place = session.Place()
    place.take(Given("<b>their</b> *model*.pt", data))
    assert place.upload is not None, place.problem
    if words:
        place.choose(vocabulary=vocabulary.read("\n".join(WORDS).encode(), len(WORDS)), source="sentence")
    place.choose(**chosen)
    return place


def opened(view: Any, place: session.Place | None, **params: str) -> AppTest:
    test = AppTest.from_function(script, args=(view.__name__,), default_timeout=300)
    if place is not None:
        test.session_state[library.OWN] = place
    for key, value in {"left": YOURS, "text": SENTENCE, **params}.items():
        test.query_params[key] = value
    test.run()
    assert not test.exception, test.exception
    return test


def panels(view: Any, place: session.Place, **params: str) -> dict[str, dict]:
    return {panel["id"]: panel for panel in sent(opened(view, place, **params))["panels"]}


FILES = {
    "a language model": lambda: placed(saved(tagger()), words=True),
    "GRU, both directions": lambda: placed(saved(nn.GRU(3, 5, num_layers=2, bidirectional=True))),
    "one unit": lambda: placed(saved(nn.LSTM(1, 1))),
    "projected": lambda: placed(saved(nn.LSTM(3, 6, proj_size=4))),
    "ONNX": lambda: placed(onnx_lstm(name="<i>x</i>"), kind="noise"),
}


@pytest.mark.every(3)
@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("view", discover(), ids=lambda view: view.page.title)
@pytest.mark.parametrize("file", FILES)
def test_every_page_draws_every_model_on_either_side(view, file: str) -> None:
    place = FILES[file]()
    for sides in ({"right": YOURS}, {"left": "pronouns-lstm", "right": YOURS}):
        opened(view, place, **sides)


def test_the_gates_are_those_of_the_file() -> None:
    place = placed(saved(tagger()), words=True)
    tree = sent(opened(gates, place, layer="1"))
    assert [side["model"] for side in tree["sides"]] == [YOURS, "pronouns-gru"]
    assert place.upload is not None
    trace = place.upload.read(SENTENCE, 99).trace
    keep = next(one for one in tree["figure"]["data"] if one["type"] == "heatmap" and one["meta"]["role"] == "keep")
    np.testing.assert_allclose(np.asarray(keep["z"]), trace.signals["f"][1, 0, :, 0].T, atol=1e-6)
    assert tree["sides"][0]["next"]["words"] and not tree["sides"][0]["next"]["why"]
    assert "largest difference from its own runtime" in tree["quiet"]


def weights(*left_out: str) -> bytes:
    return safetensors({k: v.numpy() for k, v in nn.GRU(3, 5).state_dict().items() if k not in left_out})


def test_a_run_that_nothing_was_compared_with_says_so_where_the_proof_would_stand() -> None:
    unproved = "not compared: a file brings no runtime of its own to compare with"
    assert sent(opened(gates, placed(weights())))["quiet"].count(unproved) == 1, "the shipped one beside it is ours"
    assert f"{unproved} (assumed" not in sent(opened(gates, placed(weights())))["quiet"]
    half = sent(opened(gates, placed(weights("bias_hh_l0"))))["quiet"]
    assert f"{unproved} (assumed: bias_hh is missing beside bias_ih, and zeros stand for it)" in half
    assert unproved in sent(opened(gates, placed(onnx_lstm())))["quiet"]
    assert "compared" not in sent(opened(gates, placed(saved(nn.GRU(3, 5)))))["quiet"]
    assert "compared" not in sent(opened(gates, None, left="pronouns-lstm"))["quiet"]


def test_without_words_the_panel_of_predictions_says_why() -> None:
    tree = sent(opened(gates, placed(saved(nn.GRU(3, 5)))))
    assert "reads numbers" in tree["sides"][0]["next"]["why"] and tree["sides"][0]["next"]["words"] == []
    assert [word[0] for word in tree["sides"][0]["words"]] == [str(k + 1) for k in range(60)]


def test_what_needs_words_says_what_is_missing() -> None:
    place = placed(saved(nn.GRU(3, 5)))
    told = panels(memory, place, look="one word against another")["writers0"]
    reason = "Your model reads numbers here: there is no next word to expect."
    assert reason in told["text"]
    assert reason in panels(what_if, place)["next0"]["text"]
    assert reason in panels(gradients, place)["gates0"]["text"]
    assert "a model that reads numbers has none" in panels(contrast, place)["unit0"]["text"]
    assert panels(contrast, place)["unit1"]["figure"], "the other side is compared all the same"
    both = opened(contrast, place, right=YOURS)
    assert any("a model that reads numbers has none" in caption.value for caption in both.caption)


@pytest.mark.parametrize("view", discover(), ids=lambda view: view.page.title)
def test_a_model_that_reads_numbers_is_told_of_no_text(view: Any) -> None:
    test = opened(view, placed(saved(nn.LSTM(3, 80))), right=YOURS)
    trees = [unpack(one.proto.bytes) for one in test.get("bidi_component")]  # type: ignore[attr-defined]
    said = json.dumps(trees, default=str) + " ".join(one.value for one in test.caption)
    assert not re.findall(r".{60}\bthis text\b.{20}", said)


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        ({"source": "probe"}, "Your model reads numbers here: there is no next word to expect."),
        ({"output": None}, "No output layer is chosen for your model: no next word is predicted."),
    ],
    ids=["a probe", "none chosen"],
)
def test_why_no_word_is_expected_is_said_alike_on_every_page(chosen: dict[str, object], reason: str) -> None:
    place = placed(saved(tagger()), words=True, **chosen)
    assert sent(opened(gates, place))["sides"][0]["next"]["why"] == reason
    assert panels(what_if, place)["next0"]["text"] == reason
    assert panels(gradients, place, target=WORDS[1])["gates0"]["text"] == reason
    look = {"look": "one word against another", "word": WORDS[1]}
    assert panels(memory, place, **look)["writers0"]["text"].startswith(reason)
    assert sent(opened(step_by_step, place))["sides"][0]["silent"] == reason


def test_health_shows_what_the_analysis_says() -> None:
    place = placed(saved(nn.LSTM(3, 5, num_layers=2, bidirectional=True)))
    assert place.upload is not None
    trace = place.upload.read("", 2000).trace
    found = {(one.layer, one.direction): one for one in analysis.health(trace)}
    drawn = panels(health, place, layer="1", direction="1")
    one = found[1, 1]
    line = next(line for line in drawn["singular0"]["figure"]["data"] if line["name"] == "U_f")
    np.testing.assert_allclose(line["y"], one.singular["U_f"], rtol=1e-5)
    moved = drawn["dead0"]["figure"]["data"][0]["y"]
    np.testing.assert_allclose(moved, np.sort(np.maximum(one.movement, 1e-4))[::-1], rtol=1e-5)
    box = next(box for box in drawn["bias0"]["figure"]["data"] if box["name"] == "b_f")
    assert box["x"] == [f"layer {layer}, {way}" for layer in (0, 1) for way in ("forward", "backward")]
    np.testing.assert_allclose(box["median"], [np.median(found[at].biases["b_f"]) for at in found], rtol=1e-5)
    mean = f"{np.mean(one.forget_bias):+z.2f}".replace("-", "\N{MINUS SIGN}")
    assert f"{mean} (layer 1, backward)" in drawn["bias0"]["text"]
    for name, note in NOTES.items():
        assert drawn[name]["title"] == note.title and drawn[name]["text"] == tr(note.why)
        assert note.remedy[1:] in drawn[name]["note"] and note.source in drawn[name]["note"]


def test_health_of_a_network_made_ill() -> None:
    """A unit shut by its output gate and one whose forget gate is open for good stand in the page's sentences."""
    module = nn.LSTM(3, 6)
    with torch.no_grad():
        module.bias_ih_l0[3 * 6 + 2] = -30  # o of unit 2
        module.bias_ih_l0[6 + 4] = 30  # f of unit 4
    drawn = panels(health, placed(saved(module), kind="noise", steps=1))
    assert "dead" not in drawn["summary0"]["text"] and drawn["dead0"]["text"].startswith("With a single step")
    drawn = panels(health, placed(saved(module), kind="noise"))
    assert "1 of 6 units did not move on this input: unit 2." == drawn["dead0"]["text"]
    assert "f of unit 4" in drawn["saturated0"]["text"] and "o of unit 2" in drawn["saturated0"]["text"]
    assert "unit 4" in drawn["integrator0"]["text"]
    assert drawn["summary0"]["text"].startswith(
        "Units that do not move (dead): 1, with a gate at one end (saturated): 2, "
        "that keep and go on writing (integrating): 1"
    )


def test_health_writes_each_timescale_with_the_gate_that_its_cell_has() -> None:
    for module, keep, other in ((nn.GRU(3, 4), "z", "f"), (nn.LSTM(3, 4), "f", "z")):
        drawn = panels(health, placed(saved(module)))
        assert f"T = −1 / log {keep}" in drawn["timescale0"]["note"]
        for panel in (drawn["timescale"], drawn["timescale0"]):
            assert not any(f"log {other}" in str(panel.get(part)) for part in ("title", "text", "note", "alt")), panel


def test_health_of_the_plain_network() -> None:
    place = session.Place()
    place.take(Given("rnn.pt", saved(nn.RNN(3, 4)), said={"cell": {"": "rnn"}}))
    drawn = panels(health, place)
    assert "rewrites its whole state" in drawn["integrator0"]["text"]
    assert "Largest absolute eigenvalue" in drawn["singular0"]["text"]


def test_a_link_to_a_model_that_is_not_here_falls_back() -> None:
    test = opened(gates, None)
    tree = sent(test)
    assert [side["model"] for side in tree["sides"]] == ["pronouns-lstm", "pronouns-gru"]
    assert tree["notices"][0].startswith("No model of yours is in this tab: pronouns-lstm is shown in its place.")
    assert len(test.get("file_uploader")) == 1


def test_the_stand_in_is_what_stood_there_before_or_the_languages_own(monkeypatch: pytest.MonkeyPatch) -> None:
    test = AppTest.from_function(script, args=(gates.__name__,), default_timeout=300)
    test.query_params["left"], test.query_params["text"] = "stacked", SENTENCE
    test.run()
    test.session_state["settings"] = {"left": YOURS, "right": "pronouns-gru", "text": SENTENCE}
    test.run()
    assert [side["model"] for side in sent(test)["sides"]] == ["stacked", "pronouns-gru"]
    monkeypatch.delenv("GATESCOPE_MODELS")
    cache.forget()
    language.ask(lambda: "zh")
    try:
        chinese, english = (opened(gates, None, text=text) for text in ("王女士去了市场", SENTENCE))
    finally:
        language.ask(lambda: language.ENGLISH)
    assert sent(chinese)["sides"][0]["model"] == "pronouns_zh-lstm"
    assert sent(english)["sides"][0]["model"] == "pronouns-lstm"


def test_a_block_with_a_number_for_a_name_and_an_embedding() -> None:
    """It is called a block; where to give the vocabulary is said by the names of what to press."""
    place = placed(saved(nn.Sequential(nn.Embedding(10, 3), nn.GRU(3, 5))))
    test = opened(gates, place)
    popovers = [one.proto.popover.label for one in test.get("popover")]  # type: ignore[attr-defined]
    assert popovers == ["Your model: block 1 (GRU), 3 inputs, 5 units", "It reads a probe: sine, 60 steps", "Replace"]
    hint = next(one.value for one in test.caption if one.value.startswith("It has an embedding."))
    choices = next(one for one in test.get("button_group") if "What it reads" in str(one.proto))
    assert f"\N{LEFT DOUBLE QUOTATION MARK}{popovers[1]}\N{RIGHT DOUBLE QUOTATION MARK}" in hint
    assert (
        "\N{LEFT DOUBLE QUOTATION MARK}the sentence\N{RIGHT DOUBLE QUOTATION MARK}" in hint
        and "the sentence" in str(choices.proto)
    )


def test_the_downloads_of_two_models_of_one_cell_are_told_apart() -> None:
    place = placed(saved(nn.GRU(3, 5)))
    labels = [one.proto.label for one in opened(gates, place).get("download_button")]  # type: ignore[attr-defined]
    assert labels[::2] == ["GRU (yours) values, CSV", "GRU (pronouns-gru) values, CSV"]
    labels = [one.proto.label for one in opened(gates, None, left="pronouns-lstm").get("download_button")]  # type: ignore[attr-defined]
    assert labels[::2] == ["LSTM values, CSV", "GRU values, CSV"]


def test_a_model_is_replaced_by_another() -> None:
    test = opened(gates, placed(saved(nn.GRU(3, 5))))
    uploader = next(one for one in test.get("file_uploader") if one.proto.label == "Another file")  # type: ignore[attr-defined]
    uploader.upload("other.pt", saved(nn.LSTM(2, 4)), "application/octet-stream").run()  # type: ignore[attr-defined]
    assert not test.exception and test.session_state[library.OWN].upload.file == "other.pt"


def test_two_visitors_do_not_see_each_others() -> None:
    mine = opened(gates, placed(saved(nn.GRU(3, 5))))
    theirs = opened(gates, None)
    assert sent(mine)["sides"][0]["model"] == YOURS
    assert sent(theirs)["sides"][0]["model"] == "pronouns-lstm"


def test_an_upload_through_the_page_and_its_removal() -> None:
    test = opened(gates, None)
    test.get("file_uploader")[0].upload("their.pt", saved(nn.GRU(3, 5)), "application/octet-stream").run()  # type: ignore[attr-defined]
    assert not test.exception and sent(test)["sides"][0]["model"] == YOURS
    next(button for button in test.button if button.label == "Remove").click().run()
    assert sent(test)["sides"][0]["model"] == "pronouns-lstm"
    assert test.session_state[library.OWN].upload is None


def test_the_visitors_names_are_shown_as_text() -> None:
    test = opened(gates, placed(onnx_lstm(name="<script>alert(1)</script> **b**")))
    shown = " ".join([*(one.value for one in test.markdown), *(one.value for one in test.caption)])
    assert r"\<b\>their\</b\> \*model\*\.pt" in shown
    assert "<b>" not in shown.replace(r"\<b\>", "")


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_wrong_is_told_on_the_page(name: str) -> None:
    make, said = HOSTILE[name]
    test = opened(gates, None)
    test.get("file_uploader")[0].upload("bad *file*.pt", make(), "application/octet-stream").run()  # type: ignore[attr-defined]
    assert not test.exception
    assert test.error[0].value.startswith(r"bad \*file\*\.pt\: ")
    assert re.search(said, test.error[0].value.replace("\\", ""))
    assert sent(test)["notices"][0] == "Your file was refused: pronouns-lstm is shown in its place."


def test_what_stands_in_the_place_of_a_file_says_why() -> None:
    """Refused, asked about, let go of, or never there: each is another reason, and the next file takes it away."""
    place = session.Place()
    place.take(Given("a.txt", b"a text"))
    said = [sent(opened(gates, place))["notices"][0]]
    place.take(Given("rnn.pt", saved(nn.RNN(3, 5))))
    assert place.question is not None
    said.append(sent(opened(gates, place))["notices"][0])
    place.take(Given("gru.pt", saved(nn.GRU(3, 5))))
    assert not any("in its place" in text for text in sent(opened(gates, place))["notices"])
    place.let_go()
    said.append(sent(opened(gates, place))["notices"][0])
    place.clear()
    said.append(sent(opened(gates, place))["notices"][0])
    assert said[:3] == [
        "Your file was refused: pronouns-lstm is shown in its place.",
        "Your file does not say which cell it holds: until you do, pronouns-lstm is shown.",
        "Your model was let go of: pronouns-lstm is shown in its place.",
    ]
    assert said[3].startswith("No model of yours is in this tab")


def test_a_second_file_that_is_refused_leaves_the_reason_on_every_page() -> None:
    place = placed(saved(nn.GRU(3, 5)))
    place.take(Given("bad.pt", b"a text"))
    for view in (gates, what_if, health):
        test = opened(view, place)
        shown = [caption.value for caption in test.caption] if view is not gates else sent(test)["notices"]
        assert any("Your file was refused" in text for text in shown), view


def test_a_model_that_read_nothing_never_blanks_the_other() -> None:
    """A shipped one stands in its place, and the notice says why."""
    place = placed(saved(tagger()), vocabulary=vocabulary.from_entries({"zebra": 1}, len(WORDS)), source="sentence")
    tree = sent(opened(gates, place))
    assert len(tree["sides"][0]["words"]) == len(tree["sides"][1]["words"]) > 0
    assert tree["sides"][0]["model"] == "pronouns-lstm"
    assert "Your vocabulary has no entry for" in tree["notices"][0]
    assert tree["notices"][1].endswith("is shown in its place.")
    for view in discover():
        opened(view, place)
