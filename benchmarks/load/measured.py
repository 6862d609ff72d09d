"""What was measured of a server under load, and how it is said."""

from __future__ import annotations

import datetime
import os
import platform
from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import quantiles

from websockets.exceptions import WebSocketException

from benchmarks.browser import Server
from benchmarks.load.viewer import Failed

Row = tuple[str, str, str, str]
"""What it is, the goal, what was measured, and whether it was met."""


@dataclass
class Found:
    """What was measured: seconds of each first run and of each rerun, errors, (reruns, MB) of the server."""

    opened: list[float] = field(default_factory=list)
    reruns: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    memory: list[tuple[int, float]] = field(default_factory=list)
    seconds: float = 0
    processor: float = 0

    async def attempt(self, times: list[float], took: Awaitable[float]) -> bool:
        """Wait for one of the viewer's answers and note its time, or its error."""
        try:
            times.append(await took)
        except (Failed, WebSocketException, OSError, TimeoutError) as error:
            self.errors[f"{type(error).__name__}: {error}"] += 1
            return False
        return True


def resident(server: Server) -> float:
    """The server's resident set in MB (Linux)."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024 / 1e6


def processor_time(server: Server) -> float:
    """Seconds of processor time that the server has used (Linux)."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def percentiles(times: Sequence[float]) -> tuple[float, float, float]:
    """Median, 95th percentile and the longest, in ms."""
    cuts = quantiles(times, n=20, method="inclusive")
    return 1000 * cuts[9], 1000 * cuts[18], 1000 * max(times)


def verdict(met: bool) -> str:
    return "met" if met else "missed"


def machine(load: float) -> str:
    """Date, load average and kind of machine."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    packages = ", ".join(f"{name} {version(name)}" for name in ("streamlit", "numpy"))
    return (
        f"{datetime.date.today()}, load average {load:.1f} when it began. {name}, {os.cpu_count()} cores; "
        f"Python {platform.python_version()}, {packages}."
    )
