"""Jozefowicz et al. 2015: MUT1, MUT2 and MUT3, h = z n + (1 - z) h', for experiments."""

from __future__ import annotations

from lstm_core.cells.base import Cell, Param, candidate, gate, state


def weights(*pairs: str) -> tuple[Param, ...]:
    """E, and of each of ``pairs`` its matrix: "Wz" reads the input and "Uz" the old state; then the three biases."""
    reads = {"W": "the input", "U": "the old hidden state"}
    square = (Param(f"{m}_{k}", ("hidden", "hidden"), f"weight of {reads[m]} in {k}") for m, k in pairs)
    biases = (Param(f"b_{k}", ("hidden",), f"bias of {k}") for k in "zrn")
    return Param("E", ("hidden", "input"), "makes the input as wide as the state"), *square, *biases


class Mutant(Cell):
    """What the three best of ten thousand cells have in common.

    Jozefowicz, Zaremba & Sutskever, "An empirical exploration of recurrent network architectures", ICML 2015, section
    3.1. The paper's x_t is as wide as h, since one of the cells adds it as it is and another its tanh: here E x_t
    stands for it. W_hh is U_n, W_xh is W_n; their z is the share that is written.
    """

    for_experiments = True
    source = "Jozefowicz et al. 2015"
    note = "z writes and 1 \N{MINUS SIGN} z keeps, as in the paper; its input is E x here, as wide as the state."
    signals = (
        gate("z", "write", "update gate: share of the candidate that is written"),
        gate("r", "reset", "reset gate: share of the old state that the candidate may see"),
        candidate("n", "candidate: what could be written"),
        state("h", "hidden", "hidden state: memory and output in one", low=-1.0, high=1.0),
    )
    bias_init = {"b_z": -1.0}

    @staticmethod
    def update(p, v, s, xp):
        return {"h": v.n * v.z + s.h * (1 - v.z)}


class MUT1(Mutant):
    """z sees the input alone, and the candidate its tanh."""

    name = "mut1"
    title = "MUT1"
    params = weights("Wz", "Wr", "Ur", "Un")

    @staticmethod
    def gates(p, x, s, xp):
        e = p.E @ x
        r = xp.sigmoid(p.W_r @ e + p.U_r @ s.h + p.b_r)
        return {
            "z": xp.sigmoid(p.W_z @ e + p.b_z),
            "r": r,
            "n": xp.tanh(p.U_n @ (r * s.h) + xp.tanh(e) + p.b_n),
        }


class MUT2(Mutant):
    """r adds the input as it is."""

    name = "mut2"
    title = "MUT2"
    params = weights("Wz", "Uz", "Ur", "Wn", "Un")

    @staticmethod
    def gates(p, x, s, xp):
        e = p.E @ x
        r = xp.sigmoid(e + p.U_r @ s.h + p.b_r)
        return {
            "z": xp.sigmoid(p.W_z @ e + p.U_z @ s.h + p.b_z),
            "r": r,
            "n": xp.tanh(p.U_n @ (r * s.h) + p.W_n @ e + p.b_n),
        }


class MUT3(Mutant):
    """z sees the tanh of the old state."""

    name = "mut3"
    title = "MUT3"
    params = weights("Wz", "Uz", "Wr", "Ur", "Wn", "Un")

    @staticmethod
    def gates(p, x, s, xp):
        e = p.E @ x
        r = xp.sigmoid(p.W_r @ e + p.U_r @ s.h + p.b_r)
        return {
            "z": xp.sigmoid(p.W_z @ e + p.U_z @ xp.tanh(s.h) + p.b_z),
            "r": r,
            "n": xp.tanh(p.U_n @ (r * s.h) + p.W_n @ e + p.b_n),
        }
