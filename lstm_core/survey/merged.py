"""The parts of a survey as one, in their order: a result that does not depend on who worked on which, nor when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from lstm_core.say import say
from lstm_core.survey import summary
from lstm_core.survey.folder import Folder, let_go
from lstm_core.survey.summary import Group, Kept
from lstm_core.survey.tables import Summary

T = TypeVar("T")


def merged(folder: Folder, kept: Kept) -> tuple[Iterator[tuple[tuple[str, str], Group]], list[dict[str, Any]]]:
    """What was counted in all parts that are done, a group at a time, and what is noted of each part (first, documents,
    steps, number). Raises ValueError for a file that cannot be read."""
    paths = {number: folder.part("summaries", number) for number in folder.parts("summaries")}
    parts = [_read(path, lambda path=path: Summary(path)) for path in paths.values()]
    notes = [{**part.about, "number": number} for number, part in zip(paths, parts, strict=True)]
    return _groups(parts, kept), notes


def _groups(parts: list[Summary], kept: Kept) -> Iterator[tuple[tuple[str, str], Group]]:
    for key in dict.fromkeys(key for part in parts for key in part.keys):
        found: dict[tuple[str, str], Group] = {}
        for part in parts:
            if key in part.keys:
                new = _read(part.path, lambda part=part, key=key: part.group(key))
                found = summary.merge(found, {key: new}, kept)
                del new
        yield key, found.pop(key)
        let_go()


def _read(path: Path, read: Callable[[], T]) -> T:
    try:
        return read()
    except (pa.ArrowException, OSError, KeyError, ValueError, TypeError) as error:
        raise ValueError(
            say("{path} is damaged: remove it and call survey again ({error})", path=str(path), error=str(error))
        ) from error
