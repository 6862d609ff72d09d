"""A layer of one of PyTorch's own cells on a GPU: h of every step by cuDNN, and everything else at once.

Step by step each operation is a launch, 0.2 ms a step whatever its size. cuDNN runs all steps in one, and gives h
alone. But with h the gates of all steps are known, by the cell's own equations on all steps at once, and its memory is
a linear recurrence of them (``lstm_core.parallel``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from lstm_core.cells.base import Cell
from lstm_core.equations import carry
from lstm_core.ops import parameters
from lstm_core.parallel import linear_recurrence
from lstm_core.stacked import GATES, KERNELS, stack_weights


def usable(cell: type[Cell], xp: Any) -> bool:
    """Whether a layer of ``cell`` is run so: it is one of torch's, on an NVIDIA GPU. One whose h is projected is left
    to the time loop: torch tells it from others by its sizes alone."""
    projected = any(param.name == "W_hr" for param in cell.params)
    return cell.name in GATES and not projected and getattr(xp, "device", "") == "cuda"


def run(
    cell: type[Cell],
    params: Mapping[str, Any],
    x: Any,
    old: dict[str, Any],
    below: Any,
    xp: Any,
    backward: bool,
    step: None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """One layer in one direction, for ``lstm_core.scan.scan``: signals (time, batch, unit), last states (batch, unit).

    params and x are torch tensors on ``xp``'s device, x (time, batch, input). Up to rounding what the time loop gives.
    """
    x = xp.flip(x) if backward else x
    weights = [value.contiguous() for value in stack_weights(cell, params, xp).values()]
    names = sorted(old, key=lambda name: name != cell.output)  # h, and c where there is one
    first = [old[name][None].contiguous() for name in names]
    kernel = getattr(xp.torch, KERNELS[cell.name])
    with xp.torch.no_grad(), exact(xp.torch):
        h = kernel(x, first if len(first) == 2 else first[0], weights, True, 1, 0.0, False, False, False)[0]
    p, output = parameters(params), cell.output
    past = {output: xp.concatenate([old[output][None], h[:-1]])}
    values = cell.gates(p, x, SimpleNamespace(**past), xp)
    rule = carry(cell)
    if rule is not None and rule.state != output:
        keep, write = rule.evaluate("keep", values, xp), rule.evaluate("write", values, xp)
        memory = linear_recurrence(keep, write * values[rule.candidate], old[rule.state], xp)
        past[rule.state] = xp.concatenate([old[rule.state][None], memory[:-1]])
    values |= cell.update(p, SimpleNamespace(**values), SimpleNamespace(**past), xp)
    last = {name: values[name][-1] for name in old}
    return {s.name: xp.flip(values[s.name]) if backward else values[s.name] for s in cell.signals}, last


@contextmanager
def exact(torch: Any) -> Iterator[None]:
    """cuDNN computes float32 in full, not in TF32 as it does by default."""
    rnn = getattr(torch.backends.cudnn, "rnn", None)
    if rnn is None or not hasattr(rnn, "fp32_precision"):
        yield
        return
    before = rnn.fp32_precision
    rnn.fp32_precision = "ieee"
    try:
        yield
    finally:
        rnn.fp32_precision = before
