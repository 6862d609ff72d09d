"""The generated blocks of docs/: the table of cells from ``CELLS``, the figures from the shipped models' headers.

``make docs`` writes them; a test checks that they are up to date.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from statistics import mean

from lab import first_visit
from lab.experiments import discover
from lab.experiments.record import results
from lab.shipped import numbers
from lstm_core import CELLS, Cell, Network, list_models, load_model
from lstm_core.beyond import kept
from lstm_core.cells import VARIANTS
from lstm_core.equations import carry

DOCS = Path(__file__).resolve().parent.parent / "docs"


def markdown(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    lines = [list(head), *(list(row) for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(str(value) for value in line) + " |" for line in lines)


def cells() -> str:
    """A table of the cells, and one of those for experiments."""
    said = (
        "For experiments there are cells with something taken away or exchanged. No list offers them, and "
        "`lstm_core.cells.cell(name)`\nfinds them; a class made from `lstm_core.cells.switched.Switched` is one more."
    )
    return f"{_cells(CELLS.values())}\n\n{said}\n\n{_cells(VARIANTS.values())}"


def _cells(shown: Iterable[type[Cell]]) -> str:
    """One row a cell: its name, how its memory goes on, its gates, its source."""
    rows = []
    for cell in shown:
        rule, memory = carry(cell), "rewritten at every step"
        if rule is not None:
            keep, write = (f"({label})" if " " in label else label for label in map(rule.label, ("keep", "write")))
            terms = ((keep, f"{rule.state}'"), (write, rule.candidate))
            memory = f"{rule.state} = " + " + ".join(of if share == "1" else f"{share} {of}" for share, of in terms)
        gated = (s.name for s in cell.signals if s.kind == "gate" or s.role in ("keep", "write", "expose"))
        gates = ", ".join(f"`{name}`" for name in gated)
        rows.append((f"`{cell.name}`", cell.title, memory, gates, cell.source))
    return markdown(("name", "cell", "memory", "gates", "source"), rows)


HEADINGS = {
    "unknown_undecided": "a name it does not know: undecided",
    "unknown_told_by_pronoun": "then the pronoun that was read tells",
    "distractor": "he or she right, with a distractor",
    "switch": "after a switch of subject",
    "distance_100": "100 words later",
    "unit_accuracy": "one cell tells he from she",
    "found": "it lets go at new subjects",
    "false_alarms": "at other words",
    "kept_old": "held there, the old pronoun stays",
    "subject_wrote": "the subject wrote the first pronoun",
    "bits_per_character": "bits per character, held-out Austen",
    "free_an_expected_word": "free sentences: an expected word among five",
    "free_an_expected_word_chinese": "free Chinese sentences: an expected word among five",
    "he_or_she_in_novels": "he or she in held-out novels, whole readout, balanced",
    "gender_unit_in_novels": "the same by the best single unit",
    "quote_unit": "one unit tells whether quotation marks are open",
    **{
        f"free_{start}{key}{end}": f"free {language}sentences{more}: {says}"
        for start, end, language, more in (
            ("", "", "", ""),
            ("", "_chinese", "Chinese ", ""),
            ("people_", "", "", " about people"),
        )
        for key, says in (
            ("he_or_she", "he or she"),
            ("he_or_she_known_names", "he or she, known names"),
            ("he_or_she_nouns_and_titles", "he or she, nouns and titles"),
            ("he_or_she_structures", "he or she, structures"),
            ("he_or_she_names_of_other_cultures", "he or she, names of other cultures"),
            ("he_or_she_calibration_error", "he or she, expected calibration error"),
            ("he_or_she_nobody_knows_undecided", "undecided where nobody knows"),
            ("language_of_the_country_near", "the country's language"),
            ("language_of_the_country_across_a_paragraph", "the country's language across a paragraph"),
            ("agreement_plain", "subject and verb"),
            ("agreement_attractors", "subject and verb, other nouns between"),
        )
    },
    **{
        f"{key}.{words}": f"{says}, {words} words after the name"
        for key, says in (
            ("he_or_she_after_words", "he or she"),
            ("name_told_after_words", "a woman told from a man (AUC)"),
        )
        for words in (0, 10, 30, 100, 300)
    },
}
"""What the figures in the models' headers are called here; the others by their names. Only numbers are shown."""


FAMILIES = ("general", "pronouns", "pronouns_zh")
"""The models whose figures stand in docs/models.md; those of the others belong to their experiments."""


def models() -> str:
    """A table for each family, of the figures measured when its models were trained; the longer side goes down."""
    tables = []
    for family in FAMILIES:
        members = [load_model(name) for name in list_models() if name.partition("-")[0] == family]
        metrics = [dict(numbers(m.meta.get("metrics", {}))) for m in members]
        found = Counter(key for one in metrics for key in one)
        names = [name for name, count in found.items() if count > 1 and not name.startswith("keep_")]
        if family != "general":  # of the free sentences all together, and how sure it is of them
            names = [n for n in names if "_he_or_she_" not in n or n.endswith(("_error", "_undecided"))]
        table = [
            [family, *(f"`{model.name}`" for model in members)],
            *(
                [
                    HEADINGS.get(name) or name.replace("_", " "),
                    *(figure(model, one, name) for model, one in zip(members, metrics, strict=True)),
                ]
                for name in names
            ),
        ]
        if len(members) > len(names):
            table = [list(column) for column in zip(*table, strict=True)]
        tables.append(markdown(table[0], table[1:]))
    return "\n\n".join(tables)


def figure(model: Network, metrics: Mapping[str, float], name: str) -> str:
    """The shipped model's figure, and where several seeds were trained the least and the most of them."""
    if name not in metrics:
        return ""
    seeds = [run[name] for run in model.meta.get("seeds", ()) if name in run]
    said = f"{metrics[name]:.3g}"
    return f"{said} ({min(seeds):.3g} to {max(seeds):.3g})" if len(seeds) > 1 and min(seeds) < max(seeds) else said


def experiments() -> str:
    """One row an experiment: its claim, its source, and how many of its targets were met."""
    rows = []
    for one in discover().values():
        found = results(one.name)
        values = [target.value(found.figures) if found else None for target in one.targets]
        met = sum(target.met(value) for target, value in zip(one.targets, values, strict=True))
        rows.append((one.title, one.claim, one.source, f"{met} of {len(values)}" if found else "not measured"))
    return markdown(("experiment", "claim", "source", "targets met"), rows)


def formats() -> str:
    """What is read and what is refused, from the tests' cases."""
    from tests import formats as cases  # which import torch and the readers of other people's files

    return cases.formats()


WRITTEN = ("lstm", "gru_cho", "slstm")
"""The cells whose JavaScript is printed: the plainest, one whose product waits for a gate, one with gates of exp."""


def javascript() -> str:
    """The step of each as it stands in its file, and the module that is written from it."""
    from lstm_core.javascript import javascript as module

    parts = []
    for cell in (CELLS[name] for name in WRITTEN):
        code = "\n\n".join(textwrap.dedent(inspect.getsource(part)).rstrip() for part in (cell.gates, cell.update))
        parts += [f"## {cell.title}", f"```python\n{code}\n```", f"```js\n{module(cell).rstrip()}\n```"]
    return "\n\n".join(parts)


def visit() -> str:
    """The questions for a first visit, where the answer is found, and the answer."""
    rows = [(k, *row) for k, row in enumerate(first_visit.table(), 1)]
    return markdown(("", "question", "page", "answer"), rows)


def beyond() -> str:
    """Each network of the page Beyond: what was measured on what it never saw, over all seeds, and its baselines."""
    unseen = "sentences on pictures with pairs of colour and form that were never shown, word for word"
    stroke = "nats for a step of a new pen stroke, at most"
    captions: list[tuple[str, str, dict[str, str]]] = [
        (unseen, "exact_held_out", {"looking everywhere alike": "exact_everywhere", "untrained": "exact_untrained"}),
        ("attention on the shape that is named, a place of 16", "on_named_held_out", {"spread evenly": "6 %"}),
    ]
    numbers = "numbers of four to six digits in English, word for word"
    alike = {"looking at all words alike": "exact_everywhere", "untrained": "exact_untrained"}
    rows: dict[str, tuple[str, list[tuple[str, str, dict[str, str]]]]] = {
        "captions-lstm": ("Xu et al. 2015, soft attention", captions),
        "captions_hard-lstm": ("hard attention", captions),
        "numbers-lstm": (
            "Bahdanau et al. 2015",
            [
                (numbers, "exact", alike),
                ("attention on the German word of the same meaning", "on_same", {"spread evenly": "even"}),
            ],
        ),
        "draw-lstm": (
            "Gregor et al. 2015",
            [
                (
                    "nats for a digit of another writer, at most",
                    "bound",
                    {"the mean of all digits": "mean_picture", "untrained": "untrained"},
                )
            ],
        ),
        "strokes-vrnn": ("Chung et al. 2015", [(stroke, "bound", {"untrained": "untrained"})]),
        "strokes-storn": ("Bayer & Osendorfer 2014", [(stroke, "bound", {"untrained": "untrained"})]),
        "strokes-plain": ("as many parameters, no latent variable", [(stroke, "bound", {"untrained": "untrained"})]),
    }
    found = []
    for name, path in kept.files().items():
        seeds = kept.header(path)["seeds"]
        source, measured = rows[name]
        for k, (what, key, baselines) in enumerate(measured):
            values = [run[key] for run in seeds]
            say = _nats if key == "bound" else _share
            told = say(mean(values))
            if len(values) > 1:
                told += f" ({say(min(values))} to {say(max(values))})"
            beside = (f"{of} {say(seeds[0][other]) if other in seeds[0] else other}" for of, other in baselines.items())
            found.append((f"`{name}`, {source}" if not k else "", what, len(seeds), told, ", ".join(beside)))
    return markdown(("model", "what was measured", "seeds", "mean (lowest to highest)", "baseline"), found)


def _share(value: float) -> str:
    return f"{value:.1%}".replace("%", " %")


def _nats(value: float) -> str:
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")


BLOCKS: dict[str, Callable[[], str]] = {
    "beyond": beyond,
    "cells": cells,
    "models": models,
    "experiments": experiments,
    "formats": formats,
    "javascript": javascript,
    "first-visit": visit,
}
"""What stands between the marks of its name in the file of its name."""


def fill(text: str, name: str, content: str) -> str:
    """``text`` with ``content`` between ``<!-- name -->`` and ``<!-- /name -->``; ValueError without these marks."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"there is no block <!-- {name} --> ... <!-- /{name} -->")
    return pattern.sub(lambda match: f"{match[1]}{content}\n{match[2]}", text)


if __name__ == "__main__":
    for block, content in BLOCKS.items():
        path = DOCS / f"{block}.md"
        path.write_text(fill(path.read_text(encoding="utf-8"), block, content()), encoding="utf-8")
