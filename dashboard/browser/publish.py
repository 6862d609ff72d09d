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
from lstm_core.cells import cell as find_cell
from lstm_core.drawing import modules, plotly
from lstm_core.javascript import javascript

RUN = ("peephole",)
"""Cells that the browser runs itself."""
STATIC = Path(__file__).resolve().parent.parent / "static"


@cache
def publish() -> tuple[str, str]:
    """Copy what is not there yet. Returns the addresses, below ``static``, of our modules' folder and of Plotly.js.

    On a read-only disk this works if the files were copied before (start the app once while the image is built).
    """
    own = modules.files()
    spoken = sorted(language.FOLDER.glob("*.po"))  # what the browser says comes from the catalogues
    read = {**own, **{path.name: path for path in spoken}}
    cells = {f"cells/{name}.js": javascript(find_cell(name)) for name in RUN}
    parts = [name.encode() + path.read_bytes() for name, path in read.items()]
    parts += [name.encode() + code.encode() for name, code in cells.items()]
    digest = hashlib.sha256(b"".join(parts)).hexdigest()[:12]
    for name, path in own.items():
        _copy(path, STATIC / digest / name)
    for name, code in cells.items():
        _write(code, STATIC / digest / name)
    target = Path(f"plotly-{plotly.version()}.min.js")
    _copy(plotly.SOURCE, STATIC / target)
    return digest, str(target)


@cache
def publish_words(code: str) -> None:
    """Write what the browser says in this language; English, in which the modules are written, has an empty one."""
    _write(language.script(code), words_file(code))


def publish_bytes(data: bytes, suffix: str) -> str:
    """Write what browsers may ask for later, under its own digest; returns its address below the app's."""
    target = STATIC / "models" / f"{hashlib.sha256(data).hexdigest()[:20]}{suffix}"
    _write(data, target)
    return f"app/static/models/{target.name}"


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


def _write(content: str | bytes, target: Path) -> None:
    """Write unless it is there."""
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        part = _part(target)
        part.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        part.replace(target)


def _part(target: Path) -> Path:
    """What is written under this name is put in the place of ``target`` when it is whole; each thread has its own."""
    return target.with_name(f"{target.name}.{os.getpid()}.{threading.get_ident()}")


if __name__ == "__main__":  # for an image whose disk cannot be written to
    publish()
    for one in language.languages():
        publish_words(one)
    from dashboard.at_once import prepare  # which asks this module

    prepare()
