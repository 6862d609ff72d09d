"""Attacks that once took the server down or made others wait; `make chaos` takes each at twice its size then."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import urllib.error
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tests.chaos.faults import HANGS, all_of, in_training, with_a_model
from tests.chaos.hostile_files import Originals
from tests.chaos.visitors import Failed, Visitor
from tests.chaos.watch import Watched
from tests.uploads import WORDS, npy, safetensors, saved

CHINESE = "昨天王女士去了市场，因为她很饿。后来李先生遇见了小红，他"
LARGEST = 50 << 20
"""Bytes of a file at most (maxUploadSize)."""
rng = random.Random(1)


def language_model(rows: int, width: int = 1) -> bytes:
    """An embedding of so many rows and an LSTM that reads it."""
    arrays = {"rnn." + name: value.numpy() for name, value in nn.LSTM(width, 2).state_dict().items()}
    return safetensors({"embedding.weight": np.zeros((rows, width), np.float16), **arrays})


async def typing(watched: Watched, viewers: int, seconds: float) -> None:
    """Another text from each every one to five seconds."""

    async def visit(number: int) -> None:
        visitor = Visitor(watched.url, 1000 + number)
        await visitor.open()
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            await asyncio.sleep(rng.uniform(1, 5))
            await visitor.type(rng)
        await visitor.close()

    await all_of(viewers, visit)


async def first_visits(watched: Watched, viewers: int) -> None:
    async def visit(number: int) -> None:
        visitor = Visitor(watched.url, 2000 + number)
        await visitor.open()
        await visitor.close()

    await all_of(viewers, visit)


async def vocabulary(watched: Watched, name: int, data: bytes, rows: int = len(WORDS), why: str = "") -> None:
    """Somebody brings a model and this vocabulary for it; with ``why`` it is refused, saying that."""
    visitor = await with_a_model(watched.url, name, language_model(rows))
    await visitor.pick("What it reads", "the sentence")
    await visitor.give({"words": data}, to="words")
    if why and not visitor.has_said(why):
        raise Failed(f"not refused for {why!r}: {visitor.said}")
    await visitor.write("a" * 20, left="yours")
    await visitor.close()


def tokenizer(**parts: object) -> bytes:
    return json.dumps({"version": "1.0", "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}, **parts}).encode()


async def tokenizers_that_grow(watched: Watched, times: int) -> None:
    """Eighteen replacements, each of "a" by twenty; and a regular expression that never ends."""
    replace = {"type": "Replace", "pattern": {"String": "a"}, "content": 20 * "a"}
    grows = tokenizer(normalizer={"type": "Sequence", "normalizers": [replace] * 18})
    split = {"type": "Split", "pattern": {"Regex": "((a+)+)+b"}, "behavior": "Isolated", "invert": False}
    endless = tokenizer(pre_tokenizer=split)
    kinds = ((grows, "Replace"), (endless, "Split"))
    await all_of(times, lambda k: vocabulary(watched, 2500 + k, kinds[k % 2][0], why=kinds[k % 2][1]))


async def large_numbers(watched: Watched) -> None:
    """CSV files of 50 MB from two visitors at once, and one of 100."""
    size = LARGEST - 1000

    async def visit(number: int) -> None:
        visitor = await with_a_model(watched.url, 2600 + number, saved(nn.LSTM(1, 4)))
        await visitor.pick("What it reads", "a file of numbers")
        await visitor.give({"a.csv": b"12\n" * (size // 3)}, to="numbers")
        if not visitor.has_said("steps") and visitor.has_said("a.csv"):
            raise Failed(f"not read: {visitor.said}")
        await visitor.close()

    await all_of(2, visit)
    visitor = await with_a_model(watched.url, 2610)
    try:
        await visitor.send("b.csv", b"12\n" * (2 * LARGEST // 3))
    except (urllib.error.HTTPError, urllib.error.URLError, ConnectionError):
        pass
    else:
        raise Failed("a file of 100 MB was taken")
    await visitor.close()


async def large_vocabularies(watched: Watched, bytes: int) -> None:
    """JSON of lists in a list, from two visitors at once; and two words for an embedding of four million rows."""
    lists = b"[" + b"[]," * (bytes // 3) + b"[]]"
    await all_of(2, lambda k: vocabulary(watched, 2700 + k, lists, why="words"))
    rows = 4_000_000 * bytes // LARGEST
    await vocabulary(watched, 2710, b"mary\njohn\n", rows=rows)


async def trainings(watched: Watched, count: int, seconds: float) -> None:
    """At the same moment; then their visitors leave, and who comes afterwards has a place soon."""
    visitors: list[Visitor] = []

    async def visit(number: int) -> None:
        visitors.append(await in_training(watched.url, 2800 + number))

    await all_of(count, visit)
    await asyncio.sleep(seconds)
    if len(watched.working()) != 2:
        raise Failed(f"{len(watched.working())} train at once")
    await asyncio.gather(*(visitor.close() for visitor in visitors))
    late = await in_training(watched.url, 2900)
    async with asyncio.timeout(90):
        while (
            late.has_said("waiting its turn") or late.has_said("Other visitors are") or late.has_said("another visitor")
        ):
            await asyncio.sleep(1)
            await (late.press("Train") if late.has_said("Other visitors are") else late.again())
    await late.close()


async def files_that_hang(watched: Watched, count: int) -> None:
    async def visit(number: int) -> None:
        visitor = await with_a_model(watched.url, 3000 + number, HANGS, "h5")
        if not visitor.has_said("visitor"):
            raise Failed(f"nothing is said of it: {visitor.said}")
        await visitor.close()

    await all_of(count, visit)


async def models_of_pytorch(watched: Watched, count: int) -> None:
    async def visit(number: int) -> None:
        visitor = await with_a_model(watched.url, 3100 + number, saved(nn.LSTM(8, 64, num_layers=2)), "pt")
        await visitor.write("Mary", left="yours")
        await visitor.close()

    await all_of(count, visit)


async def uploads(watched: Watched, count: int, bytes: int) -> None:
    """Into a session that shows no uploader."""
    visitor, data = Visitor(watched.url, 3200), bytes * b"x"
    await visitor.open()
    for k in range(count):
        await visitor.send(f"{k}.bin", data)
    await visitor.type(rng)
    await visitor.close()


def link(content: object) -> str:
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(content).encode())).decode().rstrip("=")


async def tours(watched: Watched, count: int) -> None:
    """On an embedded page, of pages and texts that are none."""
    odd = [
        ["t", [["gates", {"text": "Mary", "embed": "true"}, "line"]]],
        ["\ud83d", [["gates", {"text": "half \ud83d", "\ud83d": "x"}, "\ud83d"]]],
        [[], [[[], {}, ""]]],
        [None, [["gates", {"text": None}, 3]]],
        ["t", [["gates", {"tour": "x", "stop": "2", "lang": "zz"}, ""]] * 400],
        {"a": 1},
        "x" * 500_000,
        ["t", [["../gates", {}, ""]]],
    ]

    async def visit(number: int) -> None:
        query = {"embed": "true", "tour": link(odd[number % len(odd)]), "stop": ("1", "999", "-1", "x")[number % 4]}
        visitor = Visitor(watched.url, 3300 + number, query=query)
        await visitor.open()
        await visitor.again()
        await visitor.close()

    await all_of(count, visit)


async def long_texts(watched: Watched, count: int) -> None:
    """Of 100,000 Chinese characters."""
    for k in range(count):
        visitor = Visitor(watched.url, 3400 + k, language="zh")
        await visitor.open()
        await visitor.write(CHINESE * 3500, left="pronouns_zh-lstm", right="pronouns_zh-gru")
        await visitor.close()


async def hostile_files(watched: Watched, folder: Path, count: int) -> None:
    """From a few visitors at once, through the page."""
    originals = Originals(folder)

    async def visit(number: int) -> None:
        visitor = Visitor(watched.url, 3500 + number)
        await visitor.open()
        await visitor.write("Mary", left="yours")
        for k in range(number, count, 4):
            reader, name, files, _ = originals.hostile(10**6 + k)
            if reader == "network":
                await visitor.give(files)
                await visitor.write("Mary saw John", left="yours")
        await visitor.close()

    await all_of(4, visit)


async def arrays_of_no_numbers(watched: Watched, count: int) -> None:
    """What numpy would unpickle."""
    data = npy(np.array([{"a": torch.nn.Linear}], object))

    async def visit(number: int) -> None:
        visitor = await with_a_model(watched.url, 3700 + number)
        await visitor.pick("What it reads", "a file of numbers")
        await visitor.give({"a.npy": data}, to="numbers")
        if not visitor.has_said("Python objects"):
            raise Failed(f"not refused: {visitor.said}")
        await visitor.close()

    await all_of(count, visit)
