"""What needs a card: ``make test-cuda``. The same code runs on the CPU in the other tests."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lstm_core import trace, trace_all, trace_chunks
from lstm_core.modules import cuda
from lstm_core.modules.tracing import trace_module
from tests.torch_modules import Round, build, random, state_for

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
    pytest.mark.filterwarnings("ignore:RNN module weights are not part of single"),
]
KINDS = ("lstm", "projected", "gru", "tanh", "relu")
TF32 = pytest.mark.parametrize("tf32", [False, True], ids=["float32", "TF32"])
WITHIN = {False: 2e-5, True: 5e-3}


@pytest.fixture
def rounding() -> Iterator[Any]:
    """Sets whether cuDNN may round to TF32, and puts it back."""
    before = torch.backends.cudnn.allow_tf32

    def choose(tf32: bool) -> None:
        torch.backends.cudnn.allow_tf32 = tf32

    yield choose
    torch.backends.cudnn.allow_tf32 = before


@TF32
@pytest.mark.parametrize(
    ("kind", "layers", "bidirectional", "bias", "lengths"),
    [*product(KINDS, (1, 2), (False, True), (False, True), (None, [9, 2, 5]))],
)
def test_every_module_is_traced_there(
    kind: str, layers: int, bidirectional: bool, bias: bool, lengths: Any, tf32: bool, rounding: Any
) -> None:
    """As on the CPU, as closely as the precision allows; modules of several layers without biases among them."""
    rounding(tf32)
    options = {"num_layers": layers, "bidirectional": bidirectional, "bias": bias}
    module, x = build(kind, torch.float32, **options), random(9, 3, 5, dtype=torch.float32)
    state = state_for(module, 3)
    there = tuple(value.cuda() for value in state) if isinstance(state, tuple) else state.cuda()
    expected = trace(module, x, state, lengths=lengths)
    found = trace(module.cuda(), x.cuda(), there, lengths=lengths)
    assert found.device.startswith("cuda") and found.certificate is not None
    eight = torch.cuda.get_device_capability() >= (8, 0)
    assert found.certificate.precision == ("TF32" if tf32 and eight else "float32")
    for name, value in expected.signals.items():
        np.testing.assert_allclose(found.signals[name], value, rtol=0, atol=WITHIN[tf32] * (3 if kind == "relu" else 1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_every_precision(kind: str, dtype: torch.dtype) -> None:
    module, x = build(kind, dtype, num_layers=2).cuda(), random(9, 3, 5, dtype=dtype).cuda()
    found = trace(module, x)
    with torch.no_grad():
        output = module(x)[0].float().cpu().numpy()
    assert found.certificate and found.certificate.precision == str(dtype).removeprefix("torch.")
    np.testing.assert_allclose(found.signals["h"][-1, 0], output, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_autocast_is_traced_as_it_runs(kind: str) -> None:
    module, x = build(kind, torch.float32).cuda(), random(9, 3, 5, dtype=torch.float32).cuda()
    with torch.autocast("cuda", dtype=torch.float16):
        found = trace(module, x)
    assert found.certificate and found.certificate.precision == "float16 (autocast)"


@TF32
@pytest.mark.parametrize("kind", ["lstm", "gru"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("lengths", [None, [300, 2, 170]])
def test_the_kernels_give_what_the_operations_give(
    kind: str, bidirectional: bool, lengths: Any, tf32: bool, rounding: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounding(tf32)
    module, x = build(kind, torch.float32, bidirectional=bidirectional), random(300, 3, 5, dtype=torch.float32)
    module, x = module.cuda(), x.cuda()
    runs: list[Any] = []
    finish = cuda.finish
    monkeypatch.setattr(cuda, "finish", lambda *args: runs.append(args) or finish(*args))
    fused = trace_module(module, x, lengths=lengths, method="product")
    assert runs, "Triton comes with PyTorch's CUDA builds"
    monkeypatch.setattr(cuda, "usable", lambda run: False)
    expected = trace_module(module, x, lengths=lengths, method="product")
    for name, value in expected.signals.items():
        np.testing.assert_allclose(fused.signals[name], value, rtol=0, atol=5e-6)


@pytest.mark.parametrize("kind", ["lstm", "gru", "tanh"])
def test_what_stays_there_is_what_comes_back(kind: str) -> None:
    module, x = build(kind, torch.float32, num_layers=2).cuda(), random(9, 3, 5, dtype=torch.float32).cuda()
    here, there = trace(module, x), trace(module, x, keep="device")
    for name, value in here.signals.items():
        assert there.tensors[name].device.type == "cuda"
        np.testing.assert_array_equal(there.signals[name], value)
    np.testing.assert_array_equal(np.asarray(there.inputs), here.inputs)


def test_a_run_that_breaks() -> None:
    module, x = build("lstm", torch.float32).cuda(), random(9, 3, 5, dtype=torch.float32).cuda()
    x[6, 1, 3] = torch.nan
    found = trace(module, x)
    assert found.broken and (found.broken.step, found.broken.sequence, found.broken.place) == (6, 1, "x[3]")
    assert found.lengths == (9, 7, 9)


def test_models_pieces_and_cells() -> None:
    module, x = build("lstm", torch.float32).cuda(), random(9, 3, 5, dtype=torch.float32).cuda()
    whole = trace(module, x)
    np.testing.assert_allclose(trace_all(Round(module), x)["rnn"].signals["f"], whole.signals["f"], rtol=0, atol=5e-3)
    parts = [piece.signals["f"] for piece in trace_chunks(module, x, steps=4)]
    np.testing.assert_allclose(np.concatenate(parts, axis=2), whole.signals["f"], rtol=0, atol=5e-3)
    cell = nn.LSTMCell(5, 6).cuda()
    assert trace(cell, x).max_abs_error is not None


def test_what_is_set_for_products_is_as_it_was() -> None:
    before = torch.backends.cuda.matmul.allow_tf32
    trace(build("lstm", torch.float16).cuda(), random(9, 3, 5, dtype=torch.float16).cuda())
    assert torch.backends.cuda.matmul.allow_tf32 == before
