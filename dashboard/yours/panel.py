"""The visitor's own model on the page: an upload, then one quiet line that says what it is and what it reads.

Every widget applies its choice in a callback, before the page runs, so that what is drawn above it is already new.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dashboard.controls.text import plain
from dashboard.figures.panel import row, short
from dashboard.figures.words import visible
from dashboard.language import mark, tr
from dashboard.yours import inputs, vocabulary
from dashboard.yours.session import FILE, PROBE, SENTENCE, Place, Upload, place
from lstm_core import Block
from lstm_core.cells import CELLS

KINDS = mark("A PyTorch state_dict (.pt, .pth), safetensors, ONNX, or Keras (.keras, .h5)")
READ_AS = mark(
    "Only the weights are read; nothing in the file is run. It stays in this session, in memory, until you replace or "
    "remove it or close the page."
)
PROBED = {
    "sine": mark("It reads a probe: sine, {steps} steps"),
    "impulse": mark("It reads a probe: impulse, {steps} steps"),
    "step": mark("It reads a probe: step, {steps} steps"),
    "noise": mark("It reads a probe: noise, {steps} steps"),
}


def panel() -> None:
    """Draw what the visitor's upload still needs, or a line with what it is."""
    here = place()
    context = get_script_run_ctx()
    page = context.page_script_hash if context else ""
    if here.page != page:  # what was wrong on another page is not said here
        here.page, here.problem = page, ""
    with st.container(key="yours", gap="small"):  # one element, whatever is in it: the figure below keeps its place
        if here.problem:
            st.error(plain(tr(here.problem), 400))
        if here.upload is not None:
            _line(here, here.upload)
        elif here.question is not None:
            _question(here)
        else:
            _uploader(
                tr("Your model"), tr("{kinds}. {read}", kinds=tr(KINDS), read=tr(READ_AS)), "file", here, here.take
            )


# ---- files


def _uploader(label: str, text: str, key: str, here: Place, take: Callable[[str, bytes], None]) -> None:
    key = f"yours {key}, upload {here.turn}"
    st.file_uploader(label, key=key, on_change=_uploaded, args=(here, key, take))
    st.caption(text)


def _uploaded(here: Place, key: str, take: Callable[[str, bytes], None]) -> None:
    """Hand a file on and let go of it; the next uploader is an empty one."""
    file = st.session_state.get(key)
    if not isinstance(file, UploadedFile):  # none, or one that was let go of
        return
    here.turn += 1
    take(file.name, file.getvalue())
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)


def _key(here: Place, name: str) -> str:
    return f"yours {name}, model {here.model}"


# ---- what the file does not say


def _question(here: Place) -> None:
    question = here.question
    assert question is not None
    st.markdown(tr("**{file}** does not say which cell it holds. Which one was it?", file=plain(question.file)))
    said: dict[str, str] = {}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for name, cells in question.choices.items():
            cell = st.selectbox(
                plain(name) if name else tr("The block"),
                cells,
                index=None,
                placeholder=tr("choose"),
                format_func=lambda cell: tr(CELLS[cell].title),
                key=_key(here, f"cell of {name}"),
                width=240,
            )
            if cell is not None:
                said[name] = cell
        whole = len(said) == len(question.choices)
        st.button(tr("Open it"), disabled=not whole, on_click=here.take, args=(question.file, question.data, said))
        st.button(tr("Remove"), type="tertiary", key="yours away", on_click=here.clear)


# ---- the line of a model that is there


def _line(here: Place, upload: Upload) -> None:
    block = upload.chosen()
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="yours-line"):
        with st.popover(tr("Your model: {title}", title=_title(block)), type="tertiary"):
            _about(here, upload, block)
        with st.popover(_reads(upload), type="tertiary"):
            _input(here, upload, block)
        with st.popover(tr("Replace"), type="tertiary"):
            _uploader(tr("Another file"), tr(KINDS), "another", here, here.take)
        st.button(tr("Remove"), type="tertiary", key="yours remove", on_click=here.clear)
        if upload.embedding and upload.vocabulary is None:
            where = {"control": _reads(upload), "choice": tr("the sentence")}
            said = tr(
                "It has an embedding. To let it read sentences, give its vocabulary under “{control}”, “{choice}”.",
                **where,
            )
            st.caption(said, width="content")


def _title(block: Block, show: Callable[[str], str] = plain) -> str:
    """Name, cell and sizes in a line."""
    said = [show(tr(block.cell.title))]
    if block.name:
        said = [tr("block {name} ({cell})", name=show(short(block.name, 40)), cell=said[0])]
    said += [tr("{inputs:,} inputs, {units:,} units", inputs=block.input_size, units=block.hidden_size)]
    if block.output_size != block.hidden_size:
        said.append(tr("projected to {units}", units=block.output_size))
    if block.num_layers > 1:
        said.append(tr("{count} layers", count=block.num_layers))
    if len(block.directions) == 2:
        said.append(tr("both directions"))
    elif block.directions == ("reverse",):
        said.append(tr("from the end"))
    return row(said)


def _reads(upload: Upload) -> str:
    if upload.source == SENTENCE:
        return tr("It reads the sentence above")
    if upload.source == FILE:
        return tr("It reads your {steps:,} steps", steps=upload.found)
    return tr(PROBED[upload.kind], steps=upload.steps)


def _about(here: Place, upload: Upload, block: Block) -> None:
    names = [one.name for one in upload.loaded.blocks]
    st.markdown(tr("**{file}**, {format}", file=plain(upload.file), format=upload.loaded.format))
    if len(names) > 1:
        titles = {one.name: _title(one, visible) for one in upload.loaded.blocks}
        _choice(
            here,
            upload,
            "block",
            names,
            tr("One of its {count} recurrent blocks", count=len(names)),
            titles.__getitem__,
        )
    if upload.loaded.format == "PyTorch":
        st.caption(tr("Each run is compared with torch's own; the largest difference stands in the page's last line."))
    if upload.loaded.format not in ("PyTorch", "safetensors"):
        for said in block.assumed:
            st.caption(tr("Assumed: {said}.", said=plain(tr(said), 200)))


def _input(here: Place, upload: Upload, block: Block) -> None:
    titles = {PROBE: tr("a probe signal"), SENTENCE: tr("the sentence"), FILE: tr("a file of numbers")}
    key = _key(here, "source")
    st.session_state.setdefault(key, here.tab)
    source = st.segmented_control(tr("What it reads"), list(titles), key=key, format_func=titles.__getitem__,
                                  on_change=_source, args=(here, key))  # fmt: skip
    if source == SENTENCE:
        _sentence(here, upload)
    elif source == FILE:
        _numbers(here, upload, block)
    else:
        _probe(here, upload)


def _source(here: Place, key: str) -> None:
    """A source that is there at once is read at once; the others when their file has come."""
    upload, source = here.upload, st.session_state[key] or PROBE
    here.tab = source
    ready = {PROBE: True, SENTENCE: upload and upload.vocabulary, FILE: upload and upload.signal is not None}
    if upload is not None and ready.get(source):
        here.choose(source=source)


def _probe(here: Place, upload: Upload) -> None:
    _choice(here, upload, "kind", list(inputs.PROBES), tr("Signal"), lambda kind: tr(inputs.PROBES[kind]))
    left, right = st.columns(2)
    with left:
        _number(here, upload, "steps", tr("Steps"), 1, upload.longest)
    with right:
        _number(here, upload, "seed", tr("Seed"), 0, 9999)
    st.caption(tr("Each input gets the signal times a weight drawn from N(0, 1) by the seed."))


def _numbers(here: Place, upload: Upload, block: Block) -> None:
    width = block.input_size

    def take(file: str, data: bytes) -> None:
        def signal() -> dict[str, Any]:
            values, found = inputs.read(data, width, upload.longest)
            return {"signal": values, "found": found, "source": FILE}

        here.attempt(file, signal)

    if width == 1:
        text = tr("One line a step, 1 number in it; NPY: shape (time, 1).")
    else:
        text = tr("One line a step, {width:,} numbers in it; NPY: shape (time, {width}).", width=width)
    _uploader(tr("A CSV or NPY file"), text, "numbers", here, take)


def _sentence(here: Place, upload: Upload) -> None:
    names = upload.embeddings()
    if not names:
        width = upload.chosen().input_size
        st.caption(
            tr(
                "The file holds no embedding: no matrix with {width:,} columns, as wide as the input of the block.",
                width=width,
            )
        )
        return
    shapes = {name: tr("{name}: {count:,} words", name=name, count=len(upload.loaded.others[name])) for name in names}
    _choice(here, upload, "embedding", names, tr("Embedding"), shapes.__getitem__)
    outputs: list[str | None] = [*upload.outputs(), None]
    if len(outputs) > 1:
        of = f" of {upload.embedding}"  # another embedding may have other output layers
        _choice(
            here, upload, "output", outputs, tr("Output layer"), lambda name: name or tr("none: no predictions"), of
        )
    else:
        wide = upload.chosen().output_size * len(upload.chosen().directions)
        st.caption(
            tr(
                "No output layer of {rows:,} x {wide:,} is in the file, so no next word is predicted.",
                rows=upload.rows(),
                wide=wide,
            )
        )

    def take(file: str, data: bytes) -> None:
        rows = upload.rows()
        here.attempt(file, lambda: {"vocabulary": vocabulary.read(data, rows), "source": SENTENCE})

    text = tr(
        "Up to {rows:,} entries in the order of the rows: txt with one a line, JSON, or a tokenizer.json.",
        rows=upload.rows(),
    )
    _uploader(tr("Another vocabulary") if upload.vocabulary else tr("Its vocabulary"), text, "words", here, take)


# ---- widgets whose choice is a field of the upload


def _choice(
    here: Place, upload: Upload, name: str, options: list, label: str, title: Callable[[Any], str], of: str = ""
) -> None:
    key = _key(here, name + of)
    value = getattr(upload, name)
    st.session_state.setdefault(key, value if value in options else options[0])
    st.selectbox(label, options, key=key, format_func=title, on_change=_apply, args=(here, name, key))


def _number(here: Place, upload: Upload, name: str, label: str, low: int, high: int) -> None:
    key = _key(here, name)
    st.session_state.setdefault(key, getattr(upload, name))
    st.number_input(label, low, high, step=1, key=key, on_change=_apply, args=(here, name, key))


def _apply(here: Place, name: str, key: str) -> None:
    here.choose(**{name: st.session_state[key]})
