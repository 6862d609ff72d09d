"""The page "Memory": which word wrote what a unit holds, or what speaks for one word against another."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import streamlit as st

from dashboard import frame
from dashboard.cache import LIMIT
from dashboard.controls.kept import kept_option, option
from dashboard.controls.units import unit_choice, unit_name
from dashboard.controls.words import field, word_pair
from dashboard.figures import attribution as share
from dashboard.figures import memory as draw
from dashboard.figures.asked import asked
from dashboard.figures.expects import silent
from dashboard.frame import Context, Reach
from dashboard.language import mark, tr
from dashboard.scene import Drawn, Scene
from lstm_core import Network, Trace
from lstm_core.analysis import (
    Attribution,
    Readout,
    attribution,
    deletion,
    expected,
    memory,
    readout,
    retention,
    timescales,
)
from lstm_core.analysis.integrated import POINTS
from lstm_core.drawing.panel import panel, percent, quoted, rounded, row, sentences, signed
from lstm_core.drawing.words import as_sentence, bare
from lstm_core.equations import carry
from lstm_core.say import say

KEY = "memory"
UNIT, WORDS = LOOKS = mark("a unit"), mark("one word against another")
TITLES = list(share.METHODS.values())
DRAWN = 300
"""Steps of which the retention matrix is computed and drawn."""
LONGEST = 300
"""Steps of which words are deleted, and steps through which any model is gone back."""
BACK = 100_000_000
"""Weights of a model times steps that are gone back through once: some seconds."""
WORK, FEWEST = 120_000_000, 32
"""Weights that are gone back through for integrated gradients, at all points together; and how many of these."""
LEAST = 8
"""Steps of which integrated gradients are drawn, or of none."""
BELIEVED = 0.05
"""Of the largest share: what the shares of integrated gradients may be off by and still be drawn."""
DELETED = 12
"""Words that are deleted, one after the other."""


def most(shown: Scene) -> int:
    """The steps that are drawn: all, but where words get their shares by a method that goes back through every one."""
    if option("look", LOOKS) == UNIT or (title := option("method", TITLES)) == share.METHODS["exact"]:
        return LIMIT
    weights = max(len(model.layers) * model.hidden_size**2 for model in shown.models)
    if title == share.METHODS["integrated"]:
        far = WORK // (FEWEST * weights)
        return min(LIMIT, far) if far >= LEAST else LIMIT  # of too large a model nothing is drawn, which is said there
    return max(LONGEST, min(LIMIT, BACK // weights))


REACH = Reach(
    most,
    mark(
        "To share the lead out in this way one goes back through every word, which takes seconds; the exact "
        "decomposition reaches further."
    ),
)


@frame.page(mark("Memory"), order=2, reach=REACH)
def page(here: Context) -> None:
    shown = here.scene
    left, middle, right = st.columns([2, 2, 2], vertical_alignment="bottom")
    with left:
        look = kept_option("look", tr("Take apart"), LOOKS)
    pair, method = None, share.METHODS["exact"]
    units = list(shown.units)
    if look == WORDS:
        word, other = word_pair(shown)
        with middle:
            word = field("word", tr("for the word"), word)
        with right:
            other = field("against", tr("against"), other)
        pair = (word.strip(), other.strip())
        method = kept_option("method", tr("How the lead is shared out to the words"), TITLES)
    else:
        for side, place in enumerate((middle, right)):
            with place:
                units[side] = unit_choice(shown, side)
    if pair is None:
        sides = [_side(shown, side, step, units[side]) for side, step in enumerate(here.steps())]
    else:
        key = next(name for name, title in share.METHODS.items() if title == method)
        told = [_shared(shown, side, step, pair, key) for side, step in enumerate(here.steps())]
        for column, (html, _) in zip(st.columns(2, gap="medium"), told, strict=True):
            with column:
                st.html(html or "<p></p>")
        sides = [panels for _, panels in told]
    here.chart(KEY, frame.columns(sides, frame.back(*shown.traces)))
    wrote = {model.name: part for model in shown.models if (part := _subjects(model)) is not None}
    if look == UNIT and wrote:
        shares = row(tr("{share} ({model})", share=percent(part), model=name) for name, part in wrote.items())
        st.caption(
            tr(
                "In the unit that tells he from she best, the subject wrote the largest part of what is held at the "
                "first pronoun, in {shares} of the held-out texts. A later pronoun may write it again: then the bar of "
                "that pronoun is the longest.",
                shares=shares,
            )
        )


def _subjects(model: Network) -> float | None:
    """In how many of the texts that a model of pronouns was measured on the subject wrote the first one's memory."""
    metrics = model.meta.get("metrics")
    share = metrics.get("subject_wrote") if isinstance(metrics, dict) else None
    return float(share) if isinstance(share, int | float) else None


# ---- a unit's memory


def _side(shown: Scene, side: int, step: int, unit: int) -> list[dict[str, Any]]:
    model, trace, at = shown.models[side], shown.traces[side], shown.drawn[side]
    ids = [f"{kind}{side}" for kind in ("writers", "kept", "spans")]
    cell = tr(trace.cell.title)
    if carry(trace.cell) is None:
        return [panel(ids[0], tr("{cell}: who wrote it", cell=cell), text=_rewrites(trace)), *_empty(*ids[1:])]
    place = {"layer": at.layer, "backward": bool(at.direction)}
    named = unit_name(model, at, unit, trace)
    seen = draw.around(step, len(trace), DRAWN)
    return [
        draw.writers(
            ids[0], trace, memory(trace, step, unit=unit, **place), named, normaliser=_normaliser(at, trace, step, unit)
        ),
        draw.kept(ids[1], trace, retention(trace, unit, start=seen.start, stop=seen.stop, **place), step, named),
        draw.spans(ids[2], trace, timescales(trace, **place), unit),
    ]


def _normaliser(at: Drawn, trace: Trace, step: int, unit: int) -> tuple[str, float] | None:
    """The name and the value of what the memory is read as a share of; None where it is read as it is."""
    name = next((signal.name for signal in trace.cell.signals if signal.role == "normaliser"), None)
    if name is None:
        return None
    value = float(trace.sel(name, layer=at.layer, direction=at.direction, batch=0, time=step, unit=unit))
    return (name, value) if value > 0 else None


def _rewrites(trace: Trace) -> str:
    return tr(
        "The {cell} rewrites its whole state at every step, so no word's share of it can be told apart. See the "
        "page Gradients for what is left of a word.",
        cell=tr(trace.cell.title),
    )


def _empty(*ids: str) -> list[dict[str, Any]]:
    return [panel(id, "") for id in ids]


# ---- one word against another


def _shared(shown: Scene, side: int, step: int, pair: tuple[str, str], method: str) -> tuple[str, list[dict[str, Any]]]:
    """The text tinted by what each word adds to the lead, as HTML, and the panels; or why there are none."""
    model, trace, at = shown.models[side], shown.traces[side], shown.drawn[side]
    ids = [f"{kind}{side}" for kind in ("writers", "deleted")]

    def without(text: str) -> tuple[str, list[dict[str, Any]]]:
        return "", [panel(ids[0], tr(trace.cell.title), text=text), *_empty(ids[1])]

    if reason := silent(model):  # whatever is asked
        return without(reason)
    if method == "exact" and carry(trace.cell) is None:
        return without(sentences(_rewrites(trace), tr("Or choose another method above.")))
    if method == "exact" and at.layer != len(trace.layers) - 1:
        return without(tr("Words are read out of the top layer; choose it above."))
    try:
        wanted, pair = _asked(model, pair)
        direction = readout(model, *wanted)
    except ValueError as error:
        return without(as_sentence(error, tr("Try another word.")))
    words = {"word": quoted(pair[0]), "other": quoted(pair[1])}
    of = tr("the lead of {word} over {other}", **words) if pair[1] else tr("the score of {word}", **words)
    try:
        if method == "exact":
            place: dict[str, Any] = {"layer": at.layer, "backward": bool(at.direction)}
            found = memory(trace, step, direction=direction.vector, **place)
            parts = found.contributions
            first = draw.writers(ids[0], trace, found, of, _lead(pair, float(found.value), direction))
        else:
            given = _attributed(model, trace, step, direction, method)
            parts = given.words
            first = share.shares(ids[0], trace, given, method, of, _lead(pair, given.value, direction))
    except (ValueError, NotImplementedError) as error:
        return without(as_sentence(error, tr("Choose another method above.")))
    return share.tinted(shown.settings.text, trace, parts), [
        first,
        _deleted(ids[1], trace, step, direction, parts, method, of),
    ]


def _asked(model: Network, pair: tuple[str, str]) -> tuple[list[int], tuple[str, str]]:
    """The ids of the two words, or of one, and what they are called. Raises ValueError for words that the model has
    not, and for two that begin alike."""
    told = [asked(model.tokenizer, word) for word in pair if word]
    if len(told) == 2 and told[0].id == told[1].id:
        raise ValueError(
            say(
                "both words begin with {piece!r}, so the model does not tell them apart here",
                piece=bare(model.tokenizer, told[0].id),
            )
        )
    return [one.id for one in told], (told[0].name, told[1].name if len(told) > 1 else "")


def _attributed(model: Network, trace: Trace, step: int, direction: Readout, method: str) -> Attribution:
    """Raises ValueError as ``attribution`` does, for a model that is too large to be waited for, and for shares that do
    not add up."""
    if method == "unexpected":
        return attribution(trace, direction, "relevance", step=step, baseline=expected(model, trace))
    points = WORK // (len(trace) * len(trace.layers) * model.hidden_size**2)
    if method == "integrated" and points < FEWEST:
        raise ValueError(say("integrated gradients take too long with this model"))
    found = attribution(trace, direction, method, step=step, points=min(points, POINTS))
    if method == "integrated" and found.error > BELIEVED * np.abs(found.words).max(initial=0.0):
        off = {"error": rounded(found.error), "most": rounded(float(np.abs(found.words).max()))}
        raise ValueError(
            say(
                "on the way from empty words to these the score jumps so often that the shares would be off by "
                "{error}, the largest being {most}, so they are not drawn",
                **off,
            )
        )
    return found


def _deleted(
    id: str, trace: Trace, step: int, direction: Readout, parts: np.ndarray, method: str, of: str
) -> dict[str, Any]:
    title = tr("{cell}: without the words that matter most", cell=tr(trace.cell.title))
    weights = len(trace.layers) * trace.hidden_size**2
    longest = min(LONGEST, max(10, 2 * WORK // ((DELETED + 1) * weights)))
    if len(trace) > longest:
        text = tr("With this model words are deleted from texts of up to {count} tokens.", count=longest)
        return panel(id, title, text=text)
    try:
        quick = attribution(trace, direction, "gradient", step=step)
        sign = 1 if quick.value + direction.bias >= 0 else -1  # what is deleted speaks for the likelier word
        own = deletion(trace, direction, sign * parts, step=step, most=DELETED)
        other = own if method == "gradient" else deletion(trace, direction, sign * quick.words, step=step, most=DELETED)
    except (ValueError, NotImplementedError) as error:
        return panel(id, title, text=as_sentence(error))
    return share.deleted(id, trace, own, other, method, of, direction.bias)


def _lead(pair: tuple[str, str], value: float, direction: Readout) -> str:
    """What the value means in chances, with the readout's own bias."""
    lead = value + direction.bias
    words = {"word": quoted(pair[0]), "other": quoted(pair[1])}
    if not pair[1]:
        return tr(
            "The score (logit) of {word} also has {bias} of the readout's own.", **words, bias=signed(direction.bias)
        )
    if lead < 0:
        words = {"word": words["other"], "other": words["word"]}
    return tr(
        "The lead is the difference of the two words' scores (logits). With {bias} from the readout's own bias, "
        "whatever was read, {word} is {times} times as likely as {other}.",
        **{**words, "bias": signed(direction.bias), "times": rounded(math.exp(min(abs(lead), 100)))},
    )
