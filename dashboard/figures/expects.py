"""How a network comes from its states to the next word: what it looks back at, the score of each word, and its share.

The scores, the shares and the weights of the attention are the library's own; nothing is computed a second time here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np

from lstm_core import attention
from lstm_core.drawing.endings import endings, letters
from lstm_core.drawing.words import as_sentence, next_word, visible
from lstm_core.network import CHUNK, Network, softmax
from lstm_core.symbols import Expr
from lstm_core.text import UNKNOWN, Tokenizer
from lstm_core.trace import Trace

LIKELIEST = 5
COMPARED = (("he", "she"), ("他", "她"))
"""Words that can be held against each other at every step, where a model has both."""


def silent(model: Network) -> str:
    """Why the network expects no next word, as a sentence; empty if it expects some."""
    try:
        _ = model.predicts
    except ValueError as error:
        return as_sentence(error)
    return ""


def expects(model: Network, trace: Trace) -> dict[str, Any] | None:
    """What the network makes of every step of ``trace``; None if it predicts no words.

    words, adds: what each word that is spoken of is called, and what it adds to a text; "" if it cannot be typed. The
        beginning of a word stands there once for every end of it that is likely (``lstm_core.drawing.endings``).
    ids: (time, LIKELIEST), places in ``words``, likeliest first. scores, shares: (time, words), NaN where a word is not
        spoken of at that step. total: (time,), the logarithm of the sum of e to all scores.
    partners: by a word's place, the place of the word that it is held against at first.
    weights: (words, read); bias: (words,); read: (time, read), what they are applied to: h, and behind it a where the
        readout looks back.
    """
    if model.readout is None or not model.reads_words or not trace.tokens:
        return None
    read = model.reads(trace.signals)[:, 0]
    likeliest, scores, shares, total = [], [], [], []
    pairs = compared(model.tokenizer)
    for part in (read[start : start + CHUNK] for start in range(0, len(read), CHUNK)):
        logits = model.readout.scores(part)
        probabilities = softmax(logits)
        count = min(LIKELIEST, logits.shape[-1])
        best = np.argsort(-probabilities, axis=-1, kind="stable")[:, :count]
        seen = np.concatenate([best, np.tile(np.array(pairs, best.dtype), (len(part), 1))], axis=-1)
        likeliest.append(seen)
        scores.append(np.take_along_axis(logits, seen, -1))
        shares.append(np.take_along_axis(probabilities, seen, -1))
        top = logits.max(axis=-1)
        total.append(top + np.log(np.exp(logits - top[:, None]).sum(axis=-1)))
    seen = np.concatenate(likeliest)
    count = seen.shape[1] - len(pairs)
    ends = endings(model, trace, (seen[:, :count], np.concatenate(shares)[:, :count]))
    table: dict[tuple[int, str], int] = {(int(id), ""): place for place, id in enumerate(np.unique(seen))}
    places = np.searchsorted(np.unique(seen), seen)
    for (step, id), end in sorted(ends.items()):
        places[step, seen[step] == id] = table.setdefault((id, end), len(table))
    ids = np.array([id for id, _ in table])
    return {
        "words": [visible(next_word(model.tokenizer, id) + end) for id, end in table],
        "adds": [added(model.tokenizer, id) + letters(end) for id, end in table],
        "ids": places.astype(np.int32),
        "scores": np.concatenate(scores),
        "shares": np.concatenate(shares),
        "likeliest": count,
        "partners": _partners(np.unique(seen), pairs),
        "total": np.concatenate(total),
        "vocabulary": model.tokenizer.size,
        "weights": model.readout.whole[ids],
        "bias": np.asarray(model.readout.bias)[ids],
        "read": read,
        "output": trace.cell.output,
        "directions": len(trace.layers[0]),
        "layers": len(trace.layers),
        "ends": np.array([token.end for token in trace.tokens], np.int32),
    }


def compared(tokenizer: Tokenizer) -> list[int]:
    """The ids of ``COMPARED`` that the vocabulary holds, both of a pair or none."""
    found = []
    for pair in COMPARED:
        with suppress(ValueError):
            found += [tokenizer.id(word) for word in pair]
    return found


def _partners(ids: np.ndarray, pairs: list[int]) -> dict[str, int]:
    places = [int(place) for place in np.searchsorted(ids, pairs)]
    both = [*zip(places[::2], places[1::2], strict=True), *zip(places[1::2], places[::2], strict=True)]
    return {str(one): other for one, other in both}


def added(tokenizer: Tokenizer, id: int) -> str:
    """What to type for the piece ``id``: itself, marked with "##" in front where no space may come before it.

    "" for what nobody can type: the unknown word, half of a character, the end of a text.
    """
    piece, text = tokenizer.pieces[id], tokenizer.display(id)
    if piece == UNKNOWN or not text.isprintable() or (text.startswith("0x") and piece != text):
        return ""
    if piece.startswith("##") or tokenizer.spells_spaces and not piece.startswith(SPACES):
        return f"##{text}"
    text = text.strip()
    alone = [token.id for token in tokenizer.encode(text, begins=False)] == [id]
    return text if alone or tokenizer.spells_spaces else ""


SPACES = ("\N{LATIN CAPITAL LETTER G WITH DOT ABOVE}", "\N{LOWER ONE EIGHTH BLOCK}")
"""What stands for a space at the beginning of a piece, in byte-level vocabularies and in SentencePiece's."""


def looks_back(trace: Trace) -> dict[str, Any] | None:
    """The attention at every step of ``trace``: its equations, its weights (time, time) and the mean a (time, unit);
    None without."""
    if trace.attention is None or not len(trace):
        return None
    read = attention.top(trace.cell, trace.signals)[:, :1]
    both, alpha = attention.attended(trace.attention, read)
    return {
        "equations": equations(trace.cell.output),
        "alpha": alpha[:, 0],
        "mean": both[:, 0, read.shape[-1] :],
    }


@cache
def equations(output: str) -> list[dict[str, Any]]:
    """The attention's equations as trees for the browser (see ``dashboard.figures.walk.tree``), of the state
    ``output``."""
    lines = attention.expressions()
    symbols = {"now": f"v.{output}", "states": f"k.{output}"}
    names = {"e": "j.e", "alpha": "j.\N{GREEK SMALL LETTER ALPHA}", "a": "v.a"}
    keys = {id(expr): names[name] for name, expr in lines.items()}

    def tree(expr: Expr, root: bool = False) -> Mapping[str, Any]:
        if not root and id(expr) in keys:
            return {"s": keys[id(expr)]}
        if expr.op == "symbol":
            return {"s": symbols.get(expr.args[0], expr.args[0])}
        return {"o": expr.op, "a": list(children(expr))}

    def children(expr: Expr) -> Iterator[Mapping[str, Any]]:
        return (tree(arg) for arg in expr.args)

    return [{"name": names[name], "tree": tree(expr, root=True)} for name, expr in lines.items()]
