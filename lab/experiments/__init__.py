"""The experiments, found in this folder: adding one is adding its file with an ``EXPERIMENT``.

python -m lab measure [NAME ...], python -m lab check [NAME ...]
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from lab.experiments.base import Experiment


@cache
def discover() -> dict[str, Experiment]:
    """Every experiment by its name, in their order. Raises ValueError if two share a name."""
    found: dict[str, Experiment] = {}
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        one = getattr(importlib.import_module(f"{__name__}.{info.name}"), "EXPERIMENT", None)
        if one is None:  # a file that holds what others share
            continue
        if one.name in found:
            raise ValueError(f"two experiments are named {one.name!r}")
        found[one.name] = one
    return dict(sorted(found.items(), key=lambda item: (item[1].order, item[0])))


def experiment(name: str) -> Experiment:
    """The experiment of that name; ValueError lists the names there are."""
    found = discover()
    if name not in found:
        raise ValueError(f"there is no experiment {name!r}; there are {', '.join(found)}")
    return found[name]
