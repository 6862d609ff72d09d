"""A network: what turns words into vectors, the recurrent block that reads these, what turns h into scores.

Only the block has to be there: a file of somebody else's may hold no words, and predict nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from lstm_core import attention as attending
from lstm_core import stored
from lstm_core.block import Block
from lstm_core.cells import cell as find_cell
from lstm_core.cells.base import Cell
from lstm_core.kinds import Numbers, at_least, kinds
from lstm_core.ops import host
from lstm_core.say import say
from lstm_core.scan import Layers
from lstm_core.sequences import no_step
from lstm_core.text import Token, Tokenizer
from lstm_core.trace import Trace

FORMAT = 1
CHUNK = 64
"""Steps of which the whole vocabulary is scored at a time."""


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities of the last axis, (..., word), that add up to 1; no size of logits overflows."""
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    return shares


@dataclass(frozen=True, eq=False)
class Reader:
    """Words to vectors.

    embedding: (vocabulary, input), a row an id. tokenizer: None where only ids are read, as from a file that came
        without its vocabulary. padding: the id whose steps are skipped (Keras's ``mask_zero``); None if none is.
    """

    embedding: np.ndarray
    tokenizer: Tokenizer | None = None
    padding: int | None = None


@dataclass(frozen=True, eq=False)
class Readout:
    """What is read of a run to scores of every word.

    weight: (vocabulary, read), or (embedding_size, read) with ``through``, the embedding (vocabulary, embedding_size)
        that a tied readout goes on through. bias: (vocabulary,).
    attention: parameters by name, if it also reads what it looks back at (``lstm_core.attention``); what is read is
        then twice as wide, h and a.
    """

    weight: np.ndarray
    bias: np.ndarray
    through: np.ndarray | None = None
    attention: Mapping[str, np.ndarray] | None = None

    @cached_property
    def whole(self) -> np.ndarray:
        """(vocabulary, read): row w is the direction in what is read (h, or h and a) that speaks for word w."""
        return self.weight if self.through is None else self.through @ self.weight

    def scores(self, read: np.ndarray) -> np.ndarray:
        """(..., vocabulary): the scores of every word for what is read, (..., read)."""
        scores = read @ self.weight.T
        scores = scores if self.through is None else scores @ self.through.T
        scores += self.bias  # in place: room for a vocabulary a step takes longer to find than to fill
        return scores


FEW = 16
"""Words up to which it is quicker to look for the likeliest one time after time."""


def _best(probabilities: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """(time, k) each, of (time, vocabulary): the ids of the largest, largest first, and they themselves; of equal ones
    the first. ``probabilities`` are used up."""
    k = min(k, probabilities.shape[-1])
    if k <= FEW:
        rows = np.arange(len(probabilities))
        ids, values = np.empty((len(rows), k), np.intp), np.empty((len(rows), k), probabilities.dtype)
        for place in range(k):
            ids[:, place] = probabilities.argmax(axis=-1)
            values[:, place] = probabilities[rows, ids[:, place]]
            probabilities[rows, ids[:, place]] = -np.inf
        return ids, values
    best = np.argpartition(-probabilities, k - 1, axis=-1)[:, :k]
    values = np.take_along_axis(probabilities, best, axis=-1)
    order = np.argsort(-values, axis=-1, kind="stable")
    return np.take_along_axis(best, order, -1), np.take_along_axis(values, order, -1)


def _are_ids(inputs: np.ndarray) -> bool:
    return inputs.dtype.kind in "iu" and inputs.ndim <= 2


@dataclass(frozen=True, eq=False)
class Network:
    """A network whose gates can be seen.

    name: as it is shown. block: what runs. below: blocks that run before it, first to last, each on h of the one
        before.
    reader: None for one that reads numbers. readout: None for one that predicts no words.
    meta: what a shipped model's header says beside: recipe, seed, metrics, named units, examples, honesty.
    silent: why it predicts no next word, where more is known of it than that it has no readout.
    """

    name: str
    block: Block
    reader: Reader | None = None
    readout: Readout | None = None
    below: tuple[Block, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    silent: str = ""

    @property
    def cell(self) -> type[Cell]:
        """The cell of the block that runs."""
        return self.block.cell

    @property
    def layers(self) -> Layers:
        """The block's parameters by layer, direction and name."""
        return self.block.layers

    @property
    def hidden_size(self) -> int:
        """Units of a gate."""
        return self.block.hidden_size

    @property
    def reads_words(self) -> bool:
        """Whether it reads text, with a tokenizer and an embedding of its own."""
        return self.reader is not None and self.reader.tokenizer is not None

    @property
    def tokenizer(self) -> Tokenizer:
        """Raises ValueError for a network that reads numbers."""
        if self.reader is None or self.reader.tokenizer is None:
            raise ValueError(say("this network reads numbers, so it has no words"))
        return self.reader.tokenizer

    @property
    def embedding(self) -> np.ndarray:
        """(vocabulary, input). Raises ValueError for a network that reads numbers."""
        if self.reader is None:
            raise ValueError(say("this network reads numbers, so it has no words"))
        return self.reader.embedding

    @property
    def attention(self) -> Mapping[str, np.ndarray] | None:
        """The parameters of the attention that the readout looks through, by name; None without."""
        return self.readout.attention if self.readout else None

    @property
    def predicts(self) -> Readout:
        """The readout. Raises ValueError for a network that has none, with what is known of why (``silent``)."""
        if self.readout is None:
            raise ValueError(self.silent or say("this network has no output layer, so it predicts no next word"))
        return self.readout

    @kinds
    def run(self, text: str | Sequence[Token], device: str = "auto", backend: str | None = None) -> Trace:
        """Read ``text`` and return everything that happened. An empty text gives a trace of no steps.

        device: "auto" (the accelerator if there is one and the work is worth it), "cpu", "cuda" or "mps". backend:
        "numpy" or "torch", to force one on the CPU; by default NumPy. Raises ValueError for a network that reads
        numbers, and for a device that there is not.
        """
        tokens = self.tokenizer.encode(text) if isinstance(text, str) else tuple(text)
        ids = np.array([token.id for token in tokens], dtype=np.intp)
        return replace(self.read(ids, device=device, backend=backend), tokens=tokens)

    @kinds
    def read(
        self,
        inputs: Numbers,
        lengths: Numbers | None = None,
        *,
        state: Any = None,
        mask: Numbers | None = None,
        device: str = "cpu",
        backend: str | None = None,
        keep: str = "host",
    ) -> Trace:
        """Run on ids or vectors, and return everything that happened.

        inputs: whole numbers, (time,), or (time, batch) or (batch, time) as the block has it, are ids that the reader
            looks up; other numbers are the vectors that the (first) block reads, see ``Block.trace``.
        lengths: (batch,) steps of each sequence of a padded batch. state, mask, keep: see ``Block.trace``. device,
            backend: as for ``run``.

        Raises ValueError for ids that the reader has no row for, and for what does not fit.
        """
        inputs = host(inputs)
        ids = self.reader is not None and _are_ids(inputs)
        if ids:
            rows = len(self.embedding)
            if inputs.size and not (0 <= inputs.min() and inputs.max() < rows):
                raise ValueError(
                    say(
                        "the ids go from {low} to {high}; this network has {rows:,} words (0 to {last})",
                        low=int(inputs.min()),
                        high=int(inputs.max()),
                        rows=rows,
                        last=rows - 1,
                    )
                )
        mask = self.mask_of(inputs) if mask is None else mask  # it holds for the blocks above, too
        if ids:
            inputs = self.embedding[inputs]
        stack, single = (*self.below, self.block), inputs.ndim == 2
        for block, above in pairwise(stack):
            under = block.trace(inputs, lengths=lengths, mask=mask, device=device, backend=backend)
            inputs = above.laid_out(block.output(under), single)
            if mask is not None and block.batch_first != above.batch_first:
                mask = host(mask).T
        trace = self.block.trace(inputs, state, lengths, mask, device, backend, keep)
        trace = replace(trace, network=self)
        if self.attention is None:
            return trace
        looks = attending.weights(self.attention, self.cell, trace.signals)
        return replace(trace, signals={**trace.signals, **looks}, attention=self.attention)

    def mask_of(self, inputs: Any) -> np.ndarray | None:
        """True at the steps of ``inputs`` (ids or vectors, see ``read``) that are read, with the axes of the ids or, of
        vectors, all but the last; None if nothing is masked."""
        inputs = host(inputs)
        if self.reader is not None and _are_ids(inputs):
            return None if self.reader.padding is None else inputs != self.reader.padding
        return (*self.below, self.block)[0].mask_of(inputs)

    @kinds
    def logits(self, trace: Trace) -> np.ndarray:
        """(time, vocabulary): the score of each next word after each step, for the first of the batch.

        Raises ValueError, as all that follows from it, for a network that predicts nothing.
        """
        return self.predicts.scores(self.reads(trace.signals)[:, 0])

    @kinds
    def probabilities(self, trace: Trace) -> np.ndarray:
        """(time, vocabulary): the softmax of ``logits``, which adds up to 1 at every step, of the first of the batch.
        Raises ValueError as ``logits`` does."""
        return softmax(self.logits(trace))

    @kinds
    def next_tokens(self, trace: Trace, step: int, k: int = 5) -> list[tuple[str, float]]:
        """The ``k`` likeliest words after ``step`` and their probabilities, likeliest first.

        Of a batch it is the first sequence, from whose own end a negative ``step`` counts. Raises ValueError for a step
        that it does not have, and as ``predictions`` does.
        """
        at_least(0, k=k)
        one = trace.sequence(0, step)
        if not -len(one) <= step < len(one):
            raise ValueError(no_step(step, len(one)))
        at = step if trace.continued is None else -1
        return self.named(*_best(softmax(self.predicts.scores(self.reads(one.signals)[at, :1])), k))[0]

    @kinds
    def predictions(self, trace: Trace, k: int = 5) -> list[list[tuple[str, float]]]:
        """``next_tokens`` for every step, one list a step. Raises ValueError as ``logits`` does, for a negative ``k``,
        and for a network without words of its own."""
        return self.named(*self.likeliest(trace, k))

    @kinds
    def likeliest(self, trace: Trace, k: int = 5) -> tuple[np.ndarray, np.ndarray]:
        """(time, k) each: the ids of the likeliest next words after every step, likeliest first, and their
        probabilities. Raises ValueError as ``logits`` does, and for a negative ``k``."""
        at_least(0, k=k)
        shown = self.reads(trace.signals)[:, 0]
        parts = (shown[start : start + CHUNK] for start in range(0, max(1, len(shown)), CHUNK))
        ids, chances = zip(*(_best(softmax(self.predicts.scores(part)), k) for part in parts), strict=True)
        return np.concatenate(ids), np.concatenate(chances)

    def reads(self, signals: Mapping[str, np.ndarray]) -> np.ndarray:
        """(time, batch, directions * hidden), twice as wide with attention: what the readout reads of a run.

        signals: as of a ``Trace``, h among them. Raises ValueError where it is as wide as of another network.
        """
        h = attending.top(self.cell, signals)
        if self.readout is not None:
            wanted = self.readout.weight.shape[1] // (1 if self.attention is None else 2)
            if h.shape[-1] != wanted:
                raise ValueError(
                    say(
                        "the output layer of {name} reads {wanted} numbers a step; this trace has {given}, so it is "
                        "another network's",
                        name=self.name,
                        wanted=wanted,
                        given=h.shape[-1],
                    )
                )
        if self.attention is None:
            return h
        ended = np.isnan(h).any(axis=-1, keepdims=True)  # NaN, which a weight of 0 would not leave out
        return np.where(ended, np.nan, attending.attended(self.attention, np.where(ended, 0.0, h))[0])

    def named(self, ids: np.ndarray, probabilities: np.ndarray) -> list[list[tuple[str, float]]]:
        """What ``likeliest`` gives, (time, k) each, as words with their probabilities, one list a step.

        Raises ValueError for a network without words of its own.
        """
        words = {int(id): self.tokenizer.display(int(id)) for id in np.unique(ids)}
        return [
            [(words[int(i)], float(p)) for i, p in zip(row, chances, strict=True)]
            for row, chances in zip(ids, probabilities, strict=True)
        ]

    @kinds
    def untrained(self, seed: int = 0) -> Network:
        """The same model with random weights, U(-1/sqrt(hidden), 1/sqrt(hidden)) as torch draws them, and embeddings
        from a standard normal: the baseline of every claim. seed: of all of them, 0 or more. Raises ValueError for
        another one, and for a network that reads numbers or predicts nothing."""
        at_least(0, seed=seed)
        rng = np.random.default_rng(seed)
        bound = self.hidden_size**-0.5
        fixed = {param.name for param in self.cell.params if param.fixed is not None}

        def draw(array: Any) -> np.ndarray:
            return rng.uniform(-bound, bound, array.shape).astype(np.float32)

        embedding = rng.standard_normal(self.embedding.shape).astype(np.float32)
        layers = [
            [{k: v if k in fixed else draw(v) for k, v in params.items()} for params in row] for row in self.layers
        ]
        out = self.predicts
        weight, bias = draw(out.weight), draw(out.bias)
        attention = out.attention and {name: draw(value) for name, value in out.attention.items()}
        return replace(
            self,
            name=f"{self.name} (untrained)",
            block=replace(self.block, layers=layers),
            reader=replace(self.reader, embedding=embedding) if self.reader else None,
            readout=Readout(weight, bias, None if out.through is None else embedding, attention),
        )

    @kinds
    def save(self, path: str | os.PathLike[str], weights: stored.Kind = "float32") -> None:
        """Write one safetensors file. weights: how they are stored, "float32", "float16" or "int8" with a scale for
        each row of a matrix; all are read back as float32.

        Raises ValueError for a network without words or without a readout, OSError where it cannot be written.
        """
        from safetensors.numpy import save

        out = self.predicts
        tensors = {"embedding.weight": self.embedding, "readout.weight": out.weight, "readout.bias": out.bias}
        for layer, row in enumerate(self.layers):
            for direction, params in enumerate(row):
                tensors |= {f"layers.{layer}.{direction}.{name}": value for name, value in params.items()}
        tensors |= {f"attention.{name}": value for name, value in (out.attention or {}).items()}
        tied = out.through is not None
        header = {"format": FORMAT, "name": self.name, "cell": self.cell.name, "tied": tied, **self.meta}
        metadata = {"gatescope": json.dumps(header, ensure_ascii=False), "tokenizer": self.tokenizer.json}
        Path(path).write_bytes(save(stored.packed(tensors, weights), metadata=metadata))

    @staticmethod
    @kinds
    def load(path: str | os.PathLike[str]) -> Network:
        """Read a file that ``save`` wrote. Raises ValueError, saying what is wrong, if it is another one or none."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as file:
                metadata = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}
        except (SafetensorError, OSError) as error:
            raise ValueError(f"{os.fspath(path)} cannot be read as a safetensors file: {error}") from error
        if "gatescope" not in metadata:
            raise ValueError(f"{os.fspath(path)} is a safetensors file, but not a Gatescope model")
        try:
            return _from_header(metadata, stored.unpacked(tensors))
        except (ValueError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"{os.fspath(path)} is not a model that this Gatescope can use: {error}") from error
        except KeyError as error:
            raise ValueError(f"{os.fspath(path)} is not a whole Gatescope model: {error} is missing") from error


def _from_header(metadata: Mapping[str, str], tensors: Mapping[str, np.ndarray]) -> Network:
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
    name, cell, tied = header.pop("name"), find_cell(header.pop("cell")), header.pop("tied")
    layers = [[row[d] for d in sorted(row)] for _, row in sorted(rows.items())]
    if not layers:
        raise ValueError("it has no layers")
    embedding = tensors["embedding.weight"]
    network = assembled(
        name, cell, layers, Tokenizer(metadata["tokenizer"]), embedding, tensors["readout.weight"],
        tensors["readout.bias"], tied, attention, header,
    )  # fmt: skip
    _check(network)
    return network


def assembled(
    name: str,
    cell: type[Cell],
    layers: Layers,
    tokenizer: Tokenizer | None,
    embedding: np.ndarray,
    readout: np.ndarray,
    bias: np.ndarray,
    tied: bool = False,
    attention: Mapping[str, np.ndarray] | None = None,
    meta: Mapping[str, Any] | None = None,
) -> Network:
    """A network of Gatescope's own kind, from its arrays; see ``Reader``, ``Block`` and ``Readout``."""
    directions = ("forward", "reverse")[: len(layers[0])]
    return Network(
        name,
        Block(name, "gatescope", cell, layers, directions, batch_first=False),
        Reader(embedding, tokenizer),
        Readout(readout, bias, embedding if tied else None, attention or None),
        meta=meta or {},
    )


def _check(network: Network) -> None:
    """KeyError or ValueError that names the first part that is not there or does not fit the others."""
    embedding, out = network.embedding, network.predicts
    if embedding.ndim != 2:
        raise ValueError(f"embedding.weight has {embedding.ndim} axes, not 2")
    words, width = network.tokenizer.size, embedding.shape[1]
    outputs = len(network.layers[0]) * network.hidden_size
    read = outputs if out.attention is None else 2 * outputs
    shapes = {
        "embedding.weight": (embedding, (words, width)),
        "readout.weight": (out.weight, (words if out.through is None else width, read)),
        "readout.bias": (out.bias, (words,)),
    }
    for layer, row in enumerate(network.layers):
        for direction, params in enumerate(row):
            for param in network.cell.params:
                name = f"layers.{layer}.{direction}.{param.name}"
                if param.name not in params:
                    raise KeyError(name)
                shapes[name] = (params[param.name], param.shape(outputs if layer else width, network.hidden_size))
    looks = out.attention or {}
    for param in attending.PARAMS if looks else ():
        name = f"attention.{param.name}"
        if param.name not in looks:
            raise KeyError(name)
        shapes[name] = (looks[param.name], param.shape(outputs, outputs))
    for name, (value, shape) in shapes.items():
        if value.shape != shape:
            raise ValueError(f"{name} is {value.shape}, not {shape}")


def is_network(path: str | os.PathLike[str]) -> bool:
    """Whether it is a file that ``Network.save`` wrote, by its header. Raises OSError for one that cannot be read."""
    from safetensors import SafetensorError, safe_open

    if Path(path).is_fifo():  # opening one waits for whoever writes to it
        return False
    with open(path, "rb"):
        pass
    try:
        with safe_open(path, framework="numpy") as file:
            return "gatescope" in (file.metadata() or {})
    except (SafetensorError, OSError):  # also a folder, or a pipe
        return False


def model_folders() -> list[Path]:
    """Where shipped models lie: the folders of GATESCOPE_MODELS if it is set, the checkout's assets, the installed
    package."""
    here = Path(__file__).resolve().parent
    given = [Path(folder) for folder in os.environ.get("GATESCOPE_MODELS", "").split(os.pathsep) if folder]
    return [*given, here.parent / "assets" / "models", here / "models"]


def list_models() -> dict[str, Path]:
    """The shipped models' files by name: of the folders in the variable GATESCOPE_MODELS, if it is set, of the checkout
    and of the installed package. The first folder that holds a name wins."""
    found: dict[str, Path] = {}
    for folder in model_folders():
        for path in sorted(folder.glob("*.safetensors")):
            found.setdefault(path.stem, path)
    return found


@kinds
def load_model(name: str) -> Network:
    """A shipped model by its name, such as "pronouns-lstm". Raises ValueError for another name, with the names there
    are (``list_models``), and for a file that is not a model of ours."""
    models = list_models()
    if name not in models:
        raise ValueError(f"there is no model {name!r}; there are {', '.join(models) or 'none'}")
    return Network.load(models[name])
