"""What visitors bring is read apart: what travels, what ends a reading, who waits for whom, and a bad day's attacks.

The readers here are those of ``worker_readers``; the attacks are read by the page's own. NIGHTLY=1 takes them at the
sizes that once took the server down.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import worker_readers
from uploads import safetensors

from dashboard import workers
from dashboard.workers import Busy, Workers
from dashboard.yours import given
from dashboard.yours.given import Given
from lstm_core.files import Ambiguous
from lstm_core.say import Said

NIGHTLY = os.environ.get("NIGHTLY") == "1"
MB = 50 if NIGHTLY else 5
READERS = "worker_readers"


@pytest.fixture
def one() -> Iterator[Workers]:
    """A single worker of one's own."""
    pool = Workers(1)
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def kept() -> Iterator[Workers]:
    """One that the tests share which leave it as it was."""
    pool = Workers(1)
    yield pool
    pool.close()


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that others may wait for, for as long as it takes until it is there."""
    monkeypatch.setattr(workers, "SECONDS", 100)
    monkeypatch.setattr(workers, "HURRY", 100)
    return tmp_path / "gate"


def works(pool: Workers) -> bool:
    value, _ = pool.read(f"{READERS}:sizes", {"a": b"123"})
    return value["sizes"] == {"a": 3}


def pid(pool: Workers) -> int:
    return pool.read(f"{READERS}:surroundings", {})[0]["pid"]


def until(done: Callable[[], Any], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


# ---- what travels


def test_a_value_and_arrays_come_back(kept: Workers) -> None:
    value, arrays = kept.read(f"{READERS}:sizes", {"a": b"12", "b": b""}, {"width": 3, "list": [1, None]})
    assert value == {"sizes": {"a": 2, "b": 0}, "said": {"width": 3, "list": [1, None]}}
    for found, sent in zip(arrays, worker_readers.ARRAYS, strict=True):
        assert found.dtype == sent.dtype and found.flags.writeable
        np.testing.assert_array_equal(found, sent)


def test_nothing_of_a_file_stays_when_it_was_read(kept: Workers) -> None:
    data = bytes(range(200)) * 10
    before = sys.getrefcount(data)
    kept.read(f"{READERS}:sizes", {"a": data})
    with pytest.raises(ValueError):
        kept.read(f"{READERS}:refuse", {"a": data})
    until(lambda: sys.getrefcount(data) == before)


def test_what_a_reader_says_can_be_translated(kept: Workers) -> None:
    with pytest.raises(ValueError, match="the thing is 1,234") as error:
        kept.read(f"{READERS}:refuse", {})
    said = error.value.args[0]
    assert isinstance(said, Said) and said.template == "{what} is {count:,}" and isinstance(said.values["what"], Said)


def test_a_question_of_a_reader_is_asked(kept: Workers) -> None:
    with pytest.raises(Ambiguous) as error:
        kept.read(f"{READERS}:ask", {})
    assert error.value.choices == {"": ("rnn", "rnn_relu")}


def test_a_worker_knows_no_secret_writes_no_file_and_loads_no_page(
    one: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "x")
    found, _ = one.read(f"{READERS}:surroundings", {str(tmp_path / "file"): b""})
    assert found["pid"] != os.getpid() and "SECRET_KEY" not in found["environment"]
    assert not {"streamlit", "torch", "pytest", "h5py", "onnx"} & set(found["modules"])
    if hasattr(os, "fork"):
        assert found["written"] == "OSError" and not any(path.stat().st_size for path in tmp_path.iterdir())


def test_the_page_is_not_run_again_in_a_worker(one: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While Streamlit runs a page, that is the program's main script."""
    script = tmp_path / "app.py"
    script.write_text(f"open({str(tmp_path / 'ran')!r}, 'x')")
    main = types.ModuleType("__main__")
    main.__file__ = str(script)
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert works(one) and not (tmp_path / "ran").exists()


def test_it_is_started_once_and_replaced_after_so_many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "TASKS", 3)
    pool = Workers(1)
    assert not multiprocessing.active_children() or pool._all[0]._pool is None  # none before it is needed
    first = {pid(pool) for _ in range(3)}
    assert len(first) == 1 and pid(pool) not in first
    pool.close()


# ---- what ends a reading


@pytest.mark.parametrize(
    ("reader", "said", "why"),
    [
        ("panic", {}, r"\(PanicException\)"),
        ("nonsense", {}, r"\(TypeError\)"),
        ("objects", {}, "numbers|answer|nonsense"),
        ("missing", {}, r"\(AttributeError\)"),
        ("eat", {"bytes": 1 << 40}, "more memory than is allowed"),
        ("eat", {"bytes": 600 << 20}, "more memory than is allowed"),
        ("dig", {}, "more memory than is allowed"),
        ("end", {"status": 3}, "ended with status 3"),
    ],
)
def test_whatever_a_reader_does_is_a_sentence_and_the_next_file_is_read(
    kept: Workers, reader: str, said: dict[str, Any], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        kept.read(f"{READERS}:{reader}", {"a": b"x"}, said)
    assert works(kept)


@pytest.mark.skipif(not NIGHTLY, reason="takes the memory that is allowed, bit by bit")
def test_memory_that_is_taken_bit_by_bit(kept: Workers) -> None:
    with pytest.raises(ValueError, match="more memory than is allowed"):
        kept.read(f"{READERS}:nibble", {})
    assert works(kept)


@pytest.mark.parametrize(("reader", "said"), [("hang", {}), ("sleep", {"seconds": 60}), ("end", {"status": 0})])
def test_what_takes_too_long_is_ended(
    kept: Workers, reader: str, said: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "SECONDS", 1)
    before = time.monotonic()
    with pytest.raises(ValueError, match="could not be read within 1 s"):
        kept.read(f"{READERS}:{reader}", {}, said)
    assert time.monotonic() - before < 50
    monkeypatch.undo()
    assert works(kept)


@pytest.mark.skipif(not hasattr(signal, "SIGXCPU"), reason="the system does not count")
def test_the_processor_is_limited_where_nobody_watches(one: Workers) -> None:
    assert works(one)
    task, before = (f"{READERS}:hang", {}, "{}", 1 << 30, 1), time.monotonic()
    with pytest.raises(ValueError, match="could not be read within"):
        one._all[0].run(task, lambda: 100)
    assert time.monotonic() - before < 60


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system does not kill")
def test_a_worker_that_is_killed_in_mid_work(one: Workers) -> None:
    with pytest.raises(ValueError, match="signal 9"):
        one.read(f"{READERS}:killed", {})
    assert works(one)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system does not kill")
@pytest.mark.parametrize("wait", [0, 0.5])
def test_a_worker_that_is_killed_while_it_has_nothing_to_do(one: Workers, wait: float) -> None:
    os.kill(pid(one), signal.SIGKILL)
    time.sleep(wait)
    assert works(one) and works(one)


def test_nothing_that_a_worker_says_is_run(one: Workers, tmp_path: Path) -> None:
    """A worker that a file has taken over answers with a pickle that would make a file."""
    path = tmp_path / "run"
    with pytest.raises(ValueError, match="could not be read"):
        one.read(f"{READERS}:take_over", {}, {"path": str(path)})
    assert not path.exists() and works(one)
    with pytest.raises(TypeError, match="something else than an answer"):
        workers._Reader(__import__("io").BytesIO(pickle.dumps(worker_readers.Payload(str(path))))).load()


# ---- who waits for whom


def waits(pool: Workers, session: str, gate: Path) -> threading.Thread:
    """Another session's file, that is read once it is its turn, till the gate is there."""

    def read() -> None:
        try:
            pool.read(f"{READERS}:stand", {"a": b"x"}, {"gate": str(gate)}, session=session)
        except ValueError:
            pass

    before = len(pool._here)
    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    until(lambda: len(pool._here) > before)
    return thread


def test_files_are_read_in_the_order_in_which_they_came_and_the_place_is_told(one: Workers, gate: Path) -> None:
    assert works(one)
    order: list[str] = []
    told: dict[str, list[int]] = {name: [] for name in "abc"}
    first = waits(one, "first", gate)
    until(lambda: not one._waiting)
    threads = []
    for name in "abc":

        def tell(place: int, name: str = name) -> None:
            told[name].append(place)
            if place == 0:
                order.append(name)

        arguments = (f"{READERS}:sleep", {}, {"seconds": 0.1})
        thread = threading.Thread(target=one.read, args=arguments, kwargs={"session": name, "tell": tell})
        thread.start()
        threads.append(thread)
        until(lambda name=name: told[name])
    gate.touch()
    for thread in (first, *threads):
        thread.join()
    assert order == ["a", "b", "c"] and told == {"a": [1, 0], "b": [2, 1, 0], "c": [3, 2, 1, 0]}


def test_a_session_has_two_files_here_and_no_more(one: Workers, gate: Path) -> None:
    threads = [waits(one, "a", gate), waits(one, "a", gate)]
    with pytest.raises(Busy, match="other files of yours"):
        one.read(f"{READERS}:sizes", {}, session="a")
    gate.touch()
    one.read(f"{READERS}:sizes", {}, session="b")
    for thread in threads:
        thread.join()
    one.read(f"{READERS}:sizes", {}, session="a")


@pytest.mark.parametrize(("most", "bytes"), [(2, 1 << 30), (99, 2)])
def test_the_server_has_so_many_files_here_and_so_many_bytes(
    one: Workers, most: int, bytes: int, gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "MOST", most)
    monkeypatch.setattr(workers, "MOST_BYTES", bytes)
    threads = [waits(one, "a", gate), waits(one, "b", gate)]
    with pytest.raises(Busy, match="try again in a minute"):
        one.read(f"{READERS}:sizes", {"a": b"x"}, session="c")
    gate.touch()
    for thread in threads:
        thread.join()
    one.read(f"{READERS}:sizes", {"a": b"more than so many bytes"}, session="c")  # where nobody else is


def test_who_waits_too_long_is_told_to_try_again(one: Workers, gate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    thread = waits(one, "a", gate)
    until(lambda: not one._waiting)
    with monkeypatch.context() as patch, pytest.raises(Busy):
        patch.setattr(workers, "PATIENCE", 0.2)
        one.read(f"{READERS}:sizes", {}, session="b")
    gate.touch()
    thread.join()
    assert works(one) and not one._here and not one._waiting


def test_who_came_first_is_first_though_another_looks_earlier(one: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "PATIENCE", 0.2)
    first, second = one._come("a", 0), one._come("b", 0)
    with pytest.raises(Busy):
        one._wait(second, lambda place: None)
    assert one._wait(first, lambda place: None) in one._all


def test_a_file_has_less_time_while_others_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, allowed, goes_on = Workers(1), [], threading.Event()

    def run(task: Any, seconds: Callable[[], float]) -> Any:
        allowed.append(seconds())
        assert goes_on.wait(20)
        allowed.append(seconds())
        return None, []

    monkeypatch.setattr(pool._all[0], "run", run)
    large = {"a": bytes(2 * workers.sandbox.BYTES_A_SECOND)}
    first = threading.Thread(target=pool.read, args=("", large), kwargs={"session": "a"})
    first.start()
    until(lambda: allowed)
    second = threading.Thread(target=pool.read, args=("", {}), kwargs={"session": "b"})
    second.start()
    until(lambda: pool._waiting)
    goes_on.set()
    first.join()
    second.join()
    assert allowed == [12, 5, 10, 10]


@pytest.mark.parametrize("count", [12 if NIGHTLY else 3])
def test_files_that_hang_from_many_sessions_do_not_keep_a_neighbour_waiting(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While others wait each has its three seconds, here half a one, and not ten, here two."""
    monkeypatch.setattr(workers, "HURRY", 0.5)
    monkeypatch.setattr(workers, "SECONDS", 2)
    pool = Workers(2)
    pool.read(f"{READERS}:sizes", {})
    threads = []
    for k in range(count):
        hang = (f"{READERS}:hang", {"a": b"x"})

        def read(k: int = k, hang: Any = hang) -> None:
            with pytest.raises(ValueError, match="within"):
                pool.read(*hang, session=str(k))

        threads.append(threading.Thread(target=read, daemon=True))
        threads[-1].start()
    until(lambda: len(pool._here) == count)
    before = time.monotonic()
    value, _ = pool.read(f"{READERS}:sizes", {"a": b"123"}, session="neighbour")
    assert value["sizes"] == {"a": 3} and time.monotonic() - before < 20 * count
    pool.close()
    for thread in threads:
        thread.join(30)


# ---- attacks


def cost_of(reader: Callable[[], object]) -> tuple[float, float]:
    """MB that a worker's memory grows by at most while something is read, and seconds that it takes; its answer or
    refusal is thrown away."""
    given.numbers("warm.csv", b"1\n", 1, 20)
    process = workers.read(f"{READERS}:surroundings", {})[0]["pid"]
    Path(f"/proc/{process}/clear_refs").write_text("5")  # the highest so far begins anew
    before, began = status(process, "VmRSS"), time.monotonic()
    try:
        reader()
    except ValueError:
        pass
    return (status(process, "VmHWM") - before) / 1024, time.monotonic() - began


def status(process: int, name: str) -> int:
    return int(Path(f"/proc/{process}/status").read_text().split(f"{name}:")[1].split()[0])


NUMBERS = {
    "12 a line": b"12\n" * (MB * 2**20 // 3),
    "one line": b"1" * (MB << 20),
    "blank lines": b"\n" * (MB << 20),
    "numbers, then blank lines": b"12\n" * 3000 + b"\r\n" * (MB << 19),
    "commas": b"," * (MB << 20),
    "a quote that never ends": b'"' + b"1\n" * (MB << 19),
    "bytes": bytes(range(256)) * (MB << 12),
}


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the system does not tell")
@pytest.mark.parametrize("name", NUMBERS)
def test_a_csv_costs_what_is_shown_of_it(name: str) -> None:
    """Beside the file itself, which arrives twice: as a message, and out of it."""
    data = NUMBERS[name]
    grown, seconds = cost_of(lambda: given.numbers("a.csv", data, 1, 2000))
    assert grown < 2.3 * len(data) / 2**20 + 20 and seconds < workers.SECONDS


def test_a_long_csv_is_counted_and_not_kept() -> None:
    values, found = given.numbers("a.csv", b"time\n" + NUMBERS["12 a line"] + b"\n\n", 1, 2000)
    assert values.shape == (2000, 1) and found == MB * 2**20 // 3 and (values == 12).all()


WORDS: dict[str, bytes] = {
    "lists in a list": b"[" + b"[]," * (MB * 2**20 // 3) + b"[]]",
    "deep": b"[" * (MB << 20),
    "lines": b"x\n" * (MB << 19),
    "one line": b"x" * (MB << 20),
    "a regular expression": json.dumps(
        {
            "version": "1.0",
            "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []},
            "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(a+)+b"}, "behavior": "Isolated", "invert": False},
        }
    ).encode(),
    "one that grows": json.dumps(
        {
            "version": "1.0",
            "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []},
            "normalizer": {
                "type": "Sequence",
                "normalizers": [{"type": "Replace", "pattern": {"String": "a"}, "content": 10 * "a"}] * 9,
            },
        }
    ).encode(),
}


@pytest.mark.parametrize("name", WORDS)
def test_a_hostile_vocabulary_is_refused_in_time(name: str) -> None:
    workers.read(f"{READERS}:sizes", {})
    before = time.monotonic()
    with pytest.raises(ValueError):
        given.words("words.json", WORDS[name], 1000)
    assert time.monotonic() - before < workers.SECONDS


def test_two_words_for_an_embedding_of_many_rows_cost_two_words() -> None:
    rows = 2_000_000 if NIGHTLY else 200_000
    before = time.monotonic()
    read = given.words("words.txt", b"mary\njohn\n", rows)
    assert [token.id for token in read.encode("mary saw john")] == [0, rows, 1]
    assert time.monotonic() - before < workers.SECONDS


def test_files_of_every_kind_are_read_as_the_library_reads_them() -> None:
    """What travels from the worker is what ``lstm_core.load`` finds."""
    from lstm_core import load

    folder = Path(__file__).parent / "files"
    names = [path for path in sorted(folder.glob("*/*")) if path.suffix in (".onnx", ".keras", ".h5", ".npz", ".pt")]
    read = 0
    for path in names if NIGHTLY else names[::9]:
        data = path.read_bytes()
        try:
            wanted = load(data)
        except ValueError as error:
            with pytest.raises(ValueError) as caught:
                Given(path.name, data).load()
            assert str(caught.value) == str(error)
            continue
        found, _ = Given(path.name, data).load()
        read += 1
        assert (found.format, dict(found.roles), dict(found.layout)) == (
            wanted.format, dict(wanted.roles), {name: tuple(shape) for name, shape in wanted.layout.items()}
        )  # fmt: skip
        for mine, theirs in zip(found.blocks, wanted.blocks, strict=True):
            for name in ("name", "format", "cell", "directions", "batch_first", "lengths", "mask_value", "reads"):
                assert getattr(mine, name) == getattr(theirs, name), (path, name)
            assert mine.assumed == theirs.assumed
            for row, other in zip(mine.layers, theirs.layers, strict=True):
                for params, others in zip(row, other, strict=True):
                    assert list(params) == list(others)
                    for name in params:
                        np.testing.assert_array_equal(params[name], others[name])
        assert list(found.others) == list(wanted.others)
        for name, value in found.others.items():
            np.testing.assert_array_equal(value, wanted.others[name])
    assert read > 3


def test_a_question_and_an_answer_travel() -> None:
    weights = {"weight_ih_l0": np.zeros((4, 3), np.float32), "weight_hh_l0": np.zeros((4, 4), np.float32)}
    data = safetensors(weights)
    with pytest.raises(Ambiguous) as error:
        Given("a", data).load()
    assert error.value.choices == {"": ("rnn", "rnn_relu")}
    loaded, _ = Given("a", data, said={"cell": "rnn_relu"}).load()
    assert loaded.blocks[0].cell.name == "rnn_relu"
