"""The surveys that the page Corpus draws: those that ship, of the general models, and the visitor's own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from dashboard import budgets, cache
from dashboard.address import link
from dashboard.figures.corpus import PROPERTIES, Unit, units
from dashboard.figures.places import Place
from lstm_core import Network
from lstm_core.equations import remembering
from lstm_core.text import Token

if TYPE_CHECKING:
    from lstm_core.survey.answers import Context, Survey

FOLDER = Path(__file__).resolve().parent.parent / "assets" / "surveys"
FAMILY = ("general-lstm", "general-gru")
"""Whose survey stands on the left and on the right for a model that has none, where there is none of its own cell."""
AROUND = 12
LONGEST = 3600
"""Characters of a link's text, as it stands in an address."""
EVERY = 20
"""Where else a pattern is in the novels is looked for in every so many paragraphs: some 50,000 steps."""
SAMPLE, SAMPLES = 8 << 20, 32 << 20
"""Bytes of such a survey once it was asked, about, and of all of them."""


@dataclass(eq=False)
class Surveyed:
    """A survey with the model that was surveyed, and the texts. name: of the model, as an address has it.
    ships: it is of Austen's novels, and not of a visitor's texts."""

    survey: Survey
    network: Network
    name: str
    texts: Sequence[str]
    ships: bool = False
    untrained: Mapping[str, float] = field(default_factory=dict)
    """By property, how far the best unit of a network that was not trained is from following nothing."""
    _values: budgets.Cache[np.ndarray] = field(default_factory=lambda: budgets.Cache(4 << 20, lambda one: one.nbytes))

    @cached_property
    def units(self) -> list[Unit]:
        """Raises ValueError where nothing was surveyed yet."""
        followed = {}
        for name in PROPERTIES:
            try:
                followed[name] = self.survey.follows(name).units
            except ValueError:  # it was not looked for
                continue
        return units(self.columns, followed, self.network.cell, self.untrained)

    @cached_property
    def columns(self) -> dict[str, np.ndarray]:
        return self.survey.units()

    @property
    def signals(self) -> tuple[str, ...]:
        """The memory, and the gates that keep it."""
        return remembering(self.network.cell)

    def ends(self, one: Unit, signal: str, low: str = "min", high: str = "max") -> tuple[float, float]:
        """Two columns of ``Survey.units`` of a unit's signal: its least and its largest value."""
        asked: dict[str, Any] = {
            "module": "",
            "layer": one.layer,
            "direction": one.direction,
            "signal": signal,
            "unit": one.unit,
        }
        row = np.flatnonzero(np.logical_and.reduce([self.columns[key] == value for key, value in asked.items()]))[0]
        return float(self.columns[low][row]), float(self.columns[high][row])

    def contexts(self, one: Unit, signal: str, kind: str, count: int) -> list[tuple[int, int, float]]:
        """document, step and value of places of a ``kind``: "highest", "lowest" or "typical", in its order; of
        several documents before more of one."""
        place: dict[str, Any] = {"unit": one.unit, "layer": one.layer, "direction": one.direction}
        found: tuple[Context, ...] = getattr(self.survey.contexts(signal, **place, most=50, around=0), kind)
        seen: dict[str, int] = {}
        turn = []
        for context in found:
            text = self.texts[context.document]
            turn.append(seen.setdefault(text, 0))
            seen[text] += 1
        order = sorted(sorted(range(len(found)), key=lambda k: (turn[k], k))[:count])
        return [(found[k].document, found[k].step, found[k].value) for k in order]

    def place(
        self, document: int, start: int, stop: int, value: float, one: Unit | None, signal: str, side: int, beside: str
    ) -> Place:
        """A place to be drawn, with the words around it. beside: the model on the other side of its link."""
        text = self.texts[document]
        tokens = self.network.tokenizer.encode(text)
        low, high = max(start - AROUND, 0), min(stop + AROUND, len(tokens))
        values = np.full(high - low, np.nan)
        if one is not None:
            read = tokens[:high] if self.network.block.directions == ("forward",) else tokens
            values = self._run(document, read, one, signal)[low:high]
        opens = self.link(text, tokens, start, one, side, beside)
        return Place(text, tokens[low:high], values, start - low, value, opens, stop - 1 - low)

    def _run(self, document: int, tokens: Sequence[Token], one: Unit, signal: str) -> np.ndarray:
        """(step,): the signal of a unit on a document."""
        key = document, signal, len(tokens)

        def run() -> np.ndarray:
            value = self.network.run(tokens, device="cpu").signals[signal][:, :, :, 0]
            return np.ascontiguousarray(value)

        return self._values.get(key, run)[one.layer, one.direction, :, one.unit]

    def link(self, text: str, tokens: Sequence[Token], step: int, one: Unit | None, side: int, beside: str) -> str:
        """Where the page Gates shows ``text`` at a step, with this unit; of a long text as much as an address holds."""
        begin, end = 0, len(text)
        if long(text):
            end = tokens[min(step + AROUND, len(tokens) - 1)].end
            first = 0
            while long(text[begin:end]) and first < step:
                first += max(1, (step - first) // 4)
                begin = tokens[first].start
        shown = text[begin:end]
        names = [self.name, beside] if side == 0 else [beside, self.name]
        left = self.network if side == 0 else cache.model(beside) if beside in cache.models() else self.network
        at = step
        if begin or left.tokenizer.json != self.network.tokenizer.json:
            at = same_word(left.tokenizer.encode(shown), tokens[step].end - begin)
        query: dict[str, Any] = {"text": shown, "left": names[0], "right": names[1], "at": at}
        if one is not None:
            query |= {"layer": one.layer or None, "direction": one.direction or None, ("unit", "unit2")[side]: one.unit}
        return link("", query)


Sides = Sequence[Surveyed | None]
"""What is drawn on the left and on the right."""


def beside(sides: Sides, side: int) -> str:
    """The model on the other side of a link."""
    there = [one.name for one in (sides[1 - side], sides[side]) if one]
    return there[0]


def long(text: str) -> bool:
    from urllib.parse import quote

    return len(quote(text)) > LONGEST


def same_word(tokens: Sequence[Token], end: int) -> int:
    """The step at which as much of a text was read as ends at ``end``."""
    return max(sum(token.end <= end for token in tokens) - 1, 0)


def shipped(network: Network, side: int) -> Surveyed | None:
    """The survey that is shown for a model: its own, or else that of its cell's general model, or of the family's.

    None where none ships.
    """
    wanted = network.name, f"general-{network.cell.name}", FAMILY[side], *FAMILY
    for name in dict.fromkeys(wanted):
        if name == network.name and not ships(network):
            continue  # a visitor's model, whatever it is called
        if (manifest := FOLDER / name / "manifest.json").exists() and name in cache.models():
            found = _opened(name, FOLDER, manifest.stat().st_mtime_ns)
            if found is not None:
                return found
    return None


def ships(network: Network) -> bool:
    """Whether it is one of the models that ship, and not a visitor's of such a name."""
    return network.name in cache.models() and cache.model(network.name) is network


@lru_cache(maxsize=8)
def _opened(name: str, folder: Path, changed: int) -> Surveyed | None:
    """None for a survey of another model than the one that ships now under that name, or of other texts."""
    from lstm_core import open_survey
    from lstm_core.survey.documents import Document, fingerprint

    network, texts = cache.model(name), novels()
    try:
        manifest = json.loads((folder / name / "manifest.json").read_text(encoding="utf-8"))
        parts = ([Document(text) for text in texts[first : first + count]] for first, count in manifest["parts"])
        whole = hashlib.sha256("".join(map(fingerprint, parts)).encode()).hexdigest()
        if manifest["data"] != manifest["data"] | {"hash": whole, "documents": len(texts)}:
            return None
        return Surveyed(open_survey(folder / name, network), network, name, texts, True, untrained(folder / name))
    except (ValueError, KeyError, TypeError):
        return None


def untrained(folder: Path) -> dict[str, float]:
    """What lies beside a survey of the same network before it was trained, see ``Surveyed``; nothing if it does not."""
    path = folder / "untrained.json"
    return json.loads(path.read_text(encoding="utf-8"))["best"] if path.exists() else {}


@dataclass(eq=False)
class _Sample:
    """A survey of a part of the novels, in a folder that goes when it does."""

    folder: TemporaryDirectory[str]
    shown: Surveyed


_samples = budgets.Cache[_Sample](SAMPLES, lambda one: SAMPLE)


def sampled(one: Surveyed, wait: bool) -> Surveyed | None:
    """A survey of every ``EVERY``th paragraph of the novels that can be asked where a pattern is: what ships cannot,
    it would be too large. It is made when it is asked for first, which takes some seconds; None without ``wait`` if it
    was not made yet."""
    key = str(one.survey.folder)
    made = _samples.get(key, lambda: _sample(one)) if wait or key in _samples else None
    return made and made.shown


def _sample(one: Surveyed) -> _Sample:
    from lstm_core import survey

    texts, state = novels()[::EVERY], one.signals[0]
    folder = TemporaryDirectory(prefix="gatescope-novels-")
    kept = {"top": 1, "sample": 1, "signals": [state], "follow": [], "patterns": state, "device": "cpu"}
    return _Sample(folder, Surveyed(survey(one.network, texts, folder.name, **kept), one.network, one.name, texts))


@lru_cache(maxsize=1)
def novels() -> Sequence[str]:
    from lab.corpus import paragraphs

    return paragraphs()
