"""Settings that hold for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

# The matrices here are small: threads would only wait for one another, for minutes on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A page that fails shows the test why, not a number.
os.environ.setdefault("STREAMLIT_CLIENT_SHOW_ERROR_DETAILS", "full")

from hypothesis import settings  # noqa: E402

# One shared machine is slow now and then: a property fails because it is false, not because it took long.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture
def chinese() -> Iterator[None]:
    """The page speaks Chinese during the test."""
    from dashboard import language

    language.ask(lambda: "zh")
    yield
    language.ask(lambda: language.ENGLISH)
