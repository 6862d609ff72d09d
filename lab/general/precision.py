"""In which numbers a training multiplies."""

from __future__ import annotations

from functools import cache

import torch
from torch import nn


@cache
def products(device: torch.device) -> torch.dtype:
    """bfloat16, or float32 on a processor without AVX-512, for which oneDNN has no recurrent layer in bfloat16."""
    try:
        with torch.autocast(device.type, torch.bfloat16):
            nn.utils.skip_init(nn.LSTM, 1, 1, device=device)(torch.zeros(1, 1, 1, device=device))
    except RuntimeError:
        return torch.float32
    return torch.bfloat16


def autocast(device: torch.device) -> torch.autocast:
    """Products in ``products``, everything else in float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=products(device) == torch.bfloat16)
