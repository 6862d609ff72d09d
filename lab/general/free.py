"""How models do on sentences written freely, side by side.

``python -m lab.general.free PATH ...``: shipped files, or folders of trainings under way.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lab.general.export import from_checkpoint
from lab.measures.free import TARGETS, table
from lstm_core.network import Network


def load(path: Path) -> Network:
    """A shipped file, or the folder of a training."""
    return from_checkpoint(path) if path.is_dir() else Network.load(path)


def main() -> None:
    models = [load(Path(path)) for path in sys.argv[1:]]
    for language in ("english", "chinese"):
        columns = [table(model, language) for model in models]
        print(f"{language:45s}   n target  " + "  ".join(model.name for model in models))
        for kind in columns[0]:
            target = f"{TARGETS[kind]:.2f}" if kind in TARGETS else "0.05"
            shares = "  ".join(
                f"{column[kind][0]:.2f}".ljust(len(m.name)) for column, m in zip(columns, models, strict=True)
            )
            print(f"{kind:45s} {columns[0][kind][1]:3d}   {target}  {shares}")
        print()


if __name__ == "__main__":
    main()
