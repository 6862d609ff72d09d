"""Each page through AppTest: it runs without an exception and sends the browser what the URL asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from dashboard import cache, frame
from dashboard.controls.kept import follows
from dashboard.scene import LOST
from dashboard.state import HOMES, SERVER_SIDE, Settings
from dashboard.views import discover
from lstm_core import load_model
from tests.small_models import small_model
from tests.test_figures import unpack

SENTENCE = "Mary saw John because she"


@pytest.fixture(autouse=True)
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Small models under the default pair's names, and one with two layers in both directions."""
    models = {
        "pronouns-lstm": small_model("lstm"),
        "pronouns-gru": small_model("gru"),
        "stacked": small_model("lstm", layers=2, directions=2),
    }
    for name, model in models.items():
        replace(model, name=name).save(tmp_path / f"{name}.safetensors")
    monkeypatch.setenv("GATESCOPE_MODELS", str(tmp_path))
    cache.forget()
    yield
    cache.forget()


def script(name: str) -> None:
    import importlib

    importlib.import_module(name).page()


def opened(name: str = "dashboard.views.gates", **params: str) -> AppTest:
    test = AppTest.from_function(script, args=(name,), default_timeout=300)
    for key, value in params.items():
        test.query_params[key] = value
    test.run()
    assert not test.exception, test.exception
    return test


def sent(test: AppTest) -> dict:
    """The tree that the figure's component got, which stands behind the talk's and the controls."""
    trees = (unpack(one.proto.bytes) for one in test.get("bidi_component"))  # type: ignore[attr-defined]
    return next(tree for tree in trees if not {"models", "tour"} & tree.keys())


@pytest.mark.parametrize("view", discover(), ids=lambda view: view.page.title)
def test_every_view_opens(view) -> None:
    opened(view.__name__)


def test_the_app_starts_on_the_first_view() -> None:
    test = AppTest.from_file("../dashboard/app.py", default_timeout=300).run()
    assert not test.exception
    assert sent(test)["text"] == Settings().text


def test_the_language_is_the_links_and_can_be_switched() -> None:
    test = AppTest.from_file("../dashboard/app.py", default_timeout=300)
    test.query_params["lang"] = "zh"
    test.run()
    assert not test.exception and sent(test)["language"] == "zh"
    assert sent(test)["figure"]["layout"]["meta"]["panels"][0]["title"] == "门"
    shown = sent(test)["text"]
    test.selectbox(key="lang").set_value("en").run()
    assert sent(test)["language"] == "en" and test.query_params["lang"] in ("en", ["en"])
    assert sent(test)["text"] == shown and test.query_params["text"] in (shown, [shown]), "the address opens it again"
    assert sent(test)["figure"]["layout"]["meta"]["panels"][0]["title"] == "gates"


def test_a_bare_address_opens_in_the_visitors_language_and_a_link_as_it_was_sent(chinese: None) -> None:
    assert sent(opened())["text"] == HOMES["zh"]["text"]
    assert sent(opened(at="3"))["text"] == Settings().text and sent(opened(text=SENTENCE))["text"] == SENTENCE


def test_the_url_is_what_is_drawn() -> None:
    left = {"left": "stacked", "layer": "1", "direction": "1", "unit": "5"}
    tree = sent(opened(text=SENTENCE, right="pronouns-lstm", at="3", **left))
    assert tree["text"] == SENTENCE
    assert [side["model"] for side in tree["sides"]] == ["stacked", "pronouns-lstm"]
    assert tree["units"] == [5, sent(opened(text=SENTENCE, left="pronouns-lstm"))["units"][0]]
    assert tree["settings"]["at"] == 3
    trace = small_model("lstm", layers=2, directions=2).run(SENTENCE)
    keep = next(one for one in tree["figure"]["data"] if one["type"] == "heatmap" and one["meta"]["role"] == "keep")
    assert (keep["z"] == trace.signals["f"][1, 1, :, 0].T).all()


@pytest.mark.parametrize("value", ["", "nonsense", "-7", "99999999999999999999", "1e3", "<script>", "\x00"])
def test_broken_parameters_fall_back(value: str) -> None:
    names = ["left", "right", "layer", "direction", "unit", "unit2", "sort"]
    tree = sent(opened(text=SENTENCE, **dict.fromkeys(names, value)))
    assert [side["model"] for side in tree["sides"]] == ["pronouns-lstm", "pronouns-gru"]
    assert tree["units"] == sent(opened(text=SENTENCE))["units"]


@given(st.dictionaries(st.sampled_from([*Settings().browser_side(), *SERVER_SIDE, "other"]), st.text() | st.integers()))
def test_any_parameters_give_settings_of_the_right_kind(params: dict) -> None:
    settings = Settings.parse(params, ["pronouns-lstm", "pronouns-gru"])
    for name, default in asdict(Settings()).items():
        value = getattr(settings, name)
        assert isinstance(value, int if default is None else type(default)) or value is None is default
    assert {settings.left, settings.right} <= {"pronouns-lstm", "pronouns-gru"}
    assert Settings.parse(asdict(settings), ["pronouns-lstm", "pronouns-gru"]) == settings


def test_empty_text_is_no_error() -> None:
    tree = sent(opened(text=""))
    assert tree["sides"][0]["words"] == []


@pytest.mark.parametrize("text", ["a", "😀", "我喜欢你", "مرحبا", "\x00\x07", "\ud800", "<b>x</b>", "a" * 5000])
def test_any_text_is_read(text: str) -> None:
    assert sent(opened(text=text.encode("utf-8", "replace").decode()))["sides"][0]["words"]


def test_long_text_is_cut_and_says_so() -> None:
    tree = sent(opened(text="Mary " * 2500, left="pronouns-lstm", right="pronouns-gru"))
    assert tree["sides"][0]["words"][-1][2] == cache.LIMIT - 1
    assert [note for note in tree["notices"] if "2,000" in note] == ["The first 2,000 of 2,500 tokens are shown."]


def test_a_text_of_unknown_tokens_is_said_to_be_one() -> None:
    assert not sent(opened(text="Mary saw John"))["notices"]
    (notice,) = sent(opened(text="Mary xa xb xc xd", left="pronouns-lstm"))["notices"]
    assert notice.startswith("Not in the vocabulary of LSTM and GRU: “xa”, “xb”, “xc” and 1 more.")  # once for both


def test_a_link_that_could_not_carry_its_text_says_so() -> None:
    assert sent(opened(long="1"))["notices"][0] == LOST
    assert LOST not in sent(opened(long="1", text="Mary"))["notices"]


def test_a_choice_that_comes_after_its_page_was_left_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, bool] = {}
    monkeypatch.setattr("streamlit.session_state", state)
    taken: list[bool] = []
    changed = follows("ticked", True, taken.append)["on_change"]
    state["ticked"] = False
    changed()
    del state["ticked"]
    changed()
    assert taken == [False]


def test_equations_are_the_cells_own() -> None:
    test = opened()
    shown = [latex.value for latex in test.latex]
    assert any(r"f_{t} \odot c_{t-1}" in one for one in shown)
    assert any(r"z_{t} \odot h_{t-1}" in one for one in shown)
    assert any("PyTorch's convention" in caption.value for caption in test.caption)


def test_without_models_the_page_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lstm_core.network.model_folders", lambda: [])
    cache.models.clear()
    test = AppTest.from_function(script, args=("dashboard.views.gates",), default_timeout=300).run()
    assert "python -m lab train" in test.error[0].value


def test_values_as_csv_and_npz() -> None:
    import io

    import numpy as np
    import pandas

    from dashboard.views.gates import as_csv, as_npz

    trace = small_model("lstm").run(SENTENCE)
    table = pandas.read_csv(io.BytesIO(as_csv(trace)))
    one = table[(table.signal == "f") & (table.unit == 3) & (table.time == 2)]
    assert one["value"].item() == pytest.approx(trace.sel("f", layer=0, direction=0, time=2, batch=0, unit=3).item())
    assert one["token"].item() == "John"
    np.testing.assert_array_equal(np.load(io.BytesIO(as_npz(trace)))["c"], trace.signals["c"])


def test_a_row_of_the_csv_file_is_a_line() -> None:
    from dashboard.views.gates import as_csv

    trace = load_model("general-gru").run("Mary\tmet \x07Anna", device="cpu")
    trace = replace(trace, signals={"h": trace.signals["h"][..., :1]})
    head, *rows = as_csv(trace).decode().splitlines()
    at = head.split(",").index("token")
    assert [row.split(",")[at] for row in rows] == ["↵", "Mary", "^I", "m", "et", "␣", "^G", "An", "na"]


GENERAL = {"left": "general-lstm", "right": "general-gru"}


def explained(page: str, **params: str) -> list[str]:
    told = opened(f"dashboard.views.{page}", **params).caption
    return [one.value for one in told if "one after the other" in one.value]


@pytest.mark.parametrize("name", ["what_if", "compare", "memory", "gradients", "contrast"])
def test_a_page_that_names_pieces_says_what_they_are_of(name: str) -> None:
    said = "“An-”, “-na”: the pieces in which “Anna” is read, one after the other."
    assert explained(name, text="Mary met Anna", **GENERAL) == [said]
    other = {"other": "John met Mary"} if name == "contrast" else {}
    assert explained(name, text="Mary met John", **GENERAL, **other) == []


@pytest.mark.parametrize("name", ["memory", "gradients", "what_if"])
def test_the_pieces_that_are_named_are_explained(name: str) -> None:
    told = explained(name, text="Angela Merkel was tired because", at="5", **GENERAL)
    assert len(told) == 1 and "“M-”, “-er-”, “-ke-”, “-l”: the pieces in which “Merkel” is read" in told[0]


@pytest.mark.parametrize("name", ["memory", "what_if", "gradients", "contrast"])
def test_a_click_on_the_right_chooses_the_word_that_stands_there(name: str) -> None:
    """That side reads ↵ first and Anna as An-, -na; the row of words is the left side's."""
    other = {"other": "Mary saw Anna and John"} if name == "contrast" else {}
    pair = {"left": "general-gru", "right": "pronouns-lstm"}, {"left": "pronouns-lstm", "right": "general-gru"}
    for models, expected in zip(pair, ([1, 2, 4, 5, 6], [0, 0, 1, 2, 2, 3, 4]), strict=True):
        panels = sent(opened(f"dashboard.views.{name}", text="Mary met Anna and John", **models, **other))["panels"]
        metas = {one["id"]: one["figure"]["layout"].get("meta", {}) for one in panels if one["figure"]}
        right = [meta for id, meta in metas.items() if id.endswith("1") and "pick" in meta]
        assert right and all(meta["at"] == expected for meta in right)
        assert not any("at" in meta for id, meta in metas.items() if not id.endswith("1"))


def test_pieces_are_told_of_the_models_that_are_drawn_alone() -> None:
    """Compare lets both models read what the left one reads, here Anna as a whole word."""
    assert explained("compare", text="Mary met Anna", left="pronouns-lstm", right="general-gru") == []
    assert explained("memory", text="Mary met Anna", left="pronouns-lstm", right="pronouns-gru") == []


def test_of_many_words_in_pieces_those_that_are_named_are_told() -> None:
    trace = load_model("general-gru").run("Anna met Angela Merkel", device="cpu")
    told: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dashboard.frame.st.caption", told.append)
        frame.pieces([{"title": "after “because”", "text": "written at “M-”."}], [trace, trace])
        frame.pieces([{"title": "after “because”"}], [trace])
        frame.pieces([], ())
    assert [one.partition("the pieces in which ")[2] for one in told] == [
        f"{word} is read, one after the other." for word in ("“Merkel”", "“Anna”")
    ]


def test_a_visitors_words_in_a_notice_are_no_markdown() -> None:
    query = {"text": "Mary met *b* [x](y) :red[z] <i>", "left": "pronouns-lstm", "right": "pronouns-gru"}
    for page in ("memory", "contrast"):
        notices = [one.value for one in opened(f"dashboard.views.{page}", **query).caption if "vocabulary" in one.value]
        assert notices
        for said in notices:
            assert not re.search(r"(?<!\\)[*\[\]<>]|(?<!\\):red", said), said
