"""Everything that the grid's component needs: figure, words, predictions, orders of units and labels."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lstm_core.analysis.influence import influence
from lstm_core.device import place
from lstm_core.drawing import theme
from lstm_core.drawing.expected import NONE
from lstm_core.drawing.grid import grid
from lstm_core.drawing.order import SMALL, memory, orders, seen, width
from lstm_core.drawing.words import piece, visible, words
from lstm_core.network import Network
from lstm_core.say import tr
from lstm_core.text import UNKNOWN
from lstm_core.trace import Trace

SENTENCE = re.compile(r"(?<=[.!?] )|(?<=[。！？])")
"""Where the next one begins."""
LAYOUT = "x is "
"""What an assumption about the axes of the input begins with: one sequence is drawn, and nothing hangs on it."""


def content(
    models: Sequence[Network | None],
    traces: Sequence[Trace],
    predictions: Sequence[list[list[tuple[str, float]]]],
    units: Sequence[int],
    drawn: Sequence[tuple[int, int]],
    named: Sequence[Sequence[Mapping[str, Any]]],
    rows: Sequence[tuple[np.ndarray, str]] | None = None,
    sums: bool = True,
    likeliest: Sequence[np.ndarray | None] | None = None,
) -> dict[str, Any]:
    """A tree for ``pack``, one item a side in each sequence. ``models``: what ran, where it is known; ``units``: the
    chosen ones; ``drawn``: which (layer, direction) of each; ``named``: its units that have a name, see ``Named`` of
    types.d.ts; ``rows``: which units of each have a row, and by what they were chosen, as ``drawn_units`` gives it;
    ``sums``: whether a band below them sums up the others; ``likeliest``: the ids that ``Network.likeliest`` gives,
    where they are known already.

    ``figure`` is in the colours of a light page and ``dark`` is what its layout and lines take over on a dark one;
    ``units`` are the units drawn as lines; ``sides`` describes the columns; ``cut`` says where all units were asked for
    and are too many; ``summed``, ``quiet`` and ``honesty`` are lines beside the grid.
    """
    rows = rows or [(seen(trace, *at, unit), "all") for trace, at, unit in zip(traces, drawn, units, strict=True)]
    seen_units = [units for units, _ in rows]
    ids = likeliest or [None] * len(traces)
    columns = zip(models, traces, predictions, drawn, seen_units, named, ids, strict=True)
    sides = [
        side(model, trace, table, *at, units=one, named=names, likeliest=best)
        for model, trace, table, at, one, names, best in columns
    ]
    return {
        "figure": grid(traces, drawn, seen=seen_units, sums=sums),
        "dark": {"layout": theme.layout("dark"), "lines": theme.ROLE_COLORS["dark"]},
        "units": list(units),
        "sides": sides,
        "cut": cut(traces, rows),
        "summed": summed(traces, rows, sums),
        "quiet": quiet(traces),
        "honesty": trained(models),
    }


def trained(models: Sequence[Network | None]) -> list[str]:
    """What the models say of their training; what all begin with is said once, and the rest behind the names."""
    said = {m.name: SENTENCE.split(tr(str(m.meta["honesty"]))) for m in models if m and m.meta.get("honesty")}
    together = os.path.commonprefix(list(said.values()))
    if len(said) < 2 or not together:
        return ["".join(sentences) for sentences in said.values()]
    own = {name: "".join(sentences[len(together) :]) for name, sentences in said.items()}
    apart = [tr("{name}: {value}", name=name, value=rest) for name, rest in own.items() if rest]
    return ["".join(together).rstrip(), *apart]


def quiet(traces: Sequence[Trace]) -> str:
    """The evidence for each trace, and where they were made: once for all, or behind each if the places differ."""
    places = [tr(place(trace.device)) for trace in traces]
    if len(set(places)) == 1:
        return tr("; ").join([*map(evidence, traces), places[0]])
    return tr("; ").join(
        tr("{evidence}, {place}", evidence=evidence(trace), place=where)
        for trace, where in zip(traces, places, strict=True)
    )


def evidence(trace: Trace) -> str:
    """How long the trace took to make, and how far it is from the module that it traced; of somebody's file that
    nothing was compared with, that it was not, and what was assumed of its steps."""
    title, error, spent = tr(trace.cell.title), trace.max_abs_error, 1000 * trace.seconds
    if error is None:
        said = tr("{title} in {spent:.1f} ms", title=title, spent=spent)
        if trace.network is None or trace.network.block.format == "gatescope":
            return said
        said = tr("{said}, not compared: a file brings no runtime of its own to compare with", said=said)
        assumed = [tr(one) for one in trace.assumed if not one.startswith(LAYOUT)]
        return tr("{said} (assumed: {assumed})", said=said, assumed=tr("; ").join(assumed)) if assumed else said
    message = tr(
        "{title} in {spent:.1f} ms, largest difference from its own runtime {error:.1e}",
        **{"title": title, "spent": spent, "error": error},
    )
    proved = trace.certificate
    if proved is None or not proved.sampled:
        return message
    return message + tr(
        " ({states} compared at every step; {gates} computed again at {places:,} of {total:,} places, {worst:.1e})",
        states=", ".join(proved.everywhere),
        gates=", ".join(proved.sampled),
        places=proved.places,
        total=proved.total,
        worst=max(proved.sampled.values()),
    )


def cut(traces: Sequence[Trace], rows: Sequence[tuple[np.ndarray, str]]) -> list[str]:
    """What to say where all units were asked for, and not all are drawn."""
    wide = [k for k, (units, by) in enumerate(rows) if by == "all" and len(units) < width(traces[k])]
    return [_shown(traces[k], *rows[k]) for k in wide]


def summed(traces: Sequence[Trace], rows: Sequence[tuple[np.ndarray, str]], sums: bool = True) -> list[str]:
    """Which units have a row, and what the band below them is, where not all have one."""
    wide = [k for k, (units, _) in enumerate(rows) if len(units) < width(traces[k])]
    said = [_shown(traces[k], *rows[k]) for k in wide if rows[k][1] != "all"]
    band = tr("The band below them sums up the others: what a tenth of them exceed, half of them, and nine tenths.")
    return list(dict.fromkeys([*said, *[band] * (sums and bool(wide))]))


def _shown(trace: Trace, units: np.ndarray, by: str) -> str:
    said = {"title": tr(trace.cell.title), "count": len(units), "all": width(trace)}
    if by == "lead":
        return tr(
            "{title}: the {count:,} of {all:,} units that add most to the lead of the likeliest next word, or take "
            "most from it, are shown.",
            **said,
        )
    return tr("{title}: the {count:,} of {all:,} units that moved most on this input are shown.", **said)


def side(
    model: Network | None,
    trace: Trace,
    predictions: list[list[tuple[str, float]]],
    layer: int,
    direction: int,
    units: np.ndarray,
    named: Sequence[Mapping[str, Any]] = (),
    likeliest: np.ndarray | None = None,
) -> dict[str, Any]:
    """One model's column: title, the ``units`` that are drawn, words and what it expects at every step.

    predictions: the next words as ``expected.next_words`` calls them; likeliest: their ids, where they are known."""
    table: dict[str, int] = {}
    ids = [[table.setdefault(word, len(table)) for word, _ in row] for row in predictions]
    most = max(map(len, ids), default=0)
    unknown = table.get(UNKNOWN, -1)
    return {
        "title": tr(trace.cell.title),
        "model": model.name if model else "",
        "units": units,
        "width": width(trace),
        "wide": width(trace) > SMALL,
        "memory": memory(trace),
        "backward": direction == 1 or trace.reverse,
        "named": [one for one in named if one["unit"] in units],
        "orders": {name: order[np.isin(order, units)] for name, order in orders(trace, layer, direction).items()},
        "words": [[word.text, word.first, word.last, int(word.known)] for word in words(trace)],
        "ends": np.array([token.end for token in trace.tokens], np.int32),
        "unknown": np.array([step for step, token in enumerate(trace.tokens) if not token.known], np.int32),
        "pieces": _pieces(model, trace),
        "adds": adds(model, trace, likeliest) if layer == len(trace.layers) - 1 else None,
        "next": {
            "words": [visible(word) for word in table],
            "unknown": unknown,
            "ids": np.array([row + [NONE] * (most - len(row)) for row in ids], np.int32),
            "p": np.array([[p for _, p in row] + [0.0] * (most - len(row)) for row in predictions], np.float32),
        },
    }


LONGEST = 120
"""Steps of a text of which it is said what each word adds to the next one: a square of every step by every step."""


def adds(model: Network | None, trace: Trace, likeliest: np.ndarray | None = None) -> np.ndarray | None:
    """What each word up to a step adds to the likeliest word after it: the rows of a lower triangle, one behind the
    other. None where that is not known."""
    if model is None or model.readout is None or not trace.tokens or not 0 < len(trace) <= LONGEST:
        return None
    try:
        return influence(model, trace, likeliest)[np.tril_indices(len(trace))].astype(np.float32)
    except ValueError:
        return None


def _pieces(model: Network | None, trace: Trace) -> Mapping[str, str]:
    """By step, what was read where it is not the word itself: the piece of it, or how many bytes."""
    tokenizer = model.tokenizer if model and model.reads_words else None
    read = {step: word.text for word in words(trace) for step in range(word.first, word.last + 1)}
    known = [step for step, token in enumerate(trace.tokens) if token.known]
    pieces = {step: piece(trace.tokens, step, tokenizer) for step in known}
    return {str(step): shown for step, shown in pieces.items() if shown.casefold() != read[step].casefold()}
