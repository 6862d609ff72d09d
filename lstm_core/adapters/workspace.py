"""The gates that oneDNN computed anyway: its training workspace, read while the module runs.

On a CPU in float32, ``nn.LSTM`` calls ``mkldnn_rnn_layer`` once a layer and direction. Asked to keep what the backward
pass will need, it returns a buffer that begins with the activated gates of every step, rows of 4 * hidden values padded
to whole cache lines, and holds the cell states further on. None of this is documented: what is read here is believed
only because every trace is compared with the module's own output, and whoever calls has the public way to fall back on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from lstm_core.adapters.arrays import Arrays
from lstm_core.adapters.call import Call

PAGE = 4096 // 4  # regions of the workspace start on pages, counted in float32


def usable(call: Call) -> bool:
    """Whether the module is expected to run by that operation."""
    return (
        call.cell.name == "lstm"
        and not call.single
        and not call.packed
        and call.device.type == "cpu"
        and call.x.dtype is torch.float32
        and call.blocks[0][0]["weight_ih"].dtype is torch.float32
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.aten, "mkldnn_rnn_layer")
    )


def worth(call: Call) -> bool:
    """Whether reading the workspace, some 150 microseconds, takes less time than computing the gates again."""
    _, _, time, batch = call.shape
    rows, width = call.blocks[0][0]["weight_ih"].shape
    return time * (batch * rows * (width + rows // 4) / 5e4 + 2) > 150


class Workspace(TorchDispatchMode):
    """Active while the module runs: notes what each ``mkldnn_rnn_layer`` computed, in the order of layers and
    directions."""

    def __init__(self, call: Call, arrays: Arrays) -> None:
        super().__init__()
        layers, directions = call.shape[:2]
        self.arrays = arrays
        self.places = list(np.ndindex(layers, directions))
        self.found: list[Tensor | None] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing here is compiled; to guard against it would import the compiler, a second and 800 modules."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is not torch.ops.aten.mkldnn_rnn_layer.default or kwargs or len(args) != 16:
            return func(*args, **(kwargs or {}))
        with torch.enable_grad():  # without it the workspace is not kept
            result = func(*args[:15], True)
        try:
            self._note(result, first=args[6], backward=args[7])
        except (RuntimeError, IndexError, TypeError, ValueError):
            self.found.append(None)
        return result

    def _note(self, result: Any, first: Tensor, backward: bool) -> None:
        gates, c = read(result, first)
        if len(self.places) == 1:  # views of the workspace: nothing is copied
            self.arrays["gates"] = gates[None, None]
            self.arrays["c"] = c[None, None]
        else:
            at = self.places[len(self.found)]
            self.arrays["gates"][at].copy_(gates.flip(0) if backward else gates)
            self.arrays["c"][at].copy_(c.flip(0) if backward else c)
        self.found.append(result[0])

    def hidden_states(self) -> list[Tensor] | None:
        """h of every layer and direction, (time, batch, hidden); None if not all of them could be read."""
        found = [h for h in self.found if h is not None]
        return found if len(found) == len(self.found) == len(self.places) else None


def read(result: Any, first: Tensor) -> tuple[Tensor, Tensor]:
    """Gates (time, batch, 4 * hidden) and c (time, batch, hidden) in a workspace, in the order of the run.

    result: what the operation returned, h, the last h, the last c and the workspace. first: c before the first step.
    Raises ValueError if c is not found.
    """
    h, _, last, workspace = result
    time, batch, hidden = h.shape
    buffer = workspace[: workspace.numel() // 4 * 4].view(torch.float32)
    row = -(-4 * hidden // 16) * 16
    row += 16 if row % 256 == 0 else 0  # rows a multiple of 1 KiB apart would share the sets of the cache
    gates = buffer[: time * batch * row].view(time, batch, row)[..., : 4 * hidden]
    if time == 1:
        c = last.new_empty(1, batch, hidden)
    else:
        # c is the upper of two layers of time + 1 states, in a region of its own that begins on some page.
        key = time, batch, hidden
        offset = (time + 2) * batch * hidden
        if key not in _pages:
            if len(_pages) > 1000:
                _pages.clear()
            _pages[key] = _find(buffer, gates[0], first, -(-time * batch * row // PAGE), offset)
        c = buffer.narrow(0, _pages[key] * PAGE + offset, time * batch * hidden).view(time, batch, hidden)
    c[-1] = last  # the last state is returned and not kept there
    return gates, c


_pages: dict[tuple[int, int, int], int] = {}
"""Where c was found for a time, batch and hidden size. That it is still there, the comparison of every trace shows."""


def _find(buffer: Tensor, gates: Tensor, first: Tensor, start: int, offset: int) -> int:
    """The page from ``start`` on at which the first cell state, known from the first gates, stands at ``offset``."""
    i, f, g = gates.chunk(4, dim=-1)[:3]
    expected = torch.addcmul(i * g, f, first).flatten()
    values = buffer[start * PAGE + offset : buffer.numel() - len(expected) : PAGE]
    for page in torch.nonzero((values - expected[0]).abs() < 1e-6).flatten().tolist():
        at = (start + page) * PAGE + offset
        if torch.allclose(buffer[at : at + len(expected)], expected, rtol=1e-5, atol=1e-6):
            return start + page
    raise ValueError("no cell states in the workspace")
