"""Somebody's file, whatever its name: the recurrent blocks in it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lstm_core.block import Block
from lstm_core.cells import cell as find_cell
from lstm_core.files import formats, limits, shards, strangers, wiring
from lstm_core.files.beside import Beside
from lstm_core.files.formats import Content
from lstm_core.files.options import Options
from lstm_core.kinds import Numbers, kinds
from lstm_core.names import Names, unknown
from lstm_core.say import say
from lstm_core.trace import Trace

OF_A_FORMAT = ("activation", "recurrent_activation", "reset_after", "go_backwards", "names")
"""Options that would be ignored in silence by the formats that do not take them."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """What was found in a file.

    format: "PyTorch", "safetensors", "ONNX", "Keras", "HDF5" or "NumPy". blocks: at least one, in the file's order.
    others: what else the file holds of matrices and vectors, by name, as they lie in it.
    roles: what the file says of some of these, by name: "embedding", "output", or another layer's name ("Conv1D").
    layout: the shape of everything that the file holds, by name, in its order.
    beside: the names of other files that were read with it, such as an index's shards.
    """

    format: str
    blocks: tuple[Block, ...]
    others: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    roles: Mapping[str, str] = field(default_factory=dict, repr=False)
    layout: Mapping[str, tuple[int, ...]] = field(default_factory=dict, repr=False)
    beside: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Block:
        """The block of that name; ``UnknownName`` lists the names there are."""
        for block in self.blocks:
            if block.name == name:
                return block
        raise unknown(name, (block.name for block in self.blocks))

    @kinds
    def trace(self, x: Numbers, lengths: Numbers | None = None, mask: Numbers | None = None) -> dict[str, Trace]:
        """Run the blocks on top of each other, and return the trace of each by its name, in the order they ran.

        x: what the first of them reads, in the layout of ``Block.trace``; or whole numbers (batch, time) or (time,),
            which are looked up in the embedding that the file says it reads. lengths, mask: as for ``Block.trace``.

        Which block reads which stands in a Keras or ONNX file (``Block.reads``). A file that does not say is taken in
        its order, if every block is as wide as the one before gives; one whose writer sorted the names, as safetensors
        does, by the widths and the numbers in the names. Each trace says so in ``assumed``.
        Raises ValueError where a block reads something else, such as a convolution, naming it.
        """
        return Names(wiring.run(self, x, lengths, mask))


@kinds
def load(
    source: str | os.PathLike[str] | bytes,
    cell: str | Mapping[str, str] | None = None,
    *,
    batch_first: bool = False,
    activation: str | None = None,
    recurrent_activation: str | None = None,
    reset_after: bool | None = None,
    go_backwards: bool | None = None,
    names: Mapping[str, str] | None = None,
    beside: Mapping[str, bytes] | None = None,
    max_bytes: int = limits.MAX_BYTES,
) -> Loaded:
    """The recurrent blocks in a PyTorch, safetensors, ONNX, Keras, HDF5 or NumPy file; its content says which it is.

    cell: where several cells fit what a file holds (an RNN's state_dict does not say whether it is tanh or relu),
        the name of the right one, for all blocks that leave the choice, or by block. One that no block can be is
        refused.
    batch_first: how the blocks of a PyTorch file, which does not say, read their input.
    activation, recurrent_activation, reset_after, go_backwards: what to take for a Keras file's layers in the place of
        what it says or leaves open, by Keras's names.
    names: for arrays under names of your own (in an .npz, say), PyTorch's key for each: {"W": "weight_ih_l0", ...}.
    beside: files that belong to this one, by name, for a source of bytes (an ONNX model's "model.onnx.data", the other
        shards of a checkpoint). Beside a path they are found where they lie.
    max_bytes: of the file with those beside it, and of what it unfolds to.

    Nothing in the file is executed; a damaged PyTorch or HDF5 file that keeps its reader busy is given up after ten
    seconds, and one more for each 50 MB. Raises ValueError, in plain words, for a file that is too large, damaged, cut
    short, of another kind, holds code, or weights that are NaN or do not fit together; its subclass ``Ambiguous`` where
    ``cell`` has to be said; FileNotFoundError; TypeError for what is neither a path nor bytes. A missing library is a
    ValueError that says what to install.
    """
    given = dict(beside or {})
    for asked in cell.values() if isinstance(cell, Mapping) else [] if cell is None else [cell]:
        find_cell(asked)  # says which there are
    if isinstance(source, bytes | bytearray | memoryview):
        data, near, name = bytes(source), Beside(None, given), ""
    elif not isinstance(source, str | os.PathLike):
        raise TypeError(
            say(
                "load reads a file, given as its path or its bytes, not as a Python {kind}; a PyTorch module is traced "
                "as it is: lstm_core.trace(module, x)",
                kind=type(source).__name__,
            )
        )
    else:
        path = Path(source)
        if "\0" in str(path):
            raise ValueError(say("no file has a name with a NUL character in it"))
        name = path.name
        data, near = _bytes(path, max_bytes), Beside(path.parent, given)
    if len(data) > max_bytes:
        raise _too_large(len(data), max_bytes)
    options = Options(
        cell, batch_first, activation, recurrent_activation, reset_after, go_backwards, names, max_bytes, near
    )
    content = Content(data, max_bytes)
    one = next((format for format in formats.discover() if format.fits(content)), None)
    if one is None:
        raise ValueError(strangers.sentence(content))
    for option in OF_A_FORMAT:
        if getattr(options, option) is not None and option not in one.takes:
            of = ", ".join(format.name for format in formats.discover() if option in format.takes)
            raise ValueError(
                say(
                    "{option}= is for {formats} files, and this file is {name}",
                    option=option,
                    formats=of,
                    name=one.name,
                )
            )
    try:
        found = one.read(content, options)
    except limits.Incomplete as error:
        raise shards.not_whole(name, error) from error
    if not found.blocks:
        raise ValueError(strangers.without_blocks(one.name, found))
    check_blocks(cell, found.blocks)
    blocks = shards.alone(name, found.blocks)
    return Loaded(one.name, tuple(blocks), found.others, found.roles, found.layout, tuple(near.taken))


def _bytes(path: Path, limit: int) -> bytes:
    """What the file holds. Raises ValueError for what is not a file, cannot be read or has more bytes than ``limit``;
    FileNotFoundError."""
    try:
        if path.is_dir():
            raise ValueError(strangers.folder(path))
        if path.is_fifo():  # nothing may ever come out of it
            raise ValueError(
                say("{name} is a pipe, not a file; save what comes out of it as a file first", name=str(path))
            )
        if path.is_char_device():  # it may have no end
            raise ValueError(say("{name} is a device, not a file", name=str(path)))
        if path.stat().st_size > limit:
            raise _too_large(path.stat().st_size, limit)
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ValueError(
            say("{name} cannot be read: {error}", name=limits.some([path.name]), error=error.strerror or str(error))
        ) from error


def check_blocks(cell: str | Mapping[str, str] | None, blocks: Sequence[Block]) -> None:
    """ValueError for the name of a block that there is none of, for a block that is another cell than is said of it by
    its name, and for the one cell said of all that none of them is."""
    if isinstance(cell, str) and not any(_is_a(block, cell) for block in blocks):
        raise _no_such(blocks[0], cell)
    by_name = {block.name: block for block in blocks}
    for name, asked in cell.items() if isinstance(cell, Mapping) else ():
        if name not in by_name:
            raise ValueError(
                say(
                    "cell= names the block {name!r}; the file has {names}",
                    name=name,
                    names=limits.some([one or repr(one) for one in by_name])
                    if any(by_name)
                    else say("one, without a name"),
                )
            )
        if not _is_a(by_name[name], asked):
            raise _no_such(by_name[name], asked)


def _no_such(block: Block, asked: str) -> ValueError:
    """What is raised of a block that is another cell than was said."""
    return ValueError(
        say(
            "{block} cannot be a {asked}: it is {cell}, as its file or its shapes say",
            block=limits.block_of(block.name),
            asked=asked,
            cell=block.cell.name,
        )
    )


def _is_a(block: Block, name: str) -> bool:
    """Whether its cell is the one of that name, or a variant of it."""
    return block.cell.name.partition(" (")[0] == name


def is_read(data: bytes) -> bool:
    """Whether a file's first bytes are of a format that is read."""
    try:
        return any(format.fits(Content(data, limits.MAX_BYTES)) for format in formats.discover())
    except ValueError:
        return True  # an archive that is damaged, which its reader will say


def _too_large(size: int, limit: int) -> ValueError:
    return ValueError(
        say("the file has {size:,} bytes, more than the {limit:,} that are allowed", size=size, limit=limit)
    )
