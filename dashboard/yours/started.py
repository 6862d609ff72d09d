"""The model that whoever started the page on their own computer gave it: ``gatescope model.onnx``."""

from __future__ import annotations

import os
from pathlib import Path

from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard.yours.session import place

VARIABLE = "GATESCOPE_MODEL"
"""The path of a file that every session begins with as its own model. Not for a page that others visit."""


def taken() -> bool:
    """Whether a file was given; it is this session's own model then, or the page says what is wrong with it."""
    path = os.environ.get(VARIABLE)
    if not path:
        return False
    file, here, context = Path(path), place(), get_script_run_ctx(suppress_warning=True)
    here.page = context.page_script_hash if context else ""  # where what is wrong with it is said
    try:  # weights that an ONNX model keeps beside itself
        given = {one.name: one.read_bytes() for one in (file, *file.parent.glob(f"{file.name}[._]data*"))}
    except OSError as error:
        here.refused, here.problem = True, f"{file.name}: {error.strerror}."
        return True
    here.take_all(given)
    return True
