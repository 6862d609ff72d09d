"""How much of an error is left after so many steps back? The Jacobian of a state in the same state before, and how much
of it is the direct path, what the gates alone keep.

The LSTM's direct path is Hochreiter & Schmidhuber's (1997) constant error carousel with the forget gates of Gers et al.
(2000); that norms of such products vanish or explode is Bengio et al. 1994 and Pascanu et al. 2013.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_core.analysis.backward import through_time
from lstm_core.analysis.brief import brief
from lstm_core.analysis.steps import history, kept_from, steps
from lstm_core.equations import carry
from lstm_core.kinds import kinds
from lstm_core.say import say
from lstm_core.shown import Result
from lstm_core.trace import Trace


@brief
@dataclass(frozen=True, eq=False)
class Flow(Result):
    """How the state after ``step`` depends on the same state before: Frobenius norms, (time,), 0 after ``step``.

    norm: of the whole Jacobian ds_T/ds_t, along every path (for the LSTM's c also by h_t into the later gates).
    direct: of its direct path, diag(prod_{j=t+1..T} f_j); None for a state that is not carried on linearly.
    rest: of what is left, the paths through the gates and the candidate.
    identity: the norm at t = T, the square root of the number of units.
    """

    axes = {"norm": "time", "direct": "time", "rest": "time"}

    state: str
    step: int
    norm: np.ndarray
    direct: np.ndarray | None
    rest: np.ndarray | None

    @property
    def identity(self) -> float:
        """The norm at ``step`` itself, where the Jacobian is the identity: the square root of the number of units."""
        return float(self.norm[self.step])

    @property
    def share(self) -> np.ndarray | None:
        """(time,): direct / (direct + rest), between 0 and 1; NaN where neither is left."""
        if self.direct is None or self.rest is None:
            return None
        with np.errstate(invalid="ignore"):
            return self.direct / (self.direct + self.rest)


@kinds
def flow(
    trace: Trace,
    step: int,
    state: str = "h",
    *,
    layer: int = -1,
    backward: bool = False,
    batch: int = 0,
    dtype: Any = np.float64,
) -> Flow:
    """The norms of d(state after ``step``) / d(state after t) for every t, in one layer; takes time * unit^2 memory.

    A state that is computed from another in the same step follows it: dc_T/dc_t includes what h_t does. ``step`` and
    ``batch`` as in ``gradients``; backward: of the backward direction. dtype: of the matrices; in float32, whose norms
    are right to about 1e-5, wide layers take half the time.

    Raises ValueError for a state, step, layer or direction that the trace does not have, TypeError for another
    ``dtype``, and NotImplementedError for a cell with a function that has no derivative here.
    """
    dtype = _floats(dtype)
    trace, step = history(trace, batch, step)
    jacobian = jacobians(trace, step, state, layer=layer, backward=backward, dtype=dtype)
    run = steps(trace, layer, backward)
    norm = np.linalg.norm(jacobian, axis=(1, 2))
    rule = carry(trace.cell)
    if rule is None or rule.state != state:
        return Flow(state, step, norm, None, None)
    at = run.place(step)
    kept = np.zeros(jacobian.shape[:2], dtype)
    kept[: at + 1] = kept_from(run.keep_write()[1][1 : at + 1])
    kept = run.flip(kept)
    rest = jacobian - kept[:, :, None] * np.eye(kept.shape[-1], dtype=dtype)
    return Flow(state, step, norm, np.linalg.norm(kept, axis=1), np.linalg.norm(rest, axis=(1, 2)))


def _floats(dtype: Any) -> np.dtype:
    """Raises TypeError for what is not float32 or float64."""
    try:
        found = np.dtype(dtype)
    except (TypeError, ValueError):
        found = None
    if dtype is None or found not in (np.float32, np.float64):
        written = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", type(dtype).__name__)
        raise TypeError(say("dtype must be float32 or float64, not {found}", found=written))
    return found


@kinds
def jacobians(
    trace: Trace,
    step: int,
    state: str = "h",
    *,
    layer: int = -1,
    backward: bool = False,
    batch: int = 0,
    dtype: Any = np.float64,
) -> np.ndarray:
    """(time, unit, unit): entry [t, i, j] is d state_step[i] / d state_t[j], zeros for tokens read after ``step``.

    The arguments are those of ``flow``, of one ``layer`` (the last by default). Raises what ``flow`` raises:
    ValueError, TypeError and NotImplementedError.
    """
    if state not in trace.cell.states():
        told = {"cell": trace.cell.name, "state": state, "names": ", ".join(trace.cell.states())}
        raise ValueError(say("the cell {cell} has no state {state!r}; it has {names}", **told))
    trace, step = history(trace, batch, step)
    run = steps(trace, layer, backward)
    at = run.place(step)
    units = run.signals[state].shape[-1]
    given = np.zeros((len(run), units, units), _floats(dtype))
    given[at] = np.eye(units)
    return run.flip(through_time(run, state, {state: given}, start=at))
