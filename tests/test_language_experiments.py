"""Experiments, "Train it yourself" and "Your model" in Chinese: no English is left over, whatever goes wrong."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from torch import nn
from uploads import HOSTILE, WORDS, npy, onnx_lstm, saved, tagger

from dashboard import jobs, language
from dashboard import train as training
from dashboard.figures import experiments as draw
from dashboard.views import experiments as view
from dashboard.views import gates
from dashboard.yours import inputs, session, vocabulary
from dashboard.yours.upload import SENTENCE, Given
from lab import report
from lab.experiments import discover
from lab.experiments.base import Cancelled, Figure, watch
from lab.experiments.record import results
from lab.learning.live import Choice
from lab.tasks.miniature import MINIATURES
from lstm_core import CELLS
from lstm_core.files.sandbox import as_json, from_json
from lstm_core.say import say
from lstm_core.variant import activation, variant
from tests import test_your_pages
from tests.test_figures import unpack
from tests.test_views import opened, small  # noqa: F401

NAME = view.__name__
SHOWN = ("title", "text", "alt", "name", "ticktext", "x", "hovertemplate")


@pytest.fixture(autouse=True)
def chinese() -> Iterator[None]:
    language.ask(lambda: "zh")
    yield
    language.ask(lambda: language.ENGLISH)


def english(text: str) -> bool:
    """Two words beside each other, or one of ours; what is quoted, a command, a library's or an author's is none."""
    own = re.sub(r"`[^`]*`|“[^”]*”|\]\([^)]*\)|et al|Xeon\(R\)|PyTorch state_dict|不完整：.*", "", text)
    return bool(re.search(r"[A-Za-z]{2,} [a-z]{2,}|\b(steps?|units?|seeds?|lag|bias|chance|target|trained)\b", own))


def left_over(texts: Any) -> list[str]:
    found = [text for text in texts if isinstance(text, str)]
    assert any(re.search("[一-鿿]", text) for text in found)
    return [text for text in found if english(text)]


def texts(tree: Any, key: str = "") -> Iterator[str]:
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from texts(value, name)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from texts(value, key)
    elif isinstance(tree, str) and key in SHOWN:
        yield tree


def on_the_page(test: AppTest) -> Iterator[str]:
    for one in test.get("bidi_component"):
        tree = unpack(one.proto.bytes)  # type: ignore[attr-defined]
        yield from texts(tree.get("panels", ()))
        for card in tree.get("cards", ()):
            yield from (card[key] for key in ("title", "claim", "verdict", "short"))
            yield from (said for _, said in card["lines"])
            yield from (name for name, *_ in card["legend"])
            yield from re.findall(r"""(?<=>)[^<>]+(?=<)|(?<=aria-label=")[^"]*""", card["svg"])
    for one in (*test.selectbox, *test.number_input, *test.slider, *test.select_slider, *test.button):
        if not str(one.key or "").startswith("try "):  # a text to try is in the model's language
            yield from (one.label, one.proto.help)
    yield from (option for one in test.selectbox for option in one.options)
    for kind in (test.header, test.subheader, test.markdown, test.caption, test.error, test.info):
        yield from (one.value for one in kind)


def test_it_would_see_english() -> None:
    assert english("LSTM: right after a switch: 1") and english("seed 0, not measured")
    assert not english("a^n b^n：Weiss et al. 2018；`python -m x`")


# -- the page ----------------------------------------------------------------------------------------------------------


def test_the_wall() -> None:
    assert not left_over(on_the_page(opened(NAME)))


@pytest.mark.every(3)
@pytest.mark.parametrize("name", discover())
def test_an_experiment(name: str) -> None:
    assert not left_over(on_the_page(opened(NAME, experiment=name)))


def test_a_figure_is_told_in_words() -> None:
    found = results("number")
    assert found is not None
    drawing = discover()["number"].draw(found)[1]
    assert draw.alt(drawing).startswith("不同干扰名词数下的动词正确率：LSTM：正确率从 ")
    language.ask(lambda: language.ENGLISH)
    assert draw.alt(drawing).startswith("Right verb by attractors: LSTM: share right from ")


def test_a_bar_with_a_long_chinese_name_has_room() -> None:
    """A Chinese letter is as wide as two Latin ones: six names of ten do not fit below a card's figure."""
    names = [f"十个汉字的名字有多宽{k}" for k in range(6)]
    drawing = draw.Drawing("bars", "T", "", "", [draw.Series("a", names, [1.0] * 6)])
    svg = draw.small(drawing)
    assert f">{names[0]}</text>" in svg and f">{names[-1]}</text>" in svg and f">{names[1]}</text>" not in svg
    assert "abcdefghij" in draw.small(
        draw.Drawing("bars", "", "", "", [draw.Series("a", ["abcdefghij", *"bcde"], [1.0] * 5)])
    )


def test_what_another_process_says_is_translated_here() -> None:
    told: list[str] = []
    list(watch([1, 2], lambda share, what: told.append(json.dumps(as_json(what))), say("lag {lag}", lag=40)))
    assert [language.tr(from_json(json.loads(line))) for line in told] == [
        "间隔 40，第 1 个，共 2 个",
        "间隔 40，第 2 个，共 2 个",
    ]
    assert from_json("starting") == "starting"


def test_a_measurement_that_gives_up_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", iter([0.0, 1e9]).__next__)
    with pytest.raises(Cancelled) as caught:
        report.limited(lambda share, what: None, 60 * view.LONGEST)(0.0, "")
    assert view.GAVE_UP == f"ended: {caught.value}"
    assert language.tr(view.GAVE_UP) != view.GAVE_UP


def test_the_check_of_the_shipped_files() -> None:
    rows = [
        {"figure": "rnn", "was": 0.5, "now": 0.5, "ok": True},
        {"figure": "lstm", "was": None, "now": 1, "ok": False},
    ]
    said = view.checks(discover()["conveyor-belt"], rows).splitlines()
    assert said[0] == "**2 个指标中有 1 个一致。**"
    assert said[4:] == [
        "| 一致 | RNN：100 个词之后仍答对语言 | 0.5 | 0.5 |",
        "| 有出入 | LSTM：100 个词之后仍答对语言 |  | 1 |",
    ]


@pytest.mark.parametrize("name", discover())
def test_every_figure_has_a_name_in_words(name: str) -> None:
    one, found = discover()[name], results(name)
    assert found is not None
    figures = {target.figure for target in one.targets} | set(one.words)
    assert not left_over([language.tr(one.says(figure)) for figure in figures])
    assert not left_over([language.tr(one.short(found))]) if one.short(found) else True


def test_what_a_new_measurement_says() -> None:
    one, found = discover()["counting"], results("counting")
    assert found is not None
    same = view.compared(one, found, replace(found, seconds=5.0))
    assert (
        same == "**刚才用时 5 秒：3 个指标中有 3 个与原先相同（三位有效数字）。**3 个目标中达标 2 个 · 5 个随机种子。"
    )
    other = replace(found, figures={**found.figures, "gru_right_to": Figure((61, 40))})
    said = view.compared(one, found, other)
    assert "3 个指标中有 2 个" in said and "达标 1 个" in said
    assert said.endswith("不同的有：LSTM 减 GRU：正确到 n：−3，原为 6。")


# -- train it yourself -------------------------------------------------------------------------------------------------


def test_training() -> None:
    assert not left_over(on_the_page(opened(NAME, experiment="train")))


@pytest.mark.parametrize("cell", ["lstm", "rnn"])
def test_what_a_training_draws(cell: str) -> None:
    mini = MINIATURES["pronouns"]
    ids = [token.id for token in mini.tokenizer.encode(mini.text)]
    names = [signal.name for signal in CELLS[cell].signals]
    signals = {name: np.full((1, 1, len(ids), 1, 3), 0.5, np.float32) for name in names}
    said = [{"step": 0, "loss": 2.0, "right": 0.5, "seconds": 0.1}]
    panels = [training.loss_panel(said, 0), *training.gate_panels(Choice(cell=cell), mini, signals)]
    told = training.expected(mini, np.full((len(ids), mini.tokenizer.size), 0.1), ids)
    assert "预测" in told
    # What is read is English: the words along the axis.
    assert not left_over([told, *(text for text in texts(panels) if text not in mini.text)])


def test_a_busy_server_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "AT_ONCE", 0)
    monkeypatch.setattr(jobs, "WAITING", 0)
    with pytest.raises(jobs.Busy) as caught:
        jobs.Job("nothing", [], 1)
    assert not english(language.tr(caught.value.args[0]))


# -- your model --------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("file", test_your_pages.FILES)
def test_a_models_own_line(file: str) -> None:
    test = test_your_pages.opened(gates, test_your_pages.FILES[file]())
    popovers = [one.proto.popover.label for one in test.get("popover")]  # type: ignore[attr-defined]
    shown = [*popovers, *(one.label for one in (*test.selectbox, *test.number_input, *test.button))]
    shown += [option for one in test.selectbox if str(one.key).startswith("yours") for option in one.options]
    assert any(label.startswith("你的模型：") for label in popovers)
    assert not left_over(shown + [one.value for one in test.caption])


def test_a_file_that_does_not_say_which_cell_it_holds() -> None:
    place = session.Place()
    place.take(Given("rnn.pt", saved(nn.RNN(3, 4))))
    assert place.question is not None
    test = test_your_pages.opened(gates, place)
    assert not left_over([one.value for one in test.markdown] + [one.label for one in test.button])


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_wrong_with_a_file(kind: str) -> None:
    place = session.Place()
    place.take(Given("x.pt", HOSTILE[kind][0]()))
    said = language.tr(place.problem)
    assert re.search("[一-鿿]{2}", said.partition("：")[2]) and place.problem.isascii()
    own = re.sub(r"(torch\.save|load)\(.*\)|weight、bias", "", said)  # a call and a file's own names are no English
    assert not english(own)


BAD: list[Callable[[], Any]] = [
    lambda: inputs.read(b"1,2,3\n1,x,3", 3, 9),
    lambda: inputs.read(b"1,2,nan", 3, 9),
    lambda: inputs.read(b"\xff\xfe\x00", 3, 9),
    lambda: inputs.read(npy(np.array([["a", "b", "c"]])), 3, 9),
    lambda: inputs.read(npy(np.zeros((4, 2))), 3, 9),
    lambda: vocabulary.read(b'{"a": "b"}', 3),
    lambda: vocabulary.read(b"a\nb\na", 3),
    lambda: vocabulary.read(b"a\nb\na", 2),
    lambda: activation("nosuch"),
]


@pytest.mark.parametrize("wrong", BAD)
def test_what_is_wrong_with_numbers_and_vocabularies(wrong: Callable[[], Any]) -> None:
    with pytest.raises(ValueError) as caught:
        wrong()
    assert not left_over([language.tr(caught.value.args[0])])


def test_what_a_reading_says() -> None:
    place = test_your_pages.placed(onnx_lstm())
    assert place.upload is not None
    assert not left_over([language.tr(place.upload.read("", 9).why)])
    words = vocabulary.read(b"mary\nsaw", len(WORDS))
    place = test_your_pages.placed(saved(tagger()), vocabulary=words, source=SENTENCE)
    assert place.upload is not None
    assert place.upload.read("mary zzz", 9).others == ["你的词表中没有 zzz：已略去。"]
    assert place.upload.read("mary zzz yyy", 9).others == ["你的词表中没有 zzz、yyy：已略去。"]


def test_a_cell_with_other_functions_says_which() -> None:
    cell = variant(CELLS["gru"], gate=activation("hardsigmoid"), candidate=activation("relu"), clip=2.0)
    title = language.tr(cell.title)
    assert title.endswith("（门用 hardsigmoid、候选值用 relu、截断到 2）") and "relu" in cell.name
    assert not left_over([title, language.tr(cell.note)])
