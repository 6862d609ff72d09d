"""A trace without a figure: a small table of what it is, and its signals as pictures, step by step and unit by unit.

Plain HTML with the pictures inside, for what shows nothing else: the end of a cell, a preview of a notebook, a trace of
which too little was kept for a figure.
"""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import numpy as np

from lstm_core.cells.base import Signal
from lstm_core.say import say
from lstm_core.trace import Trace

UNITS, STEPS = 64, 400
"""Of more units those that move most are drawn, and of more steps the first."""
WIDE, HIGH = 640, 120
"""Pixels of a picture, at most."""
GATE = ("#f7fbfa", "#d1eeea", "#a8dbd9", "#85c4c9", "#68abb8", "#4f90a6", "#3b738f", "#2a5674")
SIGNED = (
    "#7f3b08", "#b35806", "#e08214", "#fdb863", "#fee0b6", "#f7f7f7", "#e2e4ef", "#c5c3df", "#9d93c2", "#7967a6",
    "#5f3a91",
)  # fmt: skip
"""The page's scales: CARTO's Teal for shares, ColorBrewer's PuOr for what has a sign."""
NOTHING = (217, 221, 225)


@dataclass(frozen=True)
class Picture:
    """HTML that a notebook shows where it is the last value of a cell."""

    html: str

    def _repr_html_(self) -> str:
        return self.html


def table(trace: Trace) -> str:
    """What a trace is, and a picture of its first signal, as HTML."""
    layers, directions, time, batch, units = trace.shape
    rows = {
        "cell": trace.cell.title,
        "layers, directions": f"{layers}, {directions}",
        "steps, sequences, units": f"{time:,}, {batch:,}, {units:,}",
        "signals": " ".join(trace),
    }
    if trace.certificate is not None:
        rows["compared"] = str(trace.certificate)
    if trace.broken is not None:
        rows["broken"] = str(trace.broken)
    if trace.assumed:
        rows["assumed"] = "; ".join(trace.assumed)
    body = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th><td style="text-align:left">{escape(str(value))}</td></tr>'
        for name, value in rows.items()
    )
    first = next(iter(trace.signals), None)
    drawn = pictures(trace, [first], -1, 0, 0) if first is not None and time and batch else ""
    return f"<div><table>{body}</table>{drawn}</div>"


def show(trace: Trace, signals: Iterable[str] | None, layer: int, direction: int, batch: int) -> Picture:
    """Pictures of these signals, all by default. Raises ValueError for what the trace does not have."""
    names = list(trace) if signals is None else [signals] if isinstance(signals, str) else list(signals)
    return Picture(f"<div>{pictures(trace, names, layer, direction, batch)}</div>")


def pictures(trace: Trace, names: list[str], layer: int, direction: int, batch: int) -> str:
    """The signals of one layer, direction and sequence under each other, with the words below if it read words."""
    one = trace.sequence(batch)
    if not len(one):
        nothing = say("This sequence has no steps.")
        return f"<p>{escape(nothing)}</p>"
    declared = {signal.name: signal for signal in trace.declared}
    shown = min(len(one), STEPS)
    wide = max(1, min(24, WIDE // shown)) * shown
    found = []
    for name in names:
        values = one.sel(name, layer=0 if name == "alpha" else layer, direction=direction, batch=0)[:shown]
        values = np.asarray(values, np.float64)
        units = np.arange(values.shape[1])
        if len(units) > UNITS:
            moves = np.nan_to_num(np.nanmax(values, axis=0) - np.nanmin(values, axis=0))
            units = np.sort(np.argsort(-moves, kind="stable")[:UNITS])
        high = max(1, min(12, HIGH // max(1, len(units)))) * len(units)
        signal = declared[name]
        low, top = _range(signal, values)
        told = f"{name}: {signal.meaning}, {low:.3g} to {top:.3g}"
        found.append(
            f'<div style="display:flex;align-items:center;margin:2px 0"><code style="width:4em" title="{escape(told)}">'
            f'{escape(name)}</code><img alt="{escape(told)}" title="{escape(told)}" width="{wide}" height="{high}" '
            f'style="image-rendering:pixelated" src="{_png(_colors(values[:, units].T, low, top))}"></div>'
        )
    words = " ".join(token.text for token in one.tokens[:shown])
    if words:
        found.append(f'<div style="margin-left:4em;max-width:{WIDE}px">{escape(words)}</div>')
    notes = []
    if len(one) > shown:
        notes.append(say("the first {shown:,} of {count:,} steps", shown=shown, count=len(one)))
    if trace.hidden_size > UNITS:
        notes.append(say("the {shown} units that move most of {count:,}", shown=UNITS, count=trace.hidden_size))
    if notes:
        found.append(f'<small style="margin-left:4em">{escape("; ".join(notes))}</small>')
    return "".join(found)


def _range(signal: Signal, values: np.ndarray) -> tuple[float, float]:
    """The ends of the colours: those that the signal cannot leave, or else the largest value on both sides of 0."""
    if np.isfinite([signal.low, signal.high]).all():
        return signal.low, signal.high
    most = float(np.abs(values[np.isfinite(values)]).max(initial=0.0)) or 1.0
    return -most, most


def _colors(values: np.ndarray, low: float, top: float) -> np.ndarray:
    """(row, column, 3) of bytes."""
    names = SIGNED if low < 0 else GATE
    scale = np.array([[int(name[k : k + 2], 16) for k in (1, 3, 5)] for name in names], np.float64)
    at = np.clip((np.nan_to_num(values) - low) / (top - low), 0, 1) * (len(scale) - 1)
    below = np.minimum(at.astype(int), len(scale) - 2)
    part = (at - below)[..., None]
    found = np.round(scale[below] * (1 - part) + scale[below + 1] * part).astype(np.uint8)
    found[~np.isfinite(values)] = NOTHING
    return found


def _png(pixels: np.ndarray) -> str:
    """A PNG as a data address. pixels: (row, column, 3) of bytes."""
    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)) + chunk(b"IEND", b"")
    return "data:image/png;base64," + b64encode(b"\x89PNG\r\n\x1a\n" + body).decode()
