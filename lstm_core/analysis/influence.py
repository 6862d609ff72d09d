"""What each word of a text speaks for: its part of the likeliest next word's lead over the second, after every step.

The sum of ``lstm_core.analysis.memory`` along that lead, of all steps in one pass: each unit's memory is a sum of what
the words wrote and was kept of it, and is seen through the output as the gates of the step let it be seen.
"""

from __future__ import annotations

import numpy as np

from lstm_core.analysis.readout import directions
from lstm_core.analysis.steps import Steps, steps
from lstm_core.analysis.tape import tape
from lstm_core.network import Network
from lstm_core.trace import Trace

TOLERANCE = 1e-3
"""Of the largest lead, how far the sum over the words may be from what the trace says."""


def influence(model: Network, trace: Trace, likeliest: np.ndarray | None = None) -> np.ndarray:
    """(time, time): in row t, what each word up to t adds to the lead, in logits, of the word that is likeliest after t
    over the second; of the first of the batch.

    likeliest: (time, 2 or more), the ids as ``Network.likeliest`` gives them, where they are known already.
    Raises ValueError where the lead is no sum over the words: a network that predicts nothing, a cell that rewrites its
    whole state (the plain RNN), one whose output mixes its units, attention, two directions, a text with gaps.
    """
    if trace.attention is not None or len(trace.layers[0]) > 1 or trace.reverse:
        raise ValueError("a word's part is told of a network that reads forward and looks at its state alone")
    run = steps(trace)
    rule, keep, written = run.keep_write()
    counts, empty = _shown(run, rule.state)
    vectors = directions(model, model.likeliest(trace, 2)[0] if likeliest is None else likeliest)
    if counts.shape != vectors.shape or run.skipped.any():
        raise ValueError("a word's part is told where every unit's memory is read out of by itself, at every step")
    parts = np.zeros_like(written)
    rows = np.zeros((len(run), len(run)))
    for t in range(len(run)):
        parts[:t] *= keep[t]
        parts[t] = written[t]
        rows[t, : t + 1] = parts[: t + 1] @ (counts[t] * vectors[t])
    first = np.cumprod(keep, axis=0) * run.old[rule.state][:1]
    leads = (vectors * run.signals[run.cell.output]).sum(-1)  # without the bias
    rest = ((counts * first + empty) * vectors).sum(-1)
    if not np.allclose(rows.sum(-1) + rest, leads, atol=TOLERANCE * max(1.0, np.abs(leads).max(initial=0.0))):
        raise ValueError("this cell's output is no sum over the words")
    return rows


def _shown(run: Steps, state: str) -> tuple[np.ndarray, np.ndarray]:
    """(counts, empty) with output = counts * state + empty at every step, (time, unit) each: the secants of h = F(c)
    from c = 0, for an F that acts on each unit by itself."""
    held = run.signals[state]
    if state == run.cell.output:
        return np.ones_like(held), np.zeros_like(held)
    cell, leaves = tape(run.cell), run.leaves()

    def output(memory: np.ndarray) -> np.ndarray:
        given = {name: value for name, value in run.signals.items() if name != run.cell.output} | {state: memory}
        return cell.signal(run.cell.output, leaves, given)

    # Where the memory is all but empty the quotient loses its digits; its limit is the slope at 0.
    used = np.where(np.abs(held) < 1e-6, 1e-6, held)
    empty = output(np.zeros_like(held))
    return (output(used) - empty) / used, empty
