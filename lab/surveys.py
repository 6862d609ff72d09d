"""Survey shipped models over Austen's novels: what the page Corpus opens with, without the texts."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from lab.corpus import paragraphs
from lab.report import guarded
from lstm_core import survey
from lstm_core.equations import remembering
from lstm_core.network import Network, list_models, load_model
from lstm_core.say import say
from lstm_core.survey.labels import FOLLOWED

if TYPE_CHECKING:
    from lstm_core.survey.answers import Survey

FOLDER = Path(__file__).parents[1] / "assets" / "surveys"
NAMES = ("general-lstm", "general-gru")
TOP, SAMPLE = 20, 20
"""Places that are kept of a unit: of the highest and lowest so many that they are of several documents."""
UNTRAINED, SEED, EVERY = "untrained.json", 0, 4
"""Beside a survey: what a network that was not trained follows, on every fourth paragraph."""
TEXT = ("text", "starts", "ends")
"""Columns of a survey's documents that the texts and the model give again."""


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"shipped models (default: {' and '.join(NAMES)})")
    parser.add_argument("--out", type=Path, default=FOLDER, help="where each has its folder (default: assets/surveys)")


def run(options: argparse.Namespace) -> int:
    return guarded(_run, options)


def _run(options: argparse.Namespace) -> int:
    names = options.names or list(NAMES)
    for name in names:
        if name not in list_models():
            message = "there is no shipped model {name!r}; there are {there}"
            raise ValueError(say(message, name=name, there=", ".join(list_models())))
    texts = paragraphs()
    for name in names:
        folder = made(name, texts, options.out)
        size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
        print(f"{folder}: {size / 1e6:.2f} MB", flush=True)
    return 0


def made(name: str, texts: list[str], out: Path) -> Path:
    """Surveys the model of that name over ``texts`` and puts the survey in ``out``, in the place of one of before.
    Returns its folder. A run that was interrupted goes on, beside that place, where it stopped."""
    model, folder, beside = load_model(name), out / name, out / f".{name}"
    signals = remembering(model.cell)
    how: dict[str, Any] = {"signals": signals, "patterns": None, "device": "cpu"}
    survey(model, texts, beside, top=TOP, sample=SAMPLE, progress=True, **how)
    without_texts(beside)
    (beside / UNTRAINED).write_text(json.dumps(untrained(model, texts), indent=1) + "\n", encoding="utf-8")
    (beside / ".lock").unlink()
    shutil.rmtree(folder, ignore_errors=True)
    return beside.rename(folder)


def untrained(trained: Network, texts: list[str], seed: int = SEED, progress: Any = True) -> dict[str, Any]:
    """How well the best unit of a network of the same shape that was not trained follows each property of the texts, of
    which it reads every ``EVERY``th: by property, the distance of its AUC from 0.5, or of r from 0 for a number.
    progress: whom to tell how far it is, see ``survey``."""
    model = trained.untrained(seed)
    with TemporaryDirectory() as folder:
        signals = remembering(model.cell)
        how: dict[str, Any] = {"signals": signals, "patterns": None, "device": "cpu"}
        made = survey(model, texts[::EVERY], folder, top=1, sample=1, progress=progress, **how)
        return {"seed": seed, "every": EVERY, "best": {what: _best(made, what) for what in FOLLOWED}}


def _best(made: Survey, what: str) -> float:
    found = made.follows(what).units
    scores = np.abs(found["correlation"]) if np.isnan(found["auc"]).all() else np.abs(found["auc"] - 0.5)
    return round(float(np.nanmax(scores, initial=0.0)), 4)


def without_texts(folder: Path) -> None:
    """Takes the texts out of a survey that is complete. ``open_survey`` then wants ``data=`` for what asks for them."""
    import pyarrow.parquet as pq

    for path in sorted((folder / "documents").glob("*.parquet")):
        table = pq.read_table(path)
        pq.write_table(table.drop_columns([name for name in TEXT if name in table.column_names]), path)
