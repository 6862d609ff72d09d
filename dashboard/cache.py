"""The only ``st.cache_*`` decorators: what is loaded once a server and what is computed once a sentence."""

from __future__ import annotations

import gc
import json
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from lstm_core import Model, Trace, list_models, load_model

LIMIT = 2000
"""Tokens that are read; more would draw nothing that can be seen."""


@dataclass(frozen=True)
class Reading:
    """A model's run on a text. ``found``: the steps in the whole text, of which the first were read; ``notes``: what
    else the reader must know of it; ``why``: why nothing is predicted, where nothing is."""

    model: Model
    trace: Trace
    predictions: list[list[tuple[str, float]]]
    found: int
    notes: tuple[str, ...] = ()
    why: str = ""

    @property
    def notices(self) -> list[str]:
        """What the reader must know, in whole sentences."""
        if self.found <= len(self.trace):
            return list(self.notes)
        kind = "tokens" if self.trace.tokens else "steps"
        cut = f"{self.trace.cell.title}: the first {len(self.trace):,} of {self.found:,} {kind} are shown."
        return [cut, *self.notes]


@st.cache_resource(show_spinner=False)
def model(name: str) -> Model:
    loaded = load_model(name)
    # Streamlit collects garbage after every run; what is loaded once need not be looked at again.
    gc.collect()
    gc.freeze()
    return loaded


@st.cache_data(show_spinner=False, ttl=60)
def models() -> dict[str, str]:
    """Names of the shipped models and what to call them, from the files' headers alone."""
    return {name: title(path) or name for name, path in list_models().items()}


def title(path: Path) -> str:
    """The title in a model file's header; empty if there is none or the file cannot be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return str(json.loads((file.metadata() or {})["gatescope"]).get("title", ""))
    except (SafetensorError, OSError, KeyError, ValueError, AttributeError):
        return ""


@st.cache_resource(show_spinner=False, max_entries=64)
def read(name: str, text: str, limit: int = LIMIT) -> Reading:
    one = model(name)
    tokens = one.tokenizer.encode(text)
    trace = one.run(tokens[:limit])
    return Reading(one, trace, one.predictions(trace, 5), len(tokens))
