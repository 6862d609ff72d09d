"""A server under attack, and what is promised of it meanwhile: a neighbour's reruns, its memory, its log, its pages."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.browser import APP, ROOT, Server
from tests import loops
from tests.chaos.visitors import Visitor

MEDIAN, WORST = (1.0, 3.0) if os.environ.get("NIGHTLY") else (20.0, 60.0)
"""Seconds of a neighbour's rerun; more in `make test`, where other tests take the processor."""
MEMORY = 600.0
"""MB of the server's own process. Its workers have limits of their own, and are looked at, too."""
LOOK = 0.1
"""Seconds between two looks at the memory."""


@dataclass
class Row:
    """What the table says of an attack. times: seconds of each of the neighbour's reruns. server, all: MB, of the
    server's process and of that with its children, at their highest. broken: the promises that were not kept."""

    attack: str
    times: list[float] = field(default_factory=list)
    server: float = 0.0
    all: float = 0.0
    broken: list[str] = field(default_factory=list)

    def cells(self) -> tuple[str, ...]:
        took = (f"{median(self.times):.2f} s", f"{max(self.times):.2f} s") if self.times else ("", "")
        memory = (f"{self.server:.0f} MB", f"{self.all:.0f} MB") if self.server else ("", "")
        return self.attack, *took, *memory, "; ".join(self.broken) or "kept"


ROWS: list[Row] = []
"""Of this run."""


class Watched:
    """A server with a neighbour on it. It can be ended and started again."""

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        self._env = dict(env or {})
        self.server = self._started()
        self._heard: list[dict[str, Any]] = []
        self._memory: list[tuple[float, float]] = []
        self._over = threading.Event()
        self._neighbour = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.neighbour", self.url, "7"],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        for work in (self._listen, self._look):
            threading.Thread(target=work, daemon=True).start()
        self.until(lambda: self._heard, 60)

    @property
    def url(self) -> str:
        return self.server.url

    def kill(self) -> None:
        os.killpg(self.server.process.pid, signal.SIGKILL)
        self.server.process.wait()

    def start(self) -> None:
        old, self.server = self.server, self._started(self.server.port)
        old.stop()

    def _started(self, port: int | None = None) -> Server:
        server = Server(APP, self._env, port=port)
        server.wait()
        return server

    def stop(self) -> None:
        self._over.set()
        self._neighbour.kill()
        self._neighbour.wait()
        self.server.stop()

    @contextmanager
    def during(self, attack: str, away: float = 0.0, logs: bool = False) -> Iterator[Row]:
        """While this lasts the promises hold, and afterwards a new visitor is served. away: seconds for which the
        neighbour may find no server. logs: whether errors may stand in its log, of what whoever runs it has to mend."""
        row = Row(attack)
        ROWS.append(row)
        heard, seen, log = len(self._heard), len(self._memory), len(self.server.output())
        began = self.server
        try:
            yield row
            # what the neighbour typed while it lasted is waited for
            asked = time.monotonic()
            self.until(lambda: any(one["at"] > asked for one in self._heard[heard:]), 90)
            loops.run(_served(self.url))
        except Exception as error:
            row.broken.append(f"{type(error).__name__}: {str(error)[:300]}")
        new = self._heard[heard:]
        row.times = [one["took"] for one in new if "took" in one]
        looks = self._memory[seen:] or [(0.0, 0.0)]
        row.server, row.all = (max(values) for values in zip(*looks, strict=True))
        row.broken += [one["wrong"] for one in new if "wrong" in one][:3]
        gone = max((one["away"] for one in new if "away" in one), default=0.0)
        output = self.server.output()[log if began is self.server else 0 :]
        for broken, what in (
            (gone > away, f"away for {gone:.1f} s"),
            (not row.times, "the neighbour was not served"),
            (row.times and median(row.times) > MEDIAN, f"median over {MEDIAN:.0f} s"),
            (row.times and max(row.times) > WORST, f"worst over {WORST:.0f} s"),
            (row.server > MEMORY, f"over {MEMORY:.0f} MB"),
            (
                "Traceback" in output and not logs,
                f"a traceback in the log: {output[output.find('Traceback') :][-600:]}",
            ),
            (self.server.process.poll() is not None, "the server is gone"),
        ):
            if broken:
                row.broken.append(what)
        assert not row.broken, "\n".join(row.broken)

    def until(self, done: Callable[[], Any], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, "nothing is heard of it any more"
            time.sleep(0.02)

    def children(self) -> list[int]:
        """Of the server, and theirs."""
        return _below(self.server.process.pid)

    def working(self) -> list[int]:
        """Those of the children that train or measure something."""
        return [pid for pid in self.children() if b"lstm_core." in _read(Path(f"/proc/{pid}/cmdline"))]

    def _listen(self) -> None:
        assert self._neighbour.stdout is not None
        for line in self._neighbour.stdout:
            self._heard.append(json.loads(line))

    def _look(self) -> None:
        while not self._over.wait(LOOK):
            with suppress(OSError, IndexError):
                pid = self.server.process.pid
                own = _status(pid, "status", "VmRSS:")
                below = sum(_status(child, "smaps_rollup", "Pss:") for child in _below(pid))
                self._memory.append((own, own + below))


async def _served(url: str) -> None:
    visitor = Visitor(url, 8)
    took = await visitor.open()
    await visitor.close()
    if took > 2 * WORST:
        raise AssertionError(f"a new visitor waited {took:.1f} s")


def _status(pid: int, file: str, name: str) -> float:
    try:
        return int(Path(f"/proc/{pid}/{file}").read_text().split(name)[1].split()[0]) * 1024 / 1e6
    except (OSError, IndexError):  # gone meanwhile
        return 0.0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _below(pid: int) -> list[int]:
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, path.read_text().split()):
                found += [child, *_below(child)]
    return found
