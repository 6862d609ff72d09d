"""A trace of a module that writes its recurrence itself, with the proof that it is the module's own run.

The module runs once, as it is. What is set beside its run comes in one of three ways:

- ``declared``: a ``Cell`` with the module's weights, run here by its equations;
- ``stepped``: a function that does one step with the module's own parts and names what it computes;
- ``captured``: values read of its submodules while it ran, tied together by an update.

Each step starts from the states that the module itself had wherever it returns them, so that what is compared is the
rounding of one step; what it keeps to itself is carried on. Compared is everything that it returns: every state and
output, at every step, of every unit and sequence.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from lstm_core.cells.base import Cell, Signal
from lstm_core.modules.call import one_a_step
from lstm_core.modules.compiled import eager, original
from lstm_core.modules.own import values as observed_values
from lstm_core.modules.own.broken import until_broken
from lstm_core.modules.own.call import Captured, OwnCall, Ran
from lstm_core.modules.own.check import Compared
from lstm_core.modules.own.declared import as_declared, mapped, units
from lstm_core.modules.unchanged import unchanged
from lstm_core.ops import TorchOps
from lstm_core.scan import scan
from lstm_core.text import Token
from lstm_core.trace import Trace

LAST_ALONE = "the module gives {name} after its last step alone, so it is compared there and not at the steps before"
CAPTURED = "what its submodules gave was read while the module ran and is not computed again"


def trace_own(
    module: nn.Module,
    x: Any,
    state: Any = None,
    tokens: tuple[Token, ...] = (),
    *,
    cell: type[Cell] | None = None,
    weights: Any = None,
    step: Callable[..., Mapping[str, Tensor]] | None = None,
    names: Mapping[str, Any] | None = None,
    update: Callable[..., Mapping[str, Any]] | None = None,
    signals: Sequence[Signal] = (),
    states: Sequence[str] = (),
    returns: Any = None,
    initial: Mapping[str, Any] | None = None,
    sequence: bool = False,
    batch_first: bool | None = None,
) -> Trace:
    """See ``lstm_core.trace_cell``."""
    start = time.perf_counter()
    module = original(module)
    if [cell, step, names].count(None) != 2 or (cell is None) != (weights is None):
        raise ValueError(
            "say how the module computes, in one way: cell= and weights=, or step=, or names= of its submodules"
        )
    if cell is not None and (update or signals):
        raise ValueError("a declared cell has its own update and signals; leave out update= and signals=")
    declared = cell is not None
    if cell is not None:
        as_declared(cell)
        states = states or sorted(cell.states(), key=lambda name: name != "h")
    states = (states,) if isinstance(states, str) else tuple(states) or ("h",)
    strange = [str(name) for name in initial or {} if name not in states]
    if strange:
        text = f"initial has {', '.join(strange)}; the states are {', '.join(states)}, as states= says"
        raise ValueError(text)
    with torch.no_grad(), eager():
        sizes = {} if cell is None else units(cell, mapped(module, cell, weights))
        with unchanged(module):
            captured = _captured(module, names or {})
            call = OwnCall(module, x, state, states, returns, sequence, batch_first, sizes, captured)
            one_a_step(tokens, len(call.x))
            first = {name: _resolved(module, value).detach().clone() for name, value in (initial or {}).items()}
            ran = call.run()
            # Weights that a hook makes are there only now.
            params = {} if cell is None else mapped(module, cell, weights)
        before = _first(ran, states, first, sizes)
        compared = Compared(call, ran)
        with unchanged(module):
            if cell is not None:
                values = _declared(cell, params, ran, before)
            elif step is not None:
                values = _stepped(module, step, states, ran, before)
            else:
                values = _read(states, ran, before, update)
        compared.check(values, own=not captured)
    assumed = []
    if "h" not in ran.given:
        assumed.append(LAST_ALONE.format(name="h"))
    arrays = {name: observed_values.flat(value) for name, value in values.items()}
    olds = {name: observed_values.flat(value[None])[0] for name, value in before.items()}
    if cell is None:
        outputs = [name for name in (*ran.given, *ran.last) if name not in states and name not in captured]
        shapes = {name: tuple(value.shape[2:]) for name, value in values.items() if value.dim() > 3}
        own = observed_values.Own(type(module).__name__, states, outputs, shapes, signals)
        cell, said = observed_values.cell_of(own, arrays, olds, update, compared)
        assumed += [*said, CAPTURED] if captured else said
    certificate = compared.certificate()
    broken, lengths = until_broken(module, ran, before, values, [signal.name for signal in cell.signals], arrays)
    return Trace(
        cell,
        {signal.name: arrays[signal.name][None, None] for signal in cell.signals},
        observed_values.flat(ran.x),
        [[observed_values.frozen(params)]],
        {name: value[None, None] for name, value in olds.items()},
        tokens,
        str(ran.x.device),
        time.perf_counter() - start,
        certificate,
        lengths,
        assumed=tuple(assumed),
        method="declared" if declared else "captured" if captured else "stepped",
        broken=broken,
    )


def _captured(module: nn.Module, names: Mapping[str, Any]) -> Captured:
    found = {}
    for name, where in names.items():
        path, function = where if isinstance(where, tuple) and len(where) == 2 else (where, lambda output: output)
        if not isinstance(path, str) or not callable(function):
            raise TypeError(f"{name} is {where!r:.80}; a submodule's name is needed, or (name, function of its output)")
        try:
            found[name] = module.get_submodule(path), function
        except AttributeError as error:
            there = ", ".join(inner for inner, _ in module.named_modules() if inner) or "none"
            raise ValueError(f"{name}: the module has no submodule {path!r}; it has {there}") from error
    return found


def _resolved(module: nn.Module, value: Any) -> Tensor:
    """A tensor, or the module's attribute of that dotted name."""
    found = value
    if isinstance(value, str):
        found = module
        for part in value.split("."):
            found = getattr(found, part, None)
    if not isinstance(found, Tensor):
        raise ValueError(f"initial: {value!r} is neither a tensor nor the name of one of the module")
    return found


def _first(
    ran: Ran, states: Sequence[str], initial: Mapping[str, Tensor], sizes: Mapping[str, int]
) -> dict[str, Tensor]:
    """The states before the first step, (batch, ...): as given, or zeros."""
    batch, found = ran.x.shape[1], {}
    if "h" not in ran.given and "h" not in ran.last:
        raise ValueError("nothing that the module returns is called h; say which is, returns=")
    output = ran.given["h"][0] if "h" in ran.given else ran.last["h"]
    for name in states:
        value = initial.get(name, ran.initial.get(name))
        like = ran.given[name][0] if name in ran.given else ran.last.get(name, output)
        if value is None:
            known = name in ran.given or name in ran.last or name not in sizes
            value = torch.zeros_like(like) if known else like.new_zeros(batch, sizes[name])
        found[name] = _of_all(name, value, batch, like)
    return found


def _of_all(name: str, value: Tensor, batch: int, like: Tensor) -> Tensor:
    """A first state, (batch, ...), of one that may be the same for all sequences, or have torch's axis of layers."""
    given = tuple(value.shape)
    while value.dim() > like.dim() and value.shape[0] == 1:
        value = value[0]
    if value.dim() == like.dim() - 1:
        value = value[None]
    if value.dim() != like.dim() or value.shape[0] not in (1, batch):
        raise ValueError(f"the first state {name} is {given}; (batch, unit) is needed, with a batch of {batch}")
    return value.expand(batch, *value.shape[1:])


def _declared(
    cell: type[Cell], params: Mapping[str, Tensor], ran: Ran, before: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Every signal, (time, batch, unit), by the cell's equations."""
    dtype = next((value.dtype for value in params.values()), ran.x.dtype)
    xp = TorchOps(str(ran.x.device))

    def step(layer: int, direction: int, t: int, p: Any, x: Tensor, s: SimpleNamespace) -> dict[str, Tensor]:
        for name, value in ran.given.items():
            if t and hasattr(s, name):
                setattr(s, name, value[t - 1].to(dtype))
        values = cell.gates(p, x, s, xp)
        values |= cell.update(p, SimpleNamespace(**values), s, xp)
        for signal in cell.signals:
            value = values[signal.name]
            if not isinstance(value, Tensor) or value.dim() != 2 or len(value) != len(x):
                raise ValueError(
                    f"{signal.name} of the cell {cell.name} is not (batch, unit): it is made of neither the input "
                    "nor a state"
                )
        return values

    state = {name: value.to(dtype)[None, None] for name, value in before.items()}
    with torch.autocast(ran.x.device.type, enabled=False):
        signals, _ = scan(cell, [[params]], ran.x.to(dtype), state, xp, step)
    return {name: value[0, 0] for name, value in signals.items()}


def _stepped(
    module: nn.Module, step: Callable[..., Any], states: Sequence[str], ran: Ran, before: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Every named value, (time, batch, ...), as the user's step gives it from the states that the module had."""
    rows: dict[str, list[Tensor]] = {}
    old = dict(before)
    for t, x in enumerate(ran.x):
        s = SimpleNamespace(**{name: value.clone() for name, value in old.items()})  # it may write to them
        values = step(module, x.clone(), s)
        if not isinstance(values, Mapping):
            raise TypeError(f"step returns a {type(values).__name__}; a dict of named tensors is needed")
        missing = [name for name in {**dict.fromkeys(states), **ran.given, **ran.last} if name not in values]
        if missing:
            message = f"step does not return {', '.join(missing)}, of which the module gives or takes values"
            raise ValueError(message)
        for name, value in values.items():
            if not isinstance(value, Tensor) or value.dim() < 2 or len(value) != len(x):
                shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
                raise ValueError(f"step returns {name} of {shape}; it is (batch, unit)")
            rows.setdefault(name, []).append(value.detach().clone())
        old = {name: ran.given[name][t] if name in ran.given else rows[name][t] for name in states}
    return {name: torch.stack(values) for name, values in rows.items()}


def _read(
    states: Sequence[str],
    ran: Ran,
    before: Mapping[str, Tensor],
    update: Callable[..., Mapping[str, Any]] | None,
) -> dict[str, Tensor]:
    """What the module gave and its submodules were heard to; a state that nothing gives, as the update makes it."""
    values = dict(ran.given)
    hidden = [name for name in states if name not in values]
    if hidden and update is not None:
        xp, old, rows = TorchOps(str(ran.x.device)), dict(before), {name: [] for name in hidden}
        for t in range(len(ran.x)):
            v = SimpleNamespace(**{name: value[t] for name, value in values.items()})
            made = update(v, SimpleNamespace(**old), xp)
            old = {name: values[name][t] if name in values else made.get(name) for name in states}
            for name in hidden:
                rows[name].append(made.get(name))
        values |= {name: torch.stack(row) for name, row in rows.items() if all(isinstance(r, Tensor) for r in row)}
    for name in dict.fromkeys(("h", *states)):
        if name not in values:
            raise ValueError(
                f"nothing gives {name} at every step: name a submodule that does, give an update that "
                "makes it, or leave it out of states"
            )
    return values
