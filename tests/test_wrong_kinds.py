"""Arguments of another kind: each public function says which, before it does anything."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import lstm_core
from lstm_core import Network, Token, Trace, analysis
from lstm_core.analysis import attribution, deletion, readout
from lstm_core.kinds import KINDS, Numbers, _to_look_at, kinds

OF = {name: noun for name, (_, noun) in KINDS.items()}
WRONG: tuple[Any, ...] = ({}, [None], object(), np.zeros((2, 2)), np.array(["a"]), b"x")
MORE: dict[str, tuple[Any, ...]] = {
    "int": (1.5, float("nan"), "1"),
    "float": ("1.5",),
    "str": (3, True),
    "Trace": ("t",),
}


def arguments() -> Iterator[tuple[str, Callable[..., Any], str, str, bool]]:
    """Function, argument, its kind, and whether it may be None."""
    public = [(name, getattr(module, name)) for module in (lstm_core, analysis) for name in module.__all__]
    methods = [(f"Trace.{name}", getattr(Trace, name)) for name in ("sequence", "show")]
    methods.append(("Network.next_tokens", Network.next_tokens))
    for name, function in (*public, *methods):
        if not inspect.isfunction(function):
            continue
        for parameter in inspect.signature(function).parameters.values():
            kind, _, rest = str(parameter.annotation).partition(" | ")
            if kind in KINDS and kind != "Numbers" and rest in ("", "None"):
                yield name, function, parameter.name, kind, rest == "None"


CASES = [case for case in arguments() if case[0] not in ("load", "load_model", "list_models")]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[2]}")
def test_an_argument_of_another_kind_is_named(case: tuple[str, Callable[..., Any], str, str, bool]) -> None:
    _, function, parameter, kind, optional = case
    for value in (*WRONG, *MORE.get(kind, ()), *(() if optional else (None,))):
        with pytest.raises(TypeError, match=f"^{parameter} must be {OF[kind]}"):
            function(**{parameter: value})  # before anything is said of what is missing


def test_a_word_by_its_number_is_one_that_there_is() -> None:
    model = lstm_core.load_model("pronouns-lstm")
    for wrong in (-1, 10**9):
        with pytest.raises(ValueError, match=f"there is no word {wrong}; there are 2,339, from 0 on"):
            readout(model, wrong)
    with pytest.raises(TypeError, match="word must be a text"):
        readout(model, {})


def test_a_long_list_is_known_by_its_types() -> None:
    @kinds
    def count(ids: Sequence[int]) -> int:
        return len(ids)

    many = [*range(1000), np.int64(3)]
    assert len(_to_look_at(many)) == 2 and count(many) == count(np.array(many)) == 1001
    for other in (1.5, "1", None, [1]):
        with pytest.raises(TypeError, match="ids must be a list of whole numbers, not list"):
            count([*many, other])


def test_what_is_of_the_kind_but_for_what_it_holds_is_shown_with_that() -> None:
    """ "a list of tokens, not list" would be no help."""

    @kinds
    def read(tokens: tuple[Token, ...] = (), x: Numbers = 0.0) -> None:
        """Of two arguments."""

    several: list[Any] = [["a", 1], ("a",), [1, "a", 1.5, b"", None, {}, [], set()]]
    for given, shown in zip(several, (r"list\[str \| int\]", r"tuple\[str\]", "list$"), strict=True):
        with pytest.raises(TypeError, match=f"tokens must be a list of tokens, not {shown}"):
            read(given)
    arrays = np.ones((2, 3), complex), torch.ones(2, dtype=torch.complex64)
    for array, shown in zip(arrays, (r"ndarray\[complex128\]", r"Tensor\[complex64\]"), strict=True):
        with pytest.raises(TypeError, match=f"x must be numbers, not {shown}"):
            read(x=array)


def test_there_are_many() -> None:
    assert len(CASES) > 60 and len({name for name, *_ in CASES}) > 25


def test_whole_numbers_and_numbers_of_other_libraries_are_taken() -> None:
    trace = lstm_core.load_model("pronouns-gru").run("Mary was late", device="cpu")
    found = attribution(trace, np.ones(19), "exact", step=np.int64(1), batch=np.array(0))
    assert found.step == 1
    assert len(analysis.saturation(trace, np.float32(0.2)).left) > 0


def test_an_attribution_says_what_is_wrong_with_its_numbers() -> None:
    model = lstm_core.load_model("pronouns-lstm")
    trace = model.run("Mary was late", device="cpu")
    target = readout(model, "he", "she")
    thin = replace(trace, signals={"c": trace["c"]})
    for method in ("gradient", "integrated", "relevance", "exact"):
        with pytest.raises(ValueError, match="the trace has no signal 'h'; it has c"):
            attribution(thin, target, method)
        with pytest.raises(ValueError, match="target holds a value that is NaN or infinite"):
            attribution(trace, np.full(16, np.nan), method)
        for wrong in ("he", {}, object()):
            with pytest.raises(TypeError, match="target must be numbers, not"):
                attribution(trace, wrong, method)
        if method != "exact":
            with pytest.raises(ValueError, match=r"a baseline is a number, \(16,\) or \(3, 16\), not \(5,\)"):
                attribution(trace, target, method, baseline=np.zeros(5))
            with pytest.raises(ValueError, match="baseline holds a value that is NaN"):
                attribution(trace, target, method, baseline=np.nan)
    with pytest.raises(ValueError, match="words holds a value that is NaN"):
        deletion(trace, target, [0.0, np.nan, 0.0])
    with pytest.raises(ValueError, match="most must be at least 0, not -1"):
        deletion(trace, target, np.zeros(3), most=-1)
