"""The recipe of models of real text: two phases under one bar, gone on with where they stopped, shipped as one file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lab.general.data import Texts, encoded
from lab.general.pieces import build
from lab.learning.loop import train
from lab.recipes import general
from lstm_core import Network

LINES = [f"The {a} {b} the old house." for a in ("dog", "cat", "girl") for b in ("likes", "saw", "left")]
STEPS = 4


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> general.General:
    tokenizer = build(LINES, ["我喜欢猫。"], size=380)
    lines = encoded(LINES * 30, tokenizer, "sentences", 1)
    texts = Texts(tokenizer, *({"english/lines": lines},) * 2, {"english/lines": 4000}, {"made/lines": lines})

    def small(folder: Path, *others: Path | int) -> Texts:
        out = [other for other in others if isinstance(other, Path)][-1]
        out.mkdir(parents=True, exist_ok=True)
        tokenizer.save(str(out / "tokenizer.json"))
        return texts

    monkeypatch.setattr(general, "gathered", small)
    monkeypatch.setattr(general.phase2, "with_made", small)
    marked = ["<Ana> likes the house, and [she] left.", "<Bo> saw the dog, and [he] left."]
    monkeypatch.setattr(general.phase2.Sentences, "of", lambda text: text)
    monkeypatch.setattr(general.phase2, "fresh", lambda real, seed, count: {"English": marked})
    found = general.General("lstm")
    found.text = tmp_path
    monkeypatch.setattr(found, "measure", lambda model: ({"free_he_or_she": 0.5}, {}))
    monkeypatch.setattr(found, "passes", lambda metrics: True)
    return found


def test_the_two_phases_are_as_long_as_planned() -> None:
    recipe = general.General("gru")
    first, second = recipe.plans(3, recipe.steps)
    assert (first.tokens, second.tokens) == (general.TOKENS["gru"], general.phase2.GATED["tokens"])
    assert first.pronouns == 0 < second.pronouns and first.made == 0 < second.made
    without = general.General("rnn").plans(3, general.General("rnn").steps)[1]
    assert (without.tokens, without.pronouns) == (general.phase2.PLAN.tokens, 0)
    assert first.seed == second.seed == 3 and first.cell == "gru" and second.rate < first.rate
    short, rest = general.General("gru").plans(0, STEPS)
    assert short.steps + rest.steps == STEPS and min(short.steps, rest.steps) > 0


def test_both_phases_are_learned_and_what_they_took_is_said(recipe: general.General, tmp_path: Path) -> None:
    """Stopped in the second phase, the first one is not learned again; what is measured is what the file will hold."""

    class Killed(Exception):
        pass

    seen: list[int] = []

    def killed(steps: Iterator[int], before: int) -> Iterator[int]:
        for place, step in enumerate(steps, before):
            if place == STEPS - 1:
                raise Killed
            yield step

    def counted(steps: Iterator[int], before: int) -> Iterator[int]:
        for place, step in enumerate(steps, before):
            seen.append(place)
            yield step

    folder = tmp_path / "general-lstm.unfinished"
    with pytest.raises(Killed):
        train(recipe, 0, STEPS, killed, folder=folder)
    first, second = recipe.plans(0, STEPS)
    run = train(recipe, 0, STEPS, counted, folder=folder)
    assert seen == list(range(first.steps, STEPS))
    meta = run.model.meta
    assert meta["tokens"] == first.tokens + second.tokens and meta["seconds"] > 0
    assert meta["economy"] == 0.1 and 0 < meta["bits"]["network"]["English"] < 30
    run.model.save(tmp_path / "general-lstm.safetensors", weights="int8")
    shipped = Network.load(tmp_path / "general-lstm.safetensors")
    assert all(
        np.array_equal(a, b)
        for a, b in zip(run.model.block.layers[0][0].values(), shipped.block.layers[0][0].values(), strict=True)
    )
    assert shipped.tokenizer.size == len(shipped.predicts.bias)
