"""How well integrated gradients add up, and from how many gradients, on held-out texts of every small shipped model.

``python -m benchmarks.attribution`` measures and writes ``benchmarks/attribution.md``; ``--count 10`` for fewer texts,
names of models for these alone, printed and not written.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

import lstm_core
from benchmarks.tables import markdown
from lab.tasks import agreement, brackets, chinese, copying, country, english
from lab.tasks.rows import MEASURE_SEED
from lstm_core import Network
from lstm_core.analysis import attribution, integrated
from lstm_core.analysis.rerun import output

OUT = Path(__file__).with_name("attribution.md")
GOAL, MOST = 1e-4, 256
HOW = f"""Made by `python -m benchmarks.attribution`: held-out texts of every small model, each up to the word that is
to be predicted; of the countries with 0, 20, 40 and 100 words between. Shared out is what the likeliest next word leads
the next one by, in logits, from zeros on, which is harder than from what was expected. Missing is the difference
between the sum of all shares and what the output gains, both in float64. Goal: {GOAL:.0e} from {MOST} gradients at
most; where that misses it, up to {integrated.POINTS:,} are taken. Where to take them is found by runs forward alone.

Every text adds up. What takes more than 256 are long texts of plain networks and of country-lstm, whose output falls
from one memory into another many times on the way; a fall within a ten-millionth of the way takes two gradients."""
HEAD = ("model", "texts", "steps", "gradients, median", "most", "runs, median", "missing, median", "worst", "met")


def texts(model: Network, count: int) -> Iterator[np.ndarray]:
    """Ids of texts that end before a word to be predicted."""
    task, rng = model.name.partition("-")[0], Random(MEASURE_SEED)
    if task == "country":
        for gap in (0, 20, 40, 100):
            rows = country.probes(model, MEASURE_SEED, max(1, count // 4), gap)
            yield from (row.ids[: int(row.answers[0])] for row in rows)
    elif task.startswith("pronouns"):
        writer = (chinese.ChineseWriter if task.endswith("zh") else english.Writer)(rng, held_out=True)
        for k in range(count):
            gender = rng.choice(english.GENDERS)
            before = english.other(gender) if k % 2 else ""
            story = writer.probe(gender, before=before, distractor=k % 3 == 0, distance=20 * (k % 4 == 0))
            text = story.SPACE.join(story.words[: max(story.pronouns)])
            yield np.array([token.id for token in model.tokenizer.encode(text)])
    elif task == "agreement":
        yield from agreement.probes(model, MEASURE_SEED, count, 3)[0].T
    elif task == "brackets":
        for text in brackets.texts(MEASURE_SEED, count):
            row = brackets.row(model.tokenizer, text)
            if len(row.answers):
                yield row.ids[: int(row.answers[len(row.answers) // 2])]
    elif task == "copy":
        for row in (row for lag in (0, 20, 60) for row in copying.probes(MEASURE_SEED, max(1, count // 3), lag)):
            yield row.ids[: int(row.answers[0])]
    else:
        a, b = model.tokenizer.id("a"), model.tokenizer.id("b")
        yield from (np.array([a] * n + [b] * rng.randrange(1, n + 1)) for n in range(2, 2 + count))


def measured(name: str, count: int) -> tuple[Any, ...]:
    """A line of the table."""
    model = lstm_core.load_model(name)
    rows = []
    for ids in texts(model, count):
        trace = model.read(ids)
        scores = model.predicts.scores(model.reads(trace.signals)[-1])[0]
        first, second = np.argsort(-scores)[:2]
        vector = (model.predicts.whole[first] - model.predicts.whole[second]).astype(np.float64)
        x = trace.inputs[:, 0].astype(np.float64)
        spent.clear()
        found = attribution(trace, vector, "integrated")
        gain = output(_double(trace, x), len(trace) - 1, vector) - found.baseline
        rows.append((len(ids), spent["gradients"], spent["runs"], abs(gain - found.words.sum())))
    steps, gradients, runs, missing = np.array(rows).T
    met = f"{np.mean((missing <= GOAL) & (gradients <= MOST)):.1%}".replace("100.0%", "100%")
    length = f"{int(steps.min())} to {int(steps.max())}"
    numbers = (int(np.median(gradients)), int(gradients.max()), int(np.median(runs)))
    return (name, len(rows), length, *numbers, f"{np.median(missing):.0e}", f"{missing.max():.0e}", met)


def _double(trace: lstm_core.Trace, x: np.ndarray) -> lstm_core.Trace:
    return integrated.rerun(trace, x[:, None])


spent = Counter[str]()


class _Counted(integrated._Way):
    """Integrated gradients, which count what they ask of the network."""

    def values(self, places: np.ndarray) -> np.ndarray:
        spent["runs"] += len(places)
        return super().values(places)

    def _gradients(self, places: np.ndarray) -> np.ndarray:
        spent["gradients"] += len(places)
        return super()._gradients(places)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--count", type=int, default=16, help="texts of each model")
    asked = parser.parse_args()
    integrated._Way = _Counted
    names = asked.models or [name for name in lstm_core.list_models() if not name.startswith("general")]
    rows = []
    for name in names:
        began = time.process_time()
        rows.append(measured(name, asked.count))
        print(*rows[-1], f"{(time.process_time() - began) / rows[-1][1]:.2f} s each", sep="  ", flush=True)
    if not asked.models:
        OUT.write_text(f"# How well integrated gradients add up\n\n{HOW}\n\n{markdown(HEAD, rows)}\n", "utf-8")


if __name__ == "__main__":
    main()
