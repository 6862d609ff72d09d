"""A network that translates: which word it looks back at, and the gates of both networks."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np
import streamlit as st

from dashboard import address
from dashboard.beyond.inside import Part, inside
from dashboard.beyond.shared import about, measured, readable, spread
from dashboard.beyond.speaking import decoder, said_instead
from dashboard.chart import chart, chosen_step
from dashboard.controls.kept import follows
from dashboard.frame import rows
from dashboard.language import tr
from lstm_core.beyond import attending, kept
from lstm_core.beyond.attending import END
from lstm_core.beyond.numbers import MOST, both, held_out
from lstm_core.beyond.running import Do
from lstm_core.beyond.translating import Translated, Translating
from lstm_core.drawing import panel as p
from lstm_core.trace import Trace

MODEL = "numbers-lstm"
HOME = 427_583


@cache
def model() -> Translating:
    return Translating.load(kept.file(MODEL))


def chosen() -> int:
    """The number that the address says; the first one where it says none that can be read."""
    said = address.chosen("number") or ""
    known = said.isdecimal() and said.isascii() and len(said) < 8
    return min(int(said), MOST) if known else HOME


def _keep(number: int) -> None:
    address.choose("number", None if number == HOME else str(int(number)))


def show() -> None:
    network = model()
    st.markdown(
        tr(
            "One LSTM reads a number in German words, in both directions; another one says it in English, and before "
            "each word it looks back at what was read. German says the ones before the tens, so that it has to look "
            "ahead and back again."
        )
    )
    label = tr("Number, 0 to {last:,}", last=MOST)
    number = chosen()
    st.number_input(label, 0, MOST, None, **follows("number typed", number, _keep))
    german, english, places = both(number)
    [found] = network.translate([german])
    right = found.said.sentence == english
    text = tr("{german} becomes {english}.", german=p.quoted(" ".join(german)), english=p.quoted(_joined(found)))
    if not right:
        text = p.sentences(text, tr("Right would be {right}.", right=p.quoted(" ".join(english))))
    if held_out(number):
        text = p.sentences(text, tr("This number was never shown in its training."))
    st.markdown(text)
    of = f"number {number}"
    step = chosen_step(of, len(found.said.words), -2)  # the last word before the end
    words = rows(readable(found.said.trace))
    own = [_alignment(found, places if right else [], step)]
    panels = inside(own, _parts(network, found, step), partial(_again, german, found, step))
    chart({"words": words, "step": step, "columns": 2, "panels": panels}, "number", of)
    m = network.meta["metrics"]
    about(
        attending.latex(network.speaker.cell),
        network.speaker.cell,
        tr(
            "Bahdanau et al. 2015, Neural Machine Translation by Jointly Learning to Align and Translate, arXiv "
            "1409.0473. It was meant to show that a network need not press a whole sentence into one vector: it can "
            "look back, word by word, and what it looks at is the alignment that nobody taught it. a_i is what the "
            "reader holds at word i, in both directions."
        ),
        tr(
            "Measured on numbers of four to six digits that its training never showed: {exact} of 1,000 word for word "
            "right ({low} to {high} in {seeds} seeds), {mass} of the attention on the German word that means the same; "
            "spread evenly it would be {even}, and the same network looking at all words alike gets {everywhere} "
            "right.",
            exact=measured(m["exact"]),
            mass=measured(m["on_same"]),
            even=measured(m["even"]),
            everywhere=measured(m["exact_everywhere"]),
            **spread(network.meta["seeds"], "exact"),
        ),
        tr(str(network.meta["honesty"])),
    )


def _joined(found: Translated) -> str:
    return " ".join(found.said.sentence)


def _alignment(found: Translated, places: list[int], step: int) -> dict[str, Any]:
    alpha = found.said.alpha
    row = {"type": "rect", "x0": -0.5, "x1": alpha.shape[1] - 0.5, "y0": step - 0.5, "y1": step + 0.5}
    words = [(k, (tr("end") if word == END else word,)) for k, word in enumerate(found.said.words)]
    down = {**p.text_axis(words, len(words)), "tickangle": 0, "range": [len(words) - 0.5, -0.5]}
    drawn = p.figure(
        [p.heatmap(alpha, hovertemplate=tr("share {share}", share="%{z:.3f}") + "<extra></extra>")],
        xaxis=p.word_axis(found.encoder),
        yaxis=down,
        margin={"l": 84},
        shapes=[{**row, "line": {"width": 1.5}}],
        meta={"pick": "y"},
    )
    most = int(alpha[step].argmax())
    said = {"word": p.quoted(words[step][1][0]), "other": p.quoted(found.encoder.tokens[most].text)}
    said["share"] = p.percent(float(alpha[step, most]))
    text = tr("Before it said {word} it looked most at {other}: {share}.", **said)
    if step < len(places):
        text = p.sentences(
            text,
            tr("That is the word of the same meaning.")
            if places[step] == most
            else tr("The word of the same meaning is {word}.", word=p.quoted(found.encoder.tokens[places[step]].text)),
        )
    title = tr("Where it looks back: rows are said, columns were read")
    height = max(240, 70 + 22 * len(words))
    return p.panel("alignment", title, drawn, height=height, text=text, alt=p.sentences(title, text))


def _parts(network: Translating, found: Translated, step: int) -> list[Part]:
    """The decoder at the chosen word, and both directions of the encoder at the word that it looks at most there."""
    most = int(found.said.alpha[step].argmax())
    of = tr(
        "The error is the surprise at {word}, which it says.",
        word=p.quoted(readable(found.said.trace).tokens[step].text),
    )

    def error() -> tuple[str, np.ndarray | None]:
        return of, np.concatenate([network.error(found, direction, most, step) for direction in range(2)])

    return [
        decoder(network.speaker, found.said, step, tr("Decoder")),
        Part("forward", tr("Encoder, left to right"), found.encoder, most, error),
        Part("backward", tr("Encoder, right to left"), found.encoder, most, error, 1),
    ]


def _again(
    german: list[str], found: Translated, step: int, do: dict[str, Do]
) -> tuple[dict[str, Trace], list[dict[str, Any]]]:
    [after] = model().translate([german], do)
    panels = said_instead(model().speaker, found.said, after.said, step)
    return {"decoder": readable(after.said.trace), "forward": after.encoder, "backward": after.encoder}, panels
