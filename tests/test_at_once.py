"""What a browser is told of the models that it can run itself while somebody types."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from dashboard import at_once as module
from dashboard import cache
from dashboard.at_once import at_once
from dashboard.browser.publish import STATIC
from dashboard.export import live
from dashboard.state import YOURS
from lstm_core import Network, Tokenizer, list_models
from tests.small_models import small_model
from tests.test_your_model import worded
from tests.uploads import saved, tagger


def path(address: str) -> Path:
    assert address.startswith("app/static/")
    return STATIC / address.removeprefix("app/static/")


def test_a_shipped_pair_is_where_browsers_find_it() -> None:
    names = ("pronouns-lstm", "general-gru")
    found = at_once([cache.model(name) for name in names], [(0, 0), (0, 0)])
    assert found is not None
    for name, side in zip(names, found, strict=True):
        data = list_models()[name].read_bytes()
        assert path(side["weights"]).read_bytes() == data and side["bytes"] == len(data)
        assert sha256(data).hexdigest().encode() in path(side["known"]).read_bytes()[:4000]
        assert "export function step" in path(side["cell"]).read_text()
        assert len(json.dumps(side)) < 300  # it goes with every answer


def own(change: Callable[[Network], Network] = lambda network: network) -> bytes:
    return module._saved(change(replace(small_model("lstm"), name=YOURS)))


def test_a_visitors_model_is_saved_as_it_runs(tmp_path: Path) -> None:
    (tmp_path / "own.safetensors").write_bytes(own())
    ids = np.arange(9)
    one, other = small_model("lstm").read(ids), Network.load(tmp_path / "own.safetensors").read(ids)
    np.testing.assert_array_equal(one.signals["h"], other.signals["h"])


def test_a_vocabulary_of_entries_goes_along() -> None:
    data = module._saved(worded(saved(tagger())).model())
    assert b'"entries"' in data.replace(b"\\", b"")


def test_a_vocabulary_is_named_once_and_goes_with_its_tokenizer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page asks at every text; a visitor's vocabulary may be large, and is not kept behind the visitor."""
    tokenizer, named = Tokenizer(small_model("lstm").tokenizer.json.replace("market", "bazaar")), []
    own = live._named
    monkeypatch.setattr(live, "_named", lambda one: named.append(one.size) or own(one))
    assert live.vocabulary(tokenizer) is live.vocabulary(tokenizer) and named == [tokenizer.size]
    before = len(live._vocabularies)
    del tokenizer
    gc.collect()
    assert len(live._vocabularies) == before - 1


def test_a_visitors_model_is_there_while_its_page_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser may ask for it just when the visitor goes to another page; two pages later it is gone."""
    media = MediaFileManager(MemoryMediaFileStorage("/media"))
    monkeypatch.setattr(module.runtime, "exists", lambda: True)
    monkeypatch.setattr(module.runtime, "get_instance", lambda: SimpleNamespace(media_file_mgr=media))
    (side,) = at_once([replace(small_model("lstm"), name=YOURS)], [(0, 0)]) or []
    name = side["weights"].removeprefix("media/")

    def left() -> bool:
        media.clear_session_refs()
        media.remove_orphaned_files()
        return media.read_file(name) is None

    assert not left()
    assert left()


@pytest.mark.parametrize(
    "change",
    [
        lambda one: replace(one, reader=None),
        lambda one: replace(one, readout=None),
        lambda one: replace(one, below=(one.block,)),
        lambda one: replace(one, block=replace(one.block, directions=("reverse",))),
        lambda one: replace(one, reader=replace(one.reader, padding=0)),
        lambda one: replace(one, block=replace(one.block, initial={"c": np.ones((1, 1, 1, 8), np.float32)})),
    ],
    ids=["numbers", "no readout", "two blocks", "backwards", "masked", "another first state"],
)
def test_what_a_file_of_ours_cannot_say_waits_for_the_server(change: Callable[[Network], Network]) -> None:
    assert own() and own(change) == b""


def test_what_is_large_waits_for_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 1000)
    assert own() == b""


def test_a_disk_that_cannot_be_written_to_leaves_the_page_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> str:
        raise PermissionError("read-only")

    monkeypatch.setattr(module, "publish_bytes", refuse)
    module._shipped.cache_clear()
    try:
        assert at_once([cache.model("anbn-lstm")] * 2, [(0, 0), (0, 0)]) is None
    finally:
        module._shipped.cache_clear()
