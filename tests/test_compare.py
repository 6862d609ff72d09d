"""``lstm_core.compare``: equal models are equal, whatever their format, and what cannot be compared says why."""

from __future__ import annotations

import os
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from converted import FORMATS, arrays, converted, reordered
from modules_to_compare import blocks, build, read
from safetensors.numpy import save
from torch import nn

import lstm_core
from lstm_core import CELLS, compare, load

pytestmark = pytest.mark.usefixtures("in_place")

KINDS = ("LSTM", "GRU", "RNN")


@pytest.mark.parametrize("kind", KINDS)
def test_equal_models_of_other_formats_are_equal(kind: str) -> None:
    """No false alarm: 527 pairs of the three kinds with NIGHTLY=1, of which 124 always."""
    rng, pairs = np.random.default_rng(KINDS.index(kind)), 0
    count = 34 if os.environ.get("NIGHTLY") else 8
    for number in range(count):
        single = number % 2 == 0
        options = {} if single else {"num_layers": int(rng.integers(1, 4)), "bidirectional": bool(rng.integers(2))}
        units, width = int(rng.integers(1, 20)), int(rng.integers(1, 9))
        batch_first = bool(rng.integers(2))
        module = build(kind, number, width, units, batch_first=batch_first, **options)
        shape = int(rng.integers(1, 12)), int(rng.integers(1, 5))
        x = read(*(shape[::-1] if batch_first else shape), width, seed=number)
        formats = FORMATS if single else FORMATS[:-1]
        forms = [converted(module, form) for form in formats]
        if kind == "RNN":
            forms = [load(form, cell="rnn") if isinstance(form, bytes) else form for form in forms[1:]]
        for form in forms:
            assert compare(module, form, x), (kind, number, compare(module, form, x))
            pairs += 1
    assert pairs == count * (4.5 if kind == "RNN" else 5.5)


class WritingGRU(CELLS["gru"]):
    """One whose z is the share that is written."""

    name = "writing_gru"
    signals = tuple(replace(s, role="write") if s.name == "z" else s for s in CELLS["gru"].signals)

    @staticmethod
    def update(p: Any, v: Any, s: Any, xp: Any) -> dict[str, Any]:
        return {"h": v.z * v.n + (1 - v.z) * s.h}


def test_a_share_is_aligned_by_what_it_does_and_not_by_its_letter() -> None:
    module = build("GRU")
    own = replace(load(save(blocks(module, "weight bias", np.negative, 1))).blocks[0], cell=WritingGRU)
    assert compare(module, own, read())
    assert compare(own, module, read())
    assert not compare(own, own.trace(read(seed=3)), read())


def test_a_file_by_its_path_a_shipped_model_by_its_name_and_its_state(tmp_path: Path) -> None:
    module, x = build(num_layers=2), read()
    path = tmp_path / "model.safetensors"
    path.write_bytes(save(arrays(module)))
    state = tuple(torch.from_numpy(read(2, 3, 6, seed=k)).tanh() for k in (2, 3))
    assert compare(module, path, x, state=state) and compare(str(path), module, x)
    assert not compare(lstm_core.trace(module, torch.from_numpy(x), state), path, x)
    assert compare(module, path, x, lengths=[7, 2, 5])
    model = lstm_core.load_model("pronouns-lstm")
    assert compare("pronouns-lstm", model, np.array([3, 4, 5, 6]))
    assert compare("pronouns-lstm", lstm_core.list_models()["pronouns-lstm"], np.array([3, 4, 5, 6]))


class Tagger(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.words, self.lstm = nn.Embedding(20, 5), nn.LSTM(5, 6, 2, batch_first=True, dropout=0.5)
        self.normal, self.out = nn.BatchNorm1d(6), nn.Linear(6, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.normal(self.lstm(self.words(x))[0][:, -1]))


def test_a_model_and_the_state_dict_of_it() -> None:
    """What reads ids is compared from its embedding on, whichever way they lie; no part's flag is changed."""
    model, ids = Tagger(), torch.from_numpy(np.random.default_rng(0).integers(1, 19, (3, 7)))
    model.normal.eval()
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    assert compare(model, weights, ids) and compare(model, save(weights), ids[:, :3])
    assert model.training and model.lstm.training and not model.normal.training
    weights["words.weight"] = np.roll(weights["words.weight"], 1, axis=0)
    found = compare(model, weights, ids)
    assert [one.name for one in found.causes] == ["embedding"] and "+1 rows" in str(found)


class Both(nn.Module):
    """Two modules on one input, run in one order or the other."""

    def __init__(self, order: tuple[str, str]) -> None:
        super().__init__()
        self.order = order
        for name in order:
            setattr(self, name, build(seed=len(name)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return sum(getattr(self, name)(x)[0] for name in self.order)  # type: ignore[return-value]


def test_modules_are_aligned_by_name_and_odd_ones_are_compared() -> None:
    a, b = Both(("a", "bb")), Both(("bb", "a"))
    assert compare(a, b, read())
    projected = build(proj_size=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's word about projections, once a process
        assert compare(projected, projected.state_dict(), read())
    cell = nn.GRUCell(5, 6)
    layer = {f"{name}_l0": value for name, value in cell.state_dict().items()}
    assert compare(cell, layer, read()) and compare(build(bias=False), build(bias=False).state_dict(), read())
    assert compare(build(dropout=0.5, num_layers=2), build(dropout=0.1, num_layers=2), read())


def exported_eval() -> nn.Module:
    """That of a module of ``torch.export``."""
    raise NotImplementedError("Calling eval() is not supported yet.")


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.enc, self.dec = build(), build()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.enc(x)[0] + self.dec(x)[0]


def test_what_cannot_be_compared_says_why() -> None:
    with pytest.raises(ValueError, match="not models of one shape .*A has 1 x 6, B has 2 x 6"):
        compare(build(), build(bidirectional=True), read())
    with pytest.raises(ValueError, match="A has [^;]*enc.* 1 x 6; [^;]*dec.* 1 x 6, B has 1 x 6$"):
        compare(Two().eval(), build(), read())
    with pytest.raises(ValueError, match="an input is needed"):
        compare(build(), build())
    with pytest.raises(ValueError, match="holds no recurrent layers"):
        compare(build(), {"weight": np.zeros(3)}, read())
    with pytest.raises(TypeError, match="an object of the type int cannot be compared"):
        compare(build(), 3, read())
    exported = nn.Linear(5, 5)
    exported.eval = exported_eval  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="Linear contains no recurrent module"):
        compare(build(), exported, read())


def test_it_takes_less_than_a_second_at_256_units() -> None:
    module = build(units=256, width=64)
    for value in module.parameters():
        value.data /= 8
    x = read(50, 2, 64)
    wrong = {name: reordered(value, (0, 3, 2, 1)) for name, value in arrays(module).items()}
    times = []
    for _ in range(3):
        start = time.thread_time()  # what others take of a busy machine is not counted
        assert compare(module, wrong, x).explained
        times.append(time.thread_time() - start)
    assert min(times) < 1, times


def test_what_numpy_cannot_hold_is_compared_as_well() -> None:
    """An input that needs a gradient, and one in bfloat16, in either layout."""
    for kind in (torch.float32, torch.bfloat16, torch.float16):
        module, x = nn.LSTM(5, 7).to(kind), torch.randn(6, 1, 5, dtype=kind, requires_grad=True)
        other = nn.LSTM(5, 7, batch_first=True).to(kind)
        other.load_state_dict(module.state_dict())
        assert compare(module, other, x).equal
        with torch.no_grad():
            for value in other.parameters():
                value.add_(0.5)
        assert not compare(module, other, x).equal


def test_a_model_and_its_file_of_8_bits(tmp_path: Path) -> None:
    """The embedding is rounded as well."""
    model = lstm_core.load_model("country-gru")
    model.save(tmp_path / "m.safetensors", "int8")
    found = compare(model, tmp_path / "m.safetensors", np.arange(3, 15))
    changes = "the embedding of A rounded to 8-bit integers", "the matrices of A rounded to 8-bit integers"
    assert found.explained and tuple(str(cause.change) for cause in found.causes) == changes


def test_every_file_of_ours_is_known_as_such_wherever_its_header_says_so(tmp_path: Path) -> None:
    """A safetensors file holds its metadata in any order, and a tokenizer may come first."""
    path = tmp_path / "m.safetensors"
    for _ in range(12):
        lstm_core.load_model("pronouns-gru").save(path)
        assert compare(path, "pronouns-gru", np.array([1, 2, 3])).equal
