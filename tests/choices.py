"""Files of which some say which cell they hold, and some leave the choice."""

from __future__ import annotations

from typing import Any

from lstm_core import Ambiguous, Loaded, load


def chosen(data: Any, cell: str, **options: Any) -> Loaded:
    """What is loaded, with ``cell`` where the file leaves the choice: elsewhere a wrong one is refused."""
    try:
        return load(data, **options)
    except Ambiguous:
        return load(data, cell=cell, **options)
