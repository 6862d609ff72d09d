"""What is wrong with the arguments of a module that raised something on them, in words that say what to do.

Of this only a packed sequence is looked at before a run, since torch computes with one whose parts do not fit together.
For the rest a module says itself that it cannot, and what it says is then explained.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

NOTE = "This is what {name} itself raised when it ran on these inputs."


def fits_together(x: PackedSequence) -> None:
    """TypeError or ValueError for one that was put together by hand, and wrong: torch may read it as something else."""
    sizes = x.batch_sizes
    if not isinstance(sizes, Tensor) or sizes.dtype is not torch.int64 or sizes.dim() != 1 or not sizes.is_cpu:
        raise TypeError("batch_sizes of x are not one int64 a step, on the CPU; pack_padded_sequence makes them")
    counts = sizes.tolist()
    if not counts:
        raise ValueError("x has no steps, so there is nothing to trace")
    if counts[-1] < 1 or any(two > one for one, two in pairwise(counts)):
        raise ValueError(
            f"batch_sizes of x are {_short(counts)}; they count the sequences that still go on at each step, "
            "at least 1 and never more than at the step before"
        )
    if sum(counts) != len(x.data):
        raise ValueError(f"batch_sizes of x add up to {sum(counts)} and its data has {len(x.data)} rows")
    orders = {"sorted_indices": x.sorted_indices, "unsorted_indices": x.unsorted_indices}
    if all(order is None for order in orders.values()):
        return
    places = list(range(counts[0]))
    for name, order in orders.items():
        if order is None or order.dtype is not torch.int64 or sorted(_listed(order)) != places:
            found = _short(_listed(order))
            raise ValueError(f"{name} of x are {found}; they are the numbers from 0 to {places[-1]} (int64), each once")
    there, back = map(_listed, orders.values())
    if [there[place] for place in back] != places:
        raise ValueError("unsorted_indices of x do not put back what its sorted_indices have moved")


def _listed(values: Tensor | None) -> list[Any]:
    return [] if values is None else values.flatten().tolist()


def _short(values: list[Any]) -> str:
    text = str(values)
    return text if len(text) <= 80 else f"{text[:77]}..."


def given(args: Sequence[Any], named: Mapping[str, Any]) -> tuple[Any, Any]:
    """Input and first state of a call of a recurrent module, in whatever order they were named; None for what is not
    there."""
    first = {"input": named["input"]} if "input" in named else {}
    values = [*args, *{**first, **named}.values(), None, None]
    return values[0], values[1]


@contextmanager
def its_own(module: nn.Module) -> Iterator[None]:
    """What the module itself raises says so."""
    try:
        yield
    except Exception as error:
        error.add_note(NOTE.format(name=type(module).__name__))
        raise


@contextmanager
def explained(module: nn.Module, x: Any, state: Any) -> Iterator[None]:
    """What ``module`` raised because ``x`` or ``state`` does not fit becomes the ValueError or TypeError that says so;
    what it raised for another reason stays its own."""
    try:
        yield
    except Exception as error:
        own = NOTE.format(name=type(module).__name__) in getattr(error, "__notes__", ())
        told = isinstance(error, ValueError | TypeError) and not own
        reason = None if told else weights_reason(module) or (reason_of(module, x, state) if own else None)
        if reason is None:
            raise
        raise reason from error


def weights_reason(module: nn.Module) -> ValueError | None:
    """Which weight of ``module`` is not as its sizes say; None if all are."""
    if not isinstance(module, nn.RNNBase):
        return None
    name, expected = type(module).__name__, _shapes(module)
    for weight, shape in expected.items():
        own = getattr(module, weight, None)
        if not isinstance(own, Tensor):
            return ValueError(f"{name} has no {weight}, which its sizes ask for")
        if tuple(own.shape) != shape:
            return ValueError(f"{weight} is {tuple(own.shape)}; the sizes of {name} make it {shape}")
        if own.layout is not torch.strided:
            return ValueError(f"{weight} of {name} is sparse; a dense one is needed")
    more = [weight for weight, _ in module.named_parameters(recurse=False) if weight not in expected]
    return ValueError(f"{name} has {more[0]}, for which its sizes have no place") if more else None


def _shapes(module: nn.RNNBase) -> dict[str, tuple[int, ...]]:
    """Those of the weights by name, as the module's sizes make them."""
    rows = {"LSTM": 4, "GRU": 3}.get(module.mode, 1) * module.hidden_size
    output = module.proj_size or module.hidden_size
    found: dict[str, tuple[int, ...]] = {}
    for layer in range(module.num_layers):
        width = output * (2 if module.bidirectional else 1) if layer else module.input_size
        for suffix in ("", "_reverse")[: 2 if module.bidirectional else 1]:
            place = f"_l{layer}{suffix}"
            found |= {f"weight_ih{place}": (rows, width), f"weight_hh{place}": (rows, output)}
            if module.bias:
                found |= {f"bias_ih{place}": (rows,), f"bias_hh{place}": (rows,)}
            if module.proj_size:
                found[f"weight_hr{place}"] = module.proj_size, module.hidden_size
    return found


def reason_of(module: nn.Module, x: Any, state: Any) -> ValueError | TypeError | None:
    """What does not fit ``module``, a recurrent one of torch's; None if everything does."""
    name, weights = type(module).__name__, list(module.parameters())
    values = x.data if isinstance(x, PackedSequence) else x
    if any(weight.device.type == "meta" for weight in weights):
        return ValueError(f"the weights of {name} are on the device meta, which holds no values; load them first")
    axes = (1, 2, 3) if isinstance(module, nn.RNNCellBase) else (2, 3)
    if not isinstance(x, PackedSequence) and values.dim() not in axes:
        first = "(batch, time, input)" if getattr(module, "batch_first", False) else "(time, batch, input)"
        return ValueError(f"x is {tuple(values.shape)}; {name} reads {first}, or one sequence without its batch")
    if values.shape[-1] != module.input_size:
        return ValueError(
            f"x is {tuple(values.shape)}, {values.shape[-1]} numbers a step; {name} reads {module.input_size}"
        )
    states = state if isinstance(state, tuple | list) else () if state is None else (state,)
    if states and isinstance(state, tuple | list) and not isinstance(module, nn.LSTM | nn.LSTMCell):
        return TypeError(f"the state of {name} is h alone, a tensor; a {type(state).__name__} was given")
    return _unlike(name, weights, {"x": values, **dict(zip(("the state h", "the state c"), states, strict=False))}) or (
        _state_shape(module, x, states)
    )


def _unlike(name: str, weights: Sequence[Tensor], given: Mapping[str, Tensor]) -> ValueError | None:
    """Of another device or number format than the weights, or these than each other."""
    for what in ("device", "dtype"):
        kinds = {getattr(weight, what) for weight in weights}
        if len(kinds) > 1:
            there = " and ".join(sorted(map(_plain, kinds)))
            return ValueError(f"the weights of {name} are partly {there}; module.to(...) makes them one")
        for called, value in given.items():
            own, its = getattr(value, what), next(iter(kinds))
            if own == its or (what == "dtype" and torch.is_autocast_enabled(value.device.type)):
                continue
            target = repr(str(its)) if what == "device" else str(its)
            do = f"{called.split()[-1]}.to({target})"
            return ValueError(f"{called} is {_plain(own)} and the weights of {name} are {_plain(its)}; {do}")
    return None


def _plain(kind: Any) -> str:
    return f"on {kind}" if isinstance(kind, torch.device) else str(kind).removeprefix("torch.")


def _state_shape(module: nn.Module, x: Any, states: Any) -> ValueError | None:
    """Of as many numbers as are needed, and another shape."""
    batched = isinstance(x, PackedSequence) or x.dim() > (1 if isinstance(module, nn.RNNCellBase) else 2)
    lead: list[tuple[str, Any]] = []
    if isinstance(module, nn.RNNBase):
        lead.append(("layer * direction", module.num_layers * (2 if module.bidirectional else 1)))
    if batched:
        size = int(x.batch_sizes[0]) if isinstance(x, PackedSequence) else x.shape[int(_batch_axis(module, x))]
        lead.append(("batch", size))
    for letter, value in zip("hc", states, strict=False):
        projected = getattr(module, "proj_size", 0) if letter == "h" else 0
        axes = [*lead, ("unit", projected or module.hidden_size)]
        shape = tuple(size for _, size in axes)
        if tuple(value.shape) != shape:
            words = ", ".join(word for word, _ in axes)
            return ValueError(f"the state {letter} is {tuple(value.shape)}; ({words}) is {shape}")
    return None


def _batch_axis(module: nn.Module, x: Tensor) -> bool:
    """Whether the batch is the second axis of x, (time, batch, input)."""
    if isinstance(module, nn.RNNCellBase):
        return x.dim() == 3
    return not module.batch_first
