"""A trained model in one file: tokenizer, embedding, recurrent layers and readout."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lstm_core import attention as attending
from lstm_core.cells import cell as find_cell
from lstm_core.cells.base import Cell
from lstm_core.device import resolve
from lstm_core.scan import Layers, hidden_size, scan
from lstm_core.text import Token, Tokenizer
from lstm_core.trace import Trace

FORMAT = 1
CHUNK = 128
"""Steps of which the whole vocabulary is scored at a time."""


def softmax(logits: np.ndarray) -> np.ndarray:
    exp = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exp / exp.sum(axis=-1, keepdims=True)


@dataclass(frozen=True, eq=False)
class Network:
    """A language model whose gates can be seen.

    embedding: (vocabulary, embedding_size). layers: parameters by layer, direction and name.
    readout: (vocabulary, hidden), or (embedding_size, hidden) if ``tied``: it then goes through the embedding's
    transpose.
    bias: (vocabulary,). All float32.
    attention: parameters by name, if the readout also reads what it looks back at (``lstm_core.attention``); it then
        has twice as many columns, for h and for a.
    meta: what the header says beside: recipe, seed, metrics, named units, examples, honesty.
    """

    name: str
    tokenizer: Tokenizer
    cell: type[Cell]
    embedding: np.ndarray
    layers: Layers
    readout: np.ndarray
    bias: np.ndarray
    tied: bool = False
    attention: Mapping[str, np.ndarray] | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def hidden_size(self) -> int:
        return hidden_size(self.cell, self.layers[0][0])

    @cached_property
    def readout_weight(self) -> np.ndarray:
        """(vocabulary, hidden): row w is the direction in what is read (h, or h and a) that speaks for word w."""
        return self.embedding @ self.readout if self.tied else self.readout

    def run(self, text: str | Sequence[Token], device: str = "auto", backend: str | None = None) -> Trace:
        """Read ``text`` and return everything that happened. An empty text gives a trace of no steps.

        device: "auto", "cpu", "cuda" or "mps"; backend: see ``lstm_core.device.resolve``.
        """
        tokens = self.tokenizer.encode(text) if isinstance(text, str) else tuple(text)
        device, xp = resolve(device, backend)
        inputs = self.embedding[np.array([token.id for token in tokens], dtype=np.intp)][:, None, :]
        signals, initial, seconds = self._scan(inputs, xp)
        return Trace(
            self.cell, signals, inputs, self.layers, initial, tokens, device, seconds, attention=self.attention
        )

    def _scan(self, inputs: np.ndarray, xp: Any) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], float]:
        shape = (len(self.layers), len(self.layers[0]), inputs.shape[1], self.hidden_size)
        initial = {name: np.zeros(shape, np.float32) for name in self.cell.states()}
        if len(inputs) == 0:
            empty = np.zeros((*shape[:2], 0, *shape[2:]), np.float32)
            none = {signal.name: empty for signal in self.cell.signals}
            return none | attending.weights(self.attention, self.cell, none), initial, 0.0
        start = time.perf_counter()
        layers = [[{k: xp.asarray(v) for k, v in params.items()} for params in row] for row in self.layers]
        signals, _ = scan(self.cell, layers, xp.asarray(inputs), initial, xp)
        arrays = {name: xp.to_numpy(value) for name, value in signals.items()}
        arrays |= attending.weights(self.attention, self.cell, arrays)
        return arrays, initial, time.perf_counter() - start

    def logits(self, trace: Trace) -> np.ndarray:
        """(time, vocabulary): the score of each next word after each step, for the first of the batch."""
        return self._read_out(self.reads(trace.signals)[:, 0])

    def probabilities(self, trace: Trace) -> np.ndarray:
        """(time, vocabulary): the softmax of ``logits``."""
        return softmax(self.logits(trace))

    def next_tokens(self, trace: Trace, step: int, k: int = 5) -> list[tuple[str, float]]:
        """The ``k`` likeliest words after ``step`` and their probabilities, likeliest first."""
        return self._best(softmax(self._read_out(self.reads(trace.signals)[step, :1])), k)[0]

    def predictions(self, trace: Trace, k: int = 5) -> list[list[tuple[str, float]]]:
        """``next_tokens`` for every step, some steps at a time: a whole vocabulary a step is a lot of memory."""
        shown = self.reads(trace.signals)[:, 0]
        parts = (shown[start : start + CHUNK] for start in range(0, len(shown), CHUNK))
        return [row for part in parts for row in self._best(softmax(self._read_out(part)), k)]

    def reads(self, signals: Mapping[str, np.ndarray]) -> np.ndarray:
        """(time, batch, directions * hidden), twice as wide with attention: what the readout reads of a run."""
        h = attending.top(self.cell, signals)
        return h if self.attention is None else attending.attended(self.attention, h)[0]

    def _read_out(self, h: np.ndarray) -> np.ndarray:
        if self.tied:
            return (h @ self.readout.T) @ self.embedding.T + self.bias
        return h @ self.readout.T + self.bias

    def _best(self, probabilities: np.ndarray, k: int) -> list[list[tuple[str, float]]]:
        k = min(k, probabilities.shape[-1])
        best = np.argpartition(-probabilities, k - 1, axis=-1)[:, :k]
        values = np.take_along_axis(probabilities, best, axis=-1)
        order = np.argsort(-values, axis=-1, kind="stable")
        best, values = np.take_along_axis(best, order, -1), np.take_along_axis(values, order, -1)
        return [
            [(self.tokenizer.display(int(i)), float(p)) for i, p in zip(row, probability, strict=True)]
            for row, probability in zip(best, values, strict=True)
        ]

    def untrained(self, seed: int = 0) -> Network:
        """The same model with random weights, U(-1/sqrt(hidden), 1/sqrt(hidden)) as torch draws them: the baseline
        of every claim."""
        rng = np.random.default_rng(seed)
        bound = self.hidden_size**-0.5

        fixed = {param.name for param in self.cell.params if param.fixed is not None}

        def draw(array: Any) -> np.ndarray:
            return rng.uniform(-bound, bound, array.shape).astype(np.float32)

        return replace(
            self,
            name=f"{self.name} (untrained)",
            embedding=rng.standard_normal(self.embedding.shape).astype(np.float32),
            layers=[
                [{k: v if k in fixed else draw(v) for k, v in params.items()} for params in row] for row in self.layers
            ],
            readout=draw(self.readout),
            bias=draw(self.bias),
            attention=self.attention and {name: draw(value) for name, value in self.attention.items()},
        )

    def save(self, path: str | os.PathLike[str], half: bool = False) -> None:
        """Write one safetensors file; ``half`` stores float16, which is read back as float32."""
        from safetensors.numpy import save_file

        tensors = {"embedding.weight": self.embedding, "readout.weight": self.readout, "readout.bias": self.bias}
        for layer, row in enumerate(self.layers):
            for direction, params in enumerate(row):
                tensors |= {f"layers.{layer}.{direction}.{name}": value for name, value in params.items()}
        tensors |= {f"attention.{name}": value for name, value in (self.attention or {}).items()}
        kind = np.float16 if half else np.float32
        header = {"format": FORMAT, "name": self.name, "cell": self.cell.name, "tied": self.tied, **self.meta}
        save_file(
            {name: np.ascontiguousarray(value, dtype=kind) for name, value in tensors.items()},
            path,
            metadata={"gatescope": json.dumps(header, ensure_ascii=False), "tokenizer": self.tokenizer.json},
        )

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Network:
        """Read a file that ``save`` wrote. Raises ValueError, saying what is wrong, if it is another one."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as file:
                metadata = file.metadata() or {}
                tensors = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}
        except (SafetensorError, OSError) as error:
            raise ValueError(f"{os.fspath(path)} cannot be read as a safetensors file: {error}") from error
        if "gatescope" not in metadata:
            raise ValueError(f"{os.fspath(path)} is a safetensors file, but not a Gatescope model")
        try:
            return _checked(_assembled(metadata, tensors))
        except (ValueError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"{os.fspath(path)} is not a model that this Gatescope can use: {error}") from error
        except KeyError as error:
            raise ValueError(f"{os.fspath(path)} is not a whole Gatescope model: {error} is missing") from error


def _assembled(metadata: Mapping[str, str], tensors: Mapping[str, np.ndarray]) -> Network:
    """The model in a file's metadata and tensors. Raises KeyError for what is missing and ValueError for what is
    wrong."""
    try:
        header = dict(json.loads(metadata["gatescope"]))
    except (ValueError, TypeError) as error:
        raise ValueError(f"its header is no JSON object: {error}") from error
    if header.pop("format") != FORMAT:
        raise ValueError("it is of a newer format; update Gatescope")
    rows: dict[int, dict[int, dict[str, np.ndarray]]] = {}
    for name, value in tensors.items():
        if name.startswith("layers."):
            try:
                _, layer, direction, param = name.split(".")
                rows.setdefault(int(layer), {}).setdefault(int(direction), {})[param] = value
            except ValueError as error:
                raise ValueError(f"{name} is no layers.LAYER.DIRECTION.PARAMETER") from error
    attention = {name.removeprefix("attention."): v for name, v in tensors.items() if name.startswith("attention.")}
    return Network(
        name=header.pop("name"),
        tokenizer=Tokenizer(metadata["tokenizer"]),
        cell=find_cell(header.pop("cell")),
        embedding=tensors["embedding.weight"],
        layers=[[row[d] for d in sorted(row)] for _, row in sorted(rows.items())],
        readout=tensors["readout.weight"],
        bias=tensors["readout.bias"],
        tied=header.pop("tied"),
        attention=attention or None,
        meta=header,
    )


def _checked(model: Network) -> Network:
    """``model``, if all its parts are there and fit together; KeyError or ValueError names the first that does not."""
    if not model.layers:
        raise ValueError("it has no layers")
    if model.embedding.ndim != 2:
        raise ValueError(f"embedding.weight has {model.embedding.ndim} axes, not 2")
    words, width = model.tokenizer.size, model.embedding.shape[1]
    outputs = len(model.layers[0]) * model.hidden_size
    read = outputs if model.attention is None else 2 * outputs
    shapes = {
        "embedding.weight": (model.embedding, (words, width)),
        "readout.weight": (model.readout, (width if model.tied else words, read)),
        "readout.bias": (model.bias, (words,)),
    }
    for layer, row in enumerate(model.layers):
        for direction, params in enumerate(row):
            for param in model.cell.params:
                name = f"layers.{layer}.{direction}.{param.name}"
                if param.name not in params:
                    raise KeyError(name)
                shapes[name] = (params[param.name], param.shape(outputs if layer else width, model.hidden_size))
    looks = model.attention or {}
    for param in attending.PARAMS if looks else ():
        name = f"attention.{param.name}"
        if param.name not in looks:
            raise KeyError(name)
        shapes[name] = (looks[param.name], param.shape(outputs, outputs))
    for name, (value, shape) in shapes.items():
        if value.shape != shape:
            raise ValueError(f"{name} is {value.shape}, not {shape}")
    return model


def model_folders() -> list[Path]:
    """Where shipped models lie: the folders of GATESCOPE_MODELS if it is set, the checkout's assets, the installed
    package."""
    here = Path(__file__).resolve().parent
    given = [Path(folder) for folder in os.environ.get("GATESCOPE_MODELS", "").split(os.pathsep) if folder]
    return [*given, here.parent / "assets" / "models", here / "models"]


def list_models() -> dict[str, Path]:
    """The shipped models' files by name; the first folder that holds a name wins."""
    found: dict[str, Path] = {}
    for folder in model_folders():
        for path in sorted(folder.glob("*.safetensors")):
            found.setdefault(path.stem, path)
    return found


def load_model(name: str) -> Network:
    """A shipped model by its name, such as "pronouns-lstm"; ValueError lists the names there are."""
    models = list_models()
    if name not in models:
        raise ValueError(f"there is no model {name!r}; there are {', '.join(models) or 'none'}")
    return Network.load(models[name])
