"""A trace of a torch.nn recurrent module, with the proof that it is the module's own run.

The module runs once, as it is, and gives every h. The gates come from there in one of these ways, by shape:

- ``graph``, ``workspace``: read from what oneDNN keeps of an LSTM for training (``lstm_core.modules.workspace``);
- ``recorded``: read from what autograd would keep of a GRU (``lstm_core.modules.gru``);
- ``product``: computed again for all steps at once (``lstm_core.modules.product``), which always works;
- ``loop``: ``lstm_core.scan``, step by step, the reference for the others.

Whichever it was, h is then made from the gates and compared with the module's output at every step. No gate is further
from the module's than one step's rounding, since each is computed from the h that the module itself read. Only c is
carried on: in half precision, where rounding adds up, c is the module's own as well, and is compared with what the
gates make of the c before it (``lstm_core.modules.kernels``).
"""

from __future__ import annotations

import math
import time
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from torch import nn

from lstm_core.modules import gru, workspace
from lstm_core.modules.arrays import Arrays
from lstm_core.modules.call import LOW, Call, Fed
from lstm_core.modules.compiled import eager, original
from lstm_core.modules.copies import copied, remember, weights_of
from lstm_core.modules.kernels import cell_states, hidden_states
from lstm_core.modules.kinds import cell_of, layers_of, with_biases
from lstm_core.modules.product import largest, runs
from lstm_core.modules.unchanged import unchanged
from lstm_core.modules.watch import Watch, its_own, joined, watched
from lstm_core.ops import TorchOps
from lstm_core.scan import scan
from lstm_core.stacked import GATES, split_weights
from lstm_core.text import Token
from lstm_core.trace import Trace

__all__ = ["GATES", "METHODS", "TOLERANCE", "cell_of", "layers_of", "trace_module"]

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-4, torch.bfloat16: 5e-2, torch.float16: 1e-2}
"""By how much traced and fused hidden states may differ before a trace is refused; times the largest h above 1. In half
precision 10 to 20 times what the rounding of one operation may be: of a step there are about ten."""

TF32 = 5e-3
"""The same for float32 on CUDA while cuDNN may round to TF32, its default: 10 bits of mantissa in every product."""

METHODS = ("auto", "graph", "workspace", "recorded", "product", "loop")


def trace_module(
    module: nn.Module,
    x: Any,
    state: Any = None,
    tokens: tuple[Token, ...] = (),
    lengths: Any = None,
    method: str = "auto",
) -> Trace:
    """Trace ``module`` on ``x``, in the layout that the module takes. See ``lstm_core.trace``.

    method: one of ``METHODS``; "auto" chooses by shape. Those that read along fall back on "product" where the
    module does not run the way that they read.
    """
    return trace_call(original(module), x, state, lengths, tokens, method)[0]


def trace_call(
    module: nn.Module,
    x: Any,
    state: Any = None,
    lengths: Any = None,
    tokens: tuple[Token, ...] = (),
    method: str = "auto",
    like: Trace | None = None,
) -> tuple[Trace, Call]:
    """Run the module and trace it: the trace, and the call. like: an earlier trace of the module, whose copy of the
    weights will do if nothing else makes them.
    """
    if method not in METHODS:
        raise ValueError(f"there is no method {method!r}; there are {', '.join(METHODS)}")
    start = time.perf_counter()
    with torch.no_grad(), eager():
        if watched(module):
            with unchanged(module):
                call, arrays, capture = _observed(Fed(module, x, state, lengths), method)
                return _finished(call, arrays, capture, tokens, start, method, None), call
        call = Call(module, x, state, lengths)
        arrays, capture = _begin(call, method)
        with its_own(module), capture or nullcontext():
            call.run()
        return _finished(call, arrays, capture, tokens, start, method, like), call


def _begin(call: Call, method: str) -> tuple[Arrays, Any]:
    """The arrays of a call that is about to run, and what reads along, if anything."""
    arrays = Arrays(call)
    way = way_for(call, method)
    return arrays, way(call, arrays) if way else None


def _observed(fed: Fed, method: str) -> tuple[Call, Arrays, Any]:
    """Run a module that hooks stand round: the call as its forward had it."""
    ran: list[tuple[Call, Arrays, Any]] = []
    with Watch(fed.module, lambda *one: ran.append(one), lambda call: _begin(call, method)):
        fed.result()
    if len(ran) == 1:
        return ran[0]
    call = joined([call for call, _, _ in ran])
    return call, Arrays(call), None


def _finished(
    call: Call, arrays: Arrays, capture: Any, tokens: tuple[Token, ...], start: float, method: str, like: Trace | None
) -> Trace:
    if method == "loop":
        return _loop(call, tokens, start)
    return finish(call, arrays, capture, tokens, start, like)


READ: dict[str, Any] = {
    "graph": workspace.Graph,
    "workspace": workspace.Cut,
    "recorded": gru.Recorded,
}


def way_for(call: Call, method: str = "auto") -> Any:
    """What reads along while the module runs; None if nothing does."""
    asked = (way for name, way in READ.items() if method == name or (method == "auto" and way.worth(call)))
    return next((way for way in asked if way.usable(call)), None)


def finish(
    call: Call,
    arrays: Arrays,
    capture: Any,
    tokens: tuple[Token, ...],
    start: float,
    like: Trace | None = None,
) -> Trace:
    """The trace of a call that has run, with what ``capture`` read on the way, if anything.

    Raises RuntimeError, as ``lstm_core.trace`` says, if it is not what the module computed.
    """
    limit = tolerance(call)
    if call.output_is_ours() and call.output.dtype is call.dtype:
        arrays["h"] = call.output[None, None]
    found = None if capture is None else capture.errors()
    error, rest = found or (math.nan, math.nan)
    if not (error <= limit and rest <= limit):
        if capture is not None:  # what was read along was wrong, and so may be the run that was cut up for it
            call.again()
            arrays = Arrays(call)
        error, rest = _product(call, arrays)
    certify(call, error, rest)
    return _trace(call, arrays.signals(), tokens, start, error, like)


def _product(call: Call, arrays: Arrays) -> tuple[float, float]:
    """Compute all gates again; the errors of the module's output, and of everything else."""
    hidden, last, below = hidden_states(call), call.last, (call.shape[0] - 1) * call.shape[1]
    own = cell_states(call, hidden) if "c" in call.initial and precision(call) in LOW else None
    with _plain(call):
        found = runs(call, arrays, hidden, own)
        of_h = [run.fill() for run in found]
        rest = [run.at_end(last, top=k >= below) for k, run in enumerate(found)]
        if own is not None:
            rest += [run.carried() for run in found]
    return largest(of_h[below:]), largest([*of_h[:below], *rest])


def _plain(call: Call) -> Any:
    """What is computed here is computed as it says."""
    return torch.autocast(call.device.type, enabled=False) if call.autocast() else nullcontext()


def precision(call: Call) -> torch.dtype:
    """The coarsest that the module computed in."""
    kinds = {call.x.dtype, call.output.dtype}
    if call.autocast():  # what it casts to may be seen nowhere
        kinds.add(torch.get_autocast_dtype(call.device.type))
    return max(kinds, key=lambda dtype: torch.finfo(dtype).eps) if len(kinds) > 1 else call.output.dtype


def tolerance(call: Call) -> float:
    """By how much traced and fused hidden states may differ before the trace is refused."""
    coarse = precision(call)
    if coarse is torch.float32 and call.device.type == "cuda" and torch.backends.cudnn.allow_tf32:
        return TF32
    return TOLERANCE[coarse]


def certify(call: Call, error: float, rest: float = 0.0) -> None:
    """RuntimeError if the error of the module's output, or that of the layers below and of the last states, is more
    than rounding can explain."""
    limit = tolerance(call)
    if not (error <= limit and rest <= limit) and math.isfinite(error) and math.isfinite(rest):
        limit *= max(1.0, float(call.output.abs().max()))  # only a rectifier or a projection gets there
    if not math.isfinite(error) and not bool(call.output.isfinite().all()):
        raise RuntimeError(
            "the module's own output holds NaN or infinite values, so no trace of it can be checked; "
            "look for them in its input, its state and its weights"
        )
    for what, value in (("output", error), ("lower layers or last states", rest)):
        if not value <= limit:
            raise RuntimeError(
                f"the trace differs from the module's own {what} by {value:.2g}, more than {limit:.0e} "
                f"allows in {str(call.output.dtype).removeprefix('torch.')}, so it is not shown"
            )


def _loop(call: Call, tokens: tuple[Token, ...], start: float) -> Trace:
    """The reference: step by step, sequences of one length at a time."""
    layers = [
        [
            {name: value.to(call.dtype) for name, value in split_weights(call.cell, with_biases(weights)).items()}
            for weights in row
        ]
        for row in call.blocks
    ]
    time, batch = call.shape[2:]
    lengths = torch.full((batch,), time) if call.lengths is None else call.lengths
    x, signals = call.x.to(call.dtype), {}
    for length in lengths.unique().tolist():
        at = torch.nonzero(lengths == length).flatten().to(call.device)
        state = {name: value[:, :, at].to(call.dtype) for name, value in call.initial.items()}
        with _plain(call):
            part, _ = scan(call.cell, layers, x[:length, at], state, TorchOps(str(call.device)))
        for name, value in part.items():
            whole = signals.setdefault(name, value.new_full((*value.shape[:2], time, batch, value.shape[-1]), math.nan))
            whole[:, :, :length, at] = value
    top = torch.cat(list(signals["h"][-1]), dim=-1)
    valid = (torch.arange(time)[:, None] < lengths).to(call.device)
    difference = (top - call.output.to(call.dtype))[valid].abs()
    error = float(difference.max()) if difference.numel() else 0.0
    certify(call, error)
    return _trace(call, {name: value.cpu().numpy() for name, value in signals.items()}, tokens, start, error)


def _trace(
    call: Call,
    signals: dict[str, np.ndarray],
    tokens: tuple[Token, ...],
    start: float,
    error: float,
    like: Trace | None = None,
) -> Trace:
    """Everything as NumPy; what belongs to the caller is copied, so that a trace stays what it was."""
    found = Trace(
        call.cell,
        signals,
        copied(call.x),
        weights_of(call) if like is None else like.layers,
        {name: copied(value) for name, value in call.initial.items()},
        tokens,
        str(call.device),
        time.perf_counter() - start,
        error,
        None if call.lengths is None else tuple(call.lengths.tolist()),
        assumed=call.assumed,
    )
    remember(call, found)
    return found
