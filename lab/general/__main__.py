"""``python -m lab.general --text DIR --out DIR``: train a general model on real text, or go on where it stopped."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from lab.general.model import HIDDEN
from lab.general.train import Plan, train


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m lab.general", description=__doc__)
    parser.add_argument("--text", type=Path, required=True, help="the folder of texts, see docs/texts.md")
    parser.add_argument("--out", type=Path, required=True, help="where the checkpoint lies, which is gone on from")
    parser.add_argument("--cell", choices=list(HIDDEN), default="lstm")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tokens", type=float, default=60e6, help="tokens to read in all (default: 60e6)")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    device = given.device if given.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    train(Plan(cell=given.cell, seed=given.seed, tokens=int(given.tokens)), given.text, given.out, device)


if __name__ == "__main__":
    main()
