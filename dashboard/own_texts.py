"""A visitor's own texts on the page Corpus: read from a box or a file, surveyed in a process of its own.

    python -m dashboard.own_texts FOLDER

FOLDER holds "texts.json", a list of documents, and "models.json", a list of names of shipped models, or null for the
model in "N.pickle", which the page itself wrote there. Surveys are written beside them, into "survey0", "survey1".
What an earlier run has written there is not done again.
"""

from __future__ import annotations

import io
import json
import pickle
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from lstm_core.files.limits import reason
from lstm_core.files.sandbox import as_json
from lstm_core.say import say
from lstm_core.survey.documents import cells

LONGEST = 1_000_000
"""Characters that are surveyed on the page: of two models about two minutes."""
KINDS = ("txt", "csv")
STEPS = 1 << 14
"""Steps after which the page hears how far a survey is."""
TOP, SAMPLE = 40, 50
TRAINED = 0.8
"""The share of a model's work that is its own; the rest is a network that was not trained, on every fourth text."""


def documents(text: str) -> list[str]:
    """The lines of a text that are not empty. Raises ValueError where there is none, and where there is too much."""
    return _bounded([line.strip() for line in text.split("\n") if line.strip()])


def uploaded(name: str, data: bytes) -> list[str]:
    """The documents of a file: the lines of a .txt, the column "text" of a .csv, or its only one. Raises ValueError for
    a file that cannot be read."""
    kind = name.rpartition(".")[2].lower()
    if kind not in KINDS:
        raise ValueError(say("this is not a .txt or .csv file: {name}", name=name[:80]))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(say("this file is not UTF-8 text; save it as UTF-8: {name}", name=name[:80])) from error
    if kind == "txt":
        return documents(io.StringIO(text, newline=None).read())  # whatever a line ends with
    found = cells(io.StringIO(text, newline=""), name[:80], lambda there: _wanted(name, there), ("text",))
    return _bounded([one.strip() for one in found if one.strip()])


def _wanted(name: str, there: Sequence[str]) -> str:
    """The column with the texts."""
    if "text" in there or len(there) == 1:
        return "text" if "text" in there else there[0]
    if not there:
        raise ValueError(say("there is no text in it"))
    raise ValueError(
        say(
            'the columns of {name} are {there}; the one that holds the texts has to be called "text"',
            name=name[:80],
            there=", ".join(there)[:200],
        )
    )


def _bounded(found: list[str]) -> list[str]:
    size = sum(map(len, found))
    if not found:
        raise ValueError(say("there is no text in it"))
    if size > LONGEST:
        raise ValueError(
            say(
                "it has {size:,} characters; the page surveys up to {most:,}, the library as many as you like",
                size=size,
                most=LONGEST,
            )
        )
    return found


def wanted(names: Sequence[str], networks: Sequence[Any], texts: Sequence[str]) -> dict[str, bytes]:
    """The files that a survey's process needs. names: of shipped models, "" for one that goes along.
    Raises ValueError for a model that cannot."""
    files = {"texts.json": json.dumps(texts).encode(), "models.json": json.dumps(names).encode()}
    for k, (name, network) in enumerate(zip(names, networks, strict=True)):
        if not name:
            try:
                files[f"{k}.pickle"] = pickle.dumps(network)
            except (pickle.PicklingError, AttributeError, TypeError) as error:  # a cell of somebody's own
                raise ValueError(
                    say("{name} cannot be surveyed on the page; the library can", name=network.name)
                ) from error
    return files


def main(folder: Path) -> None:
    """Surveys the texts with every model, and prints how far it is."""
    from lab.surveys import UNTRAINED, untrained
    from lstm_core import load_model, survey
    from lstm_core.equations import remembering
    from lstm_core.survey import part
    from lstm_core.survey.progress import Progress

    part.STEPS = STEPS  # of this process: its parts are small, for a page wants to hear of them
    texts = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
    names = json.loads((folder / "models.json").read_text(encoding="utf-8"))
    for k, name in enumerate(names):
        # The pickle was written by the server that started this process, into a folder that nobody else writes to.
        model = load_model(name) if name else pickle.loads((folder / f"{k}.pickle").read_bytes())

        def tell(now: Progress, k: int = k, done: float = 0.0, part: float = TRAINED) -> None:
            """done: the share of this model's work before this began; part: the share that this is."""
            each = part / now.total if now.total else 0.0
            share = each * (now.skipped + now.documents)
            rest = (len(names) - k - done - share) * now.seconds / max(each * now.documents, 1e-9)
            line = {"share": (k + done + share) / len(names), "steps": now.steps, "rate": now.rate, "rest": rest}
            print(json.dumps(line), flush=True)

        signals = remembering(model.cell)
        kept = {"top": TOP, "sample": SAMPLE, "signals": signals}
        survey(model, texts, folder / f"survey{k}", **kept, device="cpu", progress=tell)
        compared = folder / f"survey{k}" / UNTRAINED
        if compared.exists():
            continue
        with suppress(ValueError):  # the texts of which it reads may have no step
            blank = untrained(model, texts, progress=partial(tell, done=TRAINED, part=1 - TRAINED))
            compared.write_text(json.dumps(blank), encoding="utf-8")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[-1]))
    except (ValueError, OSError, ImportError) as error:
        print(json.dumps({"problem": as_json(reason(error))}), flush=True)
        sys.exit(1)
