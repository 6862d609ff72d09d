"""Saturated fractions: counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from traces import random_trace

from lstm_core.analysis import saturation


@pytest.mark.parametrize(("name", "gates"), [("lstm", "ifo"), ("gru", "rz"), ("rnn", "")])
def test_the_fractions_are_counts(name: str, gates: str) -> None:
    trace = random_trace(name, time=40, layers=2, directions=2)
    found = saturation(trace, low=0.2, high=0.7, layer=1, backward=True)
    assert set(found.left) == set(found.right) == set(gates)
    for gate in gates:
        for unit in range(4):
            values = [v for row in trace.signals[gate][1, 1, :, :, unit].tolist() for v in row]
            assert found.left[gate][unit] == sum(v < 0.2 for v in values) / 80
            assert found.right[gate][unit] == sum(v > 0.7 for v in values) / 80


def test_the_limits_are_karpathys_unless_said() -> None:
    trace = random_trace("lstm")
    trace.signals["f"][:] = 0.95
    trace.signals["f"][..., 0] = 0.05
    found = saturation(trace)
    assert found.left["f"].tolist() == [1, 0, 0, 0] and found.right["f"].tolist() == [0, 1, 1, 1]


def test_the_lower_limit_is_not_above_the_higher_one() -> None:
    trace = random_trace("lstm")
    assert saturation(trace, 0.5, 0.5).low == 0.5
    for low, high in ((0.9, 0.1), (float("nan"), 0.9)):
        with pytest.raises(ValueError, match="low is at most high"):
            saturation(trace, low, high)


def test_no_steps_have_no_fractions() -> None:
    import cases

    with pytest.raises(ValueError, match="no steps"):
        saturation(cases.model().run(""))


def test_a_step_without_a_number_does_not_count() -> None:
    """Neither as saturated nor as not; the others' shares stay as they are."""
    trace = random_trace("lstm", time=8)
    f = trace.signals["f"]
    f[..., 0] = 0.95
    whole = saturation(trace)
    f[..., 5:, :, 0], f[..., 1] = np.nan, np.nan
    found = saturation(trace)
    assert found.right["f"][0] == 1 and found.left["f"][0] == 0
    assert np.isnan(found.right["f"][1]) and np.isnan(found.left["f"][1])
    assert np.array_equal(found.left["f"][2:], whole.left["f"][2:])
