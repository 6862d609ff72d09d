"""A trace of a torch.nn recurrent module, with the proof that it is the module's own run.

The module runs once, as it is, and gives every h. The gates come from there in one of these ways, by shape:

- ``graph``, ``workspace``: read from what oneDNN keeps of an LSTM for training (``lstm_core.modules.workspace``);
- ``recorded``: read from what autograd would keep of a GRU (``lstm_core.modules.gru``);
- ``product``: computed again for all steps at once (``lstm_core.modules.product``), which always works;
- ``loop``: ``lstm_core.scan``, step by step, the reference for the others.

Whichever it was, h is then made from the gates and compared with the module's output at every step.
"""

from __future__ import annotations

import math
import time
import warnings
from contextlib import nullcontext
from itertools import chain
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from lstm_core.modules import gru, workspace
from lstm_core.modules.allocation import empty
from lstm_core.modules.arrays import Arrays
from lstm_core.modules.call import LOW, Call
from lstm_core.modules.kinds import cell_of, layers_of, with_biases
from lstm_core.modules.product import largest, runs
from lstm_core.ops import TorchOps
from lstm_core.scan import Layers, scan
from lstm_core.stacked import GATES, split_weights
from lstm_core.text import Token
from lstm_core.trace import Trace

__all__ = ["GATES", "METHODS", "TOLERANCE", "cell_of", "layers_of", "trace_module"]

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-4, torch.bfloat16: 5e-2, torch.float16: 1e-2}
"""By how much traced and fused hidden states may differ before a trace is refused; times the largest h above 1."""

TF32 = 5e-3
"""The same for float32 on CUDA while cuDNN may round to TF32, its default: 10 bits of mantissa in every product."""

METHODS = ("auto", "graph", "workspace", "recorded", "product", "loop")
KERNELS = {
    "lstm": torch.lstm,
    "lstm_projected": torch.lstm,
    "gru": torch.gru,
    "rnn": torch.rnn_tanh,
    "rnn_relu": torch.rnn_relu,
}


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
    return trace_call(Call(module, x, state, lengths), tokens, method)


def trace_call(call: Call, tokens: tuple[Token, ...] = (), method: str = "auto", like: Trace | None = None) -> Trace:
    """Run ``call`` and trace it. like: an earlier trace of the module, whose copy of the weights will do."""
    if method not in METHODS:
        raise ValueError(f"there is no method {method!r}; there are {', '.join(METHODS)}")
    start = time.perf_counter()
    with torch.no_grad():
        arrays = Arrays(call)
        way = way_for(call, method)
        capture = way(call, arrays) if way else None
        with capture or nullcontext():
            call.run()
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
    kind = call.device.type
    limit = tolerance(call)
    with torch.autocast(kind, enabled=False) if torch.is_autocast_enabled(kind) else nullcontext():
        if call.output_is_ours() and call.output.dtype is call.dtype:
            arrays["h"] = call.output[None, None]
        found = None if capture is None else capture.errors()
        error, rest = found or (math.nan, math.nan)
        if not (error <= limit and rest <= limit):
            if capture is not None:  # what was read along was wrong, and so may be the run that was cut up for it
                call.run()
                arrays = Arrays(call)
            error, rest = _product(call, arrays, limit)
    certify(call, error, rest)
    return _trace(call, arrays.signals(), tokens, start, error, like)


def _product(call: Call, arrays: Arrays, limit: float) -> tuple[float, float]:
    """Compute all gates again; the errors of the module's output, and of everything else."""
    found, directions, last = runs(call, arrays, _hidden_states(call)), call.shape[1], call.last
    below = len(found) - directions
    error = rest = math.nan
    # A module in low precision may round its memory at every step, or only its output.
    for rounding in (None, call.output.dtype) if call.output.dtype in LOW and "c" in call.initial else (None,):
        for run in found:
            run.rounding = rounding
        of_h = [run.fill() for run in found]
        at_end = [run.at_end(last, top=k >= below) for k, run in enumerate(found)]
        error, rest = largest(of_h[below:]), largest([*of_h[:below], *at_end])
        if error <= limit and rest <= limit:
            break
    return error, rest


def tolerance(call: Call) -> float:
    """By how much traced and fused hidden states may differ before the trace is refused."""
    kinds, device = {call.x.dtype, call.output.dtype}, call.device.type
    if torch.is_autocast_enabled(device):  # what it casts to may be seen nowhere
        kinds.add(torch.get_autocast_dtype(device))
    coarse = max(kinds, key=lambda dtype: torch.finfo(dtype).eps) if len(kinds) > 1 else call.output.dtype
    if coarse is torch.float32 and device == "cuda" and torch.backends.cudnn.allow_tf32:
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


def _hidden_states(call: Call) -> list[Tensor]:
    """h of every layer and direction, (time, batch, unit): the module gives the top layer's, torch's kernel the
    others."""
    layers, directions, _, _ = call.shape
    x, found = call.x, []
    for layer in range(layers - 1):
        x = _run_layer(call, layer, x)
        found += x.chunk(directions, dim=-1)
    return [*found, *call.output.chunk(directions, dim=-1)]


def _run_layer(call: Call, layer: int, x: Tensor) -> Tensor:
    """The output of one layer, (time, batch, direction * unit)."""
    row = call.blocks[layer]
    weights = [value for block in row for value in block.values()]
    state = [call.initial[name][layer].to(x.dtype) for name in ("h", "c") if name in call.initial]
    kernel, options = KERNELS[call.cell.name], ("bias_ih" in row[0], 1, 0.0, False, len(row) == 2)
    start = state if len(state) == 2 else state[0]
    if call.lengths is None:
        with warnings.catch_warnings():  # cuDNN says that one layer's weights are not one piece of memory
            warnings.filterwarnings("ignore", message="RNN module weights are not part of single")
            return kernel(x, start, weights, *options, False)[0]
    packed = pack_padded_sequence(x, call.lengths, enforce_sorted=False)
    state = [value[:, packed.sorted_indices] for value in state]
    data = kernel(packed.data, packed.batch_sizes, state if len(state) == 2 else state[0], weights, *options)[0]
    return pad_packed_sequence(packed._replace(data=data), total_length=len(x))[0]


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
        state = {name: value[:, :, at] for name, value in call.initial.items()}
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
        _copy(call.x),
        _weights(call) if like is None else like.layers,
        {name: _copy(value) for name, value in call.initial.items()},
        tokens,
        str(call.device),
        time.perf_counter() - start,
        error,
        None if call.lengths is None else tuple(call.lengths.tolist()),
    )
    _latest[call.module] = ref(found)
    return found


_latest: WeakKeyDictionary[nn.Module, ref[Trace]] = WeakKeyDictionary()


def _weights(call: Call) -> Layers:
    """A copy of the module's weights, which its traces share for as long as they stay the same: of a thousand short
    traces they would be the greater part."""
    latest = _latest.get(call.module)
    earlier = latest() if latest else None
    if earlier is not None and _same(call, earlier):
        return earlier.layers
    named = [[with_biases(weights) for weights in row] for row in call.blocks]
    values = [value.float() if value.dtype in LOW else value for weights in chain(*named) for value in weights.values()]
    values = [value.cpu().numpy() for value in values]
    copies = empty([value.shape for value in values], values[0].dtype)
    for copy, value in zip(copies, values, strict=True):
        copy[...] = value
    left = iter(copies)
    layers = [[split_weights(call.cell, {name: next(left) for name in weights}) for weights in row] for row in named]
    for params in chain(*layers):
        for value in params.values():
            value.flags.writeable = False
    return layers


def _same(call: Call, trace: Trace) -> bool:
    """Whether its weights are the module's."""
    if call.device.type != "cpu" or trace.cell is not call.cell or trace.signals["h"].shape[:2] != call.shape[:2]:
        return False
    for weights, params in zip(chain(*call.blocks), chain(*trace.layers), strict=True):
        for name, own in split_weights(call.cell, with_biases(weights)).items():
            if not np.array_equal(params[name], own.float().numpy() if own.dtype in LOW else own.numpy()):
                return False
    return True


def _copy(tensor: Tensor) -> np.ndarray:
    if tensor.dtype in LOW:
        tensor = tensor.float()
    return tensor.numpy().copy() if tensor.device.type == "cpu" else tensor.cpu().numpy()
