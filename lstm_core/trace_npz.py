"""A trace in NumPy's .npz, and back: what ``Trace.to_npz`` and ``Trace.from_npz`` do.

Each signal lies under its name, beside ``inputs``, ``axes`` and the text of the ``tokens``, for whoever opens the file
with ``numpy.load``. The weights are ``layers.LAYER.DIRECTION.NAME``, the first states ``initial.NAME``, the attention
``attention.NAME``, which row went on from which ``continued``. What is not an array stands in ``trace``, as JSON.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import IO, Any

import numpy as np

from lstm_core import npz
from lstm_core.attention import ALPHA, PARAMS
from lstm_core.cells.base import Cell
from lstm_core.certificate import Broken, Certificate
from lstm_core.say import Said, say
from lstm_core.scan import hidden_size
from lstm_core.sequences import NOT_RUN
from lstm_core.text import Token
from lstm_core.trace import AXES, Trace
from lstm_core.variant import remade, written

FORMAT = 1
TOKEN = {"text": str, "start": int, "end": int, "id": int, "piece": str, "known": bool, "word": int}
Arrays = dict[str, np.ndarray]


def write(trace: Trace, file: str | os.PathLike[str] | IO[bytes]) -> None:
    """See ``Trace.to_npz``."""
    missing = [signal.name for signal in trace.declared if signal.name not in trace]
    if missing:
        raise ValueError(
            say(
                "the trace was made without {names}, and from_npz reads whole traces; write the signals that there are "
                "with numpy.savez_compressed(file, **trace)",
                names=", ".join(missing),
            )
        )
    rest, numbers = parts(trace)
    texts = {
        "tokens": np.array([token.text for token in trace.tokens], dtype=np.str_),
        "axes": np.array(AXES),
        "trace": np.array(json.dumps(rest)),
    }
    arrays: dict[str, Any] = {**numbers, **texts}
    if isinstance(file, str | os.PathLike):
        with open(file, "wb") as opened:  # NumPy would add .npz to a name without it
            np.savez_compressed(opened, **arrays)
    else:
        np.savez_compressed(file, **arrays)


def parts(trace: Trace) -> tuple[dict[str, Any], Arrays]:
    """What JSON can hold of a trace, and its arrays of numbers by name; ``whole`` puts them together again."""
    rest = {
        "format": FORMAT,
        "cell": written(trace.cell),
        "tokens": [[getattr(token, name) for name in TOKEN] for token in trace.tokens],
        "device": trace.device,
        "seconds": float(trace.seconds),
        "certificate": None if trace.certificate is None else _plain(asdict(trace.certificate)),
        "method": trace.method,
        "broken": None if trace.broken is None else _plain(asdict(trace.broken)),
        "lengths": None if trace.lengths is None else [int(length) for length in trace.lengths],
        "assumed": [str(sentence) for sentence in trace.assumed],
        "reverse": bool(trace.reverse),
        "forced": list(trace.forced),
    }
    arrays: Arrays = {**trace.signals, "inputs": trace.inputs}
    for layer, row in enumerate(trace.layers):
        for direction, params in enumerate(row):
            arrays |= {f"layers.{layer}.{direction}.{name}": value for name, value in params.items()}
    arrays |= {f"initial.{name}": value for name, value in trace.initial.items()}
    arrays |= {f"attention.{name}": value for name, value in (trace.attention or {}).items()}
    if trace.continued is not None:
        arrays["continued"] = trace.continued
    return rest, arrays


def read(file: str | os.PathLike[str] | IO[bytes], cell: type[Cell] | None, limit: int) -> Trace:
    """See ``Trace.from_npz``."""
    arrays, refused = npz.read(file, limit)
    for reason in refused.values():
        raise ValueError(reason)
    if "trace" not in arrays:
        if "inputs" in arrays and "axes" in arrays:
            raise ValueError(
                say(
                    "this trace was written by an older Gatescope, which kept the signals alone; numpy.load reads these"
                )
            )
        raise ValueError(say("this .npz file is not a trace that Trace.to_npz wrote"))
    try:
        rest = json.loads(str(arrays["trace"][()]))
        if rest["format"] != FORMAT:
            raise ValueError(say("it is of a newer format; update Gatescope"))
        return _checked(whole(rest, arrays, cell))
    except KeyError as error:
        raise ValueError(say("this is not a whole trace: {name} is missing", name=str(error)[:80])) from error
    except (ValueError, TypeError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        if any(isinstance(part, Said) for part in error.args):
            raise ValueError(say("this is not a trace that can be used: {error}", error=error.args[0])) from error
        raise ValueError(
            say("this is not a trace that Trace.to_npz wrote: its contents are of the wrong type")
        ) from error


def whole(rest: Mapping[str, Any], arrays: Arrays, cell: type[Cell] | None = None) -> Trace:
    """The trace in a file's parts. Raises KeyError for what is missing, and whatever is raised by what is wrong."""
    if cell is not None and written(cell) != rest["cell"]:
        wanted = rest["cell"].get("cell", rest["cell"].get("own"))
        raise ValueError(say("it is of another cell, {name}, than the one given", name=str(wanted)[:80]))
    cell = cell or remade(rest["cell"])
    attention = _under("attention.", arrays)
    declared = [signal.name for signal in ((*cell.signals, ALPHA) if attention else cell.signals)]
    rows: dict[int, dict[int, Arrays]] = {}
    for key, value in _under("layers.", arrays).items():
        layer, direction, name = key.split(".")
        value.setflags(write=False)
        rows.setdefault(int(layer), {}).setdefault(int(direction), {})[name] = value
    if not cell.params:  # known by its values: there are no weights to say how many layers it has
        rows.setdefault(0, {}).setdefault(0, {})
    for name in declared:
        arrays[name]  # or it is missing
    return Trace(
        cell,
        {name: value for name, value in arrays.items() if name in declared},
        arrays["inputs"],
        [[row[direction] for direction in range(len(row))] for row in (rows[layer] for layer in range(len(rows)))],
        _under("initial.", arrays),
        tuple(_token(values) for values in _of(list, rest["tokens"])),
        _of(str, rest["device"]),
        _of(float, rest["seconds"]),
        None if rest["certificate"] is None else _certificate(_of(dict, rest["certificate"])),
        None if rest["lengths"] is None else tuple(_of(int, length) for length in _of(list, rest["lengths"])),
        attention or None,
        tuple(_of(str, sentence) for sentence in _of(list, rest["assumed"])),
        method=_of(str, rest["method"]),
        broken=None if rest["broken"] is None else _broken(_of(dict, rest["broken"])),
        continued=arrays.get("continued"),
        reverse=_of(bool, rest.get("reverse", False)),
        forced=tuple(_of(str, one) for one in _of(list, rest.get("forced", []))),
    )


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """What JSON holds in every reader: NaN and infinities as their names."""
    return {name: _plain(value) if isinstance(value, Mapping) else _finite(value) for name, value in values.items()}


def _finite(value: Any) -> Any:
    if not isinstance(value, float | np.floating):
        return value
    return float(value) if math.isfinite(value) else str(float(value))


def _number(value: Any) -> float:
    return float(value) if value in ("nan", "inf", "-inf") else _of(float, value)


def _certificate(values: dict[str, Any]) -> Certificate:
    everywhere, sampled = (
        {_of(str, name): _number(error) for name, error in _of(dict, values[part]).items()}
        for part in ("everywhere", "sampled")
    )
    seed, limit = values["seed"], values["limit"]
    return Certificate(
        everywhere,
        sampled,
        _of(int, values["places"]),
        _of(int, values["total"]),
        None if seed is None else _of(int, seed),
        None if limit is None else _number(limit),
        _of(str, values["precision"]),
    )


def _broken(values: dict[str, Any]) -> Broken:
    texts = {name: _of(str, values[name]) for name in ("signal", "origin", "place")}
    numbers = {name: _of(int, values[name]) for name in ("layer", "direction", "step", "sequence", "unit")}
    return Broken(**texts, **numbers, value=_number(values["value"]))


def _under(start: str, arrays: Arrays) -> Arrays:
    return {name.removeprefix(start): value for name, value in arrays.items() if name.startswith(start)}


def _token(values: Any) -> Token:
    return Token(**{name: _of(kind, value) for (name, kind), value in zip(TOKEN.items(), values, strict=True)})


def _of(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(say("{value} is not {kind}", value=repr(value)[:80], kind=kind.__name__))
    return value


def _checked(trace: Trace) -> Trace:
    """``trace``, if all of its parts fit together; ValueError names the first that does not."""
    cell, signals = trace.cell, trace.signals
    if not trace.layers or signals[cell.output].ndim != len(AXES):
        raise ValueError(
            say("it has no layers, or {name} does not have the axes {axes}", name=cell.output, axes=", ".join(AXES))
        )
    layers, directions, steps, batch, output = signals[cell.output].shape
    own = not {"own", "observed"}.isdisjoint(written(cell))  # its signals and weights have any sizes
    hidden = output if own else hidden_size(cell, trace.layers[0][0])
    projected = any(param.name == "W_hr" for param in cell.params)

    def expect(name: str, value: np.ndarray, *shape: int) -> None:
        if value.shape != shape or value.dtype.kind != "f" or value.dtype.itemsize > 8:
            raise ValueError(
                say(
                    "{name} is {found} of {kind}, not {shape}",
                    name=name,
                    found=value.shape,
                    kind=value.dtype,
                    shape=shape,
                )
            )

    def units(name: str) -> int:
        if own:
            return signals[name].shape[-1]
        return output if projected and name == cell.output else hidden

    if trace.reverse and directions != 1:
        raise ValueError(say("it has two directions, and is said to have run backwards alone"))
    if directions not in (1, 2) or (len(trace.layers), {len(row) for row in trace.layers}) != (layers, {directions}):
        raise ValueError(
            say(
                "its weights are not those of its signals (layers: {layers}, directions: {directions})",
                layers=layers,
                directions=directions,
            )
        )
    width = trace.inputs.shape[-1] if trace.inputs.ndim else 0
    expect("inputs", trace.inputs, steps, batch, width)
    for name, value in signals.items():
        lead = (1, 1) if name == ALPHA.name else (layers, directions)
        expect(name, value, *lead, steps, batch, steps if name == ALPHA.name else units(name))
    for name, value in trace.initial.items():
        cell.signal(name)
        expect(f"initial.{name}", value, layers, directions, batch, units(name))
    for layer, row in enumerate(trace.layers):
        width = directions * output if layer else width
        for direction, params in enumerate(row):
            for param in cell.params:
                shape = params[param.name].shape if own else param.shape(width, hidden)
                if projected and param.axes == ("hidden", "hidden"):
                    shape = (output, hidden) if param.name == "W_hr" else (hidden, output)
                expect(f"layers.{layer}.{direction}.{param.name}", params[param.name], *shape)
    looks = trace.attention or {}
    for param in PARAMS if looks else ():
        expect(f"attention.{param.name}", looks[param.name], *param.shape(0, directions * output))
    if len(trace.tokens) not in (0, steps):
        raise ValueError(
            say(
                "the number of its tokens, {count}, is not that of its steps, {steps}",
                count=len(trace.tokens),
                steps=steps,
            )
        )
    lengths = trace.lengths
    if lengths is not None and (len(lengths) != batch or not all(0 <= length <= steps for length in lengths)):
        raise ValueError(
            say(
                "its lengths, {lengths}, do not fit a batch of {batch} and the {steps} steps",
                lengths=str(lengths)[:80],
                batch=batch,
                steps=steps,
            )
        )
    if trace.continued is not None and not _goes_back(trace.continued, steps, batch):
        raise ValueError(
            say(
                "its map of rows does not say for each of {steps} steps and {batch} rows which earlier step and row it "
                "went on from",
                steps=steps,
                batch=batch,
            )
        )
    return trace


def _goes_back(continued: np.ndarray, steps: int, batch: int) -> bool:
    """Whether every step went on from an earlier one that was run, or from a row of the first state."""
    if continued.shape != (steps, batch, 2) or continued.dtype.kind not in "iu":
        return False
    step, row = continued[..., 0].astype(np.int64), continued[..., 1].astype(np.int64)
    run = step != NOT_RUN
    if bool(((step < NOT_RUN) | (step >= np.arange(steps)[:, None]) | (run & ((row < 0) | (row >= batch)))).any()):
        return False
    back = step >= 0
    return bool(run.any(axis=0).all()) and bool(run[step[back], row[back]].all())
