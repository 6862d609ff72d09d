"""The page "Experiments" through AppTest: the wall says what the files say, a card opens, a text is read, jobs end."""

from __future__ import annotations

import json
import math
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import jobs, language
from dashboard.figures import experiments as draw
from dashboard.figures import live
from dashboard.figures.deciding import deciding_unit
from dashboard.jobs import Busy, Job
from dashboard.views import experiments as view
from lab.experiments import discover
from lab.experiments.base import Drawing, Figure, Results, Series, Target
from lab.experiments.record import results
from lstm_core import load_model
from tests.test_figures import unpack
from tests.test_views import opened, small  # noqa: F401

NAME = "dashboard.views.experiments"


def all_sent(test: AppTest) -> list[dict[str, Any]]:
    return [unpack(one.proto.bytes) for one in test.get("bidi_component") if one.proto.bytes]  # type: ignore[attr-defined]


@pytest.fixture
def job() -> Iterator[Any]:
    """``job(code)`` runs Python code as a job; all are ended."""
    made: list[Job] = []

    def start(code: str, seconds: float = 60.0) -> Job:
        made.append(Job("tests.run_code", [code], seconds))
        return made[-1]

    yield start
    for one in made:
        one.end()


def until(condition: Any, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


# -- the wall ----------------------------------------------------------------------------------------------------------


def test_the_wall_has_a_card_for_every_experiment() -> None:
    (tree,) = all_sent(opened(NAME))
    assert [card["name"] for card in tree["cards"]] == list(discover())
    for card in tree["cards"]:
        found = results(card["name"])
        if found is None:
            assert card["verdict"] == "Not measured yet."
            continue
        missed = sum(view.verdict(target, found)[0] == "missed" for target in discover()[card["name"]].targets)
        assert card["verdict"].startswith(f"{len(discover()[card['name']].targets) - missed} of ")
        said = [verdict for verdict, _ in card["lines"]]
        assert said == ["missed"] * missed + ["met"] * (len(said) - missed), "what is missed comes first"
        ElementTree.fromstring(card["svg"])


def test_a_price_on_gates_is_said_where_a_claim_rests_on_models_that_paid_it() -> None:
    for one in discover().values():
        priced = any(load_model(name).meta.get("economy", 0) > 0 for name in one.models)
        assert bool(one.shaped) == priced, one.name


def test_a_verdict_says_figure_spread_and_target() -> None:
    found = Results((0, 1, 2), {"x": Figure((0.5, 0.75, 1.0)), "y": Figure((), 2.68e-5)})
    assert view.verdict(Target("x", "share", 0.8), found) == ("missed", "share: 0.75 (0.5 to 1), target at least 0.8")
    said = view.verdict(Target("y", "rest", 1e-5, at_least=False), found)
    assert said == ("missed", "rest: 2.7\u00d710\u207b\u2075, target at most 10\u207b\u2075")
    alike = Results((0, 1), {"x": Figure((1.0, 1.0))})
    assert view.verdict(Target("x", "share", 0.8), alike) == ("met", "share: 1, target at least 0.8")


def test_a_spread_of_nothing_is_the_value() -> None:
    one, found = discover()["copy"], results("copy")
    assert found is not None and found.figures["lstm_60"].spread == (1, 1)
    assert "| 1 | 1 | 1 | 0 |" in view.table(one, found, None).splitlines()[2]


@pytest.mark.parametrize(
    "value, said",
    [
        (0.0, "0"), (0.66, "0.66"), (2 / 3, "0.667"), (3000.0, "3,000"), (58.0, "58"), (1.0, "1"), (0.99999, "0.99999"),
        (0.999684, "0.99968"), (0.9951, "0.995"), (-0.0435, "\u22120.0435"), (7.8e-5, "7.8\u00d710\u207b\u2075"),
        (1e-16, "10\u207b\u00b9\u2076"), (2.5e7, "2.5\u00d710\u2077"),
    ],
)  # fmt: skip
def test_a_number_is_one_that_people_read(value: float, said: str) -> None:
    assert draw.number(value) == said


@pytest.mark.parametrize("name", discover())
def test_no_number_is_written_as_a_computer_does(name: str) -> None:
    found = results(name)
    assert found is not None
    for drawing in discover()[name].draw(found):
        panel = draw.full("id", drawing)
        hovers = [said for one in panel["figure"]["data"] for said in one.get("hovertext", ())]
        for text in (draw.small(drawing), panel["alt"], *hovers):
            assert not re.search(r"\de[+-]\d", text), text
        layout = panel["figure"]["layout"]
        if layout["xaxis"].get("tickangle"):  # names that are turned by 35 degrees; a letter is six pixels wide
            longest = max(len(x) for bar in panel["figure"]["data"] for x in bar["x"] if x is not None)
            assert layout["margin"]["b"] > 6 * longest * math.sin(math.radians(35)) + 30
    one = discover()[name]
    assert not re.search(r"\de[+-]\d", view.table(one, found, None))


def test_a_card_names_its_bars_or_the_first_and_the_last() -> None:
    def below(names: list[str]) -> list[list[str]]:
        series = Series("s", names, [0.5] * len(names))
        return [lines for *_, lines in draw._ends(Drawing("bars", "t", "", "y", [series]))]

    assert below(["inside quotes", "closing mark", "depth (correlation)"])[2] == ["depth", "(correlation)"]
    chinese = ["\u5f15\u53f7\u5185", "\u95ed\u5408", "\u6df1\u5ea6\uff08\u76f8\u5173\u7cfb\u6570\uff09"]
    assert below(chinese) == [[chinese[0]], [chinese[1]], ["\u6df1\u5ea6", chinese[2][2:]]]
    assert below([f"network {k}" for k in range(25)]) == [["network 0"], ["\u2026"], ["network 24"]]


def test_counting_says_that_one_seed_bears_it_out() -> None:
    test = opened(NAME, experiment="counting")
    said = next(one.value for one in test.markdown if one.value.startswith("**Measured.** "))
    assert said == (
        "**Measured.** 2 of 3 targets met \N{MIDDLE DOT} 5 seeds. Networks that count to 90 or further: 1 of 5 LSTMs, "
        "0 of 5 GRUs. The median LSTM gets to 58, the median GRU to 42."
    )
    (wall,) = all_sent(opened(NAME))
    cards = {card["name"]: card for card in wall["cards"]}
    assert said.endswith(cards["counting"]["short"]) and cards["copy"]["short"] == ""
    assert "4 digits in 32 bits and to 13 in 64" in cards["weighted-sum"]["short"]
    assert "bias 0 in 2 of 4 tasks, chrono than bias 1 in 4 of 5" in cards["forget-bias"]["short"]


def test_the_page_leads_to_training_on_the_experiments_task() -> None:
    for name, task in (("counting", "count"), ("quotes", "pronouns")):
        test = opened(NAME, experiment=name)
        next(button for button in test.button if button.label == "Train it yourself").click().run()
        assert not test.exception and test.query_params["experiment"] in ("train", ["train"])
        assert test.selectbox[0].value == task


def test_the_text_to_try_opens_at_its_end() -> None:
    """The figures above it have no words and no step: a step of theirs would be taken over by the text."""
    test = opened(NAME, experiment="subject")
    test.text_input[0].set_value("Mary met John because").run()
    figures, tried = all_sent(test)
    assert "step" not in figures and tried["step"] == 3


def test_the_button_says_how_long_it_took() -> None:
    found = results("counting")
    assert found is not None
    labels = [button.label for button in opened(NAME, experiment="counting").button]
    assert f"Measure it all again (it took {found.seconds:.0f} s)" in labels
    assert view.verdict(Target("z", "none", 1.0), found) == ("missed", "none: not measured")


def test_a_card_opens_and_closes() -> None:
    test = opened(NAME, experiment="weighted-sum")
    assert [one.value for one in test.header] == ["Memory is a weighted sum"]
    test.button[0].click().run()
    assert not test.exception and not test.header


@pytest.mark.every(3)
@pytest.mark.parametrize("name", [*discover(), "nonsense", "", "<b>"])
def test_every_address_opens(name: str) -> None:
    test = opened(NAME, experiment=name)
    assert bool(test.header) is (name in discover())


def test_the_table_is_what_was_measured() -> None:
    one = discover()["quotes"]
    found = results("quotes")
    assert found is not None
    lines = view.table(one, found, None).splitlines()
    assert len(lines) == 2 + len(one.targets)
    assert f"| {view.number(found.figures['lstm_over_untrained'].value('least') or 0)} |" in lines[2]
    again = replace(found, figures={name: Figure((0.123,)) for name in found.figures})
    assert view.table(one, found, again).splitlines()[2].endswith("| 0.123 |")


def test_a_broken_file_is_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "quotes.json").write_text("{")
    monkeypatch.setattr(view, "results", lambda name: results(name, tmp_path))
    test = opened(NAME, experiment="quotes")
    assert "python -m lab measure quotes" in test.error[0].value
    (tree,) = all_sent(opened(NAME))
    assert any("quotes.json" in card["verdict"] for card in tree["cards"])


# -- the figures -------------------------------------------------------------------------------------------------------

LINES = Drawing("lines", "T", "x", "y", [Series("<a>", [0, 1], [0.0, 1.0], [0.0, 0.5], [0.5, 1.0], "lstm")])


@pytest.mark.parametrize(
    "drawing",
    [
        LINES,
        replace(LINES, log_y=True, series=[Series("a", [1, 10, 100], [1e-8, None, 1.0])], log_x=True),
        replace(LINES, kind="points"),
        replace(LINES, kind="histogram", log_x=True, series=[Series("a", [1, 10], [3, 4])]),
        replace(LINES, kind="bars", series=[Series("a", ["p", "q"], [0.5, None], [0.4, None], [0.6, None])] * 2),
        replace(LINES, limits=[(0.5, "chance"), (9.0, "out of sight")]),
        replace(LINES, series=[]),
    ],
    ids=["lines", "logarithmic", "points", "histogram", "bars", "limits", "nothing"],
)
def test_small_and_full_figures_are_drawn(drawing: Drawing) -> None:
    root = ElementTree.fromstring(draw.small(drawing))
    assert root.tag.endswith("svg")
    panel = draw.full("id", drawing)
    json.dumps(panel, default=lambda value: np.asarray(value).tolist(), allow_nan=False)
    assert panel["alt"].startswith("T: ")


def test_what_a_limit_says_lies_on_no_bar() -> None:
    panel = draw.full("id", replace(LINES, limits=[(0.5, "<chance>")]))
    layout, named = panel["figure"]["layout"], panel["figure"]["data"][-1]
    assert "annotations" not in layout and layout["showlegend"] and layout["shapes"][0]["y0"] == 0.5
    assert named["name"] == "&lt;chance&gt;" and named["y"] == [None] and named["line"]["dash"] == "dot"


def test_two_networks_of_one_cell_are_told_apart_in_the_legend() -> None:
    found = results("conveyor-belt")
    assert found is not None
    legend = draw.legend(discover()["conveyor-belt"].draw(found)[0])
    assert len(set((color, dashed) for _, color, dashed in legend)) == 4
    assert [dashed for *_, dashed in legend] == [False, False, False, True]


@pytest.mark.parametrize("name", discover())
def test_no_two_series_look_alike(name: str) -> None:
    """And what is no cell does not have the colour of one while another is free."""
    found = results(name)
    assert found is not None
    for drawing in discover()[name].draw(found):
        looks = [(color, dashed) for _, color, dashed in draw.legend(drawing)]
        assert len(set(looks)) == len(looks)
        lent = [color for one, (color, _) in zip(drawing.series, looks, strict=True) if not one.color]
        assert len(lent) > 4 or not set(lent) & {draw.theme.model_color(cell) for cell in ("lstm", "gru", "rnn")}


def test_what_is_small_is_what_is_full() -> None:
    """The highest value stands at the top edge, the lowest at the bottom one, at both sizes the same numbers."""
    root = ElementTree.fromstring(draw.small(replace(LINES, y_range=(0.0, 1.0))))
    path = next(node.get("d") or "" for node in root if node.get("stroke-width") == "1.8")
    places = [tuple(map(float, part.split())) for part in path.removeprefix("M").split("L")]
    assert [y for _, y in places] == [draw.HEIGHT - draw.BOTTOM, draw.TOP]
    full = draw.full("id", LINES)["figure"]["data"]
    assert full[-1]["y"] == [0.0, 1.0] and full[-1]["name"] == "&lt;a&gt;"
    assert [band["y"] for band in full[:2]] == [[0.0, 0.5], [0.5, 1.0]]


def test_a_cell_has_its_own_colour_and_the_untrained_one_is_grey() -> None:
    series = [Series(name, [0], [0], color=name) for name in ("untrained", "gru", "", "lstm")]
    found = draw.colors(replace(LINES, series=series))
    assert len(set(found)) == 4 and found[0] == draw.theme.OTHER_COLOR
    assert found[1] == draw.theme.role_color("write") and found[3] == draw.theme.role_color("keep")


# -- a text of one's own -----------------------------------------------------------------------------------------------


def test_a_text_is_read_by_the_models() -> None:
    test = opened(NAME, experiment="subject")
    box = test.text_input[0]
    assert box.value == discover()["subject"].tries[0].text
    box.set_value("Mary met John because").run()
    tree = all_sent(test)[-1]
    assert [row[0] for row in tree["words"]] == ["Mary", "met", "John", "because"]
    assert {panel["id"] for panel in tree["panels"]} == {"unit0", "unit1", "next0", "next1"}
    assert any(
        "Mary%20met%20John%20because" in one.value and "left=pronouns-lstm" in one.value for one in test.markdown
    )


def test_both_models_stand_at_the_same_word() -> None:
    """The one reads some words in two pieces: its steps have other numbers."""
    tree = all_sent(opened(NAME, experiment="number"))[-1]
    left, right = (next(panel for panel in tree["panels"] if panel["id"] == f"next{k}") for k in (0, 1))
    assert "“door”" in left["title"] and "“door”" in right["title"]


@pytest.mark.parametrize("name", ["subject", "output-gate", "number", "brackets", "counting", "timescales"])
def test_a_text_to_try_shows_what_it_asks_to_look_at(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The unit and the gate that are named where the model has them; else the unit that decides, and no other name."""
    monkeypatch.delenv("GATESCOPE_MODELS")
    for one in discover()[name].tries:
        for which in dict.fromkeys((one.left, one.right)):
            model = load_model(which)
            trace = model.run(one.text, device="cpu")
            likeliest = model.likeliest(trace, 5)
            panel = live.unit_lines("id", model, trace, likeliest, one.shows, one.gate)
            unit = model.meta.get("units", {}).get(one.shows, {}).get("unit")
            assert unit is not None or not one.shows or which != one.left, "it shows what there is"
            if unit is None:
                unit = deciding_unit(model, trace, likeliest, len(trace) - 1, len(model.layers) - 1)
            lines = unpack_lines(panel)
            state = "c" if "c" in trace.signals else "h"
            want = trace.sel(state, layer=len(model.layers) - 1, direction=0, batch=0, unit=unit)
            np.testing.assert_allclose(lines[f"{state}, memory"], want, atol=1e-6)
            if one.gate == "expose" and "o" in trace.signals:
                np.testing.assert_allclose(lines["o, share shown"], trace.sel("o", batch=0, unit=unit)[0, 0], atol=1e-6)
                assert panel["text"].startswith("o is above 0.9 at ")
            named = live.named_units(model, len(model.layers) - 1, 0, trace)
            assert one.shows or panel["title"].endswith(
                next((f": {n['name']} unit" for n in named if n["unit"] == unit), f": unit {unit}")
            )


def unpack_lines(panel: dict[str, Any]) -> dict[str, np.ndarray]:
    return {one["name"]: np.asarray(one["y"], float) for one in panel["figure"]["data"]}


def test_what_comes_next_comes_after_a_whole_word() -> None:
    """A word may be read in pieces: "fluent" is, by the general models."""
    trace = load_model("general-lstm").run("I speak fluent", device="cpu")
    assert trace.tokens[-1].text != "fluent"
    titles = [live.next_words("id", trace, [("French", 0.5)], len(trace) - k)["title"] for k in (2, 1)]
    assert titles[1] == "LSTM: what comes after \u201cfluent\u201d" and titles[0].endswith("-\u201d")
    lstm = load_model("agreement-lstm")
    trace = lstm.run("The keys to the cabinet are here. " * 20, device="cpu")
    said = live.unit_lines("id", lstm, trace, None, "number", "expose")["text"]
    assert said.count("\u201c") == live.MOST, "not all forty nouns at which it is open"
    gru = load_model("general-gru")
    told = []
    for text in ("She was fluent in Portuguese.", "Kowalczyk", "unbelievable billiards", "The wizard of Kyrgyzstan"):
        trace = gru.run(text, device="cpu")
        said = re.match("Least is kept at \u201c([^\u201d]+)\u201d", live.unit_lines("id", gru, trace, None)["text"])
        assert said and (said[1] in re.findall(r"\w+|\W", text) or re.fullmatch(r"\w+-|-\w+-?", said[1])), said
        told.append(said[1])
    assert any("-" in word for word in told), "a piece is not told as if it were a word"
    trace = gru.run(discover()["timescales"].tries[0].text, device="cpu")
    unit = live.unit_lines("id", gru, trace, gru.likeliest(trace, 5))
    assert "\u21b5" not in unit["text"], "before what is read first nothing can be kept"


def test_texts_of_the_visitors_language_are_tried_first() -> None:
    own = [one.text for one in discover()["output-gate"].tries]
    assert opened(NAME, experiment="output-gate").text_input[0].value == own[0]
    language.ask(lambda: "zh")
    try:
        test = opened(NAME, experiment="output-gate")
        assert test.text_input[0].value == own[2]
        assert "pronouns_zh-lstm" in next(one.value for one in test.markdown if "left=" in one.value)
        test.button("try output-gate 1").click().run()
        assert test.text_input[0].value == own[0]
        assert "left=pronouns-lstm" in next(one.value for one in test.markdown if "left=" in one.value)
    finally:
        language.ask(lambda: language.ENGLISH)


@pytest.mark.parametrize("text", ["", "a", "\N{FAMILY} 我 \u202e مرحبا \x00 <b>$x$</b>", "Mary " * 900])
def test_any_text_can_be_tried(text: str) -> None:
    test = opened(NAME, experiment="subject")
    test.text_input[0].set_value(text).run()
    assert not test.exception
    assert any("the first 300 steps" in caption.value for caption in test.caption) == (len(text) > 4000)


def test_the_link_reopens_the_try() -> None:
    one = next(try_ for try_ in discover()["subject"].tries if try_.at is not None)
    assert f"at={one.at}" in view.link(one, one.text) and "at=" not in view.link(one, "something else")
    assert "(" not in view.link(one, "a (b) [c] & d=e#f") and "&%20" not in view.link(one, "a & b")


# -- jobs --------------------------------------------------------------------------------------------------------------


def test_a_job_reports_and_ends(job: Any) -> None:
    one = job("import json; print(json.dumps({'share': 0.5}), flush=True); print('not JSON')")
    until(lambda: not one.running)
    assert one.said == [{"share": 0.5}] and one.problem == ""
    folder = one.folder
    one.end()
    assert not folder.exists()


def test_a_job_that_fails_says_why(job: Any) -> None:
    one = job("import json; print(json.dumps({'problem': ['there is no word {number}', {'number': 7}]})); exit(1)")
    until(lambda: not one.running)
    assert one.problem == "there is no word 7" and getattr(one.problem, "template", "") == "there is no word {number}"


def test_what_nobody_foresaw_is_not_shown(job: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one = job("{}['what a visitor typed']")
    until(lambda: not one.running)
    assert one.problem == "It ended with status 1." and getattr(one.problem, "template", "")
    monkeypatch.setattr("dashboard.faults.shown_whole", lambda: True)
    assert one.problem == "KeyError: 'what a visitor typed'"


def test_a_job_ends_at_its_time_and_when_nobody_has_it(job: Any) -> None:
    one = job("import time; time.sleep(60)", seconds=0.2)
    until(lambda: not one.running)
    assert "longer" in one.problem
    left = Job("tests.run_code", ["import time; time.sleep(60)"], 60)
    process = left.process
    del left
    assert process is not None and process.poll() is not None


def test_two_jobs_at_once_and_no_more(job: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "AT_ONCE", 1)
    monkeypatch.setattr(jobs, "WAITING", 0)
    first = job("import time; time.sleep(60)")
    with pytest.raises(Busy, match="Try again"):
        job("pass")
    first.stop()
    assert not first.running and first.problem == ""
    job("pass")


def test_a_check_runs_from_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATESCOPE_MODELS")
    test = opened(NAME, experiment="weighted-sum")
    next(button for button in test.button if button.label == "Check the shipped models").click().run()
    one: Job = test.session_state[jobs.JOB]
    until(lambda: not one.running, 300)
    test.run()
    assert not test.exception, test.exception
    assert one.problem == ""
    assert any(
        table.value.startswith("**Figures that agree: 3 of 3.**")
        and "| agrees | largest difference in 32 bits" in table.value
        for table in test.markdown
    )
    one.end()


def test_a_new_measurement_is_told_at_the_button(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATESCOPE_MODELS")
    test = opened(NAME, experiment="copy")
    next(button for button in test.button if button.label.startswith("Measure it all again")).click().run()
    one: Job = test.session_state[jobs.JOB]
    until(lambda: not one.running, 300)
    test.run()
    assert not test.exception and one.problem == ""
    assert "4 of 4 figures came out as before" in test.markdown[-1].value
    one.end()


def test_a_run_can_be_cancelled() -> None:
    test = opened(NAME, experiment="weighted-sum")
    next(button for button in test.button if button.label.startswith("Measure it all again")).click().run()
    one: Job = test.session_state[jobs.JOB]
    next(button for button in test.button if button.label == "Cancel").click().run()
    assert one.process is not None and one.process.poll() is not None
    assert not test.exception and jobs.JOB not in test.session_state


def test_the_page_is_drawn_without_torch() -> None:
    import subprocess

    code = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        "for name in ('', 'subject', 'train'):\n"
        "    page = 'import dashboard.views.experiments as view; view.page()'\n"
        "    test = AppTest.from_string(page, default_timeout=120)\n"
        "    test.query_params['experiment'] = name\n"
        "    test.run()\n"
        "    assert not test.exception, test.exception\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=jobs.ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "False"
