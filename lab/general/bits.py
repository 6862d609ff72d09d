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
    english = [file for file in texts.held_out if not file.startswith("chinese/")]
    for name, files in (("English", english), ("Chinese", [f for f in texts.held_out if f not in english])):
        size = [texts.characters[file] for file in files]
        means = (
            sum(column[f] * n for f, n in zip(files, size, strict=True)) / math.fsum(size)
            for column in columns.values()
        )
        print(f"{name:45s}" + "".join(f"{mean:12.3f}" for mean in means))


if __name__ == "__main__":
    main()
