"""The tensors in what a pickle holds, by dotted name: in dicts, lists and tuples, in the attributes of objects, and in
whole modules, whose names are those of their ``state_dict()``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lstm_core.files.checkpoint import script
from lstm_core.files.checkpoint.inert import Inert, name_of
from lstm_core.files.checkpoint.numpy_arrays import text
from lstm_core.files.checkpoint.tensors import Refused, Tensor
from lstm_core.files.state_dict import KEY, WEIGHT
from lstm_core.say import say

DEPTH = 100
"""Containers in containers; a module in another one is three."""
LONGEST = 1000
"""Letters of a key: what has a longer one is not a weight."""
NOTED = 3
CELLS = {"RNN_TANH": "rnn", "RNN_RELU": "rnn_relu", "tanh": "rnn", "relu": "rnn_relu"}
MODULES = tuple(f"torch.nn.modules.rnn.{name}" for name in ("LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell"))
HOOKS = "_forward_pre_hooks", "_forward_hooks"
OF_WEIGHTS = "torch.nn.utils."
SPECTRAL = f"{OF_WEIGHTS}spectral_norm.SpectralNorm"
"""Where torch's own hooks lie that make a weight of its parts (``folded``): weight norm, spectral norm, pruning."""


@dataclass
class Walked:
    """tensors: by name, in the file's order. modules: what modules with recurrent weights say of themselves beside
    these, by name: "cell" ("rnn" or "rnn_relu"), "batch_first", "kind" (the class, where it is not one of torch's),
    "hooks" (whether what they are given or give passes through some, None where that cannot be seen). dims: of the
    weights that a spectral norm of torch's makes, by their name, the axis along which it does. inert: the first few
    classes and functions of others in the file."""

    tensors: dict[str, Tensor] = field(default_factory=dict)
    modules: dict[str, dict[str, Any]] = field(default_factory=dict)
    dims: dict[str, int] = field(default_factory=dict)
    inert: list[str] = field(default_factory=list)


def walk(content: Any, code: Callable[[str], Mapping[str, Any]] = lambda kind: {}) -> Walked:
    """Whatever stands in several places is entered once: a small pickle could hold more paths than can be walked.

    code: what else is said of a class, by its name: "mode", "batch_first".
    """
    walked, seen = Walked(), set()
    rows = [iter([("", content)])]
    while rows:
        name, value = next(rows[-1], (None, None))
        if name is None:
            rows.pop()
        elif isinstance(value, Tensor):
            walked.tensors[name] = value
        elif isinstance(value, dict | list | tuple | Inert) and id(value) not in seen and len(rows) <= DEPTH:
            seen.add(id(value))
            if isinstance(value, Inert):
                _note(walked, name, value, code)
            rows.append(_named(name, value))
    return walked


def _note(walked: Walked, name: str, thing: Inert, code: Callable[[str], Mapping[str, Any]]) -> None:
    """Keep what an object says of itself."""
    kind = name_of(type(thing))
    if kind not in walked.inert and len(walked.inert) < NOTED:
        walked.inert.append(kind)
    attributes = _attributes(thing)
    if WEIGHT.fullmatch(name) and "_parameters" not in attributes:
        reason = say("is of the class {kind}, whose code is not run; save plain tensors", kind=kind)
        walked.tensors[name] = Refused(reason)
    for hook in map(_attributes, _hooks(attributes, SPECTRAL)):
        if isinstance(hook.get("dim"), int):
            walked.dims[f"{name}.{_key(hook.get('name'))}".removeprefix(".")] = hook["dim"]
    scripted = thing.name.startswith(script.CLASS)
    if own_kind(kind) is None or _has_weights(attributes, scripted):
        said = code(thing.name)
        hooks = said.get("hooks") if scripted else len(_hooks(attributes)) > len(_hooks(attributes, OF_WEIGHTS))
        walked.modules[name] = stated({**attributes, **said}) | {"kind": own_kind(kind), "hooks": hooks}


def own_kind(name: str) -> str | None:
    """The class of a module, where it is not one of torch's recurrent ones."""
    plain = script.plain(name)
    return None if plain in MODULES else plain


def _has_weights(attributes: Mapping[str, Any], scripted: bool) -> bool:
    """Whether it is a module with recurrent weights of its own. A scripted one has them among its attributes."""
    weights = attributes if scripted else attributes.get("_parameters")
    return isinstance(weights, Mapping) and any(KEY.fullmatch(text(key)) for key in weights)


def _hooks(attributes: Mapping[str, Any], begins: str = "") -> list[Any]:
    """The hooks round a module's forward whose class or function has a name that begins so."""
    hooks = [hook for kind in HOOKS if isinstance(attributes.get(kind), dict) for hook in attributes[kind].values()]
    return [hook for hook in hooks if name_of(hook if isinstance(hook, type) else type(hook)).startswith(begins)]


def stated(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """What a module says of itself, by its attributes: "cell" ("rnn" or "rnn_relu"), "batch_first"; None for what it
    does not."""
    first = attributes.get("batch_first")
    return {
        "cell": CELLS.get(text(attributes.get("mode")) or text(attributes.get("nonlinearity"))),
        "batch_first": first if isinstance(first, bool) else None,
    }


def _named(prefix: str, container: Any) -> Iterator[tuple[str, Any]]:
    """What is in a container, by name; what has no key of its own keeps the container's."""
    for key, value in _inside(container):
        if len(key) <= LONGEST:
            yield f"{prefix}.{key}" if prefix and key else prefix or key, value


def _inside(container: Any) -> Iterator[tuple[str, Any]]:
    match container:
        case dict():
            # An optimizer's averages have the shapes of the weights and are none; a script's list has them once more.
            if not _is_optimizer(container):
                yield from ((_key(k), v) for k, v in container.items() if text(k) != "_flat_weights")
        case Inert():
            module = _attributes(container)
            if {"_parameters", "_modules"} <= module.keys() and ".quantized." not in container.name:
                yield from _of_module(module)
                return
            arguments = container.arguments
            yield "", arguments[0] if len(arguments) == 1 else arguments
            states = container.state if _in_two(container.state) else (container.state,)
            yield from (("", part) for part in (*states, container.items, container.members))
        case _:
            pairs = all(_pair(item) for item in container)
            for place, item in enumerate(container):
                yield (_key(item[0]), item[1]) if pairs else (str(place), item)


def _is_optimizer(content: Any) -> bool:
    return isinstance(content, dict) and {"state", "param_groups"} <= {text(key) for key in content}


def _of_module(module: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What a module's ``state_dict()`` has, by its attributes. (A quantised one has its weights as an attribute.)"""
    buffers, left = module.get("_buffers"), _words(module.get("_non_persistent_buffers_set"))
    yield "", module["_parameters"]
    if isinstance(buffers, dict):
        yield from ((_key(k), v) for k, v in buffers.items() if text(k) not in left)
    yield "", module["_modules"]


def _attributes(thing: Inert) -> dict[str, Any]:
    """The attributes that an object was built with."""
    return {text(key): value for key, value in thing.state.items()} if isinstance(thing.state, dict) else {}


def _words(several: Any) -> set[str]:
    """The text in a set; before its fourth protocol, pickle has a set as something made of a list."""
    if isinstance(several, Inert):
        several = next(iter(several.arguments), ())
    return set(map(text, several)) if isinstance(several, set | list) else set()


def _in_two(state: Any) -> bool:
    """Whether a state is what pickle makes of a class with slots: its attributes, and what is in the slots."""
    return isinstance(state, tuple) and len(state) == 2 and all(isinstance(part, dict | None) for part in state)


def _pair(item: Any) -> bool:
    """Whether an item of a list is a name and what has it."""
    return isinstance(item, tuple | list) and len(item) == 2 and isinstance(item[0], str | bytes)


def _key(key: Any) -> str:
    """A key as a part of a dotted name."""
    match key:
        case str():
            return key.encode("utf-8", "replace").decode()  # half of a surrogate pair is text to a pickle
        case bytes():
            return key.decode("utf-8", "replace")
        case None | bool() | float():
            return str(key)
        case int() if key.bit_length() <= 64:
            return str(key)
        case tuple() if len(key) <= 4:
            return ".".join(_key(part) if not isinstance(part, tuple) else "?" for part in key)
        case _:
            return name_of(key if isinstance(key, type) else type(key)).rpartition(".")[2]


def kind(content: Any) -> str:
    """What was saved, in a word."""
    if isinstance(content, Tensor):
        return "tensor"
    if _is_optimizer(content):
        return "optimizer"
    return name_of(type(content)) if isinstance(content, Inert) else type(content).__name__
