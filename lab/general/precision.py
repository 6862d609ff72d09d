"""In which numbers a training multiplies."""

from __future__ import annotations

from functools import cache

import torch


@cache
def products(device: torch.device) -> torch.dtype:
    """bfloat16, or float32 on a processor without AVX-512, for which oneDNN has no recurrent layer in bfloat16."""
    x = torch.zeros(1, 1, 1, device=device)
    weights = [torch.zeros(shape, device=device, requires_grad=True) for shape in ((4, 1), (4, 1), (4,), (4,))]
    try:
        with torch.autocast(device.type, torch.bfloat16):
            torch.lstm(x, (x, x), weights, True, 1, 0.0, True, False, False)
    except RuntimeError:
        return torch.float32
    return torch.bfloat16


def autocast(device: torch.device) -> torch.autocast:
    """Products in ``products``, everything else in float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=products(device) == torch.bfloat16)
