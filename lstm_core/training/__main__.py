"""`python -m lstm_core.training NAME`: train several seeds, measure each, ship the best of those that pass."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_core.network import Network

if TYPE_CHECKING:
    from lstm_core.training.loop import Recipe, Trained

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "models"


def table(runs: list[Trained]) -> str:
    """The numbers of all runs, one line a seed."""
    keys = [key for key, value in runs[0].metrics.items() if isinstance(value, int | float)]
    rows = [["seed", "passes", *keys]]
    for run in runs:
        rows.append([str(run.seed), "yes" if run.passes else "no", *(f"{run.metrics[key]:.4g}" for key in keys)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def join(path: Path, seeds: list[dict[str, Any]], half: bool) -> None:
    """Put the figures of further seeds beside those in a shipped file's header; its weights stay as they are."""
    model = Network.load(path)
    known = {run["seed"]: run for run in (*model.meta.get("seeds", ()), *seeds)}
    by_seed = [run for _, run in sorted(known.items())]
    replace(model, meta={**model.meta, "seeds": by_seed}).save(path, half)


def recipe(name: str) -> Recipe:
    """The recipe of that name. Importing the recipes imports torch."""
    from lstm_core.training.recipes import recipe

    return recipe(name)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lstm_core.training", description=__doc__)
    parser.add_argument("name", help="the model, for example pronouns-lstm; an unknown name lists them all")
    parser.add_argument("--seeds", type=int, help="how many seeds to train (default: the recipe's)")
    parser.add_argument("--first-seed", type=int, default=0, help="the first of them (default: 0)")
    parser.add_argument("--steps", type=int, help="steps of each (default: the recipe's)")
    parser.add_argument("--out", type=Path, default=ASSETS, help="folder for the model (default: assets/models)")
    parser.add_argument("--keep", type=Path, help="folder for the models of all seeds")
    parser.add_argument("--add", action="store_true", help="add these seeds' figures to the shipped file's header")
    parser.add_argument("--ship-best", action="store_true", help="ship the best seed even if none passes")
    options = parser.parse_args(arguments)
    try:
        from tqdm import tqdm

        from lstm_core.training.loop import best, train

        chosen = recipe(options.name)
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "tqdm"):
            raise
        print(f"models are trained with {error.name}, which is not installed: pip install torch tqdm", file=sys.stderr)
        return 2
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    runs: list[Trained] = []
    for seed in range(options.first_seed, options.first_seed + (options.seeds or chosen.seeds)):
        total = options.steps or chosen.steps

        def watch(batches: Any, seed: int = seed, total: int = total) -> Any:
            return tqdm(batches, total=total, desc=f"{chosen.name} seed {seed}", mininterval=1)

        runs.append(train(chosen, seed, options.steps, watch))
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            runs[-1].model.save(options.keep / f"{chosen.name}-{seed}.safetensors", chosen.half)
        print(table(runs), flush=True)
    path = options.out / f"{chosen.name}.safetensors"
    seeds = [{"seed": run.seed, "passes": run.passes, **run.metrics} for run in runs]
    if options.add:
        join(path, seeds, chosen.half)
        print(f"the figures of {len(seeds)} seeds were added to {path}")
        return 0
    shipped = best(chosen, runs, options.ship_best)
    if shipped is None:
        print("no seed passes; nothing is written (--ship-best would write the best of them)", file=sys.stderr)
        return 1
    model = replace(shipped.model, meta={**shipped.model.meta, "passes": shipped.passes, "seeds": seeds})
    options.out.mkdir(parents=True, exist_ok=True)
    model.save(path, chosen.half)
    print(f"seed {shipped.seed} is shipped as {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
