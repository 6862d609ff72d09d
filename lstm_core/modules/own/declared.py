"""What a declared cell has to be, and the weights it is run with: those of a module, by the cell's names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn

from lstm_core.cells.base import Cell
from lstm_core.equations import equations
from lstm_core.modules.kinds import is_quantised
from lstm_core.ops import NUMPY
from lstm_core.scan import hidden_size
from lstm_core.symbols import Expr


def as_declared(cell: type[Cell]) -> None:
    """Raises ValueError for a cell that cannot be run here, with what it lacks."""
    if not isinstance(cell, type) or not issubclass(cell, Cell):
        raise TypeError(f"cell is {repr(cell)[:80]}; a class made from lstm_core.Cell is needed")
    missing = [name for name in ("name", "signals", "params") if not hasattr(cell, name)]
    if missing:
        raise ValueError(f"the cell {cell.__name__} does not say its {', '.join(missing)}")
    names = {signal.name for signal in cell.signals}
    if "h" not in names or cell.output != "h":
        raise ValueError(f"the cell {cell.name} has no signal h: what the module gives is called h")
    if cell.below:
        raise ValueError(f"the cell {cell.name} reads the layer below, which the module does not have")
    try:
        lines = equations(cell)
    except Exception as error:  # it is somebody's code, and can raise anything
        raise ValueError(f"the equations of the cell {cell.name} cannot be read off it: {error}") from error
    missing = sorted(names - {line.name for line in lines})
    if missing:
        text = f"neither gates nor update of the cell {cell.name} gives {', '.join(missing)}"
        raise ValueError(text)
    for function in sorted(set().union(*(_functions(line.expr) for line in lines))):
        if not hasattr(NUMPY, function):
            there = "sigmoid, tanh, exp, log, abs, maximum, minimum, greater, log_sigmoid, standardized"
            text = f"there is no xp.{function}, which the cell {cell.name} uses; there are {there}"
            raise ValueError(text)


def _functions(expr: Expr) -> set[str]:
    if expr.op in ("symbol", "number"):
        return set()
    own = set() if expr.op in ("+", "-", "*", "/", "@") else {expr.op}
    return own.union(*map(_functions, expr.args))


def mapped(module: nn.Module, cell: type[Cell], weights: Any) -> dict[str, Tensor]:
    """The cell's parameters from the module's. weights: a function of the module, or a dict, by the cell's names; each
    a tensor, the dotted name of the module's own, or None for zeros. Raises ValueError for what is missing or too much.
    """
    told: Any = weights(module) if callable(weights) else weights
    if not isinstance(told, Mapping):
        raise TypeError(f"weights are a dict by the cell's names, or a function that gives one, not {told!r:.80}")
    given = dict[str, Any](told)
    wanted = {param.name: param for param in cell.params}
    missing, strange = (
        [name for name in one if name not in other] for one, other in ((wanted, given), (given, wanted))
    )
    if missing:
        raise ValueError(f"the cell {cell.name} needs the weights {', '.join(missing)} as well")
    if strange:
        there = ", ".join(wanted)
        raise ValueError(f"the cell {cell.name} has no weights {', '.join(strange)}; it has {there}")
    found: dict[str, Tensor] = {}
    for name in (name for name in wanted if given[name] is not None):
        value = given[name]
        if isinstance(value, str):
            value = _named(module, value)
        if not isinstance(value, Tensor):
            if is_quantised(getattr(value, "__self__", None)):  # its weight is a method
                raise _packed(module, name, value.__self__)
            raise ValueError(f"the weight {name} is a {type(value).__name__}, not a tensor")
        found[name] = value.detach()
    told_by: dict[str, Counter[int]] = {}
    for name, value in found.items():
        for axis, size in zip(wanted[name].axes, value.shape, strict=False):
            told_by.setdefault(axis, Counter())[size] += 1
    sizes = {axis: each.most_common(1)[0][0] for axis, each in told_by.items()}  # as most say, so the odd one is named
    for name, value in found.items():
        axes = wanted[name].axes
        shape = tuple(sizes[axis] for axis in axes) if len(axes) == value.dim() else axes
        if tuple(value.shape) != shape:
            text = f"the weight {name} is {tuple(value.shape)}, not {shape}"
            raise ValueError(text)
    some = next(iter(found.values()), torch.zeros(()))
    low = torch.bfloat16, torch.float16
    dtype = reduce(
        torch.promote_types, (torch.float32 if w.dtype in low else w.dtype for w in found.values()), some.dtype
    )
    for name in wanted:
        if name not in found:
            if not set(wanted[name].axes) <= set(sizes):
                raise ValueError(f"how large {name} is cannot be told from the other weights")
            found[name] = some.new_zeros([sizes[axis] for axis in wanted[name].axes])
    return {name: found[name].to(dtype).clone() for name in wanted}


def _named(module: nn.Module, path: str) -> Tensor:
    value: Any = module
    for part in path.split("."):
        value = getattr(value, part, None)
    if isinstance(value, Tensor):
        return value
    for name, inner in module.named_modules():
        if is_quantised(inner) and (not name or path.startswith(f"{name}.")):
            raise _packed(module, path, inner)
    names = ", ".join(name for name, _ in module.named_parameters()) or "none"
    raise ValueError(f"the module has no weight {path!r}; it has {names}")


def _packed(module: nn.Module, weight: str, inside: nn.Module) -> ValueError:
    """What is raised of a weight in a quantised module."""
    name = next((name for name, inner in module.named_modules() if inner is inside), "")
    what = f"its {name}, which has {weight}," if name else "it"
    return ValueError(
        f"{type(module).__name__} cannot be traced: {what} is quantised; pass the float module that it was made from"
    )


def units(cell: type[Cell], params: Mapping[str, Tensor]) -> dict[str, int]:
    """Of each state, as far as the weights tell: where nothing else does, as many as there are hidden units."""
    try:
        return dict.fromkeys(cell.states(), hidden_size(cell, params))
    except ValueError:
        return {}
