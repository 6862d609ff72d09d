"""Models that torch.compile has been at, in every form, are traced as they were written, and stay compiled."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from lstm_core import trace, trace_all, trace_chunks
from tests.own_cases import CASES, built, sequence, traced
from tests.torch_modules import build, random

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # the compiler's own
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:Guards may run slower on Python 3.13.0"),  # its advice is 3.13.1
]


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """What one test compiled does not count for the next."""
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(9, 3)
        self.rnn = nn.LSTM(3, 4, 2, batch_first=True)
        self.cell = nn.GRUCell(4, 5)
        self.head = nn.Linear(5, 9)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.embed(ids)
        h = self.rnn(x)[0]
        return self.out(self.cell(h[:, -1]))

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        return self.embedding(ids) * 2

    def out(self, h: torch.Tensor) -> torch.Tensor:
        return self.head(h.relu())


def net() -> Net:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Net().eval()


def ids() -> torch.Tensor:
    return torch.randint(0, 9, (2, 5), generator=torch.Generator().manual_seed(0))


def whole(model: Net, backend: Any) -> Any:
    return torch.compile(model, backend=backend)


def in_place(model: Net, backend: Any) -> Any:
    model.compile(backend=backend)
    return model


def parts(model: Net, backend: Any) -> Any:
    model.rnn = torch.compile(model.rnn, backend=backend)  # type: ignore[assignment]
    model.cell.compile(backend=backend)
    model.head = torch.compile(model.head, backend=backend)  # type: ignore[assignment]
    return model


def its_forward(model: Net, backend: Any) -> Any:
    model.forward = torch.compile(model.forward, backend=backend)  # type: ignore[method-assign]
    return model


FORMS: dict[str, Callable[[Net, Any], Any]] = {form.__name__: form for form in (whole, in_place, parts, its_forward)}


@pytest.mark.parametrize(("backend", "ran_before"), [("eager", False), ("eager", True), ("aot_eager", True)])
@pytest.mark.parametrize("form", FORMS)
def test_a_compiled_model_is_traced(form: str, ran_before: bool, backend: str) -> None:
    """And is as compiled afterwards as one that was not traced."""
    expected, untraced = trace_all(net(), ids()), Counted(backend)
    with torch.no_grad():
        FORMS[form](net(), untraced)(ids())
    torch._dynamo.reset()
    counted = Counted(backend)
    compiled = FORMS[form](net(), counted)
    if ran_before:
        with torch.no_grad():
            compiled(ids())
    graphs = counted.graphs
    found = trace_all(compiled, ids())
    assert list(found) == ["rnn", "cell"]
    for name, one in found.items():
        assert one.max_abs_error is not None and one.max_abs_error < 1e-6 and not one.assumed
        for signal, value in expected[name].signals.items():
            np.testing.assert_allclose(one.signals[signal], value, rtol=0, atol=1e-6)
    assert counted.graphs == graphs, "the trace was compiled along"
    with torch.no_grad():
        torch.testing.assert_close(compiled(ids()), net()(ids()))
    assert counted.graphs == untraced.graphs and (untraced.graphs or form == "parts")


class Counted:
    """A backend that says how many graphs it was given."""

    def __init__(self, backend: str) -> None:
        self.backend, self.graphs = torch._dynamo.lookup_backend(backend), 0

    def __call__(self, graph: Any, inputs: Any) -> Any:
        self.graphs += 1
        return self.backend(graph, inputs)


@pytest.mark.parametrize("kind", ["lstm", "gru", "tanh"])
@pytest.mark.parametrize("ran_before", [False, True])
def test_a_compiled_module_is_traced(kind: str, ran_before: bool) -> None:
    x = random(6, 2, 5)
    expected = trace(build(kind), x)
    in_place = build(kind)
    in_place.compile(backend="eager")
    for module in (torch.compile(build(kind), backend="eager"), in_place):
        if ran_before:
            module(x)
        one, [piece, _], [inside] = trace(module, x), trace_chunks(module, x, steps=3), trace_all(module, x).values()
        for name, value in expected.signals.items():
            np.testing.assert_array_equal(one.signals[name], value)
            np.testing.assert_allclose(inside.signals[name], value, rtol=0, atol=1e-14)
            np.testing.assert_allclose(piece.signals[name], value[:, :, :3], rtol=0, atol=1e-14)


def test_a_model_that_calls_a_compiled_function_is_traced() -> None:
    model = net()

    @torch.compile(backend="eager")
    def run(x: torch.Tensor) -> torch.Tensor:
        return model.rnn(x)[0] * 2

    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = model

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return run(x)

    [found] = trace_all(Outer(), torch.randn(2, 5, 3)).values()
    assert found.max_abs_error is not None and found.max_abs_error < 1e-6


def test_a_compiled_module_that_cannot_be_traced_says_why() -> None:
    compiled: Any = torch.compile(nn.Sequential(nn.Linear(5, 5), nn.GRU(5, 6)), backend="eager")
    with pytest.raises(TypeError, match="^Sequential cannot be traced by itself; it contains 1: pass one of these"):
        trace(compiled, torch.zeros(3, 1, 5))
    with pytest.raises(ValueError, match="^Linear contains no recurrent module"):
        trace_all(torch.compile(nn.Linear(2, 2), backend="eager"), torch.zeros(1, 2))


def test_a_cell_of_somebodys_own_is_traced() -> None:
    case = CASES["mgu"]
    module, x = built(case), sequence(case)
    compiled = torch.compile(module, backend="eager")
    compiled(x[0])
    for name, values in traced(case, module, x).signals.items():
        np.testing.assert_array_equal(traced(case, compiled, x)[name], values)


def test_the_compilers_stance_is_put_back() -> None:
    """After an error, and by threads that trace at the same time."""
    from torch._dynamo.eval_frame import _stance

    before = _stance.stance
    with pytest.raises(ValueError, match="4 numbers a step; LSTM reads 5"):
        trace(torch.compile(build("lstm"), backend="eager"), torch.zeros(3, 1, 4, dtype=torch.float64))
    modules = [build("lstm") for _ in range(4)]
    threads = [threading.Thread(target=lambda m=m: [trace(m, random(20, 2, 5)) for _ in range(20)]) for m in modules]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    from torch._dynamo import eval_frame

    assert eval_frame._stance.stance == before == "default"


def test_to_trace_does_not_load_the_compiler() -> None:
    """Which takes a second; a model that was not compiled has no use for it."""
    code = (
        "import sys, torch, lstm_core\n"
        "m = torch.nn.GRU(2, 2); m.register_forward_hook(lambda *a: None)\n"
        "p = torch.nn.utils.parametrizations.weight_norm(torch.nn.LSTM(2, 2), 'weight_hh_l0')\n"
        "for one in (torch.nn.LSTM(2, 2), m, p): lstm_core.trace(one, torch.zeros(3, 1, 2))\n"
        "lstm_core.trace_all(torch.nn.Sequential(m), torch.zeros(3, 1, 2))\n"
        "assert 'torch._dynamo' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.filterwarnings("ignore:Dynamo does not know:UserWarning")
def test_inside_a_compiled_function_it_says_so() -> None:
    module = nn.LSTM(5, 6)
    compiled = torch.compile(lambda x: (trace(module, x), x)[1], backend="eager")
    with pytest.raises(ValueError, match="a function that torch.compile compiles is running; trace outside it"):
        compiled(torch.zeros(9, 3, 5))


def test_a_tensor_without_values_is_refused() -> None:
    with FakeTensorMode():
        x = torch.zeros(9, 3, 5)
    with pytest.raises(TypeError, match="x is a FakeTensor, whose values cannot be read"):
        trace(nn.LSTM(5, 6), x)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_a_dual_number_is_traced_as_its_value(kind: str) -> None:
    """Here, since torch loads half of the compiler for it."""
    module, x = build(kind, num_layers=2), random(9, 3, 5)
    with torch.autograd.forward_ad.dual_level():
        found = trace(module, torch.autograd.forward_ad.make_dual(x, torch.ones_like(x)))
    np.testing.assert_allclose(found["h"], trace(module, x)["h"], atol=1e-12)
