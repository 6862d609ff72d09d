"""Two texts aligned: known alignments, and properties that every alignment has."""

from __future__ import annotations

import cases
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_core.analysis import contrast

MODEL = cases.model("lstm")


def columns(first: str, second: str) -> list[tuple[str, str, bool]]:
    found = contrast(MODEL.run(first), MODEL.run(second))
    a, b = found.first.tokens, found.second.tokens
    return [
        ("-" if p.first is None else a[p.first].text, "-" if p.second is None else b[p.second].text, p.same)
        for p in found.pairs
    ]


def test_one_word_differs() -> None:
    assert columns("Mary was late", "John was late") == [
        ("Mary", "John", False),
        ("was", "was", True),
        ("late", "late", True),
    ]


def test_words_left_out_and_added() -> None:
    assert columns("Mary was late .", "Mary was .") == [
        ("Mary", "Mary", True),
        ("was", "was", True),
        ("late", "-", False),
        (".", ".", True),
    ]
    assert columns("was", "Mary John was") == [("-", "Mary", False), ("-", "John", False), ("was", "was", True)]
    assert columns("Mary was", "John he was") == [("Mary", "John", False), ("-", "he", False), ("was", "was", True)]


def test_two_unknown_words_are_not_the_same() -> None:
    """The network reads the same piece, but the reader sees two words."""
    assert columns("zebra was", "zebra was")[0][2] and not columns("zebra was", "tiger was")[0][2]


def test_the_difference_is_second_less_first() -> None:
    a, b = MODEL.run("Mary was late . he"), MODEL.run("John was . he was")
    found = contrast(a, b)
    for name in a.signals:
        values = found.difference(name)
        assert values.shape == (1, 1, len(found.pairs), 1, 5)
        for k, pair in enumerate(found.pairs):
            if pair.first is None or pair.second is None:
                assert np.isnan(values[:, :, k]).all()
            else:
                expected = b.signals[name][0, 0, pair.second] - a.signals[name][0, 0, pair.first]
                np.testing.assert_array_equal(values[0, 0, k], expected)
    assert found.differing == tuple(k for k, pair in enumerate(found.pairs) if not pair.same)


WORDS = st.lists(st.sampled_from(cases.WORDS[1:6]), max_size=8).map(" ".join)


@given(WORDS, WORDS)
def test_every_token_stands_in_one_column_and_in_order(first: str, second: str) -> None:
    found = contrast(MODEL.run(first), MODEL.run(second))
    assert [p.first for p in found.pairs if p.first is not None] == list(range(len(found.first)))
    assert [p.second for p in found.pairs if p.second is not None] == list(range(len(found.second)))
    for p in found.pairs:
        texts = {t.tokens[k].text for t, k in ((found.first, p.first), (found.second, p.second)) if k is not None}
        assert p.same == (p.first is not None and p.second is not None and len(texts) == 1)


def test_traces_of_different_networks_are_refused() -> None:
    from traces import random_trace

    trace = MODEL.run("Mary")
    with pytest.raises(ValueError, match="cell lstm, the other of gru"):
        contrast(trace, cases.model("gru").run("Mary"))
    with pytest.raises(ValueError, match="differ in layers"):
        contrast(trace, cases.model("lstm", layers=2).run("Mary"))
    with pytest.raises(ValueError, match="without tokens"):
        contrast(random_trace("lstm"), random_trace("lstm"))
