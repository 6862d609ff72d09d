"""All gates of all steps from hidden states that are known already: one batched product, and a scan for c alone.

A fused kernel gives every h at once, and with them everything that the gates read. What is left of the time loop is
elementwise: c_t = f_t c_{t-1} + i_t g_t. Steps are taken in blocks that fit the processor's cache; on an accelerator
there is one block unless memory is short, and no Python loop over steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from lstm_core.cells.base import Cell
from lstm_core.modules.arrays import Arrays
from lstm_core.modules.call import Call
from lstm_core.modules.kinds import with_biases
from lstm_core.stacked import GATES

CPU_BLOCK = 1 << 19  # bytes of gates: with what they are computed from they stay in a second-level cache
DEVICE_BLOCK = 1 << 28


@dataclass
class Run:
    """One layer in one direction. x: (time, batch, input) and h: (time, batch, output) as the module has them.

    initial: the states before the first step by name; ``at`` is this one's place in them, which leaves (batch, unit).
    steps: (batch,) where sequences end, or None.
    Filled in by ``fill``, time first: gates (time, batch, k * hidden) in torch's order, and c, unless it is given.
    """

    cell: type[Cell]
    weights: Mapping[str, Tensor]
    x: Tensor
    h: Tensor
    at: tuple[int, ...]
    initial: Mapping[str, Tensor]
    backward: bool
    steps: Tensor | None
    gates: Tensor
    c: Tensor | None = None
    given: bool = False

    def __post_init__(self) -> None:
        self.letters = GATES[self.cell.name]
        self.hidden = self.gates.shape[-1] // len(self.letters)
        self.inside = self.cell.name == "gru"  # its reset gate scales U_n h + b_hn, so this is kept apart
        self.valid: Tensor | None = None
        self.read = self.h
        if self.steps is not None:
            time = torch.arange(len(self.x), device=self.x.device)
            self.valid = (time[:, None] < self.steps.to(self.x.device)).unsqueeze(-1)
            if self.backward:  # before a sequence's last step is the initial state, wherever the batch goes on
                self.read = torch.where(self.valid, self.h, self.first("h"))

    def first(self, name: str) -> Tensor:
        return self.initial[name][self.at]

    def blocks(self) -> Iterator[tuple[int, int]]:
        """Spans of steps in the order in which the module took them."""
        time, batch = self.x.shape[:2]
        limit = CPU_BLOCK if self.x.device.type == "cpu" else DEVICE_BLOCK
        width = max(1, limit // max(1, batch * self.gates.shape[-1] * self.gates.element_size()))
        width = max(width, -(-256 // max(1, batch)))  # a product of fewer rows is slow
        starts = range(0, time, width)
        for start in reversed(starts) if self.backward else starts:
            yield start, min(start + width, time)

    def before(self, values: Tensor, name: str, start: int, stop: int) -> Tensor:
        """The state that each step of the span read: ``values`` one step earlier (later, in the backward direction)."""
        first = self.first(name).unsqueeze(0)
        if self.backward:
            return torch.cat([values[start + 1 :], first]) if stop == len(values) else values[start + 1 : stop + 1]
        return torch.cat([first, values[: stop - 1]]) if start == 0 else values[start - 1 : stop - 1]

    @cached_property
    def factors(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """W and U transposed, and the biases outside and inside of the reset gate."""
        weights = with_biases(self.weights)
        b, inner = weights["bias_ih"], weights["bias_hh"]
        if self.inside:
            size = 2 * self.hidden
            b, inner = torch.cat([b[:size] + inner[:size], b[size:]]), inner[size:]
        else:
            b = b + inner
        return weights["weight_ih"].T, weights["weight_hh"].T, b, inner

    def rows(self, start: int, stop: int, past: Tensor) -> None:
        """The gates of a span from its inputs and the h that its steps read, (time, batch, output)."""
        w, u, bias, inner = self.factors
        x, h, out = (values.flatten(0, 1) for values in (self.x[start:stop], past, self.gates[start:stop]))
        size = self.hidden
        torch.addmm(bias, x, w, out=out)
        if self.inside:
            rz, n = out[:, : 2 * size], out[:, 2 * size :]
            rz.addmm_(h, u[:, : 2 * size]).sigmoid_()
            n.addcmul_(rz[:, :size], torch.addmm(inner, h, u[:, 2 * size :])).tanh_()
            return
        out.addmm_(h, u)
        if self.letters == "ifgo":
            out[:, : 2 * size].sigmoid_()
            out[:, 2 * size : 3 * size].tanh_()
            out[:, 3 * size :].sigmoid_()

    def fill(self) -> float:
        """Compute every signal; the largest difference between h as the gates give it and the module's."""
        errors = []
        for start, stop in self.blocks():
            past = self.before(self.read, "h", start, stop)
            self.rows(start, stop, past)
            if self.c is not None and not self.given:
                self._scan_cell(start, stop)
            errors += self.compare(start, stop, past)
        return largest(errors)

    def check(self) -> float:
        """The same for gates and c that are there already."""
        errors = []
        for start, stop in self.blocks():
            errors += self.compare(start, stop)
        return largest(errors)

    def carried(self) -> float:
        """The largest difference between c, of whatever origin, and what its gates make of the c before it; relative,
        for what is above 1."""
        assert self.c is not None
        c, errors = self.c, []
        for start, stop in self.blocks():
            v, own = self._named(start, stop), c[start:stop]
            difference = torch.addcmul(v["i"] * v["g"], v["f"], self.before(c, "c", start, stop)).sub_(own)
            if self.valid is not None:
                difference.masked_fill_(~self.valid[start:stop], 0.0)
            errors += torch.aminmax(difference.div_(own.abs().clamp_(min=1.0)))
        return largest(errors)

    def at_end(self, states: Mapping[str, Tensor], top: bool) -> float:
        """The largest difference from the last states that the module returned; relative, for what is above 1. top: h
        is the module's output, so that its last state has been compared already."""
        ends = [] if self.c is None else [(self.c, states["c"][self.at])]
        if self.valid is None and not top:
            ends.append((self.h, states["h"][self.at]))
        worst = 0.0
        for values, last in ends:
            error = float((values[0 if self.backward else -1] - last).abs_().max())
            if not error <= 1e-5:
                error /= max(1.0, float(last.abs().max()))
            worst = error if error != error else max(worst, error)
        return worst

    def sample(self) -> float:
        """The largest difference between gates and c that are there, and those from the weights and the step before,
        for about eight units of one sequence in the middle."""
        time, k, every = len(self.x), len(self.letters), max(1, self.hidden // 8)
        while self.hidden % every:  # so that the rows of all gates that are looked at belong to the same units
            every -= 1
        t = (time - 1) // 2 if self.backward else time // 2
        past = t + 1 if self.backward else t - 1
        weights = {name: value.numpy()[::every] for name, value in self.weights.items()}

        def before(values: Tensor, name: str) -> np.ndarray:
            return values.numpy()[past, 0] if time > 1 else self.first(name).numpy()[0]

        gates = self.gates.numpy()[t, 0, ::every].reshape(k, -1)
        of_x = weights["weight_ih"] @ self.x.numpy()[t, 0]
        of_h = weights["weight_hh"] @ before(self.h, "h")
        if "bias_ih" in weights:
            of_x, of_h = of_x + weights["bias_ih"], of_h + weights["bias_hh"]
        of_x, of_h = of_x.reshape(k, -1), of_h.reshape(k, -1)
        if self.inside:
            of_h[2] *= gates[0]
        half = np.array([[1.0 if letter in "gn" else 0.5] for letter in self.letters])
        expected = half * np.tanh(half * (of_x + of_h)) + (1 - half)  # the sigmoid is (1 + tanh(a / 2)) / 2
        worst = np.abs(expected - gates).max()
        if self.c is not None:
            i, f, g, _ = gates
            c = self.c.numpy()[t, 0, ::every]
            of_c = f * before(self.c, "c")[::every] + i * g - c
            worst = np.maximum(worst, (np.abs(of_c) / np.maximum(1, np.abs(c))).max())
        return float(worst)

    def _named(self, start: int, stop: int) -> dict[str, Tensor]:
        return dict(zip(self.letters, self.gates[start:stop].chunk(len(self.letters), dim=-1), strict=True))

    def _scan_cell(self, start: int, stop: int) -> None:
        """c of a span, by the only part of an LSTM that needs a loop."""
        assert self.c is not None
        v, c = self._named(start, stop), self.c[start:stop]
        first = self.first("c")
        if self.backward and stop < len(self.x):
            first = self.c[stop]
        elif not self.backward and start > 0:
            first = self.c[start - 1]
        keep = v["f"]
        torch.mul(v["i"], v["g"], out=c)
        if self.valid is not None:  # what is no step changes nothing
            valid = self.valid[start:stop]
            keep = torch.where(valid, keep, 1.0)
            c.masked_fill_(~valid, 0.0)
        if self.backward:
            keep, c = keep.flip(0), c.flip(0)
        linear_scan(keep, c, first)
        if self.backward:
            self.c[start:stop] = c.flip(0)

    def compare(self, start: int, stop: int, past: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The smallest and the largest difference between h of a span and what its gates give. past: the h that its
        steps read. These are the cells' equations in as few operations as they can be had; the tests compare them with
        the cells themselves."""
        gates, own, size = self.gates[start:stop], self.h[start:stop], self.hidden
        if self.c is not None:
            h = torch.tanh(self.c[start:stop])
            if "weight_hr" in self.weights:
                difference = (h.mul_(gates[..., 3 * size :]) @ self.weights["weight_hr"].T).sub_(own)
            else:
                difference = torch.addcmul(own, h, gates[..., 3 * size :], value=-1, out=h)
        elif self.inside:
            past = self.before(self.read, "h", start, stop) if past is None else past
            difference = torch.lerp(gates[..., 2 * size :], past, gates[..., size : 2 * size]).sub_(own)
        else:
            difference = (torch.tanh(gates) if self.cell.name == "rnn" else gates.clamp(min=0)).sub_(own)
        if self.valid is not None:
            difference.masked_fill_(~self.valid[start:stop], 0.0)
        return torch.aminmax(difference)


def runs(call: Call, arrays: Arrays, hidden: Sequence[Tensor], cells: Sequence[Tensor] | None = None) -> list[Run]:
    """Every layer and direction with its inputs, its h and the arrays that it fills. h goes to its array, and c if it
    is known."""
    layers, directions, _, _ = call.shape
    convert = {call.x.dtype, call.output.dtype, call.weight.dtype} != {call.dtype}

    def cast(tensor: Tensor) -> Tensor:
        return tensor.to(call.dtype) if convert else tensor

    def all_cast(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return {name: cast(value) for name, value in tensors.items()} if convert else tensors

    x, found, initial = cast(call.x), [], all_cast(call.initial)
    for layer in range(layers):
        row = arrays["h"][layer]
        for direction, h in enumerate(row):
            own = hidden[layer * directions + direction]
            if own.data_ptr() != h.data_ptr():
                h.copy_(own)
            at = layer, direction
            weights = all_cast(call.blocks[layer][direction])
            c = arrays["c"][at] if "c" in initial else None
            if cells is not None and c is not None:
                c.copy_(cells[layer * directions + direction])
            gates, backward = arrays["gates"][at], direction == 1
            given = cells is not None
            found.append(Run(call.cell, weights, x, h, at, initial, backward, call.lengths, gates, c, given))
        if layer + 1 < layers:
            x = row[0] if directions == 1 else torch.cat(list(row), dim=-1)
    return found


def largest(errors: Sequence[Tensor] | Sequence[float]) -> float:
    """The largest absolute value; NaN if there is one."""
    values = [abs(float(error)) for error in errors]
    return next((value for value in values if value != value), max(values, default=0.0))


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
