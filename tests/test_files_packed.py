"""What was read of a file, as plain data and arrays and back: nothing of it is lost on the way to another process."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lstm_core import Block, Trace, trace
from lstm_core.block import Source
from lstm_core.cells import CELLS
from lstm_core.files import Loaded, packed
from lstm_core.say import Said, say
from lstm_core.variant import activation, variant


def through(plain: Any, arrays: list[np.ndarray]) -> tuple[Any, list[np.ndarray]]:
    """As they come out of a process: JSON, and bytes."""
    sent = [(array.dtype.str, array.shape, array.tobytes()) for array in arrays]
    return json.loads(json.dumps(plain)), [np.frombuffer(data, kind).reshape(shape) for kind, shape, data in sent]


def block(**options: Any) -> Block:
    rng = np.random.default_rng(0)
    cell = options.pop("cell", CELLS["lstm"])
    params = {param.name: rng.normal(size=param.shape(3, 4)).astype(np.float32) for param in cell.params}
    return Block("rnn", "keras", cell, [[params]], ("forward",), True, **options)


BLOCKS = {
    "plain": block(),
    "a mask": block(mask_value=-1.5),
    "lengths and a first state": block(lengths=(3, 1), initial={"h": np.ones((1, 1, 2, 4), np.float32)}),
    "what it reads": block(reads=Source("embedding", ("Conv1D conv", "Dense d"), True)),
    "what is assumed": block(assumed=("as it is", say("{name} is {what}", name="x", what=say("the usual")))),
    "other functions": block(
        cell=variant(CELLS["gru"], activation("hard_sigmoid"), activation("elu", 0.3), clip=2.5, coupled=False)
    ),
    "coupled gates": block(cell=variant(CELLS["lstm"], coupled=True)),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_comes_back(name: str) -> None:
    sent = BLOCKS[name]
    [found] = packed.unpack(*through(*packed.pack(Loaded(say("a {what}", what="file"), (sent,))))).blocks
    for field in fields(Block):
        if field.name not in ("layers", "initial"):
            assert getattr(found, field.name) == getattr(sent, field.name), field.name
    same(found.initial, sent.initial)
    same(found.layers[0][0], sent.layers[0][0])
    assert [type(sentence) for sentence in found.assumed] == [type(sentence) for sentence in sent.assumed]
    if found.assumed:
        assert isinstance(found.assumed[1], Said) and isinstance(found.assumed[1].values["what"], Said)
    x = np.random.default_rng(1).normal(size=(2, 3, 3)).astype(np.float32)
    np.testing.assert_array_equal(found.trace(x).signals["h"], sent.trace(x).signals["h"])


def same(found: Any, sent: Any) -> None:
    assert list(found) == list(sent)
    for name in found:
        np.testing.assert_array_equal(found[name], sent[name])


def test_what_lies_beside_a_block_comes_back_and_what_is_shared_travels_once() -> None:
    shared = np.arange(12, dtype=">f4").reshape(3, 4)
    others = {"a": shared, "b": shared, "t": np.asfortranarray(np.eye(3)), "words": np.array(["x"])}
    roles, layout = {"a": "embedding"}, {"a": (3, 4), "\ud800": (2,), "scalar": ()}
    plain, arrays = packed.pack(Loaded("NumPy", (block(),), others, roles, layout))
    assert len(arrays) == len(block().layers[0][0]) + 2
    found = packed.unpack(*through(plain, arrays))
    assert (found.format, found.roles, found.layout) == ("NumPy", roles, layout)
    same(found.others, {name: others[name] for name in ("a", "b", "t")})  # text is nothing that is looked up by a block
    assert found.others["a"] is found.others["b"] and found.others["a"].dtype == np.dtype("f4").newbyteorder("=")


def test_halves_of_a_float_travel_as_floats() -> None:
    half = pytest.importorskip("ml_dtypes").bfloat16
    value = np.array([[1.5, -2.0]]).astype(half)
    found = packed.unpack(*through(*packed.pack(Loaded("ONNX", (block(),), {"a": value}))))
    assert found.others["a"].dtype == np.float32 and found.others["a"].tolist() == [[1.5, -2.0]]


def test_a_cell_of_ones_own_is_refused() -> None:
    class Own(CELLS["lstm"]):
        name = "own"

    with pytest.raises(ValueError, match="own"):
        packed.unpack(*through(*packed.pack(Loaded("NumPy", (block(cell=Own),)))))


@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}], ids=str)
def test_a_trace_comes_back(options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    sent = trace(nn.LSTM(3, 4, **options), torch.randn(5, 1, 3))
    found = packed.unpack_trace(*through(*packed.pack_trace(sent)))
    for field in fields(Trace):
        name = field.name
        if name in ("signals", "initial"):
            same(getattr(found, name), getattr(sent, name))
        elif name == "layers":
            for row, other in zip(found.layers, sent.layers, strict=True):
                for params, others in zip(row, other, strict=True):
                    same(params, others)
        elif name == "inputs":
            np.testing.assert_array_equal(found.inputs, sent.inputs)
        else:
            assert getattr(found, name) == getattr(sent, name), name
    assert found.max_abs_error is not None and math.isfinite(found.max_abs_error)
