"""The page "Beyond" through AppTest: it sends what the networks did, and a link that cannot be read is no fault."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from dashboard.beyond import drawing, imagining, translating
from dashboard.beyond.shared import LONG, aligned
from lstm_core.beyond.imagining import Kind, latex
from lstm_core.beyond.numbers import both
from tests.test_figures import unpack
from tests.test_views import opened

PAGE = "dashboard.views.beyond"


def trees(test: AppTest) -> list[dict]:
    return [unpack(one.proto.bytes) for one in test.get("bidi_component")]  # type: ignore[attr-defined]


def sent(test: AppTest, part: str) -> dict:
    return next(tree for tree in trees(test) if part in tree)


def pixels(address: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))))


@pytest.mark.parametrize("kind", ["vrnn", "storn"])
def test_an_equation_that_is_wider_than_a_phone_goes_on_below(kind: Kind) -> None:
    lines = latex(kind)
    rows = aligned(lines).removeprefix(r"\begin{aligned}").removesuffix(r"\end{aligned}").split(r"\\")
    assert len(rows) == len(lines) + 1 and max(map(len, rows)) < LONG < max(map(len, lines))
    assert all(row.count("&") == 1 and row.count("{") == row.count("}") for row in rows)
    joined = r"\\".join(rows).replace(r"\\ &\quad", "").replace(" &= ", " = ")
    assert joined == r"\\".join(lines)
    fits, _ = drawing.latex()
    assert aligned(fits).count(r"\\") == len(fits) - 1


def test_every_number_that_is_typed_is_translated() -> None:
    test = opened(PAGE, beyond="Translate")
    for number in (7, 583, 0, 21):
        test.number_input[0].set_value(number).run()
        assert test.number_input[0].value == number
        assert any(" ".join(both(number)[0]) in one.value for one in test.markdown)


@pytest.mark.parametrize(
    ("start", "parameter", "said"),
    [
        ({"beyond": "Translate"}, "number", "6"),
        ({"beyond": "Draw", "draw": "copy-4"}, "draw", "copy-6"),
        ({"beyond": "Imagine", "imagine": "storn-new-4"}, "imagine", "storn-new-6"),
        ({"beyond": "Draw", "draw": "copy-4", "at": "3", "inside": "What if"}, "force", "decoder:c@2:3=6"),
    ],
)
def test_what_is_chosen_before_the_page_has_followed_counts(start: dict[str, str], parameter: str, said: str) -> None:
    test = opened(PAGE, **start)
    field = test.number_input[-1]  # as a browser has it that the page has not reached yet
    for number in (5, 6):
        field.set_value(number).run()
        assert not test.exception
    assert test.query_params[parameter] in (said, [said])
    assert test.number_input[-1].value == 6
    test.number_input[-1].set_value(None).run()  # emptied: what was there stays
    assert not test.exception and test.number_input[-1].value == 6 and test.query_params[parameter] in (said, [said])


def test_the_number_in_the_address_is_translated() -> None:
    test = opened(PAGE, beyond="Translate", number="583", at="1")
    [found] = translating.model().translate([both(583)[0]])
    assert any("five hundred eighty three" in one.value for one in test.markdown)
    shown = sent(test, "panels")
    assert shown["step"] == 1 and [word[0] for word in shown["words"]] == [*found.said.sentence, "end"]
    panels = {one["id"]: one for one in shown["panels"]}
    np.testing.assert_allclose(panels["alignment"]["figure"]["data"][0]["z"], found.said.alpha, atol=1e-6)
    for direction, name in enumerate(("forward", "backward")):
        signal = found.encoder.signals["f"][0, direction, :, 0].T
        np.testing.assert_allclose(panels[f"{name} f"]["figure"]["data"][0]["z"], signal, atol=1e-6)


def test_a_digit_is_copied_go_by_go() -> None:
    network = drawing.model()
    [drawn] = network.draw(network.noise(0, 1), network.examples[4:5])
    shown = sent(opened(PAGE, beyond="Draw", draw="copy-4", at="3"), "frames")
    assert shown["step"] == 3 and len(shown["frames"]) == 1 + network.glimpses
    np.testing.assert_allclose(pixels(shown["frames"][0]["image"]).ravel() / 255, 1 - network.examples[4], atol=1 / 255)
    np.testing.assert_allclose(pixels(shown["frames"][3]["image"]).ravel() / 255, 1 - drawn.canvas[3], atol=1 / 255)
    (_, left, top, width, height), _ = shown["frames"][3]["boxes"]
    assert drawn.read is not None
    middle = (np.array([left + width / 2, top + height / 2]) * 16) - 0.5
    np.testing.assert_allclose(middle, drawn.read[2, :2], atol=1e-4)
    assert len(sent(opened(PAGE, beyond="Draw", draw="new-4"), "frames")["frames"][3]["boxes"]) == 1


@pytest.mark.parametrize("kind", ["vrnn", "storn", "plain"])
def test_a_line_is_read_with_what_z_was_told(kind: str) -> None:
    network = imagining.model(kind)
    line = network.read(network.examples[2])
    shown = sent(opened(PAGE, beyond="Imagine", imagine=f"{kind}-read-2", at="7"), "panels")
    panels = {one["id"]: one for one in shown["panels"]}
    way = np.cumsum(line.x, axis=0)
    np.testing.assert_allclose(panels["path"]["figure"]["data"][0]["x"][1:], way[:, 0], atol=1e-5)
    assert shown["step"] == 7 and ("kl" in panels) == ("z0" in panels) == (kind != "plain")
    if line.kl is not None:
        np.testing.assert_allclose(panels["kl"]["figure"]["data"][0]["y"], line.kl.sum(1), atol=1e-5)
    signal = line.traces["cell"].signals["f"][0, 0, :, 0].T
    np.testing.assert_allclose(panels["cell f"]["figure"]["data"][0]["z"], signal, atol=1e-6)


@pytest.mark.parametrize("value", ["", "nonsense", "-1", "99999999999", "copy-x", "new-", "\x00", "\u0663"])
def test_any_link_opens(value: str) -> None:
    for name in ("Translate", "Draw", "Imagine", value):
        opened(PAGE, beyond=name, number=value, draw=value, imagine=value, picture=value, at=value)
