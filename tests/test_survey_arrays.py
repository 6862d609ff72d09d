"""What is counted in torch is what NumPy counts of the same values: counts and places to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from survey_places import PLACES, count_on

import lstm_core
from lstm_core import CELLS, device
from lstm_core.survey import models, patterns, summary
from lstm_core.survey.arrays import HERE, There
from lstm_core.survey.rows import Rows
from lstm_core.survey.summary import Groups, Kept

KEPT = Kept(top=9, sample=7, follow=("digit", "position"), binary=(True, False))
ELSEWHERE = pytest.mark.parametrize("place", PLACES[1:])


def made(cell: Any, seed: int, steps: int, head: int) -> Rows:
    """Values among which many are equal, lie on an edge of a histogram, are -0, or are far outside."""
    draw = np.random.default_rng(seed)
    values = {}
    for signal in cell.signals:
        low, high = (signal.low, signal.high) if np.isfinite((signal.low, signal.high)).all() else (-3, 3)
        one = draw.uniform(low, high, (6, head + steps))
        coarse = np.round(one * 256) / 256 * draw.choice([1, -1], one.shape) ** (low < 0)
        one = np.where(draw.random(one.shape) < 0.4, coarse, one)
        one[0] = -0.0 if low < 0 else 0.0
        one[1, ::5] = high
        if signal.high == np.inf:
            one[2, ::7], one[3, ::7] = 2e9, -2e9
        values[signal.name] = one.astype(np.float32)
    document = np.sort(draw.integers(10 * seed, 10 * seed + 5, steps))
    step = np.arange(steps) - np.searchsorted(document, document)
    step[document == document[0]] += head
    labels = np.stack([draw.random(steps) > 0.7, step]).astype(np.float32)
    place = np.sort(draw.permutation(steps + 9)[:steps])
    return Rows(cell, values, dict.fromkeys(values, (1, 2, 3)), document, step, place, steps + 9, labels, head)


def there(rows: Rows, xp: Any) -> Rows:
    return replace(rows, values={name: xp.asarray(value) for name, value in rows.values.items()}, xp=xp)


@ELSEWHERE
@pytest.mark.parametrize("name", ["lstm", "gru", "rnn_relu"])
def test_torch_counts_what_numpy_counts(name: str, place: str) -> None:
    pieces = [made(CELLS[name], seed, steps, head) for seed, steps, head in ((1, 90, 0), (2, 5, 0), (3, 300, 64))]
    found: list[Groups] = []
    for xp in (HERE, There(place)):
        groups: Groups = {}
        for rows in pieces:
            groups = summary.add(groups, {"": there(rows, xp)}, KEPT)
        found.append(summary.at_home(groups))
    ours, theirs = found
    assert ours.keys() == theirs.keys()
    for key, group in ours.items():
        assert group.state.keys() == theirs[key].state.keys()
        for what, value in group.state.items():
            other = theirs[key].state[what]
            assert isinstance(other, np.ndarray) and (other.dtype, other.shape) == (value.dtype, value.shape), what
            if what in ("mean", "m2", "logs", "label", "squares", "products", "earlier", "later", "product"):
                scale = np.abs(value[np.isfinite(value)]).max(initial=1.0)
                np.testing.assert_allclose(other, value, rtol=1e-12, atol=1e-14 * scale, err_msg=what)
            else:
                np.testing.assert_array_equal(other, value, err_msg=what)


@ELSEWHERE
def test_torch_packs_what_numpy_packs(place: str) -> None:
    packed = []
    for xp in (HERE, There(place)):
        bits = patterns.Bits()
        for seed, steps in ((1, 90), (2, 5), (3, 300)):
            bits.add(patterns.spread(there(made(CELLS["lstm"], seed, steps, 0), xp), "c", 0.3), xp)
        packed.append(bits.rows())
    np.testing.assert_array_equal(*packed)
    assert packed[0].any()


@ELSEWHERE
def test_a_value_that_is_not_a_number_is_told_with_its_place(
    place: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    count_on(place, monkeypatch)
    block = lstm_core.load_model("country-lstm").block
    weights = {name: np.full_like(value, np.nan) for name, value in block.layers[0][0].items()}
    broken = replace(block, layers=[[weights]])
    with pytest.raises(ValueError, match="document 0: i of unit 0 is nan at step 0"):
        lstm_core.survey(broken, [np.ones((4, 16), np.float32)] * 3, tmp_path)


def test_the_device_is_chosen_by_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """As everywhere, by ``lstm_core.device``. A card is only pretended: nothing is run."""
    small, large = lstm_core.load_model("country-lstm"), lstm_core.load_model("general-lstm")

    def chosen(model: Any, asked: str | None) -> str:
        return models.model_of(model, None, None, asked).xp.device

    assert models.BATCH * small.block.weights < device.WORTH < models.BATCH * large.block.weights
    monkeypatch.setattr(device, "accelerator_hint", lambda: "cuda")
    monkeypatch.setattr(device, "_usable", lambda name: True)
    assert (chosen(large, "auto"), chosen(small, "auto"), chosen(small, "cuda")) == ("cuda", "cpu", "cuda")
    assert chosen(large, "cpu") == chosen(large, None) == "cpu"
    monkeypatch.setattr(device, "accelerator_hint", lambda: "mps")  # it has no float64
    assert chosen(large, "auto") == "cpu"


def test_a_device_that_is_not_there_is_refused_in_words(tmp_path: Path) -> None:
    network = lstm_core.load_model("country-lstm")
    with pytest.raises(ValueError, match="runs on one of auto, cpu, cuda, not on 'mps'"):
        lstm_core.survey(network, ["a"], tmp_path, device="mps")
    module: Callable[..., Any] = torch.nn.LSTM(3, 4)
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="no usable 'cuda' device"):
            lstm_core.survey(network, ["a"], tmp_path, device="cuda")
    with pytest.raises(ValueError, match=r"LSTM lies on cpu, and runs there: move it with .to\('cuda'\)"):
        lstm_core.survey(module, [np.zeros((3, 3), np.float32)], tmp_path, device="cuda")
