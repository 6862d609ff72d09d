"""The saved page that lives draws of any text what the app would draw of it: tried under node, on the file itself."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dashboard import cache as readings
from dashboard import language, unread
from dashboard.export import guided, live, offline
from dashboard.figures.content import content, named_units
from dashboard.figures.deciding import decided, deciding_unit
from dashboard.figures.walk import walk
from dashboard.language import tr
from dashboard.proposed import examples
from dashboard.scene import Drawn
from dashboard.talk.tour import Tour, View
from dashboard.views import what_if
from dashboard.views.gates import captions, lines
from dashboard.yours.upload import Upload
from lstm_core import Network, Trace, load_model
from lstm_core.analysis import intervene, memory
from lstm_core.drawing.drawn import COUNT, drawn_units
from lstm_core.drawing.expected import next_words
from lstm_core.equations import carry
from tests.javascript import NODE, ROOT
from tests.test_export import HOSTILE, packed

CLOSE = 1e-5
"""The library's figure is of float32, the page's of double precision; see tests/test_javascript.py."""
PAIRS = {
    "pronouns": ("pronouns-lstm", "pronouns-gru"),
    "general": ("general-lstm", "general-gru"),
    "attention": ("pronouns-lstm-attention", "pronouns-clockwork"),
    "layers": ("pronouns-grid", "pronouns-minlstm"),
    "chinese": ("pronouns_zh-lstm", "pronouns_zh-gru"),
    "others": ("pronouns-depth_gated", "pronouns-peephole"),
    "plain": ("country-rnn", "pronouns-slstm"),
}
PLAIN = ((0, 0), (0, 0))
TEXTS = (
    "Mary went to the market because she was hungry. Then John met Anna and he",
    "Mary went to the market because she was hungry. Then John met Anna and Zorblax",
    "",
    "The king of Xyzzy loved 她, Émile and the queens (that [were {nested})",
    "我在德国长大。昨天王女士去了市场，因为她很饿",
    "She said “no”",
    "The tired old zookeeper met Mary and",
    "Mary went to the marke",
    "Mary met Zorblax <",  # which "<unk>" begins with, and is no word
    HOSTILE,
)
WIDE = ("Mary met Xyzzy", "Mary met 她 and <b>Émile", "", "The tired old zookeeper met Mary and")
"""For networks of a million weights, whose numbers are compared all: one after another that begins alike, words in
pieces, unknown ones, none."""


def drawn(models: Sequence[Network], texts: Sequence[str], at: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """What the app would draw of each text for a visitor who has chosen nothing."""
    found = []
    for text in texts:
        traces = [model.run(text, device="cpu") for model in models]
        likeliest = [model.likeliest(trace, 5) for model, trace in zip(models, traces, strict=True)]
        units, rows = [], []
        for model, trace, (ids, chances), place in zip(models, traces, likeliest, at, strict=True):
            cursor = max(0, len(trace) - 1)
            unit = deciding_unit(model, trace, (ids, chances), cursor, *place)
            always = [unit, *(one["unit"] for one in named_units(model, *place, trace))]
            step = decided(chances, cursor) if len(ids) else 0
            rows.append(drawn_units(model, trace, ids if len(ids) else None, step, *place, "lead", always))
            units.append(unit)
        words = [next_words(m, t, one) for m, one, t in zip(models, likeliest, traces, strict=True)]
        tree = content(models, traces, words, units, at, rows)
        seen = [readings.Reading(m, t, one, len(t)) for m, t, one in zip(models, traces, likeliest, strict=True)]
        wrote = [written(trace, place, unit) for trace, place, unit in zip(traces, at, units, strict=True)]
        steps = walk(models, traces, units, at) if text else None
        said = {"notices": unread.notices(seen), "writing": unread.notices(seen, text)}
        found.append(tree | {**said, "memory": wrote, "steps": steps})
    return found


def written(trace: Trace, at: tuple[int, int], unit: int) -> np.ndarray | None:
    """What each word wrote of the unit's memory, as it is at the end."""
    if carry(trace.cell) is None or not len(trace):
        return None
    return memory(trace, len(trace) - 1, unit, layer=at[0], backward=at[1] == 1).contributions


def named(model: Network, trace: Trace) -> list[list[tuple[str, float]]]:
    return model.named(*model.likeliest(trace, 5)) if len(trace) else []


def saved(pair: str, text: str = TEXTS[0], at: Any = ((0, 0), (0, 0)), equations: bool = True) -> bytes:
    models = [load_model(name) for name in PAIRS[pair]]
    traces = [model.run(text, device="cpu") for model in models]
    tree = drawn(models, [text], at)[0] | {"text": text, "settings": {"at": -1}, "show": "lead", "count": COUNT}
    tree["tours"] = guided.carried(*PAIRS[pair])
    cells = [offline.Cell(trace.cell.title, lines(trace), list(captions(trace))) for trace in traces if equations]
    return live.page(tree, models, at, walk(models, traces, tree["units"], at), examples(models[0]), cells)


def made(page: bytes, texts: Sequence[str], folder: Path) -> list[dict[str, Any]]:
    """What the page makes of the texts, typed one after another."""
    (folder / "page.html").write_bytes(page)
    (folder / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    run = [NODE, "tests/node/live_page.js", folder / "page.html", folder / "texts.json"]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def close(one: Any, other: Any, what: str) -> None:
    first, second = np.array(one, float), np.array(other, float)
    assert first.shape == second.shape, what
    np.testing.assert_allclose(first, second, rtol=CLOSE, atol=CLOSE, equal_nan=True, err_msg=what)


def same(shown: dict[str, Any], expected: dict[str, Any], what: str) -> None:
    assert shown["units"] == expected["units"], what
    assert shown["summed"] == expected["summed"] and shown["notices"] == expected["notices"], what
    assert shown["writing"] == expected["writing"], what
    if not expected["sides"][0]["words"]:
        assert shown["figure"]["data"] == [] and not shown["sides"][0]["words"]
        return
    maps = [[one for one in tree["figure"]["data"] if one["type"] == "heatmap"] for tree in (shown, expected)]
    assert len(maps[0]) == len(maps[1])
    for one, other in zip(*maps, strict=True):
        assert one["meta"] == {**other["meta"], "band": other["meta"].get("band", False)} or one["meta"]["sources"]
        close(one["z"], other["z"], f"{what}: {other['meta']}")
    for axis, value in expected["figure"]["layout"].items():
        if axis.startswith("coloraxis"):
            close(shown["figure"]["layout"][axis]["cmax"], value["cmax"], f"{what}: {axis}")
    panels = [tree["figure"]["layout"]["meta"]["panels"] for tree in (shown, expected)]
    assert [(p.get("empty"), p.get("others") or 0) for p in panels[0]] == [
        (p.get("empty"), p.get("others") or 0) for p in panels[1]
    ]
    for one, other in zip(shown["memory"], expected["memory"], strict=True):
        assert (one is None) == (other is None)
        if other is not None:
            close(one, other, f"{what}: who wrote the memory")
    for one, other in zip(shown["sides"], expected["sides"], strict=True):
        assert (one["adds"] is None) == (other["adds"] is None), what
        if other["adds"] is not None:
            # in logits, of which there are a dozen
            np.testing.assert_allclose(one["adds"], other["adds"], atol=1e-4, rtol=1e-4, err_msg=what)
        for name in ("title", "model", "width", "wide", "memory", "backward", "words", "pieces"):
            assert one[name] == other[name], f"{what}: {name}"
        for name in ("units", "ends", "unknown"):
            assert one[name] == other[name].tolist(), f"{what}: {name}"
        assert {k: v for k, v in one["orders"].items() if k == "index"}["index"] == other["orders"]["index"].tolist()
        assert one["orders"].keys() == other["orders"].keys()
        told = [
            [{**u, "side": list(u["side"]), "leans": list(u["leans"])} for u in side["named"]] for side in (one, other)
        ]
        assert told[0] == told[1], what
        for row, values, ids, shares in zip(
            one["next"]["ids"], one["next"]["p"], other["next"]["ids"], other["next"]["p"], strict=True
        ):
            first = dict(zip([one["next"]["words"][k] for k in row if k >= 0], values, strict=False))
            second = dict(zip([other["next"]["words"][k] for k in ids if k >= 0], shares, strict=False))
            for word in first.keys() & second.keys():
                assert abs(first[word] - second[word]) < CLOSE
            apart = [share for word, share in {**first, **second}.items() if (word in first) != (word in second)]
            assert not apart or max(apart) - min(first.values()) < CLOSE, f"{what}: {first} {second}"


def same_steps(shown: dict[str, Any], expected: dict[str, Any], what: str) -> None:
    """What is shown step by step: every number of every part of every equation, and how it comes to the next word."""
    for one, other in zip(shown["sides"], expected["sides"], strict=True):
        for name in ("title", "unit", "words", "tokens", "named", "derived", "code", "stages"):
            mine, theirs = json.loads(json.dumps([one[name], other[name]], default=lambda value: value.tolist()))
            assert mine == theirs, f"{what}: {name}"
        for place, value in enumerate(other["values"]):
            close(one["values"][place], value, f"{what}: the value at place {place}")
        for kind in ("matrices", "sources"):
            assert one[kind].keys() == other[kind].keys()
            for name, value in other[kind].items():
                close(one[kind][name], value, f"{what}: {name}")
        for name in ("alpha", "mean") if other["looks"] else ():
            close(one["looks"][name], other["looks"][name], f"{what}: {name}")
        mine, theirs = one["expects"], other["expects"]
        assert (mine["likeliest"], mine["vocabulary"]) == (theirs["likeliest"], theirs["vocabulary"])
        close(mine["total"], theirs["total"], what)
        close(mine["read"], theirs["read"], what)
        if mine["words"] == theirs["words"]:  # of two that are as likely either may be shown
            assert mine["adds"] == theirs["adds"] and mine["partners"] == theirs["partners"]
            for name in ("weights", "bias"):
                close(mine[name], theirs[name], f"{what}: {name}")
            np.testing.assert_allclose(mine["scores"], theirs["scores"], atol=1e-4, rtol=1e-4)


def same_instead(shown: dict[str, Any], pair: str, text: str, at: Sequence[tuple[int, int]]) -> None:
    """What would have been: each thing that a click forces, as the library computes it."""
    for side, name in enumerate(PAIRS[pair]):
        model, unit = load_model(name), shown["units"][side]
        trace, place = model.run(text, device="cpu"), Drawn(*at[side])
        chips = what_if._chips(model, place, unit, max(0, len(trace) - 2))
        rule = carry(model.cell)
        forces = {"keep": what_if.essay(model, trace, place, unit)} if rule and not rule.needs("keep") else {}
        forces |= dict(zip(("turn", "erase", "silence"), chips.values(), strict=True))
        for kind, listed in forces.items():
            found, made = intervene(trace, listed, model), shown["instead"][side][kind]
            state = rule.state if rule else model.cell.output
            memory = found.after.sel(state, layer=place.layer, direction=place.direction, batch=0, unit=unit)
            np.testing.assert_allclose(made["memory"], memory, atol=1e-4, err_msg=f"{name}, {kind}, {text}")
            expected = found.probabilities[1][-1]
            np.testing.assert_allclose(made["shares"], expected, atol=1e-4, err_msg=f"{name}, {kind}, {text}")


@pytest.mark.parametrize("pair", PAIRS)
def test_the_page_draws_what_the_app_draws(pair: str, tmp_path: Path) -> None:
    models = [load_model(name) for name in PAIRS[pair]]
    at = ((0, 0), (1, 0)) if pair == "layers" else ((0, 0), (0, 0))
    texts = WIDE if pair == "general" else TEXTS
    for text, shown, expected in zip(
        texts, made(saved(pair, at=at, equations=False), texts, tmp_path), drawn(models, texts, at), strict=True
    ):
        same(shown, expected, f"{pair}, {text}")
        if text:
            same_steps(shown["steps"], expected["steps"], f"{pair}, {text}")
            same_instead(shown, pair, text, at)


def test_the_file_is_small_and_asks_for_nothing() -> None:
    for pair, most in (("pronouns", 2_000_000), ("general", 8_000_000)):
        page = saved(pair).decode()
        assert len(page) < most
        bare = re.sub(r"<script.*?</script>|<style.*?</style>", "", page, flags=re.DOTALL)
        assert not re.search(r"src=|href=|url\(|@import|<link|<iframe|<img", bare)
        assert "default-src 'none'" in page and "plotly.js (cartesian" not in page
        for name in PAIRS[pair]:
            digest = re.search(rf"{name} \(SHA-256 ([0-9a-f]{{16}})\)", page)
            assert digest and packed(page, "content").count(digest[1].encode()) == 1


def test_one_model_beside_itself_is_carried_once() -> None:
    models = [load_model("anbn-lstm")] * 2
    tree = drawn(models, ["aab"], ((0, 0), (0, 0)))[0] | {"text": "aab", "settings": {"at": -1}}
    page = live.page(tree, models, PLAIN, walk(models, [models[0].run("aab")] * 2, (0, 0), PLAIN), [], []).decode()
    assert page.count('id="network-') == 1


def test_what_a_visitor_wrote_is_text() -> None:
    page = saved("pronouns", HOSTILE).decode()
    assert "alert(1)</script>" not in page and page.count("<script") == page.count("</script>") == 6


def test_the_page_speaks_the_language_in_use() -> None:
    language.ask(lambda: "zh")
    try:
        page = saved("chinese", "她").decode()
    finally:
        language.ask(lambda: language.ENGLISH)
    assert '<html lang="zh">' in page and "无需联网" in page and "words.zh.js" in page


def test_the_tours_that_a_file_takes_along_are_about_its_models() -> None:
    found = guided.carried(*PAIRS["pronouns"])
    assert [tour["name"] for tour in found] == ["what-the-gates-do", "lstm-or-gru"]
    first = json.loads((ROOT / "assets" / "tours" / "what-the-gates-do.json").read_text(encoding="utf-8"))
    lines = [tr(view["line"]) for view in first["views"] if view["query"].keys() & {"unit"}]
    assert [stop["line"] for stop in found[0]["stops"]] == lines and len(lines) == 10
    assert all(stop["page"] in guided.PAGES and stop["place"] == "" for tour in found for stop in tour["stops"])
    own = Tour("My lecture", tuple(View("gates", {"text": text}, text) for text in ("Mary", "John", "Anna")))
    assert guided.carried(*PAIRS["pronouns"], [own])[0]["title"] == "My lecture"
    assert guided.carried(*PAIRS["general"], [own])[0]["title"] != "My lecture"  # it is about the other pair
    assert guided.carried("anbn-lstm", "copy-gru") == []


def test_a_network_that_is_not_shipped_is_saved_as_it_is_drawn() -> None:
    shipped = load_model("anbn-lstm")
    assert live.can_live([shipped, shipped]) and not live.can_live([shipped, replace(shipped, name="own")])


def test_a_space_that_ends_a_text_is_of_the_word_that_is_not_there_yet(tmp_path: Path) -> None:
    """Where spaces begin words. Of characters it is one."""
    typed, whole = made(saved("general", equations=False), ("Mary met ", "Mary met"), tmp_path)
    for side, name, other in zip(typed["sides"], PAIRS["general"], whole["sides"], strict=True):
        named = [[[one["words"][id] for id in row] for row in one["ids"]] for one in (side["next"], other["next"])]
        assert side["words"] == other["words"] and named[0] == named[1]
        assert len(readings.read(name, "Mary met  ").trace) == len(readings.read(name, "Mary met").trace)
    assert len(readings.read("brackets-lstm", "a b ").trace) == 4
    vocabulary = load_model("general-lstm").tokenizer
    upload: Any = SimpleNamespace(vocabulary=vocabulary, rows=lambda: vocabulary.size)
    assert [token.text for token in Upload._words(upload, "Mary met ")[0]] == ["\n", "Mary", "met"]
