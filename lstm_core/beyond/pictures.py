"""Pictures of a few coloured shapes on a grid, and the sentence that says what is on them.

A sentence names the shapes in the order in which one reads; of two that follow each other the first is "left of" the
second in the same row, else it is "above" it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lstm_core.say import say

GRID, CELL = 4, 16
SIDE = GRID * CELL
"""Places a side, pixels a place, and pixels a side."""
MOST = 4
"""Shapes on a picture."""
COLORS = {
    "red": (0.85, 0.15, 0.15),
    "green": (0.10, 0.58, 0.25),
    "blue": (0.15, 0.35, 0.85),
    "yellow": (0.92, 0.72, 0.05),
    "purple": (0.60, 0.22, 0.82),
    "black": (0.12, 0.12, 0.12),
    "pink": (0.97, 0.45, 0.70),
}
FORMS = ("circle", "square", "triangle", "cross", "ring", "frame")
HELD_OUT = (
    ("red", "frame"),
    ("green", "triangle"),
    ("blue", "cross"),
    ("yellow", "ring"),
    ("purple", "square"),
    ("black", "triangle"),
    ("pink", "circle"),
)
"""What no picture shows in training: every colour in one form, and every form in at least one colour."""
SIZE = 5.75
"""Half of a shape's width, in pixels."""
COLOR_LETTERS = dict(zip("rgbypki", COLORS, strict=True))
FORM_LETTERS = dict(zip("cstxof", FORMS, strict=True))
"""How a picture is written in an address."""


@dataclass(frozen=True, order=True)
class Shape:
    """place: 0 to 15, row by row."""

    place: int
    color: str
    form: str

    @property
    def row(self) -> int:
        """0 to 3."""
        return self.place // GRID


def sentence(shapes: Sequence[Shape]) -> list[str]:
    """The words that say what is on the picture."""
    ordered = sorted(shapes)
    words = [["a", one.color, one.form] for one in ordered]
    between = [["left", "of"] if a.row == b.row else ["above"] for a, b in pairwise(ordered)]
    return [word for k, named in enumerate(words) for word in (*(between[k - 1] if k else ()), *named)]


def named(shapes: Sequence[Shape]) -> list[int | None]:
    """For each word of ``sentence`` the place of the shape whose colour or form it is; None for another word."""
    places = [one.place for one in sorted(shapes)]
    found, at = [], -1
    for word in sentence(shapes):
        at += word in COLORS
        found.append(places[at] if word in COLORS or word in FORMS else None)
    return found


def drawn(
    pictures: Sequence[Sequence[Shape]], draw: np.random.Generator | None = None, background: float = 0.97
) -> np.ndarray:
    """(picture, row, column, RGB), 0 to 1, float32, of a side of ``SIDE`` pixels.

    draw: with it every shape has a place, a size and a colour a little of its own, and the background a grey; without,
    all are as the page draws them.
    """
    count = len(pictures)
    canvas = np.full((count, SIDE, SIDE, 3), background, np.float32)
    if draw is not None:
        canvas *= draw.uniform(0.9, 1.03, (count, 1, 1, 1)).astype(np.float32)
    each = [(k, one) for k, shapes in enumerate(pictures) for one in shapes]
    if each:
        n = len(each)
        moved, size = np.zeros((n, 2)), np.full(n, SIZE)
        color = np.array([COLORS[one.color] for _, one in each])
        if draw is not None:
            moved = draw.uniform(-1.5, 1.5, (n, 2))
            size = draw.uniform(5.0, 6.5, n)
            color = color + draw.uniform(-0.1, 0.1, (n, 3))
        at = np.arange(CELL) - (CELL - 1) / 2
        down, right = np.broadcast_arrays(
            at[None, :, None] - moved[:, 0, None, None], at[None, None, :] - moved[:, 1, None, None]
        )
        within = np.select(
            [np.array([one.form == form for _, one in each])[:, None, None] for form in FORMS],
            _distances(down, right, size[:, None, None]),
        )
        ink = np.clip(within + 0.5, 0, 1)[..., None].astype(np.float32)
        for k, (picture, one) in enumerate(each):
            top, left = one.row * CELL, one.place % GRID * CELL
            under = canvas[picture, top : top + CELL, left : left + CELL]
            under += ink[k] * (color[k].astype(np.float32) - under)
    if draw is not None:
        canvas += np.float32(0.02) * draw.standard_normal(canvas.shape, np.float32)
    return np.clip(canvas, 0, 1)


def _distances(y: np.ndarray, x: np.ndarray, size: np.ndarray) -> list[np.ndarray]:
    """How many pixels a point lies within each of ``FORMS``, less than 0 outside."""
    round_, across, down = size - np.hypot(x, y), size - np.abs(x), size - np.abs(y)
    box = np.minimum(across, down)
    slope = (y + size - 2 * np.abs(x)) / 5**0.5  # a triangle that stands on its base
    arm = size / 3
    return [
        round_,
        box + 0.75 - size / 8,  # about as much ink as a circle
        np.minimum(slope, down),
        np.maximum(np.minimum(box, arm - np.abs(x)), np.minimum(box, arm - np.abs(y))),
        np.minimum(round_, np.hypot(x, y) - 0.5 * size),
        np.minimum(box, np.maximum(np.abs(x), np.abs(y)) - 0.5 * size),
    ]


def random(draw: np.random.Generator, count: int, held_out: bool | None = False, least: int = 2) -> list[list[Shape]]:
    """``count`` pictures of ``least`` to ``MOST`` shapes, each of another colour or form than the rest.

    held_out: False for pictures without the pairs of ``HELD_OUT``, True for pictures with at least one of them among
    the others, None for whatever comes.
    """
    pairs = [(color, form) for color in COLORS for form in FORMS]
    usual = [pair for pair in pairs if pair not in HELD_OUT]
    found = []
    for _ in range(count):
        n = int(draw.integers(least, MOST + 1))
        places = draw.permutation(GRID * GRID)[:n]
        pool = usual if held_out is False else pairs
        picked = [pool[k] for k in draw.permutation(len(pool))[:n]]
        if held_out and not any(pair in HELD_OUT for pair in picked):
            picked[int(draw.integers(n))] = HELD_OUT[int(draw.integers(len(HELD_OUT)))]
        found.append(sorted(Shape(int(at), *pair) for at, pair in zip(places, picked, strict=True)))
    return found


_ONE = re.compile(r"([a-z])([a-z])([0-9]{1,2})")


def written(shapes: Sequence[Shape]) -> str:
    """The picture in a few letters: "rc0-bs5" is a red circle at place 0 and a blue square at place 5."""
    colors = {color: letter for letter, color in COLOR_LETTERS.items()}
    forms = {form: letter for letter, form in FORM_LETTERS.items()}
    return "-".join(f"{colors[one.color]}{forms[one.form]}{one.place}" for one in sorted(shapes))


def read(text: str) -> list[Shape]:
    """The picture of which ``written`` wrote that; raises ValueError for another text."""
    shapes: dict[int, Shape] = {}
    for part in text.split("-") if text else ():
        match = _ONE.fullmatch(part)
        if not match or match[1] not in COLOR_LETTERS or match[2] not in FORM_LETTERS or int(match[3]) >= GRID * GRID:
            raise ValueError(say("a picture is written like rc0-bs5, not {text!r}", text=text[:80]))
        shapes[int(match[3])] = Shape(int(match[3]), COLOR_LETTERS[match[1]], FORM_LETTERS[match[2]])
    if len(shapes) > MOST:
        raise ValueError(say("a picture has at most {most} shapes, not {count}", most=MOST, count=len(shapes)))
    return sorted(shapes.values())
