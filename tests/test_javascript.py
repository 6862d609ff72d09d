"""A cell in JavaScript computes what it computes in NumPy: every cell, stacked and both ways, and every shipped model.

JavaScript computes in double precision over the weights of the file, so it is held against NumPy in float64. What the
library shows is float32, which is itself as far from that as ``SINGLE`` says.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest

from dashboard.browser.publish import RUN, STATIC, publish
from dashboard.export.live import declared
from lstm_core import CELLS, Network, Trace, list_models, load_model
from lstm_core.cells.base import Cell, Param, affine, gate, state
from lstm_core.equations import carry
from lstm_core.javascript import javascript
from lstm_core.network import assembled
from lstm_core.observed import observed
from lstm_core.variant import FORMULAS, activation, variant
from tests.javascript import NODE, ROOT, evaluate
from tests.small_models import WORDS, small_model

CLOSE = 1e-6
"""The largest difference from NumPy in float64, as a share of what is above 1: rounding of the numbers compared, which
travel as float32, leaves 6e-8."""
SINGLE = 2e-5
"""The same of the library's own float32, over 30 words at random: a network near a decision doubles a rounding."""
TEXTS = 1000 if os.environ.get("NIGHTLY") else 6
LONG = 30


def exactly(network: Network) -> Network:
    """The same weights, run in float64."""

    def wide(params: Mapping[str, Any]) -> dict[str, np.ndarray]:
        return {name: np.asarray(value, np.float64) for name, value in params.items()}

    out, embedding = network.predicts, network.embedding.astype(np.float64)
    return replace(
        network,
        block=replace(network.block, layers=[[wide(params) for params in row] for row in network.layers]),
        reader=replace(network.reader, embedding=embedding) if network.reader else None,
        readout=replace(
            out,
            weight=out.weight.astype(np.float64),
            bias=out.bias.astype(np.float64),
            through=None if out.through is None else embedding,
            attention=None if out.attention is None else wide(out.attention),
        ),
    )


def expected(network: Network, trace: Trace) -> dict[str, Any]:
    """What a run holds, in the order in which the browser has it."""
    rows = {name: value[:, :, :, 0].reshape(-1) for name, value in trace.signals.items()}
    rule = carry(network.cell)
    for role in ("keep", "write") if rule else ():
        values = trace.role(role)
        if values is not None and (label := str(trace.role_label(role))) not in rows:
            rows[label] = np.ascontiguousarray(values[:, :, :, 0]).reshape(-1)
    ids, shares = network.likeliest(trace)
    return {"expected": rows, "likeliest": ids[:, 0].astype(np.int32), "shares": shares.reshape(-1)}


def differences(
    networks: Iterable[tuple[Network, bytes, list[list[int]]]], folder: Path
) -> dict[str, dict[str, float]]:
    """How far JavaScript is from NumPy in float64, by network and signal, over texts given as ids."""
    from lstm_core.drawing.pack import pack

    given = []
    for network, file, texts in networks:
        exact = exactly(network)
        runs = [(ids, exact.read(np.array(ids, np.intp))) for ids in texts]
        told = [{"ids": np.array(ids, np.int32), **expected(exact, trace)} for ids, trace in runs]
        source = javascript(network.cell, network.attention is not None)
        known = declared(network.cell)
        given.append({"file": b64encode(file).decode(), "source": source, "declared": known, "texts": told})
    path = folder / "given"
    path.write_bytes(pack({"networks": given}))
    run = [NODE, "--max-old-space-size=4096", "tests/node/live.js", path]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def as_file(network: Network, folder: Path) -> bytes:
    network.save(folder / "network.safetensors")
    return (folder / "network.safetensors").read_bytes()


def texts_of(size: int, count: int, longest: int, seed: int = 0) -> list[list[int]]:
    """Rows of random ids; every second one goes on from the one before, as typing does."""
    draw = random.Random(seed)
    found: list[list[int]] = []
    for k in range(count):
        kept = found[-1][: draw.randint(0, len(found[-1]))] if k % 2 else []
        found.append([*kept, *(draw.randrange(size) for _ in range(draw.randint(1, longest)))])
    return found


def checked(networks: Mapping[str, Network], folder: Path) -> None:
    """Each of them in JavaScript, saved and read again under a name of its own."""
    given = []
    for name, network in networks.items():
        named = replace(network, name=name)
        given.append((named, as_file(named, folder), texts_of(len(WORDS), 4, 9)))
    found = differences(given, folder)
    assert found.keys() == networks.keys()
    for name, network in networks.items():
        assert {signal.name for signal in network.cell.signals} <= found[name].keys()
        assert found[name].pop("likeliest") == 0, name
        assert 0 <= min(found[name].values()) and max(found[name].values()) < CLOSE, (name, found[name])


def test_every_cell_stacked_and_in_both_directions(tmp_path: Path) -> None:
    shapes = ((1, 1), (2, 1), (2, 2))
    made = {
        f"{name} {layers} {directions}": small_model(name, seed, layers, directions, hidden=6)
        for seed, name in enumerate(CELLS)
        for layers, directions in shapes
    }
    checked(made, tmp_path)


def test_every_shipped_model(tmp_path: Path) -> None:
    networks = []
    for name, path in list_models().items():
        network = load_model(name)
        networks.append(
            (network, path.read_bytes(), texts_of(network.tokenizer.size, TEXTS, LONG, crc32(name.encode())))
        )
    found = differences(networks, tmp_path)
    assert found.keys() == list_models().keys()
    for name, by_signal in found.items():
        assert by_signal.pop("likeliest") == 0, name
        assert 0 <= min(by_signal.values()) and max(by_signal.values()) < CLOSE, (name, by_signal)


def test_a_long_text_is_read_with_pauses() -> None:
    """The page answers in them; what comes of it is one reading, and a short text is read without."""
    code = """await (async () => {
      const { parse } = await import("./dashboard/browser/live/file.js")
      const cell = await import(`data:text/javascript;base64,${given.source}`)
      const model = parse(Uint8Array.from(Buffer.from(given.file, "base64")))
      const tokens = (text) => text.split(" ").map((_, k) => ({ id: (7 * k) % 5000 }))
      const reading = { model, cell, declared: given.declared, read: tokens, before: null }
      return given.texts.map((text) => {
        const each = all.pausing([reading], ["it"], text)
        let pauses = 0
        for (let next = each.next(); ; next = each.next(), pauses++) {
          if (!next.done) continue
          const { sides, notices } = next.value
          const whole = all.read([{ ...reading, before: null }], ["it"], text)
          const last = ({ ids, signals }) => [ids, Object.values(signals).map(([[rows]]) => Array.from(rows.at(-1)))]
          const same = JSON.stringify(last(sides[0].run)) === JSON.stringify(last(whole.sides[0].run))
          return [pauses, notices.length, same]
        }
      })
    })()"""
    network = load_model("general-lstm")
    file = list_models()["general-lstm"].read_bytes()
    source = b64encode(javascript(network.cell, False).encode()).decode()
    texts = ["word " * 20, "word " * 10_000, "another " * 10_000]
    given = {"source": source, "file": b64encode(file).decode(), "declared": declared(network.cell), "texts": texts}
    short, long, again = evaluate("live/read.js", code, given)
    assert short == [0, 0, True]
    assert 5 < long[0] < 30 and long[1:] == [1, True] == again[1:]
    assert again[0] == 0  # the same ids: nothing is read twice


def test_the_library_s_own_float32_is_as_far_as_is_said() -> None:
    for name in ("copy-gru", "country-rnn", "general-lstm"):
        network = load_model(name)
        for ids in texts_of(network.tokenizer.size, 3, LONG, crc32(name.encode())):
            single, double = (one.read(np.array(ids)) for one in (network, exactly(network)))
            for signal, value in double.signals.items():
                assert (np.abs(single[signal] - value) / np.maximum(1, np.abs(value))).max() < SINGLE, (name, signal)


def of_cell(cell: type[Cell], seed: int = 0, hidden: int = 5) -> Network:
    """A random network of a cell that is not shipped, in two layers."""
    draw = np.random.default_rng(seed)
    sizes = [4, hidden]
    layers = [
        [{p.name: draw.uniform(-1, 1, p.shape(size, hidden)).astype(np.float32) for p in cell.params}] for size in sizes
    ]
    like = small_model("lstm")
    embedding, readout = draw.uniform(-1, 1, (len(WORDS), 4)), draw.uniform(-1, 1, (len(WORDS), hidden))
    arrays = embedding.astype(np.float32), readout.astype(np.float32), np.zeros(len(WORDS), np.float32)
    return assembled("own", cell, layers, like.tokenizer, *arrays)


def test_the_activations_a_file_can_ask_for(tmp_path: Path) -> None:
    made = {
        name: variant(CELLS["lstm"], gate=activation(name), candidate=activation(name), clip=1.5) for name in FORMULAS
    }
    made["clipped"] = variant(CELLS["peephole"], clip=0.5, shown=activation("relu"), coupled=True)
    checked({name: of_cell(cell, seed) for seed, (name, cell) in enumerate(made.items())}, tmp_path)


class Own(Cell):
    """Layer normalisation, a leak that is one number, names that JavaScript keeps for itself, a state as it was."""

    name = "own"
    title = "Own"
    source = "the test"
    signals = (gate("in", "write", "a gate"), state("var", "was", "the old h"), state("h", "hidden", "the state"))
    params = (*affine("in"), Param("a", (), "how much stays"), Param("b", ("hidden",), "a bias"))

    @staticmethod
    def gates(p: Any, x: Any, s: Any, xp: Any) -> dict[str, Any]:
        net = p.W_in @ x + p.U_in @ s.h
        return {"in": xp.sigmoid(xp.standardized(net) * p.b + p.b_in), "net": net}

    @staticmethod
    def update(p: Any, v: Any, s: Any, xp: Any) -> dict[str, Any]:
        a = xp.sigmoid(p.a)
        return {"var": s.h, "h": a * s.h + (1 - a) * (getattr(v, "in") * xp.tanh(v.net) - (s.var - s.h) / 2)}


def test_a_cell_of_one_s_own(tmp_path: Path) -> None:
    checked({"own": of_cell(Own, 3)}, tmp_path)


def test_a_cell_that_cannot_be_written_says_why() -> None:
    class Odd(Own):
        @staticmethod
        def gates(p: Any, x: Any, s: Any, xp: Any) -> dict[str, Any]:
            return {"in": xp.median(p.W_in @ x), "net": p.b}

    with pytest.raises(ValueError, match="there is no JavaScript for 'median'"):
        javascript(Odd)
    known = observed("seen", [state("h", "hidden", "")], {}, {})
    with pytest.raises(ValueError, match="the equations of seen are not known"):
        javascript(known)


def test_the_page_s_bench_runs_the_module_of_its_cell() -> None:
    folder, _ = publish()
    for name in RUN:
        assert (STATIC / folder / "cells" / f"{name}.js").read_text(encoding="utf-8") == javascript(CELLS[name])
