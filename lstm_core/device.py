"""Where a model runs. An accelerator is looked for without importing torch, which takes seconds, unless there is a
sign of one."""

from __future__ import annotations

import math
import platform
import sys
from pathlib import Path
from typing import Any

from lstm_core.ops import NUMPY, TorchOps
from lstm_core.say import Said, say

DEVICES = ("auto", "cpu", "cuda", "mps")
WORTH = 1e6
"""Multiplications of one step, for all sequences, from which an accelerator is expected to be the faster. Step by step
it takes 0.2 ms for each, whatever its size, in launches; NumPy on one core does so many multiplications in that time.
Measured on an H200: 20 steps of a shipped model, 25,000 each, took 4.6 ms there and 0.7 ms in NumPy."""


def accelerator_hint() -> str | None:
    """The accelerator that this machine seems to have, from its operating system alone; None if there is no sign."""
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return "mps"
    if sys.platform == "win32":
        import ctypes.util

        return "cuda" if ctypes.util.find_library("nvcuda") else None
    signs = ("/dev/nvidia0", "/dev/nvidiactl", "/dev/dxg", "/dev/kfd")  # driver, driver, WSL, ROCm
    return "cuda" if any(Path(sign).exists() for sign in signs) else None


def accelerator() -> str | None:
    """The accelerator that can be chosen: there is a sign of it, and a PyTorch is installed; None if not. Whether that
    PyTorch can use it, ``resolve`` finds out, which imports it."""
    hint = accelerator_hint()
    return hint if hint and _torch_installed() else None


def _usable(name: str) -> bool:
    import torch

    return torch.cuda.is_available() if name == "cuda" else torch.backends.mps.is_available()


def resolve(device: str = "auto", backend: str | None = None, work: float = math.inf) -> tuple[str, Any]:
    """The device's name and the back end that computes on it.

    device: "auto" takes the accelerator if there is one and the work is worth it, else the CPU; "cpu"; "cuda"; "mps".
    work: multiplications of one step, for all sequences.
    backend: "numpy" or "torch" to force one on the CPU; by default NumPy there and torch elsewhere.

    Raises ValueError for an unknown device or back end, and for a device that this machine does not have.
    """
    if device not in DEVICES:
        raise ValueError(f"there is no device {device!r}; there are {', '.join(DEVICES)}")
    if backend not in (None, "numpy", "torch"):
        raise ValueError(f"there is no back end {backend!r}; there are numpy, torch")
    if device == "auto":
        hint = accelerator_hint() if backend != "numpy" and work >= WORTH else None
        device = hint if hint and _torch_installed() and _usable(hint) else "cpu"
    elif device != "cpu" and not (_torch_installed() and _usable(device)):
        raise ValueError(
            say("this machine has no usable {device!r} device; use device='auto' or 'cpu'", device=device)
        )
    if device == "cpu" and backend != "torch":
        return "cpu", NUMPY
    return device, TorchOps(device)


def stays(keep: str) -> bool:
    """Whether the signals of a run stay on its device: of ``keep``, "host" or "device". ValueError for another."""
    if keep not in ("host", "device"):
        raise ValueError(f"a trace is kept on host or device, not on {keep!r}")
    return keep == "device"


def place(device: str) -> Said:
    """Where a run on ``device`` took place, as a phrase for people; of the CPU also why it was not an accelerator.

    device: "cpu", "cuda" or "mps", as a trace has it.
    """
    if device == "cuda":
        import torch

        return say("PyTorch on the GPU ({name})", name=torch.cuda.get_device_name())
    if device == "mps":
        return say("PyTorch on the GPU ({name})", name="Apple silicon")
    hint = accelerator_hint()
    if hint is None:
        return say("NumPy on the CPU: no accelerator was found")
    if not _torch_installed():
        return say("NumPy on the CPU: PyTorch is not installed")
    if not _usable(hint):
        return say("NumPy on the CPU: the installed PyTorch cannot use the accelerator")
    return say("NumPy on the CPU: so small a run is faster there")


def _torch_installed() -> bool:
    from importlib.util import find_spec

    return find_spec("torch") is not None
