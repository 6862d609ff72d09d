"""The experiments: found in their folder, whole, measured, and what the shipped files say is what stands in the JSON.

``check`` runs here on every shipped file. Nothing is trained but a handful of steps.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab import check, experiments, measure, report, shipped
from lab.__main__ import main
from lab.experiments import discover, experiment
from lab.experiments.base import (
    Cancelled,
    Drawing,
    Experiment,
    Figure,
    Measurement,
    Progress,
    Results,
    Series,
    Target,
    from_header,
    silent,
    spread,
    watch,
)
from lab.experiments.record import FOLDER, measured, results, write
from lstm_core import CELLS, list_models, load_model

FOUND = list(discover().values())
MEASURED = [one for one in FOUND if (FOLDER / f"{one.name}.json").exists()]


class Toy(Experiment):
    name, title, claim, source = "toy", "Toy", "Two is more than one.", "Euclid"
    targets = (Target("two", "two", 1.5), Target("two", "not three", 2.5, at_least=False), Target("one", "one", 1.5))
    look, disproof = "The bar.", "A lower bar."
    again = 2.01

    def measure(self, progress: Progress = silent) -> Measurement:
        for _ in watch([1, 2], progress, "numbers"):
            pass
        figures = {"two": Figure((2.0, 2.0, 1.0, 3.0, 2.0), 2.0, (0.0,) * 5), "one": Figure((), 1.0)}
        return Measurement((0, 1, 2, 3, 4), figures, {"x": [1.0, 2.0]}, ("A note.",))

    def remeasure(self) -> Mapping[str, float]:
        return {"two": self.again}

    def draw(self, results: Measurement) -> Sequence[Drawing]:
        return [Drawing("bars", "Toy", "x", "y", [Series("a", ["1", "2"], results.data["x"])])]


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in (check, measure, shipped):
        monkeypatch.setattr(module, "discover", lambda: {"toy": Toy()})
        monkeypatch.setattr(module, "models_by_name", dict)
    return tmp_path


# -- the framework -----------------------------------------------------------------------------------------------------


def test_a_figure_is_the_median_with_its_spread() -> None:
    figure = Figure((1.0, None, 5.0, 2.0), 4.0, (0.0,))
    assert [figure.value(over) for over in ("median", "least", "most", "shipped")] == [2.0, 1.0, 5.0, 4.0]
    assert figure.spread == (1.0, 5.0)
    assert Figure((), 4.0).value() == 4.0 and Figure((), 4.0).spread is None
    assert Figure().value() is None


@pytest.mark.parametrize(
    ("value", "at_least", "met"),
    [(0.5, True, True), (0.49, True, False), (0.5, False, True), (0.51, False, False), (None, True, False)],
)
def test_a_target_is_met_at_its_bound(value: float | None, at_least: bool, met: bool) -> None:
    assert Target("x", "x", 0.5, at_least).met(value) is met


def test_spread_is_least_and_most_at_each_place() -> None:
    series = spread("a", [1, 2], [[1.0, None], [3.0, 4.0], [2.0, 8.0]], "lstm")
    assert (series.y, series.low, series.high) == ([2.0, 6.0], [1.0, 4.0], [3.0, 8.0])
    assert not spread("a", [1], [[1.0]]).low  # one seed has no spread


def test_header_figures_stand_by_seed() -> None:
    class Header:
        def __init__(self, *runs: dict[str, Any]) -> None:
            self.meta = {"seeds": list(runs)}

    one, two = Header({"seed": 0, "x": 1.0}, {"seed": 2, "x": 3.0}), Header({"seed": 1, "x": 2.0})
    assert from_header({"a": one, "b": two}, "x") == ((0, 1, 2), {"a": (1.0, None, 3.0), "b": (None, 2.0, None)})


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    found = measured(Toy())
    assert results("toy", tmp_path) is None
    path = write(Toy(), found, tmp_path)
    assert results("toy", tmp_path) == found
    assert found.machine.endswith("cores") and found.date.count("-") == 2
    path.write_text("{}")
    with pytest.raises(ValueError, match="toy.json"):
        results("toy", tmp_path)


def test_watching_tells_how_far_it_is_and_can_cancel() -> None:
    told: list[tuple[float, str]] = []
    measured(Toy(), lambda share, what: told.append((share, what)))
    assert told == [(0.0, "numbers, 1 of 2"), (0.5, "numbers, 2 of 2")]

    def cancel(share: float, what: str) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        measured(Toy(), cancel)


def test_command_measures_and_checks(toy: Path, capsys: Any) -> None:
    assert main(["check", "--out", str(toy)]) == 1
    assert "nothing was measured yet" in capsys.readouterr().out
    assert main(["measure", "toy", "--out", str(toy)]) == 0
    assert json.loads((toy / "toy.json").read_text())["figures"]["two"]["seeds"] == [2, 2, 1, 3, 2]
    said = capsys.readouterr().out
    assert "met     two: 2 (1 to 3), target at least 1.5" in said and "missed  one: 1, target at least 1.5" in said
    assert main(["check", "toy", "--out", str(toy)]) == 0
    assert "ok      two: 2.01 now, 2 in the file" in capsys.readouterr().out


def test_check_fails_where_the_files_say_something_else(
    toy: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    main(["measure", "toy", "--out", str(toy)])
    monkeypatch.setattr(Toy, "again", 2.1)
    assert main(["check", "toy", "--out", str(toy)]) == 1
    assert "DIFFERS" in capsys.readouterr().out


def test_command_reports_in_lines_and_keeps_its_time(toy: Path, capsys: Any) -> None:
    assert main(["measure", "toy", "--lines", "--out", str(toy)]) == 0
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["share"] for line in said] == [0.0, 0.5, 1.0]
    assert main(["measure", "toy", "--lines", "--seconds", "0", "--out", str(toy)]) == 3
    assert "longer than 0 seconds" in capsys.readouterr().err


def test_unknown_name_lists_the_experiments(capsys: Any) -> None:
    assert main(["measure", "nothing"]) == 2
    assert "weighted-sum" in capsys.readouterr().err
    with pytest.raises(ValueError, match="weighted-sum"):
        experiment("nothing")


def test_a_target_may_be_a_difference_seed_by_seed() -> None:
    figures = {"a": Figure((3.0, None, 5.0), 4.0, (1.0, 2.0)), "b": Figure((1.0, 1.0, 4.0), 1.5, (0.5, 0.5))}
    target = Target("a", "a less b", 1.5, less="b")
    assert target.of(figures) == Figure((2.0, None, 1.0), 2.5, (0.5, 1.5))
    assert target.value(figures) == 1.5 and target.met(1.5)
    assert Target("a", "a", 1, over="least").value(figures) == 3.0
    for gone in ("a", "b"):
        assert target.of({name: figure for name, figure in figures.items() if name != gone}) is None


# -- every experiment --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("one", FOUND, ids=lambda one: one.name)
def test_every_experiment_is_whole(one: Experiment) -> None:
    assert one.claim.endswith(".") and one.claim.count(".") <= 3, "one sentence"
    for text in (one.title, one.source, one.look, one.disproof):
        assert text and text == text.strip()
    assert one.targets
    for try_ in one.tries:
        assert try_.text and try_.ask


@pytest.mark.parametrize("one", MEASURED, ids=lambda one: one.name)
def test_every_target_was_measured_over_five_seeds(one: Experiment) -> None:
    found = results(one.name)
    assert found is not None and found.machine and found.date and len(found.seeds) >= 5
    for target in one.targets:
        assert target.of(found.figures) is not None, target.says
    assert any(figure.untrained for figure in found.figures.values()), "no baseline"


@pytest.mark.parametrize("one", MEASURED, ids=lambda one: one.name)
def test_a_network_with_random_weights_misses_what_a_trained_one_meets(one: Experiment) -> None:
    found = results(one.name)
    assert found is not None
    for target in one.targets:
        figure = target.of(found.figures)
        if figure and target.met(target.value(found.figures)) and not target.built_in:
            assert figure.untrained, f"{target.says}: no baseline"
            blank = Figure(figure.untrained).value(target.over)
            assert not target.met(blank), f"{target.says}: {blank} with random weights"


@pytest.mark.parametrize("one", MEASURED, ids=lambda one: one.name)
def test_the_shipped_files_say_what_was_measured(one: Experiment) -> None:
    found = results(one.name)
    assert found is not None
    for row in one.check(found):
        assert row.ok, f"{row.figure}: {row.now} now, {row.was} when it was measured"
        assert one.says(row.figure) != row.figure, "what is measured again has a name in words"


@pytest.mark.parametrize("one", MEASURED, ids=lambda one: one.name)
def test_drawings_are_whole(one: Experiment) -> None:
    found = results(one.name)
    assert found is not None
    for drawing in one.draw(found):
        assert drawing.series and drawing.title and drawing.y
        for series in drawing.series:
            assert len(series.x) == len(series.y) > 0
            assert not series.low or len(series.low) == len(series.high) == len(series.y)


def test_a_network_that_learned_nothing_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check can fail: random weights in place of the shipped ones."""
    from lab.experiments import quotes
    from lstm_core.network import load_model

    monkeypatch.setattr(quotes, "load_model", lambda name: load_model(name).untrained(0))
    one = experiment("quotes")
    found = results("quotes")
    assert found is not None and not any(row.ok for row in one.check(found))


@pytest.mark.parametrize("path", sorted(Path(experiments.__file__).parent.glob("*.py")), ids=lambda path: path.stem)
def test_torch_is_imported_only_where_something_is_trained(path: Path) -> None:
    """The page reads claims and figures without it."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            for name in names:
                assert not name.startswith(("torch", "lab.learning", "lab.recipes")), name


def test_how_often_the_output_gate_is_open_is_counted_step_by_step() -> None:
    """Counted once more, one text at a time, with the pronouns found in the words themselves."""
    from lab.experiments.output_gate import opening
    from lab.measures.gender import stories
    from lstm_core.network import load_model

    model = load_model("pronouns-lstm")
    unit = model.meta["units"]["gender"]["unit"]
    counts = {True: [0, 0], False: [0, 0]}  # before a pronoun or not: steps, of them open
    for story in stories(5, 8):
        trace = model.run(story.text)
        following = [*story.words[1:], ""]
        for word, gate in zip(following, trace.signals["o"][0, 0, :, 0, unit], strict=True):
            counts[word in ("he", "she")][0] += 1
            counts[word in ("he", "she")][1] += int(gate > 0.5)
    found = opening(model, "english", 5, 8)
    assert found.asked[unit] == counts[True][1] / counts[True][0] == 1
    assert found.elsewhere[unit] == counts[False][1] / counts[False][0] < 0.5


# -- the small networks ------------------------------------------------------------------------------------------------


def test_strings_ask_for_what_was_given() -> None:
    from lab.learning import small

    ids = small.strings(np.random.default_rng(0), 4, 5, 3)
    assert ids.shape == (3 + 5 + 1 + 3, 4)
    np.testing.assert_array_equal(ids[:3], ids[-3:])
    assert (ids[3:8] == small.BLANK).all() and (ids[8] == small.ASK).all()


def test_a_small_network_learns_a_short_lag() -> None:
    from lab.learning import small

    one = small.network("lstm", 16, 0)
    steps, right = small.train(one, 0, 120, 2, learning_rate=3e-2, goal=0.95, every=10)
    assert steps is not None and right >= 0.95


def test_a_country_is_learnt_sooner_with_the_forget_gate_open(monkeypatch: pytest.MonkeyPatch) -> None:
    from lab.experiments.forget_bias import GOAL, CountryTask

    monkeypatch.setattr(CountryTask, "steps", 400)
    reached, right = CountryTask().run(3.0, 0, 8, lambda step: None)
    assert reached is not None and right >= GOAL
    slower, less = CountryTask().run(0.0, 0, 8, lambda step: None)
    assert slower is None and less < 0.5 < right


def test_chrono_spreads_the_forget_biases_over_the_lag() -> None:
    """b_f = log U(1, T - 1) and b_i = -b_f: the timescales of the gates at rest lie between 1 and the lag."""
    from lab.learning import small

    one = small.network("lstm", 64, 0)
    small.start_forget_gate(one, "chrono", 200, 0)
    p = one.layer.parameters_numpy()[0][0]
    np.testing.assert_allclose(p["b_i"], -p["b_f"])
    assert 0 <= p["b_f"].min() and np.log(150) < p["b_f"].max() <= np.log(199)
    small.start_forget_gate(one, 3.0, 200, 0)
    assert (one.layer.parameters_numpy()[0][0]["b_f"] == 3).all()


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("cell", ["lstm", "peephole"])
def test_networks_side_by_side_are_each_an_lstm(cell: str) -> None:
    """Each of them computes what Gers & Schmidhuber (2000) write, here once more in NumPy; p is 0 without peepholes."""
    import torch

    from lab.learning.small import Stacked

    network = Stacked(CELLS[cell], (3, 4), 2, 5)
    with torch.no_grad():
        for name, value in network.params.items():
            if name.startswith("p_"):
                value.normal_(generator=torch.Generator().manual_seed(1))
        x = torch.randn(7, 3, 2, generator=torch.Generator().manual_seed(0))
        found = network(x).numpy()
    for k in range(2):
        p = {name: value[k].detach().double().numpy() for name, value in network.params.items()}
        assert network.parameters_of(k).keys() == p.keys() - {"V", "v"}
        h = c = np.zeros((3, 5))
        for t, read in enumerate(x.double().numpy()):
            net = {gate: read @ p[f"W_{gate}"].T + h @ p[f"U_{gate}"].T + p[f"b_{gate}"] for gate in "ifog"}
            i, f = (sigmoid(net[gate] + p.get(f"p_{gate}", 0) * c) for gate in "if")
            c = f * c + i * np.tanh(net["g"])
            h = sigmoid(net["o"] + p.get("p_o", 0) * c) * np.tanh(c)
            np.testing.assert_allclose(found[t, k], h @ p["V"] + p["v"], atol=1e-6)


def test_marks_stand_fifty_or_forty_nine_steps_apart() -> None:
    from lab.experiments.peephole_timing import marks, sequences

    for held_out in (False, True):
        x, label = sequences(held_out)
        places = [np.flatnonzero(x[:, k, 0]) for k in range(x.shape[1])]
        assert [last - first == 50 for first, last in places] == (label == 1).tolist()
        assert {last - first for first, last in places} == {49, 50}
        np.testing.assert_array_equal(marks(held_out)[0], [last for _, last in places])
    starts = [{int(np.flatnonzero(sequences(held)[0][:, k, 0])[0]) for k in range(12)} for held in (False, True)]
    assert not starts[0] & starts[1]


def test_the_slope_is_that_of_a_geometric_decay() -> None:
    from lab.experiments.vanishing import slope

    assert slope(0.5 ** np.arange(20)) == pytest.approx(np.log10(0.5))


def test_the_country_pairs_differ_in_the_country_alone() -> None:
    from lab.experiments.timescales import FAR, pairs
    from lstm_core.network import load_model

    model = load_model("general-lstm")
    found = pairs(model, 1)
    assert len(found) > 20
    for pair in found:
        assert pair.one[: pair.place] == pair.other[: pair.place]
        assert pair.one[pair.place + 1 :] == pair.other[pair.place + 1 :]
        assert pair.one[pair.place] != pair.other[pair.place] and pair.right != pair.wrong
        assert len(pair.one) - pair.place > FAR


def test_exchanging_everything_exchanges_the_answer() -> None:
    """All units together carry the country; no units carry nothing."""
    from lab.experiments.timescales import carried
    from lstm_core.network import load_model

    model = load_model("general-gru")
    every = np.arange(model.hidden_size)
    (whole,), (none,) = carried(model, 1, [every, every[:0]], gaps=(5,))
    assert whole > 0.8 and none == 0


def test_leaving_the_keep_gates_out_breaks_the_sum() -> None:
    found = results("weighted-sum")
    assert found is not None
    assert min(v for v in found.figures["without_keep_gates"].seeds if v is not None) > 1e3 * 1e-5


def test_models_of_the_tries_are_shipped_or_left_out() -> None:
    names = {name for one in FOUND for try_ in one.tries for name in (try_.left, try_.right)}
    assert names & set(list_models())


def test_a_missed_target_is_said_to_be_missed() -> None:
    found = measured(Toy())
    assert report.verdicts(Toy(), found).count("missed") == 1
    without = replace(found, figures={})
    assert isinstance(without, Results) and report.verdicts(Toy(), without).count("not measured") == 3


def test_a_memory_that_is_off_by_more_than_rounding_is_told_from_one_that_is_rounded() -> None:
    from lab.experiments.weighted_sum import over_rounding
    from lstm_core.network import load_model

    trace = load_model("general-gru").run("Mary went to the market because she was hungry. " * 12, device="cpu")
    assert 0 < over_rounding(trace) <= 1
    signals = {name: value.copy() for name, value in trace.signals.items()}
    c = signals["h"][0, 0, :, 0, 5]
    c[len(trace) // 2] += 40 * np.spacing(np.abs(c).max())  # forty units in the last place, at one step
    assert over_rounding(replace(trace, signals=signals)) > 1


def test_the_gates_of_models_that_paid_for_nothing_are_named() -> None:
    """One was trained without a price on writing, and the note said that all had paid it."""
    found = results("saturation")
    assert found is not None
    free = [name for name in found.data["every"] if not load_model(name).meta["economy"]]
    assert free and f" {', '.join(free)} " in found.notes[0]
