"""The comparison of a run with the module's own: at every step, of every unit and sequence."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from lstm_core.certificate import Certificate
from lstm_core.modules.own.call import OwnCall, Ran
from lstm_core.modules.precision import ROUNDED, TOLERANCE, in_words, own_rounded


class Compared:
    """The module's own values beside ours.

    errors: by name, the largest difference; of values above 1, relative to them; infinite where one alone is a number.
    places: where it is, as (step, sequence, unit).
    """

    def __init__(self, call: OwnCall, ran: Ran) -> None:
        """call, ran: what the module did, with what it returned at every step."""
        self.ran, self.dtype = ran, _coarsest(call, ran)
        self.autocast = torch.is_autocast_enabled(ran.x.device.type)
        self.rounded = own_rounded(call.module, ran.x) if self.dtype is torch.float32 else ""
        self.limit = ROUNDED.get(self.rounded) or TOLERANCE[self.dtype]
        self.errors: dict[str, float] = {}
        self.places: dict[str, tuple[int, int, int]] = {}

    def check(self, values: Mapping[str, Tensor], own: bool) -> None:
        """values: by name, (time, batch, ...). own: whether they are ours; else they are what the module gave at every
        step, of which only what it gave twice can be compared.

        Raises ValueError for what there is nothing to compare with.
        """
        lasting = [(name, value[None]) for name, value in self.ran.last.items() if own or name in values]
        given = self.ran.given.items() if own else ()
        for name, its in (*given, *self.ran.again, *lasting):
            if name not in values:
                there = ", ".join(values)
                raise ValueError(f"the module returns {name}, which is none of {there}")
            ours = values[name][len(values[name]) - len(its) :]
            if ours.shape != its.shape:
                raise ValueError(
                    f"what the module gives as {name} is {tuple(its.shape[1:])} at a step, and {name} as described "
                    f"is {tuple(ours.shape[1:])}; say which of what it returns is which, returns="
                )
            self.compare(name, its.flatten(2), ours.flatten(2), len(self.ran.x) - len(its))

    def compare(self, name: str, own: Tensor, ours: Tensor, first: int = 0) -> None:
        """own, ours: (time, batch, unit), from the step ``first`` on."""
        own = own.to(ours.dtype)
        same = (own == ours) | (own.isnan() & ours.isnan())
        difference = (own - ours).abs() / own.abs().clamp(min=1.0)
        difference = torch.where(same, 0.0, difference.nan_to_num(math.inf, math.inf))
        at = int(difference.argmax()) if difference.numel() else 0
        error = float(difference.flatten()[at]) if difference.numel() else 0.0
        if error >= self.errors.get(name, 0.0):
            batch, unit = own.shape[1:]
            self.errors[name] = error
            self.places[name] = at // (batch * unit) + first, at // unit % batch, at % unit

    def certificate(self) -> Certificate | None:
        """What was compared; None if nothing was. Raises RuntimeError where rounding does not explain a difference."""
        for name, error in self.errors.items():
            if not error <= self.limit:
                step, sequence, unit = self.places[name]
                raise RuntimeError(
                    f"the trace differs from the module's own {name} by {error:.2g} at step {step} of "
                    f"sequence {sequence}, unit {unit}, more than {self.limit:.0e} allows in {self.precision}, so "
                    "it is not shown"
                )
        return Certificate(self.errors, limit=self.limit, precision=self.precision) if self.errors else None

    @property
    def precision(self) -> str:
        """What the module computed in, in words (``lstm_core.modules.precision.name_of``)."""
        return in_words(self.dtype, self.rounded, self.autocast)


def _coarsest(call: OwnCall, ran: Ran) -> torch.dtype:
    """The precision of what the module read, holds and gave, the coarsest of them."""
    kinds = {value.dtype for value in (*ran.given.values(), *ran.last.values(), *call.module.parameters())}
    kinds |= {ran.x.dtype} if ran.x.is_floating_point() else set()
    if torch.is_autocast_enabled(ran.x.device.type):  # what it casts to may be seen nowhere
        kinds.add(torch.get_autocast_dtype(ran.x.device.type))
    kinds = {
        kind for kind in kinds if kind.is_floating_point or kind.is_complex
    }  # a counter is no value that is rounded
    strange = kinds - TOLERANCE.keys()
    if strange:
        names = ", ".join(sorted(str(kind).removeprefix("torch.") for kind in strange))
        raise ValueError(f"the module computes in {names}; real floating-point numbers are traced")
    return max(kinds, key=lambda kind: torch.finfo(kind).eps)
