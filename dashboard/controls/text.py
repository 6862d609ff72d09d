"""Somebody else's words among Streamlit's Markdown."""

from __future__ import annotations

import re

from lstm_core.drawing.words import visible

_SIGNS = re.compile(r"[\\`*_\[\]$<>~&]|:(?=\w+[:\[])")


def inline(sentence: str) -> str:
    """A sentence with somebody's words in it, for Markdown to show as it stands: not even ``:red[x]`` is a sign."""
    return _SIGNS.sub(r"\\\g<0>", sentence)


def plain(text: str, longest: int = 60) -> str:
    """``text`` as it stands: what Markdown would read as a sign of its own is escaped, and what is long is cut."""
    text = visible(text).replace("\N{OPEN BOX}", " ")
    text = text if len(text) <= longest else text[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return "".join(f"\\{char}" if char in r"\`*_{}[]()#+-.!$:<>|~&" else char for char in text)
