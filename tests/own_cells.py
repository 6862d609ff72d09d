"""Recurrent cells as people write them, each an ordinary module that knows nothing of Gatescope.

``seen`` is what it computed at every step, by name, if it is a list: the expected values of a trace of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

IN, UNITS = 3, 4


class Base(nn.Module):
    """form: how one calls it: "whole" returns its state and nothing else, "last" the state behind an output, "apart"
    takes and returns the states one by one; "sequence" takes all steps at once, "attribute" x alone. parts: of the
    state."""

    form, parts = "whole", 1

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[dict[str, Tensor]] | None = None

    def note(self, **values: Tensor) -> None:
        if self.seen is not None:
            self.seen.append({name: value.detach().clone() for name, value in values.items()})


def own_run(module: Base, x: Tensor, state: Any = None) -> dict[str, np.ndarray]:
    """What the module itself notes, (time, batch, unit) by name, run in the loop that one writes round it."""
    module.seen = []
    kept = getattr(module, "hidden", None)
    with torch.no_grad():
        if module.form == "sequence":
            module(x)
        else:
            for step in x:
                if module.form == "attribute":
                    module(step)
                    continue
                out = module(step, *state) if module.form == "apart" else module(step, state)
                state = out[-1] if module.form == "last" else out
    if kept is not None:
        module.hidden = kept
    seen, module.seen = module.seen, None
    return {name: torch.stack([row[name] for row in seen]).flatten(2).numpy() for name in seen[0]}


def joined(out: int = UNITS) -> nn.Linear:
    return nn.Linear(IN + UNITS, out)


class LayerNormLSTM(Base):
    """Ba et al. 2016: both products and c are normalised. Returns (h, (h, c))."""

    form, parts = "last", 2

    def __init__(self) -> None:
        super().__init__()
        self.ih, self.hh = nn.Linear(IN, 4 * UNITS), nn.Linear(UNITS, 4 * UNITS, bias=False)
        self.ln_ih, self.ln_hh, self.ln_c = nn.LayerNorm(4 * UNITS), nn.LayerNorm(4 * UNITS), nn.LayerNorm(UNITS)

    def forward(self, x: Tensor, state: Any) -> Any:
        h, c = state
        i, f, g, o = (self.ln_ih(self.ih(x)) + self.ln_hh(self.hh(h))).chunk(4, 1)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        c = f * c + i * g
        h = o * torch.tanh(self.ln_c(c))
        self.note(i=i, f=f, g=g, o=o, c=c, h=h)
        return h, (h, c)


class LayerNormGates(Base):
    """The same with every gate normalised by itself, as TensorFlow's contrib.rnn.LayerNormBasicLSTMCell has it."""

    form, parts = "last", 2

    def __init__(self) -> None:
        super().__init__()
        self.gates = nn.Linear(IN + UNITS, 4 * UNITS, bias=False)
        self.norms = nn.ModuleList(nn.LayerNorm(UNITS, eps=1e-3) for _ in range(5))

    def forward(self, x: Tensor, state: Any) -> Any:
        h, c = state
        i, g, f, o = (
            norm(z) for norm, z in zip(self.norms, self.gates(torch.cat([x, h], 1)).chunk(4, 1), strict=False)
        )
        i, f, g, o = i.sigmoid(), (f + 1.0).sigmoid(), g.tanh(), o.sigmoid()
        c = f * c + i * g
        h = o * torch.tanh(self.norms[4](c))
        self.note(i=i, f=f, g=g, o=o, c=c, h=h)
        return h, (h, c)


class PeepholeLSTM(Base):
    """Gers & Schmidhuber 2000. The states are arguments of their own: forward(x, h, c)."""

    form, parts = "apart", 2

    def __init__(self) -> None:
        super().__init__()
        self.gates = joined(4 * UNITS)
        self.w_ci, self.w_cf, self.w_co = (nn.Parameter(torch.randn(UNITS)) for _ in range(3))

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        i, f, g, o = torch.split(self.gates(torch.cat([x, h], 1)), UNITS, 1)
        i, f = torch.sigmoid(i + self.w_ci * c), torch.sigmoid(f + self.w_cf * c)
        g = torch.tanh(g)
        c = f * c + i * g
        o = torch.sigmoid(o + self.w_co * c)
        h = o * torch.tanh(c)
        self.note(i=i, f=f, g=g, o=o, c=c, h=h)
        return h, c


class CIFG(Base):
    """Greff et al. 2015, coupled input and forget gate; the state is (c, h)."""

    form, parts = "whole", 2

    def __init__(self) -> None:
        super().__init__()
        self.f, self.g, self.o = joined(), joined(), joined()

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        c, h = state
        z = torch.cat([h, x], dim=-1)[:, [*range(UNITS, UNITS + IN), *range(UNITS)]]
        f, g, o = self.f(z).sigmoid(), self.g(z).tanh(), self.o(z).sigmoid()
        c = f * c + (1 - f) * g
        h = o * c.tanh()
        self.note(f=f, g=g, o=o, i=1 - f, c=c, h=h)
        return c, h


class MGU(Base):
    """Zhou et al. 2016."""

    def __init__(self) -> None:
        super().__init__()
        self.f, self.n = joined(), joined()

    def forward(self, x: Tensor, h: Tensor | None = None) -> Tensor:
        if h is None:
            h = x.new_zeros(len(x), UNITS)
        f = torch.sigmoid(self.f(torch.cat([x, h], 1)))
        n = torch.tanh(self.n(torch.cat([x, f * h], 1)))
        h = (1 - f) * h + f * n
        self.note(f=f, n=n, h=h)
        return h


class MGU1(Base):
    """Heck & Salem 2017: the gate sees h alone."""

    def __init__(self, bias: bool = True) -> None:
        super().__init__()
        self.uf = nn.Linear(UNITS, UNITS, bias=bias)
        self.wh, self.uh = nn.Linear(IN, UNITS), nn.Linear(UNITS, UNITS, bias=False)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        f = torch.sigmoid(self.uf(h))
        n = torch.tanh(self.wh(x) + self.uh(f * h))
        new = (1 - f) * h + f * n
        self.note(f=f, n=n, h=new)
        return new


class MGU2(MGU1):
    """Heck & Salem 2017: and has no bias."""

    def __init__(self) -> None:
        super().__init__(bias=False)


class MGU3(Base):
    """Heck & Salem 2017: the gate is a bias alone."""

    def __init__(self) -> None:
        super().__init__()
        self.bf = nn.Parameter(torch.randn(UNITS))
        self.wh, self.uh = nn.Linear(IN, UNITS), nn.Linear(UNITS, UNITS, bias=False)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        f = torch.sigmoid(self.bf).expand_as(h)
        n = torch.tanh(self.wh(x) + self.uh(f * h))
        new = (1 - f) * h + f * n
        self.note(f=f, n=n, h=new)
        return new


class LiGRU(Base):
    """Ravanelli et al. 2018, as SpeechBrain writes it: the whole sequence, batch first, batch norm on the input."""

    form = "sequence"

    def __init__(self) -> None:
        super().__init__()
        self.w, self.u = nn.Linear(IN, 2 * UNITS, bias=False), nn.Linear(UNITS, 2 * UNITS, bias=False)
        self.norm = nn.BatchNorm1d(2 * UNITS)
        self.register_buffer("h_init", torch.zeros(1, UNITS))
        nn.init.normal_(self.norm.weight)
        nn.init.normal_(self.norm.bias)
        self.norm.running_mean, self.norm.running_var = torch.randn(2 * UNITS), torch.rand(2 * UNITS) + 0.5

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        w = self.norm(self.w(x).flatten(0, 1)).unflatten(0, x.shape[:2])
        h, rows = self.h_init.expand(len(x), -1), []
        for k in range(w.shape[1]):
            n, z = (w[:, k] + self.u(h)).chunk(2, 1)
            z, n = torch.sigmoid(z), torch.relu(n)
            h = z * h + (1 - z) * n
            self.note(z=z, n=n, h=h)
            rows.append(h)
        return torch.stack(rows, dim=1), h


class IndRNN(Base):
    """Li et al. 2018: every unit reads itself alone."""

    def __init__(self) -> None:
        super().__init__()
        self.weight_ih, self.weight_hh = nn.Parameter(torch.randn(UNITS, IN)), nn.Parameter(torch.rand(UNITS))
        self.bias_ih = nn.Parameter(torch.randn(UNITS))

    def forward(self, input: Tensor, hx: Tensor) -> Tensor:
        h = F.relu(F.linear(input, self.weight_ih, self.bias_ih) + self.weight_hh * hx)
        self.note(h=h)
        return h


class SRU(Base):
    """Lei et al. 2018, version 1: all products before the loop, a highway past it. Returns (all h, last c)."""

    form = "sequence"

    def __init__(self) -> None:
        super().__init__()
        self.x_hat, self.forget, self.reset = (
            nn.Linear(IN, UNITS, bias=False),
            nn.Linear(IN, UNITS),
            nn.Linear(IN, UNITS),
        )
        self.skip = nn.Linear(IN, UNITS, bias=False)

    def forward(self, x: Tensor, c: Tensor | None = None) -> tuple[Tensor, Tensor]:
        c = x.new_zeros(x.shape[1], UNITS) if c is None else c
        g, f, r, s = self.x_hat(x), self.forget(x).sigmoid(), self.reset(x).sigmoid(), self.skip(x)
        rows = []
        for t in range(len(x)):
            c = f[t] * c + (1 - f[t]) * g[t]
            rows.append(r[t] * torch.tanh(c) + (1 - r[t]) * s[t])
            self.note(f=f[t], r=r[t], g=g[t], skip=s[t], c=c, h=rows[-1])
        return torch.stack(rows), c


class QRNN(Base):
    """Bradbury et al. 2016: a masked convolution of width 2 in time, then fo-pooling. x: (batch, time, input)."""

    form = "sequence"

    batch_first = True

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(IN, 3 * UNITS, 2)
        self.memory = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        z, f, o = self.conv(F.pad(x.transpose(1, 2), (1, 0))).chunk(3, 1)
        z, f, o = torch.tanh(z), torch.sigmoid(f), torch.sigmoid(o)
        c, rows = x.new_zeros(len(x), UNITS), []
        for t in range(x.shape[1]):
            c = self.memory(f[..., t] * c + (1 - f[..., t]) * z[..., t])
            rows.append(o[..., t] * c)
            self.note(z=z[..., t], f=f[..., t], o=o[..., t], c=c, h=rows[-1])
        return torch.stack(rows, 1)


class MinGRU(Base):
    """Feng et al. 2024, whole sequences, by a cumulative sum and no loop; (batch, time, input)."""

    form = "sequence"

    def __init__(self) -> None:
        super().__init__()
        self.to_hidden, self.to_gate = nn.Linear(IN, UNITS), nn.Linear(IN, UNITS)

    def forward(self, x: Tensor) -> Tensor:
        z, n = self.to_gate(x).sigmoid(), self.to_hidden(x)
        kept = torch.cumprod(1 - z, dim=1)
        h = kept * torch.cumsum(z * n / kept, dim=1)
        for t in range(x.shape[1]):
            self.note(z=z[:, t], n=n[:, t], h=h[:, t])
        return h


class MinLSTM(Base):
    """Feng et al. 2024, one step."""

    def __init__(self) -> None:
        super().__init__()
        self.f, self.i, self.g = (nn.Linear(IN, UNITS) for _ in range(3))

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        f, i, g = self.f(x).sigmoid(), self.i(x).sigmoid(), self.g(x)
        f, i = f / (f + i), i / (f + i)
        h = f * h + i * g
        self.note(f=f, i=i, g=g, h=h)
        return h


class BRC(Base):
    """Vecoven et al. 2021, bistable: each unit reads itself."""

    def __init__(self) -> None:
        super().__init__()
        self.u_x, self.a_x, self.c_x = (nn.Linear(IN, UNITS, bias=False) for _ in range(3))
        self.a_w, self.c_w = (nn.Parameter(torch.randn(UNITS)) for _ in range(2))

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        a = 1 + torch.tanh(self.a_x(x) + self.a_w * h)
        c = torch.sigmoid(self.c_x(x) + self.c_w * h)
        n = torch.tanh(self.u_x(x) + a * h)
        h = c * h + (1 - c) * n
        self.note(a=a, c=c, n=n, h=h)
        return h


class FastRNN(Base):
    """Kusupati et al. 2018: a plain RNN with a leak of two scalars."""

    def __init__(self) -> None:
        super().__init__()
        self.w, self.u = nn.Linear(IN, UNITS), nn.Linear(UNITS, UNITS, bias=False)
        self.alpha, self.beta = nn.Parameter(torch.tensor(-1.0)), nn.Parameter(torch.tensor(2.0))

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        n = torch.tanh(self.w(x) + self.u(h))
        h = torch.sigmoid(self.alpha) * n + torch.sigmoid(self.beta) * h
        self.note(n=n, h=h)
        return h


class FastGRNN(Base):
    """Kusupati et al. 2018: one product for gate and candidate, low rank."""

    def __init__(self) -> None:
        super().__init__()
        self.w1, self.w2 = nn.Parameter(torch.randn(IN, 2)), nn.Parameter(torch.randn(2, UNITS))
        self.u1, self.u2 = nn.Parameter(torch.randn(UNITS, 2)), nn.Parameter(torch.randn(2, UNITS))
        self.bias_gate, self.bias_update = nn.Parameter(torch.randn(1, UNITS)), nn.Parameter(torch.randn(1, UNITS))
        self.zeta, self.nu = nn.Parameter(torch.ones(1, 1)), nn.Parameter(-4 * torch.ones(1, 1))

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        pre = x @ self.w1 @ self.w2 + h @ self.u1 @ self.u2
        z, n = torch.sigmoid(pre + self.bias_gate), torch.tanh(pre + self.bias_update)
        h = z * h + (torch.sigmoid(self.zeta) * (1 - z) + torch.sigmoid(self.nu)) * n
        self.note(z=z, n=n, h=h)
        return h


class RAN(Base):
    """Lee et al. 2017, recurrent additive: what is written is linear in the input."""

    form, parts = "last", 2

    def __init__(self) -> None:
        super().__init__()
        self.content, self.i, self.f = nn.Linear(IN, UNITS, bias=False), joined(), joined()

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        h, c = state
        z = torch.cat([x, h], 1)
        g, i, f = self.content(x), self.i(z).sigmoid(), self.f(z).sigmoid()
        c = i * g + f * c
        h = torch.tanh(c)
        self.note(g=g, i=i, f=f, c=c, h=h)
        return h, (h, c)


class SCRN(Base):
    """Mikolov et al. 2014: a slow context of another size beside the hidden units. Returns (y, (h, s))."""

    form, parts = "last", 2

    def __init__(self) -> None:
        super().__init__()
        self.B, self.A, self.P = nn.Linear(IN, 2, bias=False), nn.Linear(IN, UNITS), nn.Linear(2, UNITS, bias=False)
        self.R, self.U, self.V = nn.Linear(UNITS, UNITS), nn.Linear(UNITS, 5), nn.Linear(2, 5)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        h, s = state
        b = self.B(x)
        s = 0.05 * b + 0.95 * s
        h = torch.sigmoid(self.P(s) + self.A(x) + self.R(h))
        y = F.softmax(self.U(h) + self.V(s), -1)
        self.note(b=b, s=s, h=h, y=y)
        return y, (h, s)


class AntisymmetricRNN(Base):
    """Chang et al. 2019."""

    def __init__(self) -> None:
        super().__init__()
        self.w, self.v = nn.Parameter(torch.randn(UNITS, UNITS)), nn.Linear(IN, UNITS)
        self.eps, self.gamma = 0.3, 0.1

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        m = self.w - self.w.T - self.gamma * torch.eye(UNITS, dtype=self.w.dtype)
        n = torch.tanh(h @ m.T + self.v(x))
        h = h + self.eps * n
        self.note(n=n, h=h)
        return h


class CoRNN(Base):
    """Rusch & Mishra 2021, coupled oscillators: (hy, hz) as arguments of their own."""

    form, parts = "apart", 2

    def __init__(self) -> None:
        super().__init__()
        self.i2h = nn.Linear(IN + 2 * UNITS, UNITS)
        self.dt, self.gamma, self.epsilon = 0.2, 1.5, 0.7

    def forward(self, x: Tensor, hy: Tensor, hz: Tensor) -> tuple[Tensor, Tensor]:
        a = torch.tanh(self.i2h(torch.cat((x, hz, hy), 1)))
        hz = hz + self.dt * (a - self.gamma * hy - self.epsilon * hz)
        hy = hy + self.dt * hz
        self.note(a=a, z=hz, h=hy)
        return hy, hz


class MultiplicativeLSTM(Base):
    """Krause et al. 2016: the gates read m = (W x)(U h) in place of h."""

    form, parts = "last", 2

    def __init__(self) -> None:
        super().__init__()
        self.wmx, self.wmh = nn.Linear(IN, UNITS, bias=False), nn.Linear(UNITS, UNITS, bias=False)
        self.wx, self.wh = nn.Linear(IN, 4 * UNITS), nn.Linear(UNITS, 4 * UNITS, bias=False)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        h, c = state
        m = self.wmx(x) * self.wmh(h)
        i, f, o, g = (self.wx(x) + self.wh(m)).chunk(4, 1)
        i, f, o, g = i.sigmoid(), f.sigmoid(), o.sigmoid(), g.tanh()
        c = f * c + i * g
        h = o * c.tanh()
        self.note(m=m, i=i, f=f, o=o, g=g, c=c, h=h)
        return h, (h, c)


class NAS(Base):
    """Zoph & Le 2017, as TensorFlow's contrib.rnn.NASCell computes it."""

    form, parts = "last", 2

    def __init__(self) -> None:
        super().__init__()
        self.w, self.u = nn.Linear(IN, 8 * UNITS), nn.Linear(UNITS, 8 * UNITS, bias=False)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        h, c = state
        w, u = self.w(x).chunk(8, 1), self.u(h).chunk(8, 1)
        a = [F.sigmoid(w[0] + u[0]), F.relu(w[1] + u[1]), F.sigmoid(w[2] + u[2]), F.relu(w[3] * u[3])]
        a += [F.tanh(w[4] + u[4]), F.sigmoid(w[5] + u[5]), F.tanh(w[6] + u[6]), F.sigmoid(w[7] + u[7])]
        b = [F.tanh(a[0] * a[1]), F.tanh(a[2] + a[3]), F.tanh(a[4] * a[5]), F.sigmoid(a[6] + a[7])]
        c = F.tanh(b[0] + c) * b[1]
        h = F.tanh(c * F.tanh(b[2] + b[3]))
        self.note(b0=b[0], b1=b[1], b2=b[2], b3=b[3], c=c, h=h)
        return h, (h, c)


class LEM(Base):
    """Rusch et al. 2022, long expressive memory: (y, z)."""

    form, parts = "apart", 2

    def __init__(self) -> None:
        super().__init__()
        self.inp, self.hid = nn.Linear(IN, 4 * UNITS), nn.Linear(UNITS, 3 * UNITS)
        self.transform_z = nn.Linear(UNITS, UNITS)
        self.dt = 0.8

    def forward(self, x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        i_dt1, i_dt2, i_z, i_y = self.inp(x).chunk(4, 1)
        h_dt1, h_dt2, h_y = self.hid(y).chunk(3, 1)
        slow, fast = self.dt * torch.sigmoid(i_dt1 + h_dt1), self.dt * torch.sigmoid(i_dt2 + h_dt2)
        g = torch.tanh(i_y + h_y)
        z = (1.0 - fast) * z + fast * g
        n = torch.tanh(self.transform_z(z) + i_z)
        y = (1.0 - slow) * y + slow * n
        self.note(slow=slow, fast=fast, g=g, n=n, z=z, h=y)
        return y, z


class ConvLSTM(Base):
    """Shi et al. 2015, the usual cell without peepholes: (batch, channel, height, width)."""

    form, parts = "whole", 2

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2 + 3, 12, 3, padding=1)

    def forward(self, input_tensor: Tensor, cur_state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        h, c = cur_state
        i, f, o, g = torch.split(self.conv(torch.cat([input_tensor, h], dim=1)), 3, dim=1)
        i, f, o, g = i.sigmoid(), f.sigmoid(), o.sigmoid(), g.tanh()
        c = f * c + i * g
        h = o * torch.tanh(c)
        self.note(i=i, f=f, o=o, g=g, c=c, h=h)
        return h, c


class ConvGRU(Base):
    """Ballas et al. 2016, gates from convolutions of their own, each with its function as a module."""

    def __init__(self) -> None:
        super().__init__()
        self.reset, self.update, self.out = (
            nn.Sequential(nn.Conv2d(2 + 3, 3, 3, padding=1), function)
            for function in (nn.Sigmoid(), nn.Sigmoid(), nn.Tanh())
        )

    def forward(self, x: Tensor, h: Tensor | None = None) -> Tensor:
        h = x.new_zeros(len(x), 3, *x.shape[2:]) if h is None else h
        z = torch.cat([x, h], 1)
        r, u = self.reset(z), self.update(z)
        n = self.out(torch.cat([x, h * r], 1))
        h = h * (1 - u) + n * u
        self.note(r=r, u=u, n=n, h=h)
        return h


class CharRNN(Base):
    """The tutorial's loop over nn.Linear: an output that is a readout, and the hidden state."""

    form = "last"

    def __init__(self) -> None:
        super().__init__()
        self.i2h, self.h2o = joined(), nn.Linear(UNITS, 5)

    def forward(self, input: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        hidden = torch.tanh(self.i2h(torch.cat((input, hidden), 1)))
        output = F.log_softmax(self.h2o(hidden), dim=1)
        self.note(h=hidden, y=output)
        return output, hidden


class StreamingGRU(Base):
    """Keeps its state in an attribute, and takes x alone."""

    form = "attribute"

    def __init__(self) -> None:
        super().__init__()
        self.wr, self.wz, self.wn, self.un = joined(), joined(), nn.Linear(IN, UNITS), nn.Linear(UNITS, UNITS)
        self.hidden = torch.full((1, UNITS), 0.25, dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        h = self.hidden.expand(len(x), -1)
        z = torch.cat([x, h], 1)
        r, u = self.wr(z).sigmoid(), self.wz(z).sigmoid()
        n = torch.tanh(self.wn(x) + r * self.un(h))
        self.hidden = (1 - u) * n + u * h
        self.note(r=r, z=u, n=n, h=self.hidden)
        return self.hidden
