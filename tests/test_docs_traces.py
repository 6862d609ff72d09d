"""docs/traces.md: its code runs, and its figures are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lstm_core.modules import precision, proof
from lstm_core.modules.ways import WAYS

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "traces.md").read_text(encoding="utf-8")


def test_the_code_says_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    [code] = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    exec(compile(code, "docs/traces.md", "exec"), {})
    line, method = capsys.readouterr().out.splitlines()
    expected = re.search(r"# (h, c everywhere .*)", code)
    assert expected and re.sub(r"\d\.\de-\d\d", "x", line) == re.sub(r"\d\.\de-\d\d", "x", expected[1])
    assert method in ("onednn", "product")  # a torch without oneDNN has nothing to read


def test_the_figures_are_the_codes() -> None:
    assert f"{proof.ROWS} (step, sequence) pairs and {proof.UNITS} units" in re.sub(r"\s+", " ", TEXT)
    assert round(1 / 0.8**proof.ROWS, -2) in (1200, 1300)
    for limit in (*precision.TOLERANCE.values(), *precision.ROUNDED.values()):
        assert re.search(rf"\b{limit:.0e}\b".replace("e-0", "e-0?"), TEXT), limit
    for name in WAYS:
        assert f"| `{name}` |" in TEXT
