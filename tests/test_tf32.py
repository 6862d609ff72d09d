"""TF32 where the module's own products are made in it: what is set for that is as it was afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from lstm_core import trace_cell
from lstm_core.modules import precision
from lstm_core.modules.call import Call
from tests.torch_modules import build, random

BACKEND = torch.backends.cuda.matmul


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    yield
    BACKEND.allow_tf32 = False
    BACKEND.fp32_precision = "none"


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Any:
    """One that says it is on CUDA, where float32 is rounded."""
    made = Call(build("lstm", torch.float32), random(3, 1, 5, dtype=torch.float32))
    made.run()
    monkeypatch.setattr(Call, "device", property(lambda own: SimpleNamespace(type="cuda")))
    monkeypatch.setattr(precision, "precision", lambda own: torch.float32)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    return made


@pytest.mark.parametrize("before", ["none", "ieee"])
def test_products_are_in_tf32_and_then_as_before(before: str, call: Any) -> None:
    BACKEND.fp32_precision = before
    assert precision.rounded(call) == "TF32", "cuDNN's default"
    with precision.like_its_own(call):
        assert BACKEND.fp32_precision == "tf32" and BACKEND.allow_tf32
    assert BACKEND.fp32_precision == before and not BACKEND.allow_tf32


def test_who_says_it_in_the_newer_way_is_understood(call: Any) -> None:
    BACKEND.fp32_precision = "tf32"  # the older way can now not be asked
    with precision.like_its_own(call):
        assert BACKEND.fp32_precision == "tf32"
    assert BACKEND.fp32_precision == "tf32"


@pytest.mark.parametrize("rnn", ["ieee", "tf32"])
def test_cudnns_own_word_for_recurrent_networks_counts(rnn: str, call: Any) -> None:
    backend: Any = torch.backends.cudnn.rnn
    before, backend.fp32_precision = backend.fp32_precision, rnn
    try:
        assert (precision.rounded(call) == "TF32") == (rnn == "tf32")
    finally:
        backend.fp32_precision = before


def test_older_cards_have_no_tf32(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    assert not precision.rounded(call)


@pytest.mark.parametrize("newer", [False, True])
def test_a_cell_of_ones_own_is_in_tf32_where_its_products_are(newer: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """cuDNN's default, TF32, is for convolutions; and what is set in the newer way cannot be asked in the older."""
    plain, convolving, x = nn.Linear(3, 4), nn.Conv2d(3, 4, 3), torch.zeros(5, 2, 3)
    if newer:
        BACKEND.fp32_precision = "tf32"
    on_cpu = trace_cell(nn.Identity(), x, step=lambda m, x, s: {"h": x}).certificate
    assert on_cpu and on_cpu.precision == "float32"
    there: Any = SimpleNamespace(device=SimpleNamespace(type="cuda"), dim=x.dim)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    assert precision.own_rounded(plain, there) == ("TF32" if newer else "")
    assert precision.own_rounded(convolving, there) == "TF32"
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    assert not precision.own_rounded(convolving, there)
