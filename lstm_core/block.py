"""A recurrent block: layers of one cell in one or both directions, and how it is laid out. It runs in NumPy."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from lstm_core import fused
from lstm_core.attention import top
from lstm_core.cells.base import Cell
from lstm_core.certificate import Certificate
from lstm_core.checked import check
from lstm_core.device import resolve, stays
from lstm_core.kinds import Numbers, kinds
from lstm_core.ops import NUMPY, host
from lstm_core.say import say
from lstm_core.scan import Layers, hidden_size, scan, skipping
from lstm_core.sequences import ends
from lstm_core.trace import Trace

Format = Literal["gatescope", "torch", "onnx", "keras"]


@dataclass(frozen=True)
class Source:
    """Where a block's input comes from, as its file says.

    name: of another block of the file, of an embedding among its other arrays, or empty for what the network is given.
    through: the layers between that change it, each by kind and name ("Conv1D conv1d_1"), first to last; none if it is
        read as it is. mask_zero: an embedding's id 0 is padding, and the block skips it (Keras's ``mask_zero``).
    """

    name: str = ""
    through: tuple[str, ...] = ()
    mask_zero: bool = False


@dataclass(frozen=True, eq=False)
class Block:
    """One recurrent network, of one or more layers and directions, and how its file lays out what goes in.

    name: in its file; empty where it has none. format: whose file it is, "gatescope", "torch", "onnx" or "keras".
    cell: its class. layers: the parameters by layer, direction and name, in the shapes of ``Cell.params``.
    directions: ("forward",), ("reverse",) or ("forward", "reverse").
    batch_first: x is (batch, time, input), else (time, batch, input). A single sequence is (time, input) in both.
    initial: the state that the file itself starts from, by name (layer, direction, batch, unit); zeros where it has
    none. lengths: those that are constants in the file.
    mask_value: a step is skipped if all its inputs are this number (Keras's ``Masking``); None if none is.
    reads: where the input comes from; None where the file does not say.
    assumed: what the file does not say and the usual was taken for.
    biases: by layer and direction, bias_ih and bias_hh as a PyTorch file has them, of which ``layers`` has the sum;
        empty for other files.
    checked: the largest difference from the user's own runtime, once ``check`` has compared them.
    """

    name: str
    format: Format
    cell: type[Cell]
    layers: Layers = field(repr=False)
    directions: tuple[str, ...]
    batch_first: bool
    initial: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    lengths: tuple[int, ...] | None = None
    mask_value: float | None = None
    reads: Source | None = None
    assumed: tuple[str, ...] = ()
    biases: Sequence[Sequence[Mapping[str, np.ndarray]]] = field(default=(), repr=False)
    checked: float | None = field(default=None, init=False, repr=False)

    def __repr__(self) -> str:
        """Name, cell and sizes, and what was assumed."""
        size = f"layers={self.num_layers}, input={self.input_size}, units={self.hidden_size}"
        order = "batch, time" if self.batch_first else "time, batch"
        assumed = f", assumed={list(self.assumed)}" if self.assumed else ""
        directions = " and ".join(self.directions)
        return f"Block({self.name!r}, {self.cell.name}, {size}, {directions}, x=({order}, input){assumed})"

    @property
    def input_size(self) -> int:
        """How many numbers the first layer reads at a step."""
        params = self.layers[0][0]
        return next(params[p.name].shape[1] for p in self.cell.params if p.axes == ("hidden", "input"))

    @property
    def hidden_size(self) -> int:
        """Units of a gate."""
        return hidden_size(self.cell, self.layers[0][0])

    @property
    def output_size(self) -> int:
        """Units of h: less than ``hidden_size`` where h is projected."""
        params = self.layers[0][0]
        return params["W_hr"].shape[0] if "W_hr" in params else self.hidden_size

    @property
    def weights(self) -> int:
        """How many numbers its parameters are."""
        return sum(value.size for row in self.layers for params in row for value in params.values())

    @property
    def num_layers(self) -> int:
        """Layers on top of each other, each in one or both directions."""
        return len(self.layers)

    @kinds
    def trace(
        self,
        x: Numbers,
        state: Any = None,
        lengths: Numbers | None = None,
        mask: Numbers | None = None,
        device: str = "cpu",
        backend: str | None = None,
        keep: str = "host",
    ) -> Trace:
        """Run the block on ``x``, (time, batch, input) or (batch, time, input) as the file has it, or (time, input).

        state: by name, each (layer, direction, batch, unit); or as the file's framework takes it: h or (h, c), each
            (layer * direction, batch, unit) for PyTorch, (direction, batch, unit) or with ``batch_first`` (batch,
            direction, unit) for ONNX; for Keras h or (h, c), each (batch, unit), of the forward and then of the
            backward layer.
        lengths: (batch,) steps of each sequence of a padded batch.
        mask: True at the steps that are read, (batch, time) or (time, batch) as ``x`` has it, or (time,). A step that
            is skipped leaves the state as it was, wherever it stands (Keras's masking): h and c stay, the gates are
            NaN. By default the steps that ``mask_value`` marks are skipped.
        device, backend: as for ``Network.run``; by default NumPy, in the precision of the weights.
        keep: "device" leaves the signals of a run in torch where they were made, ``Trace.tensors``; each is copied when
            it is first read.

        Raises ValueError, with both shapes, if one does not fit.
        """
        start = time.perf_counter()
        dtype = next(iter(self.layers[0][0].values())).dtype
        x = host(x, dtype)
        axes = "batch, time" if self.batch_first else "time, batch"
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            raise ValueError(
                say(
                    "{name} reads ({axes}, {width}) or (time, {width}), not {shape}",
                    name=self.name or say("the block"),
                    axes=axes,
                    width=self.input_size,
                    shape=x.shape,
                )
            )
        read = self._read(mask, x)
        x = x[:, None] if x.ndim == 2 else x.swapaxes(0, 1) if self.batch_first else x
        steps, batch = x.shape[:2]
        initial = self._initial(state, batch, dtype)
        ends = self._lengths(lengths, steps, batch)
        layers = self.layers
        device, xp = resolve(device, backend, work=batch * self.weights)
        if xp is not NUMPY:
            layers = [[{name: xp.asarray(value) for name, value in params.items()} for params in row] for row in layers]
        signals: Any
        whole = bool((ends == steps).all())
        if whole:
            signals = self._scan(layers, x, initial, read, xp)
        else:
            signals = {}
            for length in np.unique(ends):
                at = np.flatnonzero(ends == length)
                state_at = {name: value[:, :, at] for name, value in initial.items()}
                part = self._scan(layers, x[:length, at], state_at, None if read is None else read[:length, at], xp)
                for name, value in part.items():
                    if name not in signals:
                        signals[name] = xp.nowhere((*value.shape[:2], steps, batch, value.shape[-1]), like=value)
                    signals[name][:, :, :length, at] = value
        if stays(keep) and xp is not NUMPY:
            from lstm_core.kept import Kept

            signals = Kept(signals)
        elif xp is not NUMPY:
            signals = {name: xp.to_numpy(value) for name, value in signals.items()}
        return Trace(
            self.cell,
            signals,
            x,
            self.layers,
            initial,
            device=device,
            seconds=time.perf_counter() - start,
            certificate=None if self.checked is None else Certificate({"h": self.checked}),
            lengths=None if whole else tuple(ends.tolist()),
            assumed=self.assumed,
            reverse=self.directions == ("reverse",),
        )

    def mask_of(self, x: np.ndarray) -> np.ndarray | None:
        """True at the steps of ``x`` that are read, with its axes but for the last; None if the file masks nothing."""
        return None if self.mask_value is None else (host(x) != self.mask_value).any(-1)

    def output(self, trace: Trace) -> np.ndarray:
        """(time, batch, direction * unit): what the top layer shows, both directions side by side."""
        return top(self.cell, trace.signals)

    def laid_out(self, x: np.ndarray, single: bool = False) -> np.ndarray:
        """``x`` (time, batch, input) in the layout that ``trace`` takes; of a ``single`` sequence, (time, input)."""
        return x[:, 0] if single else x.swapaxes(0, 1) if self.batch_first else x

    @kinds
    def check(
        self,
        x: Numbers,
        h: Numbers,
        state: Any = None,
        lengths: Numbers | None = None,
        mask: Numbers | None = None,
        tolerance: float | None = None,
    ) -> float:
        """Compare the block's run with what your own runtime gives: the certificate that a file alone cannot have.

        x, state, lengths, mask: as for ``trace``. h: the runtime's output, in its own layout: every step (like ``x``,
            with the units of both directions side by side; for ONNX also Y, with an axis of directions), or the last
            step alone, (batch, unit) or (unit,).

        Returns the largest difference, which from now on stands on every trace of this block, ``Trace.max_abs_error``.
        Raises ValueError for a shape that does not fit, and where the two differ by more than ``tolerance`` (1e-4, or
        1e-10 in double precision, times the largest |h| above 1), with the place where they part.
        """
        trace = self.trace(x, state, lengths, mask)
        error = check(self, trace, h, tolerance)
        object.__setattr__(self, "checked", error)
        return error

    def _scan(
        self, layers: Layers, x: np.ndarray, initial: Mapping[str, np.ndarray], read: np.ndarray | None, xp: Any
    ) -> dict[str, np.ndarray]:
        """The signals of sequences of one length. read: (time, batch), False at the steps that are skipped."""
        if len(x) == 0:
            sizes = {signal.name: self._size(signal.name) for signal in self.cell.signals}
            shape = len(self.layers), len(self.layers[0]), 0, x.shape[1]
            return {name: xp.asarray(np.zeros((*shape, size), x.dtype)) for name, size in sizes.items()}
        backward = self.directions == ("reverse",)
        if backward:
            x, read = x[::-1], None if read is None else read[::-1]
        step = None if read is None or bool(read.all()) else skipping(self.cell, read, xp)
        layer = fused.run if step is None and fused.usable(self.cell, xp) else None
        signals, _ = scan(self.cell, layers, x if xp is NUMPY else xp.asarray(x), initial, xp, step, run=layer)
        return {name: xp.flip(value, 2) for name, value in signals.items()} if backward else signals

    def _read(self, mask: Any, x: np.ndarray) -> np.ndarray | None:
        """(time, batch), False at the steps that are skipped; None if none is."""
        mask = self.mask_of(x) if mask is None else host(mask)
        if mask is None:
            return None
        if mask.shape != x.shape[:-1] or mask.dtype != bool:
            raise ValueError(
                say(
                    "the mask holds True or False for every step, {shape}; this one is {found} of {kind}",
                    shape=x.shape[:-1],
                    found=mask.shape,
                    kind=mask.dtype,
                )
            )
        return mask[:, None] if mask.ndim == 1 else mask.T if self.batch_first else mask

    def _size(self, name: str) -> int:
        return self.output_size if name == "h" else self.hidden_size

    def _lengths(self, lengths: Any, steps: int, batch: int) -> np.ndarray:
        if lengths is None:
            lengths = self.lengths if self.lengths is not None and len(self.lengths) == batch else [steps] * batch
        return ends(lengths, batch, steps, least=0)

    def _initial(self, state: Any, batch: int, dtype: np.dtype) -> dict[str, np.ndarray]:
        """The first state by name, from ``state`` in any of its forms, the file, or zeros."""
        lead = len(self.layers), len(self.layers[0])
        names = self.cell.states()
        order = [name for name in ("h", "c") if name in names]
        found: dict[str, Any] = dict(self.initial)
        if isinstance(state, Mapping):
            unknown = set(state) - set(names)
            if unknown:
                raise ValueError(f"{self.name} has no state {', '.join(sorted(unknown))}; it has {', '.join(names)}")
            found |= state
        elif state is not None:
            found |= self._from_framework(state, order, lead)
        result = {}
        for name in names:
            shape = (*lead, batch, self._size(name))
            value = host(found[name], dtype) if name in found else np.zeros(shape, dtype)
            if name in found and value.shape[2:3] == (1,):
                value = np.broadcast_to(value, (*value.shape[:2], batch, value.shape[3]))
            if value.shape != shape:
                raise ValueError(
                    f"the state {name} of {self.name} is {shape} (layer, direction, batch, unit), not {value.shape}"
                )
            result[name] = value
        return result

    def _from_framework(self, state: Any, order: Sequence[str], lead: tuple[int, int]) -> dict[str, np.ndarray]:
        given = list(state) if isinstance(state, tuple | list) else [state]
        arrays = [host(value) for value in given]
        if self.format == "keras":
            if len(arrays) != len(order) * lead[1]:
                raise ValueError(f"{self.name} takes {len(order) * lead[1]} states of (batch, unit), not {len(arrays)}")
            return {name: np.stack(arrays[k :: len(order)])[None] for k, name in enumerate(order)}
        if len(arrays) > len(order):
            raise ValueError(f"{self.name} takes the states {', '.join(order)}, not {len(arrays)}")
        if self.format == "onnx" and self.batch_first:
            arrays = [value.swapaxes(0, 1) for value in arrays]
        for name, value in zip(order, arrays, strict=False):
            if value.ndim != 3 or value.shape[0] != lead[0] * lead[1]:
                raise ValueError(
                    f"the state {name} of {self.name} has {lead[0] * lead[1]} rows, not the shape {value.shape}"
                )
        return {n: value.reshape(*lead, *value.shape[1:]) for n, value in zip(order, arrays, strict=False)}
