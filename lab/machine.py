"""What a measurement or a training ran on, as its record says it."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path


def machine(device: str = "cpu") -> str:
    """The kind of processor and the number of cores; on an accelerator its name."""
    if device == "cuda":
        import torch

        return torch.cuda.get_device_name()
    if device == "mps":
        return "Apple silicon, GPU"
    try:
        found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    kind = found[1].strip() if found else platform.processor() or platform.machine()
    return f"{kind}, {os.cpu_count()} cores"
