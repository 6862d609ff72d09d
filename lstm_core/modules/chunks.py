"""Long sequences in pieces: the trace of each, from the state that the one before it left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import index
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from lstm_core.certificate import joined
from lstm_core.modules.call import one_a_step
from lstm_core.modules.compiled import original
from lstm_core.modules.kinds import cell_of
from lstm_core.modules.tracing import trace_call
from lstm_core.text import Token
from lstm_core.trace import Trace


def chunks(module: nn.Module, x: Any, state: Any, tokens: tuple[Token, ...], steps: int) -> Iterator[Trace]:
    """See ``lstm_core.trace_chunks``. What is wrong is raised at once, not at the first piece."""
    module = original(module)
    cell_of(module)
    if getattr(module, "bidirectional", False):
        raise ValueError(
            "the backward direction begins at the end, so a bidirectional module cannot be traced in pieces"
        )
    if isinstance(x, PackedSequence):
        raise ValueError("a PackedSequence cannot be cut in time; pass the sequences one by one")
    if not hasattr(x, "shape"):
        raise TypeError(f"x is a {type(x).__name__}; a torch Tensor, or an array that is sliced along time, is needed")
    try:
        steps = index(steps)
    except TypeError as error:
        raise TypeError(f"steps is a whole number of steps, not {steps!r:.80}") from error
    if steps < 1:
        raise ValueError(f"steps is {steps}; a piece has at least 1 step")
    if isinstance(module, nn.RNNCellBase) and len(x.shape) != 3:
        raise ValueError(f"a cell is traced in pieces on x of shape (time, batch, input), not {tuple(x.shape)}")
    if isinstance(x, np.ndarray) and x.dtype.kind not in "biuf":
        raise TypeError(f"x must be numbers, not an array of {x.dtype}")
    axis = 1 if getattr(module, "batch_first", False) and len(x.shape) == 3 else 0
    one_a_step(tokens, x.shape[axis])
    return _chunks(module, x, state, tokens, steps, axis)


def _chunks(module: nn.Module, x: Any, state: Any, tokens: tuple[Token, ...], steps: int, axis: int) -> Iterator[Trace]:
    """axis: of time."""
    weight = next(module.parameters())
    for start in range(0, x.shape[axis], steps):
        piece = x[:, start : start + steps] if axis else x[start : start + steps]
        if not isinstance(piece, Tensor):
            piece = torch.from_numpy(np.array(piece)).to(weight)
        trace, call = trace_call(module, piece, state, tokens=tokens[start : start + steps])
        left = call.returned  # detached: what autograd was asked to keep of a piece ends with it
        state = tuple(value.detach() for value in left) if isinstance(left, tuple) else left.detach()
        yield trace
        if trace.broken and not np.isfinite(trace.final["h"]).all(axis=(0, 1, 3)).any():  # no sequence goes on
            return


def join(traces: Sequence[Trace]) -> Trace:
    """One trace from those of consecutive pieces. Each sequence ends with its own first bad step, as those do."""
    whole = behind_each_other(traces)
    if whole.broken is None:
        return whole
    states = whole.cell.states()  # another signal may be infinite and the run go on
    bad = [(~np.isfinite(v) if k in states else np.isnan(v)).any(axis=(0, 1, 4)) for k, v in whole.signals.items()]
    bad = np.any(bad, axis=0)
    ends = np.where(bad.any(axis=0), bad.argmax(axis=0) + 1, len(whole))
    if ends.min() == len(whole):
        return whole
    after = np.arange(len(whole))[:, None] >= ends
    signals = {name: np.where(after[..., None], np.nan, value) for name, value in whole.signals.items()}
    return replace(whole, signals=signals, lengths=tuple(ends.tolist()))


def behind_each_other(traces: Sequence[Trace]) -> Trace:
    """One trace from those of consecutive calls, with all of their steps."""
    first, broken, steps = traces[0], None, 0
    certificates = [one.certificate for one in traces if one.certificate is not None]
    for one in traces:
        if one.broken is not None:
            broken = replace(one.broken, step=one.broken.step + steps)
            break
        steps += len(one)
    return replace(
        first,
        signals={name: np.concatenate([t.signals[name] for t in traces], axis=2) for name in first.signals},
        inputs=np.concatenate([t.inputs for t in traces]),
        tokens=tuple(token for t in traces for token in t.tokens),
        seconds=sum(t.seconds for t in traces),
        certificate=joined(certificates) if len(certificates) == len(traces) else None,
        lengths=None,
        assumed=tuple(dict.fromkeys(sentence for t in traces for sentence in t.assumed)),
        broken=broken,
        forced=tuple(dict.fromkeys(one for t in traces for one in t.forced)),
    )
