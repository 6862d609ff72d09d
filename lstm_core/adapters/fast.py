"""All gates of all steps from hidden states that are known already: one batched product, and a scan for c alone.

A fused kernel gives every h at once, and with them everything that the gates read. What is left of the time loop is
elementwise: c_t = f_t c_{t-1} + i_t g_t. Steps are taken in blocks that fit the processor's cache; on an accelerator
there is one block unless memory is short, and no Python loop over steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

from lstm_core.adapters.modules import with_biases
from lstm_core.adapters.stacked import GATES
from lstm_core.cells.base import Cell

CPU_BLOCK = 1 << 19  # bytes of gates: with what they are computed from they stay in a second-level cache
DEVICE_BLOCK = 1 << 28


@dataclass
class Run:
    """One layer in one direction. x: (time, batch, input) and h: (time, batch, output) as the module computed them.

    first, last: the states before the first step and, as the module returned them, after the last one, by name
    (batch, unit). steps: (batch,) where sequences end, or None.
    Filled in by ``fill``, time first: gates (time, batch, k * hidden) in torch's order, c, and states_h, which is h as
    the gates give it.
    """

    cell: type[Cell]
    weights: Mapping[str, Tensor]
    x: Tensor
    h: Tensor
    first: Mapping[str, Tensor]
    last: Mapping[str, Tensor]
    backward: bool
    steps: Tensor | None
    gates: Tensor
    states_h: Tensor
    c: Tensor | None = None

    def __post_init__(self) -> None:
        self.weights = with_biases(self.weights)
        self.letters = GATES[self.cell.name]
        self.valid: Tensor | None = None
        if self.steps is not None:
            time = torch.arange(len(self.x), device=self.x.device)
            self.valid = (time[:, None] < self.steps.to(self.x.device)).unsqueeze(-1)
        # Backward, the step before a sequence's last one is the initial state, wherever the batch goes on.
        self.read = self.h
        if self.backward and self.valid is not None:
            self.read = torch.where(self.valid, self.h, self.first["h"])
        b_ih, b_hh = self.weights["bias_ih"], self.weights["bias_hh"]
        self.inside = self.cell.name == "gru"  # its reset gate scales U_n h + b_hn, so this is kept apart
        if self.inside:
            outer = 2 * len(b_ih) // 3
            self.bias = torch.cat([b_ih[:outer] + b_hh[:outer], b_ih[outer:]])
        else:
            self.bias = b_ih + b_hh

    @property
    def hidden(self) -> int:
        return self.gates.shape[-1] // len(self.letters)

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
        first = self.first[name].unsqueeze(0)
        if self.backward:
            return torch.cat([values[start + 1 :], first]) if stop == len(values) else values[start + 1 : stop + 1]
        return torch.cat([first, values[: stop - 1]]) if start == 0 else values[start - 1 : stop - 1]

    def rows(self, x: Tensor, h: Tensor, out: Tensor) -> None:
        """The gates of any steps: x (rows, input) and the h that they read (rows, output) into out (rows, k *
        hidden)."""
        w_ih, w_hh = self.weights["weight_ih"], self.weights["weight_hh"]
        if out.is_contiguous():
            torch.addmm(self.bias, x, w_ih.T, out=out)
        else:
            out.copy_(torch.addmm(self.bias, x, w_ih.T))
        size = self.hidden
        if self.inside:
            out[:, : 2 * size].addmm_(h, w_hh[: 2 * size].T)
            past = torch.addmm(self.weights["bias_hh"][2 * size :], h, w_hh[2 * size :].T)
            gates = dict(zip(self.letters, out.split(size, dim=-1), strict=True))
            out[:, : 2 * size].sigmoid_()
            gates["n"].addcmul_(gates["r"], past).tanh_()
            return
        out.addmm_(h, w_hh.T)
        if self.letters == "a":
            return
        at = 0
        for kind, run in groupby(self.letters, lambda letter: self.cell.signal(letter).kind):
            part = out[:, at : at + size * len(list(run))]
            at += part.shape[1]
            part.sigmoid_() if kind == "gate" else part.tanh_()

    def fill(self) -> float:
        """Compute every signal; the largest difference between h as the gates give it and the module's."""
        errors = []
        for start, stop in self.blocks():
            out = self.gates[start:stop].flatten(0, 1)
            self.rows(self.x[start:stop].flatten(0, 1), self.before(self.read, "h", start, stop).flatten(0, 1), out)
            if self.c is not None:
                self._scan_cell(start, stop)
            errors += self._update(start, stop)
        return _largest(errors)

    def check(self) -> float:
        """The same for gates and c that are there already."""
        return _largest([error for span in self.blocks() for error in self._update(*span)])

    def at_end(self) -> float:
        """The largest difference from the module's last states; relative, for what is above 1."""
        ends = [] if self.c is None else [(self.c, self.last["c"])]
        if self.valid is None:
            ends.append((self.states_h, self.last["h"]))
        end = 0 if self.backward else -1
        return _largest([((v[end] - last) / last.abs().clamp_(min=1.0)).abs_().max() for v, last in ends])

    def sample(self) -> float:
        """The largest difference between gates and c that are there, and those from the weights and the step before, at
        about eight steps of a few sequences, the first step included."""
        time, batch = self.x.shape[:2]
        some = slice(None, None, max(1, batch // max(1, min(4, time * batch // 512))))
        every = max(1, time // 8)
        at = slice((time - 1) % every if self.backward else 0, None, every)

        def before(values: Tensor, name: str) -> Tensor:
            first = self.first[name][None, some]
            if self.backward:
                return torch.cat([values[at.start + 1 :: every, some], first])
            return torch.cat([first, values[every - 1 : time - 1 : every, some]])

        gates, x = self.gates[at, some], self.x[at, some]
        out = x.new_empty(gates.shape)
        self.rows(x.flatten(0, 1), before(self.h, "h").flatten(0, 1), out.flatten(0, 1))
        errors = [(out - gates).abs_().max()]
        if self.c is not None:
            v = dict(zip(self.letters, gates.split(self.hidden, dim=-1), strict=True))
            c = torch.addcmul(v["i"] * v["g"], v["f"], before(self.c, "c"))
            errors.append((c - self.c[at, some]).div_(c.abs().clamp_(min=1.0)).abs_().max())
        return _largest(errors)

    def named(self, start: int, stop: int) -> dict[str, Tensor]:
        return dict(zip(self.letters, self.gates[start:stop].split(self.hidden, dim=-1), strict=True))

    def _scan_cell(self, start: int, stop: int) -> None:
        """c of a span, by the only part of an LSTM that needs a loop."""
        assert self.c is not None
        v, c = self.named(start, stop), self.c[start:stop]
        first = self.first["c"]
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

    def _update(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """h of a span from its gates; the smallest and the largest difference from the module's. These are the cells'
        equations in as few operations as they can be had; the tests compare them with the cells themselves."""
        v, own = self.named(start, stop), self.h[start:stop]
        if self.c is not None:
            h = torch.tanh(self.c[start:stop]).mul_(v["o"])
            if "weight_hr" in self.weights:
                h = h @ self.weights["weight_hr"].T
        elif self.inside:
            h = torch.lerp(v["n"], self.before(self.read, "h", start, stop), v["z"])
        elif self.cell.name == "rnn":
            h = torch.tanh(v["a"])
        else:
            h = v["a"].clamp(min=0)
        difference = h - own
        self.states_h[start:stop] = h  # which may be where the module's own stood
        if self.valid is not None:
            difference.masked_fill_(~self.valid[start:stop], 0.0)
        return torch.aminmax(difference)


def _largest(errors: Sequence[Tensor]) -> float:
    """The largest absolute value; NaN if there is one."""
    return float(torch.stack(list(errors)).abs_().max()) if errors else 0.0


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
