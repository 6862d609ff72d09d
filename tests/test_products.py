"""float32 that a CPU rounds in products, to bfloat16 or TF32: found out, said, and allowed for no further than that."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lstm_core import trace, trace_cell
from lstm_core.modules import precision, products, proof, rounding
from lstm_core.modules.call import Call
from lstm_core.modules.product import product
from lstm_core.modules.tracing import METHODS, trace_module
from lstm_core.stacked import GATES
from tests.test_trace_proof import FAULTS, each_gate_spoiled
from tests.torch_modules import build, random

BACKENDS: Any = torch.backends
ON_CUDA: Any = SimpleNamespace(device=torch.device("cuda"))
SIZE = 128
LENGTHS = [20, 7, 19, 1]
WORDS = "float32 (products in bfloat16)"
FULL, ROUNDED = precision.TOLERANCE[torch.float32], precision.ROUNDED["bfloat16"]
KINDS = {"gru": nn.GRU, "tanh": nn.RNN, "gru cell": nn.GRUCell, "lstm cell": nn.LSTMCell, "tanh cell": nn.RNNCell}

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")


def as_made() -> None:
    torch.set_float32_matmul_precision("highest")
    for backend in (BACKENDS, BACKENDS.mkldnn, BACKENDS.cuda.matmul):
        backend.fp32_precision = "none"
    for of in ("matmul", "rnn", "conv"):
        getattr(BACKENDS.mkldnn, of).fp32_precision = "none"


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    yield
    as_made()


@pytest.fixture
def medium() -> None:
    torch.set_float32_matmul_precision("medium")
    if products.of_products(20, (3 * SIZE, SIZE)) != "bfloat16":
        as_made()
        pytest.skip("this processor has no bfloat16 units that torch uses")


def made(kind: type, size: int = SIZE, **options: Any) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return kind(size, size, **options)


def inputs(steps: int = 20, size: int = SIZE) -> Tensor:
    return random(steps, 4, size, dtype=torch.float32)


def rounding_to(name: str, values: Tensor) -> Tensor:
    return torch.from_numpy(rounding.to(values.numpy(), name)) if name else values


@pytest.mark.parametrize("name", ["bfloat16", "TF32", ""])
def test_what_a_product_rounds_to_is_found_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On any processor: by products, LSTMs and convolutions that round."""
    monkeypatch.setattr(products, "_settings", lambda of: (name, "made up"))
    linear, convolve, lstm = nn.functional.linear, nn.functional.conv2d, torch.lstm
    monkeypatch.setattr(nn.functional, "linear", lambda x, w, b: linear(x, rounding_to(name, w), b))
    monkeypatch.setattr(nn.functional, "conv2d", lambda x, w: convolve(x, rounding_to(name, w)))
    monkeypatch.setattr(torch, "lstm", lambda x, s, w, *rest: lstm(x, s, [rounding_to(name, one) for one in w], *rest))
    for shape in ((1, 1), (8, 1), (192, 64)):
        assert products.of_products(1, shape) == products.of_products(500, shape) == name
    assert products.of_lstm(3, 5, 7) == name
    assert products.of_convolutions((4, 3, 2, 2)) == name
    assert products.of_products(1, (0, 3)) == products.of_convolutions((4, 0, 2, 2)) == ""
    assert products.coarsest(["", "TF32", name]) == (name or "TF32")


@pytest.mark.parametrize("name", ["bfloat16", "TF32"])
def test_operands_are_rounded_to_the_nearest(name: str) -> None:
    values = np.array([0.0, -0.0, 1.0, np.pi, -1e30, 1e-30, 3.4e38, np.inf, -np.inf, np.nan], "f4")
    rounded = rounding.to(values, name)
    if name == "bfloat16":
        np.testing.assert_array_equal(rounded, torch.from_numpy(values).bfloat16().float().numpy())
    finite = np.isfinite(rounded)
    off = abs(rounded[finite] - values[finite])
    assert (off <= abs(values[finite]) * 2.0 ** -(rounding.MANTISSA[name] + 1)).all()


def test_what_is_in_full_is_allowed_what_full_precision_is() -> None:
    """With the settings that torch is made with."""
    for kind in ("lstm", "gru", "tanh"):
        found = trace(build(kind, torch.float32), random(5, 2, 5, dtype=torch.float32)).certificate
        assert found and (found.limit, found.precision) == (FULL, "float32")


def test_in_full_sets_nothing_for_good() -> None:
    matmul = BACKENDS.mkldnn.matmul
    torch.set_float32_matmul_precision("medium")
    with products.in_full():
        assert matmul.fp32_precision == "ieee"
    assert matmul.fp32_precision == "bf16" and torch.get_float32_matmul_precision() == "medium"
    as_made()
    BACKENDS.fp32_precision = "bf16"
    with products.in_full():
        assert matmul.fp32_precision == "ieee"
    assert matmul.fp32_precision == "bf16"
    BACKENDS.fp32_precision = "ieee"
    assert matmul.fp32_precision == "ieee", "what it took from the setting above it is no setting of its own"


def set_again() -> str:
    with products.in_full():
        return BACKENDS.mkldnn.matmul.fp32_precision


ASKED: dict[str, tuple[Any, Any, object]] = {
    "whether it is allowed": (products.in_full, lambda: products.allowed("matmul"), True),
    "what is tried": (products.in_full, lambda: products.of_products(1, (8, 8)), "bfloat16"),
    "set by both": (products.in_full, set_again, "ieee"),
    "on CUDA": (lambda: precision.like_its_own(ON_CUDA), lambda: precision._allows(BACKENDS.cuda.matmul), False),
}


@pytest.mark.parametrize("case", ASKED)
def test_no_thread_sees_what_another_has_set_for_a_moment(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits until that is as it was."""
    enter, ask, expected = ASKED[case]
    monkeypatch.setattr(precision, "rounded", lambda call: "TF32")
    monkeypatch.setattr(products, "_product", lambda settings, *sizes: {"bf16": "bfloat16"}[settings[0]])
    BACKENDS.mkldnn.matmul.fp32_precision = "bf16"
    inside, go = threading.Event(), threading.Event()

    def first() -> None:
        with enter():
            inside.set()
            go.wait(10)

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(first)
        assert inside.wait(10)
        other = pool.submit(ask)
        time.sleep(0.05)
        early = other.done()
        go.set()
        one.result()
        assert other.result() == expected and not early
    assert BACKENDS.mkldnn.matmul.fp32_precision == "bf16"


def test_traces_in_two_threads_are_those_of_one(medium: None) -> None:
    lstm, gru, x = made(nn.LSTM), made(nn.GRU), inputs()

    def limits(module: nn.Module) -> set[object]:
        return {found.limit for _ in range(20) if (found := trace(module, x).certificate)}

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(limits, [lstm, gru, lstm, gru])) == [{FULL}, {ROUNDED}, {FULL}, {ROUNDED}]


def test_a_large_gate_is_compared_with_rounded_operands() -> None:
    """Inputs that nobody scaled: 0.4 % of a hundred is more than a gate is high."""
    module, x = made(nn.RNN), 100 * inputs()
    with torch.no_grad():
        [run] = product(Call(module, x)).runs
    past = torch.cat([run.first("h")[None], run.h[:-1]])
    near = {name: rounding_to("bfloat16", value) for name, value in run.weights.items()}
    run.gates[:] = nn.functional.linear(rounding_to("bfloat16", run.x), near["weight_ih"], run.weights["bias_ih"])
    run.gates += nn.functional.linear(past, run.weights["weight_hh"], run.weights["bias_hh"])  # this one in full

    def worst(rounds: str) -> float:
        return proof.sample(run, proof.drawing(0), ROUNDED, rounds)[0]["a"]

    assert worst("bfloat16") < 1e-4 < ROUNDED < worst("")
    run.gates[:] = run.gates.roll(1, 0)
    assert worst("bfloat16") > ROUNDED


@pytest.mark.parametrize("method", [*METHODS])
@pytest.mark.parametrize(
    "kind, lengths", [*((kind, None) for kind in KINDS), ("gru", LENGTHS), ("tanh", LENGTHS)], ids=str
)
def test_products_in_bfloat16_are_said_and_allowed_for(
    kind: str, method: str, lengths: list[int] | None, medium: None
) -> None:
    found = trace_module(made(KINDS[kind]), inputs(), lengths=lengths, method=method).certificate
    assert found and (found.limit, found.precision) == (ROUNDED, WORDS)
    if method != "loop":  # which multiplies gate by gate
        assert max(found.sampled.values()) > FULL, "what ran was rounded"


@pytest.mark.parametrize("method", [*METHODS])
def test_a_whole_lstm_is_computed_and_checked_in_full(method: str, medium: None) -> None:
    """It is one operation of oneDNN, which "medium" leaves as it is; so are products that are made for it."""
    for options in ({}, {"num_layers": 2, "bidirectional": True}):
        found = trace_module(made(nn.LSTM, **options), inputs(), method=method).certificate
        assert found and (found.limit, found.precision) == (FULL, "float32")
        assert max(found.sampled.values()) < 1e-5
    for lengths, options in ((LENGTHS, {}), (None, {"proj_size": 20})):  # which run by products
        found = trace_module(made(nn.LSTM, **options), inputs(), lengths=lengths, method=method).certificate
        assert found and (found.limit, found.precision) == (ROUNDED, WORDS)


@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTMCell])
def test_products_too_small_to_be_rounded_are_judged_in_full(kind: type, medium: None) -> None:
    """The trace's own would be large enough: it makes them of many steps at once."""
    module, x = made(kind, size=16), inputs(500, 16)
    found = trace(module, x).certificate
    assert found and (found.limit, found.precision) == (FULL, "float32")


@pytest.mark.parametrize("method", [*METHODS])
def test_a_projection_too_small_to_be_rounded_is_compared_in_full(method: str, medium: None) -> None:
    module, x = nn.LSTM(3, 64, proj_size=48), random(500, 1, 3, dtype=torch.float32)
    found = trace_module(module, x, method=method).certificate
    assert found and (found.limit, found.precision) == (FULL, "float32")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_as_they_were(dtype: torch.dtype, medium: None) -> None:
    found = trace(made(nn.GRU).to(dtype), inputs().to(dtype)).certificate
    assert found and found.limit == precision.TOLERANCE[dtype]
    assert max(found.sampled.values()) < 1e-6


@pytest.mark.parametrize("of", ["rnn", "conv"])
def test_a_setting_for_other_operations_changes_nothing(of: str) -> None:
    getattr(BACKENDS.mkldnn, of).fp32_precision = "bf16"
    for kind in (nn.GRU, nn.LSTM):
        module, x = made(kind), inputs()
        found = trace(module, x).certificate
        assert found
        if kind is nn.GRU or not products.of_lstm(4, SIZE, SIZE):
            assert (found.limit, found.precision) == (FULL, "float32")


@pytest.mark.parametrize("scale", [100, 10_000])
@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_inputs_that_nobody_scaled(scale: float, lengths: list[int] | None, medium: None) -> None:
    for kind in (nn.GRU, nn.RNN, nn.LSTM):
        assert trace(made(kind), scale * inputs(), lengths=lengths).certificate


def test_a_module_of_ones_own(medium: None) -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.of_x, self.of_h = nn.Linear(SIZE, SIZE), nn.Linear(SIZE, SIZE)

        def forward(self, x: Tensor, h: Tensor) -> Tensor:
            return torch.tanh(self.of_x(x) + self.of_h(h))

    def step(module: Any, x: Tensor, s: Any) -> dict[str, Tensor]:
        return {"h": torch.tanh(module.of_x(x) + module.of_h(s.h))}

    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = Own()
    state = torch.zeros(4, SIZE)
    found = trace_cell(module, inputs(), state, step=step).certificate
    assert found and (found.limit, found.precision) == (ROUNDED, WORDS)
    as_made()
    found = trace_cell(module, inputs(), state, step=step).certificate
    assert found and (found.limit, found.precision) == (FULL, "float32")


@pytest.mark.parametrize("kind", ["gru", "tanh"])
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "stale weights"])
def test_a_wrong_gate_is_found_under_the_wider_limit(
    fault: str, kind: str, medium: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = made(KINDS[kind], num_layers=2, bidirectional=True)
    right = trace(module, inputs())
    assert right.certificate and right.certificate.precision == WORDS
    for _ in each_gate_spoiled(fault, "product", GATES[right.cell.name], monkeypatch):
        with pytest.raises(RuntimeError, match="differs from"):
            trace_module(module, inputs(), method="product")
