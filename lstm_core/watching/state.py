"""Is a recurrent state passed on in a training loop as it should be? The loop is run for some steps and looked at.

Each row of a batch either begins anew or goes on from where its sequence was. Which state a row really began with is
seen by comparing it with the states that rows were left with at earlier steps: one that equals none of them is a
beginning, whatever it is (zeros, learned, random).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from lstm_core.modules.arguments import given
from lstm_core.modules.compiled import Hook, plain_name
from lstm_core.modules.kinds import going_back, recurrent_modules
from lstm_core.say import say

MESSAGES = {
    "carried over": say("sequences that begin anew start from the state that others were left with: reset it"),
    "not passed on": say("sequences that go on do not start from the state that they were left with: pass it on"),
    "another row": say("rows go on from another sequence's state: the batch's order changed and its state's did not"),
    "stale": say("sequences go on from an older state than they were left with: keep the one of the last step"),
    "off by one": say("states are reset a step beside the one at which sequences begin: shift the flags by one"),
    "not detached": say("the state is still part of an earlier step's graph, which grows or is gone: detach it"),
}
"""What each finding means and what to do."""


TWICE = ("backward through the graph a second time", "modified by an inplace operation")
"""What PyTorch says of a step that goes back into the graph of an earlier one, which is gone or was updated since."""


@dataclass(frozen=True)
class Finding:
    """kind: a key of ``MESSAGES``. module: its name in the model. steps: of the loop, from 0, at which it was seen.
    rows: of the first of these, which rows of the batch."""

    kind: str
    module: str
    steps: tuple[int, ...]
    rows: tuple[int, ...]

    def __str__(self) -> str:
        """One line: the module, the first step at which it was seen, and what is wrong."""
        told = {"module": self.module or say("the model"), "step": self.steps[0], "message": MESSAGES[self.kind]}
        return say("{module}, step {step}: {message}", **told)


@dataclass(frozen=True, repr=False)
class StateReport:
    """findings: none if the state is passed on as it should be. steps: of the loop that were looked at."""

    findings: tuple[Finding, ...]
    steps: int

    def __bool__(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def __str__(self) -> str:
        """A line for each finding, or one that says that there is nothing to find."""
        if self:
            return say("in {count} steps the state was passed on as it should be", count=self.steps)
        return "\n".join(map(str, self.findings))

    __repr__ = __str__


@dataclass
class _Step:
    """What one module did in a step: the states of its rows, (row, number), at its first call and after its last, of
    so many ``parts`` beside each other, h and c."""

    began: np.ndarray
    linked: bool
    left: np.ndarray
    parts: int


def check(
    step_fn: Callable[[Any], Any],
    batches: Iterable[Any],
    model: nn.Module,
    ids: Callable[[Any], Sequence[Hashable]] | None,
    starts: Callable[[Any], Sequence[bool]] | None,
) -> StateReport:
    """See ``lstm_core.check_state``."""
    modules = {plain_name(name): inner for name, inner in recurrent_modules(model).items()}
    if not modules:
        raise ValueError(say("the model has no recurrent module whose state could be looked at"))
    seen: dict[str, list[_Step | None]] = {name: [] for name in modules}
    handles = [
        inner.register_forward_hook(Hook(_into(seen[name])), with_kwargs=True) for name, inner in modules.items()
    ]
    expected: list[tuple[Sequence[Hashable], Sequence[bool]] | None] = []
    broken = False
    try:
        for batch in batches:
            for steps in seen.values():
                steps.append(None)
            expected.append(_expected(batch, ids, starts))
            try:
                step_fn(batch)
            except RuntimeError as error:
                if not any(part in str(error) for part in TWICE):
                    raise
                broken = True
                break
    finally:
        for handle in handles:
            handle.remove()
    found = [finding for name, steps in seen.items() for finding in _judged(name, steps, expected, broken)]
    return StateReport(tuple(found), len(expected))


def _expected(batch: Any, ids: Any, starts: Any) -> tuple[Sequence[Hashable], Sequence[bool]] | None:
    """Of each row its sequence and whether it begins there; None where every row is a sequence of its own."""
    if ids is None and starts is None:
        return None
    begins = None if starts is None else [bool(one) for one in np.asarray(_plain(starts(batch))).ravel()]
    names = range(len(begins or ())) if ids is None else [_name(one) for one in ids(batch)]
    return list(names), begins if begins is not None else [False] * len(names)


def _name(one: Any) -> Hashable:
    return one.item() if hasattr(one, "item") else one


def _plain(values: Any) -> Any:
    return values.detach().cpu().numpy() if hasattr(values, "detach") else values


def _into(steps: list[_Step | None]) -> Callable[..., None]:
    def ran(module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
        if not steps or going_back():  # before the loop, or once more for the gradient
            return
        state = given(inputs, named)[1]
        cell = isinstance(module, nn.RNNCellBase)
        after = output if cell else output[1]
        left = _rows(after, cell)
        if steps[-1] is None:
            linked = any(part.requires_grad and not part.is_leaf for part in _parts(state))
            began = np.zeros_like(left) if state is None else _rows(state, cell)
            steps[-1] = _Step(began, linked, left, len(_parts(after)))
        else:
            steps[-1].left = left

    return ran


def _parts(state: Any) -> tuple[torch.Tensor, ...]:
    return () if state is None else tuple(state) if isinstance(state, tuple | list) else (state,)


def _rows(state: Any, cell: bool) -> np.ndarray:
    """(row, number): h, and c beside it, of each row of the batch."""
    found = []
    for part in _parts(state):
        values = part.detach().float().cpu().numpy()
        if cell:
            values = values[None] if values.ndim == 1 else values
        else:
            values = (values[:, None] if values.ndim == 2 else values).swapaxes(0, 1)
        found.append(values.reshape(len(values), -1))
    return np.concatenate(found, axis=1)


def _judged(
    name: str,
    steps: list[_Step | None],
    expected: list[tuple[Sequence[Hashable], Sequence[bool]] | None],
    broken: bool,
) -> list[Finding]:
    wrong: dict[str, dict[int, list[int]]] = {kind: {} for kind in MESSAGES}
    left: dict[Hashable, list[tuple[int, np.ndarray]]] = {}  # by sequence, with the step, latest last
    resets: list[tuple[int, int, bool, bool]] = []  # step, row, whether it should have begun, whether it did
    for at, step in enumerate(steps):
        if step is None:
            continue
        told = expected[at]
        names = told[0] if told is not None else [(at, row) for row in range(len(step.began))]
        begins = told[1] if told is not None else [True] * len(step.began)
        for row, (began, sequence, anew) in enumerate(zip(step.began, names, begins, strict=False)):
            anew = anew or sequence not in left
            from_ = [(other, when) for other, all_ in left.items() for when, state in all_ if _same(state, began)]
            resets.append((at, row, anew, not from_))
            if from_ and step.linked:
                wrong["not detached"].setdefault(at, []).append(row)
            if anew and (from_ or _in_part(began, step.parts, left)):
                wrong["carried over"].setdefault(at, []).append(row)
            elif not anew and not from_:
                wrong["not passed on"].setdefault(at, []).append(row)
            elif not anew and not any(other == sequence for other, _ in from_):
                wrong["another row"].setdefault(at, []).append(row)
            elif not anew and left[sequence][-1][0] not in [when for other, when in from_ if other == sequence]:
                wrong["stale"].setdefault(at, []).append(row)
        for state, sequence in zip(step.left, names, strict=False):
            left.setdefault(sequence, []).append((at, state))
    if broken:
        wrong["not detached"].setdefault(len(steps) - 1, [])
    if _shifted(resets):
        both = (wrong["carried over"], wrong["not passed on"])
        wrong["off by one"] = {at: rows for kind in both for at, rows in kind.items()}
        wrong["carried over"], wrong["not passed on"] = {}, {}
    return [
        Finding(kind, name, tuple(sorted(where)), tuple(where[min(where)])) for kind, where in wrong.items() if where
    ]


def _shifted(resets: Sequence[tuple[int, int, bool, bool]]) -> bool:
    """Whether rows are reset one step before or after each step at which they should be, and there alone."""
    rows: dict[int, list[tuple[bool, bool]]] = {}
    for _, row, should, did in resets:
        rows.setdefault(row, []).append((should, did))
    wanted = [[one for one, _ in pairs[1:]] for pairs in rows.values()]  # the first step begins in any case
    made = [[one for _, one in pairs[1:]] for pairs in rows.values()]
    if wanted == made or not any(map(any, wanted)) or not any(map(any, made)):
        return False
    late = all(w[:-1] == m[1:] for w, m in zip(wanted, made, strict=True))
    early = all(w[1:] == m[:-1] for w, m in zip(wanted, made, strict=True))
    return late or early


def _in_part(began: np.ndarray, parts: int, left: dict[Hashable, list[tuple[int, np.ndarray]]]) -> bool:
    """Whether h or c alone is one that some row was left with, where the other was reset."""
    if parts < 2:
        return False
    states = [np.split(state, parts) for all_ in left.values() for _, state in all_ if state.shape == began.shape]
    return any(_same(state[k], part) for k, part in enumerate(np.split(began, parts)) for state in states)


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal, and more than zeros: what was saved and read again may be rounded."""
    return a.shape == b.shape and bool(np.abs(a).max(initial=0.0) > 0) and bool(np.allclose(a, b, rtol=1e-5, atol=1e-7))
