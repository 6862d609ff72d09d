"""What the visitor's model reads: a probe signal, the sentence above, or a file of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard.controls.text import plain
from dashboard.language import mark, tr
from dashboard.yours import given, inputs
from dashboard.yours.session import Place
from dashboard.yours.upload import FILE, PROBE, SENTENCE, TRACE, Upload
from dashboard.yours.widgets import choice, key_of, number, switch, uploader
from lstm_core.files import wiring

PROBED = {
    "sine": mark("It reads a probe: sine, {steps} steps"),
    "impulse": mark("It reads a probe: impulse, {steps} steps"),
    "step": mark("It reads a probe: step, {steps} steps"),
    "noise": mark("It reads a probe: noise, {steps} steps"),
}


def title(upload: Upload) -> str:
    if upload.source == SENTENCE:
        return tr("It reads the sentence above")
    if upload.source == TRACE and upload.trace is not None:
        return tr("It is the trace in your file, {steps:,} steps", steps=len(upload.trace))
    if upload.source == FILE:
        return tr("It reads your {steps:,} steps", steps=upload.found)
    return tr(PROBED[upload.kind], steps=upload.steps)


def content(here: Place, upload: Upload) -> None:
    titles = {PROBE: tr("a probe signal"), SENTENCE: tr("the sentence"), FILE: tr("a file of numbers")}
    if upload.trace is not None:
        titles = {TRACE: tr("what was recorded"), PROBE: titles[PROBE], FILE: titles[FILE]}
    if wiring.below(upload.loaded, upload.chosen()):
        first = wiring.below(upload.loaded, upload.chosen())[-1].name
        switch(here, upload, "stacked", tr("It stands on {block} and reads its output", block=plain(first, 40)))
    key = key_of(here, "source")
    st.session_state.setdefault(key, here.tab)
    source = st.segmented_control(tr("What it reads"), list(titles), key=key, format_func=titles.__getitem__,
                                  required=True, on_change=_source, args=(here, key))  # fmt: skip
    if source == SENTENCE:
        _sentence(here, upload)
    elif source == FILE:
        _numbers(here, upload)
    elif source == PROBE:
        _probe(here, upload)


def _source(here: Place, key: str) -> None:
    """A source that is there at once is read at once; the others when their file has come."""
    upload, source = here.upload, st.session_state[key]
    here.tab = source
    if upload is None:
        return
    waits = {SENTENCE: upload.vocabulary is None, FILE: upload.signal is None}
    if not waits.get(source):
        here.choose(source=source)


def _probe(here: Place, upload: Upload) -> None:
    choice(here, upload, "kind", list(inputs.PROBES), tr("Signal"), lambda kind: tr(inputs.PROBES[kind]))
    left, right = st.columns(2)
    with left:
        number(here, upload, "steps", tr("Steps"), 1, upload.longest)
    with right:
        number(here, upload, "seed", tr("Seed"), 0, 9999)
    st.caption(tr("Each input gets the signal times a weight drawn from N(0, 1) by the seed."))


def _numbers(here: Place, upload: Upload) -> None:
    width = upload.first().input_size

    def take(files: Mapping[str, bytes]) -> None:
        [(file, data)] = files.items()

        def signal() -> dict[str, Any]:
            values, found = given.numbers(file, data, width, upload.longest)
            return {"signal": values, "found": found, "source": FILE}

        here.attempt(file, signal)

    if width == 1:
        text = tr("One line a step, 1 number in it; NPY: shape (time, 1).")
    else:
        text = tr("One line a step, {width:,} numbers in it; NPY: shape (time, {width}).", width=width)
    uploader(tr("A CSV or NPY file"), text, "numbers", here, take, several=False)


def _sentence(here: Place, upload: Upload) -> None:
    names = upload.embeddings()
    if not names:
        st.caption(_without_embedding(upload))
        return
    shapes = {name: tr("{name}: {count:,} words", name=name, count=len(upload.loaded.others[name])) for name in names}
    choice(here, upload, "embedding", names, tr("Embedding"), shapes.__getitem__)
    outputs: list[str | None] = [*upload.outputs(), None]
    if len(outputs) > 1:
        of = f" of {upload.embedding}"  # another embedding may have other output layers
        choice(here, upload, "output", outputs, tr("Output layer"), lambda name: name or tr("none: no predictions"), of)
    else:
        st.caption(plain(tr(upload.without_output()), 300))

    def take(files: Mapping[str, bytes]) -> None:
        [(file, data)] = files.items()
        rows = upload.rows()

        def read() -> dict[str, Any]:
            words = given.words(file, data, rows)
            return {"vocabulary": words, "by": words.by, "source": SENTENCE}

        here.attempt(file, read)

    text = tr(
        "Up to {rows:,} entries in the order of the rows: txt with one a line, JSON, or a tokenizer.json.",
        rows=upload.rows(),
    )
    label = tr("Another vocabulary") if upload.vocabulary else tr("Its vocabulary")
    uploader(label, text, "words", here, take, several=False)
    if upload.vocabulary is not None and upload.by is not None:
        ways = {"word": tr("by the word"), "character": tr("by the character")}
        choice(here, upload, "by", list(ways), tr("Texts are read"), ways.__getitem__)
    for said in getattr(upload.vocabulary, "assumed", ()):
        st.caption(tr("Assumed: {said}.", said=plain(tr(said), 300)))


def _without_embedding(upload: Upload) -> str:
    """Why no sentence can be read."""
    block = upload.first()
    at = wiring.source(upload.loaded, block)
    if at is not None and at.through:
        layers = plain(tr(wiring.in_order(at.through)), 120)
        return tr(
            "It reads what {layers} made of its input. These layers are not run, so no sentence is read through them.",
            layers=layers,
        )
    against = [
        why
        for name, value in upload.loaded.others.items()
        if value.ndim == 2 and value.shape[1] == block.input_size
        if (why := wiring.contradiction(upload.loaded, name, block))
    ]
    if against:
        return tr("The file holds no embedding that certainly feeds this block: {why}.", why=plain(tr(against[0]), 200))
    return tr(
        "The file holds no embedding: no matrix with {width:,} columns, as wide as the input of the block.",
        width=block.input_size,
    )
