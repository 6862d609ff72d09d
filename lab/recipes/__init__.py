"""The recipes, found in this folder: adding one is adding its file with a tuple `RECIPES`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from lab.learning.recipe import Recipe


@cache
def discover() -> dict[str, Recipe]:
    """Every recipe by its name. Raises ValueError if two share a name."""
    found: dict[str, Recipe] = {}
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{__name__}.{info.name}")
        for recipe in getattr(module, "RECIPES", ()):  # a file without recipes holds what others share
            if recipe.name in found:
                raise ValueError(f"two recipes are named {recipe.name!r}")
            found[recipe.name] = recipe
    return found


def recipe(name: str) -> Recipe:
    """The recipe of that name; ValueError lists the names there are."""
    found = discover()
    if name not in found:
        raise ValueError(f"there is no recipe {name!r}; there are {', '.join(found)}")
    return found[name]
