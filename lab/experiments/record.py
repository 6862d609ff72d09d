"""What was measured, as files: assets/experiments/NAME.json with seeds, machine and date."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.experiments.base import Experiment, Progress, Results, silent
from lab.machine import machine
from lstm_core.say import say

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "experiments"


def measured(one: Experiment, progress: Progress = silent) -> Results:
    """``one.measure`` with date, machine and time."""
    start = time.perf_counter()
    found = one.measure(progress)
    date = datetime.date.today().isoformat()
    return Results(**vars(found), date=date, machine=machine(), seconds=round(time.perf_counter() - start, 1))


def write(one: Experiment, found: Results, folder: Path = FOLDER) -> Path:
    """Write the results; a figure a line, so that two versions can be compared."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{one.name}.json"

    def block(tree: Any, inner: bool = False) -> str:
        if not isinstance(tree, Mapping) or inner:
            return json.dumps(tree, ensure_ascii=False, allow_nan=False)
        return "{\n" + ",\n".join(f"  {json.dumps(k)}: {block(v, True)}" for k, v in tree.items()) + "\n }"

    lines = [f" {json.dumps(key)}: {block(value)}" for key, value in _rounded(found.json()).items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return path


def results(name: str, folder: Path = FOLDER) -> Results | None:
    """What was measured, or None if nothing was yet. Raises ValueError if the file cannot be read."""
    path = folder / f"{name}.json"
    if not path.exists():
        return None
    try:
        return Results.parse(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            say("{name} does not hold an experiment's results: {error}", name=path.name, error=str(error))
        ) from error


def _rounded(tree: Any) -> Any:
    """Six digits say enough, and keep the files small."""
    if isinstance(tree, float):
        return float(f"{tree:.6g}")
    if isinstance(tree, Mapping):
        return {key: _rounded(value) for key, value in tree.items()}
    return [_rounded(value) for value in tree] if isinstance(tree, list | tuple) else tree
