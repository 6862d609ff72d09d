"""docs/survey.md: its code runs, and what it says of Karpathy's quote cell is so."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from lab.corpus import paragraphs
from lab.tasks.agreement import numbered
from lstm_core import load_model, open_survey, survey
from lstm_core.survey import following, histograms, part, pieces
from lstm_core.survey.labels import FOLLOWED

ROOT = Path(__file__).resolve().parent.parent
TEXT, SCALE = ((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8") for page in ("survey", "scale"))


def test_the_code_does_what_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        exec(compile(code, "docs/survey.md", "exec"), names)
    words, *printed = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r".*\[.+\].*", words)
    assert printed == re.findall(r"It prints `([^`]+)`", TEXT) and len(printed) == 3


@pytest.mark.parametrize("name", ["general-lstm", "general-gru"])
def test_one_unit_of_the_shipped_surveys_follows_quotation_marks_and_none_does_by_chance(name: str) -> None:
    quotes = open_survey(ROOT / "assets" / "surveys" / name).follows("inside_quotes")
    best = np.abs(quotes.units["auc"] - 0.5)
    assert best[0] == best.max() > 0.45 and quotes.chance < 0.1
    named = load_model(name).meta["units"]["quote"]["unit"]  # chosen by another measure, on held-out text
    assert named in quotes.units["unit"][:3]


def test_one_unit_follows_the_number_and_none_does_that_was_not_trained(tmp_path: Path) -> None:
    """Against areas that are counted pair by pair."""
    model = load_model("agreement-lstm")
    ids, plural = numbered(model, seed=6, documents=5)
    labels = np.concatenate(plural)
    for name, network in (("trained", model), ("not", model.untrained())):
        found = survey(network, ids, tmp_path / name).follows(plural, signal="c")
        c = np.concatenate([network.read(one)["c"][0, 0, :, 0] for one in ids])
        unit = int(found.units["unit"][0])
        many, one = c[labels == 1, unit], c[labels == 0, unit]
        area = (many[:, None] > one).mean() + (many[:, None] == one).mean() / 2
        assert found.units["auc"][0] == pytest.approx(area, abs=0.01)
        assert abs(area - 0.5) > 0.49 and unit == model.meta["units"]["number"]["unit"] or name == "not"
        assert abs(area - 0.5) < 0.15 or name == "trained"


def test_the_shipped_timescales_are_those_of_the_forget_gates() -> None:
    """T = -1 / mean(log f) (Mahto et al. 2021) of every unit, by a plain loop over some of the paragraphs."""
    units = open_survey(ROOT / "assets" / "surveys" / "general-lstm").units()
    shipped = units["remembers"][units["signal"] == "f"]
    model, texts = load_model("general-lstm"), paragraphs()[::150]
    f = np.concatenate([model.run(text, device="cpu").sel("f", layer=0, direction=0, batch=0) for text in texts])
    own = -1 / np.log(f.astype(np.float64)).mean(axis=0)
    ranks = [np.argsort(np.argsort(one)) for one in (shipped, own)]
    assert np.corrcoef(*ranks)[0, 1] > 0.99
    assert np.quantile(own, 0.5) == pytest.approx(np.quantile(shipped, 0.5), rel=0.1)
    assert np.quantile(shipped, 0.9) > 10 * np.quantile(shipped, 0.5)


def test_the_figures_are_the_codes() -> None:
    said = re.sub(r"\s+", " ", TEXT)
    assert all(name in said for name in FOLLOWED) and histograms.BINS == 512 and histograms.FINE == 4
    about = f"about {round(part.STEPS, -3):,} steps"
    assert about in said and about in SCALE and pieces.STEPS == 1 << 13
    assert following.AT_ONCE


def test_what_scale_says_is_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    measured = (ROOT / "benchmarks" / "survey.md").read_text("utf8")
    table = [[cell.strip() for cell in row.split("|")] for row in re.findall(r"^\| (.*) \|$", measured, re.MULTILINE)]
    alone = [row for row in table if row[0] == "survey"]
    few, many = alone[0], next(row for row in alone if int(row[1].replace(",", "")) > 10**6)
    assert f"measured at {many[1]} steps" in SCALE and f"{many[4]} a step" in SCALE
    assert f"{few[4]} a step at 10^5 steps, {many[4].split()[0]} at 10^6" in SCALE
    assert f"| {many[6]} |" in SCALE and f"| {many[5]} |" in SCALE
    two = re.search(r"(\d+ s instead of \d+ s)", SCALE)
    assert two and two[1] in re.sub(r"\s+", " ", measured)
    hours = float(many[4].split()[0]) * 1e9 / 1e6 / 3600
    assert f"{hours:.0f} hours" in SCALE and f"{hours:.0f} core-hours" in SCALE
    most = alone[-1]
    steps, disk = ([float(row[k].split()[0].replace(",", "")) for row in (many, most)] for k in (1, 6))
    slope = (disk[1] - disk[0]) / (steps[1] - steps[0])  # MB a step, so that 10^9 steps take 10^6 times that in GB
    assert f"about {1e6 * slope:.0f} GB, by the {most[6]} at {most[1]} steps" in SCALE
    both = int(re.findall(r"(\d+) s instead of", SCALE)[0])
    assert f"{both / steps[0] * 1e9 / 3600:.0f} hours" in SCALE
    for code in re.findall(r"```python\n(.*?)```", SCALE, re.DOTALL):
        exec(compile(code, "docs/scale.md", "exec"), {})
