"""What the visitor's model is: its block, what was assumed of it, what the visitor says instead, and the check."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from dashboard.controls.text import plain
from dashboard.language import mark, tr
from dashboard.yours import given
from dashboard.yours.session import Place
from dashboard.yours.upload import Upload
from dashboard.yours.widgets import choice, key_of, uploader
from lstm_core import Block
from lstm_core.drawing.panel import row, short
from lstm_core.drawing.words import visible
from lstm_core.files import wiring

ACTIVATIONS = ("tanh", "sigmoid", "hard_sigmoid", "relu", "linear", "elu", "selu", "softsign", "softplus")
SAID: Mapping[str, tuple[str, tuple]] = {
    "activation": (mark("Activation"), ACTIVATIONS),
    "recurrent_activation": (mark("Activation of the gates"), ACTIVATIONS),
    "reset_after": (mark("GRU: the reset gate acts"), (True, False)),
    "go_backwards": (mark("Direction"), (False, True)),
}
"""What may be said in the place of a Keras file: the option of ``lstm_core.load``, its title, its values."""
SILENT = ""
"""As the file says; None would be no choice: its field would be empty."""
VALUES = {
    ("reset_after", True): mark("after the product (reset_after)"),
    ("reset_after", False): mark("before the product"),
    ("go_backwards", False): mark("forwards"),
    ("go_backwards", True): mark("from the end (go_backwards)"),
}


def title(block: Block, show: Callable[[str], str] = plain) -> str:
    """Name, cell and sizes in a line."""
    said = [show(tr(block.cell.title))]
    if block.name:
        said = [tr("block {name} ({cell})", name=show(short(block.name, 40)), cell=said[0])]
    inputs = tr("1 input") if block.input_size == 1 else tr("{count:,} inputs", count=block.input_size)
    units = tr("1 unit") if block.hidden_size == 1 else tr("{count:,} units", count=block.hidden_size)
    said += [tr("{inputs}, {units}", inputs=inputs, units=units)]
    if block.output_size != block.hidden_size:
        said.append(tr("projected to {units}", units=block.output_size))
    if block.num_layers > 1:
        said.append(tr("{count} layers", count=block.num_layers))
    if len(block.directions) == 2:
        said.append(tr("both directions"))
    elif block.directions == ("reverse",):
        said.append(tr("from the end"))
    return row(said)


def content(here: Place, upload: Upload) -> None:
    block, blocks = upload.chosen(), upload.loaded.blocks
    st.markdown(tr("**{file}**, {format}", file=plain(upload.file), format=upload.loaded.format))
    if len(blocks) > 1:
        titles = {one.name: title(one, visible) for one in blocks}
        label = tr("One of its {count} recurrent blocks", count=len(blocks))
        choice(here, upload, "block", list(titles), label, titles.__getitem__)
    for said in wiring.assumed(upload.loaded, block) if upload.stacked else block.assumed:
        if upload.loaded.format not in ("PyTorch", "safetensors") or not said.startswith("x is "):  # of arrays alone
            st.caption(tr("Assumed: {said}.", said=plain(tr(said), 300)))
    if upload.loaded.format == "Keras":
        _said(here, upload)
    _check(here, upload)


def _said(here: Place, upload: Upload) -> None:
    """Where a Keras file is wrong or silent."""
    with st.expander(tr("Where the file is silent or wrong")):
        for name, (label, values) in SAID.items():
            key = key_of(here, name)
            said = upload.given.said.get(name)
            st.session_state.setdefault(key, SILENT if said is None else said)
            st.selectbox(
                tr(label),
                [SILENT, *values],
                key=key,
                format_func=lambda value, name=name: _value(name, value),
                on_change=_say,
                args=(here, name, key),
            )


def _value(name: str, value: object) -> str:
    if value == SILENT:
        return tr("as the file says")
    return tr(VALUES[name, value]) if isinstance(value, bool) else str(value)


def _say(here: Place, name: str, key: str) -> None:
    value = st.session_state[key]
    here.again(**{name: None if value == SILENT else value})


def _check(here: Place, upload: Upload) -> None:
    """Compare with what the visitor's own runtime gives for what is read now."""
    width = upload.chosen().output_size * len(upload.chosen().directions)
    if upload.checked is not None:
        st.caption(tr("Checked against your output: the largest difference is {error:.1e}.", error=upload.checked))
    elif upload.loaded.format == "PyTorch":
        st.caption(
            tr(
                "Where PyTorch is installed, each run is compared with torch's own; the largest difference stands in "
                "the page's last line."
            )
        )

    def take(files: Mapping[str, bytes]) -> None:
        [(file, data)] = files.items()

        def checked() -> dict[str, object]:
            expected, _ = given.numbers(file, data, width, upload.longest)
            return {"checked": upload.check(expected, st.session_state.get("settings", {}).get("text", ""))}

        here.attempt(file, checked)

    text = tr(
        "CSV or NPY: h of each step, or of the last one, {width:,} numbers a step, as your own runtime gives it for "
        "what is read here.",
        width=width,
    )
    uploader(tr("Check it against its own output"), text, "expected", here, take, several=False)
