"""The process that "Train it yourself" starts: every cell in it, on a machine without PyTorch too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lab.learning.live import Choice, keep_bias, learner
from lstm_core import CELLS
from lstm_core.equations import carry

ROOT = Path(__file__).resolve().parent.parent
NO_TORCH = "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')\n"


@pytest.fixture
def without_torch(tmp_path: Path) -> dict[str, str]:
    """An environment in which PyTorch cannot be imported."""
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text(NO_TORCH)
    return {**os.environ, "PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "1"}


def ran(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.every(3)
@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_trains_without_torch(cell: str, without_torch: dict[str, str], tmp_path: Path) -> None:
    settings = json.dumps({"task": "count", "cell": cell, "hidden": 4, "seconds": 1.0})
    done = ran(without_torch, "-m", "lab.learning.live", settings, str(tmp_path))
    assert done.returncode == 0 and not done.stderr, done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert said[0]["step"] == 0 and said[-1]["step"] > 1
    with np.load(tmp_path / f"{said[-1]['step']:06d}.npz") as last:
        assert all(np.isfinite(last[name]).all() for name in last.files)
        assert {signal.name for signal in CELLS[cell].signals} < set(last.files)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc here, which tells a process's memory")
def test_the_process_is_light_and_soon_there(tmp_path: Path) -> None:
    """The largest network that may be chosen: no torch, less than 150 MB, little work to begin."""
    code = (
        "import json, sys, time\n"
        "from pathlib import Path\n"
        "from lab.learning import live\n"
        "imported = time.process_time()\n"
        f"live.run(live.Choice(hidden=64, cell='grid', seconds=1.0), Path({str(tmp_path)!r}))\n"
        "status = Path('/proc/self/status').read_text().splitlines()\n"
        "memory = next(int(line.split()[1]) for line in status if line.startswith('VmHWM'))\n"
        "print(json.dumps(['torch' in sys.modules, memory / 1024, imported]))\n"
    )
    done = ran({**os.environ, "OMP_NUM_THREADS": "1"}, "-c", code)
    assert done.returncode == 0, done.stderr
    torch, megabytes, seconds = json.loads(done.stdout.splitlines()[-1])
    assert not torch
    assert megabytes < 150
    assert seconds < 10


def test_a_wrong_choice_ends_in_a_sentence(tmp_path: Path) -> None:
    done = ran({**os.environ}, "-m", "lab.learning.live", '{"cell": "nothing"}', str(tmp_path))
    assert done.returncode == 1 and done.stderr.startswith("there is no cell 'nothing'; there are ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", CELLS)
def test_the_gate_that_keeps_starts_where_it_was_told_to(name: str) -> None:
    made = learner(Choice(cell=name, forget_bias=2.5), np.random.default_rng(0))
    bias = keep_bias(CELLS[name])
    biases = {key: value for key, value in made.params.items() if value.ndim == 1 and key.partition(".")[2] == bias}
    assert all((value == 2.5).all() for value in biases.values())
    assert bool(biases) == (carry(CELLS[name]) is not None and bias is not None)


def test_the_same_seed_learns_the_same(tmp_path: Path) -> None:
    made = [learner(Choice(seed=seed), np.random.default_rng(seed)).weights for seed in (0, 0, 1)]
    np.testing.assert_array_equal(made[0], made[1])
    assert (made[0] != made[2]).any()
