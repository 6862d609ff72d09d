"""What a module computes and does not give, by torch's own kernels: h of its lower layers, and c of every step.

In half precision c cannot be computed again from gates, of whatever precision. One kernel rounds every gate, product
and sum, another accumulates in float32 and rounds c once a step, a third keeps c wide until the end; and where gates
stay open a difference in the last bit is carried on, so that after 600 steps two kernels' c are apart by some percent.
To imitate each would be to know each. But a kernel that runs a single step, from the h and the c that it left before,
rounds as it does in a longer run, whichever it is. So c is taken from there. Every error that is then compared is the
rounding of one step, however many there were: of h against o tanh(c), and of c against f c + i g of the c before it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from lstm_core import stacked
from lstm_core.modules.call import Call

KERNELS = {cell: getattr(torch, name) for cell, name in stacked.KERNELS.items()}


@contextmanager
def _quiet() -> Iterator[None]:
    """cuDNN says that one layer's weights are not one piece of memory."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="RNN module weights are not part of single")
        yield


def hidden_states(call: Call) -> list[Tensor]:
    """h of every layer and direction, (time, batch, unit): the module gives the top layer's, torch's kernel the
    others."""
    layers, directions, _, _ = call.shape
    x, found = call.x, []
    for layer in range(layers - 1):
        x = run_layer(call, layer, x)
        found += x.chunk(directions, dim=-1)
    return [*found, *call.output.chunk(directions, dim=-1)]


def run_layer(call: Call, layer: int, x: Tensor) -> Tensor:
    """The output of one layer, (time, batch, direction * unit)."""
    row = call.blocks[layer]
    weights = [value for block in row for value in block.values()]
    weights = _whole(call, weights)
    state = [value[layer] for value in call.initial.values()]
    kernel, options = KERNELS[call.cell.name], ("bias_ih" in row[0], 1, 0.0, False, len(row) == 2)
    if call.lengths is None:
        with _quiet():
            return kernel(x, state if len(state) == 2 else state[0], weights, *options, False)[0]
    packed = pack_padded_sequence(x, call.lengths, enforce_sorted=False)
    state = [value[:, packed.sorted_indices] for value in state]
    with _quiet():
        data = kernel(packed.data, packed.batch_sizes, state if len(state) == 2 else state[0], weights, *options)[0]
    return pad_packed_sequence(packed._replace(data=data), total_length=len(x))[0]


def _whole(call: Call, weights: list[Tensor]) -> list[Tensor]:
    """On CUDA copies: cuDNN is wrong by far on weights that are a part of several layers' memory."""
    return [value.clone() for value in weights] if call.device.type == "cuda" else weights


def cell_states(call: Call, hidden: list[Tensor]) -> list[Tensor]:
    """c of every layer and direction, (time, batch, unit), step by step. hidden: what ``hidden_states`` gives.

    After the end of a sequence c is its last; before its beginning, in the backward direction, the initial one.
    """
    layers, directions, time, _ = call.shape
    if time == 1:
        return list(call.last["c"].flatten(0, 1)[:, None])
    x, found = call.x, []
    with _quiet():
        for layer in range(layers):
            row = hidden[layer * directions : (layer + 1) * directions]
            found += [_cell_states(call, (layer, direction), x, own) for direction, own in enumerate(row)]
            x = torch.cat(row, dim=-1)
    return found


def _cell_states(call: Call, at: tuple[int, int], x: Tensor, hidden: Tensor) -> Tensor:
    weights = _whole(call, [*call.blocks[at[0]][at[1]].values()])
    h, c = call.initial["h"][at], call.initial["c"][at]
    rows = [c] * len(x)
    for t in range(len(x))[:: -1 if at[1] else 1]:
        if call.lengths is None:
            c = _step(call, x[t], h, c, weights)
            h = hidden[t]
        else:
            here = (call.lengths > t).nonzero().flatten().to(x.device)
            c = c.index_copy(0, here, _step(call, x[t, here], h[here], c[here], weights).to(c.dtype))
            h = h.index_copy(0, here, hidden[t, here].to(h.dtype))
        rows[t] = c
    return torch.stack(rows)


def _step(call: Call, x: Tensor, h: Tensor, c: Tensor, weights: list[Tensor]) -> Tensor:
    """c after one step, (batch, unit), by the kernel that the module runs by."""
    # Sequences of several lengths are not run by oneDNN, but step by step by what runs a cell.
    if call.single or (call.lengths is not None and call.device.type == "cpu" and len(weights) in (2, 4)):
        return torch.lstm_cell(x, (h, c), *weights)[1]
    return torch.lstm(x[None], (h[None], c[None]), weights, len(weights) > 3, 1, 0.0, False, False, False)[2][0]
