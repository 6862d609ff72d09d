"""The visitor's own model on the page: an upload, then one quiet line that says what it is and what it reads.

Every widget applies its choice in a callback, before the page runs, so that what is drawn above it is already new.
"""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard.controls.text import plain
from dashboard.language import mark, tr
from dashboard.yours import about, reads
from dashboard.yours.session import Place, Question, place
from dashboard.yours.upload import Upload
from dashboard.yours.widgets import key_of, uploader
from lstm_core.cells import CELLS

KINDS = mark(
    "PyTorch (.pt, .pth, .bin, .ckpt), safetensors, ONNX, Keras (.keras, .h5) or NumPy (.npz); files that belong "
    "together, such as a model and its vocabulary, can be given together"
)
READ_AS = mark(
    "Only the weights are read; nothing in the file is run. It stays in this session, in memory, until you replace or "
    "remove it or close the page."
)


def panel() -> None:
    """Draw what the visitor's upload still needs, or a line with what it is."""
    here = place()
    context = get_script_run_ctx()
    page = context.page_script_hash if context else ""
    if here.page != page:  # what was wrong on another page is not said here
        here.page, here.problem, here.unused = page, "", ()
    with st.container(key="yours", gap="small"):  # one element, whatever is in it: the figure below keeps its place
        if here.problem:
            st.error(plain(tr(here.problem), 600))
        unused(here)
        if here.gone:
            text = tr(
                "Your model was let go of: nobody had looked at it for a while, and this server needed its memory. "
                "Choose {file} again.",
                file=plain(here.gone),
            )
            st.info(text)
        if here.upload is not None:
            _line(here, here.upload)
        elif here.question is not None:
            question(here, here.question)
        else:
            text = tr("{kinds}. {read}", kinds=tr(KINDS), read=tr(READ_AS))
            uploader(tr("Your model"), text, "file", here, here.take_all)


def unused(here: Place) -> None:
    """What came with the model and is of no use."""
    if here.unused:
        st.info("  \n".join(plain(tr(said), 300) for said in here.unused))


def question(here: Place, asked: Question) -> None:
    """What the file does not say."""
    file = plain(asked.given.file)
    st.markdown(tr("**{file}** does not say which cell it holds. Which one was it?", file=file))
    said: dict[str, str] = {}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for name, cells in asked.choices.items():
            cell = st.selectbox(
                plain(name) if name else tr("The block"),
                cells,
                index=None,
                placeholder=tr("choose"),
                format_func=lambda cell: tr(CELLS[cell].title),
                key=key_of(here, f"cell of {name}"),
                width=240,
            )
            if cell is not None:
                said[name] = cell
        whole = len(said) == len(asked.choices)
        st.button(tr("Open it"), disabled=not whole, on_click=here.answer, args=(said,))
        st.button(tr("Remove"), type="tertiary", key=f"{here.name} away", on_click=here.clear)


def _line(here: Place, upload: Upload) -> None:
    """The line of a model that is there."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="yours-line"):
        with st.popover(tr("Your model: {title}", title=about.title(upload.chosen())), type="tertiary"):
            about.content(here, upload)
        with st.popover(reads.title(upload), type="tertiary"):
            reads.content(here, upload)
        with st.popover(tr("Replace"), type="tertiary"):
            uploader(tr("Another file"), tr(KINDS), "another", here, here.take_all)
        st.button(tr("Remove"), type="tertiary", key="yours remove", on_click=here.clear)
        if upload.embedding and upload.vocabulary is None:
            where = {"control": reads.title(upload), "choice": tr("the sentence")}
            said = tr(
                "It has an embedding. To let it read sentences, give its vocabulary under “{control}”, “{choice}”.",
                **where,
            )
            st.caption(said, width="content")
