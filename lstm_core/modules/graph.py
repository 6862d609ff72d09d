"""A graph of autograd's that is read and thrown away: what the caller does with graphs of theirs does not touch it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

_autograd: Any = getattr(torch._C, "_autograd", None)
_innermost: Any = getattr(_autograd, "_top_saved_tensors_default_hooks", lambda tracing: None)


@contextmanager
def own_graph() -> Iterator[None]:
    """Gradients on, and none of the caller's ``saved_tensors_hooks``, which may keep something else, on the disk, or
    count. Hooks cost a call for each tensor that is kept, so there are some only where there were."""
    with torch.enable_grad():
        if _innermost(True) is None:
            yield
            return
        with torch.autograd.graph.saved_tensors_hooks(_as_it_is, _as_it_is):
            yield


def _as_it_is(kept: Any) -> Any:
    return kept
