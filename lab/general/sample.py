"""Text drawn from general models, a line at a time, for a critical reader.

``python -m lab.general.sample PATH ...``: shipped files, or folders of trainings under way.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lab.general.free import load
from lab.general.pieces import END
from lstm_core.network import Network, softmax

WARMTH = 0.7
"""What the scores are divided by: below 1 likely pieces are drawn still more often."""
LONGEST = 40
BEGUN = {"English": ["The", "She", "I", "When", "My", "He", "It", "There", "We", "What"],
         "Chinese": ["我", "他", "今天", "你", "她", "这", "妈妈", "我们", "昨天", "为什么"]}  # fmt: skip
"""The first words of the lines, each twice."""


def line(model: Network, begun: str, rng: np.random.Generator) -> str:
    """A text from its first word to the first end that is drawn, at most ``LONGEST`` pieces."""
    tokens = model.tokenizer.encode(begun)
    ids, before = [token.id for token in tokens], sum(token.start == token.end for token in tokens)
    end = model.tokenizer.id(END)
    while len(ids) < LONGEST:
        scores = model.predicts.scores(model.reads(model.read(np.array(ids)[:, None]).signals)[-1, 0])
        drawn = int(rng.choice(len(scores), p=softmax(scores.astype(np.float64) / WARMTH)))
        if drawn == end:
            break
        ids.append(drawn)
        text = model.tokenizer.decode(ids[before:])
        if text[-1] in '.!?。！？"”':
            break
    return model.tokenizer.decode(ids[before:])


def lines(model: Network, language: str, rng: np.random.Generator) -> Iterator[str]:
    """A line for each of the first words."""
    return (line(model, word, rng) for word in sorted(2 * BEGUN[language]))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m lab.general.sample", description=__doc__)
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    for model in map(load, given.paths):
        rng = np.random.default_rng(given.seed)
        for language in BEGUN:
            print(f"{model.name}, {language}:")
            for drawn in lines(model, language, rng):
                print("  " + drawn)


if __name__ == "__main__":
    main()
