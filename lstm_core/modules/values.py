"""Whether a run has values that can be read. Inside torch's transforms and recordings tensors stand for others."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor


def outside() -> None:
    """ValueError where torch runs this for something else than its values."""
    functorch = getattr(torch._C, "_functorch", None)
    inside = getattr(functorch, "peek_interpreter_stack", lambda: None)()
    if inside is not None:
        raise ValueError("a transform of torch.func (vmap, grad, jvp) is active and hides the values; trace outside it")
    if torch._C._get_tracing_state() is not None:
        raise ValueError("torch.jit.trace is recording a program; trace outside it")


def readable(name: str, value: Tensor) -> None:
    """ValueError or TypeError, with ``name``, for a tensor that holds no values, or not as one computes with them."""
    if value.device.type == "meta":
        raise ValueError(f"{name} is on the device meta, which holds no values")
    if value.is_nested or value.layout is not torch.strided:
        raise TypeError(f"{name} is a sparse or nested tensor; a dense one is needed, padded, with lengths=")
    if value.is_quantized:
        raise TypeError(f"{name} is quantised; {name.split()[-1]}.dequantize() makes it one that can be traced")
    if value.is_complex():
        raise TypeError(f"{name} holds complex numbers; only a network of real ones can be traced")
    plain(name, value)


def plain(name: str, value: Any) -> None:
    """TypeError for a tensor of a subclass that computes in its own way: a FakeTensor, a distributed tensor."""
    kind, base = type(value), cast(Any, Tensor)
    if kind is not base and issubclass(kind, base) and kind.__torch_dispatch__ is not base.__torch_dispatch__:
        raise TypeError(f"{name} is a {kind.__name__}, whose values cannot be read; a plain torch Tensor is needed")


def own(value: Tensor) -> Tensor:
    """``value`` for us to compute with: without gradients of either direction, and with its sign in its bits."""
    return value.detach().resolve_neg()
