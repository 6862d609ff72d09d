"""Health over a training: what ``watch`` wrote is drawn as it stands there, and every other file is a sentence."""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch import nn

import lstm_core
from dashboard import training
from dashboard.views import health
from lstm_core.watching.course import Course, course
from tests.test_figures import unpack
from tests.test_views import script, small  # noqa: F401

DH = "dh first", "dh last", "dh through time"
HEAD = b"step,name,layer,direction,quantity,value\n"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As a training leaves it: two layers, three readings."""
    torch.manual_seed(0)
    model, path = nn.LSTM(3, 5, num_layers=2), tmp_path_factory.mktemp("training") / "health.csv"
    optimizer = torch.optim.SGD(model.parameters(), 0.5)
    with lstm_core.watch(model, every=2, to=path):
        for _ in range(5):
            loss = model(torch.randn(7, 2, 3))[0].square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return path


def by_hand(path: Path, layer: str, quantity: str) -> tuple[list[int], list[float]]:
    rows = csv.DictReader(path.read_text().splitlines())
    rows = [row for row in rows if (row["layer"], row["quantity"]) == (layer, quantity)]
    return [int(row["step"]) for row in rows], [float(row["value"]) for row in rows]


def shown(data: bytes | None, layer: int | None = None, name: str = "health.csv") -> AppTest:
    """The page Health after a file was given: AppTest cannot give one, so what it came to is put in its place."""
    test = AppTest.from_function(script, args=(health.__name__,), default_timeout=300)
    if data is not None:
        try:
            test.session_state[training.READ] = name, course(data)
        except ValueError as error:
            test.session_state[training.READ] = name, error.args[0]
    test.run()
    assert not test.exception, test.exception
    if layer is not None:
        test.selectbox(key="training layer").set_value(layer).run()
        assert not test.exception, test.exception
    return test


def panels(test: AppTest) -> dict[str, dict]:
    trees = (unpack(one.proto.bytes) for one in test.get("bidi_component"))  # type: ignore[attr-defined]
    return {panel["id"]: panel for tree in trees for panel in tree.get("panels", []) if "training" in panel["id"]}


@pytest.mark.parametrize("layer", [0, 1])
def test_the_lines_are_the_files(written: Path, layer: int) -> None:
    drawn = panels(shown(written.read_bytes(), layer))
    shares = drawn["training shares"]["figure"]["data"]
    assert {"dead", *(f"saturated {gate}" for gate in "fioh")} == {line["name"] for line in shares}
    for line in shares:
        quantity = line["name"]
        steps, values = by_hand(written, str(layer), quantity)
        assert steps == [0, 2, 4] == list(line["x"])
        np.testing.assert_allclose(line["y"], values, atol=1e-6)
    times = drawn["training timescales"]["figure"]["data"]
    np.testing.assert_allclose(times[1]["y"], by_hand(written, str(layer), "timescale longest")[1], rtol=1e-5)
    gradient = drawn["training dh"]
    if layer == 0:
        assert gradient["figure"] is None and "top layer" in gradient["text"]
    else:
        found = [by_hand(written, "1", name)[1] for name in DH]
        np.testing.assert_allclose([line["y"] for line in gradient["figure"]["data"]], found, rtol=1e-5)
        assert float(re.findall(r"from later ones ([\d.]+) of", gradient["text"])[0]) == pytest.approx(
            found[2][-1] / found[1][-1], rel=0.06
        )


def test_a_table_that_does_not_say_what_came_through_time_claims_nothing_of_it(written: Path) -> None:
    """As ``watch`` wrote it when it took the gradient at the output for the whole."""
    lines = [line for line in written.read_bytes().splitlines(True) if b"through time" not in line]
    assert "vanish" not in str(panels(shown(b"".join(lines), 1))["training dh"])


def test_a_file_that_goes_on_while_it_is_read_and_one_of_two_trainings(written: Path) -> None:
    data = written.read_bytes()
    cut = course(data[: data.rindex(b"dh last") + 3])
    assert len(cut.layers) == 2 and cut.runs == 1
    both = course(data + data.split(b"\n", 1)[1])
    assert both.runs == 2
    assert all(
        np.array_equal(a.steps["dead"], b.steps["dead"]) for a, b in zip(both.layers, course(data).layers, strict=True)
    )
    assert "It holds 2 trainings" in " ".join(one.value for one in shown(data + data.split(b"\n", 1)[1]).caption)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "not a text file"),
        (b"a,b\n1,2\n", "its columns are a, b; a file that lstm_core.watch wrote has step, name, layer"),
        (b"just a text", "its columns are just a text"),
        (HEAD, "holds no reading yet"),
        (HEAD + b"0,,0,0,dead\n", "line 2 has 5 columns; there should be 6"),
        (HEAD + b"x,,0,0,dead,1\n", "line 2: step is 'x', which is not a whole number"),
        (HEAD + b"-1,,0,0,dead,1\n", "step is '-1'"),
        (HEAD + b"0,,1e9,0,dead,1\n", "layer is '1e9'"),
        (HEAD + b"9999999999999999999,,0,0,dead,1\n", "not a whole number"),
        (HEAD + "٣,,0,0,dead,1\n".encode(), "not a whole number"),
        (HEAD + b"0,,0,0,dead,much\n", "value is 'much', which is not a number"),
        (HEAD + b'0,,0,0,"' + b"a" * 200_000 + b'",1\n', "cannot be read as a table"),
        (HEAD + b"0,,0,0,dead,1\n" * 200_001, "more than the 200,000 lines"),
    ],
)
def test_another_file_says_what_is_wrong(data: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        course(data)


def test_what_is_wrong_stands_on_the_page_and_a_name_is_shown_as_text() -> None:
    [error] = shown(b"a,b\n", name="<b>*a*</b>.csv").error
    assert "its columns are a, b" in error.value.replace("\\", "") and "<b>" not in error.value
    assert not shown(None).error


def test_any_numbers_are_drawn() -> None:
    rows = [
        f"{step},<b>rnn</b>,0,1,{quantity},{value}\n"
        for step, value in enumerate(("nan", "inf", "1e308", "-5", "0"))
        for quantity in ("dead", "saturated f", "timescale median", "timescale longest", *DH, "new")
    ]
    found = course(HEAD + "".join(rows).encode())
    assert isinstance(found, Course) and math.isinf(found.layers[0].values["dead"][1])
    drawn = panels(shown(HEAD + "".join(rows).encode()))
    assert len(drawn) == 3 and all(
        np.isfinite(line["y"][-2:]).all() for line in drawn["training shares"]["figure"]["data"]
    )
