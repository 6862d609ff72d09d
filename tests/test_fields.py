"""The fields beside the scene's own text: what stands in them first is made of words that the models know."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from dashboard import cache
from dashboard.controls.words import other_sentence, word_pair
from dashboard.state import HOMES, Settings
from dashboard.views import contrast, memory
from lstm_core.drawing.panel import text_axis
from tests.small_models import small_model
from tests.test_pages import plain  # noqa: F401
from tests.test_views import SENTENCE, opened, sent, small  # noqa: F401

HOME = Settings().text
CHINESE = HOMES["zh"]["text"]


@pytest.fixture
def shipped(plain: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.delenv("GATESCOPE_MODELS")
    cache.forget()


def seen(text: str, *names: str) -> Any:
    readings = [cache.read(name, text) for name in names]
    models = [reading.model for reading in readings]
    settings, traces = SimpleNamespace(text=text), [reading.trace for reading in readings]
    return SimpleNamespace(settings=settings, readings=readings, models=models, traces=traces)


def test_the_other_sentence_is_like_the_text_and_known_to_the_models(shipped: None) -> None:
    for text, name, other in (
        (HOME, "pronouns-lstm", "John went to the market because he was hungry. Then Mary met Anna and she"),
        (CHINESE, "pronouns_zh-gru", "昨天王先生去了市场，因为他很饿。后来李女士遇见了小红，她"),
        ("我在法国长大。今天天气很好。我会说", "general-gru", "我在德国长大。今天天气很好。我会说"),
        (CHINESE, "general-lstm", "昨天王先生去了市场，因为他很饿。后来李女士遇见了小红，她"),
    ):
        assert other_sentence(seen(text, name, name)) == other


def test_what_somebody_typed_is_compared_with_a_minimal_pair_of_it(shipped: None) -> None:
    for text, name, other in (
        ("Alice told the king that", "general-lstm", "John told the king that"),
        ("My sister met MARY and", "general-gru", "My brother met MARY and"),
        ("The grace of the queen was", "general-gru", "The grace of the king was"),
        ("Yesterday we flew to Norway. I speak", "general-gru", "Yesterday we flew to France. I speak"),
        ("The keys to the cabinet", "agreement-lstm", "The key to the cabinet"),
        ("Priya gave Oluwaseun a pen because he", "general-lstm", "Priya gave Oluwaseun a pen because she"),
        ("mary met john and", "pronouns-lstm", "tom met john and"),
        ("李女士去了商店，她", "pronouns_zh-gru", "李先生去了商店，她"),
        ("我在法国长大，也去过德国。", "general-gru", "我在西班牙长大，也去过德国。"),
        ("女老师在家看书，然后", "general-lstm", "男老师在家看书，然后"),
        ("今天他很饿，因为", "pronouns_zh-lstm", "今天她很饿，因为"),
        ("It was raining and", "general-lstm", ""),
        ("xxxx yyyy", "pronouns-lstm", ""),
    ):
        assert other_sentence(seen(text, name, name)) == other, text


def test_where_nothing_can_be_swapped_it_is_said_what_to_type() -> None:
    test = opened(contrast.__name__, text="saw because saw")
    assert test.text_input[0].value == ""
    assert "one word changed" in " ".join(one.value for one in test.caption)


def test_a_word_axis_names_every_word_of_a_sentence_of_thirty() -> None:
    words = [(float(k), (f"word{k}",)) for k in range(30)]
    assert len(text_axis(words, 30)["ticktext"]) == 30


@pytest.mark.parametrize("name", ["country-lstm", "agreement-lstm", "brackets-lstm", "anbn-lstm", "copy-rnn"])
def test_every_model_has_a_sentence_and_two_words_of_its_own(shipped: None, name: str) -> None:
    model = cache.model(name)
    text = model.meta["examples"][0]
    text = text["text"] if isinstance(text, dict) else text
    here = seen(text, name, name)
    other = other_sentence(here)
    assert other != text and all(token.known for token in model.tokenizer.encode(other))
    one, two = word_pair(here)
    assert model.tokenizer.id(one) != model.tokenizer.id(two)


def test_the_two_words_are_the_pronouns_of_the_text(shipped: None) -> None:
    assert word_pair(seen(CHINESE, "pronouns_zh-lstm", "pronouns_zh-gru")) == ("她", "他")
    assert word_pair(seen("Alice told Bob that she was late because", "general-lstm", "general-gru")) == ("she", "he")
    assert word_pair(seen("我在法国长大。我会说", "general-lstm", "general-gru"))[0].startswith("法")
    pair = word_pair(seen("I grew up in Norway. I speak", "general-lstm", "general-gru"))
    assert pair == ("Norwegian", "Finnish")  # and not "G", with which words begin that nobody can name


def test_what_somebody_wrote_stands_in_the_address_and_what_nobody_wrote_does_not() -> None:
    test = opened(contrast.__name__, text=SENTENCE)
    first = test.text_input[0].value
    assert first and "other" not in test.query_params
    test.text_input[0].set_value("John saw John because she").run()
    assert test.query_params["other"] in ("John saw John because she", ["John saw John because she"])
    assert sent(test)["words"][0][0] == "Mary/John"
    test.text_input[0].set_value(first).run()
    assert "other" not in test.query_params


def test_a_link_fills_the_fields() -> None:
    test = opened(memory.__name__, text=SENTENCE, look="one word against another", word="mary", against="john")
    assert [one.value for one in test.text_input] == ["mary", "john"]
    assert "the lead of “mary” over “john”" in sent(test)["panels"][0]["title"]
    model = small_model("lstm")
    logits = model.logits(model.run(SENTENCE))[-1]
    lead = float(logits[model.tokenizer.id("mary")] - logits[model.tokenizer.id("john")])
    likelier = "“mary” is" if lead > 0 else "“john” is"
    note = sent(test)["panels"][0]["note"]
    assert likelier in note and f"{2.718281828 ** abs(lead):.1f} times as likely" in note
