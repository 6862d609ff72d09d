"""English pronouns after names of anywhere, in frames that no template has: nearly every cell.

The recipe is that of `pronouns`, on the texts of `lab.general.made.anybody`. A pronoun that is read counts where
nothing else tells the gender; after a name that is known half of them are read as the other one. From these texts a
plain RNN learns little (.62 after a change of subject), even if it reads the right ones, unless the first of them are
cut between a name and its pronoun.
"""

from __future__ import annotations

from random import Random

from lab.general.made import anybody
from lab.recipes.pronouns import BATCH, TEMPLATES, Pronouns
from lab.tasks.english import Story, Writer
from lstm_core.cells import CELLS
from lstm_core.equations import carry

CUT, DOUBLINGS = 0.6, 6  # the share of a training in which texts are cut, and how often the room left doubles in it


class Anybody(Pronouns):
    writer = anybody.AnybodyWriter
    learns_from: type[Writer] = anybody.FreeWriter
    vocabulary = tuple(anybody.vocabulary())
    weights = "float16"  # twice as many words in a file of the same size

    def texts(self, rng: Random, gap: int, progress: float) -> list[Story]:
        """A plain RNN learns nothing from a name some words ago, so its first texts are cut: what stands between a name
        and its pronoun grows from nothing."""
        if carry(self.cell) or progress >= CUT:
            writer = self.learns_from(rng, gap=gap)
            return [writer.story() for _ in range(BATCH)]
        writer, most = self.writer(rng, gap=gap), int(2 ** (DOUBLINGS * progress / CUT)) - 1
        return [writer.story().near(most) for _ in range(BATCH)]

    def honesty(self) -> str:
        he, she = self.words
        if not self.misread:
            return (
                f"Trained on made texts, most of them from templates, in which {he} and {she} weigh 30 times as much "
                "as other words; all that it read were right, so it may copy the one before, and the first texts were "
                "cut between a name and its pronoun. Of a name that it does not know it often claims one of them all "
                f"the same. It takes the latest subject for whoever {he} or {she} means."
            )
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


RECIPES = tuple(Anybody(cell, single=cell.name == "lstm") for cell in CELLS.values() if cell.name not in TEMPLATES)
