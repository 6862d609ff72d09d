"""A trace read by the names of signals and axes, as a table and as a labelled array; against plain loops."""

from __future__ import annotations

import io
import itertools
import sys
from typing import Any

import cases
import numpy as np
import pandas
import pytest
import torch
from torch import nn
from traces import random_trace

from lstm_core import CELLS, Trace, trace
from lstm_core.trace import AXES

TEXT = "Mary was late because she. John?"


def ragged(directions: int = 2) -> Trace:
    module = nn.LSTM(3, 4, num_layers=2, bidirectional=directions == 2)
    return trace(module, torch.randn(6, 3, 3), lengths=[6, 1, 4])


def test_a_trace_reads_like_a_mapping_of_its_signals() -> None:
    one = random_trace("lstm")
    assert one["f"] is one.signals["f"] and "f" in one and "z" not in one and 3 not in one
    assert list(one) == list(one.keys()) == list(one.signals) and dict(one).keys() == one.signals.keys()
    assert {**one}["c"] is one.signals["c"]
    assert len(one) == one.inputs.shape[0] != len(one.signals)  # len is steps


@pytest.mark.parametrize("name", ["z", "", "keep", 0, None, ("f", "i"), ["f"]])
def test_a_name_that_is_not_there_says_what_is(name: Any) -> None:
    with pytest.raises(ValueError, match="the trace has no signal .*; it has i, f, g, o, c, h$"):
        random_trace("lstm")[name]


PICKS: list[Any] = [
    2, -1, np.int64(1), slice(1, 3), slice(None, None, -1), [1, 2], [2, 0, 2], [-1], (0, 2), [], np.array([1, 0]),
    np.uint8([2]), [True, False, True, False], np.array([False, False, True, True]), np.zeros(4, bool), range(1, 3),
]  # fmt: skip


def by_hand(values: np.ndarray, axis: int, pick: Any) -> np.ndarray:
    """Element by element, with nothing but integers to index with."""
    size = values.shape[axis]
    if isinstance(pick, slice):
        places = list(range(size))[pick]
    elif isinstance(pick, int | np.integer):
        places = [int(pick)]
    else:
        pick = list(pick)
        bools = bool(pick) and isinstance(pick[0], bool | np.bool_)
        places = [k for k in range(size) if pick[k]] if bools else [int(k) % size for k in pick]
    shape = [len(places) if a == axis else s for a, s in enumerate(values.shape)]
    found = np.empty(shape, values.dtype)
    for at in itertools.product(*map(range, shape)):
        found[at] = values[(*at[:axis], places[at[axis]], *at[axis + 1 :])]
    return found[(slice(None),) * axis + (0,)] if isinstance(pick, int | np.integer) else found


@pytest.mark.parametrize("pick", PICKS, ids=repr)
@pytest.mark.parametrize("axis", ["unit", "time"])
def test_sel_takes_what_numpy_takes(axis: str, pick: Any) -> None:
    one = random_trace("lstm", time=4, layers=2, directions=2)
    values = one.signals["f"]
    np.testing.assert_array_equal(one.sel("f", **{axis: pick}), by_hand(values, AXES.index(axis), pick))


def test_axes_are_picked_from_independently() -> None:
    """Two lists of unequal lengths, too, and integers between lists."""
    one = random_trace("gru", time=4, layers=2, directions=2)
    for time, unit in itertools.product(PICKS, PICKS[::3]):
        expected = by_hand(by_hand(by_hand(one.signals["z"], 4, unit), 3, [1, 0]), 2, time)
        np.testing.assert_array_equal(one.sel("z", unit=unit, batch=[1, 0], time=time), expected)
        expected = by_hand(by_hand(by_hand(one.signals["z"], 4, unit), 3, 1), 2, time)
        np.testing.assert_array_equal(one.sel("z", unit=unit, batch=1, time=time), expected)


def test_a_view_stays_a_view() -> None:
    one = random_trace("lstm")
    assert np.shares_memory(one.sel("f", layer=0, time=slice(1, 4)), one["f"])
    assert not np.shares_memory(one.sel("f", unit=[0, 1]), one["f"])


@pytest.mark.parametrize(
    ("index", "answer"),
    [
        ({"unit": [1, 4]}, r"^unit 4 does not exist in f; there are 4 \(0 to 3\)$"),
        ({"unit": [-5]}, r"^unit -5 does not exist in f"),
        ({"unit": np.array([0, 9])}, "^unit 9 does not exist in f"),
        ({"batch": 2}, r"^batch 2 does not exist in f; there are 2 \(0 to 1\)$"),
        ({"unit": [True, False]}, "^along unit f has 4 places, .* as many True and False, not 2$"),
        ({"unit": 1.0}, "^along unit one picks with an integer, a slice, or a list .*, not with 1.0$"),
        ({"unit": [0.5]}, r"not with \[0.5\]$"),
        ({"unit": "1"}, "not with '1'$"),
        ({"unit": True}, "not with True$"),
        ({"unit": None}, "not with None$"),
        ({"unit": [[0, 1], [2, 3]]}, r"not with \[\[0, 1\], \[2, 3\]\]$"),
        ({"unit": [[0], [1, 2]]}, r"not with \[\[0\], \[1, 2\]\]$"),
        ({"units": 1}, "^the trace has no axis 'units'; its axes are layer, direction, time, batch, unit$"),
    ],
)
def test_a_wrong_index_says_what_there_is(index: dict[str, Any], answer: str) -> None:
    with pytest.raises(ValueError, match=answer):
        random_trace("lstm").sel("f", **index)


@pytest.mark.parametrize("name", CELLS)
def test_every_cell_comes_back_from_npz_and_is_a_wide_table(name: str) -> None:
    """Every place of every signal stands in the row of its axes; also a ragged batch's NaN."""
    written = random_trace(name, layers=2, directions=2)
    for value in written.signals.values():
        value[:, :, 3:, 1] = np.nan
    written = Trace(written.cell, written.signals, written.inputs, written.layers, written.initial,
                    lengths=(len(written), 3))  # fmt: skip
    file = io.BytesIO()
    written.to_npz(file)
    file.seek(0)
    back = Trace.from_npz(file)
    table = back.to_pandas(wide=True)
    assert list(table.columns) == [*AXES, *written.signals] and len(table) == written["h"].size
    for row in table.to_dict("records")[::7]:
        at = tuple(row[axis] for axis in AXES)
        for signal in written:
            np.testing.assert_equal(row[signal], written.signals[signal][at])
    pandas.testing.assert_frame_equal(table, written.to_pandas(wide=True))


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
def test_a_wide_table_of_a_projection_has_no_value_where_there_is_no_unit() -> None:
    one = trace(nn.LSTM(3, 4, proj_size=2), torch.randn(5, 2, 3))
    table = one.to_pandas(wide=True)
    assert len(table) == 5 * 2 * 4 and int(table["h"].isna().sum()) == 5 * 2 * 2 and not bool(table["c"].isna().any())
    for row in table[table["unit"] < 2].to_dict("records"):
        assert row["h"] == one["h"][tuple(row[axis] for axis in AXES)]
    arrays = one.to_xarray()
    assert arrays["c"].dims == AXES and arrays["h"].dims == (*AXES[:-1], "h_unit") and arrays.sizes["h_unit"] == 2


@pytest.mark.parametrize("name", CELLS)
def test_xarray_names_the_axes_and_the_tokens(name: str) -> None:
    one = cases.model(name, layers=2, directions=2).run(TEXT, device="cpu")
    arrays = one.to_xarray()
    assert set(arrays.data_vars) == {*one.signals, "inputs"} and arrays.attrs["cell"] == name
    assert arrays["token"].dims == ("time",) and arrays["token"].values.tolist() == [t.text for t in one.tokens]
    for signal, values in one.signals.items():
        assert arrays[signal].dims == AXES and arrays[signal].dtype == values.dtype
        np.testing.assert_array_equal(arrays[signal].values, values)
        picked = arrays[signal].sel(layer=1, direction=0, unit=[3, 1])
        np.testing.assert_array_equal(picked.values, one.sel(signal, layer=1, direction=0, unit=[3, 1]))
    np.testing.assert_array_equal(arrays["inputs"].transpose("batch", "time", "input").values[0], one.inputs[:, 0])


def test_xarray_of_a_ragged_batch() -> None:
    one = ragged()
    arrays = one.to_xarray()
    assert arrays["length"].dims == ("batch",) and arrays["length"].values.tolist() == [6, 1, 4]
    own = arrays["f"].where(arrays["time"] < arrays["length"], drop=False)
    np.testing.assert_array_equal(own.transpose(*AXES).values, one["f"])
    assert arrays.attrs["max_abs_error"] == one.max_abs_error and "token" not in arrays.coords


def test_attention_is_by_step_and_source() -> None:
    import dataclasses

    from lstm_core.attention import weights

    one = random_trace("lstm")
    params = {"W_a": np.eye(4)}
    one = dataclasses.replace(one, attention=params, signals={**one.signals, **weights(params, one.cell, one.signals)})
    alpha = one.to_xarray()["alpha"]
    assert alpha.dims == ("time", "batch", "source") and alpha.shape == (len(one), 2, len(one))
    assert "alpha" not in one.to_pandas(wide=True) and "alpha" in set(one.to_pandas()["signal"])


@pytest.mark.parametrize("name", ["pandas", "xarray"])
def test_a_package_that_is_missing_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=f"needs the package {name}, which is not installed: pip install {name}"):
        getattr(random_trace("lstm"), f"to_{name}")()
