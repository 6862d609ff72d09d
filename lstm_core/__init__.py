"""Trace recurrent networks: every gate, candidate and state of every step.

    model = lstm_core.load_model("pronouns-lstm")
    trace = model.run("Mary was late because she")
    trace.sel("f", layer=0, direction=0, batch=0)      # (time, unit)
    model.next_tokens(trace, step=-1)                  # [("she", 0.99), ...]

torch is imported only when it is needed.
"""

from __future__ import annotations

from lstm_core.api import trace, trace_all, trace_cell, trace_chunks
from lstm_core.block import Block
from lstm_core.cells import CELLS, Cell
from lstm_core.files import Ambiguous, Loaded, load
from lstm_core.network import Network, list_models, load_model
from lstm_core.text import Token, Tokenizer
from lstm_core.trace import Trace

__all__ = [
    "CELLS",
    "Ambiguous",
    "Block",
    "Cell",
    "Loaded",
    "Network",
    "Token",
    "Tokenizer",
    "Trace",
    "list_models",
    "load",
    "load_model",
    "trace",
    "trace_all",
    "trace_cell",
    "trace_chunks",
]
__version__ = "0.1.0"
