"""The unit that a page speaks of is the one that decides on this text, and a name is shown where it is borne out."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from streamlit.testing.v1 import AppTest

from dashboard import cache
from dashboard.figures.content import named_units
from dashboard.figures.deciding import DECIDED, STAYS, decided, deciding_unit
from dashboard.figures.meaning import MEANINGS, held, usual, words
from dashboard.views import discover
from lab.general.made.words import GENDERS, names
from lab.tasks import english
from lstm_core import Network, Trace, list_models, load_model
from lstm_core.analysis import lead
from tests.small_models import small_model
from tests.test_figures import unpack

FRANCE = "I grew up in France. I speak fluent"
MARY = "Mary went to the market because she was hungry. Then John met Anna and he"
WANG = "昨天王女士去了市场，因为她很饿。后来李先生遇见了小红，他"


HUNGRY = "Mary was hungry because"
"""Behind "she" stands "her", not "he"."""
OTHER = {"she": "he", "he": "she", "她": "他", "他": "她"}


def shares(model: Network, trace: Trace, step: int, pair: tuple[str, str] | None = None) -> tuple[np.ndarray, float]:
    """(unit,): W[first] h - W[second] h of the two likeliest next words, or of these, and all of the lead, written from
    the sums."""
    assert model.readout is not None
    h = trace.signals[model.cell.output][-1, :, step, 0].astype(float)
    weight = np.asarray(model.readout.whole, float)
    if model.attention is None:
        scores = weight @ h.ravel() + model.readout.bias
        parts = weight[:, None].reshape(len(weight), *h.shape) * h
    else:
        alpha = trace.signals["alpha"][0, 0, step, 0].astype(float)
        mean = alpha @ trace.signals[model.cell.output][-1, 0, : len(alpha), 0].astype(float)
        scores = weight @ np.concatenate([h[0], mean]) + model.readout.bias
        parts = (weight[:, : len(mean)] * h[0] + weight[:, len(mean) :] * mean)[:, None]
    second, first = np.argsort(scores)[-2:] if pair is None else map(model.tokenizer.id, reversed(pair))
    return (parts[first] - parts[second])[0], float(scores[first] - scores[second])


@pytest.mark.parametrize("name", ["pronouns-lstm", "pronouns-gru", "general-gru", "pronouns-lstm-attention"])
def test_the_lead_is_the_sum_of_what_the_units_add(name: str) -> None:
    model = cache.model(name)
    trace = model.run(MARY)
    for step in (5, len(trace) - 2, len(trace) - 1):
        parts, value = shares(model, trace, step)
        found = lead(model, trace, step)
        np.testing.assert_allclose(found.contributions, parts, atol=1e-4)
        assert found.value == pytest.approx(value, abs=1e-4)
        assert [found.word, found.against] == [word for word, _ in model.next_tokens(trace, step, 2)]


def test_a_readout_through_the_embedding_and_two_directions_add_up_too() -> None:
    model = small_model("lstm", layers=2, directions=2)
    trace = model.run("Mary saw John because she")
    logits = np.sort(model.logits(trace)[2].astype(float))
    assert lead(model, trace, 2).value == pytest.approx(logits[-1] - logits[-2], abs=1e-5)
    assert lead(model, trace, 2).contributions.shape == (2 * model.hidden_size,)


@pytest.mark.parametrize("name", sorted(cache.models()))
@pytest.mark.parametrize("text", [FRANCE, MARY, WANG, HUNGRY])
def test_the_unit_has_the_largest_share_or_half_of_it_and_a_name(name: str, text: str) -> None:
    model = cache.model(name)
    trace = model.run(text)
    likeliest = model.likeliest(trace, 5)
    step, top = decided(likeliest[1], len(trace) - 1), len(trace.layers) - 1
    unit = deciding_unit(model, trace, likeliest, len(trace) - 1, top)
    parts, _ = shares(model, trace, step)
    [(word, _)] = model.next_tokens(trace, step, 1)
    told = shares(model, trace, step, (word, OTHER[word]))[0] if word in OTHER else parts
    holding = {one["name"]: one["unit"] for one in named_units(model, top, 0, trace) if one["side"][step]}
    judged = {one: told if name == "gender" else parts for name, one in holding.items()}
    matter = [one for one, by in judged.items() if by[one] >= STAYS * by.max()]
    assert unit == matter[-1] if matter else parts[unit] >= (1 - 1e-6) * parts.max()


def test_the_step_is_the_last_one_where_something_was_expected() -> None:
    sure, unsure = [DECIDED], [DECIDED - 0.01]
    assert decided(np.array([sure, unsure, sure, unsure]), 3) == 2
    assert decided(np.array([sure, unsure, sure, unsure]), 1) == 0
    assert decided(np.array([unsure, unsure, sure]), 1) == 2
    assert decided(np.array([unsure, unsure]), 1) == 1


def test_a_unit_that_is_shown_stays_while_it_has_half_of_the_largest_share() -> None:
    model = cache.model("country-lstm")
    trace = model.run(FRANCE)
    likeliest = model.likeliest(trace, 5)
    parts, _ = shares(model, trace, decided(likeliest[1], len(trace) - 1))
    for unit, part in enumerate(parts):
        chosen = deciding_unit(model, trace, likeliest, len(trace) - 1, before=unit)
        assert chosen == (unit if part >= STAYS * parts.max() else parts.argmax())


def test_a_model_that_predicts_nothing_has_its_first_unit() -> None:
    model = replace(small_model("lstm"), readout=None)
    trace = model.run("Mary saw John")
    assert deciding_unit(model, trace, None, 2) == named_units(model, 0, 0)[0]["unit"]
    assert deciding_unit(model, trace, None, 2, before=5) == 5


def test_typing_on_does_not_move_the_unit_to_and_fro() -> None:
    """Letter by letter, as it is typed: the unit changes at most twice a word."""
    for name in ("pronouns-lstm", "pronouns-gru"):
        model, shown = cache.model(name), []
        for end in range(1, len(MARY) + 1):
            trace = model.run(MARY[:end])
            before = shown[-1] if shown else None
            shown.append(deciding_unit(model, trace, model.likeliest(trace, 5), len(trace) - 1, before=before))
        changes = sum(a != b for a, b in zip(shown, shown[1:], strict=False))
        assert changes <= 2 * len(MARY.split()) and shown[-1] == model.meta["units"]["gender"]["unit"]


@pytest.mark.parametrize("text", ["def f(x): return x + 1", "for i in range(10): print(i)", "Is it going to rain?",
                                  "The cat sat on the", "We all live in a yellow", "Xiomara went home because", FRANCE,
                                  "我在法国长大。今天天气很好。我会说", ""])  # fmt: skip
def test_no_model_is_said_to_hold_a_gender_where_there_is_none(text: str) -> None:
    for name in cache.models():
        model = cache.model(name)
        if "gender" in model.meta.get("units", {}):
            layer = model.meta["units"]["gender"]["layer"]
            assert "gender" not in [one["name"] for one in named_units(model, layer, 0, model.run(text))], name


WOMAN, MAN = "Mary went home because", "John went home because"


SCALED = "pronouns-slstm"  # its c alone has no scale: h shows c / n


def names_of_units(path: Path) -> set[str]:
    """From the header alone: tests are collected before any model is needed."""
    with safe_open(path, framework="numpy") as file:
        return set(json.loads(file.metadata()["gatescope"]).get("units", {}))


GENDERED = [name for name, path in list_models().items() if "gender" in names_of_units(path) and name != SCALED]


@pytest.mark.parametrize("name", GENDERED)
def test_the_ends_of_the_axis_are_she_and_he_the_right_way_round(name: str) -> None:
    """What the unit holds of a woman is called she, whichever sign it has."""
    model = cache.model(name)
    chinese = "王女士去了市场，", "王先生去了市场，", "她", "他"
    women, men, she, he = chinese if "_zh" in name else (WOMAN, MAN, "she", "he")
    for text, word in ((women, she), (men, he)):
        trace = model.run(text)
        found = {one["name"]: one for one in named_units(model, model.meta["units"]["gender"]["layer"], 0, trace)}
        one = found["gender"]
        assert {one["high"], one["low"]} == {she, he}
        side = one["side"][-1]
        assert side and (one["high"] if side > 0 else one["low"]) == word
        unit = model.meta["units"]["gender"]
        value = trace.signals[unit["signal"]][unit["layer"], 0, -1, 0, unit["unit"]]
        assert (value > unit["threshold"]) == (side > 0)


@pytest.mark.parametrize(
    ("name", "text", "end"),
    [
        *((f"pronouns-{cell}", *one) for cell in ("lstm", "gru", "gru_cho", "peephole") for one in (
            ("Fatima stayed up all night because", "she"), ("At the market, Hiroshi noticed that", "he"),
            ("Mrs. Baker was late again, although", "she"), ("The duke sold the house before", "he"),
        )),
        ("pronouns_zh-lstm", "法蒂玛把门关上，因为", "她"),
        ("pronouns_zh-lstm", "约翰买了一辆旧车，可是", "他"),
        ("pronouns_zh-lstm", "陈志远把雨伞借给了我，自己", "他"),
    ],
)  # fmt: skip
def test_the_name_is_shown_for_people_of_any_culture(name: str, text: str, end: str) -> None:
    model = cache.model(name)
    (one,) = named_units(model, model.meta["units"]["gender"]["layer"], 0, model.run(text))
    assert (one["high"] if one["side"][-1] > 0 else one["low"]) == end and one["side"][-1]


def test_a_word_that_is_also_a_name_is_nobody() -> None:
    found = words("person")
    assert found.findall("then hung met kwame") == ["kwame"] and not found.search("the picture was hung on the wall")
    assert found.findall("周一我很高兴，李静和王晓梅从韩国回来") == ["李静", "王晓梅"]
    assert found.findall("祖母和我的侄子来了") == ["祖母", "侄子"]
    for gender in GENDERS:
        assert all(found.fullmatch(name.lower()) for name in names()["african"][gender])
    assert not any(found.search(name.lower()) for name in set(names()["either"]["female"]) - set(english_names()))


def english_names() -> set[str]:
    return {name.title() for gender in english.GENDERS for name in english.lexicon()["names"][gender]}


def test_the_ends_of_the_other_named_units() -> None:
    number = cache.model("agreement-lstm")
    for text, end in (("the keys to the cabinet", "plural"), ("the key to the cabinets", "singular")):
        (one,) = named_units(number, 0, 0, number.run(text))
        assert (one["high"] if one["side"][-1] > 0 else one["low"]) == end
    counter = cache.model("anbn-lstm")
    (one,) = named_units(counter, 0, 0, counter.run("aaaabb"))
    assert (one["high"], list(one["side"])) == ("more a's", [0, 1, 1, 1, 1, 1])
    brackets = cache.model("brackets-lstm")
    found = {one["name"]: one for one in named_units(brackets, 0, 0, brackets.run('red (cat "old bridge'))}
    assert (found["depth"]["low"], found["depth"]["side"][-1]) == ("brackets open", -1)
    assert (found["quote"]["low"], found["quote"]["side"][-1]) == ("inside quotes", -1)
    assert not found["depth"]["side"][:4].any()


def script(name: str) -> None:
    import importlib

    importlib.import_module(name).page()


@pytest.mark.parametrize("threshold", [-0.5, 0.0, 0.5])
def test_no_end_stands_for_what_is_next_to_the_threshold(threshold: float) -> None:
    """A side on which a memory hardly leaves its threshold is told by what it holds on the other."""
    model = load_model("pronouns-lstm")
    unit = model.meta["units"]["gender"] | {"threshold": threshold}
    low, high = usual(model, unit, MEANINGS[unit["meaning"]])
    assert 0.5 * max(-low, high) <= min(-low, high)
    trace = model.run(MARY)
    holds = held(model, trace, unit)
    far = trace.signals["c"][0, 0, :, 0, unit["unit"]] - threshold
    assert (abs(far[holds.side != 0]) >= max(-low, high) / 4).all()
    assert (holds.leans * far >= 0).all() and (holds.leans * (far + threshold) >= 0).all()


@pytest.mark.parametrize(
    ("name", "text"),
    [("pronouns_zh-lstm", "王女士说：“我累了。”然后"), ("pronouns-slstm", MARY), ("pronouns-gru", MARY)],
)
def test_a_memory_that_is_far_from_nothing_is_not_said_to_hold_nothing(name: str, text: str) -> None:
    model = load_model(name)
    trace, unit = model.run(text), model.meta["units"]["gender"]
    holds = held(model, trace, unit)
    values = trace.signals[unit["signal"]][0, 0, :, 0, unit["unit"]]
    values = values / trace.signals["n"][0, 0, :, 0, unit["unit"]] if "normaliser" in trace.roles else values
    after = values[holds.start :]
    leans, side = holds.leans[holds.start :], holds.side[holds.start :]
    assert (leans[abs(after) > 0.4] == np.sign(after[abs(after) > 0.4])).all()  # c = 0.48 of 1.2
    assert (leans[side != 0] == side[side != 0]).all()


PAGES = [view for view in discover() if view.page.title not in ("Experiments",)]


def shown(view: str, left: str, right: str, text: str) -> str:
    """All that a page shows: what its components got, and Streamlit's own texts."""
    test = AppTest.from_function(script, args=(view,), default_timeout=300)
    for key, value in {"text": text, "left": left, "right": right}.items():
        test.query_params[key] = value
    test.run()
    assert not test.exception, test.exception
    trees = [unpack(one.proto.bytes) for one in test.get("bidi_component")]  # type: ignore[attr-defined]
    trees = [tree | {"examples": [], "honesty": []} for tree in trees if "models" not in tree]
    said = [str(one.value) for one in (*test.caption, *test.markdown)]
    said += [one.label for one in (*test.button, *test.checkbox)]
    said += [option for box in test.selectbox for option in (*box.options, box.label)]
    return json.dumps([*trees, said], default=lambda _: "", ensure_ascii=False)


PAIRS = [("general-lstm", "general-gru"), ("pronouns-lstm", "pronouns-gru"), ("country-lstm", "pronouns-coupled")]


@pytest.mark.parametrize("view", PAGES, ids=lambda view: view.page.title)
def test_on_a_sentence_without_a_gender_no_page_says_gender(view) -> None:
    for left, right in PAIRS[: 1 if view.page.title in ("Gradients", "Health") else 2]:
        said = shown(view.__name__, left, right, FRANCE)
        assert "gender" not in said.lower(), said[max(0, said.lower().index("gender") - 200) :][:400]


OF_NO_UNIT = ("Gates", "Gradients", "Health", "Corpus", "Compare", "Beyond")


@pytest.mark.parametrize("view", [one for one in PAGES if one.page.title not in OF_NO_UNIT])
def test_the_pages_start_from_the_unit_that_decides(view) -> None:
    model = cache.model("general-lstm")
    trace = model.run(FRANCE)
    unit = int(shares(model, trace, len(trace) - 1)[0].argmax())
    said = shown(view.__name__, "general-lstm", "general-gru", FRANCE)
    assert f'"unit": {unit}' in said if view.page.title == "Step by step" else f"unit {unit}" in said


def test_a_step_is_one_of_the_first_sequences_own() -> None:
    """Behind its end a padded batch holds nothing; steps that there are not are refused."""
    model, ids = load_model("country-lstm"), np.arange(3, 15).reshape(6, 2)
    trace, alone = model.read(ids, lengths=[3, 6]), model.read(ids[:3, :1])
    assert model.next_tokens(trace, -1) == model.next_tokens(alone, -1) == model.next_tokens(trace, 2)
    np.testing.assert_array_equal(lead(model, trace, -1).contributions, lead(model, alone, 2).contributions)
    for step in (3, 6, -99, 10**12):
        for ask in (model.next_tokens, partial(lead, model)):
            with pytest.raises(ValueError, match=f"there is no step {step}; the trace has"):
                ask(trace, step=step)
