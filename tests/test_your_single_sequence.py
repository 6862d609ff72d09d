"""A file made for several sequences at once, or for sequences of its own lengths: the page reads a single one."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from dashboard.yours import inputs
from dashboard.yours.given import Given
from dashboard.yours.session import Place
from dashboard.yours.upload import FILE

INPUT, UNITS = 3, 5


def lstm(batch: int, states: bool, lengths: list[int]) -> tuple[bytes, dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    shapes = {"W": (1, 4 * UNITS, INPUT), "R": (1, 4 * UNITS, UNITS), "B": (1, 8 * UNITS)}
    shapes |= {"h": (1, batch, UNITS), "c": (1, batch, UNITS)} if states else {}
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    stored = {**arrays, **({"lengths": np.array(lengths, np.int32)} if lengths else {})}
    names = [name if name in stored else "" for name in ("X", "W", "R", "B", "lengths", "h", "c")]
    node = helper.make_node("LSTM", ["X", *names[1:]], ["Y"], name="block", hidden_size=UNITS)
    x = helper.make_tensor_value_info("X", TensorProto.FLOAT, ["time", batch, INPUT])
    y = helper.make_tensor_value_info("Y", TensorProto.FLOAT, None)
    initial = [numpy_helper.from_array(value, name) for name, value in stored.items()]
    return helper.make_model(helper.make_graph([node], "graph", [x], [y], initial)).SerializeToString(), arrays


def run(x: np.ndarray, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """c at every step, by ONNX's own equations: gates in the order i, o, f, c."""
    w, r, b = arrays["W"][0], arrays["R"][0], arrays["B"][0]
    h, c = (arrays[name][0, 0] if name in arrays else np.zeros(UNITS) for name in "hc")
    cells = []
    for step in x:
        i, o, f, g = np.split(w @ step + r @ h + b[: 4 * UNITS] + b[4 * UNITS :], 4)
        i, o, f = (1 / (1 + np.exp(-gate)) for gate in (i, o, f))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        cells.append(c)
    return np.array(cells)


@pytest.mark.parametrize(
    ("batch", "states", "lengths", "said"),
    [
        (5, True, [], ["initial state for each of 5 sequences"]),
        (1, True, [], []),
        (1, False, [3], ["how long its own sequences are"]),
        (5, False, [3, 2, 1, 4, 5], ["how long its own sequences are"]),
        (2, True, [100, 100], ["initial state for each of 2", "how long its own"]),
    ],
)
def test_the_page_reads_one_sequence_to_its_end(batch: int, states: bool, lengths: list[int], said: list[str]) -> None:
    data, arrays = lstm(batch, states, lengths)
    place = Place()
    place.take(Given("model.onnx", data))
    assert place.upload is not None, place.problem
    x = inputs.probe("noise", 7, INPUT)
    place.choose(signal=x, found=7, source=FILE)
    assert not place.problem
    reading = place.upload.read("", 2000)
    found = reading.trace.sel("c", layer=0, direction=0, batch=0)
    np.testing.assert_allclose(found, run(x, arrays), atol=1e-5)
    assert len(reading.notes) == len(said) and all(part in note for part, note in zip(said, reading.notes, strict=True))


@pytest.mark.parametrize("shape", [(-1, 3), (-3, -1), (0, 3), (-5, 3)])
def test_an_array_of_fewer_than_no_steps_is_refused(shape: tuple[int, int]) -> None:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(24)
    with pytest.raises(ValueError, match="has the shape"):
        inputs.read(data, shape[1], 2000)
