"""What the two networks that speak have in common on the page: the part that speaks, and what it says instead."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashboard.beyond.inside import Part
from dashboard.beyond.shared import outcome, readable
from dashboard.figures.changes import predictions
from dashboard.language import tr
from lstm_core.beyond.attending import END, Said, Speaker
from lstm_core.drawing import panel as p


def decoder(speaker: Speaker, said: Said, step: int, title: str = "") -> Part:
    """The network that speaks, at the word of that step."""
    trace = readable(said.trace)

    def error() -> tuple[str, np.ndarray | None]:
        of = tr("The error is the surprise at {word}, which it says.", word=p.quoted(trace.tokens[step].text))
        return of, speaker.error(said, step)

    return Part("decoder", title, trace, step, error)


def said_instead(speaker: Speaker, before: Said, after: Said, step: int) -> list[dict[str, Any]]:
    """The sentence that comes of something, and what could be said at a step, as it was and as it would be."""
    found = [outcome(*(" ".join(said.sentence) for said in (before, after)))]
    if step < min(len(before.words), len(after.words)):
        title = tr("What it could say at step {step}", step=step + 1)
        first, second = (_likeliest(speaker, said.chances[step]) for said in (before, after))
        found.append(predictions("likely", title, first, second, (tr("as it was"), tr("what if"))))
    return found


def _likeliest(speaker: Speaker, chances: np.ndarray) -> list[tuple[str, float]]:
    words = [tr("end") if word == END else str(word) for word in speaker.words]
    return [(words[k], float(chances[k])) for k in np.argsort(-chances)[:5]]
