"""The colours as colour-blind readers see them, and in grey: scales in order, lines told apart.

How the three kinds of dichromat see: the matrices of Machado, Oliveira & Fernandes, "A Physiologically-based Model for
Simulation of Color Vision Deficiency", IEEE TVCG 15(6), 2009, at severity 1, on linear RGB. Distances are CIE 1976.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from dashboard.figures import changes
from lstm_core.drawing import panel, theme

SEEN = {
    "all colours": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
WHITE = np.array([0.95047, 1.0, 1.08883])
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
MODES = ("light", "dark")
NOTICED = 10
"""A distance that nobody overlooks, even between thin lines; just noticeable is about 2."""


def linear(color: str) -> np.ndarray:
    values = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(color: str | np.ndarray, seen: str = "all colours") -> np.ndarray:
    """L*, a* and b* of a colour as it is seen."""
    rgb = np.clip(np.asarray(SEEN[seen]) @ (linear(color) if isinstance(color, str) else color), 0, 1)
    x, y, z = (np.cbrt(v) if v > 216 / 24389 else (24389 / 27 * v + 16) / 116 for v in TO_XYZ @ rgb / WHITE)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def along(scale: list[list[Any]], count: int = 101) -> np.ndarray:
    """(count, 3): the scale in linear RGB, between its stops as a browser mixes them."""
    stops = np.array([at for at, _ in scale])
    encoded = np.array([[int(color[k : k + 2], 16) for k in (1, 3, 5)] for _, color in scale])
    mixed = np.stack([np.interp(np.linspace(0, 1, count), stops, encoded[:, k]) for k in range(3)], axis=1)
    return np.array([linear("#" + "".join(f"{round(v):02x}" for v in color)) for color in mixed])


def lightness(scale: list[list[Any]], seen: str, count: int = 101) -> np.ndarray:
    return np.array([lab(color, seen)[0] for color in along(scale, count)])


def test_the_eye_is_simulated_as_published() -> None:
    for seen, matrix in SEEN.items():
        np.testing.assert_allclose(np.asarray(matrix).sum(axis=1), 1, atol=2e-6)  # grey stays grey
        np.testing.assert_allclose(lab("#ffffff", seen), [100, 0, 0], atol=0.02)
    red, green = "#ff0000", "#00a000"
    assert np.linalg.norm(lab(red) - lab(green)) > 2 * np.linalg.norm(
        lab(red, "deuteranopia") - lab(green, "deuteranopia")
    )


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize("mode", MODES)
def test_more_of_a_gate_is_ever_darker_or_ever_lighter(mode: str, seen: str) -> None:
    steps = np.diff(lightness(theme.GATE_SCALE[mode], seen))
    sign = -1 if mode == "light" else 1
    assert (sign * steps > 0.1).all() and sign * steps.sum() > 55


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize("mode", MODES)
def test_signed_values_fade_to_the_middle_alike_from_both_ends(mode: str, seen: str) -> None:
    values = lightness(theme.SIGNED_SCALE[mode], seen)
    sign = 1 if mode == "light" else -1
    below, above = sign * values[:51], sign * values[50:][::-1]
    assert (np.diff(below) > -0.3).all() and (np.diff(above) > -0.3).all()
    assert np.abs(below - above).max() < {"all colours": 1.5}.get(seen, 8)  # of the 60 that each side spans
    colors = along(theme.SIGNED_SCALE[mode])
    for part in (0, 10, 20, 30):  # the same size with the other sign is another colour
        assert np.linalg.norm(lab(colors[part], seen) - lab(colors[100 - part], seen)) > 2 * NOTICED


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize("mode", MODES)
def test_lines_are_told_apart(mode: str, seen: str) -> None:
    roles = theme.ROLE_COLORS[mode]
    for drawn in (("keep", "write", "expose", "reset"), ("candidate", "cell", "hidden")):  # what shares a plot
        for one, other in combinations(drawn, 2):
            far = np.linalg.norm(lab(roles[one], seen) - lab(roles[other], seen))
            assert far > NOTICED, (one, other, far)


@pytest.mark.parametrize("seen", SEEN)
def test_what_is_compared_is_told_apart(seen: str) -> None:
    cells: list[str] = []
    for cell in ("rnn", "lstm", "gru", "peephole"):  # what the page Gradients draws together
        cells.append(theme.model_color(cell, taken=cells))
    for drawn in ((changes.BEFORE, changes.AFTER), (panel.POSITIVE, panel.NEGATIVE), cells):
        for one, other in combinations(drawn, 2):
            assert np.linalg.norm(lab(one, seen) - lab(other, seen)) > NOTICED, (one, other)


@pytest.mark.parametrize("mode", MODES)
def test_lines_stand_out_from_the_page(mode: str) -> None:
    """At least 3 to 1 where nothing else says what a line is; a letter stands at the end of those of the grid."""

    def contrast(one: str, other: str) -> float:
        first, second = sorted((0.05 + (TO_XYZ @ linear(color))[1] for color in (one, other)), reverse=True)
        return first / second

    paper = theme.BACKGROUND[mode]
    assert contrast(theme.TEXT[mode], paper) > 7 and contrast(theme.QUIET[mode], paper) > 4.5
    for role, color in theme.ROLE_COLORS[mode].items():
        assert contrast(color, paper) >= 3, (role, contrast(color, paper))


def test_a_cell_has_the_same_colour_whatever_stands_beside_it() -> None:
    assert theme.model_color("lstm", taken=[theme.model_color("gru")]) == theme.model_color("lstm")
    second = theme.model_color("lstm", taken=[theme.model_color("lstm")])
    assert second not in [theme.model_color(cell) for cell in theme.MODEL_ROLES]
    assert theme.model_color("grid", "dark") in theme.ROLE_COLORS["dark"].values()
