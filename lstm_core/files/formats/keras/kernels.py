"""The weights of recurrent cells among a file's arrays, found by their names, or by their place and shapes.

Keras 3 numbers a cell's variables (.../cell/vars/0, 1, 2). Files before it, and ``.h5`` of all times, have names
(.../kernel:0, recurrent_kernel:0, bias:0) under the layer of the model that they belong to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lstm_core.files.formats.keras.stored import Stored

TIMES = {4: "LSTM", 3: "GRU", 1: "SimpleRNN"}
NAMED = re.compile(r"(kernel|recurrent_kernel|bias)(_\d{1,6})?(?::0)?")
NUMBERS = {"0": "kernel", "1": "recurrent_kernel", "2": "bias"}
A_CELL = re.compile(r"cell|[a-z_\d]*_cell(_\d+)?|cu_dnn(lstm|gru)(_\d+)?")
NO_WEIGHTS = ("seed_generator", "vars")


@dataclass(frozen=True, eq=False)
class Kernel:
    """kernel (input, k * hidden), recurrent_kernel (hidden, k * hidden) and perhaps bias of one cell.

    paths: of the three in the file. parts: the groups that lead to them, without those of a whole file. layer: the
    layer of the model, where variables have names. extra: variables beside the three, which no cell of Keras's has.
    """

    arrays: Mapping[str, np.ndarray]
    paths: tuple[str, ...]
    parts: tuple[str, ...]
    numbered: bool
    layer: str
    extra: tuple[str, ...]

    @property
    def width(self) -> int:
        """Features of the input: rows of the kernel."""
        return self.arrays["kernel"].shape[0]

    @property
    def hidden(self) -> int:
        """Units: rows of the recurrent kernel."""
        return self.arrays["recurrent_kernel"].shape[0]

    @cached_property
    def kind(self) -> str:
        """ "LSTM", "GRU" or "SimpleRNN" by the shapes; empty if they fit none."""
        wide = self.arrays["recurrent_kernel"].shape[1]
        return "" if not self.hidden or wide % self.hidden else TIMES.get(wide // self.hidden, "")

    @property
    def cudnn(self) -> bool:
        """Whether it is laid out as cuDNN reads it, with two biases in one row."""
        bias = self.arrays.get("bias")
        return bias is not None and bias.shape == (2 * self.arrays["recurrent_kernel"].shape[1],)

    @property
    def two_biases(self) -> bool | None:
        """Whether a GRU's reset acts after the product, which takes a second bias; None if it has no bias."""
        bias = self.arrays.get("bias")
        return None if bias is None else bias.ndim == 2 or self.cudnn

    def plain(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """``arrays``, its own, as layers that are not cuDNN's have them: each gate's kernel is the transpose of what
        cuDNN reads, and the first half of the bias belongs to the input."""
        kernel, recurrent = arrays["kernel"], arrays["recurrent_kernel"]
        wide = kernel.shape[1]
        if not self.cudnn or not self.kind or wide != recurrent.shape[1]:
            return dict(arrays)
        gates = np.split(kernel, wide // self.hidden, axis=1)
        halves = arrays["bias"].reshape(2, -1)
        return {
            "kernel": np.hstack([gate.reshape(self.hidden, self.width).T for gate in gates]),
            "recurrent_kernel": np.hstack([gate.T for gate in np.split(recurrent, wide // self.hidden, axis=1)]),
            "bias": halves if self.kind == "GRU" else halves.sum(0),
        }


def find(stored: Stored) -> list[Kernel]:
    """Every cell's weights, in the order of the model's layers where the file lists them, else in its own."""
    groups = _Groups(stored)
    found = [kernel for group in groups.names for kernel in groups.kernels(group)]
    if not stored.layers:
        return found
    places = {name: place for place, name in enumerate(stored.layers)}
    return sorted(found, key=lambda kernel: places.get(kernel.layer, len(places)))


def parts(path: str) -> tuple[str, ...]:
    """The groups of a path. Windows has written some with its own separator, and Keras 2.12 and 2.13 had another name
    for the layers."""
    steps = path.replace("\\", "/").removeprefix("model_weights/").split("/")
    return tuple("layers" if step == "_layer_checkpoint_dependencies" else step for step in steps)


class _Groups:
    """The groups of a file. names: the arrays that lie right in each, by their names there. below: the groups with
    arrays that lie anywhere below one, by the first step that leads to them."""

    def __init__(self, stored: Stored) -> None:
        self.arrays, self.layers = stored.arrays, set(stored.layers)
        self.names: dict[str, dict[str, str]] = {}
        self.below: dict[str, dict[str, None]] = {}
        for path in stored.arrays:
            group, _, name = path.rpartition("/")
            self.names.setdefault(group, {})[name] = path
        for group in self.names:
            for cut in re.finditer("/", group):
                step = group[cut.end() :].partition("/")[0]
                if step not in NO_WEIGHTS:
                    self.below.setdefault(group[: cut.start()], {})[step] = None

    def kernels(self, group: str) -> list[Kernel]:
        """The cells whose variables lie in a group."""
        where, names = parts(group), self.names[group]
        if where[-1] == "vars":
            numbered = {NUMBERS[name]: path for name, path in names.items() if name in NUMBERS}
            extra = [*(name for name in names if name not in NUMBERS), *self.below.get(group.removesuffix("/vars"), ())]
            return [self._kernel(numbered, where[:-1], True, extra)] if self._are_a_cell(numbered, where[:-1]) else []
        cells: dict[str, dict[str, str]] = {}
        extra = list(self.below.get(group, ()))
        for name, path in names.items():
            match = NAMED.fullmatch(name)
            if match is None:
                extra.append(name)
            else:
                cells.setdefault(match[2] or "", {})[match[1]] = path
        return [self._kernel(cell, where, False, extra) for cell in cells.values() if self._have_matrices(cell)]

    def _kernel(self, paths: Mapping[str, str], where: tuple[str, ...], numbered: bool, extra: list[str]) -> Kernel:
        arrays = {name: self.arrays[path] for name, path in paths.items()}
        layer = "" if numbered else self._layer(where)
        return Kernel(arrays, tuple(paths.values()), where, numbered, layer, tuple(extra))

    def _layer(self, where: tuple[str, ...]) -> str:
        """The layer of the model that a path leads to; a layer's own name may have steps, too."""
        starts = ("/".join(where[:end]) for end in range(len(where), 0, -1))
        return next((start for start in starts if start in self.layers), where[0])

    def _have_matrices(self, paths: Mapping[str, str]) -> bool:
        """Whether there are the two kernels, and both are matrices; those of a convolution are not."""
        return all(name in paths and self.arrays[paths[name]].ndim == 2 for name in ("kernel", "recurrent_kernel"))

    def _are_a_cell(self, paths: Mapping[str, str], where: tuple[str, ...]) -> bool:
        """Whether numbered variables are a cell's: by the name of their group, or by shapes that nothing else has."""
        if not self._have_matrices(paths):
            return False
        if where and A_CELL.fullmatch(where[-1]):
            return True
        shapes = {name: self.arrays[path].shape for name, path in paths.items()}
        hidden, wide = shapes["recurrent_kernel"]
        fits = shapes["kernel"][1] == wide and wide in (3 * hidden, 4 * hidden) and hidden > 0
        return fits and shapes.get("bias") in ((wide,), (2, wide), (2 * wide,))
