"""The sequences in a survey's data, and where their padding is: items of a data set and batches of them, read alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

import numpy as np

from lstm_core.say import say
from lstm_core.sequences import alone

COLUMNS = ("text", "ids", "vectors")
"""Which column of a table is read, the first of these that there is, unless one is named."""
ENTRIES = ("input_ids", *COLUMNS)
"""The same of an item that is a dict."""
MASK = "attention_mask"
LENGTHS = ("length", "lengths")


@dataclass(frozen=True, eq=False)
class Item:
    """One sequence as it is given, with its padding.

    length: how many of its steps are its own, by ``lengths``. mask: 1 at these, 0 at padding. stated: a length that
    stands beside it, which may be counted in something else. None where nothing is said.
    """

    content: Any
    length: int | None = None
    mask: Any = None
    stated: Any = None

    def cut(self, array: np.ndarray, number: int, padding: int | None) -> np.ndarray:
        """``array``, which is the content of document ``number``, without the padding. Raises ValueError for a length
        or a mask of something else, and where a length alone says that there may be padding."""
        mask = None if self.mask is None else plain(self.mask)
        if mask is not None and mask.ndim == 2 and len(mask) == 1:  # a batch of one, as of return_tensors="pt"
            array = array[0] if array.dtype.kind in "iu" and array.shape == mask.shape else array
            mask = mask[0]
        steps = len(array)
        if self.length is not None:
            if not 0 <= self.length <= steps:
                raise ValueError(
                    say(
                        "lengths gives {length} for document {number}, whose length is {steps}",
                        length=self.length,
                        number=number,
                        steps=steps,
                    )
                )
            return self._ended(array[: self.length], number, padding)
        if mask is not None:
            return self._ended(array[self._masked(mask, number, steps)], number, padding)
        if padding is None and (stated := _whole(self.stated)) is not None and stated != steps:
            raise ValueError(
                say(
                    "document {number} is {steps} long, and the length beside it is {length}: if the rest is "
                    "padding, say so with a function lengths, which gives how many steps count",
                    number=number,
                    steps=steps,
                    length=stated,
                )
            )
        return self._ended(array, number, padding)

    @staticmethod
    def _ended(array: np.ndarray, number: int, padding: int | None) -> np.ndarray:
        """Without the ids ``padding`` at the end."""
        if padding is None:
            return array
        if array.ndim != 1:
            raise ValueError(
                say(
                    "document {number} holds vectors, and padding is an id: lengths says where vectors end",
                    number=number,
                )
            )
        own = np.flatnonzero(array != padding)
        return array[: own[-1] + 1 if len(own) else 0]

    def _masked(self, mask: np.ndarray, number: int, steps: int) -> slice:
        if mask.shape != (steps,):
            raise ValueError(
                say(
                    "the attention mask of document {number} is {shape}, and the document ({steps},)",
                    number=number,
                    shape=type(self.mask).__name__ if mask.dtype.kind == "O" else mask.shape,
                    steps=steps,
                )
            )
        if strange := mask[~np.isin(mask, (0, 1))][:1].tolist():
            raise ValueError(
                say(
                    "the attention mask of document {number} holds {value}; it is 1 at a step that counts, else 0",
                    number=number,
                    value=strange[0],
                )
            )
        own = np.flatnonzero(mask)
        if not len(own):
            return slice(0, 0)
        inside = slice(int(own[0]), int(own[-1]) + 1)
        if holes := np.flatnonzero(mask[inside] == 0)[:1].tolist():
            raise ValueError(
                say(
                    "the attention mask of document {number} leaves out step {step}, between others that count: a "
                    "survey cuts off what stands before and behind a sequence",
                    number=number,
                    step=inside.start + holes[0],
                )
            )
        return inside


def items(data: Any, lengths: Any) -> Iterator[Item]:
    """The sequences of ``data``, which is anything but a file, one after another. lengths: see ``lstm_core.survey``.

    Raises TypeError for what is not data, ValueError for lengths that are not whole numbers, one a sequence, and for an
    item without a sequence.
    """
    if lengths is None or callable(lengths):
        yield from _items(data, lengths)
        return
    if _loads(data):
        raise ValueError(
            say("a DataLoader gives batches: lengths is a function of a batch that gives the steps of its sequences")
        )
    yield from in_order(_items(data, None), lengths)


def in_order(found: Iterable[Item], lengths: Any) -> Iterator[Item]:
    """The items, each with its own of the lengths, (document,)."""
    steps, count = _numbers(lengths), 0
    for item in found:
        if count == len(steps):
            raise ValueError(_other_count(lengths, None))
        yield replace(item, length=steps[count])
        count += 1
    if count < len(steps):
        raise ValueError(_other_count(lengths, count))


def _items(data: Any, lengths: Callable[[Any], Any] | None) -> Iterator[Item]:
    if ragged(data):
        yield from _read(data, lengths, batch=True)
        return
    if isinstance(data, np.ndarray) or hasattr(data, "detach"):
        array = as_array(data)
        yield from _read(data, lengths, batch=array.ndim != (1 if array.dtype.kind in "iu" else 2))
        return
    if not isinstance(data, Iterable) and not (hasattr(data, "__getitem__") and hasattr(data, "__len__")):
        raise TypeError(
            say(
                "the data is a list of texts, ids or arrays, a data set or a file, not {kind}", kind=type(data).__name__
            )
        )
    if isinstance(data, Mapping):
        raise TypeError(say("the data is a list of texts, ids or arrays, a data set or a file, not a dict"))
    several: Any = data
    for one in several if hasattr(data, "__iter__") else (several[k] for k in range(len(several))):
        yield from _read(one, lengths, batch=_loads(data))


def _read(given: Any, lengths: Callable[[Any], Any] | None, *, batch: bool) -> Iterator[Item]:
    """The sequences of a batch, whose first axis counts them, or the one of an item of a data set."""
    rows, masks, stated = _rows(given, batch)
    ends: Iterable[int | None] = repeat(None, len(rows))
    if lengths is not None:
        asked = lengths(given)
        ends = numbers = _numbers(asked)
        if len(numbers) != len(rows):
            if len(rows) == 1 and not batch:
                raise ValueError(
                    say(
                        "lengths is asked about one item of the data at a time and gives one number, not {found}",
                        found=len(numbers),
                    )
                )
            raise ValueError(_other_count(asked, len(rows)))
    for row, end, mask, said in zip(rows, ends, masks, stated, strict=True):
        yield Item(row, end, mask, said)


def _rows(given: Any, batch: bool) -> tuple[Any, Iterable[Any], Iterable[Any]]:
    """The sequences of what is given, their masks and the lengths that stand beside them."""
    if batch and isinstance(given, list) and given and all(isinstance(one, Mapping) for one in given):
        rows = [_content(one) for one in given]  # items that were not put together
        return rows, [one.get(MASK) for one in given], [_stated(one) for one in given]
    if isinstance(given, tuple | list if batch else tuple) and given and not ragged(given) and not _texts(given):
        given = given[0]  # such as (input, label)
    content = _content(given) if isinstance(given, Mapping) else given
    mask, stated = (given.get(MASK), _stated(given)) if isinstance(given, Mapping) else (None, None)
    if ragged(content):
        content, mask, stated, batch = parts(content), None, None, True
    rows = content if not batch or isinstance(content, list | tuple | str) else as_array(content)
    if not batch or isinstance(content, str) or getattr(rows, "ndim", 1) == 0:
        return [content], [mask], [stated]
    alike = not isinstance(mask, list | tuple) and np.ndim(plain(mask)) == 0
    masks = repeat(mask, len(rows)) if alike else mask if isinstance(mask, list | tuple) else as_array(mask)
    if isinstance(masks, Sequence | np.ndarray) and len(masks) != len(rows):
        raise ValueError(
            say(
                "the rows of the attention mask are {found}, those of the batch {rows}",
                found=len(masks),
                rows=len(rows),
            )
        )
    beside = [] if stated is None else np.ravel(plain(stated)).tolist()
    return rows, masks, beside if len(beside) == len(rows) else repeat(None, len(rows))


def _content(item: Mapping[Any, Any]) -> Any:
    named = next((name for name in ENTRIES if name in item), None)
    if named is None:
        raise ValueError(
            say(
                "an item of the data is a dict without {names}; it has {there}",
                names="text, ids, input_ids",
                there=", ".join(map(str, item)),
            )
        )
    return item[named]


def _stated(item: Mapping[Any, Any]) -> Any:
    return next((item[name] for name in LENGTHS if name in item), None)


def _loads(data: Any) -> bool:
    """Whether it is a DataLoader, which gives batches."""
    return hasattr(data, "dataset") and hasattr(data, "collate_fn")


def _texts(given: Sequence[Any]) -> bool:
    return isinstance(given[0], str)


def ragged(given: Any) -> bool:
    """Whether it is several sequences without padding: a PackedSequence, which is a tuple, or a nested tensor."""
    return _packed(given) or getattr(given, "is_nested", False) is True


def _packed(given: Any) -> bool:
    return hasattr(given, "batch_sizes") and hasattr(given, "unsorted_indices")


def parts(ragged: Any) -> list[np.ndarray]:
    """The sequences of what is ``ragged``."""
    if not _packed(ragged):
        return list(map(as_array, ragged.unbind()))
    from torch.nn.utils.rnn import pad_packed_sequence

    padded, long = pad_packed_sequence(ragged, batch_first=True)
    return [row[:length] for row, length in zip(as_array(padded), long.tolist(), strict=True)]


def _whole(value: Any) -> int | None:
    """The whole number that stands there, whatever holds it: 2, 2.0, "2", [2]. None for anything else."""
    one = plain(value)
    if one.size != 1 or one.dtype.kind not in "iufU":
        return None
    try:
        number = float(one.item())
    except ValueError:
        return None
    return int(number) if number.is_integer() else None


def _numbers(lengths: Any) -> list[int]:
    """Numbers of steps as they are given. Raises ValueError for anything else."""
    found = plain(lengths)
    if found.ndim > 1 or found.dtype.kind == "b":
        raise ValueError(
            say(
                "lengths is a number of steps for each sequence, and this is {what}: a mask is summed over its steps",
                what=f"{found.dtype} {found.shape}",
            )
        )
    if found.size and found.dtype.kind not in "iu":
        raise ValueError(say("lengths are whole numbers of steps, not {what}", what=_name_of(lengths, found)))
    return np.ravel(found).tolist()


def _name_of(value: Any, array: np.ndarray) -> str:
    strange = [one for one in value if not isinstance(one, int)] if isinstance(value, list | tuple) else []
    return type(strange[0] if strange else value).__name__ if array.dtype.kind == "O" else str(array.dtype)


def _other_count(lengths: Any, rows: int | None) -> str:
    """What is said of another count of lengths than of sequences, of which there may be no end."""
    found = plain(lengths)
    if found.ndim == 0 and rows != 0:
        return alone(found)
    if rows is None:
        return say("the count of lengths is {found}, and the data has more sequences", found=found.size)
    return say("the count of lengths is {found}, that of sequences {rows}", found=found.size, rows=rows)


def plain(value: Any) -> np.ndarray:
    """``as_array``, and an array of None for what is ragged or holds no numbers."""
    try:
        return as_array(value)
    except (ValueError, TypeError):
        if hasattr(value, "detach"):
            raise
        return np.asarray(None)


def as_array(value: Any) -> np.ndarray:
    """An array, a tensor wherever it is, or lists of numbers, as an array. Raises ValueError for a tensor that is
    sparse, quantised, masked or without numbers."""
    if not hasattr(value, "detach"):
        return np.asarray(value)
    try:
        plain = value.detach().cpu()
        return np.asarray(plain.float() if "float" in str(plain.dtype) and plain.dtype.itemsize < 4 else plain)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            say(
                "a {kind} ({type}, {layout}, {device}) cannot be read: give a dense tensor of whole numbers or floats",
                kind=type(value).__name__,
                type=value.dtype,
                layout=value.layout,
                device=value.device,
            )
        ) from error
