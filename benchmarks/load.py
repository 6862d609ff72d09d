"""Many viewers of one server: ``python -m benchmarks.load`` has 50 of them type for a minute, ``--soak 10000`` lets
sessions come and go until so many reruns were made, and watches the server's memory.

No browser is needed: a viewer is a websocket that says what the page in a browser says, and reads every answer to its
end. Each writes its block of load.md.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import os
import platform
import random
import re
import time
from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import quantiles

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from benchmarks import tables
from benchmarks.browser import Server, serve
from dashboard.state import Settings

REPORT = Path(__file__).with_name("load.md")
PAUSE = 5.0
"""Seconds between two sentences of a viewer."""
PATIENCE = 60.0
"""Seconds after which an answer counts as an error."""
PAGES = ("", "step_by_step", "memory", "what_if", "gradients", "contrast", "health")
TOGETHER, REPEAT = 8, 20
"""Sessions of the soak that are open at a time, and reruns of each."""
EVERY = 500
"""Reruns between two looks at the server's memory in the soak."""
WORDS = "Mary John Anna Peter he she went met saw the market garden because was hungry tired late and . ,".split()
DONE = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


class Failed(Exception):
    """The page did not answer as it should."""


@dataclass
class Viewer:
    """One session. ``name``, a number, stands in every sentence of it, so that an answer to another one is noticed."""

    url: str
    name: int
    page: str = ""
    language: str = "en"
    typed: int = 0
    _socket: ClientConnection | None = field(default=None, repr=False)
    _state: ClientState = field(default_factory=ClientState, repr=False)
    _controls: str = ""

    async def open(self) -> float:
        """Open the page as a new visitor: seconds to the end of its first run."""
        begun = time.perf_counter()
        address = self.url.replace("http", "ws", 1) + "/_stcore/stream"
        streamlit = Subprotocol("streamlit")  # after it a browser names its tokens
        self._socket = await connect(address, subprotocols=[streamlit], max_size=None, open_timeout=PATIENCE)
        self._state.page_name = self.page
        self._state.context_info.locale = self.language
        self._state.context_info.url = f"{self.url}/{self.page}"
        await self._run()
        self._state.ClearField("page_name")
        if not self._controls:
            raise Failed("the page has no controls")
        return time.perf_counter() - begun

    async def type(self, rng: random.Random) -> float:
        """Type a sentence that nobody has typed before: seconds to the end of the rerun."""
        mark, self.typed = f"v{self.name}r{self.typed}", self.typed + 1
        text = " ".join([*rng.choices(WORDS, k=19), mark])
        settings = Settings(text=text).server_side()
        self._state.ClearField("widget_states")
        self._state.widget_states.widgets.add(id=self._controls, json_value=json.dumps({"settings": settings}))
        begun = time.perf_counter()
        drawn = await self._run()
        took = time.perf_counter() - begun
        found = {match.decode() for part in drawn for match in re.findall(rb"\bv\d+r\d+\b", part)}
        if found != {mark}:
            raise Failed(f"the answer to {mark} draws {', '.join(sorted(found)) or 'nothing of it'}")
        return took

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()

    async def _run(self) -> list[bytes]:
        """Ask for a run and read it to its end: what its components were sent."""
        assert self._socket is not None
        await self._socket.send(BackMsg(rerun_script=self._state).SerializeToString())
        drawn: list[bytes] = []
        async with asyncio.timeout(PATIENCE):
            while True:
                data = await self._socket.recv()
                message = ForwardMsg.FromString(data if isinstance(data, bytes) else data.encode())
                kind = message.WhichOneof("type")
                if kind == "delta":
                    self._read(message.delta, drawn)
                elif kind == "navigation":
                    self._state.page_script_hash = message.navigation.page_script_hash
                elif kind == "script_finished":
                    if message.script_finished in DONE:
                        return drawn
                    if message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                        raise Failed("the script could not be compiled")

    def _read(self, delta: Delta, drawn: list[bytes]) -> None:
        element = delta.new_element
        if element.WhichOneof("type") == "exception":
            raise Failed(f"{element.exception.type}: {element.exception.message}")
        if element.WhichOneof("type") == "bidi_component":
            if re.search(r"-controls(-\w+)?$", element.bidi_component.id):
                self._controls, self._state.fragment_id = element.bidi_component.id, delta.fragment_id
            drawn.append(element.bidi_component.bytes)


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


async def crowd(server: Server, viewers: int, seconds: float) -> Found:
    """``viewers`` sessions, each typing every ``PAUSE`` seconds, out of step with the others."""
    found = Found()
    rng = random.Random(0)
    everyone = [Viewer(server.url, k) for k in range(viewers)]
    try:
        await found.attempt(found.opened, everyone[0].open())
        found.memory.append((0, resident(server)))
        for one in everyone[1:]:
            await found.attempt(found.opened, one.open())
        begun, used = time.perf_counter(), processor_time(server)

        async def watch(one: Viewer, after: float) -> None:
            due = begun + after
            while due < begun + seconds:
                await asyncio.sleep(due - time.perf_counter())
                await found.attempt(found.reruns, one.type(rng))
                due = max(due + PAUSE, time.perf_counter())

        await asyncio.gather(*(watch(one, rng.uniform(0, PAUSE)) for one in everyone))
        found.seconds, found.processor = time.perf_counter() - begun, processor_time(server) - used
        found.memory.append((len(found.reruns), resident(server)))
    finally:
        await asyncio.gather(*(one.close() for one in everyone))
    return found


async def soak(server: Server, reruns: int) -> Found:
    """``TOGETHER`` sessions at a time, each of ``REPEAT`` reruns on one of the pages, until all reruns were made."""
    found = Found()
    rng = random.Random(0)
    names = iter(range(-(-reruns // REPEAT)))
    begun, used = time.perf_counter(), processor_time(server)

    async def visitors() -> None:
        for name in names:
            one = Viewer(server.url, name, PAGES[name % len(PAGES)])
            try:
                if await found.attempt(found.opened, one.open()):
                    for _ in range(REPEAT):
                        done = await found.attempt(found.reruns, one.type(rng))
                        if done and len(found.reruns) % EVERY == 0:
                            found.memory.append((len(found.reruns), resident(server)))
                            print(f"{len(found.reruns):,} reruns, {found.memory[-1][1]:.0f} MB", flush=True)
            finally:
                await one.close()

    await asyncio.gather(*(visitors() for _ in range(TOGETHER)))
    found.seconds, found.processor = time.perf_counter() - begun, processor_time(server) - used
    return found


def slope(points: Sequence[tuple[int, float]]) -> float:
    """MB a 1,000 reruns, by least squares."""
    x0, y0 = (sum(values) / len(points) for values in zip(*points, strict=True))
    spread = sum((x - x0) ** 2 for x, _ in points)
    return 1000 * sum((x - x0) * (y - y0) for x, y in points) / spread if spread else 0.0


def percentiles(times: Sequence[float]) -> tuple[float, float, float]:
    """Median, 95th percentile and the longest, in ms."""
    cuts = quantiles(times, n=20, method="inclusive")
    return 1000 * cuts[9], 1000 * cuts[18], 1000 * max(times)


def crowd_report(found: Found, viewers: int) -> list[tuple[str, ...]]:
    median, late, longest = percentiles(found.reruns)
    first = percentiles(found.opened)
    (_, before), (_, after) = found.memory
    errors = sum(found.errors.values())
    return [
        ("sessions, each typing another sentence every 5 s", "", f"{viewers}", ""),
        ("reruns", "", f"{len(found.reruns):,} in {found.seconds:.0f} s", ""),
        ("a rerun, median", "under 300 ms", f"{median:.0f} ms", verdict(median < 300)),
        ("a rerun, 95th percentile", "under 1,000 ms", f"{late:.0f} ms", verdict(late < 1000)),
        ("a rerun, the longest", "", f"{longest:.0f} ms", ""),
        ("errors, and answers that were not one's own", "none", f"{errors}", verdict(not errors)),
        ("a first run (the others open one after another), median", "", f"{first[0]:.0f} ms", ""),
        ("server: processor time a rerun", "", f"{1000 * found.processor / len(found.reruns):.0f} ms", ""),
        ("server: share of one core", "", f"{100 * found.processor / found.seconds:.0f} %", ""),
        ("server: memory with one session", "", f"{before:.0f} MB", ""),
        (f"server: memory with {viewers} sessions, after the minute", "under 400 MB", f"{after:.0f} MB",
         verdict(after < 400)),
    ]  # fmt: skip


def soak_report(found: Found) -> list[tuple[str, ...]]:
    half = [point for point in found.memory if point[0] >= len(found.reruns) / 2]
    grows, errors = slope(half), sum(found.errors.values())
    values = [mb for _, mb in half]
    median, late, _ = percentiles(found.reruns)
    return [
        ("reruns", "", f"{len(found.reruns):,} in {found.seconds / 60:.0f} minutes", ""),
        ("sessions opened and closed, 8 at a time, on all pages", "", f"{len(found.opened):,}", ""),
        ("errors, and answers that were not one's own", "none", f"{errors}", verdict(not errors)),
        ("a rerun, median and 95th percentile, without any pause", "", f"{median:.0f} and {late:.0f} ms", ""),
        ("server: memory in the second half", "", f"{min(values):.0f} to {max(values):.0f} MB", ""),
        ("slope of the second half", "under 1 MB a 1,000 reruns", f"{grows:+.2f} MB", verdict(grows < 1)),
    ]


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


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--soak", type=int, metavar="RERUNS", help="the soak, of so many reruns, instead of the crowd")
    parser.add_argument("--dry", action="store_true", help="print the table, leave load.md alone")
    options = parser.parse_args()
    if options.soak and options.soak < 4 * EVERY:
        parser.error(f"a soak takes {4 * EVERY:,} reruns at least")
    load = os.getloadavg()[0]
    with serve() as server:
        if options.soak:
            block, found = "soak", asyncio.run(soak(server, options.soak))
            rows = soak_report(found)
        else:
            block, found = "crowd", asyncio.run(crowd(server, options.viewers, options.seconds))
            rows = crowd_report(found, options.viewers)
        if "Traceback" in server.output():
            found.errors["a traceback in the server's log"] += 1
            print(server.output())
    lines = [tables.markdown(("", "goal", "measured", ""), rows), ""]
    if options.soak:
        samples = ", ".join(f"{mb:.0f}" for _, mb in found.memory)
        lines += [f"Memory in MB every {EVERY} reruns: {samples}.", ""]
    lines += [f"- {count} x {error}" for error, count in found.errors.most_common(10)]
    text = "\n".join([*lines, machine(load)])
    print(text)
    if not options.dry:
        REPORT.write_text(tables.fill(REPORT.read_text(encoding="utf-8"), block, text), encoding="utf-8")


if __name__ == "__main__":
    main()
