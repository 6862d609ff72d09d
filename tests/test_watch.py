"""``lstm_core.watch``: what it reads is the health of that pass, and the training is not changed by it."""

from __future__ import annotations

import copy
import csv
import gc
import os
import re
import shutil
import sys
import threading
import weakref
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune
from torch.utils.checkpoint import checkpoint

import lstm_core
from dashboard.figures.training import panels
from lstm_core.analysis import health
from lstm_core.modules.tracing import trace_module
from lstm_core.watching.course import course
from lstm_core.watching.reading import COLUMNS, Reading, Skipped

X = torch.randn(7, 5, 3, generator=torch.Generator().manual_seed(0))


class Tagger(nn.Module):
    def __init__(self, batch_first: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.rnn = nn.LSTM(3, 6, 2, bidirectional=True, dropout=0.3, batch_first=batch_first)
        self.out = nn.Linear(12, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.rnn(x)[0])


def train(model: nn.Module, steps: int, x: Tensor = X) -> list[float]:
    """The losses; dropout is drawn from one seed."""
    torch.manual_seed(1)
    optimizer, losses = torch.optim.SGD(model.parameters(), 0.1), []
    for _ in range(steps):
        loss = model(x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def test_what_is_read_is_the_passes_health() -> None:
    model, readings = Tagger(), list[Reading]()
    twin = copy.deepcopy(model)
    with lstm_core.watch(model, every=2, to=readings.append, sequences=3) as watching:
        train(model, 5)
        assert watching.step == 5
        model.eval()
        model(X)
        assert watching.step == 5
    assert [(one.step, one.name, one.layer, one.direction) for one in readings] == [
        (step, "rnn", layer, direction) for step in (0, 2, 4) for layer in (0, 1) for direction in (0, 1)
    ]
    train(twin, 4)  # as it was at the third reading
    expected = health(lstm_core.trace(twin.rnn.eval(), X[:, :3]))
    for found, one in zip(readings[-4:], expected, strict=True):
        np.testing.assert_allclose(found.health.movement, one.movement, atol=1e-6)
        assert found.quantities()["dead"] == one.dead.mean()
        assert found.health.timescale is not None and one.timescale is not None
        np.testing.assert_allclose(found.health.timescale, one.timescale, rtol=1e-4)


LEFT: dict[str, Any] = {
    "detached": lambda y, last: (y, tuple(one.detach() for one in last)),
    "none": lambda y, last: (y,),
    "None": lambda y, last: (y, None),
}


@pytest.mark.parametrize("left", LEFT)
def test_what_somebodys_hook_leaves_of_the_last_states_may_be_anything(left: str) -> None:
    found = []
    for hooked in (False, True):
        torch.manual_seed(0)
        model, readings = nn.LSTM(3, 6), list[Reading]()
        with lstm_core.watch(model, 1, readings.append) as watching:
            if hooked:
                model.register_forward_hook(lambda module, x, output: LEFT[left](*output), prepend=True)
            model(X)[0].sum().backward()
        assert not watching.skipped
        found.append(readings[0].dh)
    np.testing.assert_array_equal(*found)


@pytest.mark.filterwarnings("error")
def test_what_a_watched_module_gave_can_be_saved(tmp_path: Path) -> None:
    with lstm_core.watch(model := nn.LSTM(3, 4), 1, lambda reading: None):
        torch.save(model(X), tmp_path / "output.pt")


def test_a_pass_that_was_read_is_let_go() -> None:
    """Without a backward pass as with one: its graph is not held, nor does it wait for the collector."""
    model, gone = nn.GRU(3, 4), list[Any]()
    gc.collect()
    gc.disable()
    try:
        with lstm_core.watch(model, 1, lambda reading: None):
            for back in (True, False):
                x, mark = X.clone().requires_grad_() * 1, Full(0, ValueError())
                x.register_hook(lambda gradient, mark=mark: None)  # the graph alone holds it
                gone.append(weakref.ref(mark))
                y, last = model(x)
                if back:
                    (y.sum() + last.sum()).backward()
                del x, y, last, mark
                assert gone[-1]() is None
    finally:
        gc.enable()


def test_training_is_the_same_to_the_last_bit() -> None:
    plain, watched = Tagger(), Tagger()
    with lstm_core.watch(watched, every=1, to=lambda reading: None):
        losses = train(watched, 4)
    assert losses == train(plain, 4)
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), watched.parameters(), strict=True))
    assert watched.training and watched.rnn.training and not watched.rnn._forward_hooks


def doubled(module: nn.Module, args: Any) -> Any:
    return (args[0] * 2,)


def doubled_in_place(module: nn.Module, args: Any) -> None:
    args[0].mul_(2)


@pytest.mark.parametrize("hook", [doubled, doubled_in_place])
def test_what_a_hook_makes_of_the_input_is_read_as_the_module_read_it(hook: Any) -> None:
    readings, given = list[Reading](), X.clone()
    for x in (X * 2, given):
        torch.manual_seed(0)
        model = nn.GRU(3, 6)
        if x is given:
            model.register_forward_pre_hook(hook)
        with lstm_core.watch(model, 1, readings.append):
            model(x)[0].sum().backward()
    assert readings[0].quantities() == readings[1].quantities() and readings[1].dh is not None


def test_a_hook_that_remembers_is_called_once_a_pass() -> None:
    """And dh is of what the module gave, whatever the hook makes of it."""
    losses, readings = [], list[Reading]()
    for watched in (False, True):
        model, calls = Tagger(), list[int]()
        model.rnn.register_forward_hook(lambda m, x, y, calls=calls: calls.append(0) or (y[0] * len(calls), y[1]))
        with lstm_core.watch(model, 1, readings.append) if watched else nullcontext():
            losses.append(train(model, 3))
        assert len(calls) == 3
    assert losses[0] == losses[1]
    assert [one.dh is None for one in readings] == [True, True, False, False] * 3


WEIGHTS: dict[str, Any] = {
    "weight norm": nn.utils.weight_norm,
    "spectral norm": nn.utils.spectral_norm,
    "pruned": lambda module, name: prune.random_unstructured(module, name, 0.5),
}


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
@pytest.mark.parametrize("kind", WEIGHTS)
def test_weights_that_a_hook_makes_are_those_of_the_pass(kind: str) -> None:
    losses, readings = [], list[Reading]()
    for watched in (False, True):
        model = Tagger()
        model.rnn = WEIGHTS[kind](nn.LSTM(3, 12), "weight_hh_l0")
        with lstm_core.watch(model, 1, readings.append) if watched else nullcontext():
            losses.append(train(model, 3))
            model(X).square().mean().backward()
    plain = nn.LSTM(3, 12)
    plain.load_state_dict({name: getattr(model.rnn, name) for name in plain.state_dict()})
    model.rnn = plain
    with lstm_core.watch(model, 1, readings.append):
        model(X).square().mean().backward()
    assert losses[0] == losses[1] and len(readings) == 5
    assert readings[3].quantities() == pytest.approx(readings[4].quantities())


def test_it_is_written_to_a_table_and_to_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "health.csv"
    for _ in range(2):  # a second run goes on in the same file
        with lstm_core.watch(Tagger(), every=2, to=path):
            train(Tagger(), 1)
        model = Tagger()
        with lstm_core.watch(model, every=2, to=path):
            train(model, 3)
    with path.open(newline="") as file:
        first, *rows = csv.reader(file)
    assert tuple(first) == COLUMNS and {row[0] for row in rows} == {"0", "2"}
    assert {row[4] for row in rows} >= {"dead", "saturated f", "timescale median", "dh first"}

    scalars, histograms = list[Any](), list[Any]()
    writer = SimpleNamespace(add_scalar=lambda *a: scalars.append(a), add_histogram=lambda *a: histograms.append(a))
    model = Tagger()
    with lstm_core.watch(model, every=1, to=writer):
        train(model, 1)
    assert "rnn/layer 1 reverse/dh last" in {name for name, *_ in scalars} and len(histograms) == 4


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_the_first_state_may_be_named_before_the_input(kind: Any) -> None:
    torch.manual_seed(0)
    model, readings, h = kind(3, 3), list[Reading](), torch.zeros(1, 5, 3)
    given = {"hx": (h, h) if kind is nn.LSTM else h, "input": X[:1]}
    with lstm_core.watch(model, 1, readings.append) as watching:
        for names in (("input", "hx"), ("hx", "input")):
            model(**{name: given[name] for name in names})[0].sum().backward()
    assert not watching.skipped
    first, second = readings
    assert first.quantities() == second.quantities()


def test_a_module_alone_without_gradient_and_what_waits(capsys: pytest.CaptureFixture[str]) -> None:
    readings: list[Reading] = []
    module = nn.GRU(3, 4)
    with lstm_core.watch(module, every=1, to=readings.append), torch.no_grad():
        module(X)
    assert [one.dh for one in readings] == [None]
    with lstm_core.watch(module, every=1, to=readings.append):
        module(X)
        assert len(readings) == 1
    assert len(readings) == 2 and readings[1].dh is None, "given when it ends, though nobody went back"
    packed = nn.utils.rnn.pack_padded_sequence(X, [7, 6, 5, 2, 1])
    with lstm_core.watch(module, every=1, to=readings.append):
        module(packed)[0].data.sum().backward()
    assert len(readings) == 3


def seen(readings: list[Reading]) -> list[tuple[Any, ...]]:
    return [
        (one.step, one.name, one.layer, one.direction, None if one.dh is None else one.dh.sum()) for one in readings
    ]


def test_two_may_watch_and_each_reads_as_if_alone() -> None:
    """One for a table and one for a writer, of a model or of a module alone."""
    alone, first, second = list[Reading](), list[Reading](), list[Reading]()
    with lstm_core.watch(model := Tagger(), every=2, to=alone.append):
        train(model, 3)
    model = Tagger()
    with lstm_core.watch(model, every=2, to=first.append), lstm_core.watch(model, every=2, to=second.append):
        train(model, 3)
    assert seen(first) == seen(second) == seen(alone)
    model, readings = nn.GRU(3, 4), list[Reading]()
    with lstm_core.watch(model, 1, to=print), lstm_core.watch(model, 1, to=readings.append):
        model(X)[0].sum().backward()
    assert len(readings) == 1 and readings[0].dh is not None


def test_a_trace_is_no_step_of_the_training() -> None:
    """Not even of a model in ``train()``, and what is watched adds nothing to the trace."""
    model, readings = nn.Sequential(nn.GRU(3, 4)), list[Reading]()
    with lstm_core.watch(model, every=2, to=readings.append) as watching:
        assert list(lstm_core.trace_all(model, X)) == ["0"]
        lstm_core.trace(model[0], X)
        assert watching.step == 0 and not readings


def test_what_is_copied_or_saved_of_a_watched_model_is_not_watched(tmp_path: Path) -> None:
    """An average of the weights is a copy that runs beside the model, and a checkpoint may be of the whole model."""
    model, readings = Tagger(), list[Reading]()
    with lstm_core.watch(model, every=1, to=readings.append) as watching:
        torch.save(model, tmp_path / "model.pt")
        saved = torch.load(tmp_path / "model.pt", weights_only=False)
        for other in (copy.deepcopy(model), saved):
            torch.testing.assert_close(other.eval().train(False)(X), model.train(False)(X))
            other.train()(X)
    assert watching.step == 0 and not readings


COMPILED: dict[str, Any] = {
    "whole": lambda model: torch.compile(model, backend="eager"),
    "in place": lambda model: (model.compile(backend="eager"), model)[1],
    "the module inside": lambda model: (setattr(model, "rnn", torch.compile(model.rnn, backend="eager")), model)[1],
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the compiler's own
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore:Dynamo does not know how to trace the builtin:UserWarning")
@pytest.mark.filterwarnings("ignore:Guards may run slower on Python 3.13.0")
@pytest.mark.parametrize("late", [False, True], ids=["compiled first", "watched first"])
@pytest.mark.parametrize("form", COMPILED)
def test_a_compiled_model_is_watched(form: str, late: bool) -> None:
    """And trains as it does when nobody watches."""

    def trained(compiled: bool, watched: bool) -> tuple[list[float], list[tuple[Any, ...]]]:
        torch.compiler.reset()
        model, readings = Tagger(), list[Reading]()
        model.rnn.dropout = 0.0  # the compiler draws it anew
        if compiled and not late:
            model = COMPILED[form](model)
        with lstm_core.watch(model, every=2, to=readings.append) if watched else nullcontext():
            return train(COMPILED[form](model) if compiled and late else model, 3), seen(readings)

    losses, readings = trained(True, True)
    assert losses == trained(True, False)[0]
    assert [one[:4] for one in readings] == [one[:4] for one in trained(False, True)[1]]
    assert len(readings) == 8


@pytest.mark.parametrize("reentrant", [False, True])
def test_what_a_checkpoint_computes_anew_is_no_step(reentrant: bool) -> None:
    """Of a module alone, whose every call is a pass, and of a model in a checkpoint."""
    for model in (nn.GRU(3, 4), nn.Sequential(nn.GRU(3, 4))):
        readings = list[Reading]()
        with lstm_core.watch(model, every=2, to=readings.append) as watching:
            for _ in range(4):
                y = checkpoint(lambda x, model=model: model(x)[0], X.clone().requires_grad_(), use_reentrant=reentrant)
                y.sum().backward()
        assert watching.step == 4 and [one.step for one in readings] == [0, 2]


def transformed(model: nn.Module, x: Tensor) -> Tensor:
    def loss(weights: dict[str, Tensor]) -> Tensor:
        return torch.func.functional_call(model, weights, (x,)).square().sum()

    return torch.func.grad(loss)(dict(model.named_parameters()))["out.weight"]


class Odd(nn.LSTM):
    """Takes something else than torch's own, which no trace can be given."""

    def forward(self, x: Any, hx: Any = None) -> Any:
        return super().forward(x["x"], hx)[0]


class OddTagger(Tagger):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = Odd(3, 12)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.rnn({"x": x}))


UNREAD: dict[str, tuple[Any, Any, str]] = {
    "a batch of no sequences": (Tagger, lambda model: model(X[:, :0]), "no sequences"),
    "inside a transform": (Tagger, lambda model: transformed(model, X), "torch.func"),
    "another argument": (OddTagger, lambda model: model(X), ""),
}


@pytest.mark.parametrize("case", UNREAD)
def test_a_step_that_cannot_be_read_is_skipped_and_the_training_goes_on(case: str, tmp_path: Path) -> None:
    make, step, reason = UNREAD[case]
    results, path = [], tmp_path / "health.csv"
    for watched in (False, True):
        model, readings, scalars = make(), list[Reading](), list[Any]()
        model.rnn.dropout = 0.0
        writer = SimpleNamespace(add_scalar=lambda *a, to=scalars: to.append(a))
        watches = [lstm_core.watch(model, 1, to) for to in (readings.append, path, writer)] if watched else []
        results.append(step(model).detach())
        assert model.training and model.rnn.training
        for watching in watches:
            [skipped] = watching.skipped
            assert skipped == Skipped(0, "rnn", skipped.reason) and reason in skipped.reason and watching.step == 1
            watching.close()
        if watched:
            assert readings == [] and scalars == [("rnn/skipped", 1.0, 0)]
    assert torch.equal(*results)
    assert path.read_text().splitlines()[1:] == ["0,rnn,0,0,skipped,1"]
    with pytest.raises(ValueError, match="no step could be read"):
        course(path.read_bytes())
    with lstm_core.watch(model := Tagger(), every=1, to=path):
        train(model, 1)
    assert all("skipped" not in layer.values for layer in course(path.read_bytes()).layers)


class Full:
    """A sink that raises from its reading ``good`` on."""

    def __init__(self, good: int, error: BaseException) -> None:
        self.good, self.error, self.seen = good, error, 0

    def __call__(self, *given: Any) -> None:
        self.seen += 1
        if self.seen > self.good:
            raise self.error


SINKS: dict[str, Any] = {
    "a function": lambda folder, good: Full(good, ValueError("disk full")),
    "a writer": lambda folder, good: SimpleNamespace(add_scalar=Full(good, ValueError("disk full"))),
    "a table": lambda folder, good: folder / "gone" / "health.csv",
}


@pytest.mark.parametrize("good", [0, 1, 3, 4])
@pytest.mark.parametrize("kind", SINKS)
def test_what_a_sink_raises_does_not_stop_the_training(kind: str, good: int, tmp_path: Path) -> None:
    """Whenever it is raised: of the first reading or of one inside a pass, it is warned about once."""
    (tmp_path / "gone").mkdir()
    to, plain, watched = SINKS[kind](tmp_path, good), Tagger(), Tagger()
    with lstm_core.watch(watched, 1, to) as watching:
        assert not watching.failed
        if kind == "a table":
            shutil.rmtree(to.parent)
        with pytest.warns(RuntimeWarning, match="the training goes on") as warned:
            losses = train(watched, 4)
    assert losses == train(plain, 4) and watching.step == 4 and not watching.skipped
    named, reason = {"a table": (str(to), "FileNotFoundError")}.get(kind, (type(to).__name__, "ValueError: disk full"))
    [message] = [str(one.message) for one in warned]
    assert message.startswith(f"{named}, which") and reason in message
    assert "Traceback" in watching.failed and reason.split(":")[0] in watching.failed
    if kind == "a function":
        assert to.seen == good + 1, "it is not called again"
    assert not watched.rnn._forward_hooks


def test_what_a_sink_raises_at_the_end_or_of_a_skipped_step_is_warned_about_too(tmp_path: Path) -> None:
    sink = Full(0, ValueError("disk full"))
    with pytest.warns(RuntimeWarning, match="^Full, which"), lstm_core.watch(model := Tagger(), 1, sink):
        model(X)  # nobody goes back: the readings wait for the end
    assert sink.seen == 1
    writer = SimpleNamespace(add_scalar=Full(0, ValueError("disk full")))
    with lstm_core.watch(model := Tagger(), 1, writer), pytest.warns(RuntimeWarning, match="disk full"):
        model(X[:, :0])
    with (
        pytest.raises(OverflowError, match="the training's own"),
        pytest.warns(RuntimeWarning, match="disk full"),
        lstm_core.watch(model := Tagger(), 1, Full(0, ValueError("disk full"))),
    ):
        model(X)
        raise OverflowError("the training's own")


def test_a_table_that_cannot_be_written_is_told_before_the_training(tmp_path: Path) -> None:
    model = Tagger()
    for path in (tmp_path / "missing" / "health.csv", tmp_path):
        with pytest.raises(OSError, match=re.escape(str(path))):
            lstm_core.watch(model, to=path)
    assert not model._forward_pre_hooks and not model.rnn._forward_hooks


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no pipe has a path here")
def test_a_table_may_be_a_pipe() -> None:
    reads, writes = os.pipe()
    with lstm_core.watch(nn.GRU(3, 4), to=f"/dev/fd/{writes}"):
        os.close(writes)
    with os.fdopen(reads) as table:
        assert table.read().strip() == ",".join(COLUMNS)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_who_ends_the_training_from_a_sink_ends_it(kind: type[BaseException]) -> None:
    with lstm_core.watch(model := Tagger(), 1, Full(0, kind())) as watching, pytest.raises(kind):
        train(model, 1)
    assert not watching.failed


class Silent(Exception):
    def __str__(self) -> str:
        raise OverflowError("what is said")


def test_an_error_that_cannot_say_what_it_is_does_not_stop_the_training() -> None:
    with lstm_core.watch(model := Tagger(), 1, Full(0, Silent())) as watching:
        with pytest.warns(RuntimeWarning, match="raised Silent: Silent; the training goes on"):
            losses = train(model, 2)
    assert losses == train(Tagger(), 2) and watching.failed


@pytest.mark.parametrize("gradients", [True, False])
def test_passes_that_a_sink_makes_are_no_steps_and_are_not_read(gradients: bool) -> None:
    """Also where nothing waits for a gradient, so that each reading would lead to the next."""
    model, given = nn.GRU(3, 4), list[int]()

    def sink(reading: Reading) -> None:
        given.append(reading.step)
        if len(given) < 9:
            model(X)

    with torch.set_grad_enabled(gradients), lstm_core.watch(model, 1, sink) as watching:
        for _ in range(3):
            model(X)
    assert given == [0, 1, 2] and watching.step == 3 and not watching.failed


class Frozen(Tagger):
    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            found = self.rnn(x)[0]
        return self.out(found)


GRADIENTS, NONE, INFERENCE = torch.enable_grad, torch.no_grad, torch.inference_mode


@pytest.mark.parametrize(
    ("kind", "step", "later"),
    [
        (Tagger, GRADIENTS, None),
        (Tagger, GRADIENTS, NONE),
        (Tagger, GRADIENTS, INFERENCE),
        (Frozen, GRADIENTS, None),
        (Tagger, NONE, GRADIENTS),
        (Tagger, INFERENCE, GRADIENTS),
    ],
)
def test_a_sink_has_gradients_as_the_step_has(kind: type[Tagger], step: Any, later: Any) -> None:
    """Inside its backward pass, where there is no ``later``; after it; and at a module in it that is frozen."""
    model, other, found = kind(), Tagger(), list[Any]()

    def sink(reading: Reading) -> None:
        loss = other(X).square().mean()
        if loss.requires_grad:
            loss.backward()
        found.append((reading.step, loss.requires_grad, loss.is_inference()))

    with lstm_core.watch(model, 1, sink) as watching:
        with step():
            loss = model(X).sum()
            if later is None:
                loss.backward()
        with nullcontext() if later is None else later():
            watching.close()
    assert not watching.failed and not watching.skipped
    assert found == [(0, step is GRADIENTS, step is INFERENCE)] * 4


def test_what_is_frozen_inside_a_module_stays_frozen() -> None:
    model = parametrizations.spectral_norm(nn.LSTM(3, 4), "weight_hh_l0")
    parametrized = model.get_submodule("parametrizations.weight_hh_l0")
    parametrized.eval()  # its vectors are no longer moved
    before = copy.deepcopy(parametrized.state_dict())
    with lstm_core.watch(model, 1, lambda reading: None) as watching:
        model(X)
        model(X)
    assert model.training and not any(inner.training for inner in parametrized.modules()) and not watching.skipped
    torch.testing.assert_close(dict(parametrized.state_dict()), dict(before), rtol=0, atol=0)


def test_two_threads_that_train_one_module_leave_it_in_training(monkeypatch: pytest.MonkeyPatch) -> None:
    model, inside, both = Tagger(), threading.Event(), threading.Event()

    def meets(*given: Any, **more: Any) -> Any:
        (both if inside.is_set() else inside).set()
        both.wait(0.5)
        return trace_module(*given, **more)

    monkeypatch.setattr("lstm_core.watching.watch.trace_module", meets)
    with lstm_core.watch(model, 1, lambda reading: None):
        other = threading.Thread(target=lambda: inside.wait(10) and model(X))
        other.start()
        model(X)
        other.join()
    assert both.is_set() and model.rnn.training


def test_gradients_that_come_several_at_once_are_skipped() -> None:
    model, readings = nn.GRU(3, 4), list[Reading]()
    with lstm_core.watch(model, 1, readings.append) as watching:
        torch.autograd.functional.jacobian(lambda x: model(x)[0], X, vectorize=True)
    assert not readings and [one.step for one in watching.skipped] == [0]


def test_what_was_skipped_is_printed_where_readings_are(capsys: pytest.CaptureFixture[str]) -> None:
    with lstm_core.watch(model := Tagger()):
        model(X[:, :0])
    assert "no sequences" in capsys.readouterr().out


def test_what_cannot_be_watched_says_so() -> None:
    with pytest.raises(ValueError, match="no nn.LSTM, nn.GRU or nn.RNN to watch"):
        lstm_core.watch(nn.Linear(2, 2))
    with pytest.raises(ValueError, match=r"step by step \(0, 1\), which are not watched: trace them with"):
        lstm_core.watch(nn.ModuleList([nn.GRUCell(2, 2), nn.LSTMCell(2, 2)]))
    with pytest.raises(ValueError, match=r"\(RNNCell\), which"):
        lstm_core.watch(nn.RNNCell(2, 2))
    with pytest.raises(ValueError, match="at least 1"):
        lstm_core.watch(nn.LSTM(2, 2), every=0)
    with pytest.raises(TypeError, match="not to int"):
        lstm_core.watch(nn.LSTM(2, 2), to=3)


def test_lightnings_callback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightning", None)
    monkeypatch.setitem(sys.modules, "pytorch_lightning", None)
    with pytest.raises(ImportError, match="pip install lightning"):
        lstm_core.watch_callback()
    base = type("Callback", (), {})
    package = ModuleType("lightning")
    package.pytorch = ModuleType("lightning.pytorch")  # type: ignore[attr-defined]
    package.pytorch.Callback = base  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lightning", package)
    monkeypatch.setitem(sys.modules, "lightning.pytorch", package.pytorch)
    scalars: list[Any] = []
    writer = SimpleNamespace(add_scalar=lambda *a: scalars.append(a))
    trainer = SimpleNamespace(logger=SimpleNamespace(experiment=writer))
    callback, model = lstm_core.watch_callback(every=2), Tagger()
    assert base in type(callback).__mro__
    callback.on_fit_start(trainer, model)
    for batch in range(4):
        callback.on_train_batch_start(trainer, model, X, batch)
        model.out(model.rnn(X)[0]).sum().backward()  # as training_step does, without model(...)
    callback.on_fit_end(trainer, model)
    assert {step for _, _, step in scalars} == {0, 2} and not model.rnn._forward_hooks
    with pytest.raises(ValueError, match="no logger"):
        callback.on_fit_start(SimpleNamespace(logger=None), model)


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_a_pass_that_comes_to_no_number_is_not_called_healthy(tmp_path: Path) -> None:
    """No share of dead or saturated units is 0 where nothing is known of them."""
    model = Tagger()
    with lstm_core.watch(model, every=1, to=tmp_path / "health.csv"):
        train(model, 1)
        torch.nn.init.constant_(model.rnn.weight_hh_l0, float("nan"))
        train(model, 1)
    for layer in course((tmp_path / "health.csv").read_bytes()).layers:
        for quantity in ("dead", "saturated i"):
            found = layer.values[quantity]
            assert np.isfinite(found[0])
            if layer.layer or not layer.direction:
                assert np.isnan(found[1]) and "then not a number" in panels(layer)[0]["text"]
