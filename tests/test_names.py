"""A name that is not there: whatever it is asked of says which names there are, in one sentence."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import lstm_core
from lstm_core import analysis
from lstm_core.names import MOST, Names, UnknownName


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.reads, self.writes = nn.LSTM(3, 4), nn.GRU(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.writes(self.reads(x)[0])[0]


X = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(0))
TRACES = lstm_core.trace_all(Pair(), X)
TRACE = TRACES["reads"]


def loaded() -> lstm_core.Loaded:
    file = io.BytesIO()
    torch.save(Pair().state_dict(), file)
    return lstm_core.load(file.getvalue())


BY_NAME: dict[str, tuple[Callable[[], Any], str]] = {
    "trace_all": (lambda: TRACES, "'reads', 'writes'"),
    "trace_all, forced": (lambda: lstm_core.trace_all(Pair(), X, force=[]), "'reads', 'writes'"),
    "a module alone": (lambda: lstm_core.trace_all(nn.LSTM(3, 4), X), "only one, without a name"),
    "signals": (lambda: TRACE.signals, "'i', 'f', 'g', 'o', 'c', 'h'"),
    "signals on the device": (lambda: lstm_core.trace(nn.GRU(3, 4), X, keep="device").tensors, "'r', 'z', "),
    "what is copied from there": (lambda: lstm_core.trace(nn.GRU(3, 4), X, keep="device").signals, "'r', 'z', "),
    "initial": (lambda: TRACE.initial, "'h', 'c'"),
    "final": (lambda: TRACE.final, "'h', 'c'"),
    "CELLS": (lambda: lstm_core.CELLS, "'lstm'"),
    "PROPERTIES": (lambda: analysis.PROPERTIES, "'inside_quotes'"),
    "load": (loaded, "'reads', 'writes'"),
    "load, traced": (lambda: loaded().trace(X.numpy()), "'reads', 'writes'"),
}


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("wrong", ["x", 7, None])
def test_an_unknown_name_is_told_those_there_are(name: str, wrong: object) -> None:
    there, names = BY_NAME[name]
    with pytest.raises(UnknownName) as raised:
        there()[wrong]
    text = str(raised.value)
    assert text.startswith(f"there is no {wrong!r}; there ") and names in text and "\n" not in text
    assert isinstance(raised.value, KeyError) and isinstance(raised.value, ValueError)


def test_of_many_names_some_are_told_and_the_rest_is_counted() -> None:
    with pytest.raises(UnknownName, match=r"there are '0', .*'29' and 70 more$"):
        Names({str(k): k for k in range(MOST + 70)})["x"]
    with pytest.raises(UnknownName, match="there is no 'x'; there is nothing$"):
        Names[int]()["x"]


def test_otherwise_it_is_a_dict() -> None:
    assert isinstance(TRACES, dict) and TRACES.get("x") is None and "x" not in TRACES and len(TRACES) == 2
    assert isinstance(TRACE.signals, Mapping) and TRACE.signals.get("x", 3) == 3
    again = pickle.loads(pickle.dumps(TRACES))
    assert type(again) is Names and np.array_equal(again["reads"]["h"], TRACE["h"])
    assert json.loads(json.dumps(Names(a=1))) == {"a": 1} == Names(a=1)


def test_the_trace_of_another_network_is_told() -> None:
    model = lstm_core.load_model("pronouns-lstm")
    asked: tuple[Callable[[lstm_core.Trace], Any], ...] = (
        lambda trace: model.next_tokens(trace, -1),
        model.predictions,
        model.likeliest,
        model.logits,
        lambda trace: analysis.lead(model, trace, -1),
        lambda trace: analysis.leads(model, trace),
        lambda trace: analysis.expected(model, trace),
        lambda trace: analysis.word_error(model, trace, -1, "she"),
    )
    for trace in (TRACE, lstm_core.load_model("pronouns-gru").run("Mary was")):
        for ask in asked:
            with pytest.raises(ValueError, match=rf"reads 16 numbers a step; this trace has {trace.hidden_size}, so"):
                ask(trace)


def test_a_count_below_none_is_told(tmp_path: Path) -> None:
    model = lstm_core.load_model("pronouns-lstm")
    trace = model.run("Mary was")
    survey = lstm_core.survey(model, ["Mary was hungry", "John met Anna"], tmp_path / "survey")
    asked: dict[str, Callable[[], Any]] = {
        "k": lambda: model.next_tokens(trace, -1, -1),
        "most": lambda: survey.contexts("c", unit=0, most=-1),
        "around": lambda: survey.contexts("c", unit=0, around=-1),
        "start": lambda: survey.words(0, -1, 2),
        "step": lambda: survey.open(0, -1),
        "sides": lambda: survey.similar("Mary was", 0, 1, sides=-1),
        "seed": lambda: analysis.search(model, ["Mary was", "John met"], "gender", seed=-1),
        "shuffles": lambda: analysis.search(model, ["Mary was", "John met"], "gender", shuffles=-1),
    }
    for name, ask in asked.items():
        with pytest.raises(ValueError, match=f"^{name} is at least 0, not -1$"):
            ask()
    for ask in (model.predictions, model.likeliest):
        with pytest.raises(ValueError, match="^k is at least 0, not -1$"):
            ask(trace, -1)
    assert model.next_tokens(trace, -1, 0) == []
    with pytest.raises(UnknownName, match="there is no 'x'; there are 'id', "):
        survey.units()["x"]
    with pytest.raises(UnknownName, match="there is no 'x'; there is only one, without a name"):
        survey.open(0, module="x")


def test_the_only_one_without_a_name_is_told_in_words() -> None:
    file = io.BytesIO()
    torch.save(nn.LSTM(3, 4).state_dict(), file)
    found = lstm_core.load(file.getvalue())
    for asked in (found, found.trace(X.numpy())):
        with pytest.raises(UnknownName) as caught:
            asked["nope"]
        assert str(caught.value) == "there is no 'nope'; there is only one, without a name"
