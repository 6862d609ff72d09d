"""What of a trace was compared with something else, and how far apart they were: the proof that it is what ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from lstm_core.say import Said, say


@dataclass(frozen=True)
class Certificate:
    """The largest differences that were found. Absolute; of values above 1, relative to them. Where the numbers added
    up are so large that rounding moves a gate by more than ``limit``, relative to that, and ``Trace.assumed`` says so.

    everywhere: by signal, the largest difference at any layer, direction, step, sequence and unit. h is compared with
        the output of what was traced (and h of lower layers with their last state), a memory with what the cell's
        update makes of the gates and of the memory one step before. Empty for a run that broke at its first step.
    sampled: by signal, the largest difference from what the weights make of the inputs and of h one step before, at
        ``places`` of the ``total`` places (layer, direction, step, sequence, unit) that there are. Which places,
        ``seed`` says: they are drawn anew for every trace.
    limit: what was allowed. precision: the coarsest that the module computed in: "float32", "TF32", "bfloat16".
    """

    everywhere: Mapping[str, float]
    sampled: Mapping[str, float] = field(default_factory=dict)
    places: int = 0
    total: int = 0
    seed: int | None = None
    limit: float | None = None
    precision: str = ""

    @property
    def error(self) -> float | None:
        """The largest difference of h from the output of what was traced."""
        return self.everywhere.get("h")

    def __str__(self) -> str:
        """One line: "h, c everywhere to 6.0e-08; i, f, g, o at 768 of 40,000 places to 1.2e-07"."""
        if not self.everywhere:
            return "nothing compared"
        parts = [f"{', '.join(self.everywhere)} everywhere to {max(self.everywhere.values(), default=0.0):.1e}"]
        if self.sampled:
            names, worst = ", ".join(self.sampled), max(self.sampled.values())
            parts.append(f"{names} at {self.places:,} of {self.total:,} places to {worst:.1e}")
        return "; ".join(parts)


def joined(parts: Sequence[Certificate]) -> Certificate | None:
    """The certificate of a run from those of its pieces; None if there is none."""
    if not parts:
        return None
    worst = [
        {name: max(values.get(name, 0.0) for values in rows) for name in dict.fromkeys(chain(*rows))}
        for rows in ([part.everywhere for part in parts], [part.sampled for part in parts])
    ]
    return replace(
        parts[0],
        everywhere=worst[0],
        sampled=worst[1],
        places=sum(p.places for p in parts),
        total=sum(p.total for p in parts),
    )


@dataclass(frozen=True)
class Broken:
    """The first value of a run that is not a number or not finite. Nothing after it in its sequence means anything.

    signal, layer, direction, step, sequence, unit: where it stands in the trace. value: NaN or an infinity.
    origin: where it came from, "input", "state", "weight" or "arithmetic" (from finite numbers: an overflow), and place
    what of it, with torch's names: "x[3]", "c[0, 12]", "weight_hh_l0[7, 2]"; empty for "arithmetic".
    """

    signal: str
    layer: int
    direction: int
    step: int
    sequence: int
    unit: int
    value: float
    origin: str
    place: str = ""

    @property
    def message(self) -> Said:
        """One sentence, without its full stop."""
        value = say("not a number") if self.value != self.value else say("infinite")
        reason = {
            "input": say("the input holds such a value there, {place}", place=self.place),
            "state": say("the state that the run began from holds such a value, {place}", place=self.place),
            "weight": say("the weights hold such a value, {place}", place=self.place),
            "arithmetic": say("input, state and weights are finite, so the numbers grew too large for their precision"),
        }[self.origin]
        place = {name: getattr(self, name) for name in ("signal", "unit", "step", "sequence", "layer", "direction")}
        return say(
            "{signal} of unit {unit} is {value} at step {step} of sequence {sequence}, layer {layer}, "
            "direction {direction}: {reason}",
            **place,
            value=value,
            reason=reason,
        )

    def __str__(self) -> str:
        """The sentence: which value of which signal broke, where, and what it came from."""
        return self.message
