"""Somebody else's words among Streamlit's Markdown."""

from __future__ import annotations

from lstm_core.drawing.words import visible


def plain(text: str, longest: int = 60) -> str:
    """``text`` as it stands: what Markdown would read as a sign of its own is escaped, and what is long is cut."""
    text = visible(text).replace("\N{OPEN BOX}", " ")
    text = text if len(text) <= longest else text[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return "".join(f"\\{char}" if char in r"\`*_{}[]()#+-.!$:<>|~&" else char for char in text)
