"""The page "Step by step" and what describes a cell, in Chinese: no English is left over, whatever the cell."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dashboard import language
from dashboard.figures.walk import walk
from dashboard.views.gates import captions
from lstm_core import CELLS, load_model
from lstm_core.cells import cell
from lstm_core.drawing.grid import grid
from lstm_core.drawing.words import as_sentence
from tests.small_models import small_model
from tests.traces import random_trace

NAMES = {"LSTM", "GRU", "RNN", "CIFG", "ReLU", "Cho", "JANET", "PyTorch", "minGRU", "minLSTM", "sLSTM"}
"""What is called the same in every language."""


def walked(name: str) -> dict[str, Any]:
    """What the page shows of this cell, of a model with a unit named "gender" that reads numbers."""
    return walk([small_model(name)], [random_trace(name, batch=1)], [0], [(0, 0)])


def shown(content: dict[str, Any]) -> list[str]:
    side = content["sides"][0]
    found = [side["title"], *side["tokens"], *content["stages"].values()]
    found += [one["name"] for one in side["named"]]
    found += [signal["meaning"] for signal in side["signals"].values()] + [stage["text"] for stage in side["stages"]]
    return found + [push.get("label", "") for line in side["equations"].values() for push in line["pushes"]]


def english(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z]{3,}|\bof\b|\bby\b", text)) - NAMES


@pytest.mark.parametrize("name", CELLS)
def test_a_walk_in_chinese_holds_no_english(name: str, chinese: None) -> None:
    assert not {text: left for text in shown(walked(name)) if (left := english(text))}


def test_a_walk_in_english_is_as_it_was() -> None:
    found = shown(walked("depth_gated"))
    assert {"Depth-gated LSTM", "step 1", "What to forget", "gender", "cell state: the memory"} <= set(found)
    assert {"old c by w_cf", "c by w_co", "c of the layer below by w_ld"} <= set(found)


def test_every_note_is_told_in_chinese(chinese: None) -> None:
    for one in CELLS.values():
        assert not english(language.tr(one.note)) - {"cuDNN"}, one.note


def test_what_is_wrong_is_a_sentence(chinese: None) -> None:
    with pytest.raises(ValueError, match="there is no cell 'lstn'") as caught:
        cell("lstn")
    assert as_sentence(caught.value).startswith("没有名为 'lstn' 的细胞；") and as_sentence(caught.value).endswith("。")
    assert as_sentence(ValueError("nobody translated this."), "请重试。") == "Nobody translated this。请重试。"
    language.ask(lambda: language.ENGLISH)
    assert as_sentence(caught.value, "Choose one.").startswith("There is no cell 'lstn'; there are ")
    assert as_sentence(ValueError("it is wrong."), "Try again.") == "It is wrong. Try again."
    assert as_sentence(ValueError("it is wrong")) == "It is wrong."


@pytest.mark.parametrize("name", CELLS)
def test_the_rows_of_a_grid_in_chinese_hold_no_english(name: str, chinese: None) -> None:
    panels = grid([random_trace(name, batch=1)])["layout"]["meta"]["panels"]
    assert not {panel["title"] for panel in panels if english(panel["title"])}


def test_attention_in_chinese_holds_no_english(chinese: None) -> None:
    trace = load_model("pronouns-lstm-attention").run("Mary")
    assert "注意力" in [panel["title"] for panel in grid([trace])["layout"]["meta"]["panels"]]
    told = list(captions(trace))
    assert len(told) == 2 and not [text for text in told if re.search(r"[.:;] |[.;:]$", text)]
    assert not english(told[1]) - {"Luong"}
