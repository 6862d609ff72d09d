"""A training that is killed goes on to the same model, and a model says what making it took."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lab import check, shipped
from lab import train as command
from lab.__main__ import main
from lab.learning.batch import Batch
from lab.learning.loop import train
from lab.learning.recipe import Trained
from lstm_core.network import Network
from tests.test_training import First, weights

ROOT = Path(__file__).resolve().parent.parent


class Killed(Exception):
    pass


def killed_after(count: int) -> Any:
    def watch(batches: Iterator[Batch], first: int) -> Iterator[Batch]:
        for place, batch in enumerate(batches):
            if place == count:
                raise Killed
            yield batch

    return watch


def steps_of(found: list[int]) -> Any:
    """Notes with which step a training begins, and that it learns at all."""

    def watch(batches: Iterator[Batch], first: int) -> Iterator[Batch]:
        found.append(first)
        yield from batches

    return watch


def same(one: Trained, two: Trained) -> bool:
    return all((a == b).all() for a, b in zip(weights(one.model), weights(two.model), strict=True))


def test_a_killed_training_goes_on_to_the_same_model(tmp_path: Path) -> None:
    whole = train(First(), 0, 30)
    with pytest.raises(Killed):
        train(First(), 0, 30, killed_after(11), folder=tmp_path, every=0)
    began: list[int] = []
    again = train(First(), 0, 30, steps_of(began), folder=tmp_path, every=0)
    assert began == [11] and same(whole, again)
    assert again.model.meta["tokens"] == whole.model.meta["tokens"] == 30 * 4 * 16


def test_what_was_begun_otherwise_is_begun_anew(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(First(), 0, 30, killed_after(11), folder=tmp_path, every=0)
    began: list[int] = []
    other = train(First(), 0, 20, steps_of(began), folder=tmp_path, every=0)
    assert began == [0] and same(other, train(First(), 0, 20))


def test_a_damaged_checkpoint_is_begun_anew(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(First(), 0, 9, killed_after(5), folder=tmp_path, every=0)
    [path] = tmp_path.glob("*.pt")
    path.write_bytes(path.read_bytes()[:500])
    began: list[int] = []
    train(First(), 0, 9, steps_of(began), folder=tmp_path)
    assert began == [0]


def test_a_finished_seed_is_not_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in the second seed, the command trains the rest of that one alone, then ships, and clears up."""
    monkeypatch.setattr(command, "recipe", lambda name: First())
    arguments = ["train", "first-lstm", "--steps", "20", "--out", str(tmp_path / "whole")]
    assert main(arguments) == 0
    unfinished = tmp_path / "killed" / "first-lstm.unfinished"
    first = train(First(), 0, 20, folder=unfinished)
    with pytest.raises(Killed):
        train(First(), 1, 20, killed_after(7), folder=unfinished, every=0)
    learned: list[int] = []
    monkeypatch.setattr(command, "counted", lambda bar, before: steps_of(learned))
    assert main([*arguments[:-1], str(tmp_path / "killed")]) == 0
    assert learned == [7] and not unfinished.exists()
    one, two = (Network.load(tmp_path / name / "first-lstm.safetensors") for name in ("whole", "killed"))
    for a, b in zip(weights(one), weights(two), strict=True):
        np.testing.assert_array_equal(a, b)
    assert two.meta["seeds"][0]["seconds"] == first.model.meta["seconds"]


KILLED = """
import sys
from pathlib import Path
from lab.learning.loop import train
from lab.recipes.copy import Copy
from lstm_core.cells import CELLS
train(Copy(CELLS["rnn"]), 0, 4000, folder=Path(sys.argv[1]), every=0.0)
"""


def test_a_process_that_is_killed_leaves_a_whole_checkpoint(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT)
    try:
        while not (tmp_path / "0.pt").exists():
            assert child.poll() is None, "it ended before it wrote anything"
            time.sleep(0.05)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    assert 0 < torch.load(tmp_path / "0.pt", weights_only=True)["progress"]["step"] < 4000


def test_a_model_says_what_making_it_took(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "recipe", lambda name: First())
    assert main(["train", "first-lstm", "--steps", "10", "--out", str(tmp_path)]) == 0
    meta = Network.load(tmp_path / "first-lstm.safetensors").meta
    assert meta["machine"].endswith("cores") and meta["seconds"] > 0
    assert meta["tokens"] == 10 * 4 * 16, "ten batches of sixteen rows of four words"
    assert [(run["seed"], run["tokens"]) for run in meta["seeds"]] == [(0, 640), (1, 640)]


def test_the_bar_says_when_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(command, "recipe", lambda name: First())
    main(["train", "first-lstm", "--steps", "10", "--out", str(tmp_path)])
    assert "20/20 steps" in (said := capsys.readouterr().err) and "ends at " in said


def test_a_folder_of_texts_is_asked_for_where_one_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(command, "recipe", lambda name: First())
    assert main(["train", "first-lstm", "--text", str(tmp_path)]) == 2
    assert "first-lstm makes its own texts" in capsys.readouterr().err
    monkeypatch.setattr(First, "reads_text", True)
    assert main(["train", "first-lstm"]) == 2
    assert "add --text DIR" in capsys.readouterr().err
    assert main(["train", "first-lstm", "--text", str(tmp_path / "nothing")]) == 2
    assert "there is no folder" in capsys.readouterr().err
    assert command.ready("first-lstm", tmp_path).text == tmp_path


# -- check -------------------------------------------------------------------------------------------------------------


def test_check_measures_a_shipped_model_again(capsys: Any) -> None:
    assert main(["check", "copy-rnn"]) == 0
    said = capsys.readouterr().out
    assert "copy-rnn: its header" in said and "  ok      by_lag.200: " in said


def test_check_sees_weights_that_are_not_those_of_the_header(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    blank = check.load("copy-lstm").untrained()
    monkeypatch.setattr(check, "load", lambda name: replace(blank, name=name))
    assert main(["check", "copy-lstm"]) == 1
    assert "DIFFERS lag_40" in capsys.readouterr().out


def test_measure_writes_a_models_header_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong figure is put right, and the weights stay."""
    path = tmp_path / "copy-rnn.safetensors"
    shutil.copy(ROOT / "assets" / "models" / path.name, path)
    before = Network.load(path)
    replace(before, meta={**before.meta, "metrics": {"lag_40": 7}}).save(path)
    monkeypatch.setattr(shipped, "list_models", lambda: {"copy-rnn": path})
    assert main(["measure", "copy-rnn"]) == 0
    after = Network.load(path)
    assert after.meta["metrics"].keys() == before.meta["metrics"].keys()
    assert after.meta["metrics"]["lag_40"] == pytest.approx(before.meta["metrics"]["lag_40"], abs=0.02)
    for a, b in zip(weights(before), weights(after), strict=True):
        np.testing.assert_array_equal(a, b)
