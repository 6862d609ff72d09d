"""The pages that explain a trace, in Chinese: no English is left over, and a link means what it means in English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit import session_state
from streamlit.testing.v1 import AppTest

from dashboard import language
from dashboard.views import contrast, gradients, health, memory, what_if
from tests.test_figures import unpack
from tests.test_pages import plain  # noqa: F401
from tests.test_views import SENTENCE, opened, sent, small  # noqa: F401

PAGES = [memory, what_if, gradients, contrast, health]
SHOWN = ("title", "text", "note", "alt", "name", "hovertext", "hovertemplate")
LINKS = [
    {"at": "3"},
    {"left": "pronouns-rnn", "right": "stacked", "layer": "1", "direction": "1"},
    {"look": "one word against another", "word": "zzzz"},
    {"do": "f[5]@2:3=1;c=flip;c@1:2=hold;h@0:3=0;o=1", "do2": "x@1:2=zzzz"},
    {"do": "f[999]@1:2=1", "do2": "h=flip;r@2:3=0", "target": "zzzz"},
    {"do": "f@1:2=hold", "do2": "q=1"},
    {"text": ""},
]


@pytest.fixture(autouse=True)
def chinese(plain: None) -> Iterator[None]:  # noqa: F811
    language.ask(lambda: session_state.get("lang", "zh"))
    yield
    language.ask(lambda: language.ENGLISH)


def texts(tree: Any, key: str = "") -> Iterator[str]:
    """What a reader sees of a panel."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from texts(value, name)
    elif isinstance(tree, (list, tuple)):
        for value in tree:
            yield from texts(value, key)
    elif isinstance(tree, str) and key in SHOWN:
        yield tree.removesuffix("<extra></extra>")


def on_the_page(test: AppTest) -> Iterator[str]:
    for one in test.get("bidi_component"):
        yield from texts(unpack(one.proto.bytes).get("panels", ()))  # type: ignore[attr-defined]
    widgets = (test.button, test.checkbox, test.text_input, test.number_input, test.selectbox, test.button_group)
    for one in (one for kind in widgets for one in kind):
        yield one.label
        yield from getattr(one, "options", None) or ()
    yield from (one.value for kind in (test.caption, test.error) for one in kind)


def english(text: str) -> bool:
    """Two words beside each other; what is quoted is the reader's, and a work's authors are named as everywhere."""
    own = re.sub("“[^”]*”|et al|'[^']*'|" + SENTENCE, "", text)
    return bool(re.search(r"[A-Za-z]{2,} [a-z]{2,}|\b(step|unit|layer|word)s?\b", own))


@pytest.mark.every(3)
@pytest.mark.parametrize("view", PAGES, ids=lambda view: view.page.title)
@pytest.mark.parametrize("link", LINKS, ids=str)
def test_no_english_is_left_over(view: Any, link: dict[str, str]) -> None:
    shown = list(on_the_page(opened(view.__name__, **{"text": SENTENCE, **link})))
    assert any(re.search("[一-鿿]", text) for text in shown)
    assert not [text for text in shown if english(text)]


def test_it_would_see_english() -> None:
    assert english("LSTM: what is kept") and english("单元 3: mean write 0.1") and english("unit 3")
    assert not english("“to be” 处：f = 1（Weiss et al. 2018）")


def test_a_link_says_the_same_in_every_language() -> None:
    test = opened(memory.__name__, text=SENTENCE)
    look = test.button_group(key="look")
    assert look.value == "a unit" and look.options == ["一个单元", "一个词对另一个词"]
    look.set_value("one word against another").run()
    assert test.query_params["look"] == "one word against another"
    test.session_state["lang"] = language.ENGLISH
    test.run()
    assert test.button_group(key="look").value == "one word against another"
    assert [one.label for one in test.text_input] == ["for the word", "against"]


def test_a_word_of_the_reader_stays_as_it_is() -> None:
    assert language.words("zh")["unit"] == "单元"
    link = {"text": "unit unit", "at": "1", "left": "pronouns-lstm", "right": "pronouns-gru"}
    said = sent(opened(memory.__name__, **link))["panels"][0]["text"]
    assert said.startswith("第 2 个“unit”写入得最多")


def test_a_choice_outlives_another_language() -> None:
    test = opened(memory.__name__, text=SENTENCE)
    test.selectbox[0].set_value(5).run()
    test.session_state["lang"] = language.ENGLISH
    test.run()
    assert test.selectbox[0].label == "LSTM unit" and test.selectbox[0].value == 5
    assert "unit 5" in sent(test)["panels"][0]["title"]


def test_an_intervention_is_added_in_chinese() -> None:
    test = opened(what_if.__name__, text=SENTENCE, do="")
    test.selectbox(key="add0 how").set_value("turn it round").run()
    next(one for one in test.button if one.key == "do add").click().run()
    assert not test.exception
    assert test.session_state["kept"]["do"].endswith("=flip") and "取反" in test.checkbox[0].label


def test_the_essays_case_holds_a_name_of_several_characters() -> None:
    """What was let go at the new subject, character by character, is held: the old pronoun stays in both networks."""
    from dashboard.scene import Drawn
    from dashboard.state import HOMES
    from dashboard.views.what_if import essay
    from lstm_core import load_model
    from lstm_core.analysis import Force, intervene

    for name, steps in (("pronouns_zh-lstm", (18, 20)), ("pronouns_zh-gru", (19, 20))):
        model = load_model(name)
        trace = model.run(HOMES["zh"]["text"])
        unit = model.meta["units"]["gender"]["unit"]
        held = [item for item in essay(model, trace, Drawn(0, 0), unit) if isinstance(item, Force)]
        assert {(item.start, item.stop) for item in held} == {steps}
        after = intervene(trace, held, model).after
        assert [model.predictions(run, 1)[HOMES["zh"]["at"]][0][0] for run in (trace, after)] == ["他", "她"]
