"""A layer by torch's kernel and the cell's equations on all steps at once, against the time loop: on the CPU here."""

from __future__ import annotations

from typing import Any

import cases
import numpy as np
import pytest
import torch

from lstm_core import CELLS, fused
from lstm_core.ops import NUMPY, TorchOps
from lstm_core.scan import scan
from lstm_core.stacked import GATES, split_weights, stack_weights

NAMES = pytest.mark.parametrize("name", [name for name in GATES if name != "lstm_projected"])


def parts(name: str, layers: int, directions: int) -> tuple[Any, Any, np.ndarray, dict[str, np.ndarray]]:
    """A cell, its parameters, (time, batch, input), and states to begin with, in float64."""
    block = cases.model(name, layers=layers, directions=directions).block
    draw = np.random.default_rng(3)
    rows = [[{k: v.astype(np.float64) for k, v in params.items()} for params in row] for row in block.layers]
    x = draw.normal(size=(30, 3, block.input_size))
    sizes = {state: block._size(state) for state in block.cell.states()}
    state = {state: np.tanh(draw.normal(size=(layers, directions, 3, size))) for state, size in sizes.items()}
    return block.cell, rows, x, state


@NAMES
@pytest.mark.parametrize(("layers", "directions"), [(1, 1), (2, 1), (2, 2)])
def test_it_gives_what_the_loop_gives(name: str, layers: int, directions: int) -> None:
    cell, rows, x, state = parts(name, layers, directions)
    expected, last = scan(cell, rows, x, state)
    xp = TorchOps("cpu")
    there = [[{k: xp.asarray(v) for k, v in params.items()} for params in row] for row in rows]
    found, ends = scan(cell, there, xp.asarray(x), state, xp, run=fused.run)
    assert found.keys() == expected.keys()
    for signal, values in expected.items():
        np.testing.assert_allclose(found[signal].numpy(), values, rtol=0, atol=1e-12, err_msg=signal)
    for signal, values in last.items():
        np.testing.assert_allclose(ends[signal].numpy(), values, rtol=0, atol=1e-12, err_msg=signal)


@NAMES
def test_weights_go_there_and_back(name: str) -> None:
    cell, rows, _, _ = parts(name, 1, 1)
    for xp in (NUMPY, TorchOps("cpu")):
        again = split_weights(cell, stack_weights(cell, {k: xp.asarray(v) for k, v in rows[0][0].items()}, xp))
        for key, value in rows[0][0].items():
            np.testing.assert_array_equal(np.asarray(again[key]), value)


def test_blocks_take_it_on_a_gpu_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    xp = TorchOps("cpu")
    assert not fused.usable(CELLS["lstm"], xp) and not fused.usable(CELLS["lstm"], NUMPY)
    xp.device = "cuda"
    assert fused.usable(CELLS["lstm"], xp) and not fused.usable(CELLS["peephole"], xp)
    assert not fused.usable(CELLS["lstm_projected"], xp)
    network, text = cases.model("lstm"), "Mary went home ."
    expected = network.run(text, device="cpu")
    ran: list[bool] = []
    run = fused.run
    monkeypatch.setattr(fused, "usable", lambda cell, xp: True)
    monkeypatch.setattr(fused, "run", lambda *args: ran.append(True) or run(*args))
    found = network.run(text, device="cpu", backend="torch")
    assert ran
    for signal, values in expected.signals.items():
        np.testing.assert_allclose(found.signals[signal], values, rtol=0, atol=2e-6)


def test_cudnns_precision_is_as_it_was() -> None:
    rnn: Any = torch.backends.cudnn.rnn
    before = rnn.fp32_precision
    with fused.exact(torch):
        assert rnn.fp32_precision == "ieee"
    assert rnn.fp32_precision == before
