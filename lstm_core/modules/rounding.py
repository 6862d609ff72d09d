"""How far apart two computations of the same gates may be when large numbers are added up for them.

Inputs that nobody scaled (prices, times in seconds) make sums of thousands that cancel out. float32 rounds 10,000 by
0.0005, in one order of adding up otherwise than in another, and that is then the difference of two gates. The module's
own gates are no better known than that.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lstm_core.modules.call import LOW
from lstm_core.modules.run import Run

ULPS = 4
"""By how much two orders of adding up may differ, in units of the last place of all that is added up. Two hundred
numbers of one sign differ by up to two."""
MOST = 0.1
"""Where a gate between 0 and 1 can be off by more, nothing is known of it."""

MANTISSA = {"bfloat16": 7, "TF32": 10}
"""Bits that are left of float32's 23, which products may round to (``lstm_core.modules.precision.rounded``)."""

SAID = (
    "the numbers added up are so large that rounding in {precision} explains a difference of {error:.1g} between the "
    "module's {name} and what the trace's gates make of it"
)


def allowed(run: Run, start: int, stop: int, kind: torch.dtype, unit: float, limit: float) -> dict[str, Tensor]:
    """By how many times ``limit`` h, (steps, batch, output), and c, (steps, batch, hidden), of a span may differ.

    kind: the precision of the module: in half the sums themselves are rounded, else what is added up for them. unit:
    how much is rounded off, relative to that.
    """
    x, h = run.x[start:stop], run.before(run.read, "h", start, stop)
    parts = []
    for values, place in ((x, "ih"), (h, "hh")):
        w, b = run.weights[f"weight_{place}"], run.weights.get(f"bias_{place}")
        if kind in LOW:
            parts.append(torch.nn.functional.linear(values, w, b).abs())
        else:
            parts.append(torch.nn.functional.linear(values.abs(), w.abs(), None if b is None else b.abs()))
    summed = parts[0].add_(parts[1]).unflatten(-1, (len(run.letters), run.hidden)).amax(-2)
    summed.mul_((1 if kind in LOW else ULPS) * unit / limit)
    if run.cell.name != "rnn_relu":
        summed.clamp_(max=MOST / limit)
    projected = run.weights.get("weight_hr")
    return {"h": summed if projected is None else summed @ projected.abs().T, "c": summed}


def matters(run: Run, kind: torch.dtype, unit: float, limit: float) -> bool:
    """Whether it allows more than ``limit`` at any step."""
    return any(bool((allowed(run, *span, kind, unit, limit)["c"] > 1).any()) for span in run.blocks())


def to(values: np.ndarray, name: str) -> np.ndarray:
    """``values`` (float32) as a product that rounds to ``name`` reads them."""
    lost = 23 - MANTISSA[name]
    bits = np.ascontiguousarray(values).view(np.uint32)
    near = ((bits + np.uint32(1 << (lost - 1))) >> lost << lost).view(np.float32)
    return np.where(np.isfinite(values), near, values)
