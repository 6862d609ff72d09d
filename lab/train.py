"""Train several seeds of a model, measure each, ship the best of those that pass.

A training that was killed goes on when the same command is given again; what it has so far lies beside the model, in
NAME.unfinished, until the model is written.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_core.device import DEVICES, resolve

if TYPE_CHECKING:
    from lab.learning.batch import Batch
    from lab.learning.recipe import Recipe, Trained, Watch

ASSETS = Path(__file__).resolve().parents[1] / "assets" / "models"
BAR = "{l_bar}{bar}| {n_fmt}/{total_fmt} steps [{elapsed}, ends at {eta:%H:%M}]"


def table(runs: list[Trained]) -> str:
    """The numbers of all runs, one line a seed."""
    keys = [key for key, value in runs[0].metrics.items() if isinstance(value, int | float)]
    rows = [["seed", "passes", *keys]]
    for run in runs:
        rows.append([str(run.seed), "yes" if run.passes else "no", *(f"{run.metrics[key]:.4g}" for key in keys)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def figures(run: Trained) -> dict[str, Any]:
    """What a header says of one seed."""
    cost = {name: run.model.meta[name] for name in ("machine", "seconds", "tokens")}
    return {"seed": run.seed, "passes": run.passes, **cost, **run.metrics}


def join(path: Path, seeds: list[dict[str, Any]], chosen: Recipe) -> None:
    """Put the figures of further seeds beside those in a shipped file's header; its weights stay as they are."""
    model = chosen.load(path)
    known = {run["seed"]: run for run in (*model.meta.get("seeds", ()), *seeds)}
    by_seed = [run for _, run in sorted(known.items())]
    replace(model, meta={**model.meta, "seeds": by_seed}).save(path, chosen.weights)


def recipe(name: str) -> Recipe:
    """The recipe of that name. Importing the recipes imports torch."""
    from lab.recipes import recipe

    return recipe(name)


def ready(name: str, text: Path | None) -> Recipe:
    """The recipe with its folder of texts. Raises ValueError for an unknown name, and where a folder is missing or is
    not read."""
    chosen = recipe(name)
    if chosen.reads_text and text is None:
        raise ValueError(f"{name} learns from a folder of texts: add --text DIR (see docs/texts.md)")
    if text is not None and not chosen.reads_text:
        raise ValueError(f"{name} makes its own texts and reads no folder: leave out --text")
    if text is not None and not text.is_dir():
        raise ValueError(f"there is no folder {text}")
    chosen.text = text
    return chosen


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the model, for example pronouns-lstm; an unknown name lists them all")
    parser.add_argument("--text", type=Path, metavar="DIR", help="folder of texts, for a recipe that reads one")
    parser.add_argument("--device", choices=DEVICES, default="cpu", help="auto: an accelerator if there is one")
    parser.add_argument("--seeds", type=int, help="how many seeds to train (default: the recipe's)")
    parser.add_argument("--first-seed", type=int, default=0, help="the first of them (default: 0)")
    parser.add_argument("--steps", type=int, help="steps of each (default: the recipe's)")
    parser.add_argument("--out", type=Path, default=ASSETS, help="folder for the model (default: assets/models)")
    parser.add_argument("--keep", type=Path, help="folder for the models of all seeds")
    parser.add_argument("--add", action="store_true", help="add these seeds' figures to the shipped file's header")
    parser.add_argument("--ship-best", action="store_true", help="ship the best seed even if none passes")


def run(options: argparse.Namespace) -> int:
    try:
        from lab.learning.recipe import best

        chosen = ready(options.name, options.text)
        out = options.out / chosen.folder
        unfinished = out / f"{chosen.name}.unfinished"
        runs = trained(chosen, options, unfinished)
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "tqdm"):
            raise
        print(f"models are trained with {error.name}, which is not installed: pip install torch tqdm", file=sys.stderr)
        return 2
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    path, seeds = out / f"{chosen.name}.safetensors", [figures(run) for run in runs]
    shipped = best(chosen, runs, options.ship_best)
    if options.add:
        join(path, seeds, chosen)
        print(f"the figures of {len(seeds)} seeds were added to {path}")
    elif shipped is not None:
        out.mkdir(parents=True, exist_ok=True)
        header = {**shipped.model.meta, "passes": shipped.passes, "seeds": seeds}
        replace(shipped.model, meta=header).save(path, chosen.weights)
        print(f"seed {shipped.seed} is shipped as {path}")
    else:
        print("no seed passes; nothing is written (--ship-best would write the best of them)", file=sys.stderr)
    shutil.rmtree(unfinished, ignore_errors=True)
    return 0 if options.add or shipped else 1


def trained(chosen: Recipe, options: argparse.Namespace, unfinished: Path) -> list[Trained]:
    """All seeds, one after another, under one bar that says when the last of them will be done."""
    from tqdm import tqdm

    from lab.learning.loop import train

    device, _ = resolve(options.device, "torch")
    seeds = range(options.first_seed, options.first_seed + (options.seeds or chosen.seeds))
    steps = options.steps or chosen.steps
    runs: list[Trained] = []
    with tqdm(total=len(seeds) * steps, desc=chosen.name, mininterval=1, bar_format=BAR) as bar:
        for place, seed in enumerate(seeds):
            bar.set_description(f"{chosen.name}, seed {seed}")
            run = train(chosen, seed, options.steps, counted(bar, place * steps), device, unfinished)
            went_on(bar, (place + 1) * steps)  # it was finished before
            runs.append(run)
            if options.keep:
                options.keep.mkdir(parents=True, exist_ok=True)
                run.model.save(options.keep / f"{chosen.name}-{seed}.safetensors", chosen.weights)
            tqdm.write(table(runs))
    return runs


def counted(bar: Any, before: int) -> Watch:
    """Has the bar count the batches that are learned, after ``before`` of other seeds."""

    def watch(batches: Iterator[Batch], first: int) -> Iterator[Batch]:
        went_on(bar, before + first)
        for batch in batches:
            yield batch
            bar.update()

    return watch


def went_on(bar: Any, place: int) -> None:
    """Move the bar on over what was learned before this command began, which says nothing about how fast it is."""
    bar.initial += place - bar.n
    bar.n = place
