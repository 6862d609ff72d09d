"""What a run of a model changes, and is put back: the model's next output is what it would have been."""

from __future__ import annotations

import random
import threading
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import is_dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

# Of what torch itself keeps in a module, a run of the model changes these; hooks and submodules are left alone.
OWN = vars(nn.Module()).keys() - {"training", "_parameters", "_buffers"}
PLAIN = str, int, float, type(None), type  # nothing is in them that could change
REFILLED = dict, OrderedDict, defaultdict, Counter, list, deque, set  # those made from them may have rules of their own

_one = threading.RLock()  # of two runs of one model each would put back what the other has changed


@contextmanager
def unchanged(model: nn.Module) -> Iterator[None]:
    """Afterwards buffers (a batch norm's averages), attributes (a streaming model's h) and the random states of torch,
    Python and NumPy are what they were.

    Attributes are put back as they were named, and so is what is in them: tensors, arrays, lists, dicts, sets, deques,
    tuples, namespaces, data classes and generators of random numbers, however nested. Parameters are put back where
    they were replaced, not where they were written to.
    """
    seen = {id(parameter) for parameter in model.parameters()}
    devices = {p.device for p in (*model.parameters(), *model.buffers()) if p.device.type == "cuda"}
    with _one, torch.random.fork_rng(devices=sorted(device.index or 0 for device in devices)), ExitStack() as after:
        after.callback(random.setstate, random.getstate())  # teacher forcing draws from it
        after.callback(np.random.set_state, np.random.get_state(legacy=False))
        for module in model.modules():
            kept = {name: value for name, value in vars(module).items() if name not in OWN}
            after.callback(_attributes, module, type(module), kept)
            _keep(kept.values(), seen, after)
        _keep(model.buffers(), seen, after)  # a scripted module's are elsewhere
        yield


def _attributes(module: nn.Module, kind: type, kept: dict[str, Any]) -> None:
    if type(module) is not kind:  # a lazy module has found its sizes, for good
        return
    now = vars(module)
    for name in [name for name in now if name not in OWN and name not in kept]:
        del now[name]
    now.update(kept)


def _keep(values: Iterable[Any], seen: set[int], after: ExitStack) -> None:
    """Have ``after`` put back what is in these values, each once."""
    for value in values:
        if isinstance(value, PLAIN) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Tensor):
            if value.layout is torch.strided and value.device.type != "meta":
                after.callback(_tensor, value, value.detach().clone())
        elif isinstance(value, tuple):
            _keep(value, seen, after)
        elif type(value) is random.Random:
            after.callback(value.setstate, value.getstate())
        elif type(value) is np.random.Generator:
            after.callback(setattr, value.bit_generator, "state", value.bit_generator.state)
        elif type(value) is np.random.RandomState:
            after.callback(value.set_state, value.get_state(legacy=False))
        elif type(value) is torch.Generator:
            after.callback(value.set_state, value.get_state())
        elif type(value) in REFILLED:
            after.callback(_refill, value, value.copy())
            _keep(list(value.values() if isinstance(value, dict) else value), seen, after)
        elif type(value) is np.ndarray:
            after.callback(_array, value, value.copy())
            _keep(value.tolist() if value.dtype == object else (), seen, after)
        elif (is_dataclass(value) or isinstance(value, SimpleNamespace)) and hasattr(value, "__dict__"):
            _keep([vars(value)], seen, after)


def _refill(container: Any, contents: Any) -> None:
    container.clear()
    (container.extend if isinstance(container, list | deque) else container.update)(contents)


def _array(array: np.ndarray, before: np.ndarray) -> None:
    if array.flags.writeable and array.shape == before.shape:
        array[...] = before


def _tensor(tensor: Tensor, before: Tensor) -> None:
    alike = (tensor.shape, tensor.dtype, tensor.device) == (before.shape, before.dtype, before.device)
    if alike and torch.equal(tensor, before):  # not to be written to: autograd would take it for another
        return
    with torch.inference_mode(tensor.is_inference()), torch.no_grad():
        if alike:
            tensor.copy_(before)
        else:
            tensor.data = before
