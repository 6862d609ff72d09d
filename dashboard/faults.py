"""What becomes of an error that nobody foresaw: the visitor gets a number, the log the same number and the place.

Neither gets what the error says, for that may be what a visitor typed. Whoever works on Gatescope sees everything, on
the page and in the log: ``streamlit run dashboard/app.py --client.showErrorDetails=full``.
"""

from __future__ import annotations

import logging
import secrets
import traceback

LOGGERS = ("streamlit.error_util", "streamlit.runtime.backend_operation_handler", "asyncio")
"""The loggers of what a page, a fragment or a callback raised, what made a download, and what went on beside."""
DEEPEST = 10
"""Errors that led to one another and are logged."""


def number(error: BaseException) -> str:
    """The error's own number, the same whenever it is asked for."""
    if not hasattr(error, "gatescope_number"):
        error.gatescope_number = secrets.token_hex(4).upper()  # type: ignore[attr-defined]
    return error.gatescope_number  # type: ignore[attr-defined]


def trace(error: BaseException) -> str:
    """Files, lines and functions on the way to an error, and its type; of those too that it came from, first."""
    parts: list[str] = []
    came_from: BaseException | None = error
    while came_from is not None and len(parts) < DEEPEST:
        frames = "".join(traceback.format_tb(came_from.__traceback__))
        parts.append(f"Traceback (most recent call last):\n{frames}{type(came_from).__qualname__}")
        came_from = came_from.__cause__ or (None if came_from.__suppress_context__ else came_from.__context__)
    return "\n\nwhich led to\n\n".join(reversed(parts))


def shown_whole() -> bool:
    """Whether errors may be shown whole, as somebody who works on Gatescope wants it."""
    import streamlit as st  # not where files are read apart

    return str(st.get_option("client.showErrorDetails")).lower() in ("full", "true")


class Numbered(logging.Filter):
    """Puts the number before Streamlit's record of an error, and leaves out what the error says."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            record.msg, record.args = f"error {number(error)}", ()
            if not shown_whole():
                record.exc_text = trace(error)  # a formatter takes it as it is
        return True


def watch() -> None:
    """From now on Streamlit's log of errors has numbers."""
    for logger in map(logging.getLogger, LOGGERS):
        if not any(isinstance(one, Numbered) for one in logger.filters):
            logger.addFilter(Numbered())


def show(error: Exception) -> bool:
    """Say the number where the page could not be drawn; False leaves it to Streamlit, which shows everything."""
    if shown_whole():
        return False
    import streamlit as st

    from dashboard.language import tr

    sentence = tr(
        "Something went wrong in Gatescope. Reload the page. If it happens again, tell whoever runs this page "
        "the error number {number}.",
        number=number(error),
    )
    st.error(sentence, icon=":material/error:")
    return True
