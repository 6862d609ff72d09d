"""torch.nn's recurrent modules: which cell each computes, and its weights as ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lstm_core.cells import CELLS
from lstm_core.cells.base import Cell
from lstm_core.modules.values import own
from lstm_core.say import say
from lstm_core.stacked import GATES, split_weights, stack_weights

KINDS = (nn.LSTM, nn.GRU, nn.RNN, nn.LSTMCell, nn.GRUCell, nn.RNNCell)
WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")


@dataclass
class StandIn:
    """What stands in the place of a module's forward while it is watched (``lstm_core.modules.watch``)."""

    forward: Callable[..., Any]

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Calls ``forward``, as the module would call its own."""
        return self.forward(*args, **named)


def being_traced(module: nn.Module) -> bool:
    """Whether a trace of ours runs the module right now."""
    return isinstance(vars(module).get("forward"), StandIn)


def going_back() -> bool:
    """Whether autograd does, on this thread. What runs a module then is ``torch.utils.checkpoint``, which computes anew
    what it did not keep, and asks in the same way in which step it is."""
    return torch._C._current_graph_task_id() != -1


def cell_of(module: nn.Module) -> type[Cell]:
    """The cell that ``module`` computes; TypeError, with the reason, if it is none that can be traced."""
    name = type(module).__name__
    if isinstance(module, torch.jit.ScriptModule):
        raise TypeError(f"{name} cannot be traced: it is scripted; pass the module that it was scripted from")
    if is_quantised(module):
        raise TypeError(f"{name} cannot be traced: it is quantised; pass the float module that it was made from")
    kind = next((kind for kind in KINDS if isinstance(module, kind)), None)
    if kind is None:
        inside = recurrent_modules(module) if isinstance(module, nn.Module) else {}
        if inside:
            raise TypeError(
                f"{name} cannot be traced by itself; it contains {', '.join(inside)}: "
                "pass one of these, or the whole with its inputs to lstm_core.trace_all"
            )
        names = ", ".join(f"nn.{kind.__name__}" for kind in KINDS)
        raise TypeError(f"{name} cannot be traced: it is none of {names}; {pass_instead(module)}")
    standing = vars(module).get("forward")
    if type(module).forward is not kind.forward or not isinstance(standing, StandIn | None):
        raise TypeError(f"{name} cannot be traced: its forward is not the one of nn.{kind.__name__}")
    if type(module).__call__ is not nn.Module.__call__:
        raise TypeError(f"{name} cannot be traced: its __call__ is not the one of nn.Module")
    if isinstance(module, nn.LSTM | nn.LSTMCell):
        return CELLS["lstm_projected" if getattr(module, "proj_size", 0) else "lstm"]
    if isinstance(module, nn.GRU | nn.GRUCell):
        return CELLS["gru"]
    return CELLS["rnn" if module.nonlinearity == "tanh" else "rnn_relu"]


def is_recurrent(module: nn.Module) -> bool:
    """Whether ``trace_all`` has to account for ``module``, be it traceable or not."""
    if isinstance(module, nn.RNNBase | nn.RNNCellBase):
        return True
    if isinstance(module, torch.jit.ScriptModule):
        return getattr(module, "original_name", "") in {kind.__name__ for kind in KINDS}
    return is_quantised(module) and hasattr(module, "hidden_size")


def is_quantised(module: object) -> bool:
    """Whether it is one of those that torch makes for whole numbers, which pack their weights."""
    return "quantized" in type(module).__module__


def pass_instead(module: object) -> str:
    """What to pass where nothing recurrent of PyTorch's is found in ``module``."""
    kind = type(module)
    if any(base.__name__ == "GraphModule" for base in kind.__mro__):  # whose module need not be loaded
        return "a program that torch.export or torch.fx made holds operations: pass the module that it was made from"
    if kind.__module__.startswith("torch.ao.nn."):
        return "pass the nn.LSTM that it was made from"
    return "lstm_core.trace_cell traces a recurrence that is written out, with the inputs and states of its steps"


def recurrent_modules(module: nn.Module) -> dict[str, nn.Module]:
    """The recurrent modules in ``module`` by their dotted name."""
    if not isinstance(module, nn.Module):
        raise TypeError(say("model must be a PyTorch module, not {found}", found=type(module).__name__))
    return {name: inner for name, inner in module.named_modules() if is_recurrent(inner)}


def blocks_of(module: nn.Module, weights: Iterable[Tensor | None] | None = None) -> list[list[dict[str, Tensor]]]:
    """torch's own weights by layer, direction and name (see ``WEIGHTS``), detached; those that it has. weights: all of
    them in torch's order, if they are not the module's attributes."""
    if isinstance(module, nn.RNNCellBase):
        values = (getattr(module, name, None) for name in WEIGHTS) if weights is None else weights
        found = zip(WEIGHTS, values, strict=False)
        return [[{name: own(value) for name, value in found if value is not None}]]
    assert isinstance(module, nn.RNNBase)
    names = [name for name in WEIGHTS if module.bias or not name.startswith("bias")]
    names = [name for name in names if module.proj_size or name != "weight_hr"]
    suffixes = ("", "_reverse")[: 2 if module.bidirectional else 1]
    rows = [[f"_l{layer}{suffix}" for suffix in suffixes] for layer in range(module.num_layers)]
    if weights is None:
        weights = (getattr(module, name + place) for row in rows for place in row for name in names)
    left = iter(own(value) for value in weights if value is not None)
    return [[{name: next(left) for name in names} for _ in row] for row in rows]


def with_biases(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """``weights`` with zeros for the biases that a module without them does not have."""
    if "bias_ih" in weights:
        return dict(weights)
    zero = weights["weight_ih"].new_zeros(len(weights["weight_ih"]))
    return {**weights, "bias_ih": zero, "bias_hh": zero}


def layers_of(module: nn.Module) -> list[list[dict[str, Tensor]]]:
    """The module's parameters by layer, direction and name. Views of the module's own where it has them so."""
    cell = cell_of(module)
    return [[split_weights(cell, with_biases(weights)) for weights in row] for row in blocks_of(module)]


def module_of(cell: type[Cell], layers: Sequence[Sequence[Mapping[str, Any]]]) -> nn.RNNBase:
    """The module that computes these parameters (NumPy, by layer and direction): the inverse of ``layers_of``."""
    first = layers[0][0]
    letters = GATES[cell.name]
    hidden, width = first[f"W_{letters[0]}"].shape
    with torch.device("meta"):  # no memory and no random numbers for weights that are replaced at once
        sizes = {"num_layers": len(layers), "bidirectional": len(layers[0]) == 2}
        if cell.name in ("rnn", "rnn_relu"):
            nonlinearity = "relu" if cell.name == "rnn_relu" else "tanh"
            module: nn.RNNBase = nn.RNN(width, hidden, nonlinearity=nonlinearity, **sizes)
        elif cell.name == "gru":
            module = nn.GRU(width, hidden, **sizes)
        else:
            module = nn.LSTM(width, hidden, proj_size=len(first["W_hr"]) if "W_hr" in first else 0, **sizes)
    state = {}
    for layer, row in enumerate(layers):
        for params, suffix in zip(row, ("", "_reverse"), strict=False):
            weights = stack_weights(cell, {name: np.asarray(value) for name, value in params.items()})
            state |= {f"{name}_l{layer}{suffix}": torch.from_numpy(value) for name, value in weights.items()}
    module.load_state_dict(state, assign=True)
    return module.eval()
