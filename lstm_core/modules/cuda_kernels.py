"""The kernels of ``lstm_core.modules.cuda``, in Triton, which importing this imports."""

# pyright: basic, reportMissingImports=false
# ruff: noqa: ANN001, ANN201
import triton
import triton.language as tl


@triton.jit
def lstm(
    gates, c, first, h, errors, ends, start, steps, batch, hidden,
    backward: tl.constexpr, ragged: tl.constexpr, width: tl.constexpr,
):  # fmt: skip
    """One program: some units of some sequences, from the first step to the last."""
    place = tl.program_id(0) * width + tl.arange(0, width)
    inside = place < batch * hidden
    row, unit = place // hidden, place % hidden
    state = tl.load(first + place, inside, other=0.0)
    worst = tl.zeros((width,), tl.float32)
    for step in range(steps):
        t = steps - 1 - step if backward else step
        gate = gates + (t * batch + row) * 4 * hidden + unit
        i = tl.sigmoid(tl.load(gate, inside, other=0.0))
        f = tl.sigmoid(tl.load(gate + hidden, inside, other=0.0))
        g = 2 * tl.sigmoid(2 * tl.load(gate + 2 * hidden, inside, other=0.0)) - 1
        o = tl.sigmoid(tl.load(gate + 3 * hidden, inside, other=0.0))
        tl.store(gate, i, inside)
        tl.store(gate + hidden, f, inside)
        tl.store(gate + 2 * hidden, g, inside)
        tl.store(gate + 3 * hidden, o, inside)
        valid = inside
        if ragged:
            valid = inside & (start + t < tl.load(ends + row, inside, other=0))
        state = tl.where(valid, f * state + i * g, state)
        tl.store(c + t * batch * hidden + place, state, inside)
        own = tl.load(h + t * batch * hidden + place, inside, other=0.0)
        error = tl.abs(o * (2 * tl.sigmoid(2 * state) - 1) - own)
        error = tl.where(error == error, error, float("inf"))  # NaN, which a maximum would pass over
        worst = tl.maximum(worst, tl.where(valid, error, 0.0))
    tl.store(errors + tl.program_id(0), tl.max(worst, 0))


@triton.jit
def gru(gates, inner, past, h, errors, ends, start, steps, batch, hidden, ragged: tl.constexpr, width: tl.constexpr):
    """One program: some of all elements, (step, sequence, unit)."""
    place = tl.program_id(0) * width + tl.arange(0, width)
    inside = place < steps * batch * hidden
    row, unit = place // hidden, place % hidden
    gate = gates + row * 3 * hidden + unit
    r = tl.sigmoid(tl.load(gate, inside, other=0.0))
    z = tl.sigmoid(tl.load(gate + hidden, inside, other=0.0))
    total = tl.load(gate + 2 * hidden, inside, other=0.0) + r * tl.load(inner + place, inside, other=0.0)
    n = 2 * tl.sigmoid(2 * total) - 1
    tl.store(gate, r, inside)
    tl.store(gate + hidden, z, inside)
    tl.store(gate + 2 * hidden, n, inside)
    valid = inside
    if ragged:
        valid = inside & (start + row // batch < tl.load(ends + row % batch, inside, other=0))
    error = tl.abs(n + z * (tl.load(past + place, inside, other=0.0) - n) - tl.load(h + place, inside, other=0.0))
    error = tl.where(error == error, error, float("inf"))
    tl.store(errors + tl.program_id(0), tl.max(tl.where(valid, error, 0.0), 0))
