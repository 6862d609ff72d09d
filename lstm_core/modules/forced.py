"""What a module would have returned if some of its signals had been forced, in the form in which it returns things."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from lstm_core.attention import top
from lstm_core.modules.call import Call
from lstm_core.trace import Trace


def returned(call: Call, own: Any, before: Trace, after: Trace) -> Any:
    """``own``, what the module of ``call`` returned, with all that differs between the traces as ``after`` has it."""
    first, last = before.final, after.final
    given = own if call.single else own[1]
    states = [
        _changed(value, first[name], last[name])
        for name, value in zip(call.sizes, given if isinstance(given, tuple) else (given,), strict=True)
    ]
    state = tuple(states) if isinstance(given, tuple) else states[0]
    if call.single:
        return state
    outputs = [top(call.cell, one.signals) for one in (before, after)]  # (time, batch, direction * unit)
    output = own[0]
    if isinstance(output, PackedSequence):
        return output._replace(data=_changed(output.data, *(_packed(values, output) for values in outputs))), state
    if call.batched and call.batch_first:
        outputs = [values.swapaxes(0, 1) for values in outputs]
    return _changed(output, *outputs), state


def _packed(values: np.ndarray, like: PackedSequence) -> np.ndarray:
    """(time, batch, unit) in the order in which a packed sequence holds its steps."""
    if like.sorted_indices is not None:
        values = values[:, like.sorted_indices.cpu().numpy()]
    return np.concatenate([step[:count] for step, count in zip(values, like.batch_sizes.tolist(), strict=False)])


def _changed(own: Tensor, before: np.ndarray, after: np.ndarray) -> Tensor:
    """A tensor like ``own``, which stays as it is where nothing changed."""
    differs = torch.from_numpy((before != after) & ~np.isnan(after)).reshape(own.shape).to(own.device)
    return torch.where(differs, torch.from_numpy(np.ascontiguousarray(after)).reshape(own.shape).to(own), own)
