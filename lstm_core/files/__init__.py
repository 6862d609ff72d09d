"""Somebody's file -> the recurrent blocks in it. Nothing in a file is executed, and no file is trusted for its size."""

from __future__ import annotations

from lstm_core.files.limits import Ambiguous
from lstm_core.files.load import Loaded, is_read, load

__all__ = ["Ambiguous", "Loaded", "is_read", "load"]
