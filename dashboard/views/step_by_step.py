"""The page "Step by step": one word and one stage at a time through both cells, with the numbers of this sentence."""

from __future__ import annotations

from dashboard import frame
from dashboard.bench import bench
from dashboard.figures.walk import farthest, walk
from dashboard.frame import Context, Reach
from dashboard.language import mark
from dashboard.views.gradients import plain_rnn
from dashboard.walk import walkthrough

REACH = Reach(
    lambda shown: farthest(shown.models),
    mark("The walk takes every number of both cells at every step, so more would be too many to send."),
)


@frame.page(mark("Step by step"), order=1, empty=True, reach=REACH)
def page(here: Context) -> None:
    shown = here.scene
    chosen = (shown.settings.unit, shown.settings.unit2)
    units = [
        found if unit is None or unit >= model.hidden_size else unit
        for model, unit, found in zip(shown.models, chosen, shown.units, strict=True)
    ]
    content = walk(shown.models, shown.traces, units, shown.drawn, shown.settings.text)
    plain = plain_rnn(shown.models[0], shown.settings.text) if shown.models[0].reads_words else None
    content["plain"] = plain if plain != shown.models[0].name else None
    walkthrough(content | {"at": shown.settings.at})
    bench()
