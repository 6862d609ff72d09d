"""What the pronouns models show, measured on held-out texts: who wrote the memory, and what if it had been forgotten.

``python -m benchmarks.claims`` prints the table in docs/models.md. ``tests/test_claims.py`` asserts the figures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import numpy as np

from lab.measures.gender import keeping, probes, stories, subject_wrote_it
from lab.measures.units import memory
from lab.tasks.english import FEMALE, Story
from lstm_core import Network, Trace, load_model
from lstm_core.analysis import Force, intervene, readout
from lstm_core.equations import carry

SEED, TEXTS = 70_000, 200
WROTE = "the subject's word contributes most to the first pronoun"
STAYS = "the old pronoun stays after a new subject, memory held: "
TURNS = "the pronoun changes with the sign of the memory: "
CELL, OTHER, ALL = "the gender cell", "a random other cell", "all cells"
Units = tuple[int, ...] | None  # None for all


def says_she(model: Network, trace: Trace, step: int) -> bool:
    """Whether "she" is likelier than "he" after a step."""
    she = readout(model, "she", "he")
    return bool(trace.signals[model.cell.output][-1, 0, step, 0] @ she.vector + she.bias > 0)


def old_pronoun_stays(model: Network, texts: Sequence[Story], units: Callable[[], Units]) -> float:
    """Share of texts in which the first subject's pronoun is said after a new subject whose memory was not let in: the
    given units keep everything and write nothing at that one step."""
    stayed = []
    for story in texts:
        new, pronoun = max(story.subjects), max(story.pronouns)
        chosen = units()
        held = [Force(gate, value, chosen, new, new + 1) for gate, value in keeping(model.cell).items()]
        after = intervene(model.run(story.text, device="cpu"), held).after
        stayed.append(says_she(model, after, pronoun - 1) != (story.pronouns[pronoun] == FEMALE))
    return float(np.mean(stayed))


def flips(model: Network, texts: Sequence[Story], units: Callable[[], Units]) -> float:
    """Share of texts in which the last pronoun becomes the other one if the units' memory is negated just before it."""
    state = memory(model)
    changed = []
    for story in texts:
        at = max(story.pronouns) - 1
        flip = Force(state, "flip", units(), at, at + 1)
        found = intervene(model.run(story.text, device="cpu"), [flip])
        changed.append(says_she(model, found.before, at) != says_she(model, found.after, at))
    return float(np.mean(changed))


def figures(model: Network, texts: int = TEXTS) -> dict[str, float]:
    """Every figure of one model by its name in the table; the plain RNN has no gates to hold, no sum to take apart."""
    cell = int(model.meta["units"]["gender"]["unit"])
    others = [unit for unit in range(model.hidden_size) if unit != cell]
    rng = Random(SEED)
    switches = probes(SEED, texts, switch=True)
    found: dict[str, float] = {}
    if carry(model.cell) is not None:
        found[WROTE] = subject_wrote_it(model, [s for s in stories(SEED, texts) if s.pronouns])
        found[STAYS + CELL] = old_pronoun_stays(model, switches, lambda: (cell,))
        found[STAYS + OTHER] = old_pronoun_stays(model, switches, lambda: (rng.choice(others),))
        found[STAYS + ALL] = old_pronoun_stays(model, switches, lambda: None)
    found[TURNS + CELL] = flips(model, switches, lambda: (cell,))
    found[TURNS + OTHER] = flips(model, switches, lambda: (rng.choice(others),))
    found[TURNS + ALL] = flips(model, switches, lambda: None)
    return found


def table(names: Sequence[str] = ("pronouns-lstm", "pronouns-gru", "pronouns-rnn"), texts: int = TEXTS) -> str:
    """The figures of some models as a Markdown table."""
    columns = [figures(load_model(name), texts) for name in names]
    lines = [f"| share of {texts} held-out texts | " + " | ".join(f"`{name}`" for name in names) + " |"]
    lines.append("| --- |" + " ---: |" * len(names))
    for row in columns[0]:
        lines.append(f"| {row} | " + " | ".join(f"{c[row]:.0%}" if row in c else "" for c in columns) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
