"""A trace: every signal of every step, with named axes, and the evidence that it is right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, KeysView, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from lstm_core.attention import ALPHA
from lstm_core.cells.base import Cell, Signal
from lstm_core.certificate import Broken, Certificate
from lstm_core.equations import carry
from lstm_core.kinds import kinds
from lstm_core.names import Names
from lstm_core.ops import host
from lstm_core.say import say
from lstm_core.share import share
from lstm_core.shown import drawer
from lstm_core.text import Token

if TYPE_CHECKING:
    import os

    import pandas
    import xarray


AXES = ("layer", "direction", "time", "batch", "unit")
"""The axes of every signal, in this order."""

Index = int | np.integer | slice | Sequence[int] | Sequence[bool] | np.ndarray
"""What picks along an axis: a number, a slice, several numbers, or True and False for each."""


def where_made(signals: Mapping[str, np.ndarray]) -> Mapping[str, Any]:
    """``Trace.signals`` without a copy: tensors on the device that made them, if they are there, or NumPy arrays."""
    return getattr(signals, "tensors", signals)


@dataclass(frozen=True, eq=False, repr=False)
class Trace:
    """What a recurrent network did with one input.

    cell: the class of the cell that ran, whose signals these are.
    signals: by name, each (layer, direction, time, batch, unit), NumPy, in the precision of the run. ``time`` is the
        index of the token in both directions; direction 1, if there is one, ran from the last token to the first, and
        so did the only one of a trace that is ``reverse``.
    inputs: (time, batch, input), what the first layer read.
    layers: the parameters that ran, by layer, direction and name (see ``Cell.params``). Traces of one module share them
        while the module's own stay the same, so they cannot be written to.
    initial: the state before the first step, by name, each (layer, direction, batch, unit).
    tokens: what the steps read, if it was text.
    device, seconds: where the run took place and how long it took.
    certificate: what was compared with the module that was traced, or with the runtime that a file's block was checked
        against (``Block.check``), and how far apart they were; None where there was nothing to compare with.
    attention: the parameters of the attention that read the top layer's states (``lstm_core.attention``); None without.
        Its weights are then the signal "alpha", whose units are the steps that were read.
    lengths: the number of steps of each sequence of the batch, where they differ; None where all are full. Signals are
        NaN after the end of a sequence: a step that was not taken has no value.
    assumed: what neither the module nor its file says and was taken for granted, each a sentence without its full stop.
    method: the way in which a module's gates were found, "product" for one (``lstm_core.modules.ways``); "" for a run
        of our own.
    broken: the first value that is not a number or not finite, if a module's run had one. Each sequence then ends with
        its own first bad step (``lengths``); with two directions, whose ends differ, all steps are there.
    continued: (time, batch, 2), the step and the row whose state each step went on from, where rows do not simply go on
        from themselves (beam search, finished rows held back); None where they do. Step -1 is a row of ``initial``, and
        -2 marks a step at which the batch did not have the row (its signals are NaN). ``sequence`` follows it.
    reverse: whether the only direction ran from the last token to the first (Keras's ``go_backwards``).
    network: the ``Network`` that ran, with its words; None where none is known, as in a trace read from a file.
    forced: what was forced in its run (``analysis.intervene``, ``trace_all(force=...)``), each as it is written.
    roles: by role ("keep", "write", "cell", ...), the name of the signal that plays it; see ``role``.
    """

    cell: type[Cell]
    signals: Mapping[str, np.ndarray]
    inputs: np.ndarray
    layers: Sequence[Sequence[Mapping[str, np.ndarray]]]
    initial: Mapping[str, np.ndarray]
    tokens: tuple[Token, ...] = ()
    device: str = "cpu"
    seconds: float = 0.0
    certificate: Certificate | None = None
    lengths: tuple[int, ...] | None = None
    attention: Mapping[str, np.ndarray] | None = None
    assumed: tuple[str, ...] = ()
    continued: np.ndarray | None = None
    method: str = ""
    broken: Broken | None = None
    reverse: bool = False
    network: Any = None
    forced: tuple[str, ...] = ()
    roles: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Notes which signal has which role."""
        for name in ("signals", "initial"):
            if type(by_name := getattr(self, name)) is dict:
                object.__setattr__(self, name, Names(by_name))
        object.__setattr__(self, "roles", {signal.role: signal.name for signal in self.declared})

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: all but the network."""
        return {**self.__dict__, "network": None}

    def __len__(self) -> int:
        """Number of time steps."""
        return len(self.inputs)

    def __repr__(self) -> str:
        """What it is of, on one line: the arrays are thousands of numbers."""
        layers, directions, time, batch, _ = self.shape
        units = self.hidden_size
        sizes = {"layers": layers, "directions": directions, "steps": time, "batch": batch, "units": units}
        said = ", ".join(f"{name}={size}" for name, size in sizes.items())
        error = "" if self.certificate is None else f", certificate={str(self.certificate)!r}"
        error += f", forced={'; '.join(self.forced)!r}" if self.forced else ""
        error += "" if self.broken is None else f", broken={str(self.broken)!r}"
        return f"Trace({self.cell.name}, {said}, signals={' '.join(self.signals)}, device={self.device}{error})"

    @property
    def max_abs_error(self) -> float | None:
        """The largest difference of h from the output of what was traced; None where there was nothing to compare."""
        return None if self.certificate is None else self.certificate.error

    @property
    def final(self) -> dict[str, np.ndarray]:
        """The states after each sequence's last step, by name, laid out as ``initial``, as far as they were kept. The
        backward direction's last step is the first in time. Of a sequence without steps they are the initial ones."""
        if not len(self):
            return Names({name: values.copy() for name, values in self.initial.items()})
        batch = np.arange(self.inputs.shape[1])
        last = np.array(self.lengths or [len(self)] * len(batch)) - 1
        if self.continued is not None:  # the last step at which the batch had the row
            last -= (self.continued[::-1, :, 0] > -2).argmax(axis=0)
        ends = (np.minimum(last, 0),) if self.reverse else (last, np.zeros_like(last))
        found: dict[str, np.ndarray] = Names()
        for name in self.initial:
            if name not in self.signals:
                continue
            values = where_made(self.signals)[name]
            rows = [host(values[:, d, ends[d], batch]) for d in range(values.shape[1])]
            found[name] = np.where(last[:, None] < 0, self.initial[name], np.stack(rows, axis=1))
        return found

    @property
    def declared(self) -> tuple[Signal, ...]:
        """What is declared of each signal: the cell's, and the attention's weights if there are any."""
        return (*self.cell.signals, ALPHA) if self.attention else self.cell.signals

    @property
    def hidden_size(self) -> int:
        """Units of h; of the first signal where h was not kept."""
        return self.shape[-1]

    @property
    def shape(self) -> tuple[int, ...]:
        """(layer, direction, time, batch, unit) of h, or of the first signal where h was not kept. Nothing is copied
        from a device for it."""
        signals = where_made(self.signals)
        return tuple((signals["h"] if "h" in signals else next(iter(signals.values()))).shape)

    @property
    def tensors(self) -> Mapping[str, Any]:
        """The signals as torch tensors on the device that made them, of a trace with keep="device"; ValueError of
        another."""
        if not hasattr(self.signals, "tensors"):
            raise ValueError(say("the signals of this trace are NumPy arrays; trace with keep='device' for tensors"))
        return getattr(self.signals, "tensors")  # noqa: B009

    def __getitem__(self, signal: str) -> np.ndarray:
        """The signal of that name, (layer, direction, time, batch, unit). Raises ValueError, with the names there are.

        ``in``, iteration, ``keys()`` and ``dict(trace)`` go by the signals' names as well; only ``len`` counts steps.
        """
        if not isinstance(signal, str) or signal not in self.signals:
            names = ", ".join(self.signals)
            raise ValueError(say("the trace has no signal {signal!r}; it has {names}", signal=signal, names=names))
        return self.signals[signal]

    def __contains__(self, signal: object) -> bool:
        """Whether there is a signal of that name: ``"f" in trace``."""
        return signal in self.signals

    def __iter__(self) -> Iterator[str]:
        """The names of the signals, in the order of the cell."""
        return iter(self.signals)

    def keys(self) -> KeysView[str]:
        """The names of the signals."""
        return self.signals.keys()

    def sel(self, signal: str, **index: Index) -> np.ndarray:
        """The signal of that name, indexed by axis names: ``trace.sel("f", layer=0, unit=6)`` is (direction, time,
        batch), and ``trace.sel("f", unit=[1, 2])`` is (layer, direction, time, batch, 2).

        An axis given an integer is dropped; one given a slice, several integers, or True and False for each of its
        places is kept. Several axes are picked from independently. Integers and slices give a view, the rest a copy.

        Raises ValueError for a signal, an axis or an index that the trace does not have, with what it has.
        """
        from lstm_core.picking import pick

        return pick(self[signal], index, signal)

    @kinds
    def sequence(self, batch: int = 0, step: int | None = None) -> Trace:
        """Sequence ``batch`` alone, as a trace of a batch of one that ends where the sequence does, without padding.

        step: of a trace whose rows went on from other rows (``continued``), the step up to which to follow them back;
        by default the last at which the batch had the row. Other traces are given whole, whatever ``step`` is.

        Raises ValueError for a sequence or a step that the trace does not have.
        """
        from lstm_core import sequences

        return sequences.sequence(self, batch, step)

    @kinds
    def role(self, role: str) -> np.ndarray | None:
        """The signal that plays ``role`` in this cell, as an array like any signal; None if nothing does, or if a
        signal that it is made of was not kept.

        "keep" and "write" are taken from the cell's update where it is linear in its memory, so a GRU's "write" is
        1 - z.
        """
        rule = carry(self.cell)
        if role in ("keep", "write") and rule is not None:
            return share(self, rule, role)
        return self.signals.get(self.roles.get(role, ""))

    @kinds
    def role_label(self, role: str) -> str | None:
        """What ``role`` returns, in the cell's letters: "f", "1 - z"; None if nothing plays it."""
        rule = carry(self.cell)
        if role in ("keep", "write") and rule is not None:
            return rule.label(role)
        return self.roles.get(role)

    def _repr_html_(self) -> str:
        """A notebook's: a table of what it is, and a picture of its first signal."""
        return drawer().table(self)

    @kinds
    def show(
        self,
        signals: str | Iterable[str] | None = None,
        layer: int = -1,
        direction: int = 0,
        batch: int = 0,
        *,
        unit: int | None = None,
        live: bool = True,
    ) -> Any:
        """The page's own figure of one layer, direction and sequence, for a notebook: see ``docs/notebook.md``.

        signals: which have rows, all by default. unit: the one whose values are drawn as lines; of a wide layer some
        units have a row, and this one in any case.

        With anywidget (``pip install 'gatescope[notebook]'``) it is a widget, in Jupyter, VS Code, Colab and marimo,
        whose ``step`` and ``unit`` follow the cursor and move it. Without, or with live=False, it is HTML that lives on
        in a saved notebook without a kernel. ``show().html`` is that HTML.

        Raises ValueError for a signal, layer, direction, sequence or unit that the trace does not have.
        """
        return drawer().show_traces([self], signals, layer, direction, batch, unit, live)

    @kinds
    def to_npz(self, file: str | os.PathLike[str] | IO[bytes]) -> None:
        """Write everything that a trace holds as NumPy's compressed .npz, which ``from_npz`` reads back.

        Every signal lies under its name, beside ``inputs``, ``tokens`` (their text) and ``axes`` (str); for what else
        there is see ``lstm_core.trace_npz``. Raises OSError where it cannot be written.
        """
        from lstm_core import trace_npz

        trace_npz.write(self, file)

    @staticmethod
    @kinds
    def from_npz(
        file: str | os.PathLike[str] | IO[bytes], cell: type[Cell] | None = None, max_bytes: int = 1 << 30
    ) -> Trace:
        """The trace that ``to_npz`` wrote, equal to the last bit. Nothing in the file is executed.

        cell: its class, needed for a cell of your own. max_bytes: what the arrays may unfold to.

        Raises ValueError, in plain words, for a file that is something else, damaged, too large, of another cell, or
        whose parts do not fit together; FileNotFoundError.
        """
        from lstm_core import trace_npz

        return trace_npz.read(file, cell, max_bytes)

    @kinds
    def to_pandas(self, wide: bool = False) -> pandas.DataFrame:
        """One row a value: layer, direction, time, batch, unit, signal, value.

        wide: one row a place and a column a signal: layer, direction, time, batch, unit, i, f, ... (without alpha,
        whose units are steps). NaN after the end of a sequence, and where a signal does not have so many units.

        Raises ImportError if pandas is not installed, with how to install it.
        """
        from lstm_core import tables

        return tables.wide(self) if wide else tables.tidy(self)

    def to_xarray(self) -> xarray.Dataset:
        """Every signal as a variable of a Dataset with the dimensions layer, direction, time, batch, unit, each counted
        from 0; ``inputs`` is (time, batch, input), and alpha (time, batch, source).

        Beside ``time`` stand the texts of the tokens ("token"), beside ``batch`` the steps of each sequence ("length").
        The units of a signal that has another number of them than the gates are called "NAME_unit". ``attrs``: cell,
        device, max_abs_error, certificate (one line), assumed.

        Raises ImportError if xarray is not installed, with how to install it.
        """
        from lstm_core import tables

        return tables.dataset(self)
