"""What the library advises in Python, with what the command line says in its place: a shell has options, no calls.

The page has its own (``dashboard.advice``).
"""

from __future__ import annotations

from collections.abc import Mapping

from lstm_core.say import translated

HERE: Mapping[str, str] = {
    "the file does not say which cell it holds ({choices}); pass cell='...', or cell={{block: '...'}} where blocks "
    "differ": "the file does not say which cell it holds ({choices}); say it with --cell CELL, or --cell BLOCK=CELL "
    "where blocks differ",
    "cell= names the block {name!r}; the file has {names}": "--cell names the block {name!r}; there is {names}",
    "{holds}. If these are recurrent weights under other names, say which is which: load(..., names={{\"...\": "
    '"weight_ih_l0", "...": "weight_hh_l0"}})': "{holds}. If these are recurrent weights under other names, save them "
    "under PyTorch's (weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0)",
    "this is one of Gatescope's own models: lstm_core.Network.load reads it": "this is one of Gatescope's own models, "
    "and its header cannot be read",
    "this is a trace, not a network: lstm_core.Trace.from_npz reads it": "this is a trace, not a network",
    "no step is skipped; in its model a mask from {name} skips some: pass mask=": "no step is skipped; in its model a "
    "mask from {name} skips some",
    "x is (time, batch, input), as without batch_first": "x is (time, batch, input), as without --batch-first",
    "{name} reads what {layers} made of its input, and these layers are not run; trace it by itself on what it reads: "
    "loaded[{name!r}].trace(...)": "{name} reads what {layers} made of its input, and these layers are not run; give "
    "what {name} reads, with --block {name}",
    "{name} reads vectors of {width} numbers, and these are whole numbers; the file does not say in which matrix they "
    "are looked up. If it is {matrix}: trace(loaded.others[{matrix!r}][ids])": "{name} reads vectors of {width} "
    "numbers, and these are whole numbers; the file does not say in which matrix they are looked up. If it is "
    "{matrix}, give its rows, an .npy of vectors",
    "data in a file is .txt, .csv or .parquet, not {name!r}; a single text is given in a list, [text]": "data is a "
    ".txt, .csv, .parquet or .npy file, not {name!r}; a single text is a .txt of one line",
    "{name} has the columns {there}: say which holds the texts, column=...": "{name} has the columns {there}: say "
    "which holds the texts with --column",
    "column is of a .csv or .parquet file, and the data is not one ({what}): give what that column holds": "--column "
    "is of a .csv or .parquet file, and the data is not one ({what})",
    "document {number} is a text; {name} has no words: give ids or vectors, or tokenizer=...": "document {number} is a "
    "text; {name} has no words: give an .npy of ids or vectors",
    "this machine has no usable {device!r} device; use device='auto' or 'cpu'": "this machine has no usable {device!r} "
    "device; use --device auto or --device cpu",
}
"""By the library's template, the command line's, which takes the same values."""


def here(text: str) -> str:
    """``text`` as the command line says it."""
    return translated(text, HERE)
