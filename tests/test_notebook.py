"""A trace in a notebook without its figure: a table of what it is, pictures of the values, everything escaped."""

from __future__ import annotations

import io
import re
from base64 import b64decode
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from traces import random_trace, tokens_of

import lstm_core
from lstm_core import Trace
from lstm_core.notebook.pictures import GATE, SIGNED, STEPS, UNITS, show

PICTURE = re.compile(r'<img alt="(.*?)".*?base64,([^"]+)"')


def drawn(html: str) -> dict[str, np.ndarray]:
    """By signal, the pixels (unit, step, 3), as a decoder of images reads them."""
    found = {}
    for told, data in PICTURE.findall(html):
        found[told.split(":")[0]] = np.asarray(Image.open(io.BytesIO(b64decode(data))).convert("RGB"))
    return found


def rgb(color: str) -> list[int]:
    return [int(color[k : k + 2], 16) for k in (1, 3, 5)]


def test_the_table_says_what_it_is() -> None:
    trace = lstm_core.load_model("pronouns-lstm").run("Mary was late because she", device="cpu")
    html = trace._repr_html_()
    for said in ("LSTM", "1, 1", "5, 1, 16", "i f g o c h", "Mary was late because she"):
        assert f">{said}<" in html or said in html, said
    assert list(drawn(html)) == ["i"] and len(html) < 30_000


def test_a_pixel_is_a_value() -> None:
    trace = random_trace("lstm", layers=2, directions=2)
    signals = {name: np.zeros_like(value) for name, value in trace.signals.items()}
    signals["f"][1, 1, 3, 1, 2] = 1.0
    signals["c"][1, 1, 4, 1, 0] = -7.0
    found = drawn(show(replace(trace, signals=signals), None, 1, 1, 1).html)
    assert list(found) == list("ifgoch")
    assert found["f"].shape == (4, 7, 3) and found["f"][2, 3].tolist() == rgb(GATE[-1])
    assert found["f"][0, 0].tolist() == rgb(GATE[0])
    assert found["c"][0, 4].tolist() == rgb(SIGNED[0]) and found["c"][1, 1].tolist() == rgb(SIGNED[5])
    other = drawn(show(replace(trace, signals=signals), ["f"], -1, 0, 0).html)["f"]
    assert not (other != rgb(GATE[0])).any(), "another layer's"


def test_what_is_large_is_cut_and_says_so() -> None:
    trace = random_trace("gru", time=STEPS + 100, hidden=UNITS + 30)
    html = show(trace, ["h"], -1, 0, 0).html
    assert drawn(html)["h"].shape == (UNITS, STEPS, 3) and len(html) < 300_000
    assert f"the first {STEPS} of {STEPS + 100} steps; the {UNITS} units that move most of {UNITS + 30}" in html


def test_words_are_escaped_and_what_there_is_not_is_refused() -> None:
    trace = random_trace("gru")
    html = show(replace(trace, tokens=tokens_of("<b>a</b> b c d e f g")), None, -1, 0, 0).html
    assert "<b>" not in html and "&lt;b&gt;a" in html
    for wrong in ({"signals": "f"}, {"layer": 3}, {"direction": 1}, {"batch": 5}):
        with pytest.raises(ValueError):
            trace.show(**wrong)  # type: ignore[arg-type]


def test_odd_traces_are_shown() -> None:
    model = lstm_core.load_model("pronouns-lstm-attention")
    assert set(drawn(show(model.run("Mary was", device="cpu"), None, -1, 0, 0).html)) >= {"i", "alpha"}
    assert "no steps" in model.run("", device="cpu").show().html and "<table>" in model.run("")._repr_html_()
    trace = random_trace("lstm")
    values = {name: value.copy() for name, value in trace.signals.items()}
    values["i"][:, :, 2:, 0] = np.nan
    short: Trace = replace(trace, signals=values)
    assert drawn(show(short, ["i"], -1, 0, 0).html)["i"][0, 3].tolist() == [217, 221, 225]
