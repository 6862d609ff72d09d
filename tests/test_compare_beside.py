"""``lstm_core.compare``: what two models hold beside their recurrent layers, which no signal shows."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import lstm_core
from lstm_core import cli

X = np.random.default_rng(0).normal(size=(6, 2, 5)).astype(np.float32)


class Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.rnn = nn.LSTM(5, 4)
        self.norm = nn.LayerNorm(4)
        self.head = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.norm(self.rnn(x)[0]))


def other(**by: float) -> Classifier:
    """The same model, with something added to one number of these parameters."""
    model = Classifier()
    with torch.no_grad():
        for name, added in by.items():
            model.get_parameter(name.replace("__", ".")).view(-1)[-1] += added
    return model


@pytest.mark.parametrize("name", ["head.weight", "head.bias", "norm.weight"])
def test_a_fault_beside_the_recurrent_layers_is_said(name: str) -> None:
    a, b = Classifier(), other(**{name.replace(".", "__"): 0.5})
    assert not torch.equal(a(torch.as_tensor(X)), b(torch.as_tensor(X)))  # they are not the same model
    for second in (b, b.state_dict()):
        found = lstm_core.compare(a, second, X)
        assert found.equal and not found
        [(ours, theirs, error)] = found.beside
        assert (ours, theirs) == (name, name) and error == pytest.approx(0.5, rel=0.3)
        assert name in str(found) and not str(found).startswith("A and B are equal")


def test_what_is_the_same_under_another_name_or_turned_is_not_said() -> None:
    a = Classifier()
    turned = {f"x.{k}": v.T.contiguous() if k == "head.weight" else v for k, v in a.state_dict().items()}
    for second in (copy.deepcopy(a), turned, a.rnn, a.rnn.state_dict(), {**turned, "x.extra": torch.ones(3, 4)}):
        found = lstm_core.compare(a, second, X)
        assert found and found.beside == () and str(found).startswith("A and B are equal")


def test_it_is_said_beside_a_cause() -> None:
    b: Any = other(head__weight=0.5).state_dict()
    i, f, g, o = b["rnn.weight_ih_l0"].chunk(4)
    b["rnn.weight_ih_l0"] = torch.cat([i, g, f, o])
    lines = str(lstm_core.compare(Classifier(), b, X)).splitlines()
    assert "gate order" in lines[2] and "head.weight" in lines[-1]


def test_the_command_tells_a_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "x.npy", X)
    for name, model in (("a.pt", Classifier()), ("b.pt", other(head__weight=0.5))):
        torch.save(model.state_dict(), tmp_path / name)
    paths = [str(tmp_path / name) for name in ("a.pt", "b.pt", "x.npy")]
    assert cli.main(["compare", *paths]) == 1
    assert "The recurrent layers of A and B are equal" in capsys.readouterr().out
    assert cli.main(["compare", *paths, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["beside"][0][:2] == ["head.weight", "head.weight"]
    assert cli.main(["compare", paths[0], paths[0], paths[2]]) == 0
    assert capsys.readouterr().out.startswith("A and B are equal: every signal is the same")
