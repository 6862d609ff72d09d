"""Figures are pure: a trace in, Plotly data and layout out, and every number in them is the trace's."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.figures.content import content
from dashboard.figures.content import side as described
from lab.general.pieces import build
from lstm_core import CELLS, Tokenizer, Trace, device, load_model
from lstm_core.certificate import Certificate
from lstm_core.drawing import theme
from lstm_core.drawing.content import trained
from lstm_core.drawing.grid import grid, roles_of
from lstm_core.drawing.order import orders, seen
from lstm_core.drawing.pack import pack
from lstm_core.drawing.panel import percent, powered, quoted, rounded, share_ticks, signed
from lstm_core.drawing.words import piece, visible, words
from tests.javascript import evaluate
from tests.small_models import small_model

TEXT = "Mary saw the market . John met zorblax and she"


def traces(*cells: str, text: str = TEXT) -> list[Trace]:
    return [small_model(cell, seed=k).run(text) for k, cell in enumerate(cells)]


@pytest.mark.parametrize("right", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("left", sorted(CELLS))
def test_each_panel_holds_its_signal_or_says_why_not(left: str, right: str) -> None:
    both = traces(left, right)
    figure = grid(both)
    drawn = {(one["meta"]["side"], one["meta"]["role"]): one for one in figure["data"] if one["type"] == "heatmap"}
    for panel in figure["layout"]["meta"]["panels"]:
        if panel["kind"] != "panel":
            continue
        trace, values = both[panel["side"]], both[panel["side"]].role(panel["row"])
        if values is None:
            assert (panel["side"], panel["row"]) not in drawn
            assert panel["empty"].startswith(f"the {trace.cell.title} has no ")
        else:
            one = drawn[panel["side"], panel["row"]]
            np.testing.assert_array_equal(one["z"], values[0, 0, :, 0].T)
            assert one["z"].dtype == np.float32
            assert one["meta"]["signal"] == panel["signal"]
            scale = figure["layout"][one["coloraxis"]]
            assert scale["cmin"] <= values.min() and values.max() <= scale["cmax"]
    assert set(drawn) == {(k, role) for k, trace in enumerate(both) for role in roles_of(trace)}
    assert {trace.roles[role] for trace in both[:1] for role in roles_of(trace) if role in trace.roles} == set(
        both[0].signals
    )


def test_gates_share_a_scale_from_0_to_1_and_signed_values_one_about_0() -> None:
    layout = grid(traces("lstm", "gru"))["layout"]
    assert (layout["coloraxis"]["cmin"], layout["coloraxis"]["cmax"]) == (0, 1)
    for axis in ("coloraxis2", "coloraxis3"):
        assert layout[axis]["cmin"] == -layout[axis]["cmax"]
    scales = {one["meta"]["signal"]: one["coloraxis"] for one in grid(traces("lstm", "gru"))["data"] if "z" in one}
    assert {scales[name] for name in ("f", "i", "o", "z", "1 - z", "r")} == {"coloraxis"}
    assert {scales[name] for name in ("g", "n", "h")} == {"coloraxis2"}
    assert scales["c"] == "coloraxis3"


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_scales_read_in_grey(mode: str) -> None:
    """Brightness alone tells more from less: it is monotonic for gates, and on each side of 0 for signed values."""

    def brightness(color: str) -> float:
        red, green, blue = (int(color[k : k + 2], 16) for k in (1, 3, 5))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    gates = np.diff([brightness(color) for _, color in theme.GATE_SCALE[mode]])
    assert (gates > 0).all() or (gates < 0).all()
    signed = [brightness(color) for _, color in theme.SIGNED_SCALE[mode]]
    middle = len(signed) // 2
    below, above = np.diff(signed[: middle + 1]), np.diff(signed[middle:])
    assert np.sign(below[0]) == -np.sign(above[0])
    assert (np.sign(below) == np.sign(below[0])).all() and (np.sign(above) == np.sign(above[0])).all()


def test_each_line_names_a_heatmap_whose_rows_it_draws_and_the_strip_it_stands_in() -> None:
    figure = grid(traces("lstm", "gru"))
    rows = {(one["meta"]["side"], one["meta"]["signal"]) for one in figure["data"] if one["type"] == "heatmap"}
    lines = [one["meta"] for one in figure["data"] if one["type"] == "scatter"]
    assert {(line["side"], line["signal"]) for line in lines} <= rows
    strips = {(p["side"], p["row"]): p["signals"] for p in figure["layout"]["meta"]["panels"] if p["kind"] == "strip"}
    drawn = {place: [line["signal"] for line in lines if (line["side"], line["strip"]) == place] for place in strips}
    assert strips == drawn
    assert set(strips[0, "gates"]) == {"f", "i", "o"} and set(strips[1, "values"]) == {"n", "h"}


def test_layer_and_direction_are_those_asked_for() -> None:
    trace = small_model("lstm", layers=2, directions=2).run(TEXT)
    figure = grid([trace, trace], drawn=[(0, 1), (1, 0)])
    for one in (one for one in figure["data"] if one["type"] == "heatmap" and one["meta"]["role"] == "keep"):
        at = [(0, 1), (1, 0)][one["meta"]["side"]]
        np.testing.assert_array_equal(one["z"], trace.signals["f"][at][:, 0].T)


def test_a_wide_layer_on_a_long_text_shows_the_units_that_moved_most(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_model("lstm", hidden=40)
    trace = model.run(TEXT)
    monkeypatch.setattr("lstm_core.drawing.order.PANEL", 20 * len(trace))
    moved = orders(trace)["moved"]
    quiet = int(moved[-1])  # chosen, so it is shown, too
    units = seen(trace, 0, 0, quiet)
    assert list(units) == sorted([*moved[:19], quiet])
    tree = content([model], [trace], [model.predictions(trace)], [quiet], [(0, 0)])
    for one in (one for one in tree["figure"]["data"] if one["type"] == "heatmap"):
        every = trace.role(one["meta"]["role"])[0, 0, :, 0].T  # type: ignore[index]
        np.testing.assert_array_equal(one["z"][:-4], every[units])
    assert all(sorted(order) == list(units) for order in tree["sides"][0]["orders"].values())
    assert tree["cut"] == ["LSTM: the 20 of 40 units that moved most on this input are shown."]
    monkeypatch.setattr("lstm_core.drawing.order.PANEL", 40 * len(trace))
    assert list(seen(trace, 0, 0, 0)) == list(range(40))


def test_orders_are_permutations_by_what_they_say() -> None:
    trace = small_model("lstm").run(TEXT)
    found = orders(trace)
    assert list(found) == ["index", "keep", "timescale", "moved"]
    for order in found.values():
        assert sorted(order) == list(range(trace.hidden_size))
    keep = trace.signals["f"][0, 0, :, 0].mean(0)
    assert (np.diff(keep[found["keep"]]) >= 0).all()
    cell = np.concatenate([np.zeros((1, trace.hidden_size)), trace.signals["c"][0, 0, :, 0]])
    moved = np.abs(np.diff(cell, axis=0)).sum(0)
    assert (np.diff(moved[found["moved"]]) <= 1e-6).all()
    slow = -1 / np.log(trace.signals["f"][0, 0, :, 0]).mean(0)
    assert (np.diff(slow[found["timescale"]]) <= 1e-6).all()


def test_a_plain_rnn_has_no_keep_to_sort_by() -> None:
    assert list(orders(small_model("rnn").run(TEXT))) == ["index", "moved"]


def test_words_carry_what_was_typed_and_what_is_unknown() -> None:
    found = words(small_model("lstm").run(TEXT))
    assert [word.text for word in found] == TEXT.split()
    assert [word.text for word in found if not word.known] == ["zorblax"]
    assert [(word.first, word.last) for word in found] == [(k, k) for k in range(10)]


@given(st.text(max_size=40))
def test_a_label_is_never_empty_and_hides_nothing(text: str) -> None:
    label = visible(text)
    assert label.strip()
    assert not any(ord(char) < 0x20 or 0x202A <= ord(char) <= 0x202E or char == "\x7f" for char in label)


@given(st.text(max_size=60))
def test_any_text_gives_content_that_can_be_sent(text: str) -> None:
    models = [small_model("lstm"), small_model("gru", seed=1)]
    both = [model.run(text) for model in models]
    expected = [model.predictions(trace) for model, trace in zip(models, both, strict=True)]
    tree = content(models, both, expected, (None, 99))
    assert tree["units"] == [2, 2]  # the named unit, also where the one asked for does not exist
    for side, trace in zip(unpack(pack(tree))["sides"], both, strict=True):
        steps = [step for _, first, last, _ in side["words"] for step in range(first, last + 1)]
        assert steps == list(range(len(trace)))
        assert len(side["ends"]) == len(trace)


def test_content_says_once_how_long_and_where_the_traces_were_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "accelerator_hint", lambda: None)
    model = small_model("lstm")
    trace = replace(model.run(TEXT), seconds=0.0012)
    tree = content([model, model], [trace, trace], [[], []], (0, 0))
    assert tree["quiet"] == "LSTM in 1.2 ms; LSTM in 1.2 ms; NumPy on the CPU: no accelerator was found"
    assert tree["honesty"] == ["made up"]


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ("It read 2.5 books. Its gates were free.", "It read 2.5 books. A price was put on them.",
         ["It read 2.5 books.", "a: Its gates were free.", "b: A price was put on them."]),
        ("它读了书。没有惩罚。", "它读了书。", ["它读了书。", "a: 没有惩罚。"]),
        ("It read books.", "It read none.", ["It read books.", "It read none."]),
        ("It read books.", "It read books.", ["It read books."]),
        ("It read books.", None, ["It read books."]),
    ],
)  # fmt: skip
def test_what_two_models_say_of_their_training_is_said_once(one: str, other: str | None, said: list[str]) -> None:
    models = [replace(small_model("lstm"), name="a", meta={"honesty": one})]
    models += [replace(models[0], name="b", meta={"honesty": other} if other else {}), None]
    assert trained(models) == said


def test_traces_of_different_places_each_say_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "accelerator_hint", lambda: None)
    model = small_model("lstm")
    trace = replace(model.run(TEXT), seconds=0.0012)
    away = replace(trace, device="mps", certificate=Certificate({"h": 2e-8}))
    tree = content([model, model], [trace, away], [[], []], (0, 0))
    assert tree["quiet"] == (
        "LSTM in 1.2 ms, NumPy on the CPU: no accelerator was found; "
        "LSTM in 1.2 ms, largest difference from its own runtime 2.0e-08, PyTorch on the GPU (Apple silicon)"
    )


def unpack(data: bytes) -> dict:
    """What unpack.js does, written again."""
    (length,) = struct.unpack_from("<I", data)

    def view(node: dict) -> object:
        if set(node) != {"$"}:
            return node
        kind, offset, shape = node["$"]
        return np.frombuffer(data, f"<{kind}", int(np.prod(shape)), 4 + length + offset).reshape(shape)

    return json.loads(data[4 : 4 + length], object_hook=view)


def test_numbers_are_written_as_people_write_them() -> None:
    said = {4200: "4,200", 9.96: "10.0", 1: "1.0", 0: "0", 0.0012: "0.0012", 2.4e16: "2.4\u00d710\u00b9\u2076"}
    said |= {-0.31: "\u22120.31", -5: "\u22125.0", 1e7: "10\u2077", -3e-9: "\u22123.0\u00d710\u207b\u2079"}
    assert {value: rounded(value) for value in said} == said
    assert powered(1.3e-8) == "1.3\u00d710\u207b\u2078" and powered(0) == "0" and powered(float("inf")) == "∞"


def test_pack_sends_arrays_as_they_are() -> None:
    rng = np.random.default_rng(0)
    tree = {"a": rng.random((3, 4)), "deep": [{"b": np.arange(5)}, "é中"], "empty": np.zeros((0, 5), np.float32)}
    back = unpack(pack(tree))
    np.testing.assert_array_equal(back["a"], tree["a"].astype(np.float32))
    np.testing.assert_array_equal(back["deep"][0]["b"], tree["deep"][0]["b"])
    assert back["deep"][1] == "é中" and back["empty"].shape == (0, 5)


def test_pack_refuses_what_json_cannot_say() -> None:
    with pytest.raises(ValueError):
        pack({"p": float("nan")})


def test_what_a_byte_level_vocabulary_holds_is_read_and_not_its_spelling() -> None:
    model = load_model("general-lstm")
    trace = model.run("The cat 了解，她说 雪")
    assert described(model, trace, [], 0, 0, np.arange(2))["pieces"] == {}
    trace = model.run("cat 😀")
    of_one = {str(step): "4 bytes" for step in range(3, 7)}
    assert described(model, trace, [], 0, 0, np.arange(2))["pieces"] == {"2": "␣", **of_one}


def test_a_space_that_a_vocabulary_puts_before_a_sign_is_no_byte_of_it() -> None:
    tokenizer = Tokenizer(build(["the rain in the plain"] * 9, ["天上的雨"] * 9, size=340).to_str())
    tokens = tokenizer.encode("<é")
    assert [token.piece for token in tokens[:2]] == ["\N{LOWER ONE EIGHTH BLOCK}", "<"]
    assert [piece(tokens, step, tokenizer) for step in range(4)] == ["\N{OPEN BOX}", "<", "2 bytes", "2 bytes"]


def test_an_expected_unknown_word_is_marked() -> None:
    model = small_model("lstm")
    trace = model.run("Mary met")
    found = described(model, trace, [[("he", 0.5), ("<unk>", 0.2)]] * 2, 0, 0, np.arange(2))
    assert found["next"]["words"] == ["he", "unknown word"] and found["next"]["unknown"] == 1
    assert described(model, trace, [[("he", 0.5)]] * 2, 0, 0, np.arange(2))["next"]["unknown"] == -1


def test_a_side_says_what_carries_its_memory_and_which_way_it_reads() -> None:
    found = [
        described(small_model(cell), small_model(cell).run(TEXT), [], 0, 0, np.arange(2)) for cell in ("lstm", "gru")
    ]
    assert [(one["memory"], one["backward"]) for one in found] == [("c", False), ("h", False)]


def test_the_token_of_unknown_words_is_not_shown_as_it_is_written() -> None:
    assert visible("<unk>") == "unknown word" and visible("<b>") == "<b>"
    assert visible("\n") == "↵" and visible("a\n\t") == "a↵^I"


def test_a_quotation_mark_is_quoted_in_others() -> None:
    assert [quoted(text) for text in ("he", '"', "”", "’s")] == ["“he”", '‘"’', "‘”’", "“’s”"]


def test_a_word_that_would_fill_lines_is_named_by_its_beginning_in_python_and_on_the_page() -> None:
    long, just, sentence = "x" * 300, "y" * 24, "a black square and under it a green one"
    chinese = "昨天王女士去了市场，因为她很饿。后来李先生遇见了小红，他很高兴"
    texts = [long, just, sentence, chinese, "😀" * 25, f"the {long} of", f"{long}”"]
    said = [quoted(text) for text in texts]
    assert said[:4] == [f"“{'x' * 23}…”", f"“{just}”", f"“{sentence}”", f"“{chinese}”"]
    assert said[4] == f"“{'😀' * 23}…”" and said[5] == f"“the {'x' * 23}… of”" and said[6] == said[0]
    assert evaluate("page/naming.js", "given.map(all.quoted)", texts) == said


@given(st.floats(0, 1) | st.sampled_from([0.0005, 0.0995, 0.1, 0.5, 0.994, 0.995, 0.9995, 1 - 1e-9]))
def test_a_part_is_never_written_as_all_or_nothing(share: float) -> None:
    said = percent(share)
    assert (said == "0\u202f%") == (share == 0) and (said == "100\u202f%") == (share == 1)
    bound = float(said.strip("≈%\u202f"))
    assert abs(bound - 100 * share) <= (0.5 if 0.0995 <= share < 0.995 else 0.1)


def test_python_and_the_browser_write_shares_alike() -> None:
    edges = [edge for at in (0.0005, 0.0995, 0.995, 0.9995, 1) for edge in (np.nextafter(at, 0), at)]
    shares = [k / 977 for k in range(978)] + [k / 2000 for k in range(2001)] + [k / 1024 for k in range(1025)]
    shares += [1e-9, 0.0, -0.0, -1e-9, 1 + 1e-7, -0.125, *map(float, edges)]
    assert evaluate("page/numbers.js", "given.map(all.percent)", shares) == [percent(share) for share in shares]
    single = np.arange(1001, dtype=np.float32) / 1000
    written = evaluate("page/numbers.js", "given.map(all.percent)", [float(share) for share in single])
    assert written == [percent(share) for share in single]
    halves = {0.125: "13", 0.0025: "0.3", 0.625: "63", -1e-9: "0", -0.125: "−13", float(np.nextafter(1, 0)): "≈100"}
    assert [percent(share) for share in halves] == [f"{said}\u202f%" for said in halves.values()]


def test_a_signed_number_has_two_digits_that_say_something() -> None:
    values = (0.0, 1e-9, 0.00504, -0.0312, 0.0499, 0.05, -0.614, 12.345, -0.0, -1e-9, 0.00999, 0.00996, 0.125)
    written = ["+0.00", "+0.00", "+0.0050", "−0.031", "+0.050", "+0.05", "−0.61", "+12.35"]
    assert [signed(value) for value in values] == [*written, "+0.00", "+0.00", "+0.010", "+0.010", "+0.13"]
    assert [signed(value) for value in (np.nan, np.inf, -np.inf)] == ["NaN", "+∞", "−∞"]
    large = [1e300, -2.14e12, 1e7]
    assert [signed(value) for value in large] == ["+10³⁰⁰", "−2.1×10¹²", "+10⁷"]


def test_python_and_the_browser_write_numbers_alike() -> None:
    values = [k / 64 * sign for k in range(300) for sign in (1, -1)] + [0.00999, 0.04996, 1e300, -2.14e12, 1e7]
    said = evaluate("page/numbers.js", "given.map((one) => all.number(one, all.digits([one]) ?? 2))", values)
    assert said == [signed(value).replace("+", "") for value in values]
    strange = "[NaN, Infinity, -Infinity].map((one) => all.number(one))"
    assert evaluate("page/numbers.js", strange, []) == ["NaN", "∞", "−∞"]


def test_shares_on_an_axis_are_written_as_in_a_sentence() -> None:
    assert share_ticks()["ticktext"] == [f"{share}\u202f%" for share in (0, 20, 40, 60, 80, 100)]
    for most in (0.005, 0.04, 0.093, 0.25, 0.59, 0.6, 0.93, 1.0):
        ticks = share_ticks(most)
        whole = [f"{round(100 * value)}\u202f%" for value in ticks["tickvals"]]
        assert ticks["ticktext"] == whole and len(whole) <= 6
        assert ticks["tickvals"][-1] <= most + 1e-9
    root = Path(__file__).resolve().parents[1]
    plotlys = re.compile(r"""tickformat": *"[^"]*%|:\.\d%}""")  # which would write "20%" beside "20 %"
    sources = [path for folder in ("dashboard", "lstm_core") for path in (root / folder).rglob("*.py")]
    assert [str(path) for path in sources if plotlys.search(path.read_text(encoding="utf-8"))] == []
