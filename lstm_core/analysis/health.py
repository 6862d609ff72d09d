"""Is a recurrent network in good order? What its units did on an input, and what its weights say without one.

Every figure comes with the reason that it matters and what is usually done about it (``NOTES``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lstm_core.analysis.brief import brief
from lstm_core.analysis.timescales import lasting
from lstm_core.kinds import kinds
from lstm_core.say import Said, say
from lstm_core.sequences import taken
from lstm_core.shown import Result
from lstm_core.trace import Trace

STILL = 1e-2  # a unit whose output moves by less over the whole input is dead
END = 0.05  # this close to an end of its range a gate or an output is saturated,
MOST = 0.95  # if it is there in this share of the steps
OPEN = 0.95  # a keep gate above this on the average loses little of what is written ...
WRITES = 0.05  # ... and a write gate above this goes on adding to it


@dataclass(frozen=True)
class Note:
    """why: what the finding means. remedy: what is usually done about it. source: who says so."""

    title: str
    why: str
    remedy: str
    source: str


NOTES: dict[str, Note] = {
    "dead": Note(
        say("Dead units"),
        say("Their output does not move, whatever is read: they take memory and time and carry nothing."),
        say(
            "Train a smaller layer; look for an output gate that its bias holds shut, a learning rate that threw the "
            "unit out of range, weight decay that is too strong."
        ),
        say("Lu et al. 2019"),
    ),
    "saturated": Note(
        say("Saturated units"),
        say(
            "A gate or an output that stays at one end of its range, a gate at 0 or 1, has almost no gradient, so "
            "training can hardly change it any more."
        ),
        say(
            "Scale the inputs, start from smaller weights, clip gradients, normalise the layer. A forget gate that is "
            "open for good may be just what the task needs."
        ),
        say("Glorot & Bengio 2010; Karpathy et al. 2015"),
    ),
    "integrator": Note(
        say("Integrators"),
        say(
            "Units that add up: the gate that keeps is open while the one that writes is not shut. Their memory can "
            "grow with the length of the input beyond what was seen in training. An LSTM remembers in this way: it is "
            "a fault only where the memory drifts."
        ),
        say(
            "Test on inputs longer than those of training. If it drifts, bound the memory (a GRU, coupled gates) or "
            "penalise its size."
        ),
        say("Weiss et al. 2018"),
    ),
    "timescale": Note(
        say("Timescale"),
        say(
            "How long a unit remembers: after this many steps 1/e of a memory, 37 %, is left. What depends on more "
            "steps than the longest timescale is forgotten."
        ),
        say(
            "Raise the forget bias, or draw it as log U(1, T - 1) for dependencies of up to T steps (chrono "
            "initialisation)."
        ),
        say("Mahto et al. 2021; Tallec & Ollivier 2018"),
    ),
    "bias": Note(
        say("Effective bias, b_ih + b_hh"),
        say(
            "What is added before a gate's sigmoid, whatever is read: above 0 it opens the gate. torch keeps two "
            "biases that only act as their sum. A forget bias set on one of them is not the one that "
            "acts if the other is set as well, and it is often set on the first layer alone."
        ),
        say("Set the sum, on every layer and direction; a forget bias of 1 is the usual start."),
        say("Jozefowicz et al. 2015"),
    ),
    "singular": Note(
        say("Singular values of the recurrent matrices"),
        say(
            "By how much a matrix stretches the state, one value for each of its directions. Directions with values "
            "far below 1 are lost at every step; values far above 1 blow errors up on the way back, where gates and "
            "tanh do not hold them down."
        ),
        say(
            "Start from orthogonal matrices, clip gradients, penalise the spectral norm (the largest of these values)."
        ),
        say("Pascanu et al. 2013; Saxe et al. 2014"),
    ),
}


@brief
@dataclass(frozen=True, eq=False)
class Health(Result):
    """One layer in one direction. Arrays are (unit,) over the units of the gates, ``dead`` over those of h.

    movement: largest minus smallest h of a unit over all steps and sequences; dead where it is below ``STILL``, 0.01.
    low, high: by gate, and by the output h where it is bounded, the share of steps within ``END``, 5% of its range, of
        the lower and of the upper end. saturated: one of them holds for ``MOST``, 95%, of the steps.
    keep, write: means of the gates that keep and write. integrator: keep above ``OPEN``, 0.95, and write above
        ``WRITES``, 0.05.
    timescale: steps, -1 / mean(log keep); infinite for a unit that forgets nothing.
    biases: by parameter, the sum that acts (b_ih + b_hh). forget_bias: that of the gate that keeps, None where no
        single gate does.
    singular: by recurrent matrix, its singular values, largest first. radius: of the plain RNN's matrix, the largest
        absolute eigenvalue.
    broken: the first step, in the order of reading, at which a signal is no number, or a state is infinite, in some
        sequence; None where all are numbers. What is said of the units means nothing then; the weights' part does.
    finite: how many steps were read before such a value, in the sequence that has one soonest; None without ``broken``.

    keep, write, integrator and timescale are None for a cell whose memory is rewritten at every step.
    """

    axes = {"singular": "value"}

    layer: int
    direction: int
    movement: np.ndarray
    low: Mapping[str, np.ndarray]
    high: Mapping[str, np.ndarray]
    keep: np.ndarray | None
    write: np.ndarray | None
    timescale: np.ndarray | None
    biases: Mapping[str, np.ndarray]
    forget_bias: np.ndarray | None
    singular: Mapping[str, np.ndarray]
    radius: float | None
    broken: int | None = None
    finite: int | None = None

    @property
    def message(self) -> Said | None:
        """What ``broken`` means, one sentence without its full stop; None where nothing is broken."""
        if self.broken is None:
            return None
        return say(
            "the trace holds NaN or infinite values (finite steps before them: {count}), so that nothing can be said "
            "of its units",
            count=self.finite,
        )

    @property
    def dead(self) -> np.ndarray:
        """(unit,) of h: True where it moved by less than ``STILL`` over all steps and sequences."""
        return self.movement < STILL

    @property
    def saturated(self) -> Mapping[str, np.ndarray]:
        """By signal, (unit,): True where it stays at one of its ends; of h, too, where h is bounded."""
        return {name: np.maximum(self.low[name], self.high[name]) >= MOST for name in self.low}

    @property
    def integrator(self) -> np.ndarray | None:
        """(unit,): mean keep above ``OPEN`` and mean write above ``WRITES``; None for a cell without these gates."""
        if self.keep is None or self.write is None:
            return None
        return (self.keep > OPEN) & (self.write > WRITES)


@kinds
def health(trace: Trace, *, spectra: bool = True) -> tuple[Health, ...]:
    """Every layer and direction of a trace, over the steps of all sequences: those that were taken, not the padding
    after a sequence's end nor what a mask skips (``lstm_core.sequences.taken``). One ``Health`` for each, layer by
    layer, the forward direction first. Raises ValueError where no step was taken, and for a trace without h.

    spectra: whether singular values and radius are computed, which take longer than all the rest.
    """
    counted = taken(trace)
    if not counted.any():
        raise ValueError("a trace of no steps says nothing about health")
    layers, directions = trace["h"].shape[:2]
    return tuple(
        _health(trace, layer, direction, counted, spectra) for layer in range(layers) for direction in range(directions)
    )


def _health(trace: Trace, layer: int, direction: int, counted: np.ndarray, spectra: bool) -> Health:
    def rows(values: np.ndarray) -> np.ndarray:
        """(step, unit): the steps that were taken, of all sequences."""
        return values[layer, direction][counted].astype(np.float64)

    h = rows(trace["h"])
    low, high = {}, {}
    for signal in trace.cell.signals:
        bounded = np.isfinite([signal.low, signal.high]).all()
        if "normaliser" in trace.roles and signal.role in ("keep", "write"):
            continue  # on a scale that moves 0 and 1 are no ends: these count relative to each other
        if bounded and (signal.kind == "gate" or signal.name == "h"):
            values, margin = rows(trace[signal.name]), END * (signal.high - signal.low)
            low[signal.name] = (values < signal.low + margin).mean(axis=0)
            high[signal.name] = (values > signal.high - margin).mean(axis=0)
    keep, write = (trace.role(role) if trace.role_label(role) else None for role in ("keep", "write"))
    params = trace.layers[layer][direction]
    biases = {p.name: params[p.name] for p in trace.cell.params if p.axes == ("hidden",) and p.name.startswith("b_")}
    recurrent = {p.name: params[p.name] for p in trace.cell.params if spectra and p.name.startswith("U_")}
    plain = recurrent.get("U_a")
    return Health(
        layer,
        direction,
        h.max(axis=0) - h.min(axis=0),
        low,
        high,
        None if keep is None else rows(keep).mean(axis=0),
        None if write is None else rows(write).mean(axis=0),
        None if keep is None else lasting(rows(keep)),
        biases,
        biases.get(f"b_{trace.role_label('keep')}"),
        {name: np.linalg.svd(value.astype(np.float64), compute_uv=False) for name, value in recurrent.items()},
        None if plain is None else float(np.abs(np.linalg.eigvals(plain.astype(np.float64))).max()),
        *_broken(trace, layer, direction, counted),
    )


def _broken(trace: Trace, layer: int, direction: int, counted: np.ndarray) -> tuple[int, int] | tuple[None, None]:
    """``Health.broken`` and ``Health.finite``. What a plain RNN's activation is given may well be infinite: its tanh
    is 1."""
    bad, states = np.zeros(counted.shape, bool), {trace.cell.output, *trace.cell.states()}
    for name in (signal.name for signal in trace.cell.signals if signal.name in trace):
        values = trace[name][layer, direction]
        wrong = ~np.isfinite(values) if name in states else np.isnan(values)
        bad |= wrong.any(axis=-1)
    bad &= counted
    if not bad.any():
        return None, None
    backward = bool(trace.reverse or direction)
    steps = np.flatnonzero(bad.any(axis=1))
    if backward:
        bad, counted = bad[::-1], counted[::-1]
    before = np.where(bad.any(axis=0), (counted & ~np.logical_or.accumulate(bad)).sum(axis=0), len(bad))
    return int(steps[-1 if backward else 0]), int(before.min())
