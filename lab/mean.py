"""Take the mean of a general model before and after it read on: what the reading cost may come back, what it gave stay.

The figures in the header are those of AFTER until `python -m lab measure NAME` has measured them again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from lab.report import guarded
from lab.train import ASSETS, ready


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="a general model: general-lstm, general-gru or general-rnn")
    parser.add_argument("before", type=Path, metavar="BEFORE", help="a file of it")
    parser.add_argument("after", type=Path, metavar="AFTER", help="a file of it that has read on from there")
    parser.add_argument("--text", type=Path, required=True, metavar="DIR", help="folder of texts, see docs/texts.md")
    parser.add_argument("--share", type=float, default=0.5, help="of AFTER in the mean (default: .5)")
    parser.add_argument("--out", type=Path, default=ASSETS, help="folder of the model (default: assets/models)")


def run(options: argparse.Namespace) -> int:
    return guarded(_run, options)


def _run(options: argparse.Namespace) -> int:
    from lab.general.mean import mean
    from lstm_core.network import Network

    if not 0 < options.share < 1:
        raise ValueError("--share is how much of AFTER is in the mean, between 0 and 1")
    chosen = ready(options.name, options.text)
    path = options.out / f"{options.name}.safetensors"
    found = mean(Network.load(options.before), Network.load(options.after), options.share, options.text)
    found.save(path, chosen.weights)
    print(f"{path} is the mean of both; now: python -m lab measure {options.name}")
    return 0
