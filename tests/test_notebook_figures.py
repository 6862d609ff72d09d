"""Figures in a notebook: they are drawn from what the trace holds, are small, and share the cursor with the kernel."""

from __future__ import annotations

import gzip
import html
import json
import re
import struct
import time
from base64 import b64decode
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from traces import random_trace

import lstm_core
from lstm_core import Trace, analysis, notebook
from lstm_core.drawing.pack import pack
from lstm_core.notebook import carried, framed, results, tree
from lstm_core.notebook.widget import View
from lstm_core.shown import Result

MOST = 310_000
TYPES = {"f4": "<f4", "f2": "<f2", "i4": "<i4"}


def unpacked(content: bytes) -> Any:
    """A figure's tree, read by the layout that pack.py states."""
    data = gzip.decompress(content)
    (length,) = struct.unpack("<I", data[:4])

    def array(node: dict[str, Any]) -> Any:
        if "$" not in node:
            return node
        kind, offset, shape = node["$"]
        assert offset % 4 == 0, "the browser reads aligned numbers alone"
        return np.frombuffer(data, TYPES[kind], int(np.prod(shape)), 4 + length + offset).reshape(shape)

    return json.loads(data[4 : 4 + length].decode(), object_hook=array)


def panel(tree: dict[str, Any], signal: str, side: int = 0) -> np.ndarray:
    (found,) = [
        one["z"]
        for one in tree["figure"]["data"]
        if one["type"] == "heatmap" and (one["meta"]["signal"], one["meta"]["side"]) == (signal, side)
    ]
    return found


@pytest.fixture(scope="module")
def trace() -> Trace:
    return lstm_core.load_model("pronouns-lstm").run("Mary was late because she", device="cpu")


def test_a_figure_is_drawn_from_the_trace(trace: Trace) -> None:
    tree = unpacked(trace.show().content)
    for signal in "ifgoch":
        np.testing.assert_array_equal(panel(tree, signal), trace.sel(signal, layer=0, direction=0, batch=0).T)
    (side,) = tree["sides"]
    assert [word[0] for word in side["words"]] == ["Mary", "was", "late", "because", "she"]
    likeliest = [side["next"]["words"][row[0]] for row in side["next"]["ids"]]
    model = lstm_core.load_model("pronouns-lstm")
    assert likeliest == [model.next_tokens(trace, step, 1)[0][0] for step in range(5)]


def test_the_layer_direction_and_sequence_that_are_asked_for() -> None:
    trace = random_trace("gru", layers=2, directions=2)
    tree = unpacked(trace.show(layer=0, direction=1, batch=1).content)
    np.testing.assert_array_equal(panel(tree, "h"), trace.sel("h", layer=0, direction=1, batch=1).T.astype("f4"))
    assert tree["sides"][0]["backward"] and not tree["sides"][0]["next"]["words"]
    for wrong in ({"signals": "q"}, {"layer": 3}, {"direction": 2}, {"batch": 5}, {"unit": 99}):
        with pytest.raises(ValueError, match="there is no|has no|does not exist"):
            trace.show(**wrong)  # type: ignore[arg-type]


def test_some_signals_alone(trace: Trace) -> None:
    meta = unpacked(trace.show(["f", "h"]).content)["figure"]["layout"]["meta"]
    assert [one["signal"] for one in meta["panels"] if one["kind"] == "panel"] == ["f", "h"]
    assert {signal for one in meta["panels"] if one["kind"] == "strip" for signal in one["signals"]} == {"f", "h"}


def test_the_kernel_and_the_figure_share_step_and_unit(trace: Trace) -> None:
    view = trace.show()
    assert (view.step, view.unit) == (4, 0)
    view.step, view.unit = -2, 7
    assert (view.step, view.unit) == (3, 7)
    with pytest.raises(ValueError, match=r"no step 5; there are 5 \(0 to 4\)"):
        view.step = 5
    with pytest.raises(ValueError, match=r"no unit 16; there are 16 \(0 to 15\)"):
        view.unit = 16
    other = trace.show()
    view.link(other)
    view.step = 1
    assert other.step == 1
    other.step = 2
    assert view.step == 2


def test_a_unit_without_a_row_gets_one() -> None:
    trace = random_trace("lstm", hidden=80)
    view = trace.show("c")
    rows = unpacked(view.content)["sides"][0]["units"]
    assert len(rows) == 24
    missing = next(unit for unit in range(80) if unit not in rows)
    view.unit = missing
    tree = unpacked(view.content)
    assert missing in tree["sides"][0]["units"] and tree["units"] == [missing]
    at = list(tree["sides"][0]["units"]).index(missing)
    values = trace.sel("c", layer=-1, direction=0, batch=0, unit=missing)
    np.testing.assert_array_equal(panel(tree, "c")[at], values.astype("f4"))


@pytest.mark.parametrize("steps", [3000, 12_000])
def test_a_long_figure_is_small_and_quick(steps: int) -> None:
    trace = random_trace("lstm", time=steps, hidden=64)
    trace.show()
    begun = time.process_time()
    view = trace.show()
    assert time.process_time() - begun < 10
    assert len(view.content) + len(view._esm) < MOST
    still = view._repr_mimebundle_()[0]["text/html"]
    assert len(still) < 100_000
    framed._first[:] = [framed.Framed(view._figure, view.module)]
    assert len(trace.show(live=False).html) < MOST
    tree = unpacked(view.content)
    drawn = min(steps, 4000)
    units = tree["sides"][0]["units"]
    assert panel(tree, "c").shape == (len(units), drawn) and len(units) >= 2
    whole = trace.sel("c", layer=-1, direction=0, batch=0)[:drawn, units].T
    np.testing.assert_allclose(panel(tree, "c"), whole, rtol=1e-3, atol=1e-6)
    assert bool(tree["notices"]) == (steps > drawn)


def test_a_long_figure_has_as_many_rows_as_fit() -> None:
    """What moves little is small when it is compressed."""
    model = lstm_core.load_model("pronouns-lstm")
    trace = model.run("Mary went home because she was tired . " * 350, device="cpu")
    assert len(trace) == 2800
    view = trace.show()
    assert len(unpacked(view.content)["sides"][0]["units"]) == 16 and len(view.content) + len(view._esm) < MOST
    framed._first[:] = [framed.Framed(view._figure, view.module)]
    assert len(trace.show(live=False).html) < MOST


def test_a_wide_figure_that_has_all_its_rows_is_not_compressed_to_know_it(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = lstm_core.load_model("general-lstm").run("Mary was late because she was ill.", device="cpu")
    rows = [len(side["units"]) for side in unpacked(trace.show().content)["sides"]]
    monkeypatch.setattr(tree, "packed", lambda *_: pytest.fail("compressed"))
    assert [len(side["units"]) for side in unpacked(trace.show().content)["sides"]] == rows == [tree.COUNT]


def test_the_figure_and_the_frame_carry_the_modules_in_their_order() -> None:
    told = json.loads(gzip.decompress(carried.modules()))
    names = [name for name, _ in told["modules"]]
    assert names[-1] == carried.START and "gates/gates.js" in names and "chart/chart.js" in names
    for at, (_, source) in enumerate(told["modules"]):
        asked = set(re.findall(rf'"{carried.PREFIX}([\w/]+\.js)"', source))
        assert asked <= set(names[:at]) and not re.search(r'(from|import)\s*"\.', source)


def test_a_frame_needs_nothing_beside_it(trace: Trace) -> None:
    framed._first.clear()
    first, second = (trace.show(live=False).html for _ in range(2))
    assert len(second) < MOST < len(first)
    page = html.unescape(re.findall(r'srcdoc="(.*)"', first, re.DOTALL)[0])
    parts = dict(re.findall(r'id="(\w+)">([\w+/=]+)</script>', page))
    assert b"plotly.js (" in gzip.decompress(b64decode(parts["plotly"]))[:100]
    assert parts["content"] and unpacked(b64decode(parts["content"]))["text"] == "Mary was late because she"
    assert not re.search(r'(src|href)="http', page)


def test_without_anywidget_there_is_a_frame(trace: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebook, "find_spec", lambda name: None)
    for view in (trace.show(), analysis.memory(trace, 4).show(trace)):
        assert type(view).__name__ == "Framed" and "<iframe" in view._repr_html_()


def test_two_traces_beside_each_other(trace: Trace) -> None:
    other = lstm_core.load_model("pronouns-gru").run("Mary was late", device="cpu")
    view = lstm_core.beside(trace, other)
    tree = unpacked(view.content)
    assert [side["title"] for side in tree["sides"]] == ["LSTM", "GRU"]
    np.testing.assert_array_equal(panel(tree, "h", 1), other.sel("h", layer=0, direction=0, batch=0).T)
    view.unit2 = 3
    assert view._figure.units[1] == 3


def results_of(trace: Trace) -> list[Result]:
    """One result of each class that an analysis gives."""
    model = trace.network
    other = model.run("John was late because he", device="cpu")
    flipped = analysis.intervene(trace, [analysis.Force("c", 0.0, units=(1,))], model)
    found = [
        *(analysis.memory(trace, 4), analysis.memory(trace, 4, unit=0), analysis.retention(trace, 0)),
        *(*analysis.health(trace), analysis.saturation(trace), analysis.timescales(trace)),
        *(analysis.lead(model, trace, -1), analysis.readout(model, "she", "he"), analysis.contrast(trace, other)),
        *(flipped, analysis.gradients(trace, 4, np.ones(16)), analysis.flow(trace, 4), lstm_core.compare(trace, other)),
    ]
    return [one for one in found if isinstance(one, Result)]


def test_every_result_is_shown(trace: Trace) -> None:
    every = results_of(trace)
    assert {type(one).__name__ for one in every} >= set(
        "Memory Retention Health Saturation Timescales Lead Readout Contrast Counterfactual Gradients Flow".split()
    )
    for one in every:
        assert "<table>" in one._repr_html_() and len(one._repr_html_()) < 20_000
        view = one.show(trace)
        assert isinstance(view, View) and len(view.content) < MOST
        tree = unpacked(view.content)
        assert tree.get("panels") or tree["figure"], type(one)


def test_a_results_chart_holds_its_array(trace: Trace) -> None:
    memory = analysis.memory(trace, 4)
    tree = unpacked(memory.show(trace).content)
    first = tree["panels"][0]
    assert first["title"] == "contributions"
    np.testing.assert_array_equal(first["figure"]["data"][0]["z"], memory.contributions.astype(np.float32).T)
    assert first["figure"]["layout"]["xaxis"]["ticktext"] == ["Mary", "was", "late", "because", "she"]
    assert results.told(np.array([[0.5, -1.25]]), "time unit") == "1 time, 2 unit: -1.25 to 0.5"


def test_odd_traces_have_a_figure_or_a_picture() -> None:
    model = lstm_core.load_model("pronouns-lstm")
    assert "no steps" in model.run("", device="cpu").show().html
    trace = random_trace("lstm")
    values = {name: value.copy() for name, value in trace.signals.items()}
    values["c"][:, :, 2:, 0] = np.nan
    tree = unpacked(replace(trace, signals=values).show().content)
    assert np.isnan(panel(tree, "c")[:, 2:]).all()
    only = replace(trace, signals={"f": trace.signals["f"]})
    assert "data:image/png" in only.show().html


def test_numbers_of_half_precision_are_padded_and_large_ones_stay() -> None:
    packed = gzip.compress(pack({"a": np.array([1.5, -2, 0.25]), "b": np.array([7e4]), "c": np.array([3])}, half=True))
    tree = unpacked(packed)
    assert tree["a"].dtype == np.float16 and tree["a"].tolist() == [1.5, -2.0, 0.25]
    assert tree["b"].dtype == np.float32 and tree["b"].tolist() == [7e4] and tree["c"].tolist() == [3]


def test_the_network_is_not_pickled(trace: Trace) -> None:
    import pickle

    assert trace.network is not None and pickle.loads(pickle.dumps(trace)).network is None


def test_a_linked_figure_with_fewer_steps_stays_at_its_last() -> None:
    model = lstm_core.load_model("pronouns-lstm")
    long, short = (model.run(text, device="cpu").show() for text in ("Mary met John because she", "Mary met"))
    long.link(short)
    long.step = 4
    assert (long.step, short.step) == (4, 1)
    short.step = 0
    assert (long.step, short.step) == (0, 0)
    with pytest.raises(TypeError, match="not with str"):
        long.link("x")
