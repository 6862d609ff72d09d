"""docs/beyond.md: its code prints what stands there, and its figures are those of the files' headers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lstm_core.beyond import kept

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "beyond.md").read_text(encoding="utf-8")
FLAT = " ".join(TEXT.split())


def test_the_code_prints_what_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    [(code, printed)] = re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```", TEXT, re.DOTALL)
    exec(compile(code, "docs/beyond.md", "exec"), {})
    assert capsys.readouterr().out == printed


def metrics(name: str) -> dict[str, float]:
    return kept.header(kept.file(name))["metrics"]


def percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


def test_the_figures_of_the_captions_are_the_headers() -> None:
    m = metrics("captions-lstm")
    alike = f"looking everywhere alike {percent(m['exact_everywhere'])}, untrained {percent(m['exact_untrained'])} |"
    assert f"| {percent(m['exact_held_out'])} | {alike}" in TEXT
    assert f"| {percent(m['on_named_held_out'])} | spread evenly 6 % |" in TEXT
    assert f"the captions are right in {percent(m['exact'])}" in FLAT
    _, other = kept.header(kept.file("captions-lstm"))["seeds"]
    assert f"a second seed gets {percent(other['exact_held_out'])} of the unseen pairs" in FLAT


def test_the_figures_are_the_headers() -> None:
    m = metrics("numbers-lstm")
    assert f"| {m['exact']:.0%}".replace("%", " %") in TEXT
    alike = f"looking at all words alike {m['exact_everywhere']:.0%}, untrained {m['exact_untrained']:.0%}"
    assert alike.replace("%", " %") in TEXT
    assert f"| {m['on_same']:.0%} | spread evenly {m['even']:.0%} |".replace("%", " %") in TEXT
    shares = [run["on_same"] for run in kept.header(kept.file("numbers-lstm"))["seeds"]]
    assert f"attention on the right word is {min(shares):.0%} to {percent(max(shares))}".replace("% to", " to") in FLAT
    m = metrics("draw-lstm")
    assert (
        f"| {m['bound']:.1f} | the mean of all digits {m['mean_picture']:.1f}, untrained {m['untrained']:.1f} |" in TEXT
    )
    assert f"last {m['held_out']} digits" in FLAT


def test_every_shipped_model_stands_there() -> None:
    assert not [name for name in kept.files() if f"`{name}`" not in TEXT]


@pytest.mark.parametrize("kind", ["vrnn", "storn", "plain"])
def test_the_figures_of_the_strokes_are_the_headers(kind: str) -> None:
    bounds = [run["bound"] for run in kept.header(kept.file(f"strokes-{kind}"))["seeds"]]
    said = f"{sum(bounds) / len(bounds):+.2f} ({min(bounds):+.2f} to {max(bounds):+.2f})".replace("-", "\N{MINUS SIGN}")
    assert said in TEXT and f"{len(bounds)} seeds" in FLAT
