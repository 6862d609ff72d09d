"""Models that can be surveyed, under one form: what they read, how a batch runs, how one long document does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from lstm_core.block import Block
from lstm_core.device import resolve
from lstm_core.files import Loaded, wiring
from lstm_core.network import Network, list_models
from lstm_core.say import say
from lstm_core.survey.arrays import on
from lstm_core.text import Token, Tokenizer
from lstm_core.trace import Trace

Traces = Mapping[str, Trace]
"""By module; "" for a model that is one."""
BATCH = 64
"""Sequences that run together at most."""
DEVICES = ("auto", "cpu", "cuda")
"""What is counted, is counted in float64, which Apple's have not."""
WHOLE = 200_000
"""Steps of the longest document that is run in one go, where it cannot be run in stretches."""


@dataclass(frozen=True, eq=False)
class Model:
    """name: for people, and a shipped model's own. fingerprint: a hash of its weights and of how it reads.

    run: sequences of one length, or (with ``pads``) of several, padded at the end, (time, batch) ids or (time, batch,
        input) -> the trace of each module.
    stretches: one long sequence (time,) or (time, input), so many steps at a time -> the traces of each stretch, which
        goes on from the one before; None for a model that has to see all of it.
    encode: a text as tokens; None for a model without words. xp: where its signals are counted (``arrays``).
    """

    name: str
    fingerprint: str
    run: Callable[[np.ndarray], Traces]
    stretches: Callable[[np.ndarray, int], Iterator[Traces]] | None
    encode: Callable[[str], Sequence[Token]] | None
    display: Callable[[int], str] | None
    pads: bool
    vectors: bool
    """Whether it reads vectors where it is given some; a model of words alone reads ids."""
    xp: Any

    def whole(self, x: np.ndarray, steps: int) -> Iterator[Traces]:
        """One sequence that is longer than ``steps``, in stretches if it can be. Raises ValueError if it is too long
        for a model that cannot."""
        if self.stretches is not None:
            yield from self.stretches(x, steps)
            return
        if len(x) > WHOLE:
            raise ValueError(
                say(
                    "it has {steps:,} steps; a model that cannot go on from a state is run on {most:,} at most: cut it",
                    steps=len(x),
                    most=WHOLE,
                )
            )
        yield self.run(x[:, None])


def model_of(
    source: Any, tokenizer: Tokenizer | None = None, batch_first: bool | None = None, device: str | None = None
) -> Model:
    """The model that ``source`` is: the name of a shipped one, a ``Network``, a ``Loaded``, a ``Block`` or a PyTorch
    module. device: one of ``DEVICES``; by default the CPU, and a module runs where it lies.

    Raises TypeError for anything else, ValueError for a name that is none, for a device that this machine does not
    have, for another one than the module lies on, and for a ``batch_first`` that is not the model's."""
    if isinstance(source, str):
        from lstm_core.network import load_model

        source = load_model(source)
    if batch_first is not None and isinstance(source, Network | Block | Loaded):
        raise ValueError(
            say("batch_first is of a PyTorch module; a {kind} says itself how it reads", kind=type(source).__name__)
        )
    if isinstance(source, Network):
        return _network(source, device=device)
    if isinstance(source, Block):
        return _network(Network(source.name, source), tokenizer, device)
    if isinstance(source, Loaded):
        return _loaded(source, tokenizer, device)
    if hasattr(source, "state_dict") and hasattr(source, "forward"):
        return _module(source, tokenizer, batch_first, device)
    raise TypeError(
        say(
            "a {kind} cannot be surveyed: it is neither a model of this library nor a PyTorch module",
            kind=type(source).__name__,
        )
    )


def shipped(name: str, fingerprint: str) -> Network | None:
    """The shipped model of that name, if it is still the same."""
    if name not in list_models():
        return None
    network = Network.load(list_models()[name])
    return network if _network(network).fingerprint == fingerprint else None


def _place(blocks: Sequence[Block], device: str | None) -> tuple[Any, dict[str, str]]:
    """Where they run and are counted, by the work of the largest batch; and how ``Block.trace`` is told."""
    name, _ = resolve(device or "cpu", work=BATCH * max(block.weights for block in blocks))
    xp = on(name if name in DEVICES else "cpu")
    return xp, {"device": xp.device, "backend": xp.backend, "keep": xp.keep}


def _network(network: Network, tokenizer: Tokenizer | None = None, device: str | None = None) -> Model:
    stack = (*network.below, network.block)
    xp, place = _place(stack, device)
    names = [block.name or str(k) for k, block in enumerate(stack)]
    names[-1] = ""  # the one that the network is about
    first = stack[0]
    carries = all(block.directions == ("forward",) for block in stack)

    def run(x: np.ndarray, states: Mapping[str, Any] | None = None) -> dict[str, Trace]:
        ids = network.reader is not None and x.ndim == 2
        x = x.swapaxes(0, 1) if first.batch_first else x
        mask = network.mask_of(x)
        if ids:
            x = _looked_up(network, x)
        found: dict[str, Trace] = {}
        for name, (block, above) in zip(names, pairwise((*stack, None)), strict=True):
            assert block is not None
            found[name] = trace = block.trace(x, (states or {}).get(name), mask=mask, **place)
            if above is not None:
                x = above.laid_out(block.output(trace))
                if mask is not None and block.batch_first != above.batch_first:
                    mask = mask.T
        return found

    def stretches(x: np.ndarray, steps: int) -> Iterator[Traces]:
        states = None
        for start in range(0, len(x), steps):
            traces = run(x[start : start + steps, None], states)
            yield traces
            states = {name: trace.final for name, trace in traces.items()}

    words = tokenizer or (network.reader.tokenizer if network.reader else None)
    digest = hashlib.sha256()
    for block in stack:
        _add(digest, [params for row in block.layers for params in row], f"{block.cell.name} {block.directions}")
    if network.reader:
        _add(digest, [{"embedding": network.embedding}], f"{network.reader.padding} {words.json if words else ''}")
    return Model(
        network.name, digest.hexdigest(), run, stretches if carries else None, words.encode if words else None,
        words.display if words else None, carries and all(b.mask_value is None for b in stack), True, xp,
    )  # fmt: skip


def _looked_up(network: Network, ids: np.ndarray) -> np.ndarray:
    if ids.size and not (0 <= ids.min() and ids.max() < len(network.embedding)):
        rows = len(network.embedding)
        raise ValueError(
            say(
                "the ids go from {low} to {high}; this network has {rows:,} words (0 to {last})",
                low=int(ids.min()),
                high=int(ids.max()),
                rows=rows,
                last=rows - 1,
            )
        )
    return network.embedding[ids]


def _add(digest: Any, parts: Sequence[Mapping[str, np.ndarray]], form: str) -> None:
    """Puts arrays by name into a hash."""
    digest.update(form.encode())
    for params in parts:
        for name, value in sorted(params.items()):
            value = np.ascontiguousarray(value)
            digest.update(f"{name} {value.dtype} {value.shape}\n".encode())
            digest.update(value.tobytes())


def _loaded(loaded: Loaded, tokenizer: Tokenizer | None, device: str | None) -> Model:
    first = loaded.blocks[0]
    xp, place = _place(loaded.blocks, device)

    def run(x: np.ndarray) -> Traces:
        ids = x.ndim == 2
        return wiring.run(loaded, x.swapaxes(0, 1) if ids or first.batch_first else x, **place)

    digest = hashlib.sha256()
    for block in loaded.blocks:
        form = f"{block.name} {block.cell.name} {block.directions}"
        _add(digest, [params for row in block.layers for params in row], form)
    _add(digest, [loaded.others], json.dumps(dict(loaded.roles), sort_keys=True))
    words = (tokenizer.encode, tokenizer.display) if tokenizer else (None, None)
    return Model(first.name or loaded.format, digest.hexdigest(), run, None, *words, pads=False, vectors=True, xp=xp)


def _module(module: Any, tokenizer: Tokenizer | None, batch_first: bool | None, device: str | None) -> Model:
    import torch

    from lstm_core.modules.chunks import chunks
    from lstm_core.modules.keep import Keep
    from lstm_core.modules.kinds import KINDS, recurrent_modules
    from lstm_core.modules.tracing import trace_module
    from lstm_core.modules.whole import trace_whole

    alone = isinstance(module, KINDS)
    inside = [module] if alone else list(recurrent_modules(module).values())
    if not inside:
        raise ValueError(say("{name} contains no recurrent module", name=type(module).__name__))
    own = any(getattr(one, "batch_first", False) for one in inside)
    if alone and batch_first not in (None, own):
        raise ValueError(
            say("this {kind} has batch_first={own}: leave batch_first out", kind=type(module).__name__, own=own)
        )
    batch_first = own if batch_first is None else batch_first

    like = next(iter(module.parameters()))
    if device not in (None, "auto", like.device.type):
        raise ValueError(
            say(
                "{name} lies on {place}, and runs there: move it with .to({device!r}), or take device='auto'",
                name=type(module).__name__,
                place=str(like.device),
                device=device,
            )
        )
    xp = on(str(like.device) if like.device.type in DEVICES else "cpu")
    keep = Keep(xp.keep)

    def tensor(x: np.ndarray) -> Any:
        found = torch.tensor(x.swapaxes(0, 1) if batch_first else x, device=like.device)
        return found.to(like.dtype) if found.is_floating_point() else found

    def run(x: np.ndarray) -> Traces:
        if alone:
            return {"": trace_module(module, tensor(x), keep=keep)}
        return trace_whole(module, (tensor(x),), {}, keep=keep)[0]

    def stretches(x: np.ndarray, steps: int) -> Iterator[Traces]:
        yield from ({"": one} for one in chunks(module, tensor(x[:, None]), None, (), steps))

    digest = hashlib.sha256(f"{module!r} {batch_first}".encode())
    _add(digest, [{name: value.detach().float().cpu().numpy() for name, value in module.state_dict().items()}], "")
    goes_on = alone and hasattr(module, "num_layers") and not module.bidirectional
    words = (tokenizer.encode, tokenizer.display) if tokenizer else (None, None)
    return Model(
        type(module).__name__, digest.hexdigest(), run, stretches if goes_on else None, *words,
        pads=False, vectors=True, xp=xp,
    )  # fmt: skip
