"""What is kept in memory has a limit in bytes: readings, models, uploads. What is let go of is said."""

from __future__ import annotations

import gc
import os
import re
import sys
import threading
import types
import weakref
from typing import Any

import pytest
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from torch import nn
from uploads import saved

from dashboard import budgets, cache, uploads
from dashboard.views import gates
from dashboard.yours import session
from dashboard.yours.given import Given
from dashboard.yours.session import Place
from tests.test_your_pages import opened

NIGHTLY = os.environ.get("NIGHTLY") == "1"
CHINESE = "昨天王女士去了市场，因为她很饿。后来李先生遇见了小红，他"


# ---- what is made when it is asked for


def kept(most: int) -> budgets.Cache[str]:
    return budgets.Cache(most, len)


def test_values_are_kept_while_there_is_room_the_last_asked_for_longest() -> None:
    made: list[str] = []

    def ask(name: str, bytes: int) -> str:
        def make() -> str:
            made.append(name)
            return name * bytes

        return room.get(name, make)

    room = kept(10)
    for name in "abac":  # b goes
        ask(name, 4)
    assert made == ["a", "b", "c"] and room.bytes == 8 and len(room) == 2
    for name in "acb":
        ask(name, 4)
    assert made == ["a", "b", "c", "b"]
    ask("d", 99)  # larger than all of it: kept, alone
    assert len(room) == 1 and ask("d", 99) and made[-1] == "d"
    ask("e", 1)
    assert room.bytes == 1
    room.clear()
    assert (len(room), room.bytes) == (0, 0)


def test_a_failure_is_not_kept() -> None:
    room = kept(10)
    with pytest.raises(ZeroDivisionError):
        room.get("a", lambda: str(1 // 0))
    assert room.get("a", lambda: "x") == "x" and room.bytes == 1


def test_threads_agree_on_what_is_kept() -> None:
    room = kept(50)

    def ask() -> None:
        for k in range(500):
            assert room.get(k % 17, lambda k=k: "x" * (k % 17)) == "x" * (k % 17)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert room.bytes == sum(size for _, size in room._kept.values()) <= 50


def test_a_readings_size_is_about_what_it_takes() -> None:
    import tracemalloc

    reading = cache.read("pronouns_zh-lstm", CHINESE)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    text = CHINESE * 30
    cache.forget()
    cache.model("pronouns_zh-lstm")
    before = tracemalloc.get_traced_memory()[0]
    reading = cache.read("pronouns_zh-lstm", text)
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert 0.5 < cache.reading_size(reading) / taken < 2


@pytest.mark.parametrize("count", [12 if NIGHTLY else 6])
def test_long_texts_do_not_add_up(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.forget()
    length = 2000 if NIGHTLY else 300
    text = (CHINESE * length)[:length]
    size = cache.reading_size(cache.read("pronouns_zh-lstm", text))
    monkeypatch.setattr(cache._readings, "most", 3 * size)
    for k in range(count):
        cache.read("pronouns_zh-lstm", f"{k}{text}")
    assert 0 < cache._readings.bytes <= 3 * size
    cache.forget()


# ---- what sessions hold


class Holder:
    def __init__(self) -> None:
        self.gone = 0

    def let_go(self) -> None:
        self.gone += 1


def test_who_has_not_used_theirs_for_longest_lets_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(budgets, "time", types.SimpleNamespace(monotonic=lambda: now))
    room, (a, b, c, d) = budgets.Shared(10, idle=60), (Holder() for _ in range(4))
    assert room.hold(a, 4) and room.hold(b, 4)
    now = 30
    room.use(a, 4)
    assert not room.hold(c, 4), "both were used within the last minute"
    assert (a.gone, b.gone, room.bytes) == (0, 0, 8)
    now = 70
    assert room.hold(c, 4) and (a.gone, b.gone, room.bytes) == (0, 1, 8)
    now = 200
    assert not room.hold(d, 11) and (a.gone, c.gone) == (0, 0), "nobody goes for what has no room anyway"
    assert room.hold(d, 10) and (a.gone, c.gone, room.bytes) == (1, 1, 10)
    assert room.hold(d, 3) and room.bytes == 3, "in the place of its own"
    room.free(d)
    assert room.bytes == 0
    room.hold(a, 9)
    del a
    gc.collect()
    assert room.bytes == 0, "a session that is closed holds nothing"


def test_a_model_that_is_let_go_of_is_missed_on_the_page(thorough: None, monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(nn.GRU(3, 400))
    room = budgets.Shared(int(1.5 * len(data)), idle=0)
    monkeypatch.setattr(session, "MODELS", room)
    first, second = Place(), Place()
    first.take(Given("first.pt", data))
    assert first.upload is not None
    weights = weakref.ref(first.upload.loaded.blocks[0])
    test = opened(gates, first, left="yours")
    second.take(Given("second.pt", data))
    assert second.upload is not None and first.upload is None
    gc.collect()
    test.run()
    assert not test.exception, test.exception
    assert re.search(r"Choose first\W+pt again", test.info[0].value) and "let go of" in test.info[0].value
    del test
    cache.freeze()
    assert weights() is None
    room.idle = 60
    third = Place()
    third.take(Given("third.pt", data))
    assert third.upload is None and "holds as many visitors' models as it can" in third.problem


def test_forty_people_bring_a_small_model_each() -> None:
    data = saved(nn.LSTM(8, 64))
    places = [Place() for _ in range(40)]
    for place in places:
        place.take(Given("model.pt", data))
        assert place.upload is not None, place.problem
        place.upload.read("", 2000)
    assert all(place.upload is not None for place in places)


# ---- what was sent and nobody takes


def manager() -> MemoryUploadedFileManager:
    made = MemoryUploadedFileManager("/upload")
    made.__class__ = uploads.Bounded
    return made


def add(to: MemoryUploadedFileManager, session: str, name: str, bytes: int) -> None:
    to.add_file(session, UploadedFileRec(name, name, "", b"x" * bytes))


def names(of: MemoryUploadedFileManager) -> list[str]:
    return [name for files in of.file_storage.values() for name in files]


def test_a_session_has_so_many_bytes_and_the_oldest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "A_SESSION", 10)
    files = manager()
    for name in "abc":
        add(files, "one", name, 4)
    add(files, "two", "d", 9)
    assert names(files) == ["b", "c", "d"] and files._total_bytes == 17
    add(files, "one", "e", 99)  # Streamlit's limit of a file is another
    assert names(files) == ["e", "d"]
    files.remove_file("one", "e")
    add(files, "one", "f", 5)
    add(files, "one", "g", 5)
    assert sorted(names(files)) == ["d", "f", "g"]


def test_all_sessions_have_so_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "ALL", 10)
    files = manager()
    for name in "abcd":
        add(files, f"session {name}", name, 4)
    assert names(files) == ["c", "d"]
    files.remove_session_files("session c")
    add(files, "session e", "e", 4)
    assert names(files) == ["d", "e"]


def test_twelve_uploads_into_a_session_that_shows_no_uploader() -> None:
    files, size = manager(), (49 << 20 if NIGHTLY else 49 << 10)
    data = b"x" * size
    for k in range(12):
        files.add_file("one", UploadedFileRec(str(k), "a", "", data))
    if NIGHTLY:
        assert files._total_bytes <= uploads.A_SESSION


def test_every_run_bounds_what_streamlit_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = MemoryUploadedFileManager("/upload")
    context: Any = types.SimpleNamespace(uploaded_file_mgr=mine)
    monkeypatch.setattr(uploads, "get_script_run_ctx", lambda suppress_warning: context)
    uploads.bound()
    uploads.bound()
    assert type(mine) is uploads.Bounded
    monkeypatch.setattr(uploads, "get_script_run_ctx", lambda suppress_warning: None)
    uploads.bound()


# ---- what is looked at after every run


def test_what_was_imported_is_not_looked_at_again(thorough: None, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.settle()
    before = gc.get_freeze_count()
    brought = types.ModuleType("brought_by_an_upload")
    brought.__dict__["objects"] = [[k] for k in range(10_000)]
    cache.settle()
    assert gc.get_freeze_count() - before < 5000, "nothing was imported"
    monkeypatch.setitem(sys.modules, brought.__name__, brought)
    cache.settle()
    assert gc.get_freeze_count() - before >= 10_000
    assert not any(one is brought.__dict__["objects"] for one in gc.get_objects())


def test_what_was_frozen_and_is_garbage_by_now_is_let_go_of(thorough: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that is closed: its parts refer to each other."""
    cycle = Holder()
    cycle.__dict__["own"] = cycle
    seen = weakref.ref(cycle)
    cache.freeze()
    del cycle
    gc.collect()
    assert seen() is not None
    monkeypatch.setattr(cache, "AGAIN", -1)
    cache.settle()
    assert seen() is None
