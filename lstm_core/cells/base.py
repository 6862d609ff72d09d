"""What a recurrent cell is: its signals, its parameters and the equations of one step."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from lstm_core.say import say

Kind = Literal["gate", "candidate", "state", "output"]


@dataclass(frozen=True)
class Signal:
    """One quantity a cell computes at every step: its ``name`` in the equations, its ``kind`` ("gate", "candidate",
    "state" or "output"), and its ``meaning`` in a few words.

    A state is carried to the next step; an output goes to the layer above and is computed anew at every step.

    ``role`` says what it is for, in words that hold for every cell ("keep", "write", "candidate", "reset", "expose",
    "cell", "hidden"), so that two cells can be drawn in the same rows. ``low`` and ``high`` bound its values.
    """

    name: str
    kind: Kind
    role: str
    meaning: str
    low: float
    high: float


def gate(name: str, role: str, meaning: str, low: float = 0.0, high: float = 1.0) -> Signal:
    """A signal between 0 and 1 (unless ``low`` and ``high`` say otherwise) that multiplies others."""
    return Signal(name, "gate", role, meaning, low, high)


def candidate(name: str, meaning: str, low: float = -1.0, high: float = 1.0, role: str = "candidate") -> Signal:
    """A signal that a state may be made of, between -1 and 1 unless ``low`` and ``high`` say otherwise."""
    return Signal(name, "candidate", role, meaning, low, high)


def state(name: str, role: str, meaning: str, low: float = -math.inf, high: float = math.inf) -> Signal:
    """A signal that is carried to the next step; unbounded unless ``low`` and ``high`` say otherwise."""
    return Signal(name, "state", role, meaning, low, high)


def upward(name: str, role: str, meaning: str, low: float = -math.inf, high: float = math.inf) -> Signal:
    """A signal that the layer above reads and that is computed anew at every step (see ``Cell.output``)."""
    return Signal(name, "output", role, meaning, low, high)


@dataclass(frozen=True)
class Param:
    """A parameter and its axes, each "hidden" or "input": ``W_f`` is (hidden, input), as in the papers and in torch.
    ``name`` is the one in the equations, ``meaning`` says in a few words what it is.

    ``fixed``, if given, makes the values of a parameter that is not trained from the hidden size (a clock's periods).
    """

    name: str
    axes: tuple[str, ...]
    meaning: str
    fixed: Callable[[int], np.ndarray] | None = None

    def shape(self, input_size: int, hidden_size: int) -> tuple[int, ...]:
        """Sizes of the axes, (hidden, input) for a ``W_f``, in a layer of those sizes."""
        sizes = {"input": input_size, "hidden": hidden_size}
        return tuple(sizes[axis] for axis in self.axes)


def affine(*names: str, hidden: bool = True) -> tuple[Param, ...]:
    """The parameters of ``W_k x_t + U_k h_{t-1} + b_k`` for each k in ``names``; without the U_k if not ``hidden``."""
    return tuple(
        param
        for k in names
        for param in (
            Param(f"W_{k}", ("hidden", "input"), f"weight of the input in {k}"),
            Param(f"U_{k}", ("hidden", "hidden"), f"weight of the old hidden state in {k}"),
            Param(f"b_{k}", ("hidden",), f"bias of {k}"),
        )
        if hidden or not param.name.startswith("U_")
    )


class Cell:
    """A recurrent cell, written once and run on NumPy arrays, on torch tensors and on symbols.

    A cell is a class and is never instantiated. It declares its ``name`` (by which ``CELLS`` finds it), the ``title``
    that is shown, its ``source`` (a paper), perhaps a ``note`` on how it differs from others, its ``signals``, its
    ``params`` (``Param``), and in ``bias_init`` the biases that a training starts from, where that is not 0 (a forget
    bias of 1).

    ``gates`` and ``update`` together are one time step:

    - ``gates(p, x, s, xp)``: what is computed from the input ``x`` (..., input) and the old states ``s`` (s.h is
      (..., hidden)). ``p`` holds the parameters; a matrix is applied as in the papers, ``p.W_f @ x``.
    - ``update(p, v, s, xp)``: elementwise, the new states (and gates that depend on them) from the values ``v`` that
      ``gates`` returned and the old states.

    ``xp`` is the back end (see ``lstm_core.ops``). Both return a dict from name to value. A name that is not
    declared in ``signals`` is an intermediate result: ``update`` gets it, the trace does not, and the equations write
    it out in full.

    ``by_values`` is True for a cell of which the values of its gates are known and not their equations
    (``lstm_core.observed``): it cannot be run.

    ``for_experiments`` is True for a cell that is measured and not offered: it stands in ``VARIANTS`` and not in
    ``CELLS``.

    ``output`` is the signal that the layer above reads. ``below`` names signals of the layer below, at the same
    step, that the cell reads beside it: "c" comes as ``s.below_c`` (..., hidden), zeros under the first layer.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    note: ClassVar[str] = ""
    signals: ClassVar[tuple[Signal, ...]]
    params: ClassVar[tuple[Param, ...]]
    bias_init: ClassVar[Mapping[str, float]] = {}
    output: ClassVar[str] = "h"
    below: ClassVar[tuple[str, ...]] = ()
    by_values: ClassVar[bool] = False
    for_experiments: ClassVar[bool] = False

    @staticmethod
    def gates(p: Any, x: Any, s: Any, xp: Any) -> dict[str, Any]:
        """What a step computes from the input and the old states, by name; see the class."""
        raise NotImplementedError

    @staticmethod
    def update(p: Any, v: Any, s: Any, xp: Any) -> dict[str, Any]:
        """The new states of a step, by name, elementwise; see the class."""
        raise NotImplementedError

    @classmethod
    def signal(cls, name: str) -> Signal:
        """The declaration of that signal. Raises ValueError for another name, with those there are."""
        for signal in cls.signals:
            if signal.name == name:
                return signal
        names = ", ".join(signal.name for signal in cls.signals)
        error = say("the cell {cell} has no signal {name!r}; it has {names}", cell=cls.name, name=name, names=names)
        raise ValueError(error)

    @classmethod
    def states(cls) -> tuple[str, ...]:
        """Names of the states carried from one step to the next."""
        return tuple(signal.name for signal in cls.signals if signal.kind == "state")
