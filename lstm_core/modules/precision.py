"""In which precision a module computed, and by how much what is computed again may therefore differ."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from lstm_core.modules import products
from lstm_core.modules.call import LOW, Call

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-4, torch.bfloat16: 5e-2, torch.float16: 1e-2}
"""By how much traced and fused hidden states may differ before a trace is refused; times the largest h above 1. In half
precision 10 to 20 times what the rounding of one operation may be: of a step there are about ten."""

ROUNDED = {"TF32": 5e-3, "bfloat16": 4e-2}
"""The same for float32 that is rounded in every product, and nowhere else: to TF32, 10 bits of mantissa, by cuDNN
unless it is told not to; to bfloat16, 7 bits, by oneDNN where it is told that it may."""


def precision(call: Call) -> torch.dtype:
    """The coarsest that the module computed in."""
    kinds = {call.x.dtype, call.output.dtype}
    if call.autocast():  # what it casts to may be seen nowhere
        kinds.add(torch.get_autocast_dtype(call.device.type))
    return max(kinds, key=lambda dtype: torch.finfo(dtype).eps) if len(kinds) > 1 else call.output.dtype


def rounded(call: Call) -> str:
    """To what float32 is rounded in the module's products: "TF32", "bfloat16", or "" where it is not."""
    if precision(call) is not torch.float32:
        return ""
    if call.device.type == "cpu":
        return _by_onednn(call) if products.allowed("matmul", "rnn") else ""
    if call.device.type != "cuda":
        return ""
    # cuDNN may, on cards that have TF32 (compute capability 8.0 on); a cell's products do where PyTorch is told so.
    allowed = _allows(torch.backends.cuda.matmul if call.single else torch.backends.cudnn)
    return "TF32" if allowed and torch.cuda.get_device_capability(call.device) >= (8, 0) else ""


def _by_onednn(call: Call) -> str:
    """The same on a CPU. An LSTM on whole sequences is one operation of oneDNN, all else runs by products."""
    _, _, time, batch = call.shape
    blocks = [block for row in call.blocks for block in row]
    if call.cell.name == "lstm" and not call.single and not call.packed:
        return products.coarsest(
            [products.of_lstm(batch, block["weight_ih"].shape[1], call.hidden) for block in blocks]
        )
    rows = {"weight_ih": batch if call.single else time * batch}
    found = [
        products.of_products(rows.get(name, batch), value.shape)
        for block in blocks
        for name, value in block.items()
        if value.dim() == 2
    ]
    return products.coarsest(found)


def own_rounded(module: nn.Module, x: Tensor) -> str:
    """The same of somebody's module on ``x``, (time, batch, ...). On CUDA convolutions are cuDNN's, and so are
    recurrent modules; products alone are not."""
    if x.device.type == "cpu":
        shapes = [tuple(value.shape) for value in module.parameters()]
        found = [
            products.of_products(x.shape[0] * x.shape[1], way) for s in shapes if len(s) == 2 for way in (s, s[::-1])
        ]
        return products.coarsest(found + [products.of_convolutions(s) for s in shapes if 2 < len(s) < 6])
    if x.device.type != "cuda" or torch.cuda.get_device_capability(x.device) < (8, 0):
        return ""
    kinds = tuple(type(inner) for inner in module.modules())
    convolves = x.dim() > 3 or any(issubclass(kind, _ConvNd) for kind in kinds)
    runs = any(issubclass(kind, nn.RNNBase) for kind in kinds)
    allowed = (
        _allows(torch.backends.cuda.matmul)
        or (convolves and _allows(torch.backends.cudnn, "conv"))
        or (runs and _allows(torch.backends.cudnn))
    )
    return "TF32" if allowed else ""


def _allows(backend: Any, of: str = "rnn") -> bool:
    """Whether ``backend`` may use TF32, in the older or the newer of PyTorch's two ways of saying so: what was said in
    one cannot be asked in the other. of: which of cuDNN's operations."""
    with products.SETTINGS:
        older = _asked(backend, "allow_tf32")
        return getattr(backend, of, backend).fp32_precision == "tf32" if older is None else bool(older)


@contextmanager
def like_its_own(call: Call) -> Iterator[None]:
    """On CUDA, products of float32 are made in TF32 where the module's are, or are in less: numbers of 16 bits are
    numbers of TF32, so that nothing is lost, and full float32 would take several times as long."""
    backend = torch.backends.cuda.matmul
    if call.device.type != "cuda" or not (rounded(call) or precision(call) in LOW):
        yield
        return
    with products.SETTINGS:
        if _allows(backend):
            yield
            return
        names = "allow_tf32", "fp32_precision"
        before = {name: value for name in names if (value := _asked(backend, name)) is not None}
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
    """The precision in words: "float32", "TF32", "float32 (products in bfloat16)", "bfloat16 (autocast)"."""
    return in_words(precision(call), rounded(call), call.autocast())


def in_words(dtype: torch.dtype, rounded: str, autocast: bool) -> str:
    """See ``name_of``. rounded: as that function gives it."""
    if rounded == "TF32":
        return rounded
    how = f" (products in {rounded})" if rounded else " (autocast)" if autocast else ""
    return str(dtype).removeprefix("torch.") + how


def tolerance(call: Call) -> float:
    """By how much traced and fused hidden states may differ before the trace is refused."""
    return ROUNDED.get(rounded(call)) or TOLERANCE[precision(call)]


def unit(call: Call) -> float:
    """How much of a sum may be rounded off, relative to what is added up."""
    limit = ROUNDED.get(rounded(call))
    return torch.finfo(precision(call)).eps if limit is None else limit / 1000


def plain(call: Call) -> AbstractContextManager[object]:
    """What is computed here is computed as it says: without autocast, and in full where the module's products are."""
    autocast = torch.autocast(call.device.type, enabled=False) if call.autocast() else nullcontext()
    if call.device.type != "cpu" or not products.allowed("matmul") or rounded(call):
        return autocast
    both = ExitStack()
    both.enter_context(autocast)
    both.enter_context(products.in_full())
    return both
