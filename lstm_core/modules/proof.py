"""The proof that gates, c and h are those of a run: what is compared at every step, and what is computed again.

h follows from the gates and c of its own step, c from the gates and the c before it. Both are compared at every step,
unit and sequence. That cannot see everything (i and g exchanged leave c as it is, a wrong r that a right n goes with is
in no h), so at some places that are drawn anew each time the gates are computed again, in NumPy, from the weights, the
inputs and the h before.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lstm_core.certificate import Certificate
from lstm_core.modules import rounding
from lstm_core.modules.call import Call
from lstm_core.modules.gates import Gates
from lstm_core.modules.pointwise import tanh
from lstm_core.modules.precision import precision as precision_of
from lstm_core.modules.precision import rounded, unit
from lstm_core.modules.run import Run, at_hand
from lstm_core.stacked import GATES

ROWS, UNITS = 32, 32
"""Of every layer and direction, gates are computed again for so many (step, sequence) and units of each, unless there
are fewer. What is wrong in a fifth of the steps, of the sequences or of the units is missed once in 1,200 times (0.8 to
the 32nd power); what is wrong in all of them, never. The first and the last step of one sequence come on top: a state
begins and ends there, and of a memory that begins with 0 nothing else shows the first f."""

SERIAL = 1 << 18
"""Multiplications up to which NumPy's BLAS (OpenBLAS) stays on the calling thread. Of a larger product it gives a part
to threads of its own, however many torch was told to use, and on a busy machine waits 50 ms for what takes 0.05."""

HALVES = {
    letters: np.array([[1.0 if letter in "gn" else 0.5] for letter in letters], "f4") for letters in GATES.values()
}
"""Of each gate, s in ``s tanh(s a) + 1 - s``: the sigmoid is (1 + tanh(a / 2)) / 2."""
RAISED = {letters: 1 - halves for letters, halves in HALVES.items()}

_calm = np.errstate(
    invalid="ignore", over="ignore", under="ignore"
)  # what is not finite is looked at (``lstm_core.modules.broken``)
_seeds = random.Random()  # from the system; a trace takes one number of it


def drawing(seed: int) -> random.Random:
    """What the places of a certificate with this seed are drawn by, layer by layer and direction by direction."""
    return random.Random(seed)


@_calm
def compare(run: Run, start: int, stop: int, past: Tensor | None = None) -> None:
    """Compare a span's h with what its gates and c give, and its c with what its gates make of the c before.

    past: the h that its steps read, if it is at hand.
    """
    for errors, (_, difference) in zip((run.of_h, run.of_c), _differences(run, start, stop, past), strict=False):
        errors += _extremes(run, difference, start, stop)
    run.compared += stop - start


def _differences(run: Run, start: int, stop: int, past: Tensor | None = None) -> Iterator[tuple[Tensor, Tensor]]:
    """h and then c of a span, and how far each is from what the gates make of it. These are the cells' updates in as
    few passes over the values as they can be had; the tests compare them with the cells themselves."""
    gates, own = run.gates[start:stop], run.h[start:stop]
    if run.c is not None:
        c = run.c[start:stop]
        i, f, g, o = gates.chunk(4, dim=-1)
        made = tanh(c)
        if "weight_hr" in run.weights:
            yield own, made.mul_(o) @ run.weights["weight_hr"].T - own
        else:
            yield own, torch.addcmul(own, made, o, value=-1, out=made)
        following = torch.addcmul(c, i, g, value=-1, out=made)
        yield c, following.addcmul_(f, run.before(run.c, "c", start, stop), value=-1)
    elif run.inside:
        past = run.before(run.read, "h", start, stop) if past is None else past
        _, z, n = gates.chunk(3, dim=-1)
        yield own, torch.lerp(n, past, z).sub_(own)
    else:
        yield own, (tanh(gates) if run.cell.name == "rnn" else gates.clamp(min=0.0)).sub_(own)


def _extremes(run: Run, difference: Tensor, start: int, stop: int) -> Sequence[Any]:
    """What the largest absolute value is among; ``difference`` is spent."""
    if run.valid is not None:
        difference.masked_fill_(~run.valid[start:stop], 0.0)
    values = at_hand(difference)
    return torch.aminmax(values) if isinstance(values, Tensor) else [values.min(), values.max()]


def errors_of(run: Run, limit: float, call: Call) -> tuple[dict[str, float], dict[str, float]]:
    """The largest differences of h and of c, relative where they are above 1: what has grown is rounded to its own
    size. That takes a second pass, which is only made where the first one found more than ``limit``, and then a third
    one relative to what rounding allows; then, and only then, those of the second are returned as well."""
    found = {"h": largest(run.of_h)} | ({} if run.c is None else {"c": largest(run.of_c)})
    if all(error <= limit for error in found.values()):
        return found, {}
    found = _relative(run, lambda start, stop: {})
    if all(error <= limit or error != error for error in found.values()):
        return found, {}
    kind, by = precision_of(call), unit(call)
    rounded = _relative(run, lambda start, stop: rounding.allowed(run, start, stop, kind, by, limit))
    return {name: error if error <= limit else rounded[name] for name, error in found.items()}, found


def _relative(run: Run, scales: Callable[[int, int], Mapping[str, Tensor]]) -> dict[str, float]:
    """The largest differences, each relative to its scale, to its value or to 1, whichever is the largest."""
    extremes: dict[str, list[Tensor]] = {}
    for start, stop in run.blocks():
        given = scales(start, stop)
        for name, (own, difference) in zip("hc", _differences(run, start, stop), strict=False):
            scale = own.abs().clamp_(min=1.0)
            scale = torch.maximum(scale, given[name]) if name in given else scale
            extremes.setdefault(name, []).extend(_extremes(run, difference.div_(scale), start, stop))
    return {name: largest(row) for name, row in extremes.items()}


def largest(errors: Sequence[Any]) -> float:
    """The largest absolute value; NaN if there is one."""
    if len(errors) > 1 and isinstance(errors[0], Tensor):
        errors = torch.stack([error for error in errors if isinstance(error, Tensor)]).tolist()
    values = [abs(float(error)) for error in errors]
    return next((value for value in values if value != value), max(values, default=0.0))


def from_output(call: Call, run: Run, direction: int) -> float:
    """The largest difference between h of the top layer and the module's output. It went through other hands, which may
    have changed it, unless it is the same memory."""
    size = run.h.shape[-1]
    output = call.output[..., direction * size : (direction + 1) * size]
    if output.data_ptr() == run.h.data_ptr():
        return 0.0
    return largest(_extremes(run, run.h - output.to(run.h.dtype), 0, len(run.h)))


def at_end(run: Run, call: Call, top: bool) -> dict[str, float]:
    """The largest difference from the last states that the module returned, by name; relative, for what is above 1.
    top: h is the module's output, so that its last state has been compared already."""
    ends = {} if run.c is None else {"c": run.c}
    if run.valid is None and not top:
        ends["h"] = run.h
    worst = {}
    for name, values in ends.items():
        last = at_hand(call.last[name].to(run.h.dtype))[run.at]
        error = float(abs(at_hand(values[0 if run.backward else -1]) - last).max())
        worst[name] = error if error <= 1e-5 else error / max(1.0, float(abs(last).max()))
    return worst


def sample(run: Run, draw: random.Random, limit: float, rounds: str = "") -> tuple[dict[str, float], int]:
    """By gate, the largest difference from what the weights make of the inputs and the h before, and the number of
    places at which it was looked for. limit: above it a difference is looked at again, in the light of what is
    added up for it: rounding grows with that. rounds: to what products round float32, if they do; then a large
    difference is also looked at with x, h and their weights rounded so."""
    time, batch = run.x.shape[:2]
    k, size = len(run.letters), run.hidden
    steps = _steps(run, draw)
    if not len(steps):  # broken at its first step
        return {}, 0
    t, b = np.divmod(steps, batch)
    units = _drawn(draw, size, UNITS)
    stacked = (np.arange(0, k * size, size)[:, None] + units).ravel()
    past = (t + 1 if run.backward else t - 1) % time  # before the first step is the initial state
    begins = (t == (time - 1 if run.backward else 0)).nonzero()[0]
    gates, x, h, first, *rows = _fetched(
        (run.gates, (t, b, stacked)),
        (run.x, (t, b)),
        (run.read, (past, b)),
        (run.first("h"), (b[begins],)),
        *((values, (stacked,)) for name, values in run.weights.items() if name != "weight_hr"),
    )
    h[begins] = first
    gates = gates.reshape(len(t), k, len(units))
    expected = _applied(run, x, h, rows, gates)
    difference = abs(expected - gates)
    worst = difference.max(axis=(0, 2)).tolist()
    if not all(error <= limit for error in worst):
        if rounds:
            near = [rounding.to(values, rounds) for values in (x, h, rows[0], rows[1])]
            for of_x, of_h in ((True, True), (True, False), (False, True)):  # sizes may let one be rounded and one not
                weights = [near[2] if of_x else rows[0], near[3] if of_h else rows[1], *rows[2:]]
                made = _applied(run, near[0] if of_x else x, near[1] if of_h else h, weights, gates)
                difference = np.minimum(difference, abs(made - gates))
        difference[expected == gates] = 0.0  # both may be infinite
        summed = _times(abs(x), abs(rows[0])) + _times(abs(h), abs(rows[1]))
        scale = np.maximum(abs(expected), summed.reshape(gates.shape) / 200)
        worst = (difference / np.maximum(1.0, scale)).max(axis=(0, 2)).tolist()
    return dict(zip(run.letters, worst, strict=True)), len(t) * len(units)


def _applied(run: Run, x: np.ndarray, h: np.ndarray, rows: Sequence[np.ndarray], gates: np.ndarray) -> np.ndarray:
    """What the gates (place, gate, unit) are by the weights. rows: of W, U and the biases, those of the gates' units.
    Of a GRU's n the reset gate is taken from ``gates``."""
    of_x, of_h = _times(x, rows[0]), _times(h, rows[1])
    if len(rows) == 4:
        of_x += rows[2]
        of_h += rows[3]
    of_x, of_h = (values.reshape(gates.shape) for values in (of_x, of_h))
    if run.inside:
        of_h[:, 2] *= gates[:, 0]
    expected = of_x + of_h
    if run.letters != "a":  # of a plain RNN it is what its activation is given
        half = HALVES[run.letters]
        expected *= half
        expected = np.tanh(expected, out=expected)
        expected *= half
        expected += RAISED[run.letters]
    return expected


def _times(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """``values @ weights.T`` on the calling thread."""
    rows = max(1, SERIAL // values.size)
    parts = [values @ weights[start : start + rows].T for start in range(0, len(weights), rows)]
    return np.concatenate(parts, axis=1)


def _steps(run: Run, draw: random.Random) -> np.ndarray:
    """Where a run's gates are computed again, each as step * batch + sequence: all steps where they are few, else some
    drawn, and the first and the last of one sequence."""
    time, batch = run.x.shape[:2]
    if run.valid is None:
        rows = _drawn(draw, time * batch, ROWS)
        if len(rows) == time * batch:
            return rows
        b = int(draw.random() * batch)
        return np.append(rows, [b, (time - 1) * batch + b])
    taken = run.valid[..., 0].cpu().numpy().ravel().nonzero()[0]
    rows = taken[_drawn(draw, len(taken), ROWS)]
    if len(rows) == len(taken):
        return rows
    of_one = taken[taken % batch == rows[0] % batch]
    return np.append(rows, of_one[[0, -1]])


def _drawn(draw: random.Random, size: int, number: int) -> np.ndarray:
    """``number`` of the whole numbers below ``size``, or all where there are no more."""
    if size <= number:
        return np.arange(size)
    return (np.frombuffer(draw.randbytes(8 * number), "<u8") % size).astype(np.int64)


def _fetched(*wanted: tuple[Tensor, tuple[np.ndarray, ...]]) -> list[np.ndarray]:
    """Of each pair (values, index), in NumPy, what lies at the index: rows of the first axis, or of the first two, and
    of these some columns. From an accelerator in one piece: every copy waits for it to finish."""
    if not isinstance(at_hand(wanted[0][0]), Tensor):
        return [_lying(values.numpy(), *index) for values, index in wanted]
    device = wanted[0][0].device
    indices = {id(each): each for _, index in wanted for each in index}
    flat = torch.from_numpy(np.concatenate([each.ravel() for each in indices.values()])).to(device)
    parts = flat.split([each.size for each in indices.values()])
    moved = dict(zip(indices, parts, strict=True))
    there = []
    for values, index in wanted:
        rows = values[tuple(moved[id(each)] for each in index[:2])]
        there.append(rows[:, moved[id(index[2])]] if len(index) == 3 else rows)
    found = torch.cat([values.flatten() for values in there]).cpu().numpy()
    ends = np.cumsum([values.numel() for values in there])
    return [part.reshape(values.shape) for part, values in zip(np.split(found, ends[:-1]), there, strict=True)]


def _lying(values: np.ndarray, first: np.ndarray, second: Any = None, columns: Any = None) -> np.ndarray:
    rows = values.take(first, axis=0) if second is None else values[first, second]
    return rows if columns is None else rows.take(columns, axis=1)


@_calm
def prove(call: Call, gates: Gates, limit: float, precision: str, whole: bool = True) -> Certificate:
    """Everything compared that can be; a difference is NaN where something is not a number. See ``Certificate``.
    whole: the run reached its end, so that its last states can be compared."""
    layers, directions, time, batch = call.shape
    below = (layers - 1) * directions
    everywhere: dict[str, float] = {}
    sampled: dict[str, float] = {}
    seed, places, rounds = _seeds.getrandbits(32), 0, rounded(call)
    draw = drawing(seed)

    def note(found: dict[str, float], name: str, error: float) -> None:
        earlier = found.get(name, 0.0)
        found[name] = earlier if error <= earlier or earlier != earlier else error  # NaN stays

    for k, run in enumerate(gates.runs):
        if run.compared != time:
            raise AssertionError(f"{gates.method} compared {run.compared} of {time} steps")
        errors, apart = errors_of(run, limit, call)
        for name, error in errors.items():
            note(everywhere, name, error)
        for name, error in apart.items() if all(error <= limit for error in errors.values()) else ():
            if error > limit:
                sentence = rounding.SAID.format(precision=precision, name=name, error=error)
                call.assumed = (*call.assumed, sentence)
        if k >= below:
            note(everywhere, "h", from_output(call, run, k - below))
        for name, error in (at_end(run, call, top=k >= below) if whole else {}).items():
            note(everywhere, name, error)
        errors, count = sample(run, draw, limit, rounds)
        places += count
        for name, error in errors.items():
            note(sampled, name, error)
    total = sum(int(run.valid.sum()) if run.valid is not None else time * batch for run in gates.runs) * call.hidden
    if total == 0:  # broken at the first step of all: there was nothing to compare
        everywhere = {}
    return Certificate(everywhere, sampled, places, total, seed, limit, precision)
