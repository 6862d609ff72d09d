"""The browser's modules: which there are, and which others each of them imports.

They lie in ``dashboard/browser``, and in an installed lstm_core in the folder of the page that it carries. They are
read here as text: by the page's server, which serves them, and by what carries them along, a saved page or a notebook.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

CORE = Path(__file__).resolve().parent.parent
BROWSER = Path("dashboard", "browser")
FOLDER = next((path for path in (CORE / "_page" / BROWSER, CORE.parent / BROWSER) if path.is_dir()), CORE / BROWSER)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
"""Types stand in comments, and name modules that nobody loads for them."""
SPECIFIER = re.compile(r"""((?:\bfrom|\bimport)\s*\(?\s*["'`])(\.\.?/[^"'`]+)""")
WORDS = "page/words.{code}.js"
"""What the browser says in a language, made from its catalogue."""


def files() -> dict[str, Path]:
    """Modules and style sheets by their name, which is the way to them from this folder."""
    found = (path for path in FOLDER.rglob("*") if path.suffix in (".js", ".css"))
    return {path.relative_to(FOLDER).as_posix(): path for path in sorted(found)}


def source(name: str) -> str:
    """The text of a module or style sheet."""
    return (FOLDER / name).read_text(encoding="utf-8")


@cache
def needed(*names: str) -> tuple[str, ...]:
    """These modules and all that they import, each once; not the words, whose name is put together when they are
    asked for."""
    found = dict.fromkeys(names)
    waiting = list(names)
    while waiting:
        module = waiting.pop()
        for match in SPECIFIER.finditer(COMMENT.sub("", source(module))):
            name = beside(module, match[2])
            if name not in found and "$" not in name:
                found[name] = None
                waiting.append(name)
    return tuple(found)


def beside(module: str, specifier: str) -> str:
    """The name of what ``module`` calls ``specifier``."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(module), specifier))


def renamed(module: str, rename: Callable[[str], str]) -> str:
    """The source of ``module``, with ``rename(name)`` in the place of each name of a module in it."""
    code = COMMENT.sub("", source(module))
    return SPECIFIER.sub(lambda match: match[1] + rename(beside(module, match[2])), code)
