"""All gates of all steps from hidden states that are known already: one batched product, and a scan for c alone.

A fused kernel gives every h at once, and with them everything that the gates read. What is left of the time loop is
elementwise: c_t = f_t c_{t-1} + i_t g_t. Steps are taken in blocks that fit the processor's cache; on an accelerator
there is one block unless memory is short, and no Python loop over steps.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lstm_core.modules import cuda
from lstm_core.modules.call import LOW, Call
from lstm_core.modules.gates import Gates
from lstm_core.modules.kernels import cell_states, hidden_states
from lstm_core.modules.kinds import with_biases
from lstm_core.modules.pointwise import tanh_
from lstm_core.modules.precision import like_its_own, plain, precision
from lstm_core.modules.proof import compare
from lstm_core.modules.run import Run


def product(call: Call, own_c: bool = False) -> Gates:
    """Works for every module and on every device. The module runs, unless it has. own_c: take c from the module's own
    kernel, step by step, so that no rounding adds up in it; in half precision it always is."""
    if not call.ran:
        call.run()
    gates = Gates(call, "product")
    if call.output_is_ours() and call.output.dtype is call.dtype:
        gates["h"] = call.output[None, None]
    hidden = hidden_states(call)
    own = cell_states(call, hidden) if "c" in call.initial and (own_c or precision(call) in LOW) else None
    with plain(call), like_its_own(call):
        for run in gates.lay_out(hidden, own):
            fill(run)
    return gates


def fill(run: Run) -> None:
    """Compute every signal of a layer and direction, and compare."""
    sums = _sums(run)
    for start, stop in run.blocks():
        past = run.before(run.read, "h", start, stop)
        inner = sums(start, stop, past)
        if cuda.usable(run):
            cuda.finish(run, start, stop, past, inner)
            continue
        _activate(run, run.gates[start:stop].flatten(0, 1), inner)
        if run.c is not None and not run.given:
            _scan_cell(run, start, stop)
        compare(run, start, stop, past)


def _sums(run: Run) -> Callable[[int, int, Tensor], Tensor | None]:
    """What gives the gates of a span what their activations are applied to, from its inputs and the h that its steps
    read, (time, batch, output). Of a GRU it returns U_n h + b_hn, (time * batch, hidden), which n still lacks."""
    weights, size = with_biases(run.weights), run.hidden
    w, u, bias, inside = (weights[name] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    w, u = w.T, u.T
    if run.inside:
        bias, inside = torch.cat([bias[: 2 * size] + inside[: 2 * size], bias[2 * size :]]), inside[2 * size :]
    else:
        bias = bias + inside

    def sums(start: int, stop: int, past: Tensor) -> Tensor | None:
        x, h, out = (values.flatten(0, 1) for values in (run.x[start:stop], past, run.gates[start:stop]))
        torch.addmm(bias, x, w, out=out)
        if not run.inside:
            out.addmm_(h, u)
            return None
        out[:, : 2 * size].addmm_(h, u[:, : 2 * size])
        return torch.addmm(inside, h, u[:, 2 * size :])

    return sums


def _activate(run: Run, gates: Tensor, inner: Tensor | None) -> None:
    """In place. gates: (time * batch, k * hidden)."""
    size = run.hidden
    if run.inside:
        assert inner is not None
        gates[:, : 2 * size].sigmoid_()
        tanh_(gates[:, 2 * size :].addcmul_(gates[:, :size], inner))
    elif run.letters == "ifgo":
        gates[:, : 2 * size].sigmoid_()
        tanh_(gates[:, 2 * size : 3 * size])
        gates[:, 3 * size :].sigmoid_()


def _scan_cell(run: Run, start: int, stop: int) -> None:
    """c of a span, by the only part of an LSTM that needs a loop."""
    assert run.c is not None
    v, c = run.named(start, stop), run.c[start:stop]
    first = run.first("c")
    if run.backward and stop < len(run.x):
        first = run.c[stop]
    elif not run.backward and start > 0:
        first = run.c[start - 1]
    keep = v["f"]
    torch.mul(v["i"], v["g"], out=c)
    if run.valid is not None:  # what is no step changes nothing
        valid = run.valid[start:stop]
        keep = torch.where(valid, keep, 1.0)
        c.masked_fill_(~valid, 0.0)
    if run.backward:
        keep, c = keep.flip(0), c.flip(0)
    linear_scan(keep, c, first)
    if run.backward:
        run.c[start:stop] = c.flip(0)


def linear_scan(keep: Tensor, write: Tensor, first: Tensor) -> None:
    """state_t = keep_t state_{t-1} + write_t over the first axis, elementwise, in place of ``write``.

    On the CPU one operation a step. Elsewhere by doubling, log2(time) operations on all steps: after the k-th pass
    ``write`` holds the part of the last 2^k steps, and products of numbers in [0, 1] lose nothing to cancellation.
    """
    if write.device.type == "cpu":
        state = first
        for k, w in zip(keep.unbind(0), write.unbind(0), strict=True):
            state = w.addcmul_(k, state)
        return
    doubling_scan(keep, write, first)


def doubling_scan(keep: Tensor, write: Tensor, first: Tensor) -> None:
    """``linear_scan`` without a loop over steps (Hillis & Steele 1986). Widths are taken apart to spare memory."""
    for k, w, state in zip(keep.chunk(4, dim=-1), write.chunk(4, dim=-1), first.chunk(4, dim=-1), strict=True):
        k = k.clone()
        w[0].addcmul_(k[0], state)
        width = 1
        while width < len(w):
            w[width:] += k[width:] * w[:-width]
            k[width:] = k[width:] * k[:-width]
            width *= 2
