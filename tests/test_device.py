"""Where a model runs: every device gives what float64 on the CPU gives; torch is imported only where it is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import cases
import numpy as np
import pytest
import torch

from lstm_core import CELLS, device
from lstm_core.ops import NUMPY, NumpyOps, TorchOps

TEXT = "Mary was late because she. John? " * 12
CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
MPS = pytest.mark.skipif(not torch.backends.mps.is_available(), reason="no MPS device here")
RUNS = [
    pytest.param({"device": "auto"}, id="auto"),
    pytest.param({"device": "cpu"}, id="cpu"),
    pytest.param({"device": "cpu", "backend": "numpy"}, id="numpy"),
    pytest.param({"device": "cpu", "backend": "torch"}, id="torch"),
    pytest.param({"device": "auto", "backend": "torch"}, id="auto-torch"),
    pytest.param({"device": "cuda"}, id="cuda", marks=CUDA),
    pytest.param({"device": "mps"}, id="mps", marks=MPS),
]


@pytest.mark.parametrize("how", RUNS)
@pytest.mark.parametrize("name", CELLS)
def test_every_device_agrees_with_float64_on_the_cpu(name: str, how: dict[str, str]) -> None:
    """96 tokens, two layers in both directions: every signal to 1e-5, as float32 NumPy arrays."""
    model = cases.model(name, layers=2, directions=2)
    trace = model.run(TEXT, **how)
    exact = [[{k: v.astype(np.float64) for k, v in p.items()} for p in row] for row in model.layers]
    reference, _ = cases.run(model.cell, exact, trace.inputs.astype(np.float64))
    assert trace.device == (how["device"] if how["device"] != "auto" else best())
    for key, value in trace.signals.items():
        assert isinstance(value, np.ndarray) and value.dtype == np.float32
        # Absolute for gates and states; relative where a signal has no bound and grows.
        np.testing.assert_allclose(value, reference[key], rtol=1e-5, atol=1e-5, err_msg=key)


def best() -> str:
    return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"


def test_auto_without_an_accelerator_is_numpy_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "accelerator_hint", lambda: None)
    assert device.resolve() == device.resolve("auto") == device.resolve("cpu") == ("cpu", NUMPY)


def test_torch_can_be_forced_on_the_cpu() -> None:
    name, xp = device.resolve("cpu", backend="torch")
    assert name == "cpu" and isinstance(xp, TorchOps) and xp.device == "cpu"
    assert isinstance(device.resolve("cpu", backend="numpy")[1], NumpyOps)


@pytest.mark.parametrize("hint", ["cuda", "mps"])
def test_auto_takes_what_is_there_and_usable(hint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver's file alone is not enough: torch must be able to use the accelerator."""
    monkeypatch.setattr(device, "accelerator_hint", lambda: hint)
    monkeypatch.setattr(device, "_usable", lambda name: True)
    name, xp = device.resolve("auto")
    assert name == hint and isinstance(xp, TorchOps) and xp.device == hint
    assert device.resolve("auto", backend="numpy") == ("cpu", NUMPY)
    monkeypatch.setattr(device, "_usable", lambda name: False)
    assert device.resolve("auto") == ("cpu", NUMPY)
    monkeypatch.setattr(device, "_usable", lambda name: True)
    monkeypatch.setattr(device, "_torch_installed", lambda: False)
    assert device.resolve("auto") == ("cpu", NUMPY)


def test_an_unknown_device_is_answered_with_what_there_is() -> None:
    with pytest.raises(ValueError, match="there is no device 'gpu'; there are auto, cpu, cuda, mps"):
        device.resolve("gpu")
    with pytest.raises(ValueError, match="there is no device 'tpu'"):
        cases.model().run("she", device="tpu")
    with pytest.raises(ValueError, match="there is no back end 'jax'; there are numpy, torch"):
        device.resolve("cpu", backend="jax")


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_here_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_usable", lambda name: False)
    with pytest.raises(ValueError, match=f"no usable '{name}' device; use device='auto' or 'cpu'"):
        device.resolve(name)


HINTS: list[tuple[dict[str, Any], str | None]] = [
    ({"platform": "darwin", "machine": "arm64"}, "mps"),
    ({"platform": "darwin", "machine": "x86_64"}, None),
    ({"platform": "linux", "machine": "x86_64", "files": ["/dev/nvidia0"]}, "cuda"),
    ({"platform": "linux", "machine": "x86_64", "files": ["/dev/dxg"]}, "cuda"),
    ({"platform": "linux", "machine": "x86_64", "files": ["/dev/kfd"]}, "cuda"),
    ({"platform": "linux", "machine": "aarch64", "files": []}, None),
]


@pytest.mark.parametrize(("machine", "expected"), HINTS)
def test_hint(machine: dict[str, Any], expected: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    files = machine.get("files", [])
    monkeypatch.setattr(device.sys, "platform", machine["platform"])
    monkeypatch.setattr(device.platform, "machine", lambda: machine["machine"])
    monkeypatch.setattr(device.Path, "exists", lambda path: path.as_posix() in files)
    found = device.accelerator_hint()
    monkeypatch.undo()  # pytest itself looks at the platform and at files
    assert found == expected


PLACES = [
    (None, True, False, "NumPy on the CPU: no accelerator was found"),
    (None, False, False, "NumPy on the CPU: no accelerator was found"),
    ("cuda", False, True, "NumPy on the CPU: PyTorch is not installed"),
    ("mps", False, True, "NumPy on the CPU: PyTorch is not installed"),
    ("cuda", True, False, "NumPy on the CPU: the installed PyTorch cannot use the accelerator"),
    ("cuda", True, True, "NumPy on the CPU: so small a run is faster there"),
]


@pytest.mark.parametrize(("hint", "installed", "usable", "phrase"), PLACES)
def test_a_run_on_the_cpu_says_why_there(
    hint: str | None, installed: bool, usable: bool, phrase: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "accelerator_hint", lambda: hint)
    monkeypatch.setattr(device, "_torch_installed", lambda: installed)
    monkeypatch.setattr(device, "_usable", lambda name: usable)
    assert device.place("cpu") == phrase
    assert device.resolve("auto", work=device.WORTH / 2) == ("cpu", NUMPY), "what is said is what is done"
    if not (hint and installed and usable):
        assert device.resolve("auto") == ("cpu", NUMPY)


def test_a_run_on_an_accelerator_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H100")
    assert device.place("cuda") == "PyTorch on the GPU (NVIDIA H100)"
    assert device.place("mps") == "PyTorch on the GPU (Apple silicon)"


def test_looking_for_an_accelerator_does_not_import_torch() -> None:
    code = (
        "import sys\n"
        "from lstm_core import device\n"
        "hint = device.accelerator_hint()\n"
        "device.resolve('cpu')\n"
        "device.resolve('auto', backend='numpy')\n"
        "early = 'torch' in sys.modules\n"
        "if hint is None:\n"
        "    device.resolve('auto')\n"
        "    device.place('cpu')\n"
        "    early |= 'torch' in sys.modules\n"
        "print(early)"
    )
    root = Path(__file__).resolve().parent.parent
    out = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True).stdout
    assert out.strip() == "False"


def test_auto_takes_an_accelerator_for_work_that_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the size of a step: one sentence of a small model is faster on the CPU, a large batch is not."""
    monkeypatch.setattr(device, "accelerator_hint", lambda: "mps")
    monkeypatch.setattr(device, "_usable", lambda name: True)
    taken: list[str] = []
    monkeypatch.setattr(device, "TorchOps", lambda name: taken.append(name) or "torch")
    assert device.resolve("auto", work=device.WORTH) == ("mps", "torch")
    assert device.resolve("auto", work=device.WORTH - 1) == ("cpu", NUMPY)
    assert device.resolve("mps", work=1) == ("mps", "torch"), "whoever asks for it gets it"
    assert device.resolve("auto", "numpy", work=device.WORTH) == ("cpu", NUMPY)
    assert taken == ["mps", "mps"]
    asked: list[float] = []

    def resolve(*args: Any, work: float) -> Any:
        asked.append(work)
        return "cpu", NUMPY

    monkeypatch.setattr("lstm_core.block.resolve", resolve)
    cases.model().run("Mary went home .")
    assert asked and 0 < asked[0] < device.WORTH
