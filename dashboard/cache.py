"""The only ``st.cache_*`` decorators: what is loaded once a server and what is computed once a sentence."""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import streamlit as st

from dashboard import budgets
from dashboard.language import tr
from dashboard.state import YOURS
from lstm_core import Network, Tokenizer, Trace, list_models, load_model
from lstm_core.drawing.expected import next_words

LIMIT = 2000
"""Tokens that are read; more would draw nothing that can be seen."""
READINGS = 40 << 20
"""Bytes of readings of shipped models that are kept, for all visitors."""
TOKEN = 1100
"""Bytes of a token and of the words expected after it, about."""
AGAIN = 600.0
"""Seconds after which everything is looked at again: what of it has become garbage meanwhile is let go of."""
EVERY = 5.0
"""Seconds after which what has come since is looked at."""


@dataclass(frozen=True, eq=False)
class Reading:
    """A model's run on a text. ``likeliest``: ids and probabilities of the likeliest next words, (time, 5) each, if any
    are predicted; ``found``: the steps in the whole text, of which the first were read; ``notes``: what else the reader
    must know of it; ``why``: why nothing is predicted, where nothing is."""

    model: Network
    trace: Trace
    likeliest: tuple[np.ndarray, np.ndarray] | None
    found: int
    notes: tuple[str, ...] = ()
    why: str = ""

    @cached_property
    def next_words(self) -> list[list[tuple[str, float]]]:
        """The likeliest words after every step as the page calls them; nothing after any where nothing is predicted."""
        return next_words(self.model, self.trace, self.likeliest)

    @property
    def others(self) -> list[str]:
        """What the reader must know beside that a part of the text is shown (``cut``), in whole sentences."""
        said = [tr(note) for note in self.notes]
        count = len(self.trace)
        missing = [token.text for token in self.trace.tokens if not token.known]
        unknown = len(missing)
        if unknown > count / 2 and self.model.name == YOURS:
            text = tr(
                "Your vocabulary has no entry for {unknown:,} of these {count:,} tokens (“{first}”, for example), so "
                "what is drawn says little of this text.",
                **{"unknown": unknown, "count": count, "first": missing[0]},
            )
            said.insert(0, text)
        return said


def cut(readings: Sequence[Reading], why: str = "") -> list[str]:
    """That a part of the text is shown, which is said once where all show as much of it, and why it is no more."""
    said = _cut(readings)
    return [*said, tr(why)] if said and why else said


def _cut(readings: Sequence[Reading]) -> list[str]:
    places = [
        {
            "title": tr(one.trace.cell.title),
            "count": len(one.trace),
            "found": one.found,
            "words": bool(one.trace.tokens),
        }
        for one in readings
    ]
    short = [one for one in places if one["found"] > one["count"]]
    if len(short) == len(places) > 1 and len({(one["count"], one["found"], one["words"]) for one in short}) == 1:
        if short[0]["words"]:
            return [tr("The first {count:,} of {found:,} tokens are shown.", **short[0])]
        return [tr("The first {count:,} of {found:,} steps are shown.", **short[0])]
    return [
        tr("{title}: the first {count:,} of {found:,} tokens are shown.", **one)
        if one["words"]
        else tr("{title}: the first {count:,} of {found:,} steps are shown.", **one)
        for one in short
    ]


@st.cache_resource(show_spinner=False)
def model(name: str) -> Network:
    loaded = load_model(name)
    freeze()
    return loaded


_settled = 0, 0.0
_collected = 0.0


def settle() -> None:
    """Collect garbage from time to time: after every run, as Streamlit would, it takes longer than the run where many
    sessions are open. What was imported stays, whoever brought it in, so it need not be looked at again: with torch
    that would be 0.1 s of every run of everybody."""
    global _settled, _collected
    modules, now = len(sys.modules), time.monotonic()
    if modules != _settled[0] or now - _settled[1] > AGAIN:
        freeze()
        _settled, _collected = (modules, now), now
    elif now - _collected > EVERY:
        _collected = now
        gc.collect()


def freeze() -> None:
    """Look at everything once, also at what was frozen and is garbage by now, such as a session; and then no more."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


@st.cache_resource(show_spinner=False, ttl=60)
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


def reading_size(reading: Reading) -> int:
    """Bytes of a reading, about, less those of its model, which others have, too."""
    trace = reading.trace
    arrays = budgets.size([*trace.signals.values(), trace.inputs, *trace.initial.values(), *(reading.likeliest or ())])
    return arrays + TOKEN * len(trace.tokens)


_readings: budgets.Cache[Reading] = budgets.Cache(READINGS, reading_size)


def typed(text: str, tokenizer: Tokenizer) -> str:
    """A text as it is read: where spaces begin words, one that ends it is of a word that is not there yet."""
    return text.rstrip(" ") or text if tokenizer.marks_words else text


def read(name: str, text: str, limit: int = LIMIT, device: str = "auto") -> Reading:
    """The model's run on the first ``limit`` tokens of a text. device: as ``Network.run`` takes it; on one that fails
    it runs on the CPU, and says where it ran."""

    def run() -> Reading:
        one = model(name)
        tokens = one.tokenizer.encode(typed(text, one.tokenizer))
        try:
            trace = one.run(tokens[:limit], device=device)
        except (RuntimeError, ValueError):  # a driver that has gone, a card without memory
            if device == "cpu":
                raise
            trace = one.run(tokens[:limit], device="cpu")
        return Reading(one, trace, one.likeliest(trace, 5), len(tokens))

    return _readings.get((name, text, limit, device), run)


def forget() -> None:
    """As if nothing had been loaded yet."""
    model.clear()
    models.clear()
    _readings.clear()
