"""The generated blocks of README.md: the table of cells from ``CELLS``, the figures from the shipped models' headers.

``python -m benchmarks.readme`` writes them; a test checks that they are up to date.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from lstm_core import CELLS, Model, list_models, load_model
from lstm_core.equations import carry

README = Path(__file__).resolve().parent.parent / "README.md"


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    lines = [list(head), *(list(row) for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(str(value) for value in line) + " |" for line in lines)


def cells() -> str:
    """One row a cell: its name, how its memory goes on, its gates, its source."""
    rows = []
    for cell in CELLS.values():
        rule, memory = carry(cell), "rewritten at every step"
        if rule is not None:
            keep, write = (f"({label})" if " " in label else label for label in map(rule.label, ("keep", "write")))
            memory = f"{rule.state} = {keep} {rule.state}' + {write} {rule.candidate}"
        gates = ", ".join(f"`{signal.name}`" for signal in cell.signals if signal.kind == "gate")
        rows.append((f"`{cell.name}`", cell.title, memory, gates, cell.source))
    return table(("name", "cell", "memory", "gates", "source"), rows)


HEADINGS = {
    "distractor": "he or she right, with a distractor",
    "switch": "after a switch of subject",
    "distance_100": "100 words later",
    "unit_accuracy": "one cell tells he from she",
    "found": "it lets go at new subjects",
    "false_alarms": "at other words",
    "kept_old": "held there, the old pronoun stays",
    "subject_wrote": "the subject wrote the first pronoun",
    "bits_per_character_5_gram": "of a 5-gram model",
}
"""What the figures in the models' headers are called here; the others by their names. Only numbers are shown."""


def models() -> str:
    """For each recipe a table with a column a model: the figures measured when it was trained."""
    families: dict[str, list[Model]] = {}
    for name in list_models():
        families.setdefault(name.partition("-")[0], []).append(load_model(name))
    tables = []
    for family, members in families.items():
        metrics = [{k: v for k, v in m.meta.get("metrics", {}).items() if isinstance(v, int | float)} for m in members]
        names = [name for name in dict.fromkeys(key for one in metrics for key in one) if not name.startswith("keep_")]
        rows = [
            (
                HEADINGS.get(name) or name.replace("_", " "),
                *(f"{one[name]:.3g}" if name in one else "" for one in metrics),
            )
            for name in names
        ]
        tables.append(table((family, *(f"`{model.name}`" for model in members)), rows))
    return "\n\n".join(tables)


BLOCKS: dict[str, Callable[[], str]] = {"cells": cells, "models": models}


def fill(text: str, name: str, content: str) -> str:
    """``text`` with ``content`` between ``<!-- name -->`` and ``<!-- /name -->``; ValueError without these marks."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"there is no block <!-- {name} --> ... <!-- /{name} -->")
    return pattern.sub(lambda match: f"{match[1]}{content}\n{match[2]}", text)


def render(text: str) -> str:
    """``text`` with every generated block as it should be."""
    for name, content in BLOCKS.items():
        text = fill(text, name, content())
    return text


if __name__ == "__main__":
    README.write_text(render(README.read_text(encoding="utf-8")), encoding="utf-8")
