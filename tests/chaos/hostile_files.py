"""Hostile files by their number, and what becomes of each: a network or words, or a sentence that says what is wrong.

    python -m tests.chaos.hostile_files FOLDER FIRST COUNT

reads so many of them in this process, as a worker would and then the page; FOLDER holds the originals
(``originals.write``). It prints the number of each before it is read, in a line that begins with "wrong" what is wrong
with the reading (an error that is no sentence, too much time), and in one that begins with "was" the reader, how it
ended, seconds of the processor and the MB that the process has had at most. Into a pipe: a worker writes no file. A
file that a library in C dies of ends the process, and whoever started it goes on behind that one.
"""

from __future__ import annotations

import base64
import json
import os
import random
import resource
import sys
import time
import traceback
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from dashboard import worker
from tests.chaos.mutations import mutated

SHARES = {"network": 58, "words": 16, "numbers": 8, "tour": 6, "link": 6, "address": 6}

SECONDS, ON_THE_PAGE = 5.0, 3.0
"""Of the processor that a file may take where it is read, and in the server's own process: files are small here."""
TEXTS = ("Mary saw John because she", "我们 a😀\x00" * 20, "aaaa" * 500, "")
LIMIT = 150 << 20


class Originals:
    """The files of a folder, by reader and kind."""

    def __init__(self, folder: Path) -> None:
        self.kinds: dict[str, dict[str, dict[str, bytes]]] = {}
        for path in sorted(folder.glob("*/*/*")):
            of = self.kinds.setdefault(path.parent.parent.name, {}).setdefault(path.parent.name, {})
            of[path.name] = path.read_bytes()

    def hostile(self, number: int) -> tuple[str, str, dict[str, bytes], random.Random]:
        """Of the hostile file of that number: the reader that it is for, its name, it and those beside it, and the
        random numbers that go on."""
        rng = random.Random(f"hostile {number}")
        [reader] = rng.choices(list(SHARES), list(SHARES.values()))
        kinds = self.kinds[reader]
        kind = rng.choice(list(kinds))
        name = rng.choice(list(kinds[kind]))
        data = mutated(kinds[kind][name], rng, list(kinds[kind].values()))
        if rng.random() < 0.02:  # what another reader is for
            data = rng.choice(list(rng.choice(list(rng.choice(list(self.kinds.values())).values())).values()))
        files = {name: data}
        if kind == "onnx" and rng.random() < 0.2 or "shards" in name:
            shards = {other: content for of in kinds.values() for other, content in of.items() if "shards" in other}
            files = {**kinds.get("data", {}), **shards, **files}
        return reader, name, files, rng


class Asked(Exception):
    """What is wrong with a reading."""


def read(reader: str, name: str, files: Mapping[str, bytes], rng: random.Random) -> str:
    """How it ended: "read", or what was said. Raises Asked, and whatever else should not be raised."""
    from dashboard.talk import tour
    from dashboard.yours import given, session
    from dashboard.yours.given import Given

    data = files[name]
    beside = {other: content for other, content in files.items() if other != name}
    try:
        if reader == "network":
            place = session.Place()
            place.take_all(files) if beside and rng.random() < 0.5 else place.take(Given(name, data, beside))
            if place.question is not None:
                place.answer({block: cells[0] for block, cells in place.question.choices.items()})
            if place.upload is None:
                return in_words(place.problem)
            begun = time.process_time()
            for block in place.upload.loaded.blocks[:3]:
                place.choose(block=block.name)
                if place.upload is not None:
                    place.upload.read(TEXTS[0], 60)
            took(begun, ON_THE_PAGE, "on the page")
        elif reader == "words":
            words = given.words(name, data, rng.choice((3, 12, 1000, 10_000)))
            begun = time.process_time()
            for text in TEXTS:
                tokens = words.encode(text)
                if len(tokens) > 4 * len(text.encode()) + 100 or any(token.id < 0 for token in tokens):
                    raise Asked(f"{len(tokens)} tokens of {len(text)} characters")
            took(begun, ON_THE_PAGE, "on the page")
        elif reader == "numbers":
            values, found = given.numbers(name, data, rng.choice((1, 3, 3, 3)), 2000)
            if not found >= len(values) > 0:
                raise Asked(f"{len(values)} steps of {found}")
        elif reader == "tour":
            tour.read(data)
        elif reader == "link":
            link = base64.urlsafe_b64encode(zlib.compress(data)).decode().rstrip("=")
            if rng.random() < 0.3:
                link = "".join(rng.choice((char, char, char, rng.choice("Aa_-= é\x00"))) for char in link)
            tour.from_link(link)
        else:
            address(data)
    except ValueError as error:
        from lstm_core.files.limits import reason

        return str(error) if reader == "address" else in_words(reason(error))  # the page has its own words for these
    return "read"


def address(data: bytes) -> None:
    """What a link reopens."""
    from dashboard.state import Settings
    from lstm_core.analysis.intervene import parse_all

    try:
        params = json.loads(data)
    except ValueError:
        params = {"text": data.decode("latin-1"), "do": data.decode("latin-1")}
    params = params if isinstance(params, dict) else {"text": params}
    Settings.parse(params, ["pronouns-lstm", "pronouns-gru"]).server_side()
    parse_all(str(params.get("do", ""))[:10_000])


def in_words(said: str) -> str:
    """What was said, if it is a sentence that can be translated and says what is wrong with the file."""
    from lstm_core.say import Said

    if not isinstance(said, Said) or not said.strip() or len(said) > 3000:
        raise Asked(f"not said in words: {said[:500]!r}")
    return said


def took(begun: float, most: float, where: str) -> None:
    if (seconds := time.process_time() - begun) > most:
        raise Asked(f"{seconds:.1f} s {where}")


def in_this_process() -> None:
    """What the page asks of a worker is read here, by what runs in a worker and within its limits."""
    from dashboard import workers

    class Here(workers._Worker):
        def _answer(self, task: tuple[Any, ...], seconds: Any) -> list[bytes]:
            begun = time.process_time()
            parts = worker.answer(*task)
            took(begun, SECONDS, "in the worker")
            return parts

        def _refused(self, head: Any) -> ValueError:
            if "fault" in head:
                raise Asked(head["fault"]["trace"])
            return super()._refused(head)

    workers.WORKERS._free[:] = [Here()]


def main(folder: str, first: int, count: int) -> None:
    report = os.fdopen(os.dup(1), "w", buffering=1)
    originals = Originals(Path(folder))
    worker.begin()
    in_this_process()
    for number in range(first, first + count):
        print("reads", number, file=report)
        begun, reader, said = time.process_time(), "", "wrong"
        try:
            reader, name, files, rng = originals.hostile(number)
            said = read(reader, name, files, rng)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            what = str(error) if isinstance(error, Asked) else "".join(traceback.format_exception(error))
            print("wrong", number, json.dumps(what[-1500:]), file=report)
        seconds = time.process_time() - begun
        peak = memory()
        how = said if said in ("read", "wrong") else "refused"
        print("was", number, reader, how, f"{seconds:.3f}", f"{peak:.0f}", file=report)
    print("ended", file=report)


def memory() -> float:
    """The most MB that this process had. What ``getrusage`` says counts whoever started it, too."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
