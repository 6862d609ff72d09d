"""Work that takes minutes, in a process of its own: the page stays quick, and what is no longer wanted is ended.

A session has one job at a time, the server two. A job ends by itself at its time limit, and when its session is gone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dashboard.session import keeps
from lstm_core.say import say

ROOT = Path(__file__).resolve().parent.parent
AT_ONCE = 2
"""Jobs of all visitors together: more of them would only be slower, and each needs memory."""

JOB = keeps("job")
"""Under this name the session keeps its job."""

_running: weakref.WeakSet[Job] = weakref.WeakSet()


class Busy(Exception):
    """Other visitors' jobs take the machine."""


class Job:
    """``python -m MODULE ARGUMENTS``, with a folder of its own as its last argument.

    What the process prints, a JSON object a line, is read with ``said``. In ``folder`` a file "pause" asks it to wait
    (see ``pause``). ``label`` says whose job it is. Raises ``Busy`` if too many run already.
    """

    def __init__(self, module: str, arguments: Sequence[str], seconds: float, label: str = "") -> None:
        if sum(job.running for job in _running) >= AT_ONCE:
            raise Busy(say("Other visitors are training on this machine. Try again in a minute or two."))
        self.seconds, self.label = seconds, label
        self.folder = Path(tempfile.mkdtemp(prefix="gatescope-"))
        self.started = time.monotonic()
        self.stopped = False
        self.told = False
        self._ended: float | None = None
        with open(self.folder / "out", "wb") as out, open(self.folder / "errors", "wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments, str(self.folder)],
                cwd=ROOT,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
            )
        self._finalizer = weakref.finalize(self, _end, self.process, self.folder)
        _running.add(self)

    @property
    def running(self) -> bool:
        """Whether it still works; a job past its time is ended here."""
        if self.process.poll() is None and time.monotonic() - self.started > self.seconds:
            self.process.kill()
            self.process.wait()
        if self.process.poll() is None:
            return True
        self._ended = self._ended or time.monotonic()
        return False

    @property
    def elapsed(self) -> float:
        """Seconds since it was started, to its end."""
        return (self._ended or time.monotonic()) - self.started

    @property
    def said(self) -> list[dict[str, Any]]:
        """Every object that it has printed so far."""
        text = (self.folder / "out").read_text(encoding="utf-8", errors="replace")
        return [
            json.loads(line) for line in text.split("\n")[:-1] if line.startswith("{")
        ]  # the last may be half a line

    @property
    def problem(self) -> str:
        """Why it failed, its last line of errors; empty while it runs and if it did not."""
        if self.running or self.stopped or self.process.returncode == 0:
            return ""
        if self.elapsed >= self.seconds:
            return say("It took longer than the {seconds:.0f} seconds that a page may.", seconds=self.seconds)
        lines = (self.folder / "errors").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else say("It ended with status {status}.", status=self.process.returncode)

    @property
    def paused(self) -> bool:
        return (self.folder / "pause").exists()

    def ends_now(self) -> bool:
        """Whether it is over, and this is the first time that somebody hears it: the page's buttons then change."""
        first = not self.running and not self.told
        self.told |= first
        return first

    def pause(self, wait: bool) -> None:
        """Let it wait, or go on."""
        (self.folder / "pause").touch() if wait else (self.folder / "pause").unlink(missing_ok=True)

    def stop(self) -> None:
        """End the process and keep what it has written."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.stopped = True

    def end(self) -> None:
        """End the process and remove its files."""
        self._finalizer()


def _end(process: subprocess.Popen[bytes], folder: Path) -> None:
    import shutil

    if process.poll() is None:
        process.kill()
        process.wait()
    shutil.rmtree(folder, ignore_errors=True)
