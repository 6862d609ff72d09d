"""Trace recurrent networks: every gate, candidate and state of every step.

    model = lstm_core.load_model("pronouns-lstm")
    trace = model.run("Mary was late because")
    trace.sel("f", layer=0, direction=0, batch=0)      # (time, unit)
    model.next_tokens(trace, step=-1)                  # [("she", 0.97), ...]

Public are the names in ``lstm_core.__all__``, those of ``lstm_core.analysis``, which answers questions about a trace,
and of ``lstm_core.cells.base`` what a cell of your own is declared with; they keep their meaning from one version to
the next. Every other module is internal and may change at any time.

- models: ``load_model``, ``list_models`` (the shipped ones), ``load`` (somebody's file, which gives a ``Loaded``, or
  raises ``Ambiguous`` where it fits several cells), ``Network``, ``Block``, ``Tokenizer``, ``Token``
- runs: ``trace``, ``trace_all``, ``trace_cell``, ``trace_chunks`` (PyTorch modules), ``Trace``, ``AXES``,
  ``Forced`` (what ``trace_all`` gives where something is forced)
- comparisons: ``compare`` (two models, and why they differ)
- in a notebook: ``Trace.show``, ``beside`` (two traces), ``show`` of every result of ``analysis``
- while it trains: ``watch``, ``watch_callback`` (for Lightning), ``check_state``
- data sets: ``survey``, ``open_survey``
- cells: ``CELLS`` (by name), ``Cell`` (one of your own)

torch is imported only when it is needed.
"""

from __future__ import annotations

from lstm_core.api import (
    Forced,
    beside,
    check_state,
    compare,
    open_survey,
    survey,
    trace,
    trace_all,
    trace_cell,
    trace_chunks,
    watch,
    watch_callback,
)
from lstm_core.block import Block
from lstm_core.cells import CELLS, Cell
from lstm_core.files import Ambiguous, Loaded, load
from lstm_core.network import Network, list_models, load_model
from lstm_core.text import Token, Tokenizer
from lstm_core.trace import AXES, Trace
from lstm_core.version import VERSION

__all__ = [
    "AXES",
    "CELLS",
    "Ambiguous",
    "Block",
    "Cell",
    "Forced",
    "Loaded",
    "Network",
    "Token",
    "Tokenizer",
    "Trace",
    "beside",
    "check_state",
    "compare",
    "list_models",
    "load",
    "load_model",
    "open_survey",
    "survey",
    "trace",
    "trace_all",
    "trace_cell",
    "trace_chunks",
    "watch",
    "watch_callback",
]
__version__ = VERSION


def __dir__() -> list[str]:
    """What is public."""
    return sorted([*__all__, "__all__", "__doc__", "__name__", "__version__"])
