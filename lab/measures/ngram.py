"""An n-gram model with interpolated Kneser-Ney smoothing, the baseline that a recurrent model has to beat.

Chen & Goodman 1999, with one discount an order, D = n1 / (n1 + 2 n2), or 1/2 where nothing was seen just once:

    p(w | h) = max(c(h w) - D, 0) / c(h) + D * N(h .) / c(h) * p(w | h without its first word)

where below the highest order c counts in how many contexts a word was seen, and N(h .) is the number of different words
after h. Under the lowest order lies the uniform distribution.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence


class KneserNey:
    """`order`-gram model over the ids 0 .. vocab_size - 1, trained on documents (sequences of ids)."""

    def __init__(self, documents: Iterable[Sequence[int]], order: int, vocab_size: int) -> None:
        self.order, self.vocab_size = order, vocab_size
        grams: list[Counter] = [Counter() for _ in range(order + 1)]
        for ids in documents:
            ids = tuple(ids)
            for end in range(1, len(ids) + 1):
                # A history cut short by the start of the document is counted at its own length, as a highest order.
                grams[min(end, order)][ids[max(0, end - order) : end]] += 1
        for n in range(order, 1, -1):
            for gram in grams[n]:
                grams[n - 1][gram[1:]] += 1  # continuation counts: in how many contexts
        self.grams = grams
        self.totals: list[Counter] = [Counter() for _ in range(order + 1)]
        self.kinds: list[Counter] = [Counter() for _ in range(order + 1)]
        self.discount = [0.0] * (order + 1)
        for n in range(1, order + 1):
            once = twice = 0
            for gram, count in grams[n].items():
                self.totals[n][gram[:-1]] += count
                self.kinds[n][gram[:-1]] += 1
                once += count == 1
                twice += count == 2
            self.discount[n] = once / (once + 2 * twice) if once else 0.5

    def probability(self, word: int, history: Sequence[int]) -> float:
        """p(word | the last order - 1 of `history`)."""
        p = 1 / self.vocab_size
        history = tuple(history)
        for n in range(1, self.order + 1):
            if n - 1 > len(history):
                break
            context = history[len(history) - (n - 1) :]
            total = self.totals[n].get(context, 0)
            if not total:
                break
            count = self.grams[n].get((*context, word), 0)
            reserved = self.discount[n] * self.kinds[n][context] / total
            p = max(count - self.discount[n], 0.0) / total + reserved * p
        return p

    def bits(self, ids: Sequence[int], first: int = 0) -> float:
        """Bits to code these ids, one after another, from place `first` on."""
        places = range(first, len(ids))
        return -sum(math.log2(self.probability(ids[k], ids[max(0, k - self.order + 1) : k])) for k in places)
