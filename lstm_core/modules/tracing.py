"""A trace of a torch.nn recurrent module, with the proof that it is the module's own run.

The module runs once, as it is, and gives every h. The gates come from there in one of some ways, by shape
(``lstm_core.modules.ways``). Whichever it was, they are then compared with the module's output, with each other and
with its weights (``lstm_core.modules.proof``); what does not hold is computed again, and what does not hold then is not
shown. No gate is further from the module's than one step's rounding, since each is computed from the h that the module
itself read. Only c is carried on: in half precision, where rounding adds up, c is the module's own as well, and is
compared with what the gates make of the c before it (``lstm_core.modules.kernels``).
"""

from __future__ import annotations

import time
from typing import Any, NoReturn

import torch
from torch import nn

from lstm_core.certificate import Broken, Certificate
from lstm_core.kept import Kept, KeptArray, on_host
from lstm_core.modules.arguments import explained
from lstm_core.modules.broken import until_broken
from lstm_core.modules.call import LOW, Call, Fed, one_a_step
from lstm_core.modules.compiled import eager, original
from lstm_core.modules.copies import cloned, cloned_blocks, copied, weights_of
from lstm_core.modules.gates import Gates
from lstm_core.modules.keep import EVERYTHING, Keep
from lstm_core.modules.kinds import cell_of, layers_of
from lstm_core.modules.precision import TOLERANCE, name_of, plain, precision, tolerance, unit
from lstm_core.modules.product import product
from lstm_core.modules.proof import prove
from lstm_core.modules.rounding import matters
from lstm_core.modules.unchanged import unchanged
from lstm_core.modules.watch import Watch, joined, watched
from lstm_core.modules.ways import METHODS, to_try
from lstm_core.stacked import GATES
from lstm_core.text import Token
from lstm_core.trace import Trace

__all__ = ["GATES", "METHODS", "TOLERANCE", "cell_of", "layers_of", "trace_module"]


def trace_module(
    module: nn.Module,
    x: Any,
    state: Any = None,
    tokens: tuple[Token, ...] = (),
    lengths: Any = None,
    method: str = "auto",
    keep: Keep = EVERYTHING,
    hooks: bool = True,
) -> Trace:
    """Trace ``module`` on ``x``, in the layout that the module takes. See ``lstm_core.trace``.

    method: one of ``METHODS``; "auto" chooses by shape. Those that read along fall back on "product" where the
    module does not run the way that they read. hooks: whether those that stand round its forward run; if not, ``x`` is
    what forward reads, and the weights are those that it had last.
    """
    return trace_call(original(module), x, state, lengths, tokens, method, keep, hooks)[0]


def trace_call(
    module: nn.Module,
    x: Any,
    state: Any = None,
    lengths: Any = None,
    tokens: tuple[Token, ...] = (),
    method: str = "auto",
    keep: Keep = EVERYTHING,
    hooks: bool = True,
) -> tuple[Trace, Call]:
    """Run the module and trace it: the trace, and the call. See ``trace_module``."""
    if method not in METHODS:
        raise ValueError(f"there is no method {method!r}; there are {', '.join(METHODS)}")
    start = time.perf_counter()
    with torch.no_grad(), eager(), explained(module, x, state):
        if watched(module):
            fed = Fed(module, x, state, lengths)
            one_a_step(tokens, len(fed.x))
            with unchanged(module):
                call, gates = _observed(fed, method, hooks)
                return finish(call, gates, tokens, start, keep=keep), call
        call = Call(module, x, state, lengths)
        one_a_step(tokens, call.shape[2])
        gates = next(to_try(call, method))(call)
        return finish(call, gates, tokens, start, keep=keep), call


def _observed(fed: Fed, method: str, hooks: bool) -> tuple[Call, Gates | None]:
    """Run a module that hooks stand round: the call as its forward had it."""
    ran: list[tuple[Call, Gates | None]] = []
    steps = len(fed.x)
    with Watch(fed.module, lambda *one: ran.append(one), lambda call: next(to_try(call, method))(call), steps=steps):
        if not hooks:
            fed.forward = fed.module.forward
        fed.result()
    if len(ran) == 1:
        return ran[0]
    return joined([call for call, _ in ran]), None


def finish(
    call: Call,
    gates: Gates | None,
    tokens: tuple[Token, ...],
    start: float,
    layers: Any = None,
    keep: Keep = EVERYTHING,
) -> Trace:
    """The trace of a call that has run. gates: what was read on the way; None if nothing was, or not all.

    Raises RuntimeError, as ``lstm_core.trace`` says, if it is not what the module computed.
    """
    limit, words = tolerance(call), name_of(call)
    certificate = broken = None
    if gates is not None:
        with plain(call):
            certificate = prove(call, gates, limit, words)
    if gates is None or certificate is None or not holds(certificate):
        gates, certificate, broken = _again(call, gates, certificate, limit, words)
    return finished(call, gates, certificate, broken, tokens, start, layers, keep)


def _again(
    call: Call, gates: Gates | None, certificate: Certificate | None, limit: float, words: str
) -> tuple[Gates, Certificate, tuple[Broken, torch.Tensor | None] | None]:
    """Where nothing was read on the way, or what was does not hold: the gates computed, up to where the run breaks."""
    if gates is None or certificate is None or gates.method not in ("product", "loop"):
        if gates is not None:  # what was read along was wrong, and so may be the run that was cut up for it
            call.again()
        gates = product(call)
        with plain(call):
            certificate = prove(call, gates, limit, words)
    broken = None
    if not holds(certificate):
        with plain(call):
            broken = until_broken(call, gates)
            certificate = certificate if broken is None else prove(call, gates, limit, words, whole=False)
    if not holds(certificate) and _adds_up(call, gates, limit):
        gates = product(call, own_c=True)
        with plain(call):
            certificate = prove(call, gates, limit, words)
    if not holds(certificate):
        _refuse(call, certificate)
    return gates, certificate, broken


def _adds_up(call: Call, gates: Gates, limit: float) -> bool:
    """Whether rounding matters, and may have added up in a c that was carried on here."""
    if "c" not in call.initial or gates.runs[0].given or precision(call) in LOW:
        return False
    with plain(call):
        return any(matters(run, precision(call), unit(call), limit) for run in gates.runs)


def holds(certificate: Certificate) -> bool:
    """Whether every difference is within the limit, and a number."""
    errors = (*certificate.everywhere.values(), *certificate.sampled.values())
    return certificate.limit is not None and all(error <= certificate.limit for error in errors)


def _refuse(call: Call, certificate: Certificate) -> NoReturn:
    """RuntimeError, with what differs by more than rounding can explain."""
    limit = certificate.limit
    assert limit is not None
    compared = {name: "what its gates make of it" for name in certificate.everywhere} | {"h": "the module's own output"}
    found = [(name, compared[name], error) for name, error in certificate.everywhere.items()]
    found += [(name, "what the module's weights make of it", error) for name, error in certificate.sampled.items()]
    name, what, error = next(one for one in found if not one[2] <= limit)
    raise RuntimeError(
        f"the trace's {name} differs from {what} by {error:.2g}, more than {limit:.0e} "
        f"allows in {name_of(call)}, so it is not shown"
    )


def finished(
    call: Call,
    gates: Gates,
    certificate: Certificate,
    broken: tuple[Broken, torch.Tensor | None] | None = None,
    tokens: tuple[Token, ...] = (),
    start: float = 0.0,
    layers: Any = None,
    keep: Keep = EVERYTHING,
) -> Trace:
    """What is to be kept of it; what belongs to the caller is copied, so that a trace stays what it was."""
    layers_kept, chosen = keep.layers(call), keep.signals(call)
    lengths, steps = call.lengths, call.shape[2]
    if broken is not None and broken[1] is not None:
        lengths, steps = broken[1], int(broken[1].max())
    arrays = gates.arrays(lengths)
    if keep.numbered is not None or steps < call.shape[2]:
        arrays = {name: values[layers_kept, :, :steps] for name, values in arrays.items()}
    x, initial = call.x, call.initial
    if layers_kept.start:
        x = gates.runs[layers_kept.start * call.shape[1]].x
    if keep.where == "device":
        signals: Any = {name: values for name, values in gates.named(arrays).items() if name in chosen}
        if len(signals) < len(call.cell.signals):  # a part, without the rest that it was made with
            signals = {name: values.clone() for name, values in signals.items()}
        signals, initial = Kept(signals), Kept(cloned(initial, layers_kept))
        inputs: Any = KeptArray(x[:steps].clone())
        rows = cloned_blocks(call, layers_kept) if layers is None else layers
    else:
        signals = gates.named({name: on_host(values) for name, values in arrays.items()})
        if len(chosen) < len(signals):
            signals = {name: signals[name].copy() for name in chosen}
        inputs, initial = copied(x)[:steps], {name: copied(value)[layers_kept] for name, value in initial.items()}
        rows = weights_of(call) if layers is None else layers
        rows = rows if keep.numbered is None else rows[layers_kept]  # shared where they can be
    ends = None if lengths is None or bool((lengths == steps).all()) else tuple(lengths.tolist())
    return Trace(
        call.cell,
        signals,
        inputs,
        rows,
        initial,
        tokens[:steps],
        str(call.device),
        time.perf_counter() - start,
        certificate,
        ends,
        assumed=call.assumed,
        method=gates.method,
        broken=None if broken is None else broken[0],
    )
