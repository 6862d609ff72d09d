"""Puts the browser's files where Streamlit serves them: ``dashboard/static``, filled at start, never committed.

Plotly.js comes from the installed plotly package and is never part of a message. The folder's name is a digest of what
is in it, so that a browser takes a new version at once and relative imports between modules stay within one version.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from streamlit.components.v2 import component

from dashboard import budgets, language, session
from dashboard.gateplot.pack import pack

DASHBOARD = Path(__file__).resolve().parent.parent
STATIC = DASHBOARD / "static"


@cache
def publish() -> tuple[str, str]:
    """Copy what is not there yet. Returns the addresses, below ``static``, of our modules' folder and of Plotly.js.

    On a read-only disk this works if the files were copied before (start the app once while the image is built).
    """
    plotly = find_spec("plotly")  # found, not imported: that would cost the first page a quarter of a second
    if plotly is None or plotly.origin is None:
        raise RuntimeError("plotly is not installed; run `pip install plotly`")
    own = [path for path in sorted(DASHBOARD.glob("*/*")) if path.suffix in (".js", ".css") and path.parent != STATIC]
    read = [*own, *sorted(language.FOLDER.glob("*.po"))]  # what the browser says comes from the catalogues
    digest = hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in read)).hexdigest()[:12]
    for path in own:
        _copy(path, STATIC / digest / path.name)
    target = Path(f"plotly-{version('plotly')}.min.js")
    _copy(Path(plotly.origin).parent / "package_data" / "plotly.min.js", STATIC / target)
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
    return STATIC / publish()[0] / f"words.{code}.js"


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


def loader(module: str) -> str:
    """A component's inline script: it imports ``module`` from the static folder. Short, since every message carries it.

    Streamlit's own script says where the app lives, which differs between servers, pages and base paths. The module
    gets the unpacked data, with the catalogue of its language loaded. A page whose server was started anew in another
    version is loaded anew, for modules of two versions would both draw in it; its address holds what it shows.
    """
    folder, plotly = publish()
    return f"""
export default async (component) => {{
  if ((window.gatescope ??= "{folder}") !== "{folder}") return window.location.reload()
  const own = document.querySelector('script[src*="static/js/"]').src
  const base = own.slice(0, own.lastIndexOf("static/js/")) + "app/static/"
  const get = (name) => import(base + "{folder}/" + name)
  const names = ["unpack.js", "words.js", "url.js", "{module}"]
  const [unpack, words, url, module] = await Promise.all(names.map(get))
  const data = unpack.unpack(component.data)
  url.arrive(data.arrival)
  await words.speak(data.language)
  return module.default({{ ...component, data }}, base + "{plotly}")
}}
"""


@dataclass(frozen=True)
class Same:
    """What is the same for everybody, in one language, for whom ``key`` is: made and packed once, and shared as bytes,
    which nobody can change."""

    key: Hashable
    make: Callable[[], Mapping[str, Any]]


SHARED = 8 << 20
"""Bytes of packed contents that are kept, for all visitors."""

_shared: budgets.Cache[bytes] = budgets.Cache(SHARED, len)


def mounted(name: str, module: str, stays: bool = False) -> Callable[..., None]:
    """The component ``name``, whose browser side is ``module``: a function of a key, the content and callbacks.

    In another language, and where a tour has led elsewhere, it is another element: what a component has written once
    is written anew. ``stays``: it is the same element wherever a tour leads.
    """
    mount = component(name, js=loader(module), isolate_styles=False)

    def draw(key: str, content: Mapping[str, Any] | Same, **callbacks: Any) -> None:
        code = language.current()
        if code != language.ENGLISH:
            publish_words(code)
        place = spoken(key, stays)
        arrival = None if stays else session.arrival()
        said = {"language": code, "arrival": arrival, "place": f"{name} {place}"}
        if isinstance(content, Same):
            one = content
            data = _shared.get((one.key, *said.values()), lambda: pack({**one.make(), **said}))
        else:
            data = pack({**content, **said})
        mount(key=place, data=data, **callbacks)

    return draw


def spoken(key: str, stays: bool = False) -> str:
    """The key under which a component stands, and its state in the session."""
    code, arrival = language.current(), 0 if stays else session.arrival()
    return "-".join([key, *[code] * (code != language.ENGLISH), *[str(arrival)] * (arrival > 0)])


if __name__ == "__main__":  # for an image whose disk cannot be written to
    publish()
    for one in language.languages():
        publish_words(one)
