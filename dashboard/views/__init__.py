"""One page a file: a module here with ``TITLE``, ``ORDER`` and ``page()`` is a page of the app."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType


@cache
def discover() -> tuple[ModuleType, ...]:
    """The pages in their order."""
    found = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return tuple(sorted(found, key=lambda module: module.ORDER))
