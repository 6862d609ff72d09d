"""The source that the page offers runs with PyTorch alone and computes what the trace holds, for every cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from dashboard.figures.walk import walk
from lstm_core import CELLS, Trace, list_models, load_model
from lstm_core.cells import cell as find_cell
from lstm_core.cells.base import Cell
from lstm_core.torch_source import torch_source
from tests.traces import random_trace


def made(source: str) -> Any:
    """The module that the source defines, where nothing is known but what it imports itself."""
    space: dict[str, Any] = {}
    exec(compile(source, "copied", "exec"), space)
    return next(value for value in space.values() if isinstance(value, type) and issubclass(value, torch.nn.Module))()


def ran(trace: Trace, module: Any, layer: int, direction: int = 0) -> dict[str, np.ndarray]:
    """What the module makes of what that layer read, (time, unit) by name, in the order of the tokens."""
    params = trace.layers[layer][direction]
    tensors = {name: torch.as_tensor(np.array(value)) for name, value in params.items()}
    module.to(next(iter(tensors.values())).dtype).load_state_dict(tensors)
    cell = trace.cell
    x = trace.inputs if layer == 0 else np.concatenate(list(trace[cell.output][layer - 1]), axis=-1)
    states = {name: torch.as_tensor(np.array(trace.initial[name][layer, direction])) for name in cell.states()}
    below = {
        f"below_{name}": torch.as_tensor(np.array(trace[name][layer - 1, direction])) for name in cell.below if layer
    }
    flip = (0,) if direction else ()
    with torch.no_grad():
        found = module(torch.as_tensor(np.array(x)).flip(flip), **states, **{k: v.flip(flip) for k, v in below.items()})
    return {name: value.flip(flip).numpy() for name, value in found.items()}


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("name", CELLS)
def test_what_is_copied_runs_and_is_the_trace(name: str, layer: int) -> None:
    trace = random_trace(name, layers=2, directions=2, hidden=4)
    inputs = 3 if layer == 0 else 8
    for direction in (0, 1):
        found = ran(trace, made(torch_source(find_cell(name), inputs, 4)), layer, direction)
        assert list(found) != [] and set(found) == {signal.name for signal in find_cell(name).signals}
        for signal, value in found.items():
            np.testing.assert_allclose(value, trace[signal][layer, direction], rtol=0, atol=5e-6, err_msg=signal)


def test_every_shipped_model_s_cell_is_copied_from_the_page() -> None:
    """In the models' own precision, in which two ways of adding differ by more and more in a long text."""
    for name in list_models():
        model = load_model(name)
        trace = model.run("Mary met John", device="cpu")
        for layer in range(len(model.layers)):
            source = walk([model], [trace], [0], [(layer, 0)])["sides"][0]["code"]
            found = ran(trace, made(source), layer)
            for signal, value in found.items():
                np.testing.assert_allclose(
                    value[:, 0], trace[signal][layer, 0, :, 0], rtol=0, atol=5e-6, err_msg=name
                )


def test_the_weights_line_loads_the_model_s_own_weights() -> None:
    model = load_model("pronouns-gru")
    trace = model.run("Mary met John", device="cpu")
    source = walk([model], [trace], [0], [(0, 0)])["sides"][0]["code"]
    lines = [line.removeprefix("# ") for line in source.splitlines()[-3:]]
    space: dict[str, Any] = {}
    exec("\n".join([source, *lines]), space)
    x = torch.as_tensor(np.array(trace.inputs))
    with torch.no_grad():
        np.testing.assert_allclose(space["cell"](x)["h"][:, 0], trace["h"][0, 0, :, 0], atol=1e-6)


def test_what_is_computed_once_is_written_once_and_a_function_without_a_counterpart_is_refused() -> None:
    source = torch_source(CELLS["slstm"], 3, 4)
    assert source.count("self.W_i.T") == source.count("self.W_f.T") == 1

    class Odd(Cell):
        name, title, source, signals, params = "odd", "Odd", "nobody", CELLS["rnn"].signals, CELLS["rnn"].params

        @staticmethod
        def gates(p, x, s, xp):
            return {"a": xp.wobble(p.W_a @ x)}

        @staticmethod
        def update(p, v, s, xp):
            return {"h": xp.tanh(v.a)}

    with pytest.raises(ValueError, match="there is no PyTorch for 'wobble'"):
        torch_source(Odd, 3, 4)
