"""The kernels of a GPU against PyTorch's operations: by Triton's interpreter where there is no card."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed")

SCRIPT = """
from triton.runtime import interpreter
made = getattr(interpreter, "_patch_lang_tensor", None)
def with_numbers(tensor, *args):  # Triton 3.6 takes int() of arrays of one axis, which NumPy 2.4 refuses
    made(tensor, *args)
    tensor.__index__ = lambda self: self.handle.data.item()
if made:
    interpreter._patch_lang_tensor = with_numbers

import numpy as np, torch
from torch import nn
from lstm_core.modules import cuda, run
from lstm_core.modules.tracing import trace_module

cuda.ANYWHERE = True
torch.manual_seed(0)
finished, real = [], cuda.finish
cuda.finish = lambda *args: finished.append(args) or real(*args)
for kind in (nn.LSTM, nn.GRU):
    for options in ({}, dict(num_layers=2, bidirectional=True, bias=False)):
        for shape, lengths in (((7, 3, 5), None), ((7, 3, 5), [7, 2, 5]), ((1, 1, 5), None), ((300, 1, 5), None)):
            module, x = kind(5, 70, **options), torch.randn(shape)
            expected = trace_module(module, x, lengths=lengths, method="loop")
            finished.clear()
            found = trace_module(module, x, lengths=lengths, method="product")
            assert len(finished) >= len(found.layers) * len(found.layers[0]), "no kernel ran"
            for name, values in expected.signals.items():
                np.testing.assert_allclose(found.signals[name], values, rtol=0, atol=5e-6, err_msg=name)
            assert found.max_abs_error < 1e-6, found.max_abs_error
    module, x = kind(5, 9, batch_first=True), torch.randn(3, 12, 5)  # whose output is not in the order of time
    found, expected = (trace_module(module, x, method=name) for name in ("product", "loop"))
    for name, values in expected.signals.items():
        np.testing.assert_allclose(found.signals[name], values, rtol=0, atol=5e-6, err_msg=name)
    module, x = kind(5, 9), torch.randn(12, 3, 5)
    x[6, 1, 3] = torch.nan
    found = trace_module(module, x, method="product")
    assert found.broken.step == 6 and found.lengths == (12, 7, 12), found
    module, x = kind(5, 9), torch.randn(12, 3, 5)
    compared = real
    def wrong(own, *args):
        own.gates[3] += 0.5
        real(own, *args)
    cuda.finish = wrong
    try:
        trace_module(module, x, method="product")
    except RuntimeError as error:
        assert "differs from" in str(error)
    else:
        raise AssertionError("a fault was not found")
    cuda.finish = lambda *args: finished.append(args) or real(*args)
"""


def test_the_kernels_give_what_the_operations_give() -> None:
    root = Path(__file__).resolve().parent.parent
    env = {**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
