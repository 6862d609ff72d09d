"""``lstm_core.compare``: runs that come to what is not a number, which is equal to nothing."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch
from converted import converted
from modules_to_compare import build, read
from torch import nn

from lstm_core import compare, trace

pytestmark = pytest.mark.usefixtures("in_place")


def test_what_is_not_a_number_is_not_equal() -> None:
    """Two different models that both answer NaN have not been compared."""
    one, other, x = nn.LSTM(5, 7), nn.LSTM(5, 7), torch.randn(6, 3, 5)
    late = x.clone()
    late[2] = torch.nan
    for a, b, given, first in ((one, other, torch.full_like(x, torch.nan), 0), (one, one, late, 2)):
        with pytest.raises(ValueError, match=f"not a number from step {first} on"):
            compare(a, b, given)
    state = (torch.full((1, 3, 7), torch.nan), torch.zeros(1, 3, 7))
    with pytest.raises(ValueError, match="not a number from step 0 on"):
        compare(one, other, x, state=state)
    with pytest.raises(ValueError, match="no steps"):
        compare("pronouns-lstm", "pronouns-peephole", np.zeros(0, int))
    for tolerance in (float("nan"), -1.0):
        with pytest.raises(ValueError, match="the tolerance is a number of at least 0"):
            compare(one, other, x, tolerance=tolerance)
    assert compare(one, one, x, lengths=[6, 3, 1]).equal  # what lies after a sequence's end is nobody's


def test_a_module_and_its_file_end_together() -> None:
    """Only the module's run is broken off there; that of the file is ours, and goes on with NaN."""
    module, x = build(num_layers=2), read()
    file = converted(module, "safetensors")
    for step in (0, 2):
        late = x.copy()
        late[step:, 0] = np.nan
        for a, b in ((module, file), (file, module)):
            with pytest.raises(ValueError, match=f"both compute what is not a number from step {step} on"):
                compare(a, b, late)
    found = compare(build(num_layers=2, seed=1), file, late)
    assert not found.equal and found.parting is not None and found.parting.step == 0


@pytest.mark.parametrize("parts", [0, 2, 4])
@pytest.mark.parametrize("ends", [0, 2, 4])
def test_where_one_sequence_ends_in_both_they_are_told_apart_by_the_others(ends: int, parts: int) -> None:
    """In the sequence itself, too, at the steps before. They part at the step ``parts``, where a unit first reads
    something of the feature that one of them weighs otherwise."""
    module, other, x = build(num_layers=2), build(num_layers=2), read()
    with torch.no_grad():
        other.weight_ih_l0[3, 1] += 1.0
    x[:parts, :, 1] = 0.0
    x[ends, 0] = np.nan
    file = converted(other, "safetensors")
    for a, b in ((module, file), (file, module), (module, other)):
        found = compare(a, b, x)
        place = found.parting
        assert not found.equal and place is not None and not found.broken
        assert (place.layer, place.step, place.signal, place.unit) == (0, parts, "i", 3)
        assert np.isfinite([place.a, place.b]).all() and (place.sequence > 0 or parts < ends)
    assert compare(module, file, x).causes == compare(module, other, x).causes


def test_one_that_ends_at_what_is_not_a_number_says_where_and_why() -> None:
    module, x = build(num_layers=2), read()
    for name, place, at in (("weight_hh_l1", (7, 2), 1), ("weight_ih_l0", (1, 1), 0)):
        other = build(num_layers=2)
        getattr(other, name).data[place] = torch.nan
        for a, b, side in ((module, other, "B"), (other, module, "A")):
            found = compare(a, b, x)
            assert not found.equal and not found.explained and found.parting is not None
            assert (found.parting.layer, found.parting.step) == (at, 0)
            values = found.parting.a, found.parting.b
            assert np.isnan(values[side == "B"]) and np.isfinite(values[side == "A"])
            where = f"{name}\\[{place[0]}, {place[1]}\\]"
            says = f"The run of {side} ended there: .* the weights hold such a value, {where}"
            assert re.search(says, str(found)), found
            json.dumps(found.to_dict(), allow_nan=False)
    both = build(num_layers=2)
    both.load_state_dict(other.state_dict())
    with pytest.raises(ValueError, match="not a number from step 0 on"):
        compare(other, both, x)


CELLS = {"lstm": (nn.LSTM, "ifgo"), "gru": (nn.GRU, "rzn"), "rnn": (nn.RNN, "a")}
SAME = [  # the cell that ends and its signal; the other cell; what is told, as the first calls it and as the other does
    ("lstm", "f", "gru", "f", "z"), ("lstm", "g", "gru", "g", "n"), ("lstm", "g", "rnn", "g", "a"),
    ("gru", "n", "rnn", "n", "a"), ("gru", "r", "lstm", "n", "g"), ("lstm", "o", "gru", "h", "h"),
    ("lstm", "i", "rnn", "h", "h"), ("gru", "z", "rnn", "h", "h"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "signal", "other", "own", "called"), SAME)
@pytest.mark.parametrize("side", ["A", "B"])
def test_each_side_calls_by_its_own_name_what_ended_one(
    kind: str, signal: str, other: str, own: str, called: str, side: str
) -> None:
    """Two kinds of cell; what the other has nothing of is told by the first thing of both that it spoiled."""
    (make, gates), (make_other, _) = CELLS[kind], CELLS[other]
    torch.manual_seed(2)
    ends, goes_on, x = make(5, 7), make_other(5, 7), torch.as_tensor(read())
    titles = [str(trace(one, x).cell.title) for one in (ends, goes_on)]
    with torch.no_grad():
        ends.weight_ih_l0[gates.index(signal) * 7 + 3, 1] = torch.nan
    found = compare(*((ends, goes_on) if side == "A" else (goes_on, ends)), x)
    place = found.parting
    assert place is not None and (place.step, place.unit) == (0, 3)
    names = (place.signal, place.other or place.signal)
    assert names == ((own, called) if side == "A" else (called, own))
    values = (place.a, place.b) if side == "A" else (place.b, place.a)
    assert np.isnan(values[0])
    expected = trace(goes_on, x)[called][0, 0, 0, place.sequence, 3]
    np.testing.assert_allclose(values[1], expected, rtol=1e-5)
    assert found.cells == tuple(titles if side == "A" else titles[::-1])
    assert f"The run of {side} ended there: {signal} of unit 3" in str(found)


def test_where_sequences_of_several_lengths_end_at_what_is_infinite_is_told() -> None:
    module, x = nn.RNN(3, 7, nonlinearity="relu"), torch.rand(40, 4, 3)
    with torch.no_grad():
        for value in module.parameters():
            value.abs_().mul_(400)
    other = nn.RNN(3, 7, nonlinearity="relu", batch_first=True)
    other.load_state_dict(module.state_dict())
    lengths = [18, 40, 14, 3]
    with pytest.raises(ValueError, match=r"both compute what is not a number from step \d+ on"):
        compare(module, other, x, lengths=lengths)
    with torch.no_grad():
        other.weight_hh_l0.mul_(0.001)
    found = compare(module, other, x, lengths=torch.tensor(lengths))
    assert not found.equal and found.parting is not None and found.parting.step == 1
    assert "Later the run of A ended: " in str(found)
