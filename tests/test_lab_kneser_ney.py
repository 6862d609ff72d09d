"""Modified Kneser-Ney smoothing against its definition, written out with dictionaries, and against a case by hand."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from lab.general.data import TOGETHER, Lines, as_read
from lab.general.kneser_ney import KneserNey, measured

A, B, C = 0, 1, 2


def by_definition(text: list[int], vocabulary: int, order: int, discounts: list[tuple[float, float, float]]):
    """p(word | context), recursively, as the paper has it."""
    counts: list[Counter] = []
    for n in range(1, order + 1):
        grams = Counter(tuple(text[k : k + n]) for k in range(len(text) - n + 1))
        if n < order:
            longer = {tuple(text[k : k + n + 1]) for k in range(len(text) - n)}
            grams = Counter(gram[1:] for gram in longer)
        counts.append(grams)
    after = [defaultdict(list) for _ in counts]
    for n, grams in enumerate(counts):
        for gram, count in grams.items():
            after[n][gram[:-1]].append(count)

    def p(word: int, context: tuple[int, ...]) -> float:
        n = len(context)
        lower = p(word, context[1:]) if n else 1 / vocabulary
        here = after[n].get(context)
        if not here:
            return lower
        count = counts[n].get((*context, word), 0)
        taken = [0.0, *discounts[n]]
        left = sum(taken[min(c, 3)] for c in here) / sum(here)
        return (count - taken[min(count, 3)]) / sum(here) + left * lower

    return p


def test_two_words_by_hand() -> None:
    """In a b a b a c the pairs are ab, ba and ac; each word ends one kind of them. With discounts .5 and .6 for what
    was counted once and twice, p(b) = (1 - .5) / 3 + (3 * .5) / 3 * 1/3; and after a, which stands before b, b and c,
    p(b | a) = (2 - .6) / 3 + (.6 + .5) / 3 * p(b)."""
    model = KneserNey(np.array([A, B, A, B, A, C]), 3, 2, [(0.5, 0.6, 0.7)] * 2)
    found = model.probabilities(np.array([A, B]))
    p_b = (1 - 0.5) / 3 + 3 * 0.5 / 3 / 3
    assert found[0] == pytest.approx(p_b)  # of a as well
    assert found[1] == pytest.approx((2 - 0.6) / 3 + (0.6 + 0.5) / 3 * p_b)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_it_is_what_the_definition_says(order: int) -> None:
    rng = np.random.default_rng(order)
    text = rng.choice(6, 400, p=[0.4, 0.25, 0.15, 0.1, 0.06, 0.04])
    model = KneserNey(text, 7, order)
    p = by_definition(text.tolist(), 7, order, model.discounts)
    read = rng.integers(0, 7, 60)
    expected = [p(int(w), tuple(read[max(0, k - order + 1) : k].tolist())) for k, w in enumerate(read)]
    np.testing.assert_allclose(model.probabilities(read), expected, rtol=1e-12)
    for k in range(5, 20):  # all words together have the probability 1
        whole = [model.probabilities(np.array([*read[k - 5 : k], word]))[-1] for word in range(7)]
        assert sum(whole) == pytest.approx(1)


def test_the_discounts_are_chens_and_goodmans() -> None:
    counts = np.array([1] * 10 + [2] * 4 + [3] * 2 + [4])
    y = 10 / 18
    assert measured(counts) == pytest.approx((1 - 2 * y * 4 / 10, 2 - 3 * y * 2 / 4, 3 - 4 * y * 1 / 2))


def test_both_models_code_the_same_pieces() -> None:
    book = Lines(np.array([5, 6, 7, 8], np.uint16), np.array([0, 1, 4]), "book", 1)
    assert as_read(book, 2).tolist() == [2, 5, 2, 6, 7, 8, 2]
    sentences = Lines(np.arange(5, 15, dtype=np.uint16), np.arange(11), "sentences", 1)
    assert as_read(sentences, 2).tolist() == [2, *range(5, 5 + TOGETHER), 2, *range(5 + TOGETHER, 15)]
