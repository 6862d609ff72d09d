"""Two models run on one input, each in its own layout: the layers of both, lowest first."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lstm_core.block import Block
from lstm_core.comparing.level import Level, Words, levels
from lstm_core.files import load, wiring
from lstm_core.files import state_dict as from_state_dict
from lstm_core.files.load import Loaded
from lstm_core.files.options import Options
from lstm_core.network import Network, Reader, is_network, list_models, load_model
from lstm_core.say import say
from lstm_core.trace import Trace


@dataclass(frozen=True, eq=False)
class Given:
    """What a model reads. x: as the first model takes it. steps: (time, batch, input), what the first model's lowest
    layer read; None while the first is run. lengths, state: as ``lstm_core.compare`` takes them."""

    x: Any
    steps: np.ndarray | None
    lengths: Any
    state: Any


def both(a: Any, b: Any, x: Any, lengths: Any, state: Any) -> tuple[list[Level], list[Level]]:
    """The layers of both models, as ``opened`` gives them, on ``x``. Raises as ``lstm_core.compare`` says."""
    first = _levels("A", a, Given(x, None, lengths, state))
    lowest = first[0]
    steps = lowest.inputs
    own = _time_first(a, x)
    if own is not None and lowest.broken is not None:
        own = own[: len(steps)]
    if own is not None and own.shape == steps.shape:
        steps = own  # before it was rounded to the precision of the first model
    given_lengths = lengths if lengths is not None else lowest.lengths
    if given_lengths is not None and lowest.broken is not None:  # the first run, and its steps, ended there
        given_lengths = np.minimum(as_array(given_lengths), len(steps)).tolist()
    begins = None if state is None else {n: v[None] for n, v in lowest.initial.items()}
    if begins is not None and len(first) > 1:  # of every layer
        begins = {n: np.stack([level.initial[n] for level in first]) for n in lowest.initial}
    second = _levels("B", b, Given(x, steps, given_lengths, begins))
    return first, _in_order(first, second)


def _in_order(first: Sequence[Level], second: Sequence[Level]) -> list[Level]:
    """``second`` in the order of the names that both have for their modules or blocks; as it ran where these differ."""
    names = list(dict.fromkeys(level.name for level in first))
    if set(names) != {level.name for level in second}:
        return list(second)
    return sorted(second, key=lambda level: names.index(level.name))


def opened(model: Any) -> Any:
    """A file or a shipped model's name as what it holds; everything else as it is."""
    if isinstance(model, bytes | bytearray | memoryview):
        return load(bytes(model))
    if isinstance(model, str | os.PathLike):
        if str(model) in list_models() and not Path(model).exists():
            return load_model(str(model))
        if is_network(model):
            return Network.load(model)
        return load(model)
    if isinstance(model, Mapping) and model and all(isinstance(key, str) for key in model):
        arrays = {key: as_array(value) for key, value in model.items()}
        found = from_state_dict.found(arrays, Options())
        if not found.blocks:
            raise ValueError(say("this state_dict holds no recurrent layers: no weight_ih_l0 is among its keys"))
        return Loaded("PyTorch", tuple(found.blocks), found.others, found.roles, found.layout)
    return model


def as_array(value: Any) -> np.ndarray:
    """A tensor or an array in NumPy; what NumPy has no kind for is float32."""
    value = value.detach().cpu() if hasattr(value, "detach") else value
    if str(getattr(value, "dtype", "")) in ("torch.bfloat16", "torch.float16"):
        value = value.float()
    return np.asarray(value)


def _levels(side: str, model: Any, given: Given) -> list[Level]:
    if isinstance(model, Trace):
        return levels(side, "", model)
    if isinstance(model, Block):
        return _of_network(side, Network(model.name, model), given)
    if isinstance(model, Network):
        return _of_network(side, model, given)
    if isinstance(model, Loaded):
        return _of_loaded(side, model, given)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(model, torch.nn.Module):
        return _of_module(side, model, given)
    raise TypeError(
        say(
            "an object of the type {kind} cannot be compared: give a PyTorch module, a file, a state_dict, a Block, "
            "a Network or a Trace",
            kind=type(model).__name__,
        )
    )


def _of_network(side: str, network: Network, given: Given) -> list[Level]:
    block = (*network.below, network.block)[0]
    reads = _ids(given.x) and network.reader is not None
    if reads:
        inputs = _laid_ids(network, block, given)
    else:
        inputs = np.asarray(given.x) if given.steps is None else block.laid_out(given.steps)
    found = levels(side, network.name, network.read(inputs, given.lengths, state=given.state), network.block.biases)
    if reads:
        ids = inputs[:, None] if inputs.ndim == 1 else inputs.T if block.batch_first else inputs
        found[0] = replace(found[0], words=Words(np.asarray(network.embedding, np.float64), ids))
    return found


def _laid_ids(network: Network, block: Block, given: Given) -> np.ndarray:
    """The ids, which lie as the first model reads them, as ``block`` does."""
    ids = as_array(given.x)
    if given.steps is None or ids.ndim == 1:
        return ids
    ways = [way for way in (ids, ids.T) if way.shape == given.steps.shape[:2]]
    rows = network.embedding
    if len(ways) == 2 and rows.shape[1] == given.steps.shape[-1] and ids.max(initial=0) < len(rows):
        ways.sort(key=lambda way: float(np.abs(rows[way] - given.steps).sum()))
    first = ways[0] if ways else ids
    return first.T if block.batch_first else first


def _of_loaded(side: str, loaded: Loaded, given: Given) -> list[Level]:
    if len(loaded.blocks) == 1:
        block = loaded.blocks[0]
        named = wiring.embeddings(loaded, block) if _ids(given.x) else []
        reader = None
        if named:
            skips = block.reads is not None and block.reads.mask_zero
            reader = Reader(wiring.embedding(loaded, named[0]), padding=0 if skips else None)
        return _of_network(side, Network(block.name, block, reader), given)
    if given.state is not None:
        count = len(loaded.blocks)
        raise ValueError(say("a first state can be given to one block; this file has {count}", count=count))
    alone = given.steps is None or _ids(given.x)
    inputs = as_array(given.x) if alone else loaded.blocks[0].laid_out(np.asarray(given.steps))
    traces = loaded.trace(inputs, given.lengths)
    found: list[Level] = []
    for name, trace in traces.items():
        rows = levels(side, name, trace, loaded[name].biases)
        found += [_on(found, rows[0]), *rows[1:]]
    return found


@contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    """Dropout would make any two runs differ. Every part is put back as it was."""
    was = {inner: inner.training for inner in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for inner, training in was.items():
            inner.training = training


def _of_module(side: str, module: Any, given: Given) -> list[Level]:
    from lstm_core.modules.tracing import trace_module
    from lstm_core.modules.whole import to_trace, trace_whole

    torch = sys.modules["torch"]
    if not isinstance(module, torch.nn.RNNBase | torch.nn.RNNCellBase):
        to_trace(module)  # before eval(), which an exported module does not have
        x = given.x if isinstance(given.x, torch.Tensor | list | tuple | dict) else torch.as_tensor(np.asarray(given.x))
        with _evaluating(module):
            traces = trace_whole(module, x if isinstance(x, tuple) else (x,), {})[0]
        found: list[Level] = []
        for name, trace in traces.items():
            inner = module.get_submodule(name.split("#")[0])
            rows = levels(side, name, trace, _biases(inner))
            found += [_on(found, rows[0]), *rows[1:]]
        found[0] = replace(found[0], words=_looked_up(module, found[0].inputs))
        return found
    x, state = given.x, given.state
    if given.steps is not None and not isinstance(x, tuple):
        steps = given.steps.swapaxes(0, 1) if getattr(module, "batch_first", False) else given.steps
        x = np.ascontiguousarray(steps)
    if isinstance(state, Mapping):
        rows = [np.reshape(state[name], (-1, *state[name].shape[2:])) for name in ("h", "c") if name in state]
        state = tuple(_tensor(row, module) for row in rows)
        state = state[0] if len(state) == 1 else state
        if not rows:
            raise ValueError(say("the state has neither h nor c"))
    lengths = None if isinstance(x, tuple) else given.lengths  # a packed sequence has its own
    x = x if isinstance(x, tuple) else _tensor(x, module)
    with _evaluating(module):
        return levels(side, "", trace_module(module, x, state, lengths=lengths), _biases(module))


def _tensor(values: Any, module: Any) -> Any:
    torch, weight = sys.modules["torch"], next(module.parameters())
    try:
        given = torch.as_tensor(values)
        if given.is_complex():
            raise TypeError
        return given.to(weight)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise TypeError(say("x must be numbers, not {found}", found=type(values).__name__)) from error


def _biases(module: Any) -> list[list[dict[str, np.ndarray]]]:
    from lstm_core.modules.kinds import blocks_of, with_biases

    def two(weights: dict[str, Any]) -> dict[str, np.ndarray]:
        found = with_biases(weights)
        return {name: np.asarray(as_array(found[name]), np.float64) for name in ("bias_ih", "bias_hh")}

    return [[two(weights) for weights in row] for row in blocks_of(module)]


def _looked_up(model: Any, inputs: np.ndarray) -> Words | None:
    """The embedding of a PyTorch model whose rows the inputs are, and which."""
    torch = sys.modules["torch"]
    for inner in model.modules():
        if isinstance(inner, torch.nn.Embedding) and inner.embedding_dim == inputs.shape[-1]:
            rows = np.asarray(as_array(inner.weight), np.float64)
            places = {row.tobytes(): at for at, row in reversed(list(enumerate(rows)))}
            flat = [places.get(row.tobytes()) for row in inputs.reshape(-1, inputs.shape[-1])]
            if None not in flat:
                return Words(rows, np.array(flat).reshape(inputs.shape[:2]))
    return None


def _on(below: Sequence[Level], level: Level) -> Level:
    """``level``, chained to the one below where it reads what that gives."""
    if not below or below[-1].cell.output not in below[-1].signals:
        return level
    output = np.concatenate(list(below[-1].signals[below[-1].cell.output]), axis=-1)
    if output.shape != level.inputs.shape or not np.allclose(output, level.inputs, atol=1e-5, equal_nan=True):
        return level
    return replace(level, chained=True, under=len(below[-1].params))


def _time_first(model: Any, x: Any) -> np.ndarray | None:
    """``x`` as (time, batch, input) where the model is one that says how it reads it; None where it is not."""
    if not isinstance(x, np.ndarray) and not hasattr(x, "detach") or isinstance(x, tuple) or _ids(x):
        return None
    values = as_array(x)
    values = values[:, None] if values.ndim == 2 else values
    return values.swapaxes(0, 1) if getattr(model, "batch_first", False) else values


def _ids(x: Any) -> bool:
    if x is None or isinstance(x, tuple):
        return False
    kind = str(x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype)  # of a tensor, which NumPy may not have
    return "int" in kind and np.ndim(x) <= 2
