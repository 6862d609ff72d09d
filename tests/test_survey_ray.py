"""The same survey on a Ray cluster of two workers, one of which is killed in the middle.

Skipped where Ray is not installed (`pip install 'gatescope[ray]'`).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import fields, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lstm_core
from lstm_core.block import Block
from lstm_core.survey import part

pytest.importorskip("ray")
pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own
ROOT = Path(__file__).resolve().parent.parent


class Killed(Block):
    """A block that takes its process with it, once: when it first reads a document of 13 steps."""

    def trace(self, x: Any, *args: Any, **named: Any) -> Any:
        mark = Path(os.environ["KILLED"])
        if len(x) == 13 and not mark.exists():
            mark.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        return super().trace(x, *args, **named)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    ray: Any = import_module("ray")
    paths = {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "KILLED": str(tmp_path / "mark")}
    for name, value in {"RAY_worker_niceness": "0", "RAY_DATA_DISABLE_PROGRESS_BARS": "1", **paths}.items():
        monkeypatch.setenv(name, value)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, runtime_env={"env_vars": paths})
    yield ray
    ray.shutdown()


def test_two_workers_of_which_one_is_killed_make_the_same_survey(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part, "STEPS", 200)
    network = lstm_core.load_model("country-lstm")
    block = Killed(**{f.name: getattr(network.block, f.name) for f in fields(Block) if f.init})
    rng = np.random.default_rng(0)
    data = [rng.integers(0, 288, int(n)) for n in [*rng.integers(5, 40, 30) * 2, 13, 20, 40, 60]]
    parts: list[Any] = []
    how: dict[str, Any] = {"top": 5, "sample": 10, "memory": 200_000_000}
    ray = lstm_core.survey(
        replace(network, block=block), data, tmp_path / "ray", engine="ray", workers=2, progress=parts.append, **how
    )
    assert int((tmp_path / "mark").read_text()) != os.getpid() and len(parts) >= 6
    assert ray.complete and ray.documents == 34 and ray.steps == sum(map(len, data))
    here = lstm_core.survey(network, data, tmp_path / "here", **how)
    for path in sorted(here.folder.rglob("*.parquet")):
        assert path.read_bytes() == (ray.folder / path.relative_to(here.folder)).read_bytes(), path.name
