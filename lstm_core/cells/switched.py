"""The peephole LSTM from which a subclass takes something away: c = f c' + i g, h = o tanh(c)."""

from __future__ import annotations

import math
from typing import Any

from lstm_core.cells.base import Cell, Param, affine, candidate, gate, state

GATES = {
    "i": ("write", "input gate: share of the candidate that is written"),
    "f": ("keep", "forget gate: share of the old cell that is kept"),
    "o": ("expose", "output gate: share of the cell that is shown"),
}


ANY: dict[str, Any] = {"low": -math.inf, "high": math.inf}
MEAN: dict[str, Any] = {"low": -1.0, "high": 1.0}
"""Of a running mean of candidates, which begins at 0."""


class Switched(Cell):
    """The LSTM with peepholes from which something is taken away, by switches given to the class.

    Greff et al., "LSTM: a search space odyssey", 2015 (arXiv 1503.04069), section IV-C: one change of the vanilla LSTM
    at a time. ``class NoForgetGate(Switched, gates="io")`` is one of them. Switches:

    gates: those that are computed; one that is left out is 1. peepholes: the gates that see the memory.
    input_activation, output_activation: tanh of what is written and of what is shown, or the value itself.
    coupled: i = 1 - f. full: every gate also reads all gates of the step before.
    """

    for_experiments = True
    source = "Greff et al. 2015"

    def __init_subclass__(
        cls,
        gates: str = "ifo",
        peepholes: str = "ifo",
        input_activation: bool = True,
        output_activation: bool = True,
        coupled: bool = False,
        full: bool = False,
    ) -> None:
        """Writes the signals and the parameters that the switches leave; see the class."""
        super().__init_subclass__()
        if Switched not in cls.__bases__:  # made from one of them, it keeps what that one has
            return
        computed = [k for k in gates if not (coupled and k == "i")]
        seen = [k for k in computed if k in peepholes]
        carried = state if full else gate
        within = coupled and input_activation
        most = math.tanh(1) if within and output_activation else 1.0 if within or output_activation else math.inf
        cls.signals = (
            *(carried(k, *GATES[k], low=0.0, high=1.0) for k in "fi" if k in gates),
            candidate("g", "candidate: what could be written", **({} if input_activation else ANY)),
            *(carried(k, *GATES[k], low=0.0, high=1.0) for k in "o" if k in gates),
            state("c", "cell", "cell state: the memory", **(MEAN if within else ANY)),
            state("h", "hidden", "hidden state: what is shown of the memory", low=-most, high=most),
        )
        cls.params = (
            *affine(*computed, "g"),
            *(Param(f"p_{k}", ("hidden",), f"weight of a unit's {'new' if k == 'o' else 'old'} cell in its {k}")
              for k in seen),
            *(Param(f"R_{j}{k}", ("hidden", "hidden"), f"weight of the old {j} in {k}")
              for k in computed if full for j in gates),
        )  # fmt: skip
        cls.bias_init = {"b_f": 1.0} if "f" in gates else {}

        def net(k: str, p: Any, x: Any, s: Any) -> Any:
            found = getattr(p, f"W_{k}") @ x + getattr(p, f"U_{k}") @ s.h
            if k in seen and k != "o":
                found = found + getattr(p, f"p_{k}") * s.c
            for j in gates if full and k != "g" else "":
                found = found + getattr(p, f"R_{j}{k}") @ getattr(s, j)
            return found + getattr(p, f"b_{k}")

        def gates_of(p: Any, x: Any, s: Any, xp: Any) -> dict[str, Any]:
            values = {k: xp.sigmoid(net(k, p, x, s)) for k in "fi" if k in computed}
            if coupled:
                values["i"] = 1 - values["f"]
            g = net("g", p, x, s)
            values["g"] = xp.tanh(g) if input_activation else g
            if "o" in computed:
                o = net("o", p, x, s)
                values |= {"o_net": o} if "o" in seen else {"o": xp.sigmoid(o)}
            return values

        def update(p: Any, v: Any, s: Any, xp: Any) -> dict[str, Any]:
            c = (v.f * s.c if "f" in gates else s.c) + (v.i * v.g if "i" in gates else v.g)
            shown = xp.tanh(c) if output_activation else c
            if "o" not in gates:
                return {"c": c, "h": shown}
            if "o" not in seen:
                return {"c": c, "h": v.o * shown}
            o = xp.sigmoid(v.o_net + p.p_o * c)
            return {"c": c, "o": o, "h": o * shown}

        cls.gates, cls.update = staticmethod(gates_of), staticmethod(update)  # type: ignore[method-assign]
