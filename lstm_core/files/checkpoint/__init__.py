"""What ``torch.save`` wrote, read without torch. Nothing in it runs: a class or function that is not one of the few
that make tensors stays a name (``inert``). ``lstm_core.files.sandbox`` calls ``parse`` in a process of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from lstm_core.files.checkpoint import container, walk
from lstm_core.files.checkpoint.tensors import FLOATS
from lstm_core.files.state_dict import KEY


def parse(data: bytes, limit: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The floating-point matrices and vectors in a file and whatever belongs to recurrent weights, by dotted name, and

    - content: what was saved, in a word; inert: the first few classes and functions in it that are not run;
    - layout: the shape of every tensor by name, in the file's order;
    - modules: what modules with recurrent weights say of themselves, where the file holds such, and dims
      (``walk.Walked``); program: whether the file is one of torch's programs.

    limit: bytes that the file may unfold to, and its numbers take. Raises ValueError, in plain words, for what is
    damaged, cut short or too large.
    """
    saved = container.saved(data, limit)
    walked = walk.walk(saved.content, saved.code)
    arrays: dict[str, np.ndarray] = {}
    left = 2 * limit  # numbers that NumPy does not have become wider
    for name, tensor in walked.tensors.items():
        plain = tensor.dtype in FLOATS and len(tensor.shape) in (1, 2) and tensor.refused is None
        if plain or KEY.fullmatch(name):
            arrays[name] = tensor.array(name, left)
            left -= arrays[name].nbytes
    layout = {name: tensor.shape for name, tensor in walked.tensors.items()}
    modules = walked.modules | {
        name: {**says, **walk.stated(says), "kind": walk.own_kind(says.get("kind", ""))}
        for name, says in saved.modules.items()
    }
    about = {"content": walk.kind(saved.content), "inert": walked.inert, "layout": layout, "modules": modules}
    return about | {"dims": walked.dims, "program": saved.program}, arrays
