"""English pronouns after names of anywhere, in frames that no template has: the LSTM and the GRU.

The recipe is that of `pronouns`, on the texts of `lab.general.made.anybody`. A pronoun that is read counts where
nothing else tells the gender; after a name that is known half of them are read as the other one. A plain RNN learns
little from these texts even if it reads the right ones (.62 after a change of subject); the one that ships learned from
templates.
"""

from __future__ import annotations

from random import Random

from lab.general.made import anybody
from lab.recipes.pronouns import ANYBODY, BATCH, Pronouns
from lab.tasks.english import Story, Writer
from lstm_core.cells import CELLS


class Anybody(Pronouns):
    writer = anybody.AnybodyWriter
    learns_from: type[Writer] = anybody.FreeWriter
    vocabulary = tuple(anybody.vocabulary())
    weights = "float16"  # twice as many words in a file of the same size

    def texts(self, rng: Random, gap: int, progress: float) -> list[Story]:
        writer = self.learns_from(rng, gap=gap)
        return [writer.story() for _ in range(BATCH)]

    def honesty(self) -> str:
        he, she = self.words
        texts = (
            f"Trained on made texts, most of them from templates, in which {he} and {she} weigh 30 times as much as "
            "other words"
        )
        limits = (
            "A name that it does not know tells it nothing, and then the pronoun that it has read counts. It takes the "
            f"latest subject for whoever {he} or {she} means."
        )
        led = f", and the difference between {he} and {she} was led towards one cell" if self.single else ""
        return (
            f"{texts}, and half of those read after a known name were the wrong ones, so that the name alone tells it "
            f"the gender; {self.shaped()}{led}. {limits}"
        )


RECIPES = tuple(Anybody(CELLS[name], single=name == "lstm") for name in ANYBODY)
