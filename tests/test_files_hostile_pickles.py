"""No PyTorch file runs code, takes more than its limit, or is answered by anything but a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from hostile_pickles import LIES, LIMIT, P2, archive, bombs, calls, damaged, text, ways, weight
from torch import nn

from lstm_core import load
from lstm_core.files import sandbox
from lstm_core.files.checkpoint import container, parse, walk
from tests import checkpoints, hostile_pickles

ROOT = Path(__file__).resolve().parent.parent
COUNT = 100_000 if os.environ.get("NIGHTLY") else 500


def test_nothing_that_a_pickle_names_is_run_or_imported(tmp_path: Path) -> None:
    """By any opcode that calls, makes, builds, sets, appends or adds; in this process, so that a run would show."""
    marker = tmp_path / "was-run"
    modules, tried = set(sys.modules), 0
    for module, name, arguments in calls(str(marker)):
        for pickled in ways(module, name, arguments):
            for data in (pickled, archive(pickled)):
                try:
                    parse(data, LIMIT)
                except ValueError as error:
                    assert "damaged" in str(error), (pickled, error)
                assert not marker.exists(), pickled
                tried += 1
    imported = {name for name in set(sys.modules) - modules if not name.startswith("encodings.")}
    assert tried > 1000 and not imported


def test_the_same_pickles_do_run_where_they_are_not_inert(tmp_path: Path) -> None:
    """Or the test above would say nothing."""
    import pickle

    for module, name, arguments in calls(str(tmp_path / "was-run")):
        if (module, name) in {("os", "system"), ("builtins", "eval"), ("builtins", "open")}:
            pickled = next(ways(module, name, arguments))
            file = pickle.loads(pickled)
            assert (tmp_path / "was-run").exists()
            (tmp_path / "was-run").unlink()
            if hasattr(file, "close"):
                file.close()


def test_what_a_name_stands_for_cannot_be_changed() -> None:
    """A pickle that builds our own stand-ins leaves them as they were for the next one."""
    before = parse(checkpoints.saved(nn.LSTM(3, 4).state_dict()), LIMIT)
    for name in (
        b"ctorch._utils\n_rebuild_tensor_v2\n",
        b"ccollections\nOrderedDict\n",
        b"cnumpy\ndtype\n",
        b"cm\nf\n",
    ):
        for state in (
            b"N}" + text("__new__") + b"K\x01s\x86",
            b"}" + text("name") + b"K\x01s",
            b"N}" + text("name") + b"Ns\x86",
        ):
            with pytest.raises(ValueError, match="damaged"):
                parse(P2 + name + state + b"b.", LIMIT)
    after = parse(checkpoints.saved(nn.LSTM(3, 4).state_dict()), LIMIT)
    assert before[0] == after[0]


@pytest.mark.parametrize("name", bombs())
def test_a_bomb_is_answered_in_its_time_and_memory(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "SECONDS", 4)
    start = time.monotonic()
    with pytest.raises(ValueError, match="holds no tensors|damaged|made so on purpose"):
        load(bombs()[name], max_bytes=LIMIT)
    assert time.monotonic() - start < 40


def test_a_true_entry_is_read() -> None:
    """What the lies below are made from."""
    _, arrays = parse(archive(P2 + b"}" + weight("weight_hh_l0") + b"s."), LIMIT)
    assert arrays["weight_hh_l0"].shape == (4, 2)


@pytest.mark.parametrize("name", LIES)
def test_a_tensor_that_lies_is_refused(name: str) -> None:
    data = archive(P2 + b"}" + weight("weight_hh_l0", **LIES[name]) + b"s.")
    start = time.process_time()
    with pytest.raises(ValueError, match="weight_hh_l0|damaged"):
        parse(data, LIMIT)
    assert time.process_time() - start < 10


def test_lies_of_an_archive() -> None:
    entry = P2 + b"}" + weight("weight_hh_l0") + b"s."
    for data, reason in (
        (archive(entry).replace(b"archive/data/0", b"archive/data/1"), "data/0 is missing"),
        (archive(entry, **{"data/0": bytes(31)}), "weight_hh_l0 needs more data than the file holds"),
        (archive(entry, byteorder=b"middle"), "neither little nor big"),
        (archive(entry.replace(b"FloatStorage", b"OtherStorage")), "the kind torch.OtherStorage, which is not known"),
        (archive(entry.replace(b"K\x08tQ", b"J\xff\xff\xff\xfftQ")), "damaged"),
        (archive(entry, **{"data/1": bytes(LIMIT)}), "unfolds to more than the 16,777,216 bytes"),
        (archive(b""), "damaged or cut short"),
    ):
        with pytest.raises(ValueError, match=reason):
            parse(data, LIMIT)


def test_many_names_of_one_storage_have_a_limit_together() -> None:
    """Every name would have a megabyte of its own."""
    size = b"(J" + (1 << 18).to_bytes(4, "little") + b"K\x01t"
    entries = b"".join(weight(f"w{k}.weight_hh_l0", size=size, step=b"(K\x00K\x00t") + b"s" for k in range(40))
    with pytest.raises(ValueError, match=r"claims the shape \(262144, 1\), more than the"):
        parse(archive(P2 + b"}" + entries + b"."), LIMIT)


def test_sparse_tensors_that_lie() -> None:
    indices, values = torch.tensor([[0, 1], [2, 0]]), torch.tensor([1.0, 2.0])
    rows, columns = torch.tensor([0, 1, 2]), torch.tensor([2, 0])
    for layout, data, good in (
        ("coo", (indices, values, (2, 3)), True),
        ("coo", (indices + 1, values, (2, 3)), False),
        ("coo", (indices - 1, values, (2, 3)), False),
        ("coo", (indices, values, (1 << 40, 1 << 40)), False),
        ("coo", (indices.float(), values, (2, 3)), False),
        ("csr", (rows, columns, values, (2, 3)), True),
        ("csr", (rows, columns + 1, values, (2, 3)), False),
        ("csr", (rows * (1 << 40), columns, values, (2, 3)), False),
        ("csr", (rows.flip(0), columns, values, (2, 3)), False),
        ("csr", (rows[:0], columns, values, (2, 3)), False),
        ("csc", (rows, columns, values, (2, 3)), False),
        ("bsr", (rows, columns, values[:, None, None].expand(2, 2, 2), (4, 6)), True),
        ("bsr", (rows, columns, values[:, None, None].expand(2, 2, 2), (4, 5)), False),
        ("bsr", (rows, columns, values[:, None, None].expand(2, 0, 2), (4, 6)), False),
    ):
        entry = Sparse(layout, data)
        tensors = walk.walk(container.saved(checkpoints.saved({"w": entry}), LIMIT).content).tensors
        if good:
            assert tensors["w"].array("w", LIMIT).sum() in (3, 12)
        else:
            with pytest.raises(ValueError, match="w claims|w is sparse, and its places do not fit its shape"):
                tensors["w"].array("w", LIMIT)


class Sparse:
    """Pickled as torch pickles a sparse tensor, with any parts."""

    def __init__(self, layout: str, data: tuple) -> None:
        self.layout, self.data = layout, data

    def __reduce__(self) -> tuple:
        from torch._utils import _rebuild_sparse_tensor

        return _rebuild_sparse_tensor, (getattr(torch, f"sparse_{self.layout}"), self.data)


@pytest.mark.filterwarnings("ignore")
def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    """No other error than ValueError, nothing imported, opened or run. A file that ends the process that reads it, or
    is not read in time, gets its sentence from the sandbox, and the next one is read."""
    for place, data in enumerate(originals()):
        (tmp_path / f"{place:02}.pt").write_bytes(data)
    first, ended = 0, []
    while first < COUNT:
        command = [sys.executable, hostile_pickles.__file__, str(tmp_path), str(first), str(COUNT - first)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
        wrong = [line for line in done.stdout.splitlines() if line.startswith("wrong")]
        assert not wrong, "\n".join(wrong[:5])
        last = [line for line in done.stdout.splitlines() if line.startswith("reads")]
        assert last, done.stderr
        if done.returncode == 0:
            break
        ended.append(int(last[-1].split()[1]))
        first = ended[-1] + 1
    assert len(ended) <= COUNT // 100, ended
    for seed in ended[:20]:
        with pytest.raises(ValueError):
            sandbox.run("lstm_core.files.checkpoint", damaged(originals(), seed), LIMIT)
    assert not list(tmp_path.glob("*here*"))


def originals() -> list[bytes]:
    torch.manual_seed(0)
    state = nn.LSTM(3, 4).state_dict()
    module = nn.Sequential(nn.Embedding(5, 3), nn.GRU(3, 4, bidirectional=True))
    some = [checkpoints.file(seed) for seed in range(12)]
    whole = [checkpoints.saved({"model": m, "loss": 0.5}, **o) for m in (state, module) for o in ({}, OLDER)]
    return [*some, *whole, checkpoints.saved({"model": state, "args": Sparse}, pickle_protocol=4)]


OLDER = {"_use_new_zipfile_serialization": False}


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_in_the_sandbox(seed: int) -> None:
    try:
        load(damaged(originals(), seed), max_bytes=LIMIT)
    except ValueError as error:
        assert str(error)
