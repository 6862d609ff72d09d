"""The originals' formats: each function takes a file's bytes and returns its sentences or paragraphs, as they stand."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable

Parser = Callable[[bytes], list[str]]


def lines(data: bytes) -> list[str]:
    """Plain text, one sentence a line, as Mozilla Common Voice collects it."""
    return [line.strip() for line in data.decode("utf-8-sig").splitlines() if line.strip()]


def pairs(data: bytes, column: int = 0) -> list[str]:
    """ManyThings.org: English, tab, the other language, tab, attribution (older files lack it); the .txt or its .zip.

    column: 0 for the English, 1 for the other language.
    """
    return [row[column] for row in _rows(_unzipped(data, ".txt")) if len(row) > 1]


def export(data: bytes) -> list[str]:
    """Tatoeba's own export: number, language, sentence, tabs between."""
    return [row[2] for row in _rows(data) if len(row) > 2 and row[0].isdigit()]


def gutenberg(data: bytes) -> list[str]:
    """A book of Project Gutenberg: its paragraphs between the START and END marks, lines of each joined.

    What stands around the marks (licence, trademark) is not text of the book. Raises ValueError without them.
    """
    text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n")
    begun = re.search(r"^\*\*\* ?START OF .*$", text, re.MULTILINE)
    ended = re.search(r"^\*\*\* ?END OF .*$", text, re.MULTILINE)
    if not begun or not ended or ended.start() < begun.end():
        raise ValueError("this is not a book of Project Gutenberg: it has no START and END marks")
    paragraphs = re.split(r"\n\s*\n", text[begun.end() : ended.start()])
    return [joined for part in paragraphs if (joined := " ".join(part.split()))]


def taskmaster(data: bytes) -> list[str]:
    """Taskmaster: a list of dialogues, each with its ``utterances``; first letter and "I" are put in capitals."""
    said = [turn["text"].strip() for dialogue in json.loads(data) for turn in dialogue["utterances"]]
    return [re.sub(r"\bi\b(?!\.e)", "I", text[0].upper() + text[1:]) for text in said if text]


def wordnet(data: bytes) -> list[str]:
    """WordNet's data files: the quoted examples of each gloss that look like sentences, without quotations that name
    their author; capital and full stop are added."""
    found = []
    for line in data.decode("utf-8").splitlines():
        if line.startswith("  ") or " | " not in line:
            continue  # the licence on top
        gloss = line.split(" | ", 1)[1]
        for example, after in re.findall(r'"([^"]+)"(\s*-)?', gloss):
            words = example.split()
            if len(words) >= 4 and not after:
                text = example.strip()
                found.append(text[0].upper() + text[1:] + ("" if text[-1] in ".?!" else "."))
    return found


def crosswoz(data: bytes) -> list[str]:
    """CrossWOZ: dialogues by number, each with ``messages`` of ``content``; the .json or its .zip."""
    dialogues = json.loads(_unzipped(data, ".json"))
    return [turn["content"].strip() for dialogue in dialogues.values() for turn in dialogue["messages"]]


def kdconv(data: bytes) -> list[str]:
    """KdConv: only messages without ``attrs``, which copy an encyclopaedia whose licence is not clear."""
    turns = (turn for dialogue in json.loads(data) for turn in dialogue["messages"])
    return [turn["message"].strip() for turn in turns if not turn.get("attrs")]


def _rows(data: bytes) -> Iterable[list[str]]:
    return (line.split("\t") for line in data.decode("utf-8-sig").splitlines())


def _unzipped(data: bytes, ending: str) -> bytes:
    """The file of that ending in a zip, of several the largest (the others say where it comes from); else the data."""
    if not data.startswith(b"PK\x03\x04"):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        held = [entry for entry in archive.infolist() if entry.filename.endswith(ending)]
        if not held:
            raise ValueError(f"the zip file holds no {ending} file")
        return archive.read(max(held, key=lambda entry: entry.file_size))
