"""Train a shipped general model further: the second phase of its recipe once more, from its weights.

Killed, it goes on when the same command is given again. The figures in the header are those of before until `python -m
lab measure NAME` has measured them again.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from lab.report import guarded
from lab.train import ASSETS, ready

TOKENS = 20_000_000


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="a general model: general-lstm, general-gru or general-rnn")
    parser.add_argument("--text", type=Path, required=True, metavar="DIR", help="folder of texts, see docs/texts.md")
    parser.add_argument("--tokens", type=int, default=TOKENS, help=f"how many more (default: {TOKENS:,})")
    parser.add_argument(
        "--window", type=int, metavar="TOKENS", help="how many tokens back a gradient reaches (default: the recipe's)"
    )
    parser.add_argument("--units", type=int, help="to how many it grows before it reads on (default: it does not)")
    parser.add_argument("--made", type=float, metavar="SHARE", help="of the rows that read made text (default: .2)")
    parser.add_argument("--rate", type=float, help="the learning rate at first (default: .0015)")
    parser.add_argument("--out", type=Path, default=ASSETS, help="folder of the model (default: assets/models)")


def run(options: argparse.Namespace) -> int:
    return guarded(_run, options)


def _run(options: argparse.Namespace) -> int:
    from lab.general.read_on import read_on
    from lab.learning.loop import threads
    from lab.recipes import discover
    from lstm_core.network import Network

    if options.tokens < 1:
        raise ValueError(f"--tokens is how many more are read, 1 or more, not {options.tokens:,}")
    if options.window is not None and options.window < 2:
        raise ValueError(f"--window is how many tokens back a gradient reaches, 2 or more, not {options.window:,}")
    otherwise = {name: value for name in ("made", "rate") if (value := getattr(options, name)) is not None}
    if not all(0 < value < 1 for value in otherwise.values()):
        raise ValueError("--made is a share and --rate a learning rate, each between 0 and 1")
    general = [name for name, one in discover().items() if one.reads_text]
    if options.name not in general:
        raise ValueError(f"{options.name} does not read on: {', '.join(general)} do")
    chosen = ready(options.name, options.text)
    path, work = (options.out / f"{options.name}.{kind}" for kind in ("safetensors", "unfinished"))
    if not path.exists():
        raise ValueError(f"there is no {path} to go on from")
    if work.exists() and not work.is_dir():
        raise ValueError(f"{work} is in the way: the checkpoint's folder goes there")
    with threads(chosen.threads):
        before = Network.load(path)
        after = read_on(before, options.text, options.tokens, work, options.window, options.units, **otherwise)
    after.save(path, chosen.weights)
    shutil.rmtree(work, ignore_errors=True)  # the next one begins anew, from here
    print(f"{path} has read {options.tokens:,} more tokens; now: python -m lab measure {options.name}")
    return 0
