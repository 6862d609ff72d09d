"""Peepholes time exactly: fifty steps between two marks, or forty-nine?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lab.experiments.base import (
    NEITHER,
    Drawing,
    Experiment,
    Figure,
    Measurement,
    Progress,
    Series,
    Target,
    silent,
    sooner,
    spread,
)
from lstm_core.say import say

SEEDS = tuple(range(20))
LONG, SHORT = 50, 49
OFFSETS = 12  # steps before the first mark; the odd ones are held out
HIDDEN, LEARNING_RATE = 5, 1e-2
FORGET_BIAS = 4.0  # keeps for about as long as the marks stand apart
STEPS, EVERY = 3000, 100
KINDS = ("peephole", "lstm")
NAMES = {"peephole": say("LSTM with peepholes"), "lstm": "LSTM"}


def sequences(held_out: bool) -> tuple[np.ndarray, np.ndarray]:
    """x (time, sequence, 1), a 1 at each of two marks; label (sequence,), whether they stand ``LONG`` apart."""
    cases = [(offset, apart) for offset in range(int(held_out), OFFSETS, 2) for apart in (LONG, SHORT)]
    x = np.zeros((OFFSETS + LONG + 1, len(cases), 1), np.float32)
    for k, (offset, apart) in enumerate(cases):
        x[offset, k] = x[offset + apart, k] = 1
    return x, np.array([apart == LONG for _, apart in cases], np.float32)


def marks(held_out: bool) -> tuple[np.ndarray, np.ndarray]:
    """Where the second mark stands in each sequence: (time, sequence), as indices."""
    x, _ = sequences(held_out)
    last = x[..., 0].cumsum(0).argmax(0)
    return last, np.arange(x.shape[1])


def trained(
    cell: str, seeds: Sequence[int], steps: int, each=lambda step: None
) -> tuple[np.ndarray, list[list[float]]]:
    """(share right on the held-out sequences every ``EVERY`` steps, (seed, time)), and the share at the end by set."""
    import torch
    from torch.nn import functional

    from lab.learning.small import Stacked
    from lstm_core.cells import CELLS

    network = Stacked(CELLS[cell], seeds, 1, HIDDEN, FORGET_BIAS)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    x, y = (torch.from_numpy(array) for array in sequences(False))
    at, k = (torch.from_numpy(array) for array in marks(False))
    probe = [(torch.from_numpy(sequences(held)[0]), *marks(held), sequences(held)[1] > 0.5) for held in (False, True)]
    curve = []

    def right(which: int) -> np.ndarray:
        given, times, places, label = probe[which]
        with torch.no_grad():
            said = network(given)[times, :, places].numpy() > 0  # (sequence, network)
        return (said == label[:, None]).mean(0)

    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, 0.05 * LEARNING_RATE)
    for step in range(1, steps + 1):
        each(step)
        logits = network(x)[at, :, k]
        losses = functional.binary_cross_entropy_with_logits(logits, y[:, None].expand_as(logits), reduction="none")
        optimizer.zero_grad()
        losses.mean(0).sum().backward()
        for parameter in network.parameters():  # each network's own gradient is clipped
            assert parameter.grad is not None
            flat = parameter.grad.view(len(seeds), -1)
            flat *= 1.0 / flat.norm(dim=1, keepdim=True).clamp(min=1.0)
        optimizer.step()
        falling.step()
        if step % EVERY == 0:
            curve.append(right(1))
    return np.array(curve).T, [right(which).tolist() for which in (0, 1)]


class PeepholeTiming(Experiment):
    name = "peephole-timing"
    title = "Peepholes time exactly"
    claim = (
        "Gates that see the memory itself learn to tell fifty steps from forty-nine; without peepholes it is harder."
    )
    source = "Gers & Schmidhuber 2000"
    targets = (
        Target("peephole_right", "with peepholes: held-out sequences right", 1.0),
        Target("peephole_before_lstm", "with peepholes solved sooner than without: share of all pairs of seeds", 0.75),
    )
    look = (
        "Two marks stand 50 or 49 steps apart; at the second one the network says which. The lines are the share of "
        "sequences right whose first mark stands where it never stood in training. At 0.5 nothing is learned."
    )
    disproof = "Seeds with peepholes that solve it first no more often than those without."
    minutes = 4.0
    tolerance = 0.0
    order = 100

    def measure(self, progress: Progress = silent) -> Measurement:
        curves, figures, solved = {}, {}, {}
        for k, kind in enumerate(KINDS):

            def watched(step: int, k: int = k, kind: str = kind) -> None:
                said = say("{network}, all seeds at once, step {step}", network=NAMES[kind], step=step)
                progress((k + step / STEPS) / len(KINDS), said)

            curve, ends = trained(kind, SEEDS, STEPS, watched)
            curves[kind] = curve.tolist()
            figures[f"{kind}_right"] = Figure(tuple(ends[1]), None, (0.5,))
            there = curve == 1.0
            solved[kind] = [EVERY * (int(row.argmax()) + 1) if row.any() else None for row in there]
            figures[f"{kind}_steps"] = Figure(tuple(solved[kind]))
        figures["peephole_before_lstm"] = Figure(sooner(solved["peephole"], solved["lstm"]), None, NEITHER)
        notes = (
            f"{HIDDEN} units, all {OFFSETS} training sequences in every step, {STEPS} steps of Adam from "
            f"{LEARNING_RATE:g} down, forget bias {FORGET_BIAS:g} for both; {OFFSETS} other sequences are held out. "
            "Untrained, half of them are right. Tried before: forget bias 1, a constant rate and 4000 steps, solved by "
            "one seed with peepholes and one without; forget bias 4 and a constant rate, by four and one.",
            f"Solved: every held-out sequence right for the first time, looked at every {EVERY} steps; two seeds that "
            "never solve it count half. These networks are not shipped.",
        )
        return Measurement(SEEDS, figures, {"every": EVERY, "curves": curves}, notes)

    def short(self, results: Measurement) -> str:
        count = {kind: sum(step is not None for step in results.figures[f"{kind}_steps"].seeds) for kind in KINDS}
        return say(
            "Solved by {peephole} of {seeds} seeds with peepholes and by {lstm} without.",
            seeds=len(results.seeds),
            **count,
        )

    def remeasure(self) -> Mapping[str, float]:
        return {}

    def draw(self, results: Measurement) -> Sequence[Drawing]:
        every, curves = results.data["every"], results.data["curves"]
        at = [every * (k + 1) for k in range(len(curves["lstm"][0]))]
        lines = [spread(NAMES[kind], at, rows, "" if kind == "peephole" else "lstm") for kind, rows in curves.items()]
        title = say("{long} or {short} steps apart?", long=LONG, short=SHORT)
        axes = (say("steps of training"), say("held-out sequences right"))
        limits = [(0.5, say("chance"))]
        first = Drawing("lines", title, *axes, lines, y_range=(0.3, 1.02), limits=limits)
        names = [say("seed {seed}", seed=seed) for seed in results.seeds]
        steps = [
            Series(
                NAMES[kind], names, results.figures[f"{kind}_steps"].seeds, color="" if kind == "peephole" else "lstm"
            )
            for kind in KINDS
        ]
        title = say("Steps until every held-out sequence is right; no bar: never")
        return [first, Drawing("bars", title, "", say("steps of training"), steps)]


EXPERIMENT = PeepholeTiming()
