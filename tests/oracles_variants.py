"""Oracles of the cells for experiments, in NumPy from their papers; nothing of ours is imported, as in ``oracles``.

Greff et al. 2015 write z for the candidate, y for the output, R for the recurrent weights; our U, g and h are theirs
renamed. Each variant is one change of the vanilla LSTM of their section II-A, as their section III lists them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

Oracle = Callable[..., list[dict[str, list[float]]]]


def sigma(a: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * a))


def vanilla(params: dict[str, Any], xs: list[list[float]], state: dict[str, list[float]], change: str) -> Any:
    p = {name: np.array(value) for name, value in params.items()}
    y, c = np.array(state["h"]), np.array(state["c"])
    before = {k: np.array(state.get(k, np.zeros_like(c))) for k in "ifo"}
    peepholes = change[1:] if change.startswith("P") else "ifo"
    steps = []
    for x in xs:

        def net(k: str, x: list[float] = x, y: np.ndarray = y, before: Any = before) -> np.ndarray:
            found = p[f"W_{k}"] @ np.array(x) + p[f"U_{k}"] @ y + p[f"b_{k}"]
            if change == "FGR" and k != "g":
                found = found + sum(p[f"R_{j}{k}"] @ before[j] for j in "ifo")
            return found

        def peep(k: str, memory: np.ndarray) -> np.ndarray | float:
            return p[f"p_{k}"] * memory if k in peepholes else 0.0

        z = net("g") if change == "NIAF" else np.tanh(net("g"))
        f = np.ones_like(c) if change == "NFG" else sigma(net("f") + peep("f", c))
        i = 1 - f if change == "CIFG" else np.ones_like(c)
        if change not in ("CIFG", "NIG"):
            i = sigma(net("i") + peep("i", c))
        c = z * i + c * f
        o = np.ones_like(c) if change == "NOG" else sigma(net("o") + peep("o", c))
        y = (c if change == "NOAF" else np.tanh(c)) * o
        before = {"i": i, "f": f, "o": o}
        step = {"i": i, "f": f, "g": z, "o": o, "c": c, "h": y}
        taken = {"NIG": "i", "NFG": "f", "NOG": "o"}.get(change)
        steps.append({name: value.tolist() for name, value in step.items() if name != taken})
    return steps


def mutant(params: dict[str, Any], xs: list[list[float]], state: dict[str, list[float]], number: int) -> Any:
    """Jozefowicz et al. 2015, section 3.1: W_hh is U_n, W_xh W_n, W_xz W_z, W_hz U_z, W_xr W_r and W_hr U_r."""
    p = {name: np.array(value) for name, value in params.items()}
    h, steps = np.array(state["h"]), []
    for row in xs:
        x = p["E"] @ np.array(row)
        if number == 1:
            z, r = sigma(p["W_z"] @ x + p["b_z"]), sigma(p["W_r"] @ x + p["U_r"] @ h + p["b_r"])
            n = np.tanh(p["U_n"] @ (r * h) + np.tanh(x) + p["b_n"])
        elif number == 2:
            z, r = sigma(p["W_z"] @ x + p["U_z"] @ h + p["b_z"]), sigma(x + p["U_r"] @ h + p["b_r"])
            n = np.tanh(p["U_n"] @ (r * h) + p["W_n"] @ x + p["b_n"])
        else:
            z = sigma(p["W_z"] @ x + p["U_z"] @ np.tanh(h) + p["b_z"])
            r = sigma(p["W_r"] @ x + p["U_r"] @ h + p["b_r"])
            n = np.tanh(p["U_n"] @ (r * h) + p["W_n"] @ x + p["b_n"])
        h = n * z + h * (1 - z)
        steps.append({"z": z.tolist(), "r": r.tolist(), "n": n.tolist(), "h": h.tolist()})
    return steps


CHANGES = {
    "no_input_gate": "NIG",
    "no_forget_gate": "NFG",
    "no_output_gate": "NOG",
    "no_input_activation": "NIAF",
    "no_output_activation": "NOAF",
    "coupled_peephole": "CIFG",
    "full_gate_recurrence": "FGR",
    "peephole_i": "Pi",
    "peephole_f": "Pf",
    "peephole_o": "Po",
}
VARIANT_ORACLES: dict[str, Oracle] = {
    **{name: partial(vanilla, change=change) for name, change in CHANGES.items()},
    **{f"mut{number}": partial(mutant, number=number) for number in (1, 2, 3)},
}
