"""What takes arrays takes a torch tensor as well, as a model hands it out: part of a graph, in half precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lstm_core
from lstm_core.analysis import attribution, gradients, health, memory
from lstm_core.files import load
from tests.uploads import saved

torch = pytest.importorskip("torch")

MODULE = torch.nn.LSTM(3, 5)
X = torch.randn(6, 1, 3)
ROW = torch.nn.Parameter(torch.randn(5))
TRACE = lstm_core.trace(MODULE, X)
BLOCK = load(saved(MODULE)).blocks[0]


@pytest.mark.parametrize(
    "ask",
    [
        lambda row: attribution(TRACE, row, "integrated", points=8).words,
        lambda row: attribution(TRACE, row * 0 + 1, baseline=row[:3]).words,
        lambda row: gradients(TRACE, -1, row).inputs,
        lambda row: memory(TRACE, -1, direction=row).contributions,
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_an_analysis_takes_a_row_of_a_classifier(ask: Callable[[Any], Any], dtype: Any) -> None:
    row = ROW.to(dtype)
    assert row.requires_grad
    np.testing.assert_array_equal(ask(row), ask(row.detach().float().numpy()))


def test_a_block_takes_what_an_embedding_gives_and_is_checked_against_what_a_module_gives() -> None:
    x = X.clone().requires_grad_()
    state = tuple(torch.randn(1, 1, 5, requires_grad=True) for _ in "hc")
    h, _ = MODULE(x, state)
    assert h.requires_grad and BLOCK.check(x, h, state, lengths=torch.tensor([6])) < 1e-6
    whole = BLOCK.trace(x, state)
    np.testing.assert_allclose(whole["h"][0, 0, :, 0], h.detach().numpy()[:, 0], atol=1e-6)


def test_a_result_prints_on_a_line() -> None:
    """With shapes in the place of numbers."""
    printed = [repr(attribution(TRACE, ROW)), repr(health(TRACE)[0]), repr(BLOCK)]
    assert all(len(text) < 600 and "\n" not in text and "array(" not in text for text in printed)
    assert "words=(6,)" in printed[0] and "movement=(5,)" in printed[1] and "input=3, units=5" in printed[2]
