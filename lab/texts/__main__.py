"""``python -m lab.texts ORIGINALS FOLDER``: make the folder of texts from the originals; docs/texts.md says which."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from lab.texts import clean, formats


@dataclass(frozen=True)
class Original:
    """Files under ``ORIGINALS/<folder>`` that make one text; ``named``: file name pattern -> how it is read."""

    text: str
    folder: str
    named: dict[str, formats.Parser]
    book: bool = False
    alike: int = clean.ALIKE
    apart: tuple[str, ...] = field(default=())
    """Sentences that hold one of these go to a second text, ``<text>_tom_mary``."""


ORIGINALS = (
    Original(
        "english/tatoeba_en",
        "tatoeba",
        {"*.zip": formats.pairs, "*.txt": formats.pairs, "eng*.tsv": formats.export, "*.eng": formats.lines},
        apart=("Tom", "Mary"),
    ),
    Original("english/common_voice_cc0", "common_voice", {"*.txt": formats.lines}),
    Original("english/wordnet_examples", "wordnet", {"data.*": formats.wordnet}),
    Original("english/taskmaster4_coffee", "taskmaster", {"data_*.json": formats.taskmaster}, alike=1),
    Original("english/gutenberg_children", "gutenberg", {"*.txt": formats.gutenberg}, book=True),
    Original("english/gutenberg_sherlock_time_machine", "gutenberg_victorian", {"*.txt": formats.gutenberg}, book=True),
    Original(
        "chinese/tatoeba_zh",
        "tatoeba",
        {
            "cmn*.zip": partial(formats.pairs, column=1),
            "cmn*.txt": partial(formats.pairs, column=1),
            "cmn*.tsv": formats.export,
        },
        apart=("汤姆", "玛丽", "Tom", "Mary"),
    ),
    Original("chinese/crosswoz_zh", "crosswoz", {"*.json.zip": formats.crosswoz, "*.json": formats.crosswoz}, alike=1),
    Original("chinese/kdconv_chat_zh", "kdconv", {"*.json": formats.kdconv}, alike=1),
)


def sentences(original: Original, where: Path, leave_out: frozenset[str]) -> Iterator[str]:
    """Everything of one text that may stay, in the order of its files and of what they hold."""
    language = "English" if original.text.startswith("english/") else "Chinese"
    read: set[Path] = set()
    for pattern, parse in original.named.items():
        for path in sorted((where / original.folder).rglob(pattern)):
            if path in read:
                continue
            read.add(path)
            try:
                found = parse(path.read_bytes())
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise ValueError(f"{path} cannot be read as {original.text} expects it: {error}") from error
            for text in found:
                text = clean.english(text) if language == "English" else clean.chinese(text)
                for piece in clean.pieces(text) if original.book else [text]:
                    if original.book or clean.acceptable(piece, language, leave_out):
                        yield piece


def build(where: Path, out: Path, leave_out: frozenset[str] = frozenset()) -> dict[str, int]:
    """Write the folder and return the lines of each text; an original that is not there gives no file.

    Sentences are kept once, also where two English or two Chinese texts hold the same.
    """
    counts = {}
    seen: dict[str, clean.Unlike] = {}
    for original in ORIGINALS:
        once = seen.setdefault(original.text.split("/")[0], clean.Unlike())
        once.alike = original.alike
        kept: dict[str, list[str]] = {original.text: []}
        for text in once(sentences(original, where, leave_out)):
            named = any(name in text for name in original.apart)
            kept.setdefault(f"{original.text}_tom_mary" if named else original.text, []).append(text)
        for name, texts in kept.items():
            if texts:
                path = out / f"{name}.txt"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("\n".join(texts) + "\n", encoding="utf-8")
                counts[name] = len(texts)
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m lab.texts", description=__doc__)
    parser.add_argument("originals", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--leave-out", type=Path, help="a file of words, one a line, that no sentence may hold")
    given = parser.parse_args()
    words = given.leave_out.read_text(encoding="utf-8").lower().split() if given.leave_out else []
    for name, count in build(given.originals, given.folder, frozenset(words)).items():
        print(f"{name:45s} {count:8,d} lines")


if __name__ == "__main__":
    main()
