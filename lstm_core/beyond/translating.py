"""A network that translates: one recurrent network reads, another one speaks and looks back at what was read.

Bahdanau et al. 2015, "Neural machine translation by jointly learning to align and translate" (arXiv 1409.0473): the
encoder reads in both directions, and its states are what the decoder looks at (``lstm_core.beyond.attending``, whose
scores are theirs). They use GRUs and a maxout layer before the words; we use our LSTM and the readout of Xu et al.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstm_core.beyond import attending, kept
from lstm_core.beyond.attending import Said, Speaker, next_word
from lstm_core.beyond.running import Do, Running, slope, tokens
from lstm_core.cells import cell as find_cell
from lstm_core.ops import NUMPY, parameters
from lstm_core.say import say
from lstm_core.scan import scan
from lstm_core.stored import Kind
from lstm_core.trace import Trace

SOURCE = "Bahdanau et al. 2015"
KIND = "translating"


@dataclass(frozen=True, eq=False)
class Translated:
    """said: what came out, with alpha (step, word read). encoder: the trace of what was read, in both directions."""

    said: Said
    encoder: Trace


@dataclass(frozen=True, eq=False)
class Translating:
    """The network, in NumPy. reads: the words that it can read; embedding: (vocabulary, input), their vectors. encoder:
    parameters of the forward and of the backward direction."""

    name: str
    reads: Sequence[str]
    embedding: np.ndarray
    encoder: Sequence[Mapping[str, np.ndarray]]
    speaker: Speaker
    meta: Mapping[str, Any]

    def translate(self, sentences: Sequence[Sequence[str]], do: Mapping[str, Do] | None = None) -> list[Translated]:
        """Sentences of the same length, word by word. do: what happens to the steps of "forward" and "backward", of
        the encoder, and of "decoder". Raises ValueError for a word that it does not know, and for sentences of
        different lengths."""
        unknown = sorted({word for sentence in sentences for word in sentence} - set(self.reads))
        if unknown:
            raise ValueError(say("it does not know the word {word!r}", word=unknown[0]))
        if len({len(sentence) for sentence in sentences}) != 1 or not sentences[0]:
            raise ValueError(say("the sentences have to be of one length, and of at least one word"))
        known = {word: k for k, word in enumerate(self.reads)}
        x = self.embedding[np.array([[known[word] for word in sentence] for sentence in sentences]).T]
        cell = self.speaker.cell
        do = do or {}
        ways = [do.get("forward"), do.get("backward")]

        def step(layer: int, direction: int, t: int, p: Any, x: Any, s: Any) -> Any:
            way = ways[direction]
            return way(t, p, x, s) if way else None

        signals, _ = scan(cell, [self.encoder], x, step=step if any(ways) else None)
        a = np.concatenate(list(signals[cell.output][0]), axis=-1)
        zeros = np.zeros((1, 2, len(sentences), signals["h"].shape[-1]), x.dtype)
        found = []
        for k, (said, sentence) in enumerate(zip(self.speaker.speak(a, do.get("decoder")), sentences, strict=True)):
            at = slice(k, k + 1)
            first = {name: zeros[:, :, at] for name in cell.states()}
            values = {name: value[:, :, :, at] for name, value in signals.items()}
            encoder = Trace(cell, values, x[:, at], [self.encoder], first, tuple(tokens(sentence)))
            found.append(Translated(said, encoder))
        return found

    def error(self, found: Translated, direction: int, place: int, t: int) -> np.ndarray:
        """(unit,): how the surprise at the word that was said at step t grows with each number of what the encoder
        shows in that direction at a word that was read, if it looks at it there and then for the first time."""
        speaker, cell, trace = self.speaker, self.speaker.cell, found.said.trace
        states = found.encoder[cell.output][0, :, :, 0].astype(float)
        at = speaker.words.index(found.said.words[t])
        before = {name: trace[name][0, 0, t - 1] if t else trace.initial[name][0, 0] for name in cell.states()}
        y = trace.inputs[t, :, : speaker.embedding.shape[1]].astype(float)
        look, out = parameters(speaker.attention), parameters(speaker.out)

        def surprise(h: np.ndarray) -> np.ndarray:
            a = np.repeat(np.concatenate(list(states), axis=-1)[:, None], len(h), axis=1)
            units = h.shape[1]
            a[place, :, direction * units : (direction + 1) * units] = h
            state = {name: np.repeat(value, len(h), axis=0).astype(float) for name, value in before.items()}
            network = Running(cell, parameters(speaker.params), state)
            score = next_word(look, out, np.repeat(y, len(h), axis=0), a, network, NUMPY)["score"]
            return np.log(np.exp(score - score.max(-1, keepdims=True)).sum(-1)) - (score[:, at] - score.max(-1))

        return slope(surprise, states[direction, place])

    def untrained(self, seed: int = 0) -> Translating:
        """The same network with random weights: the baseline of every claim."""
        groups = kept.random_like(self._groups(), seed)
        encoder, embedding = [groups["forward"], groups["backward"]], groups["read"]["embedding"]
        speaker = self.speaker.with_arrays(groups)
        return replace(self, name=f"{self.name} (untrained)", embedding=embedding, encoder=encoder, speaker=speaker)

    def _groups(self) -> dict[str, Mapping[str, np.ndarray]]:
        forward, backward = self.encoder
        reader = {"forward": forward, "backward": backward, "read": {"embedding": self.embedding}}
        return {**reader, **self.speaker.groups()}

    def save(self, path: str | os.PathLike[str], weights: Kind = "float32") -> None:
        """Write one safetensors file; ``weights``: how it stores them."""
        words = {"words": list(self.speaker.words), "reads": list(self.reads)}
        meta = {"cell": self.speaker.cell.name, **words, **self.meta}
        kept.write(path, KIND, self.name, self._groups(), meta, weights)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Translating:
        """Read what ``save`` wrote. Raises ValueError for another file."""
        name, meta, groups = kept.read(path, KIND)
        cell = find_cell(kept.word(path, meta, "cell"))
        words, reads = (kept.words(path, meta, name) for name in ("words", "reads"))
        wide = kept.size(path, groups, "read", "embedding", 1, 2)
        seen = kept.size(path, groups, "attention", "W_a", 1, 2)  # both directions, side by side
        encoder = kept.of_cell(cell, wide, seen // 2)
        parts = {"forward": encoder, "backward": encoder, "read": {"embedding": (len(reads), wide)}}
        kept.check(path, groups, {**parts, **attending.shapes(path, cell, groups, words, seen // 2 * 2)})
        ends = [groups["forward"], groups["backward"]]
        return Translating(name, tuple(reads), groups["read"]["embedding"], ends, Speaker.of(cell, groups, words), meta)
