"""A survey that is there, and the questions it answers."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lstm_core.kinds import DocumentNumber, at_least, kinds
from lstm_core.names import Names, unknown
from lstm_core.say import say
from lstm_core.survey import own, tables
from lstm_core.survey import similar as alike
from lstm_core.survey.arrow import array
from lstm_core.survey.corpus import Corpus, Words, parts_of
from lstm_core.survey.documents import Document, documents
from lstm_core.survey.folder import TABLES, Folder
from lstm_core.survey.labels import FOLLOWED
from lstm_core.survey.long_text import windows
from lstm_core.survey.merged import merged
from lstm_core.survey.models import Model, model_of, shipped
from lstm_core.survey.pieces import STEPS, read
from lstm_core.survey.results import KINDS, Columns, Context, Contexts, Follows, columns_of, ranked
from lstm_core.survey.similar import Similar
from lstm_core.survey.stretch import shares, switched_on
from lstm_core.survey.summary import Kept
from lstm_core.text import Token
from lstm_core.trace import Trace


class Survey:
    """What was found out about every unit of a model over a data set. ``lstm_core.survey`` makes one,
    ``lstm_core.open_survey`` opens one that is there.

    folder: where it lies. complete: whether all data was read; if not, the questions are answered for the parts that
    were. documents, steps: how many were surveyed.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        source: Any = None,
        data: Any = None,
        how: tuple[Any, ...] = (None, None),
        again: tuple[Any, ...] = (None, None, None),
    ) -> None:
        """source, data, how, again: what it takes to trace something of it again; ``open_survey`` gives them."""
        self.folder = Path(folder)
        self._folder = Folder(folder)
        manifest = self._folder.manifest()
        if manifest is None:
            raise ValueError(say("{folder} holds no survey: there is no manifest.json", folder=str(folder)))
        self._manifest, self._source, self._data, self._how, self._again = manifest, source, data, how, again
        self.complete: bool = manifest["complete"]
        self._parts = parts_of(self._folder, manifest)
        if source is not None and model_of(source, *how).fingerprint != manifest["model"]["hash"]:
            raise ValueError(
                say(
                    "the survey in {folder} is of another model, {name}",
                    folder=str(folder),
                    name=manifest["model"]["name"],
                )
            )

    def __repr__(self) -> str:
        """The model, how much was surveyed, and where it lies."""
        state = "complete" if self.complete else "not complete"
        size = f"documents={self.documents:,}, steps={self.steps:,}"
        return f"Survey({self.model_name}, {size}, {state}, {str(self.folder)!r})"

    @property
    def model_name(self) -> str:
        """The name of the model that was surveyed."""
        return self._manifest["model"]["name"]

    @property
    def documents(self) -> int:
        """How many documents were surveyed."""
        return sum(count for _, _, count in self._parts)

    @property
    def steps(self) -> int:
        """How many steps they have together, padding and masked ones not counted."""
        return self._manifest["data"]["steps"] if self.complete else int(self._corpus.steps.sum())

    @cached_property
    def _kept(self) -> Kept:
        options = self._manifest["options"]
        signals = options["signals"] and tuple(options["signals"])
        follow, binary = tuple(options["follow"]), tuple(options["binary"])
        return Kept(options["top"], options["sample"], options["seed"], follow, binary, signals)

    @cached_property
    def _merged(self) -> dict[str, pa.Table]:
        groups, _ = merged(self._folder, self._kept)
        found = tables.final(groups, self._kept)
        if not found:
            raise ValueError(say("no part of the survey in {folder} is done yet", folder=str(self.folder)))
        return {name: pa.concat_tables(pieces) for name, pieces in found.items()}

    def _table(self, name: str) -> pa.Table:
        if not self.complete:
            return self._merged[name]
        return self._folder.read(self.folder / f"{name}.parquet", TABLES[name])

    @cached_property
    def _model(self) -> Model:
        source = self._source
        if source is None:
            about = self._manifest["model"]
            source = shipped(about["name"], about["hash"])
        if source is None:
            raise ValueError(say("this needs the model: open the survey with it, open_survey(folder, model=...)"))
        return model_of(source, *self._how)

    @cached_property
    def _corpus(self) -> Corpus:
        try:
            display, encode = self._model.display, self._model.encode
        except ValueError:
            display = encode = None
        lengths, padding, column = self._again
        data = self._data
        again = None if data is None else lambda: documents(data, lengths=lengths, padding=padding, column=column)
        return Corpus(self._folder, self._parts, display, again, encode)

    @cached_property
    def _units(self) -> Columns:
        return columns_of(self._table("units"))

    @cached_property
    def _layers(self) -> np.ndarray:
        """(row,): how many layers the module of each unit has."""
        _, of = np.unique(self._units["module"], return_inverse=True)
        last = np.zeros(of.max(initial=-1) + 1, int)
        np.maximum.at(last, of, self._units["layer"])
        return last[of] + 1

    @cached_property
    def _places(self) -> Columns:
        table = self._table("places")
        encoded = table.column("kind").combine_chunks().dictionary_encode()
        order = np.array([KINDS.index(kind) for kind in encoded.dictionary.to_pylist()], np.int8)
        kinds = order[array(encoded.indices)]
        return {**columns_of(table.drop_columns(["kind"])), "kind": kinds}

    def units(self) -> Columns:
        """A row a unit: id, module, layer, direction, signal, unit, and over all steps

        count, mean, variance, min, max; q01 to q99, quantiles, to half a histogram's bin (1/1024 for a gate); above and
        below: shares of the steps in the outermost tenths of the signal's range, NaN where it has none; dead: it moves
        by less than 0.01; saturated: it is in one of these tenths in 95 % of the steps; timescale: the steps after
        which its value is like itself by less than 1/e (autocorrelation), infinite beyond 64; remembers: of the gate
        that keeps, -1 / mean(log f) (Mahto et al. 2021), else NaN; follows, follows_auc: the property of the text that
        it follows best, if better than any unit follows that property moved along the text, and the AUC.
        """
        return Names(self._units)

    @kinds
    def histogram(
        self, signal: str, *, unit: int, layer: int = -1, direction: int = 0, module: str | None = None
    ) -> Columns:
        """The bins of one unit that are not empty: low, high, count. layer: the last by default. Raises ValueError for
        a unit that there is not."""
        at = self._id(signal, unit, layer, direction, module)
        found = self._histograms
        where = found["id"] == at
        return Names({name: found[name][where] for name in ("low", "high", "count")})

    @cached_property
    def _histograms(self) -> Columns:
        return columns_of(self._table("histograms"))

    @kinds
    def contexts(
        self,
        signal: str,
        *,
        unit: int,
        layer: int = -1,
        direction: int = 0,
        module: str | None = None,
        most: int = 20,
        around: int = 8,
    ) -> Contexts:
        """Where one unit is highest and lowest, and where it is as usual: ``most`` places each, with ``around`` words
        on both sides. layer: the last by default. Raises ValueError for a unit that there is not."""
        at_least(0, most=most, around=around)
        at = self._id(signal, unit, layer, direction, module)
        middle = self._units["q50"][at]
        own = np.flatnonzero(self._places["id"] == at)
        kinds = self._places["kind"][own]
        sampled = own[kinds == 2]
        typical = sampled[np.argsort(np.abs(self._places["value"][sampled] - middle), kind="stable")]
        chosen = (own[kinds == 0], own[kinds == 1], typical)
        return Contexts(*(tuple(self._context(place, around) for place in places[:most].tolist()) for places in chosen))

    def _context(self, place: int, around: int) -> Context:
        document, step = int(self._places["document"][place]), int(self._places["step"][place])
        words = self._corpus.words(document, step, step + 1, around)
        return Context(document, step, float(self._places["value"][place]), words, self.open)

    @kinds
    def words(self, document: int, start: int, stop: int, around: int = 8) -> Words:
        """What was read at steps ``start`` to ``stop`` (not with it) of a document, and around it. Raises ValueError
        for a document that there is not."""
        at_least(0, start=start, around=around)
        return self._corpus.words(document, start, stop, around)

    @kinds
    def open(self, document: int, step: int = 0, module: str | None = None) -> Trace:
        """The trace of a document; of one longer than a piece (8,192 steps), of the stretch that holds ``step``.

        module: of a model with several that the survey traced; the first by default. Raises ValueError for a document
        or a module that there is not, and where the model or the vectors are needed and not there.
        """
        at_least(0, step=step)
        held = self._corpus.document(document)
        one = read(self._model, document, held, ())
        start = 0
        runs = [self._model.run(one.x[:, None])] if len(one.x) <= STEPS else self._model.whole(one.x, STEPS)
        for traces in runs:
            if module and module not in traces:
                raise unknown(module, traces)
            trace = traces.get(module or "", next(iter(traces.values())))
            stop = start + len(trace)
            if step < stop:
                return replace(trace, tokens=self._tokens(held, start, stop)) if one.spans is not None else trace
            start = stop
        raise ValueError(
            say("document {number} has no step {step}; it has {steps}", number=document, step=step, steps=start)
        )

    def _tokens(self, document: Document, start: int, stop: int) -> tuple[Token, ...]:
        encode, content = self._model.encode, document.content
        assert encode is not None and isinstance(content, str)
        return tuple(islice(chain.from_iterable(windows(encode, content)), start, stop))

    @kinds
    def similar(
        self, text: str | DocumentNumber, start: int, stop: int, *, sides: int = 2, share: float = 1.0
    ) -> Similar:
        """Where else are the units on that are on from step ``start`` to ``stop`` (not with it) of ``text``, and off
        beside it? text: a text, or a document's number. sides: on how many sides they have to be off, the step before
        and the step after (2), one of them, or none (0). share: how many of these units have to be on together.

        The answer is exact. Which signal is watched, and from what value on a unit is on, was said to
        ``lstm_core.survey``. Raises ValueError for a stretch that there is not, and where no unit is on just there and
        off beside it.
        """
        if not 0 < share <= 1:
            raise ValueError(say("share is above 0 and at most 1, not {share}", share=share))
        at_least(0, sides=sides)
        watch = self._manifest["options"]["patterns"]
        if watch is None:
            raise ValueError(say("this survey keeps no patterns: it was made with patterns=None"))
        document = Document(text) if isinstance(text, str) else self._corpus.document(text)
        on, shape, steps = switched_on(self._model, document, watch[0], watch[1], start, stop)
        if not 0 <= start < stop <= steps:
            message = "there are no steps {start} to {stop}: the text has {steps}"
            raise ValueError(say(message, start=start, stop=stop, steps=steps))
        found = alike.pattern(on, sides)
        if not len(found):
            raise ValueError(
                say(
                    "no unit is on at every one of these steps and off beside them: choose another stretch, or fewer "
                    "sides"
                )
            )
        units = tuple(alike.switch(int(row), shape) for row in found)
        needed = max(1, int(np.ceil(share * len(units))))
        matches = list(alike.find(self._corpus, found, needed))

        def shared(places: np.ndarray) -> dict[str, float]:
            return shares(self._model, document, start, stop, places, self._corpus.document)

        return alike.ordered(units, needed, stop - start, matches, shared)

    @kinds
    def follows(self, labels: Any, *, signal: str | None = None) -> Follows:
        """How far does every unit follow a label, and how far would one by chance?

        labels: a property that was followed from the start ("inside_quotes", "digit", "part_of_word", ...), which is
            answered at once; or your own, a number a step, NaN where there is none: one sequence a document, all steps
            in a row, or a file (.txt or .csv with a number a line, .npy, .parquet). The data is then run again, which
            takes about as long as the survey. signal: to look at one alone.

        Raises ValueError for a property that there is not, for another number of labels than of steps, and where the
        model or the vectors are needed and not there.
        """
        if isinstance(labels, str) and labels not in self._kept.follow and not Path(labels).suffix:
            names = ", ".join(self._kept.follow) or "none"
            raise ValueError(say("the survey did not follow {name!r}; it followed {names}", name=labels, names=names))
        if isinstance(labels, str) and labels in self._kept.follow:
            table = columns_of(self._table("followed"))
            rows = table["property"] == labels
            columns = {name: value[rows] for name, value in table.items() if name != "property"}
            columns = {**{key: self._units[key][columns["id"]] for key in tables.KEYS}, **columns}
            return ranked(labels, columns, FOLLOWED[labels].binary, signal)
        given = own.by_document(labels, self._corpus.steps.tolist())
        values = np.unique(np.concatenate(given))
        binary = set(values[~np.isnan(values)].tolist()) <= {0.0, 1.0}
        reads = (read(self._model, number, document, ()) for number, document in self._corpus.documents())
        groups = own.follow(self._model, reads, given, binary, self._kept.seed)
        if not groups:
            raise ValueError(say("no step has a label"))
        columns = own.columns(groups, binary)
        what = os.fspath(labels) if isinstance(labels, str | os.PathLike) else "labels"
        return ranked(what, columns, binary, signal)

    @kinds
    def sql(self, query: str) -> pa.Table:
        """Asks DuckDB. There are the tables units, histograms, lags, followed and places, which name a unit by its "id"
        in units, and documents. Nothing outside of the survey can be read.

        Raises ValueError for a query that cannot be answered, ImportError if DuckDB is not installed.
        """
        from lstm_core.survey.sql import ask

        views: dict[str, Any] = {name: self._table(name) for name in TABLES} if not self.complete else {}
        return ask(self._folder, views, [number for number, _, _ in self._parts], query)

    def _id(self, signal: str, unit: int, layer: int, direction: int, module: str | None) -> int:
        """The row in ``units``, of the first module that has such a unit if none is named. layer: from the end, below
        0, of each module's own."""
        asked = {"direction": direction, "signal": signal, "unit": unit}
        asked |= {} if module is None else {"module": module}
        own = self._units["layer"] if layer >= 0 else self._units["layer"] - self._layers
        at = np.logical_and.reduce([own == layer, *(self._units[name] == value for name, value in asked.items())])
        if not at.any():
            there = ", ".join(
                dict.fromkeys(
                    f"{m}: {s}" if m else s for m, s in zip(self._units["module"], self._units["signal"], strict=True)
                )
            )
            raise ValueError(
                say(
                    "the survey has no unit {unit} of {signal!r}, layer {layer}, direction {direction}; it has {there}",
                    unit=unit,
                    signal=signal,
                    layer=layer,
                    direction=direction,
                    there=there,
                )
            )
        return int(np.flatnonzero(at)[0])


def open_survey(
    folder: str | os.PathLike[str],
    model: Any,
    data: Any,
    tokenizer: Any,
    again: tuple[Any, ...],
) -> Survey:
    """See ``lstm_core.open_survey``."""
    from lstm_core.survey.run import needs_arrow

    needs_arrow()
    if data is None and any(one is not None for one in again):
        raise ValueError(say("lengths, padding and column are of data: give it again, too"))
    return Survey(folder, model, data, how=(tokenizer, None), again=again)
