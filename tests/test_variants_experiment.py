"""Which variant is best: the networks side by side, the ranks, and what the shipped figures say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from lab.experiments import variants
from lab.experiments.base import Cancelled, Results
from lab.experiments.ranks import interval, mean_ranks, ranks
from lab.experiments.record import results
from lab.experiments.variants import (
    ABLATIONS,
    COMPARED,
    EXPERIMENT,
    HIDDEN,
    RATES,
    SEEDS,
    STEPS,
    VANILLA,
    WORSE,
    figures,
    scores,
    trained,
)
from lab.learning.many import EMBEDDING, Many
from lab.learning.sizes import cell_parameters, equal_size, layers_of
from lab.tasks.answering import TASKS
from lstm_core.cells import CELLS, cell
from lstm_core.scan import scan


@pytest.mark.parametrize("name", COMPARED)
def test_each_network_computes_what_the_scan_does(name: str) -> None:
    """Whatever is multiplied together: scores of the networks side by side are those of one after the other."""
    many = Many(cell(name), 6, 9, 4, seeds=(3, 4), rates=(1e-2, 1e-3))
    with torch.no_grad():
        many.flat += 0.3 * torch.randn(many.flat.shape, generator=torch.Generator().manual_seed(0))
    draw = np.random.default_rng(0)
    ids, places = draw.integers(0, 9, (7, 4, 3)), draw.integers(0, 7, (2, 4, 3))
    with torch.no_grad():
        found = many(torch.from_numpy(ids), torch.from_numpy(places)).numpy()
    for k in range(4):
        p = {key: value[k].detach().numpy().astype(float) for key, value in many.parameters.items()}
        p |= {key: value.numpy().astype(float) for key, value in many.fixed.items()}
        layers = [[{key[1]: v for key, v in p.items() if key[0] == layer}] for layer in range(layers_of(cell(name)))]
        h = scan(cell(name), layers, p["embedding"][ids[:, k]])[0][cell(name).output][-1, 0]
        for batch in range(3):
            expected = h[places[:, k, batch], batch] @ p["readout"] + p["bias"]
            np.testing.assert_allclose(found[:, k, batch], expected, atol=2e-5)


def test_a_step_is_adam_on_a_clipped_gradient() -> None:
    many = Many(cell("gru"), 5, 9, 4, seeds=(3, 4), rates=(1e-2, 1e-3))
    draw = np.random.default_rng(0)
    ids, places, answers = (torch.from_numpy(draw.integers(0, n, shape)) for n, shape in
                            ((9, (7, 4, 3)), (7, (2, 4, 3)), (4, (2, 4, 3))))  # fmt: skip
    alone = [many.flat[k].detach().clone().requires_grad_() for k in range(4)]
    optimizers = [torch.optim.Adam([one], lr=rate) for one, rate in zip(alone, (1e-2, 1e-2, 1e-3, 1e-3), strict=True)]
    for step in (1, 2, 3):
        losses = many.losses(ids, places, answers)[0]
        (gradient,) = torch.autograd.grad(losses.sum(), many.flat)
        for k, (one, optimizer) in enumerate(zip(alone, optimizers, strict=True)):
            one.grad = gradient[k] / max(1.0, float(gradient[k].norm()))
            optimizer.step()
        many.step(ids, places, answers, step, 1.0)
    for k, one in enumerate(alone):
        torch.testing.assert_close(many.flat[k].detach(), one.detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("task", TASKS)
def test_answers_follow_from_what_was_read(task: str) -> None:
    answering = TASKS[task]()
    for held_out in range(3):
        texts = answering.make(np.random.default_rng(0), 50, held_out)
        assert texts.ids.max() < answering.vocabulary and texts.answers.max() < answering.classes
        assert texts.places.max() < texts.ids.shape[1] and texts.places.shape == texts.answers.shape
        for ids, places, answers in zip(texts.ids, texts.places, texts.answers, strict=True):
            if task == "copying":
                assert answers.tolist() == [k for k in ids[: places[0]] if k < 8]
            elif task == "counting":
                a = [(ids[: place + 1] == 1).sum() for place in places]
                b = [(ids[: place + 1] == 2).sum() for place in places]
                assert [int(x == y) for x, y in zip(a, b, strict=True)] == answers.tolist() == [0, 1]
            elif task == "novels":
                assert ids[1:].tolist() == answers[:-1].tolist()


def test_held_out_texts_are_not_learned_from() -> None:
    for task in ("copying", "counting", "country", "agreement", "novels"):
        answering = TASKS[task]()
        seen = {row.tobytes() for row in answering.make(np.random.default_rng(0), 2000, 0).ids}
        assert not seen & {row.tobytes() for row in answering.make(np.random.default_rng(1), 200, 2).ids}, task


def test_sizes_are_equal() -> None:
    goal = cell_parameters(CELLS["lstm"], 16, EMBEDDING)
    for name in COMPARED:
        found = cell_parameters(cell(name), equal_size(cell(name), 16, EMBEDDING), EMBEDDING)
        assert abs(found / goal - 1) < 0.13, (name, found)


def test_equal_scores_share_a_rank_and_the_interval_holds_the_mean() -> None:
    scores = np.array([[[0.3], [1.0]], [[0.1], [1.0]], [[0.3], [0.5]], [[0.9], [1.0]]])  # (one, task, seed)
    np.testing.assert_array_equal(ranks(scores)[..., 0], [[2.5, 3], [1, 3], [2.5, 1], [4, 3]])
    np.testing.assert_array_equal(mean_ranks(scores)[:, 0], [2.75, 2, 1.75, 3.5])
    values = np.random.default_rng(1).normal(3, 2, (500, 10))
    low, high = interval(values)
    assert 0.85 < ((low <= 3) & (3 <= high)).mean() < 0.96  # ten seeds give a little less than is said
    assert (low < values.mean(1)).all() and (values.mean(1) < high).all()


def test_a_few_steps_learn_something_and_are_the_same_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variants, "POOL", 200)
    monkeypatch.setattr(variants, "HELD_OUT", (0, 20, 20))
    one, again = (trained("lstm", "novels", 10) for _ in range(2))
    assert one == again and len(one["bits"]) == len(SEEDS) == len(one["untrained"])
    assert np.median(one["bits"]) < np.median(one["untrained"])


def test_a_measurement_that_was_ended_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made: list[tuple[str, str]] = []

    def fake(cell: str, task: str, steps: int, each: object) -> dict[str, object]:
        if len(made) == 7:
            made.append(("", ""))
            raise Cancelled
        made.append((task, cell))
        rng = np.random.default_rng(len(made))
        return {"hidden": 4, "rate": 0.01} | {key: rng.random(10).tolist() for key in ("bits", "right", "untrained")}

    monkeypatch.setattr(variants, "trained", fake)
    monkeypatch.setattr(variants, "UNFINISHED", tmp_path / "kept")
    with pytest.raises(Cancelled):
        EXPERIMENT.measure()
    assert len(list((tmp_path / "kept").iterdir())) == 7
    found = EXPERIMENT.measure()
    assert len(set(made)) == len(made) == len(COMPARED) * len(STEPS) + 1 and not (tmp_path / "kept").exists()
    assert {target.figure for target in EXPERIMENT.targets} <= set(found.figures)


# -- what is shipped ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped() -> Results:
    found = results(EXPERIMENT.name)
    assert found is not None
    return found


def test_the_figures_follow_from_the_scores(shipped: Results) -> None:
    runs = shipped.data["runs"]
    assert list(runs) == list(COMPARED) and shipped.seeds == SEEDS
    for name, by_task in runs.items():
        assert list(by_task) == list(STEPS)
        for run in by_task.values():
            assert run["hidden"] == equal_size(cell(name), HIDDEN, EMBEDDING) and run["rate"] in RATES
            assert len(run["bits"]) == len(run["right"]) == len(run["untrained"]) == len(SEEDS)
    again = figures(runs)
    assert again.keys() == shipped.figures.keys()
    for name, figure in again.items():
        assert figure.value() == pytest.approx(shipped.figures[name].value(), rel=1e-5), name


def test_worse_is_told_from_chance_by_a_bootstrap_written_once_more(shipped: Results) -> None:
    """Drawn by another generator, from the scores as they stand in the file."""
    runs = shipped.data["runs"]
    for name in ABLATIONS:
        worse = 0
        for task in STEPS:
            one, vanilla = (np.round(runs[k][task]["bits"], 2) for k in (name, VANILLA))
            difference = one - vanilla
            draw = np.random.default_rng(5)
            means = [draw.choice(difference, len(SEEDS)).mean() for _ in range(2000)]
            worse += np.quantile(means, 0.025) > WORSE
        said = shipped.figures[f"{name}_worse"].value()
        assert said is not None and abs(worse - said) <= 1, name  # one may stand on the edge


def test_no_cell_is_called_the_best_that_is_not(shipped: Results) -> None:
    ranked = mean_ranks(scores(shipped.data["runs"]))
    low, high = interval(ranked)
    best = int(ranked.mean(1).argmin())
    told = {COMPARED[k] for k in range(len(COMPARED)) if low[k] > high[best]}
    assert len(COMPARED) - 1 - len(told) == shipped.figures["not_told_from_the_best"].value()


def test_each_task_is_learned_by_some_cell_and_an_untrained_one_knows_nothing(shipped: Results) -> None:
    runs = shipped.data["runs"]
    for task in STEPS:
        best = min(np.median(by_task[task]["bits"]) for by_task in runs.values())
        assert best < 0.75 * np.median(runs["lstm"][task]["untrained"]), task


def test_what_came_out_stays_what_it_was(shipped: Results) -> None:
    """The papers' claims, as far as these small networks bear them out, and where they do not."""
    met = {target.figure for target in EXPERIMENT.targets if target.met(target.value(shipped.figures))}
    assert {"coupled_peephole_worse", "lstm_worse", "not_told_from_the_best"} == met
    runs = shipped.data["runs"]
    right = {name: np.median(runs[name]["counting"]["right"]) for name in ("peephole", "lstm", "gru", "coupled")}
    assert right["peephole"] == right["lstm"] == 1 and right["gru"] == right["coupled"] == 0, "who counts on"
    assert np.median(runs["no_forget_gate"]["pronouns"]["bits"]) > 0.5 > np.median(runs["lstm"]["pronouns"]["bits"])
