"""An option that says nothing of the data, the model or the engine that it is given with is refused, not ignored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

import lstm_core
from lstm_core.survey.documents import documents

X = np.random.default_rng(0).normal(size=(4, 4, 3)).astype(np.float32)
TEXTS = ["Mary was late", "and so was John"]


def once() -> Iterator[str]:
    yield from TEXTS


TOKENIZER = lstm_core.load_model("pronouns-lstm").tokenizer
LOADER: Any = DataLoader(TEXTS)  # type: ignore[arg-type]
NO_TABLES: dict[str, Any] = {
    "list": TEXTS,
    "list of dicts": [{"text": "a", "review": "b"}],
    "ndarray": X,
    "Tensor": torch.tensor(X),
    "generator": once(),
    "DataLoader": LOADER,
    ".txt": "t.txt",
}


@pytest.mark.parametrize("name", NO_TABLES)
def test_a_column_is_of_a_table(name: str, tmp_path: Path) -> None:
    data = NO_TABLES[name]
    if isinstance(data, str):
        data = tmp_path / data
        data.write_text("\n".join(TEXTS))
    with pytest.raises(ValueError, match=rf"a .csv or .parquet file, and the data is not one \({name.split()[0]}\)"):
        next(documents(data, column="text"))
    next(documents(data))


def model(name: str) -> Any:
    network = lstm_core.load_model("pronouns-lstm")
    return {"name": network.name, "Network": network, "Block": network.block, "LSTM": nn.LSTM(3, 4)}[name]


REFUSED: dict[str, tuple[str, Any, dict[str, Any], str]] = {
    "batch_first of a name": ("name", TEXTS, {"batch_first": True}, "of a PyTorch module; a Network says itself"),
    "of a network": ("Network", TEXTS, {"batch_first": False}, "of a PyTorch module; a Network says itself"),
    "of a block": ("Block", X, {"batch_first": True}, "of a PyTorch module; a Block says itself"),
    "another than the module's": ("LSTM", X, {"batch_first": True}, "this LSTM has batch_first=False: leave"),
    "a tokenizer of vectors": ("LSTM", X, {"tokenizer": TOKENIZER}, "and the data is vectors"),
    "workers": ("Network", TEXTS, {"workers": 2}, "workers and memory are of the engine ray"),
    "memory": ("Network", TEXTS, {"memory": 1 << 30}, "workers and memory are of the engine ray"),
    "column": ("Network", TEXTS, {"column": "text"}, "column is of a .csv or .parquet file"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_option_of_something_else_is_refused(name: str, tmp_path: Path) -> None:
    kind, data, how, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        lstm_core.survey(model(kind), data, tmp_path / "s", **how)


def test_what_a_module_says_itself_may_be_said_again(tmp_path: Path) -> None:
    for first in (True, False):
        module = nn.LSTM(3, 4, batch_first=first)
        assert lstm_core.survey(module, X, tmp_path / str(first), batch_first=first).steps == X[..., 0].size


@pytest.mark.parametrize("how", [{"lengths": [1]}, {"padding": 0}, {"column": "text"}], ids=str)
def test_a_survey_that_is_opened_without_its_data_has_no_options_of_data(how: dict[str, Any], tmp_path: Path) -> None:
    lstm_core.survey(nn.LSTM(3, 4), X, tmp_path / "s")
    with pytest.raises(ValueError, match="column are of data: give it again"):
        lstm_core.open_survey(tmp_path / "s", **how)
