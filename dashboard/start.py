"""Whether everything is in place for a page to be drawn; where it is not, one sentence says so, and what to do.

Nothing is imported here at first that may be missing: an unprepared machine gets the sentence, not a traceback.
"""

from __future__ import annotations

import errno
import os
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import streamlit as st

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


class NotReady(Exception):
    """What is not in place, in a sentence, and the commands that mend it."""

    def __init__(self, sentence: str, commands: str) -> None:
        super().__init__(sentence)
        self.sentence, self.commands = sentence, commands


def ready() -> None:
    """Go on if the page can be drawn; otherwise show what is not in place and end this run."""
    try:
        check()
    except NotReady as reason:
        st.title("Gatescope", anchor=False)
        st.markdown(reason.sentence)
        st.code(reason.commands, language=None)
        st.stop()


@cache  # of a check that passed; one that did not is made again, so that the page comes up when the cause is gone
def check() -> None:
    """Raises NotReady where packages are missing, static files are switched off or cannot be put in place."""
    if absent := missing():
        sentence = f"Gatescope needs what is not installed here: {', '.join(absent)}. Install it and start again:"
        raise NotReady(sentence, "python -m pip install -r dashboard/requirements.txt")
    from dashboard import language
    from dashboard.language import tr

    language.ask(lambda: language.best(st.query_params.get("lang"), st.context.locale))
    if not st.get_option("server.enableStaticServing"):
        sentence = tr(
            "No figure can be loaded, because Streamlit's static files are switched off: Gatescope's settings, "
            "`.streamlit/config.toml`, are missing or overruled. Stop the server, and start it in Gatescope's folder:"
        )
        raise NotReady(sentence, "streamlit run dashboard/app.py --server.enableStaticServing=true")
    try:
        from dashboard.browser import publish  # which fills the folder

        files = [publish.words_file(code) for code in language.languages() if code != language.ENGLISH]
        if not all(file.exists() or os.access(file.parent, os.W_OK) for file in files):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        sentence = tr(
            "No figure can be loaded, because Gatescope cannot write to its folder `dashboard/static` ({reason}). "
            "Fill it once, in Gatescope's folder, as a user who may write there, and open this page again:",
            reason=error.strerror or str(error),
        )
        raise NotReady(sentence, "python -m dashboard.browser.publish") from None


def missing() -> list[str]:
    """The packages in ``requirements.txt`` that are not installed, Streamlit also if it is too old for components."""
    pins = dict(re.findall(r"^([\w-]+)==(\S+)", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE))
    absent = [name for name in pins if not _installed(name)]
    if find_spec("streamlit.components.v2") is None:
        absent.insert(0, f"streamlit {pins['streamlit']} (here is {version('streamlit')})")
    return absent


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
