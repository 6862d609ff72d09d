"""``python -m lab.general --text DIR --out DIR``: train a general model on real text, or go on where it stopped.

With ``--after DIR`` it is phase 2: the model trained in that folder goes on with real text and a little made text."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from lab.general.model import HIDDEN
from lab.general.phase2 import RATE, with_made
from lab.general.train import Plan, gathered, train


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m lab.general", description=__doc__)
    parser.add_argument("--text", type=Path, required=True, help="the folder of texts, see docs/texts.md")
    parser.add_argument("--out", type=Path, required=True, help="where the checkpoint lies, which is gone on from")
    parser.add_argument("--after", type=Path, help="the --out of a phase 1 that has ended: phase 2 goes on from it")
    parser.add_argument("--cell", choices=list(HIDDEN), default="lstm")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tokens", type=float, help="tokens to read in all (default: 60e6; phase 2: 14e6)")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    device = given.device if given.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    if given.after:
        texts = with_made(given.text, given.after, given.out, given.seed)
        plan = Plan(given.cell, given.seed, int(given.tokens or 14e6), rate=RATE)
    else:
        texts = gathered(given.text, given.out)
        plan = Plan(given.cell, given.seed, int(given.tokens or 60e6))
    run = train(plan, texts, given.out, device, given.after)
    if run.step < plan.steps:
        raise SystemExit(f"stopped at step {run.step:,} of {plan.steps:,}; the same command goes on")


if __name__ == "__main__":
    main()
