"""The documentation's site, what mkdocs cannot do by itself: pages from outside of docs/, the gallery, and docstrings.

Read by ``mkdocs.yml`` twice: as mkdocs' hooks, and as an extension of griffe, which reads the docstrings.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import griffe
from mkdocs.structure.files import File, Files

from dashboard.figures.experiments import legend, number, small
from lab.experiments import discover
from lab.experiments.base import Experiment, Results
from lab.experiments.record import results

ROOT = Path(__file__).resolve().parent.parent
OUTSIDE = (
    "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "assets/README.md",
    *(f"benchmarks/{name}.md" for name in ("README", "attribution", "load", "survey", "trace")),
    "assets/screenshots/gates.png",
)  # fmt: skip
"""Pages and pictures of the repository that the site shows beside those of docs/, under the same paths."""
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)")


# ---- pages


def on_config(config: Any) -> Any:
    """A page of docs/ that the navigation forgot stands under "More", so that none is lost."""
    said = str(config["nav"])
    left = [path.name for path in sorted((ROOT / "docs").glob("*.md")) if f"'{path.name}'" not in said]
    if left:
        config["nav"].append({"More": left})
    return config


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages from outside of docs/, the gallery and the examples."""
    for name in OUTSIDE:
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    files.append(File.generated(config, "gallery.md", content=gallery()))
    files.append(File.generated(config, "examples.md", content=examples()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links between pages lead where they do in the repository; the name of a file that is no page stays as text."""
    own = page.file.src_uri
    folder = posixpath.dirname(own if own in OUTSIDE else f"docs/{own}")

    def leads(found: re.Match[str]) -> str:
        picture, text, target, anchor = found.groups(default="")
        path = posixpath.normpath(posixpath.join(folder, target))
        if path == "README.md":
            path = "docs/index.md"
        if path == "examples":
            path = "docs/examples.md"
        if path in OUTSIDE or path.startswith("docs/"):
            uri = posixpath.relpath(path.removeprefix("docs/"), posixpath.dirname(own) or ".")
            return f"{picture}[{text}]({uri}{anchor})"
        if not (ROOT / path).exists():
            return found[0]  # which mkdocs then reports
        return text

    return LINK.sub(leads, markdown)


def examples() -> str:
    """The scripts of examples/, each under the question that its docstring begins with."""
    lines = ["# Examples", "Tasks from beginning to end. What a line prints stands under it, after `# >`."]
    for script in sorted((ROOT / "examples").glob("*.py")):
        text = script.read_text(encoding="utf-8")
        title = script.stem.partition("_")[2].replace("_", " ").capitalize().replace("Onnx", "ONNX")
        about, _, code = text.removeprefix('"""').partition('"""\n')
        lines += [f"## {title}", about.strip(), f'```python title="examples/{script.name}"\n{code.strip()}\n```']
    return "\n\n".join(lines)


# ---- the gallery

HEAD = """# Findings

What the essays about these networks claim, measured on trained models and beside untrained ones. A target that was
missed stands here as missed. [All of them in one table](experiments.md)
"""


def gallery() -> str:
    """A card for each experiment that was measured: its claim, its first figure, and every target beside what came."""
    cards = []
    for one in discover().values():
        found = results(one.name)
        if found is not None:
            cards.append(_card(one, found))
    return "\n".join([HEAD, *cards])


def _card(one: Experiment, found: Results) -> str:
    drawing = one.draw(found)[0]
    names = " · ".join(
        f'<span style="color:{color}">{"┄" if dashed else "■"}</span> {escape(name)}'
        for name, color, dashed in legend(drawing)
    )
    rows = ["| | measured | target |", "| --- | --- | --- |"]
    for target in one.targets:
        figure = found.figures.get(target.figure)
        value = figure.value(target.over) if figure else None
        shown = "not measured" if value is None else number(value)
        sign = "at least" if target.at_least else "at most"
        met = "met" if target.met(value) else "**missed**"
        rows.append(f"| {target.says} | {shown} | {sign} {number(target.bound)}: {met} |")
    about = f"{len(found.seeds)} seeds of {found.of}, {found.date}, {found.machine}."
    picture = f'<div class="finding">{small(drawing)}</div>\n\n{names}'
    lines = [f"## {one.title}", f"{one.claim} *{one.source}*", picture, "\n".join(rows), one.look]
    lines += [f"What would disprove it: {one.disproof}", *([one.shaped] if one.shaped else []), about]
    return "\n\n".join(lines) + "\n"


# ---- docstrings


class Arguments(griffe.Extension):
    """Makes lists of what docstrings say of arguments and fields, "name: what it is", as Markdown needs them."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for each object once it is read."""
        if obj.docstring is not None:
            inside = obj.parameters if isinstance(obj, griffe.Function) else obj.members.values()
            obj.docstring.value = linked(listed(obj.docstring.value, {one.name for one in inside}), obj.path)


ARGUMENT = re.compile(r"^(\*{0,2}\w+(?:, \*{0,2}\w+)*): (?=\S)")
WITHIN = re.compile(r"(?<=[.;]) +(?=(\w+(?:, \w+)*): \S)")
"""Where a line goes on with the next name."""


def listed(text: str, names: Collection[str] = ()) -> str:
    """``text`` with an item of a list for each line that begins so, and where one of ``names`` follows on a line."""
    lines: list[str] = []
    inside = False
    text = WITHIN.sub(lambda found: "\n" if {*found[1].split(", ")} <= {*names} else found[0], text)
    for line in text.splitlines():
        found = ARGUMENT.match(line)
        if found:
            lines += [] if inside or not lines or not lines[-1] else [""]
            line = f"- `{found[1].replace(', ', '`, `')}`: {line[found.end() :]}"
        elif inside and line:
            line = f"    {line.strip()}"
        inside = bool(line) and (found is not None or inside)
        lines.append(line)
    return "\n".join(lines)


@cache
def places() -> dict[str, str]:
    """Where in the reference each public name stands: its dotted path, as the pages of docs/reference name it."""
    pages = (path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "reference").glob("*.md"))
    return {path.rpartition(".")[2]: path for page in pages for path in re.findall(r"^::: (\S+)", page, re.MULTILINE)}


def linked(text: str, own: str = "") -> str:
    """``text`` with a link at each public name between double backquotes: ``Trace``, ``analysis.health``.

    A function's bare name is left alone, since an argument or a method may have the same.
    """

    def link(found: re.Match[str]) -> str:
        path = places().get(found[1].rpartition(".")[2])
        return found[0] if path is None or path == own else f"[{found[0]}][{path}]"

    return re.sub(r"``([A-Z]\w+|(?:lstm_core\.)?analysis\.\w+|lstm_core\.\w+)``", link, text)
