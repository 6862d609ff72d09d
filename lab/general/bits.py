"""Bits per character of the held-out texts, case, spaces and ends of paragraphs coded: trained models, and a 5-gram
of the same pieces of the same texts.

``python -m lab.general.bits --text DIR FOLDER ...``, the folders being trainings; all must have the same pieces.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from lab.general.data import Texts, as_read, collect, end_of
from lab.general.export import reader
from lab.general.kneser_ney import KneserNey
from lab.general.train import bits_per_character

ORDER = 5


def five_gram(texts: Texts) -> dict[str, float]:
    """Bits per character by file, of a modified Kneser-Ney model of all texts to train on, each read once."""
    end = end_of(texts.tokenizer)
    counted = np.concatenate([as_read(lines, end) for lines in texts.train.values()])
    model = KneserNey(counted, texts.tokenizer.get_vocab_size(), ORDER)
    found = {}
    for file, lines in texts.held_out.items():
        chances = model.probabilities(as_read(lines, end))[1:]
        found[file] = -float(np.log2(chances).sum()) / texts.characters[file]
    return found


def total(found: dict[str, float], texts: Texts) -> dict[str, float]:
    """By language: the bits of all its texts by all their characters."""
    sides: dict[str, list[str]] = {"English": [], "Chinese": []}
    for file in found:
        sides["Chinese" if file.startswith("chinese/") else "English"].append(file)
    return {
        side: round(
            math.fsum(found[f] * texts.characters[f] for f in files) / sum(texts.characters[f] for f in files), 4
        )
        for side, files in sides.items()
        if files
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m lab.general.bits", description=__doc__)
    parser.add_argument("--text", type=Path, required=True, help="the folder of texts, see docs/texts.md")
    parser.add_argument("folders", type=Path, nargs="+")
    given = parser.parse_args()
    tokenizers = [Tokenizer.from_file(str(folder / "tokenizer.json")) for folder in given.folders]
    if len({tokenizer.to_str() for tokenizer in tokenizers}) != 1:
        parser.error("these models have different pieces")
    texts = collect(given.text, tokenizers[0])
    columns = {f"{ORDER}-gram": five_gram(texts)}
    for folder in given.folders:
        columns[folder.name] = bits_per_character(reader(folder), texts, torch.device("cpu"))
    print(f"{'bits per character':45s}" + "".join(f"{name:>12s}" for name in columns))
    for file in texts.held_out:
        print(f"{file:45s}" + "".join(f"{column[file]:12.3f}" for column in columns.values()))
    totals = [total(column, texts) for column in columns.values()]
    for side in totals[0]:
        print(f"{side:45s}" + "".join(f"{one[side]:12.3f}" for one in totals))


if __name__ == "__main__":
    main()
