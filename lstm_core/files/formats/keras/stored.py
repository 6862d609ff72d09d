"""What a Keras file holds: weights by path, the model's configuration where there is one, and which Keras wrote it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import count, takewhile
from typing import Any

import numpy as np

from lstm_core.files import archive, hdf5, limits
from lstm_core.files.formats import Content
from lstm_core.files.formats.keras.tree import mapping
from lstm_core.files.options import Options
from lstm_core.say import say

WEIGHTS = "model.weights.h5"
MAX_JSON = 64 << 20
INDEX = re.compile(rb'"weight_map"\s*:\s*\{\s*"[^"]*"\s*:\s*\[?\s*"[^"]*\.weights\.h5"')
OPTIMIZER = re.compile(r"(optimizer|optimizer_weights)/")
OLD_WORDS = ("batch_input_shape", "time_major", "implementation")
NEW_WORDS = ("batch_shape", "DTypePolicy", "zero_output_for_mask")


@dataclass(frozen=True)
class Version:
    """The Keras that wrote a file. text: as it stands there ("2.2.4-tf"); numbers: (2, 2, 4); both empty if it is not
    said. old: it is older than Keras 3, which without a version other signs say."""

    text: str
    numbers: tuple[int, ...]
    old: bool

    def before(self, *numbers: int) -> bool:
        """Whether the file says that it is of an older Keras than that."""
        return bool(self.numbers) and self.numbers < numbers

    @property
    def tensorflow(self) -> bool:
        """Written by the Keras inside TensorFlow, which kept its own count: 2.2.4-tf is TensorFlow 1.14 to 2.1."""
        return self.text.endswith("-tf")


@dataclass(frozen=True)
class Stored:
    """arrays: by path as they lie in the file, in its order, without what an optimizer keeps of each. config: the
    model's, None in a file of weights alone. attributes: as ``hdf5.Content`` has them."""

    arrays: Mapping[str, np.ndarray]
    config: Any
    attributes: hdf5.Attributes
    version: Version

    @cached_property
    def layers(self) -> list[str]:
        """The layers in their order in the model, as files before the numbered variables list them."""
        return self.listed("model_weights", "layer_names") or self.listed("", "layer_names")

    def listed(self, path: str, name: str) -> list[str]:
        """A list of texts at a group, empty if it has none; Keras keeps a long one in parts, name0, name1, ..."""
        texts = self.attributes.get(path, {})
        if name in texts:
            return _list(texts[name])
        parts = takewhile(texts.__contains__, (f"{name}{part}" for part in count()))
        return [text for part in parts for text in _list(texts[part])]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def read(content: Content, options: Options) -> Stored:
    """What a ``.keras`` archive, a ``.weights.h5``, an older ``.h5`` or the index of several files of weights holds.
    Raises ValueError for a file that is damaged, or holds no weights."""
    limit = options.max_bytes
    if is_index(content):
        return _stored(_of_index(content, options), None, "")
    if not content.members:
        inner = content.hdf5
        said = [inner.attributes.get(path, {}).get("keras_version") for path in ("", "model_weights")]
        return _stored(inner, inner.config, next(filter(None, said), ""))
    members = archive.members(content.data, limit)
    if WEIGHTS not in members:
        raise ValueError(say("the archive has no {name}: it is not a Keras model, or not a whole one", name=WEIGHTS))
    config, metadata = (
        archive.member(content.data, name, MAX_JSON) if name in members else None
        for name in ("config.json", "metadata.json")
    )
    about = None if metadata is None else _json(metadata)
    inner = hdf5.read(archive.member(content.data, WEIGHTS, limit), limit)
    return _stored(inner, config, about.get("keras_version", "") if isinstance(about, dict) else "")


def is_index(content: Content) -> bool:
    """Whether it is the ``.weights.json`` that says in which files weights lie, as Keras 3 writes several."""
    return content.data[:1] == b"{" and len(content.data) <= MAX_JSON and INDEX.search(content.data) is not None


def _of_index(content: Content, options: Options) -> hdf5.Content:
    """The arrays in all files that an index names, read from beside it; all of them may have ``options.max_bytes``."""
    held = mapping(mapping(_json(content.data)).get("weight_map")).values()
    listed = (name for names in held for name in (_list(names) or [names]))
    names = dict.fromkeys(name for name in listed if isinstance(name, str))
    arrays: dict[str, np.ndarray] = {}
    missing = []
    left = options.max_bytes - len(content.data)
    for name in names:
        data = options.beside.read(name, max(left, 0))
        if data is None:
            missing.append(name)
            continue
        arrays |= hdf5.read(data, max(left, 0)).arrays
        left -= len(data)
    if missing:
        raise ValueError(
            say(
                "this is the index of a Keras model's weights, which lie in other files; give these with it: {names}",
                names=limits.some(missing),
            )
        )
    return hdf5.Content(arrays, {})


def _stored(inner: hdf5.Content, text: bytes | str | None, said: Any) -> Stored:
    arrays = {path: values for path, values in inner.arrays.items() if not OPTIMIZER.match(path)}
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    config = None if text is None else _json(text)
    return Stored(arrays, config, inner.attributes, _version(str(said), arrays, text or ""))


def _version(said: str, paths: Iterable[str], config: str) -> Version:
    found = re.match(r"(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?", said)
    if found is None:
        return Version("", (), _looks_old(list(paths), config))
    numbers = tuple(int(number) for number in found.groups("0"))
    return Version(said, numbers, numbers < (3,))


def _looks_old(paths: list[str], config: str) -> bool:
    """Whether a file without a version is of a Keras before 3: by the names of its variables, or by words that only
    one of them has in its configurations."""
    if any(path.endswith(":0") or "_layer_checkpoint_dependencies" in path for path in paths):
        return True
    old, new = (sum(config.count(f'"{word}"') for word in words) for words in (OLD_WORDS, NEW_WORDS))
    return old > new if old or new else not any("vars" in re.split(r"[/\\]", path) for path in paths)


def _json(text: bytes | str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(say("the model's configuration is not valid JSON: {error}", error=str(error))) from error
