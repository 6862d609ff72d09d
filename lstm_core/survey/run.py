"""``lstm_core.survey``: the data through the model once, part by part, here or on a cluster."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from lstm_core.kinds import at_least
from lstm_core.say import say
from lstm_core.survey import part, tables
from lstm_core.survey.answers import Survey
from lstm_core.survey.documents import Document, documents, fingerprint
from lstm_core.survey.folder import FORMAT, TABLES, Folder
from lstm_core.survey.items import ragged
from lstm_core.survey.labels import FOLLOWED
from lstm_core.survey.merged import merged
from lstm_core.survey.models import DEVICES, Model, model_of
from lstm_core.survey.part import STEPS_BEFORE, Work, about, parted, store
from lstm_core.survey.progress import Progress, Watcher
from lstm_core.survey.summary import Kept
from lstm_core.version import VERSION

MEMORY = 1 << 30
"""What is reserved for a worker on a cluster unless something else is asked for."""


def survey(
    source: Any,
    data: Any,
    out: str | os.PathLike[str],
    *,
    top: int,
    sample: int,
    signals: Sequence[str] | None,
    follow: Sequence[str] | None,
    patterns: str | None,
    threshold: float,
    seed: int,
    lengths: Any,
    padding: int | None,
    column: str | None,
    tokenizer: Any,
    batch_first: bool | None,
    device: str,
    engine: str,
    workers: int | None,
    memory: int | None,
    progress: bool | Callable[[Progress], None],
) -> Survey:
    """See ``lstm_core.survey``."""
    if engine not in ("local", "ray"):
        raise ValueError(say("there is no engine {engine!r}; there are local and ray", engine=engine))
    if device not in DEVICES:
        names = ", ".join(DEVICES)
        raise ValueError(say("a survey runs on one of {names}, not on {device!r}", names=names, device=device))
    if engine == "local" and (workers is not None or memory is not None):
        raise ValueError(say("workers and memory are of the engine ray: a local survey is made by this process alone"))
    at_least(1, top=top, sample=sample)
    at_least(0, seed=seed)
    needs_arrow()
    how: tuple[Any, ...] = (source, tokenizer, batch_first, device)
    model = model_of(*how[: 3 if engine == "ray" else 4])  # on a cluster it runs elsewhere
    read, first = _peek(documents(data, lengths=lengths, padding=padding, column=column))
    if tokenizer is not None and first is not None and first.kind == "vectors":
        raise ValueError(say("tokenizer is of texts and ids, and the data is vectors"))
    follow = _follow(follow, first)
    signals = None if signals is None else tuple(signals) or None
    kept = Kept(
        top,
        sample,
        seed,
        follow,
        tuple(FOLLOWED[name].binary for name in follow),
        signals,
    )
    watch = None if patterns is None else (None if patterns == "memory" else patterns, threshold)
    folder, watcher = Folder(out), Watcher(progress, _count(data))
    with folder.locked():
        manifest = _begin(folder, model, kept, watch)
        work = Work(str(folder.path), kept, watch)
        hashes = _surveyed(folder, manifest, model, work, read, watcher, engine == "ray" and (how, workers, memory))
        if not manifest["complete"]:
            _finish(folder, manifest, kept, hashes)
    return Survey(folder.path, source, data, how=how[1:], again=(lengths, padding, column))


def needs_arrow() -> None:
    """Raises ImportError, with how to install it, if pyarrow is not there."""
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise ImportError(
            say("a survey is kept with pyarrow, which is not installed: pip install 'gatescope[survey]'")
        ) from error


def _peek(read: Iterator[Document]) -> tuple[Iterator[Document], Document | None]:
    """The documents, and the first that has a step."""
    before: list[Document] = []
    for document in read:
        before.append(document)
        if not document.empty:
            return chain(before, read), document
    return iter(before), None


def _follow(asked: Sequence[str] | None, first: Document | None) -> tuple[str, ...]:
    there = list(FOLLOWED) if first is None or first.kind == "text" else ["position"]
    for name in () if asked is None else asked:
        if name not in there:
            raise ValueError(
                say(
                    "there is no property {name!r} of this data to follow; there are {names}",
                    name=name,
                    names=", ".join(there),
                )
            )
    return tuple(there if asked is None else asked)


def _count(data: Any) -> int | None:
    """How many documents there are, if the data says so."""
    batches = hasattr(data, "collate_fn") or ragged(data)
    return None if batches or isinstance(data, str) or not hasattr(data, "__len__") else len(data)


def _begin(folder: Folder, model: Model, kept: Kept, watch: tuple[str | None, float] | None) -> dict[str, Any]:
    """The manifest of a new survey, or of the one that goes on. Raises ValueError if it is of something else."""
    options = {
        "top": kept.top, "sample": kept.sample, "seed": kept.seed, "follow": list(kept.follow),
        "binary": list(kept.binary), "signals": kept.signals and list(kept.signals),
        "patterns": watch and [watch[0] or "memory", watch[1]],
    }  # fmt: skip
    found = folder.manifest()
    if found is not None and not found["complete"] and not folder.parts("summaries"):
        folder.write_manifest(found | {"model": {"name": model.name, "hash": model.fingerprint}, "options": options})
        found = folder.manifest()  # nothing was done yet, so nothing is lost
        assert found is not None
    if found is None:
        others = [path.name for path in folder.path.iterdir() if path.name != ".lock"]
        if others:
            raise ValueError(
                say(
                    "{folder} is not a survey's folder, it holds {name}: take an empty or a new one",
                    folder=str(folder.path),
                    name=others[0],
                )
            )
        found = {
            "format": FORMAT,
            "complete": False,
            "model": {"name": model.name, "hash": model.fingerprint},
            "options": options,
            "part": part.STEPS,
            "versions": _versions(),
        }
        folder.write_manifest(found)
        return found
    if found["model"]["hash"] != model.fingerprint:
        raise ValueError(
            say(
                "{folder} holds a survey of another model, {name}: take another folder",
                folder=str(folder.path),
                name=found["model"]["name"],
            )
        )
    for name, value in options.items():
        if found["options"].get(name) != value:
            before = found["options"].get(name)
            raise ValueError(
                say(
                    "the survey in {folder} was begun with {name}={before}, not {value}: take another folder",
                    folder=str(folder.path),
                    name=name,
                    before=before,
                    value=value,
                )
            )
    return found


def _versions() -> dict[str, str]:
    import pyarrow

    return {
        "gatescope": VERSION, "python": platform.python_version(), "numpy": np.__version__,
        "pyarrow": pyarrow.__version__,
    }  # fmt: skip


def _surveyed(
    folder: Folder,
    manifest: Mapping[str, Any],
    model: Model,
    work: Work,
    read: Iterable[Document],
    watcher: Watcher,
    cluster: Any,
) -> list[str]:
    """Every part done, those that are not done yet by working on them. Returns the hash of each."""
    complete = manifest["complete"]
    done = set(range(len(manifest["parts"]))) if complete else set(folder.parts("summaries"))
    hashes, waiting = [], []
    for one in parted(read, manifest.get("part", STEPS_BEFORE)):
        hashes.append(fingerprint(one.documents))
        if one.number in done:
            if about(folder, "documents", one.number)["hash"] != hashes[-1]:
                raise _other(folder)
            watcher.skipped(len(one.documents))
            continue
        if complete:
            raise _other(folder)
        store(folder, one)
        if cluster:
            waiting.append((one.number, len(one.documents)))
        else:
            steps = work(model, one.number)
            folder.part("waiting", one.number).unlink(missing_ok=True)
            watcher.done(steps, len(one.documents))
    if any(number >= len(hashes) for number in done):
        raise _other(folder)
    if waiting:
        from lstm_core.survey.cluster import run

        how, workers, memory = cluster
        sizes = dict(waiting)
        for number, steps in run(work, how, list(sizes), workers, memory or MEMORY):
            folder.part("waiting", number).unlink(missing_ok=True)
            watcher.done(steps, sizes[number])
    return hashes


def _other(folder: Folder) -> ValueError:
    return ValueError(
        say(
            "{folder} holds a survey of other data, or of the same in another order: take another folder",
            folder=str(folder.path),
        )
    )


def _finish(folder: Folder, manifest: dict[str, Any], kept: Kept, hashes: Sequence[str]) -> None:
    """All parts as one, and the manifest says so."""
    groups, parts = merged(folder, kept)
    found = tables.final(groups, kept)
    if not found:
        raise ValueError(say("the data holds no step, so there is nothing to survey"))
    for name, pieces in found.items():
        folder.write(folder.path / f"{name}.parquet", pieces)
    assert set(TABLES) >= {path.stem for path in folder.path.glob("*.parquet")}
    manifest |= {
        "complete": True,
        "data": {
            "hash": hashlib.sha256("".join(hashes).encode()).hexdigest(),
            "documents": sum(int(part["documents"]) for part in parts),
            "steps": sum(part["steps"] for part in parts),
        },
        "parts": [[int(part["first"]), int(part["documents"])] for part in parts],
    }
    folder.write_manifest(manifest)
    folder.remove("summaries")
    folder.remove("waiting")
