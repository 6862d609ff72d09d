"""Settings that hold for every test."""

from __future__ import annotations

import functools
import gc
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator

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


@pytest.fixture(scope="module")
def in_place() -> Iterator[None]:
    """Files are read without a process for each: what comes of one that has its own is shown where that is tested."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lstm_core.files.sandbox._confined", True)
        yield


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of the cases of a test marked ``every(n)`` one in n runs, in turn; with NIGHTLY=1 all of them. What the cases
    share is shown by each."""
    if os.environ.get("NIGHTLY"):
        return
    counts: Counter[str] = Counter()
    left_out = []
    for item in items:
        mark = item.get_closest_marker("every")
        if mark is not None:
            test = item.nodeid.partition("[")[0]
            if counts[test] % mark.args[0]:
                left_out.append(item)
            counts[test] += 1
    config.hook.pytest_deselected(items=left_out)
    dropped = set(map(id, left_out))
    items[:] = [item for item in items if id(item) not in dropped]


_thorough: list[Callable[[], None]] = []


def pytest_collection_finish() -> None:
    """What is done once where the page is served would be done for every test, for longer than most of them take:
    looking through all objects for garbage when a model has been read, and through all installed packages. Streamlit
    reads its settings once, where it is then: a test may be somewhere else."""
    if cache := sys.modules.get("dashboard.cache"):
        from streamlit import config
        from streamlit.components.v2 import manifest_scanner

        config.get_config_options()
        manifest_scanner.scan_component_manifests = functools.cache(manifest_scanner.scan_component_manifests)
        _thorough.append(cache.freeze)
        cache.freeze = lambda: None  # pyright: ignore[reportAttributeAccessIssue]
    gc.collect()
    gc.freeze()


@pytest.fixture
def thorough(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page looks through all objects as where it is served."""
    monkeypatch.setattr("dashboard.cache.freeze", _thorough[0])
