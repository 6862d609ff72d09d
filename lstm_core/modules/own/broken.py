"""A run that breaks: up to which step it holds, what the first value is that is no finite number, and its origin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from lstm_core.certificate import Broken
from lstm_core.modules.own.call import Ran


def until_broken(
    module: nn.Module,
    ran: Ran,
    before: Mapping[str, Tensor],
    values: Mapping[str, Tensor],
    order: Sequence[str],
    arrays: Mapping[str, np.ndarray],
) -> tuple[Broken | None, tuple[int, ...] | None]:
    """The first bad value and the steps of each sequence, up to and with its first one; None and None if there is none.

    before: the states that the run began from. values: every signal, (time, batch, ...); order: their names, as they
    are computed. arrays: the same as they go into the trace, (time, batch, unit); made NaN after the end of a sequence.
    Only what the module gives and carries on breaks a run: a gate may well be infinite.
    """
    steps = len(ran.x)
    shown = [value for name, value in values.items() if name in before or name in ran.given]
    bad = torch.stack([~value.flatten(2).isfinite().all(-1) for value in shown]).any(0)
    if not bool(bad.any()):
        return None, None
    ends = torch.where(bad.any(0), bad.to(torch.int8).argmax(0) + 1, steps).tolist()
    b = int(np.argmin(ends))
    t = ends[b] - 1
    name = next(name for name in order if not bool(values[name][t, b].isfinite().all()))
    row = values[name][t, b].flatten()
    unit = int((~row.isfinite()).nonzero()[0])
    broken = Broken(name, 0, 0, t, b, unit, float(row[unit]), *_origin(module, ran, before, t, b))
    for value in arrays.values():
        for sequence, end in enumerate(ends):
            value[end:, sequence] = np.nan
    return broken, None if set(ends) == {steps} else tuple(ends)


def _origin(module: nn.Module, ran: Ran, before: Mapping[str, Tensor], t: int, b: int) -> tuple[str, str]:
    place = _place(ran.x[t, b])
    if place is not None:
        return "input", f"x{place}"
    for name, value in before.items() if t == 0 else ():
        place = _place(value[b])
        if place is not None:
            return "state", f"{name}{place}"
    for name, value in module.named_parameters():
        place = _place(value)
        if place is not None:
            return "weight", f"{name}{place}"
    return "arithmetic", ""


def _place(values: Tensor) -> str | None:
    """The index of the first bad value, "[7, 2]"; None if there is none."""
    bad = (~values.isfinite()).nonzero()
    return None if len(bad) == 0 else str(bad[0].tolist())
