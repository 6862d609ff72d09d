"""The certificate against faults: a way that gives wrong gates is found out, whatever it does wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lstm_core import trace, trace_all, trace_chunks
from lstm_core.certificate import Certificate
from lstm_core.modules import proof
from lstm_core.modules import run as run_of_a_layer
from lstm_core.modules.call import Call
from lstm_core.modules.gates import Gates
from lstm_core.modules.product import product
from lstm_core.modules.proof import compare
from lstm_core.modules.tracing import trace_module
from lstm_core.modules.ways import WAYS
from lstm_core.ops import NUMPY
from lstm_core.scan import scan
from lstm_core.stacked import GATES
from tests.torch_modules import build, check_same, random, state_for

KINDS = ("lstm", "gru", "tanh")
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
STEPS, BATCH, UNITS = 12, 3, 6


def exchanged(values: Tensor, other: Tensor) -> None:
    kept = values.clone()
    values.copy_(other)
    other.copy_(kept)


FAULTS: dict[str, Callable[[Tensor, Tensor], object]] = {
    # (the gate's values, (layer, direction, time, batch, unit); those of another gate)
    "exchanged": exchanged,
    "negated": lambda own, other: own.neg_(),
    "complement": lambda own, other: own.copy_(1 - own),
    "complement but for a step": lambda own, other: own[:, :, 1:].copy_(1 - own[:, :, 1:]),
    "a step late": lambda own, other: own.copy_(own.roll(1, 2)),
    "a sequence off": lambda own, other: own.copy_(own.roll(1, 3)),
    "a unit off": lambda own, other: own.copy_(own.roll(1, 4)),
    "a layer off": lambda own, other: own.copy_(own.roll(1, 0)),
    "a direction off": lambda own, other: own.copy_(own.flip(1)),
    "stale weights": lambda own, other: own.mul_(0.99),
}


def faulty(take: Callable[[Call], Gates | None], spoil: Callable[[Gates], None]) -> Callable[[Call], Gates | None]:
    """A way whose arrays were wrong before they were compared."""

    def wrong(call: Call) -> Gates | None:
        gates = take(call)
        if gates is not None:
            spoil(gates)
            for run in gates.runs:
                run.of_h, run.of_c, run.compared = [], [], 0
                for start, stop in run.blocks():
                    compare(run, start, stop)
        return gates

    return wrong


def each_gate_spoiled(fault: str, method: str, letters: Sequence[str], patch: pytest.MonkeyPatch) -> Iterator[None]:
    """For each gate once: the way of that name makes it wrong, by what stands in ``FAULTS``."""
    if len(letters) == 1 and fault == "exchanged":
        pytest.skip("there is one gate")
    take = WAYS[method].take
    for k in range(len(letters)):

        def spoil(gates: Gates, k: int = k) -> None:
            parts = gates["gates"].chunk(len(letters), dim=-1)
            FAULTS[fault](parts[k], parts[(k + 1) % len(letters)])

        patch.setitem(WAYS, method, replace(WAYS[method], take=faulty(take, spoil)))
        yield


@pytest.mark.parametrize("method", WAYS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("lengths", [None, [STEPS, 5, 9]])
def test_every_fault_of_every_gate_is_found(
    fault: str, kind: str, method: str, lengths: list[int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A way that reads along gives way to the one that computes; what computes wrong is refused."""
    module = build(kind, torch.float32, num_layers=2, bidirectional=True)
    x, state = random(STEPS, BATCH, 5, dtype=torch.float32), state_for(module, BATCH)
    if not WAYS[method].usable(Call(module, x, state, lengths)):
        pytest.skip(f"{method} is not for this module")
    right = trace_module(module, x, state, lengths=lengths)
    for _ in each_gate_spoiled(fault, method, GATES[right.cell.name], monkeypatch):
        if method in ("product", "loop"):
            with pytest.raises(RuntimeError, match=r"the trace('s \w+ differs from| holds NaN)"):
                trace_module(module, x, state, lengths=lengths, method=method)
        else:
            found = trace_module(module, x, state, lengths=lengths, method=method)
            assert found.method == "product"
            check_same(found, right, 2e-6)


@pytest.mark.parametrize("state", ["h", "c"])
@pytest.mark.parametrize("method", ["onednn", "product", "loop"])
def test_one_wrong_value_of_a_state_is_found(method: str, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it stands: a state is compared at every step, unit and sequence."""
    module, x = build("lstm", torch.float32, num_layers=2), random(STEPS, BATCH, 5, dtype=torch.float32)
    if not WAYS[method].usable(Call(module, x)):
        pytest.skip("torch runs without oneDNN here")
    take = WAYS[method].take
    for place in [(0, 0, 0, 0, 0), (0, 0, STEPS - 1, 2, 5), (1, 0, 7, 1, 3), (1, 0, STEPS - 1, 0, 2)]:

        def spoil(gates: Gates, place: tuple[int, ...] = place) -> None:
            gates[state][place] += 1e-3

        monkeypatch.setitem(WAYS, method, replace(WAYS[method], take=faulty(take, spoil)))
        if method == "onednn":
            assert trace_module(module, x, method=method).method == "product"
        else:
            with pytest.raises(RuntimeError, match=r"the trace's \w differs from"):
                trace_module(module, x, method=method)


def runs_of(module: nn.RNNBase, x: Tensor) -> Gates:
    with torch.no_grad():
        return product(Call(module, x))


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_a_fault_at_some_steps_is_missed_as_seldom_as_is_said(share: float) -> None:
    """i and g exchanged in a fifth of the steps: no state shows it, and 32 steps drawn anew miss it once in 1,200."""
    torch.manual_seed(0)
    [run] = runs_of(nn.LSTM(3, 8), torch.randn(1000, 1, 3)).runs
    i, g = run.gates[..., :8], run.gates[..., 16:24]
    at = torch.randperm(1000)[: int(1000 * share)]
    i[at], g[at] = g[at].clone(), i[at].clone()
    missed = 0
    for seed in range(2000):
        errors, places = proof.sample(run, proof.drawing(seed), 1e-4)
        missed += max(errors.values()) < 1e-4
        assert places == 34 * 8
    assert missed / 2000 <= (0.002 if share < 0.3 else 0)  # expected: 0.0008, and 2e-10


def test_a_fault_in_some_units_is_missed_as_seldom_as_is_said() -> None:
    torch.manual_seed(0)
    [run] = runs_of(nn.GRU(3, 200), torch.randn(40, 2, 3)).runs
    run.gates[..., :40] *= 0.9  # r of a fifth of the units: in no h but through n, which is as it was
    missed = sum(max(proof.sample(run, proof.drawing(seed), 1e-4)[0].values()) < 1e-4 for seed in range(1000))
    assert missed / 1000 <= 0.004


@pytest.mark.parametrize("lengths", [None, [300, 100, 220]])
@pytest.mark.parametrize("step", [0, -1])
@pytest.mark.parametrize(("kind", "letter"), [("lstm", 1), ("gru", 0)])
def test_a_fault_at_the_first_or_the_last_step_alone_is_found(kind: str, letter: int, step: int, lengths: Any) -> None:
    """f where c was 0 and r are in no state; the ends of some sequence are always among the places."""
    module, x = build(kind, torch.float32, bidirectional=True), random(300, 3, 5, dtype=torch.float32)
    with torch.no_grad():
        runs = product(Call(module, x, lengths=lengths)).runs
    for run in runs:
        gate = run.gates[..., letter * UNITS : (letter + 1) * UNITS]
        for b, length in enumerate(lengths or [300] * 3):
            gate[step % length, b] *= 0.9
        for seed in range(50):
            assert max(proof.sample(run, proof.drawing(seed), 1e-4)[0].values()) > 1e-3


@pytest.mark.parametrize("kind", ["lstm", "projected", "gru", "tanh"])
@pytest.mark.parametrize("lengths", [None, [40, 3, 17]])
def test_what_an_accelerator_is_asked_in_one_piece_is_the_same(
    kind: str, lengths: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, x = build(kind, torch.float32, bidirectional=True), random(40, 3, 5, dtype=torch.float32)
    with torch.no_grad():
        runs = product(Call(module, x, lengths=lengths)).runs
    for seed, run in enumerate(runs):
        expected = proof.sample(run, proof.drawing(seed), 1e-4)
        with monkeypatch.context() as patch:
            patch.setattr(run_of_a_layer, "AS_NUMPY", False)
            assert proof.sample(run, proof.drawing(seed), 1e-4) == expected


@pytest.mark.parametrize("kind", ["lstm", "projected", "gru", "tanh", "relu"])
@pytest.mark.parametrize("method", WAYS)
@pytest.mark.parametrize("lengths", [None, [12, 3, 9]])
def test_what_is_compared_on_an_accelerator_is_the_same(
    kind: str, method: str, lengths: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By torch's operations: differences of sound gates are rounding, and one of a fault is as large."""
    module, x = build(kind, torch.float32, num_layers=2, bidirectional=True), random(12, 3, 5, dtype=torch.float32)
    if not WAYS[method].usable(Call(module, x, lengths=lengths)):
        pytest.skip(f"{method} is not for this module")
    monkeypatch.setattr(run_of_a_layer, "AS_NUMPY", False)
    found = trace_module(module, x, lengths=lengths, method=method)
    assert found.method == method and found.certificate is not None
    run = runs_of(module, x).runs[1]
    run.h[7, 1, 2] += 0.25
    errors = []
    for numpy in (False, True):
        monkeypatch.setattr(run_of_a_layer, "AS_NUMPY", numpy)
        vars(run).pop("arrays", None)
        run.of_h, run.of_c = [], []
        compare(run, 0, 12)
        errors.append([proof.largest(run.of_h), proof.largest(run.of_c)])
    np.testing.assert_allclose(*errors, rtol=1e-5, atol=1e-6)
    assert errors[0][0] > 0.2


def test_the_places_are_drawn_anew_and_can_be_drawn_again() -> None:
    module, x = nn.LSTM(3, 40), torch.randn(50, 4, 3)
    one, two = trace(module, x).certificate, trace(module, x).certificate
    assert one and two and one.seed != two.seed and one.seed is not None
    [run] = runs_of(module, x).runs
    drawn = proof.sample(run, proof.drawing(one.seed), 1e-4)[0]
    assert drawn == proof.sample(run, proof.drawing(one.seed), 1e-4)[0]


@pytest.mark.parametrize("method", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_was_compared_is_said(kind: str, method: str) -> None:
    module, x = build(kind, torch.float32, num_layers=2), random(50, BATCH, 5, dtype=torch.float32)
    found = trace_module(module, x, method=method)
    proved = found.certificate
    assert proved is not None and found.method in (method, "product")
    states = [name for name in ("h", "c") if name in found.signals]
    assert list(proved.everywhere) == states and set(proved.sampled) == set(found.signals) - set(states)
    assert proved.total == 2 * 50 * BATCH * UNITS and proved.places == 2 * 34 * UNITS
    assert proved.limit == 1e-4 and proved.precision == "float32"
    assert found.max_abs_error == proved.everywhere["h"] < 1e-6
    words = f"{', '.join(states)} everywhere to"
    assert str(proved).startswith(words) and "at 408 of 1,800 places to" in str(proved)
    assert f"certificate='{words}" in repr(found)


ON_ONE_THREAD = """
import time, torch
from lstm_core import trace
torch.set_num_threads(1)
module, x = torch.nn.LSTM(256, 256), torch.randn(20, 16, 256)
trace(module, x)
began = time.process_time() - time.thread_time(), time.thread_time()
for _ in range(20):
    trace(module, x)
others, own = time.process_time() - time.thread_time() - began[0], time.thread_time() - began[1]
assert others < own / 20, (others, own)
"""


def test_what_is_computed_again_takes_no_threads_but_torchs() -> None:
    """NumPy's BLAS has its own, and waits for them where the machine is busy."""
    subprocess.run([sys.executable, "-c", ON_ONE_THREAD], env=os.environ | {"OPENBLAS_NUM_THREADS": "2"}, check=True)


@pytest.mark.parametrize("width", [1, 64, 5000, proof.SERIAL])
def test_a_product_in_parts_is_the_product(width: int) -> None:
    rng = np.random.default_rng(0)
    values, weights = rng.random((2, width)), rng.random((129, width))
    np.testing.assert_allclose(proof._times(values, weights), values @ weights.T, rtol=1e-12)


def test_what_is_compared_is_what_the_equations_say() -> None:
    """The updates that are compared, against the cells' own: a state a little off is off by as much."""
    for kind in ("lstm", "gru", "tanh", "relu", "projected"):
        module, x = build(kind), random(9, 2, 5)
        found = trace(module, x)
        signals, final = scan(found.cell, found.layers, x.numpy(), found.initial, NUMPY)
        for name, values in signals.items():
            np.testing.assert_allclose(found.signals[name], values, rtol=0, atol=1e-12)
        for name, values in final.items():
            np.testing.assert_allclose(found.final[name], values, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lengths", [None, [7, 2, 5]])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_final_states_are_the_modules_own(kind: str, lengths: Any, bidirectional: bool) -> None:
    module, x = build(kind, num_layers=2, bidirectional=bidirectional), random(7, 3, 5)
    given = x if lengths is None else nn.utils.rnn.pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
    with torch.no_grad():
        _, last = module(given)
    found = trace(module, x, lengths=lengths).final
    for name, value in zip(("h", "c"), last if isinstance(last, tuple) else (last,), strict=False):
        np.testing.assert_allclose(found[name].reshape(value.shape), value.numpy(), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("dtype", "words", "limit"),
    [(torch.float64, "float64", 1e-10), (torch.float32, "float32", 1e-4), (torch.bfloat16, "bfloat16", 5e-2)],
)
def test_the_precision_is_that_of_the_run(dtype: torch.dtype, words: str, limit: float) -> None:
    module, x = build("gru", dtype), random(6, 2, 5, dtype=dtype)
    proved = trace(module, x).certificate
    assert proved and (proved.precision, proved.limit) == (words, limit)
    if dtype is torch.float32:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            proved = trace(module, x).certificate
        assert proved and proved.precision == "bfloat16 (autocast)" and proved.limit == 5e-2


def test_pieces_and_parts_have_certificates_that_add_up() -> None:
    module, x = build("lstm", torch.float32), random(40, 2, 5, dtype=torch.float32)
    parts = [piece.certificate for piece in trace_chunks(module, x, steps=10)]
    assert all(part and part.total == 10 * 2 * UNITS for part in parts)

    class Decoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = nn.LSTMCell(5, UNITS)

        def forward(self, x: Tensor) -> Any:
            state = None
            for step in x:
                state = self.cell(step, state)
            return state

    [found] = trace_all(Decoder(), x).values()
    assert found.certificate and found.certificate.total == 40 * 2 * UNITS and len(found) == 40


def test_a_certificate_goes_to_a_file_and_back(tmp_path: Any) -> None:
    module, x = build("lstm", torch.float32), random(4, 2, 5, dtype=torch.float32)
    found = trace(module, x)
    found.to_npz(tmp_path / "trace.npz")
    again = type(found).from_npz(tmp_path / "trace.npz")
    assert (again.certificate, again.method, again.broken) == (found.certificate, found.method, None)
    assert isinstance(again.certificate, Certificate)
