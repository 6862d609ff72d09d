"""Plotly.js as npm publishes it, of which only what draws on two axes: a third of the whole to load, and all that is
drawn here. It lies in ``vendor/``; a test under node compares it with the package that package-lock.json pins.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_name("vendor") / "plotly-cartesian.min.js"


@cache
def version() -> str:
    """Of Plotly.js, such as "4.1.1"."""
    with SOURCE.open(encoding="utf-8") as file:
        return next(line.split(" v")[1].strip() for line in file if " v" in line)
