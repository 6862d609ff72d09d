"""Puts the browser's files where Streamlit serves them: ``dashboard/static``, filled at start, never committed.

Plotly.js comes from the installed plotly package and is never part of a message. The folder's name is a digest of what
is in it, so that a browser takes a new version at once and relative imports between modules stay within one version.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

DASHBOARD = Path(__file__).resolve().parent.parent
STATIC = DASHBOARD / "static"


@cache
def publish() -> tuple[str, str]:
    """Copy what is not there yet. Returns the addresses, below ``static``, of our modules' folder and of Plotly.js.

    On a read-only disk this works if the files were copied before (start the app once while the image is built).
    """
    plotly = find_spec("plotly")  # found, not imported: that would cost the first page a quarter of a second
    if plotly is None or plotly.origin is None:
        raise RuntimeError("plotly is not installed; run `pip install -r requirements.txt`")
    own = [path for path in sorted(DASHBOARD.glob("*/*")) if path.suffix in (".js", ".css") and path.parent != STATIC]
    digest = hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in own)).hexdigest()[:12]
    for path in own:
        _copy(path, STATIC / digest / path.name)
    target = Path(f"plotly-{version('plotly')}.min.js")
    _copy(Path(plotly.origin).parent / "package_data" / "plotly.min.js", STATIC / target)
    return digest, str(target)


def _copy(source: Path, target: Path) -> None:
    """Copy unless it is there; another process that does the same at the same time does no harm."""
    if target.exists() and target.stat().st_size == source.stat().st_size:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.copyfile(source, part)
    part.replace(target)


def loader(module: str) -> str:
    """A component's inline script: it imports ``module`` from the static folder. Short, since every message carries it.

    Streamlit's own script says where the app lives, which differs between servers, pages and base paths.
    """
    folder, plotly = publish()
    return f"""
export default async (component) => {{
  const own = document.querySelector('script[src*="static/js/"]').src
  const base = own.slice(0, own.lastIndexOf("static/js/")) + "app/static/"
  return (await import(base + "{folder}/{module}")).default(component, base + "{plotly}")
}}
"""
