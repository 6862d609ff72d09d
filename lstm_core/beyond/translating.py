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

from lstm_core.beyond import kept
from lstm_core.beyond.attending import Said, Speaker, traced
from lstm_core.cells import cell as find_cell
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

    def translate(self, sentences: Sequence[Sequence[str]]) -> list[Translated]:
        """Sentences of the same length, word by word. Raises ValueError for a word that it does not know, and for
        sentences of different lengths."""
        unknown = sorted({word for sentence in sentences for word in sentence} - set(self.reads))
        if unknown:
            raise ValueError(say("it does not know the word {word!r}", word=unknown[0]))
        if len({len(sentence) for sentence in sentences}) != 1 or not sentences[0]:
            raise ValueError(say("the sentences have to be of one length, and of at least one word"))
        known = {word: k for k, word in enumerate(self.reads)}
        x = self.embedding[np.array([[known[word] for word in sentence] for sentence in sentences]).T]
        cell = self.speaker.cell
        signals, _ = scan(cell, [self.encoder], x)
        a = np.concatenate(list(signals[cell.output][0]), axis=-1)
        zeros = np.zeros((1, 2, len(sentences), signals["h"].shape[-1]), x.dtype)
        found = []
        for k, (said, sentence) in enumerate(zip(self.speaker.speak(a), sentences, strict=True)):
            at = slice(k, k + 1)
            first = {name: zeros[:, :, at] for name in cell.states()}
            values = {name: value[:, :, :, at] for name, value in signals.items()}
            tokens = traced(
                cell, self.encoder[0], {n: v[0, 0] for n, v in values.items()}, x[:, at], {}, sentence
            ).tokens
            found.append(Translated(said, Trace(cell, values, x[:, at], [self.encoder], first, tokens)))
        return found

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
        try:
            encoder = [groups.pop("forward"), groups.pop("backward")]
            embedding = groups.pop("read")["embedding"]
            speaker = Speaker.of(find_cell(meta.pop("cell")), groups, meta.pop("words"))
            return Translating(name, tuple(meta.pop("reads")), embedding, encoder, speaker, meta)
        except KeyError as error:
            raise ValueError(
                say("{path} is not whole: {error} is missing", path=str(path), error=str(error))
            ) from error
