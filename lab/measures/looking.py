"""How well a network says what is on pictures, and where it looks while it does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lstm_core.beyond.attending import Said
from lstm_core.beyond.looking import Looking
from lstm_core.beyond.pictures import Shape, drawn, named, random, sentence


def on_named(model: Looking, said: Said, shapes: Sequence[Shape]) -> list[float]:
    """At every word that names a shape's colour or form, the share of the attention that lies on the shape's place."""
    steps = list(enumerate(named(shapes)))[: len(said.alpha)]
    return [float(said.alpha[t][model.within(place)].sum()) for t, place in steps if place is not None]


def looked(model: Looking, seed: int, count: int, held_out: bool | None) -> dict[str, float]:
    """Of ``count`` pictures of this seed, drawn as in training: the share said word for word, and the attention on the
    shape that is named, whose place is 1 of 16."""
    draw = np.random.default_rng(seed)
    pictures = random(draw, count, held_out)
    told = model.look(drawn(pictures, draw))
    pairs = list(zip(told, pictures, strict=True))
    return {
        "exact": float(np.mean([said.sentence == sentence(shapes) for said, shapes in pairs])),
        "on_named": float(np.mean([share for said, shapes in pairs for share in on_named(model, said, shapes)])),
    }
