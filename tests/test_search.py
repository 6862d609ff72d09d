"""Which unit follows a property: planted units, scores counted by hand, and the baselines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from traces import random_trace, tokens_of, word_model

from lstm_core import Trace
from lstm_core.analysis import PROPERTIES, Search, search, search_traces

WORDS = 'he she said " ( ) the dog dogs is are was and saw'


def planted(labels: Sequence[np.ndarray], unit: int | None, noise: float = 0.3, seed: int = 0) -> list[Trace]:
    """Random traces in which one unit of layer 1, direction 0 follows the labels, with its sign turned round."""
    rng, traces = np.random.default_rng(seed), []
    for y in labels:
        trace = random_trace("lstm", time=len(y), layers=2, directions=2, batch=1)
        c = rng.normal(size=trace.signals["c"].shape)
        if unit is not None:
            c[1, 0, :, 0, unit] = -np.nan_to_num(y) + noise * c[1, 0, :, 0, unit]
        traces.append(Trace(trace.cell, {**trace.signals, "c": c}, trace.inputs, trace.layers, trace.initial))
    return traces


def bits(seed: int = 1, texts: int = 20, time: int = 30) -> list[np.ndarray]:
    """Labels in runs, as brackets and quotes give them, with some steps unlabelled."""
    rng = np.random.default_rng(seed)
    found = [np.repeat(rng.integers(0, 2, time // 3 + 1), 3)[:time].astype(float) for _ in range(texts)]
    for y in found:
        y[rng.integers(0, time, 4)] = np.nan
    return found


def halves(traces: list[Trace], labels: list[np.ndarray], key: tuple[int, int, int], half: int) -> list[tuple]:
    layer, direction, unit = key
    return [
        (trace.signals["c"][layer, direction, t, 0, unit], label)
        for trace, y in list(zip(traces, labels, strict=True))[half::2]
        for t, label in enumerate(y)
        if not np.isnan(label)
    ]


def balanced(pairs: list[tuple], threshold: float, above: bool) -> float:
    rates = []
    for label in (0, 1):
        own = [(value > threshold) == above for value, y in pairs if y == label]
        rates.append(sum(right == (label == 1) for right in own) / len(own))
    return sum(rates) / 2


def test_the_planted_unit_is_found_with_its_sign_and_score() -> None:
    labels = bits()
    traces = planted(labels, 2)
    found = search_traces(traces, labels, PROPERTIES["inside_quotes"], "c", planted(labels, None, seed=5))
    assert (found.best.layer, found.best.direction, found.best.unit, found.best.above) == (1, 0, 2, False)
    assert found.tried == len(found.units) == 16 and found.measure == "balanced accuracy"
    assert found.labelled == tuple(int(sum((~np.isnan(y)).sum() for y in labels[k::2])) for k in (0, 1))
    assert found.best.score > 0.9 > 0.7 > max(found.shuffled) and found.p_value == pytest.approx(1 / 21)
    assert found.untrained is not None and found.untrained < 0.7
    scores = [unit.score for unit in found.units]
    assert scores == sorted(scores, reverse=True)


def test_each_units_score_is_counted_on_the_other_half() -> None:
    labels = bits(texts=6, time=12)
    traces = planted(labels, 0, noise=1.0)
    found = search_traces(traces, labels, PROPERTIES["inside_quotes"], "c", shuffles=0)
    for unit in found.units:
        key = (unit.layer, unit.direction, unit.unit)
        fit, test = (halves(traces, labels, key, half) for half in (0, 1))
        assert unit.score == pytest.approx(balanced(test, unit.threshold, unit.above))
        values = sorted(value for value, _ in fit)
        cuts = [(a + b) / 2 for a, b in zip(values, values[1:], strict=False)]
        best = max(balanced(fit, cut, above) for cut in cuts for above in (True, False))
        assert balanced(fit, unit.threshold, unit.above) == pytest.approx(best)


def test_no_threshold_parts_two_equal_values() -> None:
    labels = [np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])] * 2
    traces = planted(labels, None)
    for trace in traces:
        trace.signals["c"][:] = 0.0
        trace.signals["c"][1, 0, :, 0, 2] = [0, 1, 0, 1, 1, 1]
    found = search_traces(traces, labels, PROPERTIES["inside_quotes"], "c", shuffles=0)
    assert (found.best.layer, found.best.unit) == (1, 2)
    assert found.best.score == pytest.approx(5 / 6) and found.best.threshold == 0.5
    assert {unit.score for unit in found.units[1:]} == {0.5}


def test_a_number_is_scored_by_its_correlation() -> None:
    rng = np.random.default_rng(0)
    labels = [np.cumsum(rng.integers(0, 2, 30)).astype(float) for _ in range(10)]
    traces = planted(labels, 1, noise=0.5)
    found = search_traces(traces, labels, PROPERTIES["letters_since_space"], "c", shuffles=3)
    assert (found.best.layer, found.best.unit, found.best.above) == (1, 1, False)
    for unit in found.units:
        fit, test = (halves(traces, labels, (unit.layer, unit.direction, unit.unit), half) for half in (0, 1))
        sign = np.sign(np.corrcoef(np.array(fit).T)[0, 1])
        assert unit.score == pytest.approx(sign * np.corrcoef(np.array(test).T)[0, 1])


def test_chance_alone_does_not_look_like_a_finding() -> None:
    labels = bits()
    found = search_traces(planted(labels, None), labels, PROPERTIES["gender"], "c")
    assert found.best.score < 0.65 and found.p_value > 0.05


TEXTS = [
    'he said " the dog is " and she saw',
    'the " dogs are " was he " saw the " dog',
    '" he was " the " she is " and',
]


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn"])
def test_a_model_is_searched_beside_its_untrained_self(name: str) -> None:
    model = word_model(name, WORDS, layers=2)
    found: Search = search(model, [*TEXTS, *TEXTS], "inside_quotes", shuffles=5)
    assert found.signal == ("c" if name == "lstm" else "h") and found.tried == 10 and len(found.shuffled) == 5
    assert found.untrained is not None and 0 <= found.untrained <= 1
    assert found == search(model, [*TEXTS, *TEXTS], "inside_quotes", shuffles=5)
    labels = [PROPERTIES["inside_quotes"].labels(text, model.run(text).tokens) for text in [*TEXTS, *TEXTS]]
    traces = [model.run(text) for text in [*TEXTS, *TEXTS]]
    assert search_traces(traces, labels, PROPERTIES["inside_quotes"], found.signal, shuffles=0).units == found.units


def labels(name: str, text: str) -> list[float | None]:
    found = PROPERTIES[name].labels(text, tokens_of(text))
    return [None if np.isnan(value) else value for value in found.tolist()]


def test_inside_quotes() -> None:
    assert labels("inside_quotes", 'he " said so " then') == [0, 1, 1, 1, 0, 0]
    assert labels("inside_quotes", "he “so ” then 「他」 x") == [0, 1, 0, 0, 0, 0]
    assert labels("inside_quotes", "「他 x 」 y") == [1, 1, 0, 0]


def test_inside_brackets() -> None:
    assert labels("inside_brackets", "a ( b [ c ] d ) e ) f ( g") == [0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1]


def test_letters_since_space() -> None:
    assert labels("letters_since_space", "a abc  ab") == [1, 3, 2]


def test_gender_is_told_before_the_pronoun() -> None:
    assert labels("gender", "Mary said that she met John. He left") == [None, None, 1, None, None, 0, None, None]


def test_subject_number_is_told_before_the_verb() -> None:
    assert labels("subject_number", "the dogs are here and the dog was") == [None, 1, None, None, None, None, 0, None]


def test_every_property_takes_an_empty_text_and_says_what_it_means() -> None:
    for name, what in PROPERTIES.items():
        assert what.name == name and what.meaning
        assert what.labels("", ()).shape == (0,)


def test_what_cannot_be_searched_is_refused_in_words() -> None:
    model = word_model("lstm", WORDS)
    with pytest.raises(ValueError, match="no property 'mood'; there are inside_quotes"):
        search(model, TEXTS, "mood")
    with pytest.raises(ValueError, match="at least two texts"):
        search(model, TEXTS[:1], "gender")
    with pytest.raises(ValueError, match="do not vary in inside_brackets"):
        search(model, TEXTS, "inside_brackets")
    with pytest.raises(ValueError, match="no signal 'z'"):
        search(model, TEXTS, "inside_quotes", signal="z")
