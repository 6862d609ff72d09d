"""Attention on the pages: a panel of its own on "Gates", its equations, and no page that breaks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dashboard import cache
from dashboard.views import discover
from lstm_core import Network
from lstm_core.attention import latex
from lstm_core.drawing.grid import LONGEST, grid
from lstm_core.network import Readout
from tests.small_models import small_model
from tests.test_views import opened, sent

SENTENCE = "Mary saw John because she"


def looking(layers: int = 1, directions: int = 1) -> Network:
    model = small_model("lstm", layers=layers, directions=directions)
    rng, width = np.random.default_rng(1), model.predicts.weight.shape[1]
    weight = rng.uniform(-1, 1, (len(model.predicts.weight), 2 * width)).astype(np.float32)
    attention = {"W_a": rng.uniform(-2, 2, (width, width)).astype(np.float32)}
    return replace(model, readout=Readout(weight, model.predicts.bias, model.predicts.through, attention))


@pytest.fixture(autouse=True)
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    models = {
        "pronouns-lstm": small_model("lstm"),
        "pronouns-gru": small_model("gru"),
        "looking": looking(),
        "looking-stacked": looking(layers=2, directions=2),
    }
    for name, model in models.items():
        replace(model, name=name).save(tmp_path / f"{name}.safetensors")
    monkeypatch.setenv("GATESCOPE_MODELS", str(tmp_path))
    cache.forget()
    yield
    cache.forget()


@pytest.mark.every(3)
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("view", discover(), ids=lambda view: view.page.title)
def test_every_page_opens_with_it_on_either_side(view, side: str) -> None:
    opened(view.__name__, text=SENTENCE, **{side: "looking"})


@pytest.mark.parametrize("name", ["looking", "looking-stacked"])
def test_alpha_is_a_panel(name: str) -> None:
    """Below the others, in the gates' colours, whatever layer is drawn; the other side says that it has none."""
    tree = sent(opened(text=SENTENCE, left=name, layer="1", direction="1"))
    panels = [panel for panel in tree["figure"]["layout"]["meta"]["panels"] if panel["row"] == "attention"]
    assert tree["figure"]["layout"]["meta"]["rows"][-1] == "attention"
    assert (panels[0]["label"], panels[0]["signal"], panels[0]["sources"]) == ("α", "alpha", True)
    assert panels[1]["empty"] == "the GRU has no attention"
    [one] = [one for one in tree["figure"]["data"] if one["meta"]["role"] == "attention"]
    assert one["coloraxis"] == "coloraxis"
    alpha = cache.model(name).run(SENTENCE, device="cpu").sel("alpha", layer=0, direction=0, batch=0)
    np.testing.assert_array_equal(one["z"], alpha.T)


def test_its_equations_stand_below_the_cells() -> None:
    page = opened(text=SENTENCE, left="looking")
    left, right = (box.value for box in page.latex)
    for line in latex():
        assert line.replace(" = ", " &= ", 1) in left and line.split(" = ")[0] not in right
    assert any("Xu et al. 2015" in caption.value for caption in page.caption)


def test_what_speaks_for_a_word_is_told_through_it() -> None:
    """Memory's words and Gradients' error are those of [h; a]: neither page refuses them."""
    test = opened("dashboard.views.memory", text=SENTENCE, left="looking", look="one word against another")
    writers = next(one for one in sent(test)["panels"] if one["id"] == "writers0")
    assert writers["figure"] is not None
    test = opened("dashboard.views.gradients", text=SENTENCE, left="looking")
    assert next(one for one in sent(test)["panels"] if one["id"] == "gates0")["figure"] is not None


def test_a_long_text_is_told_that_it_is_too_long() -> None:
    trace = looking().run("mary " * (LONGEST + 1), device="cpu")
    figure = grid([trace])
    assert not [one for one in figure["data"] if one["meta"]["role"] == "attention"]
    assert figure["layout"]["meta"]["panels"][-1]["empty"] == f"drawn for up to {LONGEST} tokens"
