"""The trainable layer: any cell, and torch's kernels give what the scan gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lstm_core.cells import CELLS
from lstm_core.layer import FUSED, Layer
from lstm_core.ops import TorchOps
from lstm_core.scan import scan

BOTH = pytest.mark.parametrize("bidirectional", [False, True])


def pair(name: str, num_layers: int, bidirectional: bool) -> tuple[Layer, Layer]:
    """A layer that uses torch's kernel and one that scans, with the same parameters, none of them zero."""
    torch.manual_seed(0)
    fused, loop = (Layer(CELLS[name], 5, 4, num_layers, bidirectional, fused=f).double() for f in (True, False))
    for p in fused.parameters():
        torch.nn.init.normal_(p, std=0.5)
    loop.load_state_dict(fused.state_dict())
    return fused, loop


@pytest.mark.parametrize("name", FUSED)
@BOTH
def test_fused_equals_scan(name: str, bidirectional: bool) -> None:
    fused, loop = pair(name, 2, bidirectional)
    x = torch.randn(7, 3, 5, dtype=torch.float64)
    state = {s: torch.randn(2, 1 + bidirectional, 3, 4, dtype=torch.float64) for s in CELLS[name].states()}
    for start in (None, state):
        (h, signals), (expected, all_signals) = fused(x, start), loop(x, start)
        torch.testing.assert_close(h, expected, rtol=0, atol=1e-12)
        assert set(signals) == set(all_signals) - {"c"}
        for key, value in signals.items():
            torch.testing.assert_close(value, all_signals[key], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", FUSED)
def test_gradients_of_fused_and_scan_agree(name: str) -> None:
    fused, loop = pair(name, 1, False)
    x = torch.randn(6, 2, 5, dtype=torch.float64)
    for layer in (fused, loop):
        h, signals = layer(x)
        values = (h, *(signals[k] for k in sorted(signals) if k != "c"))
        torch.stack([value.sin().sum() for value in values]).sum().backward()
    for (key, p), q in zip(fused.named_parameters(), loop.parameters(), strict=True):
        torch.testing.assert_close(p.grad, q.grad, rtol=1e-10, atol=1e-10, msg=key)


@pytest.mark.parametrize("name", CELLS)
@BOTH
def test_parameters_run_in_numpy(name: str, bidirectional: bool) -> None:
    torch.manual_seed(0)
    layer = Layer(CELLS[name], 5, 4, 2, bidirectional).double()
    x = torch.randn(6, 2, 5, dtype=torch.float64)
    h, _ = layer(x)
    assert h.shape == (6, 2, 4 * (1 + bidirectional))
    signals, _ = scan(CELLS[name], layer.parameters_numpy(), x.numpy())
    output = np.concatenate(list(signals[CELLS[name].output][-1]), -1)
    np.testing.assert_allclose(h.detach().numpy(), output, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", CELLS)
def test_start_and_training(name: str) -> None:
    """The declared initialisation, and every parameter gets a gradient, but for the fixed ones.

    Looked at in the upper of two layers: what a cell does with the layer below it does nothing in the first one.
    """
    torch.manual_seed(0)
    cell = CELLS[name]
    layer = Layer(cell, 5, 4, 2)
    p = layer.layers()[1][0]
    for param in cell.params:
        value = p[param.name].detach()
        if param.fixed is not None:
            np.testing.assert_array_equal(value, param.fixed(4))
        elif param.axes == ("hidden", "hidden"):
            torch.testing.assert_close(value @ value.T, torch.eye(4), rtol=0, atol=1e-5)
        elif param.axes == ("hidden",):
            assert torch.all(value == cell.bias_init.get(param.name, 0.0))
        else:
            assert value.std() > 0
    layer(torch.randn(6, 2, 5))[0].square().sum().backward()
    fixed = {param.name for param in cell.params if param.fixed is not None}
    for key, value in p.items():
        if key in fixed:
            assert not value.requires_grad and value.grad is None, key
        else:
            assert value.grad is not None and torch.any(value.grad != 0), key


def test_signals_may_be_left_out() -> None:
    layer = Layer(CELLS["gru"], 5, 4)
    assert set(layer(torch.randn(3, 1, 5), signals=False)[1]) == {"h"}


@pytest.mark.parametrize("name", ["lstm", "peephole", "minlstm"])  # torch's kernel, the time loop, the parallel scan
@BOTH
def test_dropout_leaves_the_way_from_step_to_step_alone(name: str, bidirectional: bool) -> None:
    """The same masks put on by hand before each layer and after the last one, round layers that have no dropout."""
    torch.manual_seed(0)
    layer = Layer(CELLS[name], 5, 4, 3, bidirectional, dropout=0.5).double()
    x = torch.randn(6, 2, 5, dtype=torch.float64)
    torch.manual_seed(1)
    h, signals = layer(x)
    torch.manual_seed(1)
    at = x
    for k, row in enumerate(layer.layers()):
        alone, _ = scan(CELLS[name], [row], torch.dropout(at, 0.5, True), xp=TorchOps())
        torch.testing.assert_close(signals["h"][k], alone["h"][0], rtol=0, atol=1e-12)
        at = torch.cat(list(alone["h"][0]), dim=-1)
    at = torch.dropout(at, 0.5, True)
    torch.testing.assert_close(h, at, rtol=0, atol=1e-12)
    assert torch.any(h == 0)

    plain = Layer(CELLS[name], 5, 4, 3, bidirectional).double()
    plain.load_state_dict(layer.state_dict())
    torch.testing.assert_close(layer.eval()(x)[0], plain(x)[0], rtol=0, atol=0)
