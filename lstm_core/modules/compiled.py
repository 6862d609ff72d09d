"""What torch.compile has been at is traced as it was written: what is compiled runs no Python of ours on the way."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn

WRAPPER = "_orig_mod"  # where torch.compile(module) keeps the module
_one = threading.RLock()


def original(module: Any) -> nn.Module:
    """The module itself, of one that was compiled the one it was compiled from; TypeError for what is not a module."""
    while isinstance(module, nn.Module) and type(module).__module__ == "torch._dynamo.eval_frame":
        module = getattr(module, WRAPPER)
    if isinstance(module, nn.Module):
        return module
    name = type(module).__name__
    if name == "ExportedProgram":
        raise TypeError(f"{name} cannot be traced: it holds operations, not modules; pass the module it was made from")
    if isinstance(module, type):
        raise TypeError(f"{module.__name__} cannot be traced: it is a class; pass a module that was made from it")
    if isinstance(getattr(module, "__self__", None), nn.Module):
        owner = type(module.__self__).__name__
        raise TypeError(f"{owner}.{module.__name__} cannot be traced: it is a method; pass the module itself")
    if callable(module) and hasattr(module, "__name__"):
        raise TypeError(f"{module.__name__} cannot be traced: it is a function; pass the module that it calls")
    if name in ("Block", "Loaded", "Network"):
        raise TypeError(f"{name} cannot be traced here: it runs without torch, by its own .trace(x) or .run(text)")
    if isinstance(module, str | os.PathLike | bytes):
        raise TypeError("a file cannot be traced as a torch module: lstm_core.load(path).trace(x)")
    raise TypeError(f"{name} cannot be traced: it is not a torch module; pass the module itself")


def plain_name(name: str) -> str:
    """The dotted name of a module as it is in the model that was not compiled."""
    return ".".join(part for part in name.split(".") if part != WRAPPER)


def eager() -> AbstractContextManager[None]:
    """While active, nothing runs compiled: no module, no method of one and no function that it calls."""
    if "torch._dynamo" not in sys.modules:  # nothing has been compiled, and to ask would load the compiler
        return nullcontext()
    return _eager()


class Hook:
    """A hook of ours on somebody's model: the compiler leaves it alone, and nothing in it runs compiled. A copy of the
    model, in memory or in a file, has one that does nothing."""

    def __init__(self, function: Callable[..., None] | None = None) -> None:
        """function: what it calls; None for nothing."""
        self.function = function

    def __reduce__(self) -> Any:
        """A copy calls nothing."""
        return Hook, ()

    def __call__(self, *args: Any) -> None:
        """Calls the function, apart from the compiler."""
        if self.function is None:
            return
        if "torch._dynamo" in sys.modules:
            torch.compiler.disable(self.function)(*args)
        else:
            self.function(*args)

    setattr(__call__, "_torchdynamo_disable", True)  # noqa: B010  what torch.compiler.disable sets, once it is loaded


@contextmanager
def _eager() -> Iterator[None]:
    """torch keeps this in one place for all threads, so that only one at a time may set it and put it back."""
    with _one, ExitStack() as entered:
        try:
            entered.enter_context(torch.compiler.set_stance("force_eager"))
        except RuntimeError as error:
            raise ValueError("a function that torch.compile compiles is running; trace outside it") from error
        yield
