"""What if? A run again with some of its signals forced, and what changes from there on.

An intervention replaces a value where it is computed, and all that depends on it follows in the same step and later:
with c set, h is shown from the new c. This is Pearl's do-operator on the cell's own equations.

Each intervention has a short written form, which goes into a link:

    f[6]@9:10=1      unit 6's forget gate is 1 at step 9          (steps as in Python: 9 up to, not including, 10)
    i[3,6-8]@9:=0    four units' input gates are 0 from step 9 on
    c[6]@4:9=hold    unit 6's cell keeps what it held after step 3
    c[6]@9:10=flip   its sign is turned round at step 9
    h/1=0            the whole hidden state of layer 1 is 0 at every step (h/1r: of its backward direction)
    x@7:8=anna       step 7 reads another word
    !f[6]@9:10=1     the first one, switched off
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal
from urllib.parse import unquote

import numpy as np

from lstm_core.analysis.tape import tape
from lstm_core.attention import weights
from lstm_core.cells.base import Cell
from lstm_core.kinds import kinds
from lstm_core.network import Network
from lstm_core.ops import NUMPY
from lstm_core.say import say
from lstm_core.scan import passed_by, scan
from lstm_core.sequences import can_run_again, skipped
from lstm_core.shown import Result
from lstm_core.trace import Trace

UNITS_MAX = 65536


@dataclass(frozen=True)
class Force:
    """A signal forced to ``value``, or a state that is held ("hold") or a signal whose sign is turned round ("flip").

    units: which, all of them if None. start, stop: the steps, as in a Python slice. layer: from 0. direction: 1 for the
        backward one. on: False for one that is written down and not applied.
    """

    signal: str
    value: float | Literal["hold", "flip"]
    units: tuple[int, ...] | None = None
    start: int | None = None
    stop: int | None = None
    layer: int = 0
    direction: int = 0
    on: bool = True

    def __post_init__(self) -> None:
        """Puts ``value`` and ``units`` in order. Raises ValueError for a value that nothing can be forced to."""
        if not isinstance(self.value, str):
            if not math.isfinite(self.value):
                raise ValueError(f"{self.signal} can only be forced to a finite number, not {self.value}")
            object.__setattr__(self, "value", float(self.value))
        elif self.value not in ("hold", "flip"):
            raise ValueError(f"{self.signal} can be forced to a number, 'hold' or 'flip', not {self.value!r}")
        if self.units is not None:
            if not self.units:
                raise ValueError(say("{signal} is forced in no unit; units=None is all of them", signal=self.signal))
            object.__setattr__(self, "units", tuple(sorted(set(self.units))))

    def __str__(self) -> str:
        """As ``parse`` reads it: "f[6]@9:10=1"."""
        place = f"/{self.layer}{'r' if self.direction else ''}" if self.layer or self.direction else ""
        units = "" if self.units is None else f"[{','.join(_runs(self.units))}]"
        value = self.value if isinstance(self.value, str) else repr(self.value).removesuffix(".0")
        return f"{_mark(self.on)}{self.signal}{place}{units}{_span(self.start, self.stop)}={value}"


@dataclass(frozen=True)
class Swap:
    """Step ``step`` reads ``word``, a piece of the model's vocabulary, in place of its own. on: as in ``Force``."""

    step: int
    word: str
    on: bool = True

    def __str__(self) -> str:
        """As ``parse`` reads it: "x@3:4=cat", with blanks, % and ; of the word as %20."""
        word = re.sub(r"[%;\s]", lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), self.word)
        return f"{_mark(self.on)}x@{self.step}:{self.step + 1}={word}"


Intervention = Force | Swap

_FORM = re.compile(
    r"(?P<off>!)?(?P<signal>[A-Za-z_]\w*)(?:/(?P<layer>\d{1,4})(?P<backward>r)?)?(?:\[(?P<units>\d[\d,-]*)\])?"
    r"(?:@(?P<start>-?\d{1,9})?(?P<range>:(?P<stop>-?\d{1,9})?)?)?=(?P<value>.+)",
    re.DOTALL,
)


@kinds
def parse(text: str) -> Intervention:
    """Read one intervention, ``text``, such as "f[6]@9:10=1"; ValueError says what is wrong. ``parse(str(i)) == i`` for
    every intervention."""
    found = _FORM.fullmatch(text)
    if found is None or (found["start"] is None and found["range"] is None and "@" in text.partition("=")[0]):
        raise ValueError(f"{text!r} is not an intervention; one looks like f[6]@9:10=1")
    start, stop = (None if found[key] is None else int(found[key]) for key in ("start", "stop"))
    if found["range"] is None and start is not None:
        stop = None if start == -1 else start + 1
    on = found["off"] is None
    if found["signal"] == "x":
        if start is None or stop != start + 1 or found["units"] or found["layer"]:
            raise ValueError(f"{text!r}: a word is swapped at one step, as in x@7:8=anna")
        return Swap(start, unquote(found["value"]), on)
    value: Any = found["value"]
    if value not in ("hold", "flip"):
        try:
            value = float(value)
        except ValueError:
            raise ValueError(f"{text!r}: {value!r} is neither a number nor 'hold' nor 'flip'") from None
    units = None if found["units"] is None else tuple(_numbers(found["units"], text))
    layer, direction = int(found["layer"] or 0), int(found["backward"] is not None)
    return Force(found["signal"], value, units, start, stop, layer, direction, on)


@kinds
def parse_all(text: str) -> tuple[Intervention, ...]:
    """Read a list written by ``format_all``: interventions with ";" between them; ValueError as of ``parse``."""
    return tuple(parse(part.strip()) for part in text.split(";") if part.strip())


@kinds
def format_all(interventions: Iterable[Intervention]) -> str:
    """Write a list of interventions as one text, for a link; ``parse_all`` reads it."""
    return ";".join(map(str, interventions))


@dataclass(frozen=True, eq=False)
class Counterfactual(Result):
    """The run as it was (``before``) and as it would have been (``after``, with ``interventions``).

    model: the network, if it was given, which ``predictions`` needs; else None.
    """

    before: Trace
    after: Trace
    interventions: tuple[Intervention, ...]
    model: Network | None

    @cached_property
    def difference(self) -> Mapping[str, np.ndarray]:
        """after - before of every signal that was kept, (layer, direction, time, batch, unit)."""
        return {name: values - self.before[name] for name, values in self.after.signals.items() if name in self.before}

    @cached_property
    def probabilities(self) -> tuple[np.ndarray, np.ndarray]:
        """Of every next word after every step, (time, vocabulary), before and after."""
        model = self._model()
        return model.probabilities(self.before), model.probabilities(self.after)

    @cached_property
    def shift(self) -> np.ndarray:
        """(time,): how far the prediction moved, as total variation: 0 not at all, 1 all the probability."""
        before, after = self.probabilities
        return np.abs(after - before).sum(-1) / 2

    @kinds
    def predictions(self, k: int = 5) -> tuple[list[list[tuple[str, float]]], list[list[tuple[str, float]]]]:
        """The ``k`` likeliest next words after every step, before and after."""
        model = self._model()
        return model.predictions(self.before, k), model.predictions(self.after, k)

    def _model(self) -> Network:
        if self.model is None:
            raise ValueError(say("predictions need the model: intervene(trace, interventions, model)"))
        return self.model


@kinds
def intervene(
    trace: Trace, interventions: Intervention | str | Iterable[Intervention | str], model: Network | None = None
) -> Counterfactual:
    """Run what ``trace`` recorded again, with ``interventions`` (or their written forms), later ones on top of earlier.

    interventions: one or several, such as "f[6]@9:10=1" (``parse`` reads them), or several in one text (``parse_all``).

    Runs in NumPy in the trace's own precision, for the whole batch, each sequence as far as it goes: a negative step
    counts from its own end, and a step that a mask skipped is skipped again.
    model: needed to swap words and to predict.

    Raises ValueError for a signal, unit, layer, direction or word that the network does not have, for an intervention
    at steps that no sequence takes (``reaches`` says whether one does), for a trace of which something was forced
    already (``Trace.forced``), and for one whose rows went on from other rows (``Trace.continued``): what led to one of
    them can be run again, ``trace.sequence``.
    """
    can_run_again(trace)
    if trace.continued is not None:
        raise ValueError(
            say(
                "the rows of this trace went on from other rows, which another run may choose otherwise; "
                "trace.sequence(row) is what led to one of them, and can be run again"
            )
        )
    if isinstance(interventions, str):
        interventions = parse_all(interventions)
    elif isinstance(interventions, Force | Swap):
        interventions = (interventions,)
    listed = tuple(parse(item) if isinstance(item, str) else item for item in interventions)
    forces = [item for item in listed if isinstance(item, Force) and item.on]
    for force in forces:
        check(force, trace)
    for item in listed:
        if item.on and not reaches(item, trace):
            raise ValueError(
                say(
                    "{item} reaches none of the {steps} steps of this run, which count from 0",
                    item=str(item),
                    steps=len(trace),
                )
            )
    inputs, tokens = _swapped(trace, [item for item in listed if isinstance(item, Swap) and item.on], model)
    if len(trace) == 0:
        return Counterfactual(trace, trace, listed, model)

    ends = trace.lengths or (len(trace),) * trace.inputs.shape[1]
    inside = np.arange(len(trace))[:, None] < np.asarray(ends)
    read = inside & ~skipped(trace)
    active: dict[tuple[int, int, int], list[tuple[Force, np.ndarray]]] = {}
    for force in forces:
        layers, directions = trace[force.signal].shape[:2]
        hit = _reached(force, trace)
        for t in np.flatnonzero(hit.any(axis=1)).tolist():
            place = force.layer % layers, force.direction % directions, t
            active.setdefault(place, []).append((force, np.flatnonzero(hit[t])))

    flip = slice(None, None, -1 if trace.reverse else 1)  # the core runs its first direction forwards

    def step(layer: int, direction: int, t: int, p: Any, x: Any, s: Any) -> dict[str, Any] | None:
        t = len(trace) - 1 - t if trace.reverse else t
        now = active.get((layer, direction, t), [])
        if not now and read[t].all():
            return None
        values = _forced(trace.cell, now, p, x, s)
        return values if read[t].all() else passed_by(trace.cell, values, read[t], s)

    layers = [[{name: np.asarray(value) for name, value in params.items()} for params in row] for row in trace.layers]
    signals, _ = scan(trace.cell, layers, inputs[flip], trace.initial, step=step)
    signals = {name: values[:, :, flip] for name, values in signals.items()}
    for values in signals.values():
        values[:, :, ~inside] = np.nan
    signals |= weights(trace.attention, trace.cell, signals)
    made = {"device": "cpu", "seconds": 0.0, "certificate": None, "forced": tuple(map(str, forces))}
    after = replace(trace, signals=signals, inputs=inputs, tokens=tokens, **made)
    return Counterfactual(trace, after, listed, model)


def forcing(
    cell: type[Cell], forces: Sequence[Force], steps: int
) -> Callable[[int, Any, Any, Any], dict[str, Any] | None]:
    """What the forces make of a step of one layer: (step, parameters, x, states) to its signals, or None where there is
    nothing to force. steps: how many there may be. For a network that is a part of another one (``lstm_core.beyond``),
    where what is read next depends on what came of it."""
    at = [range(*slice(force.start, force.stop).indices(steps)) for force in forces]

    def done(t: int, p: Any, x: Any, s: Any) -> dict[str, Any] | None:
        rows = np.arange(len(getattr(s, cell.states()[0])))
        now = [(force, rows) for force, where in zip(forces, at, strict=True) if force.on and t in where]
        return _forced(cell, now, p, x, s) if now else None

    return done


def _forced(cell: type[Cell], forces: Sequence[tuple[Force, np.ndarray]], p: Any, x: Any, s: Any) -> dict[str, Any]:
    """One step of ``cell`` by its equations, each signal replaced as soon as it is computed, in its force's rows."""

    def edit(name: str, value: Any) -> Any:
        if value is None:  # known by its values alone: nothing that is forced elsewhere reaches it
            return value
        for force, rows in forces:
            if force.signal == name:
                value = np.array(np.broadcast_to(value, getattr(s, name, memory).shape))
                at = np.ix_(rows, np.arange(value.shape[-1]) if force.units is None else np.array(force.units, int))
                if force.value == "hold":
                    value[at] = getattr(s, name)[at]
                elif force.value == "flip":
                    value[at] = -value[at]
                else:
                    value[at] = force.value
        return value

    memory = getattr(s, cell.states()[0])
    groups: dict[str, Mapping[str, Any]] = {"p": vars(p), "s": vars(s)}
    leaves = {f"{group}.{name}": value for group, named in groups.items() for name, value in named.items()}
    values = tape(cell).forward({"x": x, **leaves}, NUMPY, edit)
    return {name: values[at] for name, at in tape(cell).signals.items()}


@kinds
def reaches(intervention: Intervention | str, trace: Trace) -> bool:
    """Whether ``intervention``, on or off, is at a step that some sequence of ``trace`` takes: a list of interventions
    may be older than the text."""
    return bool(_reached(parse(intervention) if isinstance(intervention, str) else intervention, trace).any())


def _reached(item: Intervention, trace: Trace) -> np.ndarray:
    """(time, batch): the steps that ``item`` is at, counted in each sequence by itself, without those skipped."""
    if isinstance(item, Swap):
        span = slice(item.step, item.step + 1 or None)
    else:
        span = slice(item.start, item.stop)
    steps, batch = trace.inputs.shape[:2]
    hit = np.zeros((steps, batch), bool)
    for row, end in enumerate(trace.lengths or (steps,) * batch):
        hit[:end, row][span] = True
    return hit & ~skipped(trace)


def check(force: Force, trace: Trace) -> None:
    """Raises ValueError for a signal, unit, layer or direction that there is not, and for a gate that is held."""
    signal = trace.cell.signal(force.signal)
    if force.value == "hold" and signal.kind != "state":
        raise ValueError(
            say(
                "only a state can be held; {signal} is a {kind}, force it to a number",
                signal=force.signal,
                kind=say(signal.kind),
            )
        )
    trace.sel(force.signal, layer=force.layer, direction=force.direction)
    for unit in force.units or ():
        trace.sel(force.signal, unit=unit)


def _swapped(trace: Trace, swaps: Sequence[Swap], model: Network | None) -> tuple[np.ndarray, Any]:
    inputs, tokens = trace.inputs, list(trace.tokens)
    for swap in swaps:
        if model is None:
            raise ValueError(say("a word can be swapped only with the model: intervene(trace, interventions, model)"))
        at = model.tokenizer.id(swap.word)
        hit = _reached(swap, trace)
        inputs = np.where(hit[..., None], model.embedding[at], inputs).astype(inputs.dtype, copy=False)
        for step in np.flatnonzero(hit.any(axis=1)).tolist() if tokens else ():
            word = model.tokenizer.display(at)
            tokens[step] = replace(tokens[step], text=word, piece=swap.word, id=at, known=True)
    return inputs, tuple(tokens)


def _mark(on: bool) -> str:
    return "" if on else "!"


def _span(start: int | None, stop: int | None) -> str:
    if start is None and stop is None:
        return ""
    return f"@{'' if start is None else start}:{'' if stop is None else stop}"


def _runs(units: Sequence[int]) -> Iterator[str]:
    """6, 7, 8 as "6-8"."""
    first = 0
    for k, unit in enumerate(units):
        if k + 1 == len(units) or units[k + 1] != unit + 1:
            yield f"{units[first]}" if first == k else f"{units[first]}-{unit}"
            first = k + 1


def _numbers(units: str, text: str) -> Iterator[int]:
    for part in units.split(","):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ValueError(f"{text!r}: {part!r} is no unit and no range of units")
        if int(last or first) >= UNITS_MAX:
            raise ValueError(f"{text!r}: there is no layer with so many units")
        yield from range(int(first), int(last or first) + 1)
