"""A run that breaks: up to which step it holds, what the first bad value is, and where it came from."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from lstm_core.certificate import Broken
from lstm_core.modules.call import Call
from lstm_core.modules.gates import Gates
from lstm_core.modules.proof import compare
from lstm_core.modules.run import Run


def until_broken(call: Call, gates: Gates) -> tuple[Broken, Tensor | None] | None:
    """Have every run of ``gates`` compared again up to its first bad step; None if there is no bad value.

    Returns the first bad value, and the steps of each sequence (batch,) up to and with its own first one, with which
    its layers end together. In two directions they do not, and the steps are None: each run ends where it breaks, and
    what is beyond stays as it is.

    Raises RuntimeError where the bad value is the trace's alone.
    """
    steps, bad = call.shape[2], [_bad_steps(run) for run in gates.runs]
    if not any(bool((count < steps).any()) for count in bad):
        return None
    first = _first(call, gates, bad)
    together = torch.stack(bad).amin(0) if call.shape[1] == 1 else None
    for run, count in zip(gates.runs, bad, strict=True):
        _compare_before(run, count if together is None else together)
    if together is None:
        return first, None
    ends = torch.full_like(together, steps) if call.lengths is None else call.lengths.to(together.device)
    return first, torch.minimum(ends, together + 1).cpu()


def _signals(run: Run) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Each with where it is bad. What a plain RNN's activation is given may well be infinite: its tanh is 1."""
    for name, values in run.named(0, len(run.x)).items():
        bad = ~values.isfinite()
        yield name, values, bad & (values.isnan() | ~run.h.isfinite()) if run.letters == "a" else bad
    if run.c is not None:
        yield "c", run.c, ~run.c.isfinite()
    yield "h", run.h, ~run.h.isfinite()


def _bad_steps(run: Run) -> Tensor:
    """(batch,): how many steps each sequence took before its first bad one; all of them if there is none."""
    bad = torch.stack([bad.any(-1) for _, _, bad in _signals(run)]).any(0)
    if run.valid is not None:
        bad &= run.valid[..., 0]
    order = bad.flip(0) if run.backward else bad
    return torch.where(bad.any(0), order.to(torch.int8).argmax(0), len(bad))


def _index(run: Run, count: int) -> int:
    """The index in time of the step that is taken after ``count`` others."""
    return len(run.x) - 1 - count if run.backward else count


def _compare_before(run: Run, count: Tensor) -> None:
    """Compare again what was done before the bad step, and see that the step is bad in the module, too."""
    time = torch.arange(len(run.x), device=run.x.device)
    order = len(run.x) - 1 - time if run.backward else time
    sound = (order[:, None] < count).unsqueeze(-1)
    run.valid = sound if run.valid is None else run.valid & sound
    run.of_h, run.of_c, run.compared = [], [], 0
    for start, stop in run.blocks():
        compare(run, start, stop)
    sequences = (count < len(run.x)).nonzero().flatten().tolist()
    for b in sequences:
        t = _index(run, int(count[b]))
        ours = torch.stack([values[t, b].isnan() for values in run.named(0, len(run.x)).values()]).any(0)
        finite = run.h[t, b].isfinite()
        if "weight_hr" in run.weights:  # every h is made of every unit
            ours, finite = ours.any(), finite.any()
        if bool((ours & finite).any()):
            raise RuntimeError(
                f"the trace holds NaN at step {t} of sequence {b} where the module's output does not, "
                "so it is not shown"
            )


def _first(call: Call, gates: Gates, bad: list[Tensor]) -> Broken:
    """In the order in which things are computed: by step (of one direction), layer, signal, sequence and unit."""
    directions, steps = call.shape[1], call.shape[2]
    found = [(int(count.min()), k) for k, count in enumerate(bad) if int(count.min()) < steps]
    count, k = min(found) if directions == 1 else min(found, key=lambda pair: (pair[1] // directions, *pair))
    run, (layer, direction) = gates.runs[k], divmod(k, directions)
    t = _index(run, count)
    at_once = [b for b, number in enumerate(bad[k].tolist()) if number == count]
    order = [signal.name for signal in call.cell.signals]
    signals = sorted(_signals(run), key=lambda signal: order.index(signal[0]))
    name, b, values, where = next(
        (name, b, values[t, b], bad[t, b]) for name, values, bad in signals for b in at_once if bool(bad[t, b].any())
    )
    unit = int(where.nonzero()[0])
    origin, place = _origin(call, run, layer, direction, t, b, name, unit, first=count == 0)
    return Broken(name, layer, direction, t, b, unit, float(values[unit]), origin, place)


def _origin(
    call: Call, run: Run, layer: int, direction: int, t: int, b: int, signal: str, unit: int, first: bool
) -> tuple[str, str]:
    place = _place(run.x[t, b])
    if place is not None:
        return "input", f"{'x' if layer == 0 else 'h of the layer below'}{place}"
    if first:
        for name in run.initial:
            place = _place(run.first(name)[b])
            if place is not None:
                return "state", f"{name}{place}"
    for name, values in call.blocks[layer][direction].items():
        place = _place(values, _rows(run, name, signal, unit))
        if place is not None:
            suffix = "" if call.single else f"_l{layer}" + ("_reverse" if direction else "")
            return "weight", f"{name}{suffix}{place}"
    return "arithmetic", ""


def _rows(run: Run, weight: str, signal: str, unit: int) -> list[int]:
    """Those of a weight that this unit of the signal is made with: a gate's own, for c and h those of all gates."""
    if "weight_hr" in run.weights and signal == "h":  # made of every unit's c
        return [unit] if weight == "weight_hr" else []
    if weight == "weight_hr":
        return []
    return [k * run.hidden + unit for k, letter in enumerate(run.letters) if signal in (letter, "c", "h")]


def _place(values: Tensor, rows: list[int] | None = None) -> str | None:
    """The index of the first bad value, "[7, 2]", of all or of these rows; None if there is none."""
    bad = (~(values if rows is None else values[rows]).isfinite()).nonzero().tolist()
    if not bad:
        return None
    first = bad[0] if rows is None else [rows[bad[0][0]], *bad[0][1:]]
    return str(first)
