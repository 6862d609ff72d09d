"""A PyTorch module's weights in the files of other frameworks, written as their documentation has them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save
from test_files_keras import keras_archive
from torch import nn

FORMATS = ("state_dict", "checkpoint", "safetensors", "npz", "onnx", "keras")
ONNX = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}
"""Its order of the gates, by PyTorch's: i, o, f, c of i, f, g, o; z, r, h of r, z, n."""
KERAS = {"LSTM": (0, 1, 2, 3), "GRU": (1, 0, 2), "RNN": (0,)}


def arrays(module: nn.RNNBase) -> dict[str, np.ndarray]:
    return {name: value.detach().numpy().copy() for name, value in module.named_parameters()}


def reordered(values: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    """The blocks of the first axis in that order."""
    parts = np.split(values, len(order))
    return np.concatenate([parts[at] for at in order])


def converted(module: nn.RNNBase, to: str, order: tuple[int, ...] | None = None, **options: Any) -> Any:
    """What ``compare`` takes: the weights of ``module`` as that format has them. order: of the gates, for a wrong one;
    options: of ONNX's node, or of Keras's layer, for other attributes than the right ones."""
    values = arrays(module)
    if to == "state_dict":
        return module.state_dict()
    if to == "checkpoint":
        file = io.BytesIO()
        torch.save(module.state_dict(), file)
        return file.getvalue()
    if to == "safetensors":
        return save(values)
    if to == "npz":
        file = io.BytesIO()
        np.savez(file, **values)
        return file.getvalue()
    return (onnx if to == "onnx" else keras)(module, values, order, **options)


def onnx(module: nn.RNNBase, values: dict[str, np.ndarray], order: tuple[int, ...] | None, **options: Any) -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    kind = type(module).__name__
    order = order or ONNX[kind]
    both = ("", "_reverse")[: 1 + module.bidirectional]
    nodes, tensors, x = [], [], "X"
    for layer in range(module.num_layers):
        sides = [f"_l{layer}{side}" for side in both]
        parts = {
            "W": np.stack([reordered(values[f"weight_ih{side}"], order) for side in sides]),
            "R": np.stack([reordered(values[f"weight_hh{side}"], order) for side in sides]),
            "B": np.stack(
                [np.concatenate([reordered(values[f"bias_{k}{side}"], order) for k in ("ih", "hh")]) for side in sides]
            ),
        }
        tensors += [numpy_helper.from_array(value, f"{name}{layer}") for name, value in parts.items()]
        asked = {"hidden_size": module.hidden_size, "direction": "bidirectional" if module.bidirectional else "forward"}
        asked |= {"linear_before_reset": 1} if kind == "GRU" else {}
        inputs = [x, *(f"{name}{layer}" for name in parts)]
        nodes.append(helper.make_node(kind, inputs, [f"Y{layer}"], name=f"rnn{layer}", **(asked | options)))
        nodes.append(helper.make_node("Transpose", [f"Y{layer}"], [f"T{layer}"], perm=[0, 2, 1, 3]))
        tensors.append(numpy_helper.from_array(np.array([0, 0, -1]), f"shape{layer}"))
        nodes.append(helper.make_node("Reshape", [f"T{layer}", f"shape{layer}"], [f"X{layer}"]))
        x = f"X{layer}"
    read = helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, None, module.input_size])
    given = helper.make_tensor_value_info(x, TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "converted", [read], [given], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]).SerializeToString()


def keras(module: nn.RNNBase, values: dict[str, np.ndarray], order: tuple[int, ...] | None, **options: Any) -> bytes:
    """One layer in one direction."""
    assert module.num_layers == 1 and not module.bidirectional
    kind = type(module).__name__
    order = order or KERAS[kind]
    name = {"LSTM": "lstm", "GRU": "gru", "RNN": "simple_rnn"}[kind]
    ih, hh = (reordered(values[f"bias_{k}_l0"], order) for k in ("ih", "hh"))
    weights = [reordered(values[f"weight_{k}_l0"], order).T for k in ("ih", "hh")]
    bias = np.stack([ih, hh]) if kind == "GRU" and options.get("reset_after", True) else ih + hh
    config = {"name": name, "units": module.hidden_size, "return_sequences": True, **options}
    layer = {"class_name": {"RNN": "SimpleRNN"}.get(kind, kind), "config": config}
    return keras_archive([layer], {f"layers/{name}/cell": [*weights, bias]})
