"""The network that translates (`lstm_core.beyond.translating`), as it learns with PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from lab.learning.speaking import TorchSpeaker, array
from lstm_core.beyond.translating import Translating
from lstm_core.cells.base import Cell
from lstm_core.layer import Layer
from lstm_core.stored import Kind


class TorchTranslating(nn.Module):
    def __init__(
        self, cell: type[Cell], reads: Sequence[str], words: Sequence[str], reader: int, hidden: int, embedding: int,
        asks: int,
    ) -> None:  # fmt: skip
        """reader: units of the encoder, in each direction; the others as `TorchSpeaker` takes them."""
        super().__init__()
        self.reads = tuple(reads)
        self.embedding = nn.Embedding(len(reads), embedding)
        nn.init.normal_(self.embedding.weight, std=embedding**-0.5)
        self.encoder = Layer(cell, embedding, reader, bidirectional=True)
        self.speaker = TorchSpeaker(cell, words, 2 * reader, hidden, embedding, asks, blind=0.0)

    def forward(self, sentences: Tensor, read: Tensor) -> tuple[Tensor, Tensor]:
        """sentences (word, batch), ids of one length, and the words read, ids (time, batch), from the start on. Gives
        the scores of the next words (time, batch, vocabulary) and where it looked (time, batch, word)."""
        a, _ = self.encoder(self.embedding(sentences), signals=False)
        return self.speaker(a, read)

    def model(self, name: str, meta: Mapping[str, Any], weights: Kind = "float32") -> Translating:
        """The same network for NumPy; `weights`: how they are stored, to which they are rounded."""
        encoder = [{key: array(value, weights) for key, value in part.items()} for part in self.encoder.layers()[0]]
        embedding = array(self.embedding.weight, weights)
        return Translating(name, self.reads, embedding, encoder, self.speaker.speaker(weights), dict(meta))
