"""A survey is what a plain loop over all traces counts, whatever the pieces, the order of work and the way it went."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from survey_places import PLACES, count_on

import lstm_core
from lstm_core.network import Network
from lstm_core.survey import labels, part, pieces
from lstm_core.survey.answers import Survey

TEXTS = [
    "I grew up in France. The weather was good. I speak fluent",
    "",
    "Then",
    *(f"I was born in {place}. It rained a lot. There were {k} people in the market." for k, place in enumerate(
        ("Japan", "Italy", "Spain", "Germany", "China"))),
    'He said "I grew up in Japan. I speak" and left. ' * 9,
    "The bus was late. " * 60,
]  # fmt: skip
LAGS = (1, 2, 4, 8, 16, 32, 64)


@pytest.fixture(scope="module")
def model() -> Network:
    return lstm_core.load_model("country-lstm")


@pytest.fixture(scope="module")
def traces(model: Network) -> list[Any]:
    return [model.run(text, device="cpu") for text in TEXTS]


@pytest.fixture(scope="module", params=PLACES)
def patched(request: pytest.FixtureRequest) -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        count_on(request.param, patch)
        patch.setattr(pieces, "STEPS", 75)  # the longest two documents are cut
        patch.setattr(part, "STEPS", 40)
        yield patch


@pytest.fixture(scope="module")
def survey(model: Network, patched: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Survey:
    return lstm_core.survey(model, TEXTS, tmp_path_factory.mktemp("survey"), top=7, sample=20)


def values(traces: list[Any], signal: str) -> np.ndarray:
    """(step of any document, unit) float32."""
    return np.concatenate([trace.sel(signal, layer=0, direction=0, batch=0) for trace in traces])


def places(traces: list[Any]) -> np.ndarray:
    """(step of any document, 2): document and step."""
    return np.array([(k, t) for k, trace in enumerate(traces) for t in range(len(trace))])


def rows(survey: Survey, signal: str) -> dict[str, np.ndarray]:
    units = survey.units()
    return {name: value[units["signal"] == signal] for name, value in units.items()}


@pytest.mark.parametrize("signal", ["i", "f", "g", "o", "c", "h"])
def test_counts_and_moments_are_those_of_all_steps(survey: Survey, traces: list[Any], signal: str) -> None:
    v, found = values(traces, signal).astype(np.float64), rows(survey, signal)
    low, high = {"i": (0, 1), "f": (0, 1), "o": (0, 1), "c": (np.nan, np.nan)}.get(signal, (-1, 1))
    assert survey.steps == len(v) and survey.documents == len(TEXTS) and survey.complete
    assert (found["count"] == len(v)).all() and found["unit"].tolist() == list(range(24))
    np.testing.assert_allclose(found["mean"], v.mean(0), rtol=5e-6, atol=1e-6)
    np.testing.assert_allclose(found["variance"], v.var(0), rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(found["min"], v.min(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["max"], v.max(0), rtol=1e-5, atol=1e-6)
    margin = 0.1 * (high - low)
    shares = [(v > high - margin).mean(0), (v < low + margin).mean(0)] if signal != "c" else [np.full(24, np.nan)] * 2
    np.testing.assert_allclose([found["above"], found["below"]], shares, atol=1.5 / len(v))
    assert (found["dead"] == (v.max(0) - v.min(0) < 0.01)).all()
    if signal == "f":
        np.testing.assert_allclose(found["remembers"], -1 / np.log(v).mean(0), rtol=1e-4)
    else:
        assert np.isnan(found["remembers"]).all()


@pytest.mark.parametrize("signal", ["f", "c", "h"])
def test_quantiles_are_within_what_is_stated(survey: Survey, traces: list[Any], signal: str) -> None:
    v, found = np.sort(values(traces, signal), axis=0), rows(survey, signal)
    for name, share in (("q01", 0.01), ("q05", 0.05), ("q25", 0.25), ("q50", 0.5), ("q75", 0.75), ("q99", 0.99)):
        exact = v[int(np.ceil(share * len(v))) - 1]
        bound = {"f": 1 / 1024, "h": 1 / 512}.get(signal, np.maximum(1 / 128, np.abs(exact) / 32))
        assert (np.abs(found[name] - exact) <= bound + 1e-6).all(), name


@pytest.mark.parametrize("signal", ["f", "c"])
def test_histograms_count_every_step_once(survey: Survey, traces: list[Any], signal: str) -> None:
    v = values(traces, signal)
    for unit in (0, 6, 23):
        bins = survey.histogram(signal, unit=unit)
        at = v[:, unit].astype(np.float64)
        last = bins["high"] >= (1.0 if signal == "f" else np.inf)
        inside = (at >= bins["low"][:, None]) & ((at < bins["high"][:, None]) | (last[:, None] & (at <= 1.0)))
        assert bins["count"].sum() == len(v)
        assert np.abs(inside.sum(1) - bins["count"]).sum() <= 2  # a value that rounding put over an edge


@pytest.mark.parametrize("signal", ["f", "c", "h"])
def test_lagged_products_stay_within_a_document(survey: Survey, traces: list[Any], signal: str) -> None:
    v = values(traces, signal).astype(np.float64)
    mean, variance = v.mean(0), v.var(0)
    table = survey.sql("select lag, pairs, autocorrelation from lags join units using (id) where "
                       f"signal = '{signal}' order by unit, lag").to_pydict()  # fmt: skip
    pairs = np.array(table["pairs"]).reshape(24, -1)
    found = np.array(table["autocorrelation"]).reshape(24, -1)
    for k, lag in enumerate(LAGS):
        one = [trace.sel(signal, layer=0, direction=0, batch=0).astype(np.float64) for trace in traces]
        earlier = np.concatenate([x[: len(x) - lag] for x in one if len(x) > lag]) - mean
        later = np.concatenate([x[lag:] for x in one if len(x) > lag]) - mean
        assert (pairs[:, k] == len(earlier)).all()
        np.testing.assert_allclose(found[:, k], (earlier * later).mean(0) / variance, atol=2e-3)
    times = rows(survey, signal)["timescale"]
    for unit, line in enumerate(found):
        above = line >= 1 / np.e
        if above.all():
            assert times[unit] == np.inf
        else:
            k = int(above.argmin())
            assert (LAGS[k - 1] if k else 0) <= times[unit] <= LAGS[k]


@pytest.mark.parametrize("signal", ["f", "o", "c"])
def test_the_highest_and_the_lowest_places_are_exact(survey: Survey, traces: list[Any], signal: str) -> None:
    v, where = values(traces, signal), places(traces)
    for unit in range(24):
        found = survey.contexts(signal, unit=unit)
        for contexts, sign in ((found.highest, 1), (found.lowest, -1)):
            best = np.sort(sign * v[:, unit])[::-1][:7]
            assert len(contexts) == 7 and len({(c.document, c.step) for c in contexts}) == 7
            np.testing.assert_allclose([sign * c.value for c in contexts], best, rtol=1e-5, atol=2e-6)
            for context in contexts:
                at = np.flatnonzero((where == (context.document, context.step)).all(1))
                np.testing.assert_allclose(context.value, v[at[0], unit], rtol=1e-5, atol=2e-6)


def test_of_equal_values_the_first_place_in_the_data_is_kept(tmp_path: Path, model: Network) -> None:
    survey = lstm_core.survey(model, ["I speak", "I speak", "I speak", "I speak"], tmp_path / "same", top=3)
    for end in ("highest", "lowest"):
        for unit in range(24):
            found = getattr(survey.contexts("i", unit=unit), end)
            steps = [(c.document, c.step) for c in found]
            assert steps == [(k, steps[0][1]) for k in range(3)]
    mixed = lstm_core.survey(model, ["I speak fluent", "I speak"], tmp_path / "mixed", top=1)
    tied = [c.highest[0] for c in (mixed.contexts("i", unit=unit) for unit in range(24)) if c.highest[0].step < 2]
    assert tied and {context.document for context in tied} == {0}  # the longer one, though shorter ones run first


def split_mix(document: int, step: int) -> int:
    """Steele, Lea & Flood 2014, in Python's whole numbers."""
    golden, bits = 0x9E3779B97F4A7C15, (1 << 64) - 1
    x = ((document << 32) + step + golden) * golden & bits
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & bits
    x = (x ^ x >> 27) * 0x94D049BB133111EB & bits
    return x ^ x >> 31


def test_typical_places_are_nearest_to_the_median_of_those_drawn(survey: Survey, traces: list[Any]) -> None:
    where = {tuple(place): k for k, place in enumerate(places(traces).tolist())}
    v = values(traces, "c")
    typical = survey.contexts("c", unit=3, most=20).typical
    assert len(typical) == 20 and len({(c.document, c.step) for c in typical}) == 20
    median = rows(survey, "c")["q50"][3]
    away = [abs(c.value - median) for c in typical]
    assert away == sorted(away)
    for context in typical:
        np.testing.assert_allclose(context.value, v[where[context.document, context.step], 3], rtol=1e-5, atol=2e-6)
    drawn = sorted(where, key=lambda place: split_mix(*place))[:20]
    assert {(c.document, c.step) for c in typical} == set(drawn)
    other = survey.contexts("o", unit=9, most=20).typical
    assert {(c.document, c.step) for c in other} == {(c.document, c.step) for c in typical}


def test_a_place_opens_as_the_trace_that_was_counted(survey: Survey, model: Network) -> None:
    context = survey.contexts("c", unit=0).highest[0]
    trace = context.open()
    text = TEXTS[context.document]
    tokens = model.tokenizer.encode(text)
    short = survey.words(0, 2, 4, around=1)
    assert (short.before, short.text, short.after) == ("grew ", "up in", " France")
    assert context.words.text == tokens[context.step].text
    assert len(trace.tokens) == len(trace) and trace.cell is model.cell
    assert np.abs(trace.sel("c", layer=0, direction=0, batch=0, unit=0) - context.value).min() < 2e-6


def follow(values: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """AUC by counting all pairs, and Pearson's r."""
    hit, miss = values[labels > 0.5], values[labels < 0.5]
    pairs = (hit[:, None] > miss).sum() + 0.5 * (hit[:, None] == miss).sum()
    return pairs / (len(hit) * len(miss)), float(np.corrcoef(values, labels)[0, 1])


def quoted(text: str, tokens: Any) -> list[float]:
    return [float(text[: token.end].count('"') % 2) for token in tokens]


def test_what_a_unit_follows_is_what_counting_all_pairs_says(survey: Survey, traces: list[Any]) -> None:
    labels = np.concatenate([quoted(text, trace.tokens) for text, trace in zip(TEXTS, traces, strict=True)])
    found = survey.follows("inside_quotes", signal="c")
    own = survey.follows([quoted(text, t.tokens) for text, t in zip(TEXTS, traces, strict=True)], signal="c")
    v = values(traces, "c").astype(np.float64)
    for result in (found, own):
        strength = np.abs(result.units["auc"] - 0.5)
        assert (np.diff(strength) <= 0).all() and len(strength) == 24
        for row, unit in enumerate(result.units["unit"]):
            area, r = follow(v[:, unit], labels)
            assert abs(result.units["auc"][row] - area) <= result.units["auc_error"][row] + 1e-4
            assert abs(result.units["correlation"][row] - r) < 1e-4
            rule = (v[:, unit] >= result.units["threshold"][row]) == result.units["above"][row]
            hit = labels > 0.5
            accuracy = (rule[hit].mean() + (~rule[~hit]).mean()) / 2
            assert abs(accuracy - result.units["accuracy"][row]) < 0.01
        assert result.chance == np.abs(result.units["shuffled_auc"] - 0.5).max()
    numbers = survey.follows("position", signal="c")
    steps = np.concatenate([np.arange(len(trace)) for trace in traces])
    for row, unit in enumerate(numbers.units["unit"]):
        assert abs(numbers.units["correlation"][row] - np.corrcoef(v[:, unit], steps)[0, 1]) < 1e-4


def test_chance_is_measured_with_labels_moved_along_the_text(survey: Survey) -> None:
    own = np.stack([np.arange(100), np.arange(100) % 3])
    shifts = set()
    for document in range(50):
        moved = labels.moved(own, 0, document, 0)
        shift = int(moved[0].argmin())
        shifts.add(shift)
        assert 10 <= shift <= 90 and all(
            (b == [*a[-shift:], *a[:-shift]]).all() for a, b in zip(own, moved, strict=True)
        )
        assert (labels.moved(own, 0, document, 0) == moved).all()
    assert len(shifts) > 20
    found = survey.follows("inside_quotes")
    assert np.abs(found.units["auc"] - found.units["shuffled_auc"]).max() > 0.1
    assert found.chance == np.abs(found.units["shuffled_auc"] - 0.5).max()


def test_labels_that_are_missing_are_left_out(survey: Survey, traces: list[Any]) -> None:
    rng = np.random.default_rng(1)
    labels = (rng.random(survey.steps) > 0.7).astype(float)
    labels[rng.random(survey.steps) > 0.5] = np.nan
    found, given = survey.follows(labels, signal="h"), ~np.isnan(labels)
    v = values(traces, "h").astype(np.float64)
    for row, unit in enumerate(found.units["unit"]):
        area, r = follow(v[given, unit], labels[given])
        assert abs(found.units["auc"][row] - area) <= found.units["auc_error"][row] + 1e-4
        assert abs(found.units["correlation"][row] - r) < 1e-4


def brute(traces: list[Any], needed: int, units: list[tuple[int, int]], length: int) -> list[tuple[int, ...]]:
    """Every longest stretch at which so many units are on, step by step."""
    matches = []
    index, signs = [unit for unit, _ in units], np.array([sign for _, sign in units], np.float32)
    for document, trace in enumerate(traces):
        c = trace.sel("c", layer=0, direction=0, batch=0)
        on = (signs * c[:, index] > np.float32(0.3)).sum(1).tolist()
        t = 0
        while t < len(on):
            if on[t] < needed:
                t += 1
                continue
            start = t
            while t < len(on) and on[t] >= needed:
                t += 1
            off = len(units) - (on[start - 1] if start else 0) + len(units) - (on[t] if t < len(on) else 0)
            matches.append((-off, abs(t - start - length), document, start, t, min(on[start:t])))
    return sorted(matches)


def test_where_the_same_units_are_on_is_what_a_plain_search_finds(
    survey: Survey, model: Network, traces: list[Any]
) -> None:
    rng = np.random.default_rng(0)
    asked = 0
    for _ in range(200):
        document = int(rng.choice([0, 3, 4, 8]))
        start = int(rng.integers(0, min(len(traces[document]), 70) - 1))
        stop, sides, share = start + int(rng.integers(1, 8)), int(rng.integers(0, 3)), float(rng.choice([1, 0.6]))
        stop = min(stop, len(traces[document]))
        c = traces[document].sel("c", layer=0, direction=0, batch=0)
        padded = np.pad(np.stack([c > np.float32(0.3), -c > np.float32(0.3)]), ((0, 0), (1, 1), (0, 0)))
        units = [
            (unit, sign) for k, sign in enumerate((1, -1)) for unit in range(24)
            if padded[k, start + 1 : stop + 1, unit].all() and (~padded[k, [start, stop + 1], unit]).sum() >= sides
        ]  # fmt: skip
        if not units:
            with pytest.raises(ValueError, match="no unit is on"):
                survey.similar(TEXTS[document], start, stop, sides=sides)
            continue
        asked += 1
        found = survey.similar(TEXTS[document], start, stop, sides=sides, share=share)
        assert [(one.unit, one.sign) for one in found.units] == units
        needed = max(1, int(np.ceil(share * len(units))))
        expected = brute(traces, needed, units, stop - start)
        got = zip(-found.off, found.document, found.start, found.stop, found.on, strict=True)
        assert [(o, d, s, e, n) for o, _, d, s, e, n in expected] == [tuple(map(int, row)) for row in got]
        if share == 1:
            assert any(d == document and s <= start and stop <= e for _, _, d, s, e, _ in expected)
    assert asked > 100


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.parquet"))}


def test_an_interrupted_survey_can_be_read_and_goes_on(
    survey: Survey, model: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = 0

    def stop(progress: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lstm_core.survey(model, TEXTS, tmp_path / "s", top=7, sample=20, progress=stop)
    half = lstm_core.open_survey(tmp_path / "s")
    assert not half.complete and 0 < half.documents < len(TEXTS) and half.units()["count"][0] == half.steps
    assert half.contexts("f", unit=6).highest and half.follows("position").units["unit"].size
    assert half.sql("select count(*) n from units").to_pydict() == {"n": [144]}
    files = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "s" / "summaries").iterdir()}
    runs: list[int] = []
    monkeypatch.setattr(part.Work, "__call__", counted(part.Work.__call__, runs))
    whole = lstm_core.survey(model, TEXTS, tmp_path / "s", top=7, sample=20)
    assert whole.complete and len(files) == 3 and min(runs) == 3
    assert contents(tmp_path / "s") == contents(survey.folder)  # to the last bit


def counted(work: Callable[..., int], runs: list[int]) -> Callable[..., int]:
    def call(self: part.Work, model: Any, number: int) -> int:
        runs.append(number)
        return work(self, model, number)

    return call


def test_the_order_of_the_work_does_not_change_a_bit(
    survey: Survey, model: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a cluster: the parts are done in another order, and each of them twice."""
    from lstm_core.survey import cluster
    from lstm_core.survey.models import model_of

    def backwards(
        work: part.Work, how: Any, numbers: list[int], workers: Any, memory: int
    ) -> Iterator[tuple[int, int]]:
        for number in reversed(numbers):
            work(model_of(*how), number)
            yield number, work(model_of(*how), number)

    monkeypatch.setattr(cluster, "run", backwards)
    lstm_core.survey(model, TEXTS, tmp_path / "s", top=7, sample=20, engine="ray")
    assert contents(tmp_path / "s") == contents(survey.folder)


def test_a_finished_survey_is_only_opened(survey: Survey, model: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part.Work, "__call__", None)
    again = lstm_core.survey(model, TEXTS, survey.folder, top=7, sample=20)
    assert again.complete and "country-lstm" in repr(again)
    manifest = json.loads((survey.folder / "manifest.json").read_text())
    assert manifest["data"]["steps"] == survey.steps and set(manifest["versions"]) >= {"gatescope", "numpy", "pyarrow"}
    assert {path.name for path in survey.folder.iterdir()} >= {"units.parquet", "places.parquet", "documents"}
    assert not (survey.folder / "summaries").exists()


def test_of_another_model_other_data_or_other_options_it_is_refused(
    survey: Survey, model: Network, tmp_path: Path
) -> None:
    shutil.copytree(survey.folder, tmp_path / "s")
    ask = {"out": tmp_path / "s", "top": 7, "sample": 20}
    with pytest.raises(ValueError, match="holds a survey of another model, country-lstm"):
        lstm_core.survey(model.untrained(), TEXTS, **ask)
    for data in ([*TEXTS, "I speak"], TEXTS[:-1], [*TEXTS[:-1], "The bus"], TEXTS[::-1]):
        with pytest.raises(ValueError, match="other data"):
            lstm_core.survey(model, data, **ask)
    with pytest.raises(ValueError, match="begun with top=7, not 8"):
        lstm_core.survey(model, TEXTS, **{**ask, "top": 8})
    assert contents(tmp_path / "s") == contents(survey.folder)
    with pytest.raises(ValueError, match="another model"):
        lstm_core.open_survey(tmp_path / "s", model=model.untrained())


def test_other_data_than_was_surveyed_is_refused(model: Network, patched: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same number of documents of the same lengths is not the same data."""
    vectors = [np.random.default_rng(k).normal(size=(5, model.block.layers[0][0]["W_f"].shape[1])) for k in range(3)]
    lstm_core.survey(model.block, vectors, tmp_path / "v")
    again = lstm_core.open_survey(tmp_path / "v", model=model.block, data=vectors)
    place = again.contexts("f", unit=0).highest[0]
    assert place.open() is not None
    other = lstm_core.open_survey(tmp_path / "v", model=model.block, data=vectors[::-1])
    with pytest.raises(ValueError, match="documents 0 to 2 of the data are not those that were surveyed"):
        other.contexts("f", unit=0).highest[0].open()
