"""The training loop and its command, on a task that takes a second: say the letter that came first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer as HuggingFaceTokenizer
from tokenizers import models, pre_tokenizers

from lab import train as command
from lab.__main__ import main
from lab.learning.batch import Batch, mean_weights
from lab.learning.loop import economy, train
from lab.learning.network import TorchNetwork
from lab.learning.recipe import BatchRecipe, best
from lab.recipes import discover, recipe
from lstm_core import list_models, load_model
from lstm_core.cells import CELLS
from lstm_core.equations import carry
from lstm_core.layer import Layer
from lstm_core.network import Network
from lstm_core.text import Tokenizer


class First(BatchRecipe):
    """`a c c ?` is followed by `a`."""

    name, steps, seeds, weights = "first-lstm", 60, 2, "float16"
    cell = CELLS["lstm"]

    def __init__(self, floor: float = 0.0) -> None:
        self.floor = floor

    def tokenizer(self) -> Tokenizer:
        ids = {letter: k for k, letter in enumerate(["<unk>", "a", "b", "c", "?"])}
        tokenizer = HuggingFaceTokenizer(models.WordLevel(ids, unk_token="<unk>"))
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()  # type: ignore[assignment]
        return Tokenizer(tokenizer.to_str())

    def network(self) -> TorchNetwork:
        return TorchNetwork(self.cell, 5, 4, 6, tied=True)

    def batches(self, rng: Random, steps: int) -> Iterator[Batch]:
        for _ in range(steps):
            first = np.array([rng.choice((1, 2)) for _ in range(16)])
            rest = np.full(16, 3)
            words = np.stack([first, rest, rest, np.full(16, 4), first])
            weights = np.ones((4, 16), np.float32)
            weights[-1] = 5
            yield Batch(words[:-1], words[1:], mean_weights(weights), np.ones((4, 16), np.float32))

    def measure(self, model: Network) -> tuple[dict[str, Any], dict[str, Any]]:
        right = [model.next_tokens(model.run(f"{x} c c ?", device="cpu"), 3, 1)[0][0] == x for x in "ab"]
        return {"right": float(np.mean(right))}, {"first": {"layer": 0, "direction": 0, "unit": 0}}

    def passes(self, metrics: Mapping[str, Any]) -> bool:
        return metrics["right"] >= self.floor

    def score(self, metrics: Mapping[str, Any]) -> float:
        return metrics["right"]

    def about(self) -> dict[str, Any]:
        return {"honesty": "A toy."}


def weights(model: Network) -> list[np.ndarray]:
    return [model.embedding, model.predicts.weight, model.predicts.bias, *model.layers[0][0].values()]


def test_same_seed_same_model() -> None:
    one, two, three = (train(First(), seed, 5) for seed in (0, 0, 1))
    for a, b in zip(weights(one.model), weights(two.model), strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(weights(one.model), weights(three.model), strict=True))


def test_training_learns() -> None:
    assert train(First(), 0).metrics["right"] == 1.0


def test_network_and_model_agree() -> None:
    torch.manual_seed(0)
    for tied in (False, True):
        network = TorchNetwork(CELLS["gru"], 5, 4, 6, tied=tied)
        model = network.model("x", First().tokenizer(), {})
        trace = model.run("a b c ?", device="cpu")
        with torch.no_grad():
            logits, _ = network(torch.tensor([[1], [2], [3], [4]]))
        np.testing.assert_allclose(model.logits(trace), logits[:, 0].numpy(), atol=1e-6)


def signals_of(name: str) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    torch.manual_seed(0)
    mask = torch.ones(5, 2)
    mask[3:, 1] = 0
    return Layer(CELLS[name], 3, 4)(torch.randn(5, 2, 3))[1], mask


def test_economy_is_what_is_written_and_forgotten() -> None:
    """Written out for three cells. Padding pays nothing."""
    signals, mask = signals_of("lstm")
    where = mask > 0
    expected = signals["i"][0, 0][where].mean() + (1 - signals["f"][0, 0])[where].mean()
    torch.testing.assert_close(economy(CELLS["lstm"], signals, mask), expected)
    signals, mask = signals_of("gru")
    torch.testing.assert_close(economy(CELLS["gru"], signals, mask), 2 * (1 - signals["z"][0, 0])[where].mean())
    signals, mask = signals_of("rnn")
    assert economy(CELLS["rnn"], signals, mask) == 0


@pytest.mark.parametrize("name", [name for name, cell in CELLS.items() if carry(cell) is not None])
def test_every_cell_with_a_memory_has_an_economy(name: str) -> None:
    assert torch.isfinite(economy(CELLS[name], *signals_of(name)))


def test_best_needs_a_pass() -> None:
    runs = [train(First(), seed, 2) for seed in (0, 1)]
    assert best(First(), runs) in runs
    assert best(First(floor=2.0), [train(First(floor=2.0), 0, 2)]) is None


def test_command_ships_the_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(command, "recipe", lambda name: First())
    assert main(["train", "first-lstm", "--steps", "40", "--out", str(tmp_path), "--keep", str(tmp_path / "all")]) == 0
    model = Network.load(tmp_path / "first-lstm.safetensors")
    assert [run["seed"] for run in model.meta["seeds"]] == [0, 1]
    assert model.meta["metrics"] == First().measure(model)[0]  # float16 is what was measured
    assert model.meta["recipe"] == "first-lstm" and model.meta["steps"] == 40
    assert len(list((tmp_path / "all").iterdir())) == 2
    assert "right" in capsys.readouterr().out


def test_command_adds_seeds_to_the_shipped_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their figures join the header, sorted and each once; the shipped weights stay."""
    monkeypatch.setattr(command, "recipe", lambda name: First())
    path = tmp_path / "first-lstm.safetensors"
    main(["train", "first-lstm", "--first-seed", "1", "--seeds", "1", "--steps", "2", "--out", str(tmp_path)])
    before = Network.load(path)
    assert main(["train", "first-lstm", "--seeds", "2", "--steps", "2", "--add", "--out", str(tmp_path)]) == 0
    after = Network.load(path)
    assert [run["seed"] for run in after.meta["seeds"]] == [0, 1]
    assert after.meta["metrics"] == before.meta["metrics"] and after.meta["seed"] == 1
    for one, two in zip(weights(before), weights(after), strict=True):
        np.testing.assert_array_equal(one, two)


def test_command_writes_nothing_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(command, "recipe", lambda name: First(floor=2.0))
    assert main(["train", "first-lstm", "--steps", "1", "--seeds", "1", "--out", str(tmp_path)]) == 1
    assert not list(tmp_path.iterdir())
    assert "no seed passes" in capsys.readouterr().err


def test_command_can_ship_what_fails_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "recipe", lambda name: First(floor=2.0))
    arguments = ["train", "first-lstm", "--steps", "1", "--seeds", "1", "--out", str(tmp_path), "--ship-best"]
    assert main(arguments) == 0
    assert Network.load(tmp_path / "first-lstm.safetensors").meta["passes"] is False


def test_unknown_name_lists_the_recipes(capsys: Any) -> None:
    assert main(["train", "pronouns-nothing"]) == 2
    error = capsys.readouterr().err
    assert "pronouns-lstm" in error and "pronouns-gru" in error
    with pytest.raises(ValueError, match="pronouns-lstm"):
        recipe("nothing")


@pytest.mark.parametrize("name", sorted(n for n in discover() if n.startswith("pronouns-")))
def test_pronoun_batches(name: str) -> None:
    """The batches fit together, repeat with the seed, and weigh as the header says."""
    chosen = discover()[name]
    assert isinstance(chosen, BatchRecipe)
    one, two = (next(iter(chosen.batches(Random(4), 1))) for _ in range(2))
    np.testing.assert_array_equal(one.inputs, two.inputs)
    assert one.inputs.shape == one.targets.shape == one.weights.shape == one.read.shape
    assert abs(one.weights.sum() - 1) < 1e-5
    tokenizer = chosen.tokenizer()
    pronouns = np.isin(one.targets, [tokenizer.id("he"), tokenizer.id("she")])
    gendered = pronouns | np.isin(one.targets, [tokenizer.id("his"), tokenizer.id("her")])
    misread = (one.inputs[1:] != one.targets[:-1])[gendered[:-1]]
    if carry(chosen.cell) and chosen.cell.name != "grid":
        assert 0.2 < misread.mean() < 0.7  # after an unknown name all are read right
    else:
        assert not misread.any()  # the plain RNN and the grid read every pronoun right
    np.testing.assert_array_equal(one.inputs[1:][~gendered[:-1]], one.targets[:-1][~gendered[:-1]])
    ordinary = one.weights[(one.weights > 0) & (one.targets == tokenizer.id("."))]
    np.testing.assert_allclose(one.weights[pronouns].max() / ordinary[0], 30 / 4, rtol=1e-5)


def test_a_model_that_did_not_learn_says_so() -> None:
    chosen = discover()["pronouns-grid"]
    assert chosen.found({"switch": 0.97}) == {}
    said = chosen.found({"switch": 0.4861})["honesty"]
    assert said.startswith("It did not learn the task: after a change of subject it is right in 49% of held-out texts.")
    assert load_model("pronouns-clockwork").meta["honesty"].startswith("It did not learn the task")


@pytest.mark.parametrize("name", [name for name in list_models() if name.startswith("pronouns")])
def test_a_unit_is_named_only_if_it_tells_the_gender(name: str) -> None:
    meta = load_model(name).meta
    assert ("gender" in meta["units"]) == (meta["metrics"]["unit_accuracy"] >= 0.9)
