"""A trace as a table or a labelled array of other libraries: what ``Trace.to_pandas`` and ``Trace.to_xarray`` do."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_core.attention import ALPHA
from lstm_core.say import say
from lstm_core.trace import AXES, Trace

if TYPE_CHECKING:
    import pandas
    import xarray


def tidy(trace: Trace) -> pandas.DataFrame:
    """See ``Trace.to_pandas``."""
    pandas = _package("pandas")
    frames = []
    for name, values in trace.signals.items():
        frame = pandas.DataFrame(_places(values.shape))
        frame["signal"] = name
        frame["value"] = values.ravel()
        frames.append(frame)
    table = pandas.concat(frames, ignore_index=True)
    table["signal"] = table["signal"].astype("category")
    return table


def wide(trace: Trace) -> pandas.DataFrame:
    """See ``Trace.to_pandas``."""
    pandas = _package("pandas")
    signals = {name: values for name, values in trace.signals.items() if name != ALPHA.name}
    units = max(values.shape[-1] for values in signals.values())
    columns = _places((*trace.shape[:-1], units))
    for name, values in signals.items():
        missing = [(0, 0)] * (len(AXES) - 1) + [(0, units - values.shape[-1])]
        columns[name] = np.pad(values, missing, constant_values=np.nan).ravel()
    return pandas.DataFrame(columns)


def dataset(trace: Trace) -> xarray.Dataset:
    """See ``Trace.to_xarray``."""
    xarray = _package("xarray")
    units = next(trace[signal.name].shape[-1] for signal in trace.cell.signals if signal.name in trace)
    variables: dict[str, Any] = {}
    for name, values in trace.signals.items():
        if name == ALPHA.name:
            variables[name] = ("time", "batch", "source"), values[0, 0]
        else:
            variables[name] = (*AXES[:-1], "unit" if values.shape[-1] == units else f"{name}_unit"), values
    variables["inputs"] = ("time", "batch", "input"), trace.inputs
    sizes = {dim: size for dims, values in variables.values() for dim, size in zip(dims, values.shape, strict=True)}
    places: dict[str, Any] = {dim: np.arange(size) for dim, size in sizes.items()}
    if trace.tokens:
        places["token"] = "time", np.array([token.text for token in trace.tokens], dtype=np.str_)
    if trace.lengths is not None:
        places["length"] = "batch", np.array(trace.lengths)
    attributes = {
        "cell": trace.cell.name,
        "device": trace.device,
        "max_abs_error": trace.max_abs_error,
        "certificate": None if trace.certificate is None else str(trace.certificate),
        "assumed": list(map(str, trace.assumed)) or None,
        "forced": list(trace.forced) or None,
    }
    return xarray.Dataset(variables, places, {name: value for name, value in attributes.items() if value is not None})


def _places(shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """The index along each axis, of every value of an array of that shape."""
    return dict(zip(AXES, np.indices(shape, dtype=np.int32).reshape(len(AXES), -1), strict=True))


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        message = say("Trace.to_{name} needs the package {name}, which is not installed: pip install {name}", name=name)
        raise ModuleNotFoundError(message, name=name) from error
