"""Interpolated modified Kneser-Ney smoothing (Chen & Goodman, Computer Speech & Language 13, 1999), in NumPy.

An n-gram is kept as one number, (rank of its first n - 1 words) * vocabulary + its last word, and a rank is a place in
the sorted table of an order; so no order needs more than 64 bits, and everything is sorting and searching.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Discounts = tuple[float, float, float]
"""Of what was counted once, twice, and more often."""


@dataclass(frozen=True)
class Order:
    """keys: (n-grams,), sorted. share: (n-grams,), the discounted count over the total of its context. total and left:
    (n-grams of the order below,), what was counted after each, and the share of it that goes to the order below."""

    keys: np.ndarray
    share: np.ndarray
    total: np.ndarray
    left: np.ndarray


class KneserNey:
    """ids: (tokens,), the text to count. order: words of an n-gram. discounts: by order, the first of one word;
    measured from the counts of counts where None."""

    def __init__(
        self, ids: np.ndarray, vocabulary: int, order: int = 5, discounts: list[Discounts] | None = None
    ) -> None:
        self.vocabulary, self.discounts = vocabulary, []
        self.orders: list[Order] = []
        ends, keys, counts, contexts, ranks = ids.astype(np.int64), [], [], [], []
        rank = np.zeros(len(ids) + 1, np.int64)
        for n in range(order):
            # Of the n-gram that ends at each place: the first one ends at place n.
            places = rank[:-1] * vocabulary + ends[n:]
            unique, rank, count = np.unique(places, return_inverse=True, return_counts=True)
            keys.append(unique)
            counts.append(count)
            contexts.append(unique // vocabulary if n else np.zeros(len(unique), np.int64))
            ranks.append(rank)
        for n in range(order):
            if n < order - 1:
                # Not how often an n-gram was seen, but after how many different words.
                ends_with = np.zeros(len(keys[n + 1]), np.int64)
                ends_with[ranks[n + 1]] = ranks[n][1:]
                count = np.bincount(ends_with, minlength=len(keys[n]))
            else:
                count = counts[n]
            given = discounts[n] if discounts else measured(count)
            self.discounts.append(given)
            taken = np.array([0.0, *given])[np.minimum(count, 3)]
            below = len(keys[n - 1]) if n else 1
            total = np.bincount(contexts[n], count, below)
            left = np.bincount(contexts[n], taken, below)
            with np.errstate(invalid="ignore", divide="ignore"):
                self.orders.append(Order(keys[n], (count - taken) / total[contexts[n]], total, left / total))

    def probabilities(self, ids: np.ndarray) -> np.ndarray:
        """(tokens,): of each word after those before it, at most order - 1 of them."""
        ids = ids.astype(np.int64)
        found = np.full(len(ids), 1 / self.vocabulary)
        before = np.zeros(len(ids), np.int64)  # the rank of the context; -1 where it was never seen
        for order in self.orders:
            known = before >= 0
            known[known] &= order.total[before[known]] > 0
            context = np.where(known, before, 0)
            key = context * self.vocabulary + ids
            rank = np.minimum(np.searchsorted(order.keys, key), len(order.keys) - 1)
            seen = known & (order.keys[rank] == key)
            found = np.where(known, np.where(seen, order.share[rank], 0) + order.left[context] * found, found)
            # The n-gram that ends at a place is the context of the next one, one order up.
            before = np.concatenate([[-1], np.where(seen, rank, -1)[:-1]])
        return found


def measured(counts: np.ndarray) -> Discounts:
    """The discounts that the paper derives from how many n-grams were counted once, twice, three and four times."""
    one, two, three, four = (max(1, int((counts == k).sum())) for k in (1, 2, 3, 4))
    y = one / (one + 2 * two)
    found = (1 - 2 * y * two / one, 2 - 3 * y * three / two, 3 - 4 * y * four / three)
    return tuple(min(max(d, 0.05), k + 0.95) for k, d in enumerate(found))  # type: ignore[return-value]
