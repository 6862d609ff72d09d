"""The page Corpus: it draws what a plain loop over the texts counts, and a place opens on Gates as it is there."""

from __future__ import annotations

import json
import re
import shutil
import time
from dataclasses import replace
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import lab.surveys
import lstm_core
from dashboard import cache, own_survey, own_texts, surveyed, where_else
from dashboard.figures import corpus as draw
from dashboard.jobs import JOB
from dashboard.views import corpus, gates
from lstm_core import Network, survey
from lstm_core.survey import part
from tests.small_models import small_model
from tests.test_views import opened, sent, small  # noqa: F401

TEXTS = [
    "Mary saw John because she was the market.",
    'Anna met a "market and the market" because he was. ' * 3,
    *(f"{name} was the market, and {name} saw a market {k} because" for k, name in enumerate(("Mary", "John", "Anna"))),
]


FOLDER, NOVELS = surveyed.FOLDER, surveyed.novels


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Surveys of the two small models, made as those that ship are."""
    models, folder = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("surveys")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATESCOPE_MODELS", str(models))
        for cell in ("lstm", "gru"):
            replace(small_model(cell), name=f"pronouns-{cell}").save(models / f"pronouns-{cell}.safetensors")
            lab.surveys.made(f"pronouns-{cell}", TEXTS, folder)
    return folder


@pytest.fixture(autouse=True)
def shipped(small: None, made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811
    surveyed._opened.cache_clear()
    monkeypatch.setattr(surveyed, "FOLDER", made)
    monkeypatch.setattr(surveyed, "novels", lambda: TEXTS)
    return made


def shown(side: int = 0) -> surveyed.Surveyed:
    found = surveyed.shipped(cache.model(("pronouns-lstm", "pronouns-gru")[side]), side)
    assert found is not None
    return found


def values(network: Network, signal: str) -> np.ndarray:
    """(step of any text, unit)"""
    return np.concatenate(
        [network.run(text, device="cpu").sel(signal, layer=0, direction=0, batch=0) for text in TEXTS]
    )


def html(test: AppTest) -> str:
    return "".join(str(one.proto.body) for one in test.get("html"))


def test_the_map_is_what_a_plain_loop_counts() -> None:
    test = opened(corpus.__name__)
    tables = [frame.value for frame in test.dataframe]
    assert [len(table) for table in tables] == [8, 8]
    for side, (table, gate) in enumerate(zip(tables, "fz", strict=True)):
        kept = values(shown(side).network, gate)
        rows = table["unit"].astype(int).to_numpy()
        np.testing.assert_allclose(table["kept"].to_numpy(float), kept.mean(0)[rows], atol=6e-4)
        stuck = ((kept < 0.1) | (kept >= 0.9)).mean(0)[rows]
        np.testing.assert_allclose(table["saturated"].to_numpy(float), stuck, atol=0.02)


def test_what_follows_something_comes_first_and_is_held_against_moved_labels() -> None:
    found = shown().units
    ranks = [draw._order(one) for one in found]
    assert ranks == sorted(ranks) and found[0].best and found[0].best.strength > found[0].best.chance
    for one in (following for unit in found for following in unit.following):
        assert (one.score >= one.middle) == (one.moved > one.middle) or one.moved == one.middle
        assert abs(one.moved - one.middle) == pytest.approx(shown().survey.follows(one.what).chance, abs=1e-9)
    # Pearson's r with the position, by hand.
    network = shown().network
    position = np.concatenate([np.arange(len(network.run(text, device="cpu"))) for text in TEXTS])
    by_hand = [np.corrcoef(values(network, "c")[:, one.unit], position)[0, 1] for one in found]
    own = [next(f.score for f in one.following if f.what == "position" and f.signal == "c") for one in found]
    np.testing.assert_allclose(own, by_hand, atol=1e-4)


def test_a_network_that_was_not_trained_stands_beside_a_unit() -> None:
    one, blank = shown(), cache.model("pronouns-lstm").untrained(lab.surveys.SEED)
    runs = [blank.run(text, device="cpu") for text in TEXTS[:: lab.surveys.EVERY]]
    position = np.concatenate([np.arange(len(run)) for run in runs])
    best = 0.0
    for signal in one.signals:
        values_ = np.concatenate([run.sel(signal, layer=0, direction=0, batch=0) for run in runs])
        best = max(best, *(abs(np.corrcoef(values_[:, unit], position)[0, 1]) for unit in range(values_.shape[1])))
    assert one.untrained["position"] == pytest.approx(best, abs=1e-3)
    found = next(f for unit in one.units for f in unit.following if f.what == "position")
    assert found.blank == pytest.approx(best, abs=1e-3) and "not trained the best has" in draw.told(found)
    names = [
        line["name"]
        for line in {p["id"]: p for p in sent(opened(corpus.__name__))["panels"]}["follows0"]["figure"]["data"]
    ]
    assert names[-1] == "best unit of an untrained network"


def test_units_are_found_by_words_and_the_address_keeps_both() -> None:
    found = shown().units
    what = next(one.best.what for one in found if one.best)
    word = {"inside_quotes": "quotes", "position": "position", "part_of_word": "word"}.get(what, what)
    asked = draw.matching(found, word)
    assert 0 < len(asked) <= len(found) and all(one.best and one.best.what == what for one in asked)
    test = opened(corpus.__name__, find=word, row="5", row2="3")
    assert list(test.dataframe[0].value["unit"].astype(int)) == [one.unit for one in asked]
    panels = {panel["id"]: panel for panel in sent(test)["panels"]}
    assert "unit 5" in panels["follows0"]["title"] and "unit 3" in panels["follows1"]["title"]
    test.selectbox[0].set_value("4").run()
    panels = {panel["id"]: panel for panel in sent(test)["panels"]}
    assert "unit 4" in panels["follows0"]["title"] and test.query_params["row"] in ("4", ["4"])
    test.text_input(key="corpus find").set_value("nothing of the kind").run()
    assert test.query_params["find"] in ("nothing of the kind", ["nothing of the kind"])
    assert not test.exception and any("described by these words" in one.value for one in test.caption)


def test_a_broken_link_falls_back() -> None:
    whole, broken = (opened(corpus.__name__, **query) for query in ({}, {"row": "9.9.999", "row2": "<b>", "text": ""}))
    titles = [[panel["title"] for panel in sent(test)["panels"]] for test in (whole, broken)]
    assert titles[0] == titles[1]


def test_the_histogram_counts_every_step() -> None:
    panels = {panel["id"]: panel for panel in sent(opened(corpus.__name__, row="5"))["panels"]}
    bars = panels["c00"]["figure"]["data"][0]
    own = values(shown().network, "c")[:, 5]
    counts, _ = np.histogram(own, draw.BARS, (own.min(), own.max()))
    assert np.sum(bars["y"]) == pytest.approx(1, abs=1e-5)
    # No further apart than one bar: the survey's own bins do not end where the bars do.
    ours, theirs = np.cumsum(bars["y"]), np.cumsum(counts) / len(own)
    assert (ours[1:] >= theirs[:-1] - 1e-5).all() and (ours[:-1] <= theirs[1:] + 1e-5).all()
    assert bars["x"][0] >= own.min() and bars["x"][-1] <= own.max()


def test_twenty_places_are_those_of_the_model_and_open_on_gates() -> None:
    test = opened(corpus.__name__, row="5")
    places = re.findall(r'<li><a href="([^"]+)".*?<b>([^<]+)</b> .*?<mark[^>]*>([^<]+)</mark>', html(test))
    assert len(places) > 20
    ordered = [float(value.replace("\N{MINUS SIGN}", "-")) for _, value, _ in places]
    assert ordered[:7] == sorted(ordered[:7], reverse=True) and ordered[7:14] == sorted(ordered[7:14])
    network = shown().network
    signal = next((one.best.signal for one in shown().units if one.unit == 5 and one.best), "c")
    own = values(network, signal)[:, 5]
    assert float(places[0][1].replace("\N{MINUS SIGN}", "-")) == pytest.approx(own.max(), abs=0.006)
    for href, value, word in places[:3]:
        query = {name: said[0] for name, said in parse_qs(urlsplit(unescape(href)).query).items()}
        assert query["text"] in TEXTS and query["unit"] == "5" and query["left"] == "pronouns-lstm"
        trace = network.run(query["text"], device="cpu")
        assert trace.tokens[int(query["at"])].text == unescape(word)
        here = float(trace.sel(signal, layer=0, direction=0, batch=0)[int(query["at"]), 5])
        assert here == pytest.approx(float(value.replace("\N{MINUS SIGN}", "-")), abs=0.006)
        tree = sent(opened(gates.__name__, **query))
        assert tree["settings"]["at"] == int(query["at"]) and tree["units"][0] == 5 and tree["text"] == query["text"]


def test_a_long_text_opens_as_far_as_an_address_holds_it_at_the_same_word() -> None:
    text = "Mary saw John because she was the market and " * 200 + "Anna."
    one = shown()
    tokens = one.network.tokenizer.encode(text)
    for step in (3, len(tokens) // 2, len(tokens) - 2):
        link = one.link(text, tokens, step, one.units[0], 0, "pronouns-gru")
        query = parse_qs(urlsplit(link).query)
        assert len(link) < 4200 and query["text"][0] in text
        assert one.network.tokenizer.encode(query["text"][0])[int(query["at"][0])].text == tokens[step].text


def test_a_model_without_a_survey_is_shown_its_familys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surveyed, "FAMILY", ("pronouns-lstm", "pronouns-gru"))
    test = opened(corpus.__name__, left="stacked")
    assert len(test.dataframe) == 2
    assert any("stacked has no survey of its own" in one.value for one in test.markdown)


def test_a_survey_of_another_model_is_not_shown(shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surveyed, "FOLDER", shutil.copytree(shipped, tmp_path / "surveys"))
    for folder in surveyed.FOLDER.iterdir():
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["model"]["hash"] = "another"
        (folder / "manifest.json").write_text(json.dumps(manifest))
    test = opened(corpus.__name__)
    assert not test.dataframe and [one.value for one in test.code] == ["python -m lab survey"]


def test_a_survey_of_other_texts_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surveyed, "novels", lambda: [TEXTS[1], TEXTS[0], *TEXTS[2:]])
    assert surveyed.shipped(cache.model("pronouns-lstm"), 0) is None


def test_what_ships_holds_no_texts_and_answers_the_same(shipped: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    names = {name for path in shipped.rglob("documents/*.parquet") for name in pq.read_schema(path).names}
    assert names == {"document", "steps"}
    assert not [path for path in shipped.rglob("*") if path.name.startswith(".")]
    model = lstm_core.load_model("pronouns-lstm")
    whole = survey(model, TEXTS, tmp_path / "whole", top=lab.surveys.TOP, sample=lab.surveys.SAMPLE, patterns=None)
    ours = shown().survey.contexts("c", unit=3)
    theirs = whole.contexts("c", unit=3)
    assert [(c.document, c.step, c.value) for c in ours.highest] == [
        (c.document, c.step, c.value) for c in theirs.highest
    ]


def test_what_ships_without_texts_has_its_words_again_with_them(shipped: Path) -> None:
    folder, model = shipped / "pronouns-lstm", lstm_core.load_model("pronouns-lstm")
    assert str(lstm_core.open_survey(folder, model).contexts("c", unit=3).highest[0].words) == "[]"
    with pytest.raises(ValueError, match="keeps no texts: open it with them"):
        lstm_core.open_survey(folder, model).contexts("c", unit=3).highest[0].open()
    for place in lstm_core.open_survey(folder, model, TEXTS).contexts("c", unit=3).highest[:3]:
        tokens = model.tokenizer.encode(TEXTS[place.document])
        before, here, after = (
            tokens[place.step + k] if 0 <= place.step + k < len(tokens) else None for k in (-1, 0, 1)
        )
        assert here is not None and place.words.text == here.text
        assert before is None or place.words.before.rstrip().endswith(before.text)
        assert after is None or place.words.after.lstrip().startswith(after.text)
        assert float(place.open()["c"][0, 0, place.step, 0, 3]) == pytest.approx(place.value, abs=1e-6)
    for other in (["Mary"] * len(TEXTS), TEXTS[:1], TEXTS[::-1]):
        with pytest.raises(ValueError, match="of the data are not those that were surveyed"):
            lstm_core.open_survey(folder, model, other).contexts("c", unit=3)


def test_every_survey_that_ships_is_of_a_model_that_ships_and_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATESCOPE_MODELS")
    monkeypatch.setattr(surveyed, "novels", NOVELS)
    cache.forget()
    for folder in FOLDER.glob("[!.]*"):
        one = surveyed._opened(folder.name, FOLDER, 0)
        assert one, f"python -m lab survey {folder.name}"
        assert one.untrained.keys() == draw.PROPERTIES.keys() and max(one.untrained.values()) < 1
        assert sum(path.stat().st_size for path in folder.rglob("*.parquet")) <= 2.1e6


# ---- the visitor's own texts


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.txt", b"", "there is no text"),
        ("a.txt", b"\xff\xfe\x00", "not UTF-8"),
        ("a.pdf", b"%PDF", "not a .txt or .csv file"),
        ("a.csv", b"one,two\n1,2\n", "columns of a.csv are one, two"),
        ("a.csv", b"1,2\n3,4\n", "the first line of a.csv names no columns"),
        ("a.csv", b"", "there is no text"),
        ("a.csv", b'text\n"open', "cannot be read as a table"),
        ("a.txt", b"word " * 250_000, "characters"),
    ],
)
def test_a_file_that_cannot_be_surveyed_says_why(name: str, data: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        own_texts.uploaded(name, data)


def test_files_are_read_as_documents() -> None:
    assert own_texts.uploaded("a.txt", "\ufeffone\r\n\r\n two \rthree".encode()) == ["one", "two", "three"]
    assert own_texts.uploaded("A.CSV", b'id,text\n1,"a, b"\n2,\n3,c\n4\n') == ["a, b", "c"]
    assert own_texts.uploaded("a.csv", b'said\n"two\nlines"\n') == ["two\nlines"]
    for separator in (";", "\t"):  # as a spreadsheet writes it where a comma is written in numbers
        data = f'id{separator}text\r\n1,5{separator}"a{separator} b"\r\n2{separator}c, d'.encode()
        assert own_texts.uploaded("a.csv", data) == [f"a{separator} b", "c, d"]
    assert own_texts.uploaded("a.csv", b'"text; or not"\r\na; b\r') == ["text; or not", "a; b"]
    assert own_texts.uploaded("a.csv", b"We live here\nMary sings\n") == ["We live here", "Mary sings"]
    assert own_texts.uploaded("a.csv", b"1,We live here\n2,Mary sings\n") == ["We live here", "Mary sings"]


def test_own_texts_are_surveyed_and_drawn_and_asked_for_a_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    test = opened(corpus.__name__, text="Mary saw John because she")
    test.text_area(key="corpus text").set_value("\n".join(TEXTS))
    next(button for button in test.button if button.label == "Survey them").click().run()
    assert not test.exception and not test.error
    job, until = test.session_state[JOB], time.monotonic() + 300
    while job.running and time.monotonic() < until:
        time.sleep(0.1)
    assert not job.problem, job.problem
    test.run()
    assert not test.exception and not test.error
    sides = test.session_state[own_survey.OWN].sides
    assert [one.name for one in sides] == ["pronouns-lstm", "pronouns-gru"] and sides[0].survey.documents == len(TEXTS)
    kept = values(sides[0].network, "f")
    rows = test.dataframe[0].value["unit"].astype(int).to_numpy()
    np.testing.assert_allclose(test.dataframe[0].value["kept"].to_numpy(float), kept.mean(0)[rows], atol=6e-4)
    count = len(sides[0].network.tokenizer.encode("Mary saw John because she"))
    assert test.select_slider[0].value == (count - 2, count - 1), "it begins at the chosen word, if one comes after it"
    test.select_slider[0].set_value((1, 2)).run()
    assert not test.exception
    assert any("of your texts" in one.value or "no unit is on" in one.value.lower() for one in test.caption)
    blank = next(f.untrained for unit in sides[0].units for f in unit.following if f.what == "position")
    assert blank is not None and 0 < abs(blank) < 1, "a network that was not trained stands beside them"
    test.segmented_control(key="corpus texts").set_value(corpus.NOVELS).run()
    assert not test.exception and len(test.dataframe) == 2


def test_where_else_is_asked_of_the_text_that_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the space that ends it, where spaces begin words."""
    found = []
    monkeypatch.setattr(where_else, "_side", lambda one, text, *_: found.append((one.network.name, text)))
    monkeypatch.delenv("GATESCOPE_MODELS")
    names = "general-lstm", "brackets-lstm"
    sides = [SimpleNamespace(network=lstm_core.load_model(name), ships=False) for name in names]
    monkeypatch.setattr(where_else, "beside", lambda *_: "")
    where_else.section(SimpleNamespace(text="Anna met ", steps=lambda: (0, 0)), sides)  # type: ignore[arg-type]
    assert found == list(zip(names, ("Anna met", "Anna met "), strict=True))


def test_where_else_a_pattern_is_in_the_novels_is_what_looking_at_every_step_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(surveyed, "EVERY", 2)
    text = 'Anna met a "market and the market" because'
    test = opened(corpus.__name__, text=text, at="4", left="pronouns-lstm", right="pronouns-gru")
    assert not test.select_slider
    next(button for button in test.button if "Look for it" in button.label).click().run()
    assert not test.exception and [len(one.value) for one in test.select_slider] == [2, 2]
    first, last = test.select_slider[0].value
    network = shown().network
    own = network.run(text, device="cpu").sel("c", layer=0, direction=0, batch=0)
    padded = np.pad(np.concatenate([own > 0.3, own < -0.3], axis=1), ((1, 1), (0, 0)))
    units = [
        k for k in range(16) if padded[first + 1 : last + 2, k].all() and not (padded[first, k] and padded[last + 2, k])
    ]
    said = [one.value for one in test.caption if "are on just there" in one.value]
    assert units and said[0].startswith(f"Units that are on just there: {len(units)}. At ")
    found = re.search(r"At (\d+) places in every twentieth paragraph .*, (\d+) of them or more", said[0])
    assert found, said[0]
    count, places = 0, []
    for document, one in enumerate(TEXTS[::2]):
        c = network.run(one, device="cpu").sel("c", layer=0, direction=0, batch=0)
        on = np.concatenate([c > 0.3, c < -0.3], axis=1)[:, units].sum(axis=1) >= int(found[2])
        edges = np.flatnonzero(np.diff(np.pad(on.astype(int), 1)))
        count += len(edges) // 2
        places += [(document, *edge) for edge in edges.reshape(-1, 2).tolist()]
    assert int(found[1]) == count == len(places) > 0
    quoted = 0
    for document, start, stop in places:
        one = TEXTS[::2][document]
        ends = [token.end for token in network.tokenizer.encode(one)][start:stop]
        quoted += all(one[:end].count('"') % 2 for end in ends)
    share = re.search(r"The stretch is “inside quotes”, and so are (\d+)\u202f% of the (\d+) most alike", said[0])
    assert share and int(share[2]) == min(count, where_else.SHARED)
    if count <= where_else.SHARED:
        assert int(share[1]) == round(100 * quoted / count)


def test_empty_texts_and_a_model_without_words_are_a_sentence() -> None:
    test = opened(corpus.__name__)
    next(button for button in test.button if button.label == "Survey them").click().run()
    assert [one.value for one in test.error] == ["There is no text in it."] and JOB not in test.session_state
    assert test.expander[-1].proto.expanded


def test_a_visitors_own_model_goes_along_and_what_was_stopped_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(part, "STEPS", part.STEPS)  # put back afterwards
    monkeypatch.setattr(own_texts, "STEPS", 12)
    model = small_model("gru", seed=3, layers=2)
    for name, data in own_texts.wanted([""], [model], TEXTS).items():
        (tmp_path / name).write_bytes(data)
    own_texts.main(tmp_path)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    shares = [line["share"] for line in told]
    assert len(shares) > 2 and shares == sorted(shares) and shares[-1] == 1
    one = surveyed.Surveyed(lstm_core.open_survey(tmp_path / "survey0", model), model, "yours", TEXTS)
    assert {(unit.layer, unit.place) for unit in one.units} >= {(0, "5"), (1, "1.0.5")} and len(one.units) == 16

    def stopped(now: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        survey(model, TEXTS, tmp_path / "stopped", progress=stopped)
    some = surveyed.Surveyed(lstm_core.open_survey(tmp_path / "stopped", model), model, "yours", TEXTS)
    assert not some.survey.complete and 0 < some.survey.documents < len(TEXTS) and len(some.units) == 16
    kind = some.contexts(some.units[0], "h", "highest", 3)
    assert kind and all(document < some.survey.documents for document, _, _ in kind)


def test_what_was_stopped_on_one_side_says_so_and_the_other_side_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part, "STEPS", 12)

    def stopped(now: object) -> None:
        raise KeyboardInterrupt

    class Stopped:
        folder, problem, cut, running, label, waits, said = tmp_path, "", True, False, own_survey.KEY, "", []

        def go_on(self) -> None:
            self.cut, self.running = False, True

        def ends_now(self) -> bool:
            return False

        def stop(self) -> None: ...

    with pytest.raises(KeyboardInterrupt):
        survey("pronouns-lstm", TEXTS, tmp_path / "survey0", progress=stopped)
    test = opened(corpus.__name__)
    chosen = {name: cache.model(name) for name in ("pronouns-lstm", "pronouns-gru")}
    monkeypatch.setattr(own_survey.st, "session_state", {own_survey.ASKED: own_survey.Asked(chosen, TEXTS)})
    own_survey._take(job := Stopped())
    own = own_survey.st.session_state[own_survey.OWN]
    monkeypatch.undo()
    monkeypatch.setattr(surveyed, "_opened", lambda *_: None)
    test.session_state[own_survey.OWN] = own
    test.run()
    assert not test.exception and len(test.dataframe) == 1
    assert any("Stopped before its end" in one.value for one in test.markdown)
    assert any("no survey for this side" in one.value for one in test.caption)
    assert test.expander[-1].proto.expanded, "where it can go on is seen"
    next(button for button in test.button if button.label == "Go on with the rest").click().run()
    assert not test.exception and job.running and test.session_state[JOB] is job
    assert test.session_state[own_survey.ASKED] == own_survey.Asked(chosen, TEXTS) and len(test.dataframe) == 1
    assert not any(button.label == "Go on with the rest" for button in test.button)


def test_a_survey_that_goes_on_says_what_one_without_a_stop_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(part, "STEPS", part.STEPS)  # put back afterwards
    monkeypatch.setattr(own_texts, "STEPS", 12)
    model, folders = small_model("gru", seed=3), [tmp_path / "stopped", tmp_path / "whole"]
    for folder in folders:
        folder.mkdir()
        for name, data in own_texts.wanted(["", ""], [model, model], TEXTS).items():
            (folder / name).write_bytes(data)
    told = iter(range(100))

    def stopped(text: str, flush: bool) -> None:
        if next(told) == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(own_texts, "print", stopped, raising=False)
        own_texts.main(folders[0])
    assert not lstm_core.open_survey(folders[0] / "survey0", model).complete
    for folder in folders:
        own_texts.main(folder)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    begins = next(k for k, line in enumerate(lines) if line["share"] == 1) + 1
    rest, whole = ([line["share"] for line in part] for part in (lines[:begins], lines[begins:]))
    assert rest == whole[-len(rest) :] and len(rest) < len(whole), "what was done is not done again"
    for k in range(2):
        there = [lstm_core.open_survey(one / f"survey{k}", model) for one in folders]
        a, b = (surveyed.Surveyed(one, model, "", TEXTS) for one in there)
        assert a.survey.complete and a.units == b.units and len(a.units) == 8
    assert not capsys.readouterr().out
    own_texts.main(folders[0])
    assert not capsys.readouterr().out, "all is there"
