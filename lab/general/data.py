"""Texts as rows of ids: what an epoch reads, in which order, and where its texts begin."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from lab import corpus
from lab.general.pieces import END, build
from lab.texts import folder

TOGETHER = 8
"""Sentences that are read as one text."""
RESTART = 0.1
"""Chance that a row starts from the state zero at the end of a window, half the time at the next text, half the time
where it is: the page starts every text so, and a visitor's text may start anywhere."""


@dataclass(frozen=True)
class Lines:
    """The lines of one text as ids: line k is ``ids[starts[k]:starts[k + 1]]``.

    weights: of each id in the loss; 1 where None.
    """

    ids: np.ndarray
    starts: np.ndarray
    kind: str
    passes: float
    weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.starts) - 1


@dataclass(frozen=True)
class Texts:
    """Everything that is read: by file the lines to train on and those held out, and the pieces they are written in."""

    tokenizer: Tokenizer
    train: dict[str, Lines]
    held_out: dict[str, Lines]
    characters: dict[str, int]
    """Of what is held out, with the space or end of paragraph after each line."""
    made: dict[str, Lines] = field(default_factory=dict)
    """Text that was written for what real text is too short to teach; none in phase 1."""


def collect(texts: Path, tokenizer: Tokenizer | None = None) -> Texts:
    """Read the folder and the novels; build the pieces unless they are given."""
    sides: dict[str, tuple[list[str], list[str]]] = {}
    shapes: dict[str, tuple[str, float]] = {}
    for text in folder.TEXTS:
        sides[text.file] = folder.split(folder.read(texts, text), text.kind)
        shapes[text.file] = text.kind, text.passes
    train, held_out = ([line for novel in side for line in novel.splitlines() if line] for side in corpus.austen())
    sides["austen"], shapes["austen"] = (train, held_out), ("book", 1)
    if tokenizer is None:
        chinese = [line for file in sides if file.startswith("chinese/") for line in sides[file][0]]
        tokenizer = build([s for file in sides if not file.startswith("chinese/") for s in sides[file][0]], chinese)
    return Texts(
        tokenizer,
        {file: encoded(side[0], tokenizer, *shapes[file]) for file, side in sides.items()},
        {file: encoded(side[1], tokenizer, *shapes[file]) for file, side in sides.items()},
        {
            file: sum(map(len, side[1])) + (0 if file.startswith("chinese/") else len(side[1]))
            for file, side in sides.items()
        },
    )


def encoded(lines: list[str], tokenizer: Tokenizer, kind: str, passes: float) -> Lines:
    rows = [np.array(e.ids, np.uint16) for e in tokenizer.encode_batch(lines)]
    ids = np.concatenate([np.zeros(0, np.uint16), *rows])
    return Lines(ids, np.cumsum([0, *map(len, rows)]), kind, passes)


def as_read(lines: Lines, end: int) -> np.ndarray:
    """A whole text in the order of its lines, ``end`` before it, after each paragraph of a book and after every eighth
    sentence."""
    each = 1 if lines.kind == "book" else TOGETHER
    return np.concatenate([[end], np.insert(lines.ids.astype(np.int64), lines.starts[each::each], end)])


@dataclass(frozen=True)
class Epoch:
    """One long row of ids, the weight of each in the loss, and the places where texts begin."""

    ids: np.ndarray
    starts: np.ndarray
    weights: np.ndarray


def epoch(texts: dict[str, Lines], end: int, rng: np.random.Generator) -> Epoch:
    """All texts as often as each is to be read, in a new order, the piece ``end`` before each.

    Sentences are drawn together anew. The paragraphs of a book stay in their order, ``end`` between them.
    """
    parts: list[tuple[Lines, np.ndarray]] = []
    for lines in texts.values():
        for share in _shares(lines.passes):
            parts += [(lines, group) for group in _groups(lines, share, rng)]
    ids, weights, starts, at = [], [], [], 0
    mark, one = np.array([end], np.uint16), np.ones(1, np.float32)
    for k in rng.permutation(len(parts)):
        lines, group = parts[k]
        starts.append(at + 1)
        for line in group:
            part = slice(lines.starts[line], lines.starts[line + 1])
            piece = lines.ids[part]
            weight = np.ones(len(piece), np.float32) if lines.weights is None else lines.weights[part]
            if line == group[0] or lines.kind == "book":
                ids.append(mark)
                weights.append(one)
                at += 1
            ids.append(piece)
            weights.append(weight)
            at += len(piece)
    return Epoch(np.concatenate(ids), np.array(starts), np.concatenate(weights))


def _shares(passes: float) -> list[float]:
    whole = int(passes)
    return [1.0] * whole + ([passes - whole] if passes > whole else [])


def _groups(lines: Lines, share: float, rng: np.random.Generator) -> list[np.ndarray]:
    if lines.kind == "book":
        order, size = np.arange(len(lines)), folder.BLOCK
    else:
        order, size = rng.permutation(len(lines)), TOGETHER
    groups = [order[k : k + size] for k in range(0, len(order), size)]
    keep = rng.permutation(len(groups))[: round(share * len(groups))]
    return [groups[k] for k in keep]


class Windows:
    """Reads an epoch in ``batch`` rows side by side, ``time`` ids at once; each row goes on where it stopped."""

    def __init__(self, epoch: Epoch, batch: int, time: int) -> None:
        self.epoch, self.time = epoch, time
        self.at = np.arange(batch) * (len(epoch.ids) // batch)
        self.count = len(epoch.ids) // (batch * time)

    def next(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(ids (time + 1, batch), of which the last is only predicted; the weights of all but the first, (time,
        batch); which rows start anew from the state zero)."""
        drawn = rng.random(len(self.at))
        anew, moves = drawn < RESTART, drawn < RESTART / 2
        starts, size = self.epoch.starts, len(self.epoch.ids)
        self.at[moves] = starts[np.searchsorted(starts, self.at[moves] % size) % len(starts)]
        places = (self.at + np.arange(self.time + 1)[:, None]) % size
        self.at += self.time
        return self.epoch.ids[places].astype(np.int64), self.epoch.weights[places[1:]], anew


class Made:
    """Reads made texts in rows of their own. A window of a row begins with a whole text, so that an answer and what it
    follows from lie in one window, where a gradient goes from one to the other; others fill it, ``end`` before each. A
    text that begins a window and is longer goes on in the next one, whose row keeps its state: what its end follows
    from has to be held.

    at: of each row the place from which the text that it began with goes on, -1 where that is over.
    """

    def __init__(self, texts: dict[str, Lines], end: int, time: int, rows: int) -> None:
        parts = list(texts.values())
        self.time, self.at = time, np.full(rows, -1)
        self.ids = np.concatenate([lines.ids for lines in parts]).astype(np.int64)
        self.weights = np.concatenate(
            [np.ones(len(lines.ids), np.float32) if lines.weights is None else lines.weights for lines in parts]
        )
        before = np.cumsum([0, *(len(lines.ids) for lines in parts)])
        self.begin = np.concatenate([lines.starts[:-1] + at for lines, at in zip(parts, before, strict=False)])
        self.end = np.concatenate([lines.starts[1:] + at for lines, at in zip(parts, before, strict=False)])
        self.mark = np.array([end], np.int64)
        self.by_length = np.cumsum(np.minimum(self.end - self.begin, time))

    def next(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(ids (time + 1, rows), weights of all but the first (time, rows), which rows start anew from the state zero).
        The text that begins a window is drawn by its length, the others evenly: each piece of each is about as often
        read."""
        anew = self.at < 0
        read = [self._row(k, rng) for k in range(len(self.at))]
        return *(np.stack(part, 1) for part in zip(*read, strict=True)), anew  # type: ignore[return-value]

    def _row(self, k: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        row, weight, length, at = [], [], 0, self.at[k]
        text = int(np.searchsorted(self.by_length, rng.integers(self.by_length[-1]), "right"))
        if at >= 0:  # the last id of a window is only predicted there, and read here
            text = int(np.searchsorted(self.end, at, "right"))
        else:
            row, weight, length, at = [self.mark], [np.zeros(1, np.float32)], 1, self.begin[text]
        goes_on = at + self.time - length
        self.at[k] = goes_on if goes_on < self.end[text] - 1 else -1
        while True:
            part = slice(at, self.end[text])
            row.append(self.ids[part])
            weight.append(self.weights[part])
            length += part.stop - part.start
            if length > self.time:
                return np.concatenate(row)[: self.time + 1], np.concatenate(weight)[1 : self.time + 1]
            row.append(self.mark)
            weight.append(np.zeros(1, np.float32))
            length += 1
            text = int(rng.integers(len(self.begin)))
            at = self.begin[text]


def end_of(tokenizer: Tokenizer) -> int:
    found = tokenizer.token_to_id(END)
    if found is None:
        raise ValueError("the pieces have none for the end of a text")
    return found
