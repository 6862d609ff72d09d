"""The page Compare: equal models are equal, and of two that part it names the place, the growth and the cause."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch import Tensor, nn
from uploads import HOSTILE, WORDS, saved, tagger

import lstm_core
from dashboard import apart, catalogue, compared, library
from dashboard.figures import comparing
from dashboard.state import YOURS
from dashboard.views import compare
from dashboard.yours import vocabulary
from dashboard.yours.session import Place
from dashboard.yours.upload import Given
from lstm_core.say import Said
from tests.small_models import small_model
from tests.test_views import SENTENCE, script, sent, small  # noqa: F401


def placed(data: bytes, name: str = "yours") -> Place:
    place = Place(name=name)
    place.take(Given(f"{name}.pt", data))
    return place


def opened(own: Place | None = None, other: Place | None = None, **params: str) -> AppTest:
    test = AppTest.from_function(script, args=(compare.__name__,), default_timeout=300)
    for key, place in ((library.OWN, own), (compare.OTHER, other)):
        if place is not None:
            test.session_state[key] = place
    for key, value in {"text": SENTENCE, **params}.items():
        test.query_params[key] = value
    test.run()
    assert not test.exception, test.exception
    return test


def panels(test: AppTest) -> dict[str, dict]:
    return {panel["id"]: panel for panel in sent(test)["panels"]}


def file(change: Callable[[dict[str, Tensor]], dict[str, Tensor]] = dict, module: nn.Module | None = None) -> bytes:
    """The weights of an LSTM, changed as a conversion may change them."""
    torch.manual_seed(3)
    module = nn.LSTM(4, 6) if module is None else module
    data = io.BytesIO()
    torch.save(change(module.state_dict()), data)
    return data.getvalue()


def reordered(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    parts = {name: value.chunk(4) for name, value in weights.items()}
    return {name: torch.cat([i, o, f, g]) for name, (i, f, g, o) in parts.items()}


@pytest.mark.parametrize("fault", [compared.ORDER, compared.HALF, compared.END])
@pytest.mark.parametrize("left", ["pronouns-lstm", "pronouns-gru", "stacked"])
def test_the_cause_of_a_planted_fault_is_named(left: str, fault: str) -> None:
    cause = {compared.ORDER: "gate order", compared.HALF: "precision", compared.END: "direction"}[fault]
    drawn = panels(opened(left=left, beside=compare.COPY, fault=fault))
    assert f"Cause: {cause}, in layer 0" in drawn["why"]["text"] and "A and B agree " in drawn["why"]["text"]
    assert drawn["verdict"]["text"].startswith("They part at “")


@pytest.fixture(scope="module")
def translatable() -> set[str]:
    return {str(message.id) for message in catalogue.collected()}


@pytest.mark.parametrize("fault", [compared.ORDER, compared.HALF, compared.END])
def test_every_part_of_the_cause_can_be_translated(fault: str, translatable: set[str]) -> None:
    side = compared.Side.of(small_model("lstm"))
    found = compared.answered(side, compared.planted(side, fault), np.arange(4))

    def translated(text: object) -> None:
        assert not isinstance(text, str) or isinstance(text, Said) or not re.search("[a-z]{3} [a-z]", text), text
        if isinstance(text, Said):
            assert text.template in translatable
            for value in text.values.values():
                translated(value)

    assert found.causes
    for line in found.why():
        translated(line)


def test_the_growth_is_the_difference_of_two_runs() -> None:
    model = small_model("gru")
    a = compared.Side.of(model)
    b = compared.planted(a, compared.ORDER)
    runs = [one.run(SENTENCE)["h"][-1, 0, :, 0] for one in (model, replace(model, block=b.blocks[0]))]
    apart_by = np.abs(runs[0] - runs[1]).max(1)
    drawn = panels(opened(left="pronouns-gru", beside=compare.COPY, fault=compared.ORDER))["growth"]
    np.testing.assert_allclose(drawn["figure"]["data"][0]["y"], apart_by, rtol=1e-3, atol=1e-6)


def test_a_model_is_equal_to_itself_and_two_sizes_are_a_sentence() -> None:
    drawn = panels(opened(left="stacked", right="stacked", beside=compare.RIGHT))
    assert drawn["verdict"]["text"].endswith("is the same number in both.") and "why" not in drawn
    assert drawn["growth"]["text"] == "There is none at any step." and not drawn["growth"]["figure"]
    test = opened(left="stacked", right="pronouns-lstm", beside=compare.RIGHT)
    assert any("not models of one shape" in one.value for one in test.info)


def test_two_files_of_a_visitor_are_compared_in_a_worker() -> None:
    own = placed(file())
    drawn = panels(opened(own, placed(file(reordered), "other"), left=YOURS, beside=compare.FILE))
    assert "Cause: gate order, in layer 0" in drawn["why"]["text"]
    assert drawn["verdict"]["title"] == "A is yours.pt, B is other.pt"
    drawn = panels(opened(own, placed(file(), "other"), left=YOURS, beside=compare.FILE))
    assert drawn["verdict"]["text"].startswith("They are equal")
    half = placed(file(lambda old: {**old, "bias_hh_l0": torch.zeros_like(old["bias_hh_l0"])}), "other")
    drawn = panels(opened(own, half, left=YOURS, beside=compare.FILE))
    assert "Cause: biases, in layer 0" in drawn["why"]["text"], "the two biases of a file come along"
    other = placed(file(module=nn.GRU(3, 5)), "other")
    test = opened(own, other, left=YOURS, beside=compare.FILE)
    assert any("the block reads" in one.value and "cannot be compared" in one.value for one in test.info)


def test_a_language_model_of_a_visitor_is_compared_word_by_word() -> None:
    own, other = tagger(), tagger()
    with torch.no_grad():
        other.embed.weight.copy_(other.embed.weight.roll(1, 0))
    place = placed(saved(own))
    place.choose(vocabulary=vocabulary.read("\n".join(WORDS).encode(), len(WORDS)), source="sentence")
    drawn = panels(opened(place, placed(saved(other), "other"), left=YOURS, beside=compare.FILE))
    assert "They part at “Mary” (step 1): what layer 0 reads" in drawn["verdict"]["text"]
    assert "Cause: embedding" in drawn["why"]["text"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (WORDS, "that of B (other.pt) has the same rows for it."),
        ([WORDS[0], *WORDS[:0:-1]], "In that of B (other.pt), “Mary” is row 9, not 1."),
        (["<unk>", "ma", "ry", *WORDS[2:]], "That of B (other.pt) cuts it in another way, first at “Mary”."),
        (None, ""),
    ],
)
def test_by_whose_vocabulary_both_read_is_said_where_b_brings_one(words: list[str] | None, said: str) -> None:
    own, other = placed(saved(tagger())), placed(saved(tagger()), "other")
    by = "character" if words and "ma" in words else None
    for place, entries in ((own, WORDS), (other, words)):
        if entries is not None:
            read = vocabulary.read("\n".join(entries).encode(), len(entries), by if entries is words else None)
            place.choose(vocabulary=read, source="sentence")
    test = opened(own, other, left=YOURS, beside=compare.FILE)
    told = [one.value for one in test.caption if "by the vocabulary of A (yours.pt)" in one.value]
    assert len(told) == bool(said) and all(one.endswith(said) for one in told)
    copy = opened(own, left=YOURS, beside=compare.COPY)
    assert not [one for one in copy.caption if "by the vocabulary of" in one.value]


def test_the_vocabulary_of_the_model_on_the_right_is_told_from_the_left_ones() -> None:
    test = opened(left="pronouns-lstm", right="country-rnn", beside=compare.RIGHT)
    assert [one.value for one in test.caption if "In that of B (country-rnn), “" in one.value]


@pytest.mark.parametrize("embed", [0.0, 0.5])
def test_what_differs_beside_the_recurrent_layers_is_said(embed: float) -> None:
    """A file whose output layer is another one: no gate and no state of it differs."""
    own, other = tagger(), tagger()
    with torch.no_grad():
        other.out.weight[0, 0] += 0.5
        other.embed.weight[1] += embed  # which the input shows, and is said there
    place = placed(saved(own))
    place.choose(vocabulary=vocabulary.read("\n".join(WORDS).encode(), len(WORDS)), source="sentence")
    drawn = panels(opened(place, placed(saved(other), "other"), left=YOURS, beside=compare.FILE))
    said = drawn["why"]["text"] if embed else drawn["verdict"]["text"]
    differ = r"The weights beside the recurrent layers differ: out\.weight of A and out\.weight of B by 0\.5\.$"
    assert re.search(differ, said) and "embed" not in said
    assert not drawn["verdict"]["text"].startswith("They are equal") and ("why" in drawn) == bool(embed)


def test_a_shipped_model_is_compared_with_its_own_file() -> None:
    data = io.BytesIO()
    model = lstm_core.load_model("pronouns-lstm")
    names = {"W": "weight_ih_l0", "U": "weight_hh_l0", "b": "bias_ih_l0"}
    stacked = {
        own: torch.tensor(np.concatenate([model.layers[0][0][f"{kind}_{gate}"] for gate in "ifgo"]))
        for kind, own in names.items()
    }
    torch.save({**stacked, "bias_hh_l0": torch.zeros_like(stacked["bias_ih_l0"])}, data)
    drawn = panels(opened(None, placed(data.getvalue(), "other"), beside=compare.FILE))
    assert drawn["verdict"]["text"].startswith("They are equal")


def test_what_is_wrong_with_a_file_and_what_takes_too_long_are_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    for make, _ in (HOSTILE[name] for name in ("text", "a pickle with code", "zip bomb")):
        test = opened(None, placed(make(), "other"), beside=compare.FILE)
        assert test.error and "other" in test.error[0].value
    test = opened(None, None, beside=compare.FILE)
    assert any("Only the weights are read" in one.value for one in test.caption)

    def late(*given: object) -> None:
        raise ValueError("late")

    place = placed(file(), "other")
    monkeypatch.setattr(apart, "read", late)
    test = opened(None, place, beside=compare.FILE)
    assert any("longer, or more memory, than a page may" in one.value for one in test.info)


def test_a_broken_link_falls_back() -> None:
    whole, broken = (panels(opened(**query)) for query in ({}, {"beside": "<b>", "fault": "none"}))
    assert whole["verdict"]["text"] == broken["verdict"]["text"] != ""


def test_two_cells_are_named_and_what_each_calls_the_signal() -> None:
    """The i of an LSTM is set beside the 1 - z of a GRU."""
    torch.manual_seed(0)
    x = torch.randn(5, 2, 3)
    for bidirectional, place in ((False, "layer 0 is"), (True, "layer 0")):
        first, second = (kind(3, 4, bidirectional=bidirectional) for kind in (nn.LSTM, nn.GRU))
        found = lstm_core.compare(first, second, x)
        drawn = comparing.verdict("verdict", lstm_core.trace(first, x), found, ("a", "b"))
        assert drawn["text"].startswith("The cell of A is the LSTM, that of B the GRU. They part at ")
        assert place in drawn["text"] and "and 1 - z, which does the same in B, is " in drawn["text"]
        assert "None of the causes" not in comparing.why("why", found)["text"]
