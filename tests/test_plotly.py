"""Figures are what Plotly's own schema allows, and of kinds that the carried part of Plotly.js draws."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from lstm_core import load_model
from lstm_core.drawing import plotly
from lstm_core.drawing.grid import grid

ROOT = Path(__file__).parents[1]
KINDS = {"bar", "box", "heatmap", "scatter"}


def test_the_carried_part_draws_every_kind_that_is_asked_for() -> None:
    code = [path for room in ("dashboard", "lstm_core", "lab") for path in ROOT.glob(f"{room}/**/*.py")]
    asked = {kind for path in code for kind in re.findall(r'"type": "(\w+)"', path.read_text(encoding="utf-8"))}
    every = "bar box heatmap scatter scattergl scatter3d surface histogram violin contour pie sunburst mesh3d splom"
    assert asked & set(every.split()) <= KINDS
    source = plotly.SOURCE.read_text(encoding="utf-8")
    assert len(source) < 1.6e6  # the whole one has three times as much
    for kind in KINDS:
        assert f'name:"{kind}"' in source


def test_its_version_is_that_of_the_schema() -> None:
    import plotly as package

    whole = Path(package.__file__ or "").parent / "package_data" / "plotly.min.js"
    with whole.open(encoding="utf-8") as file:
        assert f"v{plotly.version()}" in file.read(200)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_grid_is_what_the_schema_allows(mode: str) -> None:
    from plotly.graph_objects import Figure

    text = "Mary was late because she"
    traces = [load_model(name).run(text, device="cpu") for name in ("pronouns-lstm", "pronouns-gru", "pronouns-slstm")]
    figure: dict[str, Any] = grid(traces, mode=mode)
    drawn = Figure(data=figure["data"], layout=figure["layout"], skip_invalid=False)
    assert {one["type"] for one in drawn.to_plotly_json()["data"]} <= KINDS
