"""The recipe of models of real text: two phases under one bar, gone on with where they stopped, shipped as one file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from lab.general.data import Texts, encoded
from lab.general.pieces import build
from lab.learning.loop import train
from lab.recipes import general
from lstm_core import Network

LINES = [f"The {a} {b} the old house." for a in ("dog", "cat", "girl") for b in ("likes", "saw", "left")]
STEPS = 5


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cell: str) -> general.General:
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
    found = general.General(cell)
    found.text = tmp_path
    monkeypatch.setattr(found, "measure", lambda model: ({"free_he_or_she": 0.5}, {}))
    monkeypatch.setattr(found, "passes", lambda metrics: True)
    return found


def test_the_phases_are_as_long_as_planned() -> None:
    recipe = general.General("gru")
    first, second, again = recipe.plans(3, recipe.steps)
    assert first.tokens == general.TOKENS["gru"] and {second.tokens, again.tokens} == {general.phase2.PLAN.tokens}
    assert first.seed == second.seed == 3 != again.seed, "a second turn reads other made text"
    assert first.cell == "gru" and second.rate < first.rate
    parts = general.General("gru").plans(0, STEPS)
    assert sum(part.steps for part in parts) == STEPS and min(part.steps for part in parts) > 0


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_all_phases_are_learned_and_what_they_took_is_said(recipe: general.General, tmp_path: Path) -> None:
    """Stopped in the last phase, those before are not learned again; what is measured is what the file will hold."""

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

    folder = tmp_path / "unfinished"
    with pytest.raises(Killed):
        train(recipe, 0, STEPS, killed, folder=folder)
    *before, last = recipe.plans(0, STEPS)
    run = train(recipe, 0, STEPS, counted, folder=folder)
    assert seen == list(range(STEPS - last.steps, STEPS))
    meta = run.model.meta
    assert meta["tokens"] == sum(plan.tokens for plan in (*before, last)) and meta["seconds"] > 0
    assert (
        meta["economy"] == general.phase2.ECONOMY.get(recipe.cell.name, 0.0)
        and 0 < meta["bits"]["network"]["English"] < 30
    )
    run.model.save(tmp_path / "general.safetensors", weights="int8")
    shipped = Network.load(tmp_path / "general.safetensors")
    assert all(
        np.array_equal(a, b)
        for a, b in zip(run.model.block.layers[0][0].values(), shipped.block.layers[0][0].values(), strict=True)
    )
    assert Tokenizer.from_str(shipped.tokenizer.json).get_vocab_size() == len(shipped.predicts.bias)
