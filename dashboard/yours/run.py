"""One run of a visitor's network, in the order in which it reads, and compared with torch's own where that is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec

import numpy as np

from lstm_core import Block, Token, Trace
from lstm_core.certificate import Certificate
from lstm_core.network import Network
from lstm_core.say import Said, say


def alone(block: Block) -> Block:
    """The block for a single sequence: of the first states that a file has for several the first one, and none of the
    lengths that it has for its own."""
    return replace(block, initial={name: value[:, :, :1] for name, value in block.initial.items()}, lengths=None)


def changed(blocks: Sequence[Block]) -> list[Said]:
    """What ``alone`` has changed about these blocks."""
    several = max((value.shape[2] for block in blocks for value in block.initial.values()), default=1)
    notes = []
    if several > 1:
        notes.append(
            say(
                "Your model's file holds an initial state for each of {count:,} sequences; the first of them is used.",
                count=several,
            )
        )
    if any(block.lengths is not None for block in blocks):
        notes.append(say("Your model's file says how long its own sequences are; here every step is read."))
    return notes


def run(network: Network, x: np.ndarray, tokens: tuple[Token, ...], certified: bool) -> Trace:
    """x: ids or vectors of one sequence, (time,) or (time, input). certified: whether the run of the block is compared
    with the module of ``torch.nn`` that has the same weights, if torch is installed.

    Raises ValueError if a value is beyond what a float holds, or differs from torch's by more than rounding.
    """
    block = network.block
    if block.directions == ("reverse",) and not network.below:  # drawn as it reads, so that before stays before
        network = replace(network, block=replace(block, directions=("forward",)))
        x, tokens = x[::-1], tokens[::-1]
    with np.errstate(over="ignore", invalid="ignore"):
        trace = replace(network.read(x), tokens=tokens)
    for name, values in trace.signals.items():
        if not np.isfinite(values).all():
            step = np.argwhere(~np.isfinite(values))[:, 2].min() + 1
            raise ValueError(
                say(
                    "In your model {name} grows beyond every bound at step {step}; read fewer steps.",
                    name=name,
                    step=step,
                )
            )
    if trace.max_abs_error is None and certified and find_spec("torch") is not None:
        return replace(trace, certificate=Certificate({"h": _error(network, trace)}))
    return trace


def _error(network: Network, trace: Trace) -> float:
    """The largest difference from the module of ``torch.nn`` that has the same weights."""
    import torch

    from lstm_core.modules.kinds import module_of
    from lstm_core.modules.tracing import TOLERANCE

    if len(trace) == 0:
        return 0.0
    h = network.block.output(trace)
    with torch.no_grad():
        output = module_of(network.cell, network.layers)(torch.as_tensor(trace.inputs))[0]
    error = float(np.abs(h - output.numpy()).max())
    if not error <= TOLERANCE[output.dtype] * max(1.0, float(output.abs().max())):
        raise ValueError(
            say("The run of your model differs from torch's own by {error:.2g}, so it is not shown.", error=error)
        )
    return error
