"""How a word goes on whose first piece is likely to come next: not "Nor" stands after "they speak", but "Nor(wegian)".

The network itself is asked: it reads the piece on from where it is, and what it then expects goes on with the word or
begins another. Only pieces are asked about that could go on, and no more than ``MOST`` of a text, the likeliest first.
"""

from __future__ import annotations

import re
from weakref import WeakKeyDictionary

import numpy as np

from lstm_core.drawing.words import BYTE, UNSPACED, bare, continues, next_word
from lstm_core.network import Network, softmax
from lstm_core.text import Tokenizer
from lstm_core.trace import Trace

WORDS = frozenset("aioAIO")
"""Letters that are words."""
MOST = 256
"""Pieces of a text that are asked about: it costs as much as reading so many more words, ..."""
SCORES = 256 * 8192
"""... and no more of a large vocabulary than come to so many scores."""
SURE = 0.5
"""How likely it has to be that a word goes on, and with what."""
LONGEST = 8
"""Pieces that are put behind one another."""
ON = re.compile("['\N{RIGHT SINGLE QUOTATION MARK}]?[^\\W\\d_]")
"""How a piece begins that goes on with a word: "ard", "'t"."""


def endings(network: Network, trace: Trace, likeliest: tuple[np.ndarray, np.ndarray]) -> dict[tuple[int, int], str]:
    """What is written behind a next word that is only the beginning of one, by step and id: "(wegian)" where its end is
    likely enough, "(weg-)" or "-" as far as it is. Words that are whole are not among them. Of the pieces that are not
    asked about only a single letter is known to go on.

    likeliest: (time, k) each, as ``Network.likeliest`` gives them. Nothing is known of a network that looks back, reads
    from the end, or stands on others: it cannot be read on from one step alone.
    """
    ids, chances = likeliest
    if not ids.size or not _reads_on(network, trace):
        return {}
    goes_on, asked, letter = _pieces(network.tokenizer)
    if not goes_on.any():
        return {}
    places = np.flatnonzero(asked[ids])
    most = min(MOST, SCORES // len(network.predicts.bias))
    places = places[np.argsort(-chances.ravel()[places], kind="stable")][:most]
    steps, last = places // ids.shape[1], ids.ravel()[places]
    keys = [(int(step), int(id)) for step, id in zip(steps, last, strict=True)]
    lone = {(int(step), int(ids[step, place])): "-" for step, place in zip(*np.nonzero(letter[ids]), strict=True)}
    found = {**lone, **dict.fromkeys(keys, "")}
    state = {name: trace.signals[name][:, :, steps, 0] for name in network.cell.states()}
    for _ in range(LONGEST):
        if not keys:
            break
        run = network.read(last[:, None] if network.block.batch_first else last[None], state=state)
        shares = softmax(network.predicts.scores(network.reads(run.signals)[0]))
        on = np.where(goes_on, shares, 0.0)
        unfinished = np.flatnonzero(on.sum(axis=-1) >= SURE)
        last = on.argmax(axis=-1)
        for row in unfinished:
            sure = on[row, last[row]] >= SURE
            found[keys[row]] += network.tokenizer.display(int(last[row])) if sure else "-"
        rows = [row for row in unfinished if not found[keys[row]].endswith("-")]
        keys, last = [keys[row] for row in rows], last[rows]
        state = {name: run.signals[name][:, :, 0][:, :, rows] for name in state}
    for key in keys:
        found[key] += "-"
    return {key: end if end == "-" else f"({end})" for key, end in found.items() if end}


def letters(ending: str) -> str:
    """What of an ending belongs to the word: "wegian" of "(wegian)"."""
    return ending.strip("()-")


def _reads_on(network: Network, trace: Trace) -> bool:
    """Whether the network can go on from the states of a step."""
    return (
        network.reads_words
        and network.readout is not None
        and network.attention is None
        and not network.below
        and network.block.directions == ("forward",)
        and not network.cell.by_values
        and all(name in trace.signals for name in network.cell.states())
    )


_known: WeakKeyDictionary[Tokenizer, tuple[np.ndarray, ...]] = WeakKeyDictionary()


def _pieces(tokenizer: Tokenizer) -> tuple[np.ndarray, ...]:
    """(vocabulary,) bool each: whether a piece goes on with a word, whether a word may go on behind it, and whether it
    is one letter that begins a word and is none itself."""
    if tokenizer not in _known:
        texts = [tokenizer.display(id) for id in range(tokenizer.size)]
        goes_on = [
            bool(ON.match(text)) and not UNSPACED.search(text) and continues(tokenizer, id)
            for id, text in enumerate(texts)
        ]
        whole = [next_word(tokenizer, id) != BYTE for id in range(tokenizer.size)]
        asked = [
            text[-1:].isalpha() and not UNSPACED.search(text) and one for text, one in zip(texts, whole, strict=True)
        ]
        begins = [bare(tokenizer, id) for id in range(tokenizer.size)]
        letter = [
            may and not on and len(text) == 1 and text.isascii() and text not in WORDS
            for may, on, text in zip(asked, goes_on, begins, strict=True)
        ]
        _known[tokenizer] = np.array(goes_on), np.array(asked), np.array(letter)
    return _known[tokenizer]
