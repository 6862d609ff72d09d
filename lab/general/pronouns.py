"""Which of he and she, where one of them comes: a loss beside that of every piece.

The cross-entropy asks a network of this size for so much else at these places (will a pronoun come, or "the"?) that it
hardly learns which. Here only the pronoun that comes and those that could stand there for somebody of the other gender
are compared, so that their chances together are not pulled up, as they would be if the pieces weighed more.
"""

from __future__ import annotations

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from lab.general.pieces import SPACE

AGAINST = {
    "he": ("she",), "him": ("her",), "his": ("her", "hers"), "himself": ("herself",),
    "she": ("he",), "her": ("him", "his"), "hers": ("his",), "herself": ("himself",),
    "他": ("她",), "她": ("他",),
}  # fmt: skip
"""What could stand in a pronoun's place for somebody of the other gender."""


class Pronouns:
    """of: (vocabulary,), whether a piece is a pronoun. against: (vocabulary, 2), the ids of what could stand in its
    place, and stands: (vocabulary, 2), which of the two there are."""

    def __init__(self, tokenizer: Tokenizer, device: torch.device) -> None:
        vocabulary = tokenizer.get_vocab()
        self.against = torch.zeros(len(vocabulary), 2, dtype=torch.long, device=device)
        self.stands = torch.zeros(len(vocabulary), 2, dtype=torch.bool, device=device)
        for piece, id in vocabulary.items():
            word = piece.removeprefix(SPACE)
            before = piece.removesuffix(word)
            if word in (word.lower(), word.title()):
                others = (other.title() if word.istitle() else other for other in AGAINST.get(word.lower(), ()))
                found = [vocabulary[before + other] for other in others if before + other in vocabulary]
                for k, other in enumerate(found):
                    self.against[id, k], self.stands[id, k] = other, True
        self.of = self.stands[:, 0]

    def loss(self, read: Tensor, pieces: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
        """The sum over the places where a pronoun comes of -log(p(it) / (p(it) + p(what could stand there))).

        read: (places, embedding). pieces: (vocabulary, embedding). bias: (vocabulary,). targets: (places,) ids.
        """
        places = self.of[targets].nonzero()[:, 0]
        told, ids = read[places], targets[places]
        against = self.against[ids]
        own = (told * pieces[ids]).sum(-1) + bias[ids]
        others = torch.einsum("pe,pke->pk", told, pieces[against]) + bias[against]
        others = others.masked_fill(~self.stands[ids], -torch.inf)
        return functional.softplus(others.logsumexp(-1) - own).sum()
