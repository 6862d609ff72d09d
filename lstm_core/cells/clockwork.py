"""Clockwork RNN: h = tanh(W x + (M U) h' + b) in the units whose clock strikes, of period T; others stay."""

from __future__ import annotations

import math

import numpy as np

from lstm_core.cells.base import Cell, Param, affine, candidate, gate, state

MODULES = 4


def periods(hidden: int) -> np.ndarray:
    """(hidden,): 1, 2, 4 and 8, each for a quarter of the units."""
    return 2.0 ** (np.arange(hidden) * MODULES // hidden)


def connections(hidden: int) -> np.ndarray:
    """(hidden, hidden): 1 where the unit of the row may read the unit of the column, which is as slow or slower."""
    period = periods(hidden)
    return (period[:, None] <= period[None, :]).astype(float)


class Clockwork(Cell):
    """A plain RNN in modules with clocks: a module of period T computes at every T-th step and stands still in between.

    Koutnik et al., "A clockwork RNN", ICML 2014 (arXiv 1402.3511), section 3: periods 1, 2, 4, ...; the recurrent
    matrix is upper block triangular, slow modules speak to faster ones and not the other way round. The paper leaves
    the number of modules open; here there are four, of periods 1, 2, 4 and 8. The clock starts at 0, so all modules
    read the first word.
    """

    name = "clockwork"
    title = "Clockwork RNN"
    source = "Koutník et al. 2014"
    note = "u is no learned gate: it is 1 when the clock k is a multiple of the unit's period T, and 0 in between."
    signals = (
        gate("u", "write", "on the clock: 1 where the unit computes at this step, 0 where it stands still"),
        candidate("n", "candidate: what the unit becomes when its clock strikes"),
        state("h", "hidden", "hidden state: memory and output in one", low=-1.0, high=1.0),
        state("k", "clock", "clock: number of steps so far", low=1.0, high=math.inf),
    )
    params = (
        *affine("n"),
        Param("T", ("hidden",), "period of each unit", fixed=periods),
        Param("M", ("hidden", "hidden"), "which units may read which", fixed=connections),
    )

    @staticmethod
    def gates(p, x, s, xp):
        return {
            "u": xp.divides(p.T, s.k),
            "n": xp.tanh(p.W_n @ x + (p.M * p.U_n) @ s.h + p.b_n),
        }

    @staticmethod
    def update(p, v, s, xp):
        return {"h": v.u * v.n + (1 - v.u) * s.h, "k": s.k + 1}
