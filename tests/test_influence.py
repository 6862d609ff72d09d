"""What each word adds to the likeliest next word, beside the same sum written out in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from lstm_core import load_model
from lstm_core.analysis.influence import influence
from lstm_core.drawing.content import adds

TEXT = "Mary went to the market because she was hungry. Then John met Anna and"


def written_out(name: str, text: str) -> np.ndarray:
    """Of an LSTM: c is a sum of what was written and kept, h is o tanh(c), and a word's score is linear in h."""
    model = load_model(name)
    trace = model.run(text)
    i, f, g, o, c, h = (trace.signals[signal][0, 0, :, 0].astype(float) for signal in "ifgoch")
    weight, bias = np.asarray(model.predicts.whole, float), np.asarray(model.predicts.bias, float)
    rows = np.zeros((len(trace), len(trace)))
    for t in range(len(trace)):
        first, second = np.argsort(-(weight @ h[t] + bias), kind="stable")[:2]
        for word in range(t + 1):
            kept = np.prod(f[word + 1 : t + 1], axis=0)
            part = kept * i[word] * g[word]
            rows[t, word] = (weight[first] - weight[second]) @ (o[t] * np.tanh(c[t]) / c[t] * part)
    return rows


@pytest.mark.parametrize(
    ("name", "text"),
    [("pronouns-lstm", TEXT), ("pronouns_zh-lstm", "昨天王女士去了市场，因为"), ("agreement-lstm", "The keys")],
)
def test_each_words_part_is_the_sum_written_out(name: str, text: str) -> None:
    model = load_model(name)
    found = influence(model, model.run(text))
    np.testing.assert_allclose(found, written_out(name, text), atol=1e-5)
    assert not np.triu(found, 1).any(), "a word that was not read yet adds nothing"
    ids = model.likeliest(model.run(text), 5)[0]
    assert np.array_equal(influence(model, model.run(text), ids), found)
    assert not np.allclose(influence(model, model.run(text), ids[:, ::-1]), found), "it is of the words that it is told"


def test_john_speaks_for_he() -> None:
    model = load_model("pronouns-lstm")
    trace = model.run(TEXT)
    last = influence(model, trace)[-1]
    words = [token.text for token in trace.tokens]
    assert words[int(last.argmax())] == "John" and last[words.index("Anna")] < 0.2 * last.max(), "and Anna hardly"


@pytest.mark.parametrize("name", ["pronouns-rnn", "pronouns-lstm-attention"])
def test_where_it_is_no_sum_nothing_is_tinted(name: str) -> None:
    model = load_model(name)
    trace = model.run(TEXT)
    with pytest.raises(ValueError):
        influence(model, trace)
    assert adds(model, trace) is None


def test_the_browser_gets_the_rows_of_a_triangle() -> None:
    model = load_model("pronouns-lstm")
    trace = model.run(TEXT)
    sent, whole = adds(model, trace), influence(model, trace)
    assert sent is not None and len(sent) == len(trace) * (len(trace) + 1) // 2
    np.testing.assert_allclose(sent[3 * 4 // 2 : 4 * 5 // 2], whole[3, :4], rtol=1e-6)
    assert adds(model, model.run("she " * 121)) is None, "a long text would be a large square"
