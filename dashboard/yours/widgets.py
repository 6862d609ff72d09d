"""Widgets whose choice is a field of the upload: each applies it in a callback, and a new model gets new ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from typing import Any

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dashboard.controls.kept import follows
from dashboard.yours.session import Place
from dashboard.yours.upload import Upload

Take = Callable[[Mapping[str, bytes]], None]


def key_of(here: Place, name: str) -> str:
    return f"{here.name} {name}, model {here.model}"


def uploader(label: str, text: str, key: str, here: Place, take: Take, several: bool = True) -> None:
    """``take`` gets the files by name; one of them unless ``several`` may come together."""
    key = f"{here.name} {key}, upload {here.turn}"
    st.file_uploader(label, key=key, on_change=_uploaded, args=(here, key, take), accept_multiple_files=several)
    st.caption(text)


def _uploaded(here: Place, key: str, take: Take) -> None:
    """Hand the files on and let go of them; the next uploader is an empty one."""
    given = st.session_state.get(key)
    files = [file for file in (given if isinstance(given, list) else [given]) if isinstance(file, UploadedFile)]
    if not files:  # none, or what was let go of
        return
    here.turn += 1
    take(named_apart((file.name, file.getvalue()) for file in files))
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        for file in files:
            context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)


def named_apart(files: Iterable[tuple[str, bytes]]) -> dict[str, bytes]:
    """Files by name; of several of one name, as out of several folders, the second is "name (2)". The same file given
    twice is one."""
    found: dict[str, bytes] = {}
    for name, data in files:
        place = next(one for one in _names(name) if found.get(one, data) == data)
        found[place] = data
    return found


def _names(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name} ({number})" for number in count(2))


def choice(
    here: Place, upload: Upload, name: str, options: list, label: str, title: Callable[[Any], str], of: str = ""
) -> None:
    key = key_of(here, name + of)
    value = getattr(upload, name)
    st.session_state.setdefault(key, value if value in options else options[0])
    st.selectbox(label, options, key=key, format_func=title, on_change=_apply, args=(here, name, key))


def number(here: Place, upload: Upload, name: str, label: str, low: int, high: int) -> None:
    field = follows(key_of(here, name), getattr(upload, name), lambda chosen: here.choose(**{name: chosen}))
    st.number_input(label, low, high, None, 1, **field)


def switch(here: Place, upload: Upload, name: str, label: str) -> None:
    key = key_of(here, name)
    st.session_state.setdefault(key, getattr(upload, name))
    st.checkbox(label, key=key, on_change=_apply, args=(here, name, key))


def _apply(here: Place, name: str, key: str) -> None:
    here.choose(**{name: st.session_state[key]})
