"""What a comparison answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from lstm_core.say import Said, say
from lstm_core.shown import Result


@dataclass(frozen=True)
class Parting:
    """Where two models first differ by more than is allowed: in running order, the lowest layer, then the first step.

    layer: counted over all recurrent layers, from 0. name: of the block or module that it belongs to. direction, step,
    sequence, unit: as in a trace. signal: what it is called in A, "x" for the input of the layer. a, b: its values.
    shapes: of the inputs of A and B, (time, batch, input), where these differ and nothing else can be said.
    other: what it is called in B, such as "1 - z", where that is not the same; else empty.
    """

    layer: int
    name: str
    direction: int
    step: int
    sequence: int
    signal: str
    unit: int
    a: float
    b: float
    shapes: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    other: str = ""

    def __str__(self) -> str:
        """One sentence, without its full stop."""
        if self.shapes is not None:
            told = {"layer": self.layer, "a": self.shapes[0], "b": self.shapes[1]}
            return say("the input of layer {layer} is {a} (time, batch, input) in A and {b} in B", **told)
        if self.other:
            return say(
                "{signal} of unit {unit} at step {step} (layer {layer}, direction {direction}, sequence {sequence}) is "
                "{a:.6g} in A, and {other}, which does the same in B, is {b:.6g}",
                **vars(self),
            )
        return say(
            "{signal} of unit {unit} at step {step} (layer {layer}, direction {direction}, sequence {sequence}) is "
            "{a:.6g} in A and {b:.6g} in B",
            **vars(self),
        )


@dataclass(frozen=True)
class Found:
    """A cause that was proved: with it exchanged, the layers agree.

    name: "gate order". change: what was exchanged, with which two models agree. side: the model that it was exchanged
    in, "A" or "B". where: the layers and directions, counted as in ``Parting``; a direction is None for all of them.
    """

    name: str
    change: str
    side: str
    where: tuple[tuple[int, int | None], ...]


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Result):
    """How far two models agree on one input, and why not.

    equal: whether no signal differs by more than ``limit``. error: the largest difference of any signal, absolute, of
    values above 1 relative to them; infinite where one has a number and the other none.
    parting: where they part first; None if they do not. growth: (time,), the largest difference of h of the highest
    layer at each step; empty where the two are not of one shape.
    causes: what was found to be exchanged, lowest layer first; explained: whether both agree with all of these
    exchanged, to ``left``. parameters: by layer, direction and name, how far the weights of both lie apart, largest
    first; of layers whose cells have the same. broken: what ended the run of one, if it came to what is not a number;
    there is no error and no cause then.
    beside: arrays that both have in one shape beside their recurrent layers, with other values, such as a classifier's:
    the name in A, the name in B, the largest difference. What they do to an output is in no signal.
    cells: the titles of both, of the lowest layer where they are of two kinds, such as ("LSTM", "GRU"), and no cause
    makes one of the other; else None.
    """

    axes = {"growth": "time"}

    equal: bool
    error: float
    limit: float
    parting: Parting | None
    growth: np.ndarray
    causes: tuple[Found, ...] = ()
    explained: bool = False
    left: float | None = None
    parameters: Mapping[tuple[int, int, str], float] | None = None
    broken: str = ""
    beside: tuple[tuple[str, str, float], ...] = ()
    cells: tuple[str, str] | None = None

    def __bool__(self) -> bool:
        """Whether they are equal, in every signal and in what is beside the recurrent layers."""
        return self.equal and not self.beside

    def why(self) -> list[str]:
        """What is known of the cause, in sentences; nothing where they are equal."""
        if self.equal:
            return []
        if self.broken:
            return [self.broken]
        lines: list[str] = []
        for name, where in dict.fromkeys((cause.name, cause.where) for cause in self.causes):
            lines.append(say("Cause: {name}, in {where}.", name=say(name), where=_places(where)))
        if self.explained:
            changes = self.causes[0].change
            for cause in self.causes[1:]:
                changes = say("{first}, and {second}", first=changes, second=cause.change)
            if self.left == 0:
                lines.append(say("With {changes}, A and B agree exactly.", changes=changes))
            else:
                lines.append(say("With {changes}, A and B agree to {left:.1e}.", changes=changes, left=self.left))
        elif self.causes:
            lines.append(say("What sets them further apart is none of the causes that are known here."))
        elif self.cells is not None:
            lines.append(
                say("They compute by different equations, and no cause that is known here makes one of the other.")
            )
        else:
            lines.append(say("None of the causes that are known here explains it."))
        if not self.explained and self.parameters:
            named = [
                say("{name} of layer {layer} by {value:.2g}", name=name, layer=layer, value=float(value))
                for (layer, _, name), value in list(self.parameters.items())[:4]
            ]
            names = reduce(lambda first, second: say("{first}; {second}", first=first, second=second), named)
            lines.append(say("The weights that differ most: {names}.", names=names))
        return lines

    def __str__(self) -> str:
        """What there is to say, a sentence a line."""
        if self.equal:
            if self.beside:
                return "\n".join(self.differing())
            if not self.error:
                return say("A and B are equal: every signal is the same")
            return say("A and B are equal: no signal differs by more than {error:.1e}", error=self.error)
        lines = [say("A and B part: {parting}.", parting=str(self.parting))]
        if self.cells is not None:
            told = {"a": self.cells[0], "b": self.cells[1], "parting": str(self.parting)}
            lines = [say("The cell of A is the {a}, that of B the {b}: {parting}.", **told)]
        if len(self.growth) > 1:
            worst = int(np.nanargmax(self.growth))
            lines.append(
                say(
                    "The outputs differ by {first:.2g} at the first step, {worst:.2g} at most (step {at}) and "
                    "{last:.2g} at the last.",
                    first=float(self.growth[0]),
                    worst=float(self.growth[worst]),
                    at=worst,
                    last=float(self.growth[-1]),
                )
            )
        return "\n".join([*lines, *self.why(), *self.differing()])

    def differing(self) -> list[Said]:
        """What differs beside the recurrent layers, in sentences; nothing where nothing does."""
        if not self.beside:
            return []
        named = [say("{a} of A and {b} of B by {error:.2g}", a=a, b=b, error=error) for a, b, error in self.beside[:4]]
        names = reduce(lambda first, second: say("{first}; {second}", first=first, second=second), named)
        lines = [say("The weights beside the recurrent layers differ: {names}.", names=names)]
        if self.equal and not self.error:
            return [say("The recurrent layers of A and B are equal: every signal is the same."), *lines]
        if self.equal:
            equal = say(
                "The recurrent layers of A and B are equal: no signal differs by more than {error:.1e}.",
                error=self.error,
            )
            return [equal, *lines]
        return lines

    __repr__ = __str__

    def to_dict(self) -> dict[str, Any]:
        """All of it in numbers, texts and lists, as JSON has them; a difference that is infinite is None."""

        def number(value: float | None) -> float | None:
            return None if value is None or not np.isfinite(value) else float(value)

        parting = None
        if self.parting is not None:
            parting = {**vars(self.parting), "a": number(self.parting.a), "b": number(self.parting.b)}
        causes = [{**vars(c), "change": str(c.change), "where": [list(at) for at in c.where]} for c in self.causes]
        return {
            "equal": self.equal,
            "error": number(self.error),
            "limit": self.limit,
            "parting": parting,
            "growth": [number(value) for value in self.growth],
            "causes": causes,
            "explained": self.explained,
            "left": number(self.left),
            "broken": str(self.broken),
            "beside": [list(pair) for pair in self.beside],
            "cells": None if self.cells is None else list(self.cells),
        }


def _places(where: tuple[tuple[int, int | None], ...]) -> Said | str:
    told = [
        say("layer {layer}", layer=layer)
        if direction is None
        else say("layer {layer}, direction {direction}", layer=layer, direction=direction)
        for layer, direction in where
    ]
    text: Said | str = told[0]
    for other in told[1:]:
        text = say("{first}; {second}", first=text, second=other)
    return text
