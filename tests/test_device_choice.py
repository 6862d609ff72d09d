"""Where a visitor's models run: the choice is drawn where there is one, and what is chosen is what runs."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from lstm_core import Network, device
from lstm_core.ops import NUMPY


def script() -> None:
    import streamlit as st

    from dashboard import library
    from dashboard.controls.device import device_choice

    device_choice()
    st.write(library.read("pronouns_zh-lstm", "她").trace.device)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The devices that runs asked for; each runs on the CPU and says that it did not."""
    devices: list[str] = []
    run = Network.run

    def noted(self: Network, text: Any, device: str = "auto", backend: str | None = None) -> Any:
        devices.append(device)
        return run(self, text, "cpu")

    monkeypatch.setattr(Network, "run", noted)
    return devices


def test_without_an_accelerator_nothing_is_asked(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "accelerator_hint", lambda: None)
    page = AppTest.from_function(script, default_timeout=300).run()
    assert not page.exception and not page.button_group


def test_what_is_chosen_runs(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from dashboard import cache

    cache.forget()
    monkeypatch.setattr(device, "accelerator_hint", lambda: "mps")
    monkeypatch.setattr(device, "_torch_installed", lambda: True)
    monkeypatch.setattr(device, "_usable", lambda name: True)
    page = AppTest.from_function(script, default_timeout=300).run()
    [choice] = page.button_group
    assert not page.exception and asked == ["auto"]
    for one, expected in (("cpu", "cpu"), ("accelerator", "mps")):
        page = choice.set_value(one).run()
        [choice] = page.button_group
        assert not page.exception and asked[-1] == expected


def test_one_that_cannot_be_used_is_said_and_not_kept(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "accelerator_hint", lambda: "cuda")
    monkeypatch.setattr(device, "_torch_installed", lambda: True)
    monkeypatch.setattr(device, "_usable", lambda name: False)
    page = AppTest.from_function(script, default_timeout=300).run()
    page = page.button_group[0].set_value("accelerator").run()
    assert not page.exception
    said = [one.value for one in page.caption][1:]
    assert said == ["NumPy on the CPU: the installed PyTorch cannot use the accelerator"]


def test_a_device_that_fails_on_the_way_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A card without memory: the sentence is read on the CPU, and says so."""
    from dashboard import cache

    cache.forget()
    run = Network.run

    def failing(self: Network, text: Any, device: str = "auto", backend: str | None = None) -> Any:
        if device != "cpu":
            raise RuntimeError("CUDA out of memory")
        return run(self, text, "cpu")

    monkeypatch.setattr(Network, "run", failing)
    assert cache.read("pronouns_zh-lstm", "她们", device="cuda").trace.device == "cpu"
    assert device.resolve("cpu") == ("cpu", NUMPY)
