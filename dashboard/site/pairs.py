"""Which pairs of shipped models have a page, and the parts that such a page is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from dashboard.export import live, offline
from dashboard.figures.content import content
from dashboard.figures.walk import walk
from dashboard.language import current, tr
from dashboard.proposed import examples
from dashboard.state import HOMES, Settings
from dashboard.talk import tour
from dashboard.views.gates import captions, lines
from lab.experiments import discover
from lstm_core import Network, list_models, load_model
from lstm_core.drawing.drawn import COUNT
from lstm_core.drawing.expected import next_words

AT = ((0, 0), (0, 0))
"""The layer and direction that are drawn of each."""
FIRST = "lstm", "gru"
"""Of the models with one name before the dash, the two that stand beside each other."""


@dataclass(frozen=True)
class Pair:
    left: str
    right: str

    @property
    def file(self) -> str:
        return f"{self.left}--{self.right}.html"

    @property
    def models(self) -> tuple[Network, Network]:
        return model(self.left), model(self.right)

    @property
    def title(self) -> str:
        """ "English pronouns: LSTM beside GRU", in the language in use."""
        (learned, first), (other, second) = (_named(one) for one in self.models)
        beside = {"task": learned, "left": first, "right": second, "other": other}
        if learned == other:
            return tr("{task}: {left} beside {right}", **beside)
        return tr("{task}, {left}, beside {other}, {right}", **beside)


@cache
def model(name: str) -> Network:
    return load_model(name)


def _named(network: Network) -> tuple[str, str]:
    """What a model learned, and its cell, of a title such as "English pronouns, LSTM" in the language in use."""
    title = tr(str(network.meta["title"]))
    at = max(title.rfind(","), title.rfind("\N{FULLWIDTH COMMA}"))
    return title[:at].strip(), title[at + 1 :].strip()


def task(name: str) -> str:
    """What the model of this name learned."""
    return name.partition("-")[0]


def home(language: str) -> Pair:
    """What a visitor of this language sees first."""
    first = HOMES.get(language, {})
    return Pair(first.get("left", Settings().left), first.get("right", Settings().right))


@cache
def pairs() -> tuple[Pair, ...]:
    """Every pair that a visitor is shown anywhere: first in a language, of one task, in a tour, or with an experiment.
    A model that is in none of them stands beside its task's LSTM."""
    there = list_models()
    tasks = dict.fromkeys(map(task, there))
    found = [home("en"), *map(home, HOMES), *(Pair(*(f"{task}-{cell}" for cell in FIRST)) for task in tasks)]
    found += [shown(view.query) for one in tour.shipped().values() for view in one.views]
    found += [Pair(one.left, one.right) for experiment in discover().values() for one in experiment.tries]
    found = [one for one in found if one.left in there and one.right in there]
    seen = {name for one in found for name in (one.left, one.right)}
    others = [Pair(f"{task(name)}-{FIRST[0]}", name) for name in there if name not in seen]
    return tuple(dict.fromkeys([*found, *(one for one in others if one.left in there)]))


def shown(query: Mapping[str, str]) -> Pair:
    """The pair that an address is about."""
    said = Settings.parse(query, list_models())
    return Pair(said.left, said.right)


def parts(pair: Pair) -> live.Parts:
    """The page's parts, in the language in use: what does not depend on the text, and the text that it opens with."""
    models, language = pair.models, current()
    proposed = examples(models[0]) or examples(models[1])
    first = HOMES.get(language, {})
    at_home = pair == home(language)
    text = str(first.get("text", Settings().text)) if at_home else proposed[0][1]
    traces = [model.run(text, device="cpu") for model in models]
    words = [
        next_words(model, trace, model.likeliest(trace, 5)) for model, trace in zip(models, traces, strict=True)
    ]
    tree = content(models, traces, words, (None, None), AT)
    tree |= {"text": text, "settings": {"at": first.get("at", Settings().at) if at_home else -1}}
    tree |= {"show": "lead", "count": COUNT, "notices": []}
    cells = [offline.Cell(tr(trace.cell.title), lines(trace), list(captions(trace))) for trace in traces]
    return live.parts(tree, models, AT, walk(models, traces, tree["units"], AT), proposed, cells)
