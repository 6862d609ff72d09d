"""Hostile files of every kind that is read: each ends in a network, words or numbers, or in a sentence, within its time
and memory. ``make chaos`` reads 100,000, `make test` a few hundred, never the same."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from dashboard import workers
from dashboard.yours import given
from tests.chaos import originals
from tests.chaos.hostile_files import SHARES
from tests.chaos.watch import ROWS, Row

ROOT = Path(__file__).resolve().parents[2]
COUNT = 100_000 if os.environ.get("NIGHTLY") else 200
FIRST = 0 if os.environ.get("CI") and COUNT < 1000 else random.SystemRandom().randrange(10**9)
"""Number of the first one; a failure says it."""
MEMORY = 400 + (workers.ROOM + 3 * given.UNFOLDED) / 1e6
"""MB of the process that reads them, and does what the server does with them: what it has, and what a file may take."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("originals")
    originals.write(folder)
    return folder


@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(sys.platform == "win32", reason="the system has no limits")
def test_hostile_files_are_read_or_refused(files: Path) -> None:
    """A file that a library in C dies of ends its worker, and gets its sentence from the server; few do."""
    row = Row(f"{COUNT:,} hostile files")
    ROWS.append(row)
    wrong, ended, counts, peak, slowest = [], [], Counter[str](), 0.0, (0.0, 0)
    first, end = FIRST, FIRST + COUNT
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    while first < end:
        command = [sys.executable, "-m", "tests.chaos.hostile_files", str(files), str(first), str(end - first)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
        lines = done.stdout.splitlines()
        wrong += [line for line in lines if line.startswith("wrong")]
        for line in lines:
            if line.startswith("was"):
                _, number, reader, how, seconds, memory = line.split()
                counts[f"{reader} {how}"] += 1
                peak, slowest = max(peak, float(memory)), max(slowest, (float(seconds), int(number)))
        last, _, number = (lines or [""])[-1].partition(" ")
        if last == "ended":
            break
        assert last == "reads", done.stderr
        ended.append(int(number))
        first = ended[-1] + 1
    row.server = row.all = peak
    row.broken = wrong[:5]
    if len(ended) > max(2, COUNT // 1000):
        row.broken.append(f"{len(ended)} ended the process that read them: {ended[:5]}")
    if peak > MEMORY:
        row.broken.append(f"{peak:.0f} MB")
    read = sum(counts[f"{kind} read"] for kind in SHARES)
    row.attack += f": {read:,} read, {len(ended)} ended their process, slowest {slowest[0]:.1f} s"
    assert not row.broken, f"from {FIRST}: " + "\n".join(row.broken)
    assert all(counts[f"{kind} {how}"] for kind in SHARES for how in ("read", "refused") if COUNT > 1000)
