"""Every figure says in words what it shows, in both languages, and the numbers that it says are the trace's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from streamlit import session_state

from dashboard import language
from dashboard.figures import changes, experiments, health, memory
from dashboard.figures import gradients as drawn_gradients
from dashboard.views import contrast, gradients, what_if
from dashboard.views import health as health_view
from dashboard.views import memory as memory_view
from lab.experiments import discover
from lab.experiments.base import Drawing, Series
from lab.experiments.record import results
from lstm_core.analysis import gradients as backwards
from lstm_core.analysis import health as examined
from lstm_core.analysis import retention, word_error
from tests.small_models import small_model
from tests.test_figures import unpack
from tests.test_pages import plain  # noqa: F401
from tests.test_views import opened, small  # noqa: F401

TEXT = "Mary saw the market . John met Anna and she"
ANALYSES = [memory_view, what_if, gradients, contrast, health_view]


def numbers(text: str) -> list[float]:
    text = text.replace("\N{MINUS SIGN}", "-")
    return [float(found) for found in re.findall(r"(?<![A-Za-z0-9_.])[+-]?\d+(?:\.\d+)?(?:e[+-]\d+)?", text)]


@pytest.fixture(params=["en", "zh"])
def spoken(request: pytest.FixtureRequest, plain: None) -> Iterator[str]:  # noqa: F811
    language.ask(lambda: request.param)
    yield request.param
    language.ask(lambda: language.ENGLISH)


@pytest.mark.every(3)
@pytest.mark.parametrize("view", ANALYSES, ids=lambda view: view.page.title)
def test_every_panel_says_more_than_its_title(view: Any, spoken: str) -> None:
    language.ask(lambda: session_state.get("lang", spoken))
    test = opened(view.__name__, text=TEXT, at="6", do="f@1:2=0")
    trees = [unpack(one.proto.bytes) for one in test.get("bidi_component")]  # type: ignore[attr-defined]
    drawn = [one for tree in trees for one in tree.get("panels", ()) if one["figure"]]
    assert len(drawn) >= 4
    assert len({one["title"] for one in drawn}) == len(drawn), "two figures of one name"
    for one in drawn:
        assert numbers(one["alt"].replace(one["title"], "")), one["alt"]
        assert "<" not in one["alt"] and one["alt"] == one["alt"].strip()


def test_what_is_said_to_be_likeliest_has_a_bar_however_small_it_is() -> None:
    before = [("he", 0.93), ("the", 0.019), ("she", 0.013)]
    after = [(",", 0.009), ("to", 0.008), ("was", 0.007)]
    drawn = changes.predictions("id", "title", before, after, ("as it was", "what if"))["figure"]["data"]
    assert [list(bars["y"]) for bars in drawn] == [["he", "the", "she", ","]] * 2


def test_every_experiment_says_its_figures(spoken: str) -> None:
    for one in discover().values():
        for drawing in one.draw(results(one.name)):
            for series in drawing.series:
                if any(value is not None for value in series.y):
                    assert numbers(experiments.alt(Drawing(**{**vars(drawing), "title": "", "series": [series]})))


def test_what_is_kept_is_the_product_of_the_gates(spoken: str) -> None:
    trace = small_model("lstm").run(TEXT)
    alt = memory.kept("id", trace, retention(trace, 2), 6, "unit 2")["alt"]
    gates = trace.sel("f", layer=0, direction=0, batch=0, unit=2)
    shares = [float(np.prod(gates[k + 1 : 7])) for k in range(6)]
    most, least = int(np.argmax(shares)), int(np.argmin(shares))
    assert sorted(numbers(alt)[-2:]) == sorted([round(shares[most], 2), round(shares[least], 2)])
    for place in (6, most, least):
        assert f"“{trace.tokens[place].text}”" in alt
    first = memory.kept("id", trace, retention(trace, 2), 0, "unit 2")
    assert first["alt"] == first["text"]  # nothing was read before


def test_what_is_kept_backwards_is_of_the_words_behind() -> None:
    trace = small_model("lstm", directions=2).run(TEXT)
    alt = memory.kept("id", trace, retention(trace, 2, backward=True), 6, "unit 2")["alt"]
    gates = trace.sel("f", layer=0, direction=1, batch=0, unit=2)
    shares = [float(np.prod(gates[6:k])) for k in range(7, len(trace))]
    assert numbers(alt)[-2:] == [round(max(shares), 2), round(min(shares), 2)]


def test_the_largest_difference_is_named(spoken: str) -> None:
    difference = np.array([[0.1, 0.0], [np.nan, -0.4], [0.2, 0.3]], np.float32)
    alt = changes.difference_map("id", "T", {}, difference, "", 0)["alt"]
    assert {-0.4, 1, 2} <= set(numbers(alt))  # unit 1, at the second step
    assert changes.difference_map("id", "T", {}, np.zeros((0, 2)), "", 0)["alt"] == "T"


def test_two_words_chances_are_named_where_they_move(spoken: str) -> None:
    trace = small_model("lstm").run("Mary saw Anna")
    before, after = np.array([[0.1, 0.9], [0.2, 0.5], [0.3, 0.4]]), np.array([[0.1, 0.9], [0.9, 0.5], [0.3, 0.1]])
    alt = changes.words_over_time("id", trace, before, after, ["he", "she"], ("old", "new"))["alt"]
    assert {2, 20, 90, 3, 40, 10} <= set(numbers(alt))


@pytest.mark.parametrize("cell", ["lstm", "gru", "minlstm"])
def test_health_is_told_in_numbers(cell: str, spoken: str) -> None:
    trace = small_model(cell).run(TEXT)
    [found] = examined(trace)
    shares = [np.maximum(found.low[name], found.high[name]).max() for name in found.low]
    assert round(100 * float(max(shares))) in numbers(health.saturated("id", trace, found)["alt"])
    assert found.keep is not None and found.write is not None
    said = numbers(health.integrators("id", trace, found)["alt"])
    for means in (found.keep, found.write):
        assert round(float(means.min()), 2) in said and round(float(means.max()), 2) in said
    said = numbers(health.biases("id", trace, [found])["alt"])
    for values in found.biases.values():
        assert round(float(np.median(values)), 2) in said


def test_the_largest_error_is_named(spoken: str) -> None:
    model = small_model("lstm")
    trace = model.run(TEXT)
    found = backwards(trace, 6, word_error(model, trace, 6, "anna"))
    norms = {name: found.norm(name, 0, 0) for name in found.deltas}
    gate = max(norms, key=lambda name: norms[name].max())
    alt = drawn_gradients.by_gate("id", trace, found, "anna", 0, 0)["alt"]
    assert float(f"{norms[gate].max():.2g}") in numbers(alt)
    assert f"“{trace.tokens[int(norms[gate].argmax())].text}”" in alt and gate in alt


def test_points_and_counts_are_told_in_numbers(spoken: str) -> None:
    points = Drawing("points", "T", "x", "y", [Series("a", [1, 2, 3], [0.25, None, 0.75])])
    assert {2, 0.25, 0.75} <= set(numbers(experiments.alt(points)))
    counts = Drawing("histogram", "T", "x", "y", [Series("a", [1, 10, 100], [3, 8, 2])])
    assert {8, 10} <= set(numbers(experiments.alt(counts)))
