"""Puts the browser's files where Streamlit serves them: ``dashboard/static``, filled at start, never committed.

Plotly.js is never part of a message. The folder's name is a digest of what is in it, so that a browser takes a new
version at once and relative imports between modules stay within one version.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from functools import cache
from pathlib import Path

from dashboard import language
from lstm_core.drawing import modules, plotly

STATIC = Path(__file__).resolve().parent.parent / "static"


@cache
def publish() -> tuple[str, str]:
    """Copy what is not there yet. Returns the addresses, below ``static``, of our modules' folder and of Plotly.js.

    On a read-only disk this works if the files were copied before (start the app once while the image is built).
    """
    own = modules.files()
    spoken = sorted(language.FOLDER.glob("*.po"))  # what the browser says comes from the catalogues
    read = {**own, **{path.name: path for path in spoken}}
    digest = hashlib.sha256(b"".join(name.encode() + path.read_bytes() for name, path in read.items())).hexdigest()[:12]
    for name, path in own.items():
        _copy(path, STATIC / digest / name)
    target = Path(f"plotly-{plotly.version()}.min.js")
    _copy(plotly.SOURCE, STATIC / target)
    return digest, str(target)


@cache
def publish_words(code: str) -> None:
    """Write what the browser says in this language; English, in which the modules are written, has an empty one."""
    target = words_file(code)
    if not target.exists():
        part = _part(target)
        part.write_text(language.script(code), encoding="utf-8")
        part.replace(target)


def words_file(code: str) -> Path:
    """Where the browser finds what it says in this language."""
    return STATIC / publish()[0] / modules.WORDS.format(code=code)


def _copy(source: Path, target: Path) -> None:
    """Copy unless it is there; another that does the same at the same time does no harm."""
    if target.exists() and target.stat().st_size == source.stat().st_size:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = _part(target)
    shutil.copyfile(source, part)
    part.replace(target)


def _part(target: Path) -> Path:
    """What is written under this name is put in the place of ``target`` when it is whole; each thread has its own."""
    return target.with_name(f"{target.name}.{os.getpid()}.{threading.get_ident()}")


if __name__ == "__main__":  # for an image whose disk cannot be written to
    publish()
    for one in language.languages():
        publish_words(one)
