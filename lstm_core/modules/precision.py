"""In which precision a module computed, and by how much what is computed again may therefore differ."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from lstm_core.modules.call import LOW, Call

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-4, torch.bfloat16: 5e-2, torch.float16: 1e-2}
"""By how much traced and fused hidden states may differ before a trace is refused; times the largest h above 1. In half
precision 10 to 20 times what the rounding of one operation may be: of a step there are about ten."""

TF32 = 5e-3
"""The same for float32 on CUDA where cuDNN rounds to TF32, its default: 10 bits of mantissa in every product."""


def precision(call: Call) -> torch.dtype:
    """The coarsest that the module computed in."""
    kinds = {call.x.dtype, call.output.dtype}
    if call.autocast():  # what it casts to may be seen nowhere
        kinds.add(torch.get_autocast_dtype(call.device.type))
    return max(kinds, key=lambda dtype: torch.finfo(dtype).eps) if len(kinds) > 1 else call.output.dtype


def in_tf32(call: Call) -> bool:
    """Whether float32 is rounded to TF32 in the module's products: cuDNN may, on cards that have it (compute
    capability 8.0 on), and a cell's own products do where PyTorch is told so."""
    if call.device.type != "cuda" or precision(call) is not torch.float32:
        return False
    allowed = _allows(torch.backends.cuda.matmul if call.single else torch.backends.cudnn)
    return allowed and torch.cuda.get_device_capability(call.device) >= (8, 0)


def own_in_tf32(module: nn.Module, x: Tensor) -> bool:
    """The same of somebody's module on ``x``, (time, batch, ...): convolutions are cuDNN's, and so are recurrent
    modules; products alone are not."""
    if x.device.type != "cuda" or torch.cuda.get_device_capability(x.device) < (8, 0):
        return False
    kinds = tuple(type(inner) for inner in module.modules())
    convolves = x.dim() > 3 or any(issubclass(kind, _ConvNd) for kind in kinds)
    runs = any(issubclass(kind, nn.RNNBase) for kind in kinds)
    return (
        _allows(torch.backends.cuda.matmul)
        or (convolves and _allows(torch.backends.cudnn, "conv"))
        or (runs and _allows(torch.backends.cudnn))
    )


def _allows(backend: Any, of: str = "rnn") -> bool:
    """Whether ``backend`` may use TF32, in the older or the newer of PyTorch's two ways of saying so: what was said in
    one cannot be asked in the other. of: which of cuDNN's operations."""
    older = _asked(backend, "allow_tf32")
    return getattr(backend, of, backend).fp32_precision == "tf32" if older is None else bool(older)


@contextmanager
def like_its_own(call: Call) -> Iterator[None]:
    """On CUDA, products of float32 are made in TF32 where the module's are, or are in less: numbers of 16 bits are
    numbers of TF32, so that nothing is lost, and full float32 would take several times as long."""
    backend = torch.backends.cuda.matmul
    if call.device.type != "cuda" or not (in_tf32(call) or precision(call) in LOW) or _allows(backend):
        yield
        return
    before = {name: value for name in ("allow_tf32", "fp32_precision") if (value := _asked(backend, name)) is not None}
    if "allow_tf32" in before:
        backend.allow_tf32 = True
    else:
        backend.fp32_precision = "tf32"
    try:
        yield
    finally:
        for name, value in before.items():  # the newer last: the older one's False is not its "none"
            setattr(backend, name, value)


def _asked(backend: Any, name: str) -> Any:
    """None where it cannot be asked."""
    try:
        return getattr(backend, name, None)
    except RuntimeError:
        return None


def name_of(call: Call) -> str:
    """The precision in words: "float32", "TF32", "bfloat16 (autocast)"."""
    if in_tf32(call):
        return "TF32"
    return str(precision(call)).removeprefix("torch.") + (" (autocast)" if call.autocast() else "")


def tolerance(call: Call) -> float:
    """By how much traced and fused hidden states may differ before the trace is refused."""
    return TF32 if in_tf32(call) else TOLERANCE[precision(call)]


def unit(call: Call) -> float:
    """How much of a sum may be rounded off, relative to what is added up."""
    return TF32 / 1000 if in_tf32(call) else torch.finfo(precision(call)).eps


def plain(call: Call) -> AbstractContextManager[object]:
    """What is computed here is computed as it says."""
    return torch.autocast(call.device.type, enabled=False) if call.autocast() else nullcontext()
