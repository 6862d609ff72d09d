"""TorchScript: modules as a pickle of their attributes, and code beside it, which is read as text and never run.

A module's class is ``__torch__`` and the dotted name that it had in Python, with ``___torch_mangle_5`` in it where the
archive has several of that name. Its code says what its attributes do not: which function of torch it calls, and
whether the batch comes first.
"""

from __future__ import annotations

import itertools
import re
from typing import Any

from lstm_core.files.archive import Archive
from lstm_core.say import say

STATED = re.compile(r'  (?:mode|nonlinearity) : Final\[str\] = "([a-zA-Z_]+)"')
FIRST = re.compile(r"  batch_first : Final\[bool\] = (True|False)")
CELL = re.compile(r".*\btorch\.(?:rnn_)?(tanh|relu)(?:_cell)?\(.*")
CALL = re.compile(
    r".* = torch\.(?:lstm|gru|rnn_tanh|rnn_relu)\(.*, [0-9]+, [0-9.e+-]+, \w+, (?:True|False), (True|False)\)"
)
"""With a sequence that is not packed. The last are layers, dropout, training, both directions, and the batch first."""
HOOKS = re.compile(r"  __forward_(?:pre_)?hooks__ = \[.+\]")
SCRIPTED = re.compile(r"  \w+ : Final\[.+\] = .*")
"""A constant of the class: torch's recurrent modules have some, and one that was traced keeps none."""
CLASS = "__torch__."
LONGEST, WIDEST = 1 << 20, 1000
"""Bytes of a file of code, and letters of a line, that are looked at."""


class Code:
    """The code of an archive's classes. root: the folder that everything lies in."""

    def __init__(self, archive: Archive, root: str) -> None:
        """archive: opened. root: as in the class, with its slash."""
        self._archive, self._root = archive, root
        self._texts: dict[str, list[str]] = {}

    def says(self, kind: str) -> dict[str, Any]:
        """ "mode" and "batch_first" of the class of that name, as torch's modules have them, and "hooks", whether it
        calls some, where its code says them; nothing for another one."""
        module, _, name = kind.rpartition(".")
        lines = self._lines(f"{self._root}code/{module.replace('.', '/')}.py")
        start = next((k for k, line in enumerate(lines) if line.startswith(f"class {name}(")), len(lines))
        stated: dict[str, Any] = {}
        for line in itertools.takewhile(lambda line: not line.startswith("class "), lines[start + 1 :]):
            if len(line) > WIDEST:
                continue
            if mode := STATED.fullmatch(line) or CELL.fullmatch(line):
                stated.setdefault("mode", mode[1])
            if first := FIRST.fullmatch(line) or CALL.fullmatch(line):
                stated.setdefault("batch_first", first[1] == "True")
            if SCRIPTED.fullmatch(line):
                stated.setdefault("hooks", False)
            if HOOKS.fullmatch(line):
                stated["hooks"] = True
        return stated

    def _lines(self, name: str) -> list[str]:
        if name not in self._texts:
            known = self._archive.sizes.get(name, LONGEST + 1) <= LONGEST
            self._texts[name] = self._archive.read(name).decode("utf-8", "replace").splitlines() if known else []
        return self._texts[name]


def plain(kind: str) -> str:
    """The name that a class had in Python."""
    return re.sub(rf"{re.escape(CLASS)}|___torch_mangle_[0-9]+\.", "", kind)


def check(archive: Archive, root: str) -> None:
    """ValueError for a program that was frozen."""
    if not any(name.startswith(f"{root}data/") for name in archive.sizes):
        raise ValueError(
            say(
                "this is a TorchScript program without weights, or one that was frozen: then they are numbers in its "
                "code, and do not say of which layer; save those of the module that it was made from: "
                "torch.save(module.state_dict(), path)"
            )
        )
