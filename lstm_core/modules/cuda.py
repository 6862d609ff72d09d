"""What is left of a run on a GPU once its products are there, in one kernel: activations, c, and the comparison of h.

By PyTorch's own operations it takes a dozen passes over the gates, and log2(time) more for c. Here each is read and
written once, in place. Triton comes with PyTorch's CUDA builds; where it is not, ``lstm_core.modules.product`` does the
same by operations, and the same tests hold.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from lstm_core.modules.run import Run

WIDTH = 64  # elements of a program: few, so that one sequence of 256 units keeps several processors busy
ANYWHERE = False
"""Whether tensors on the CPU are taken as well: for Triton's interpreter, with which the tests run the kernels."""


def usable(run: Run) -> bool:
    """Whether there is a kernel for this run."""
    return (
        run.cell.name in ("lstm", "gru")
        and not run.given
        and run.gates.dtype is torch.float32
        and (run.x.device.type == "cuda" or ANYWHERE)
        and find_spec("triton") is not None
    )


def finish(run: Run, start: int, stop: int, past: Tensor, inner: Tensor | None) -> None:
    """Activate the gates of a span, make c, and compare h. The gates hold what their activations are given; of a GRU,
    ``inner`` (steps * batch, hidden) is U_n h + b_hn, which the candidate still lacks. past: the h that its steps read.
    """
    kernels: Any = import_module("lstm_core.modules.cuda_kernels")  # imports Triton

    steps, batch = stop - start, run.x.shape[1]
    elements = batch * run.hidden
    ends = run.steps if run.steps is None else run.steps.to(run.x.device)
    gates, h = run.gates[start:stop], run.h[start:stop].contiguous()  # the module's own may have the batch first
    if run.c is None:
        assert inner is not None
        programs = -(-steps * elements // (4 * WIDTH))
        errors = gates.new_empty(programs)
        kernels.gru[(programs,)](
            gates, inner, past.contiguous(), h, errors, ends, start, steps, batch, run.hidden,
            ends is not None, 4 * WIDTH,
        )  # fmt: skip
    else:
        programs = -(-elements // WIDTH)
        errors = gates.new_empty(programs)
        first = run.before(run.c, "c", start, stop)[-1 if run.backward else 0].contiguous()
        kernels.lstm[(programs,)](
            gates, run.c[start:stop], first, h, errors, ends, start, steps, batch, run.hidden, run.backward,
            ends is not None, WIDTH,
        )  # fmt: skip
        run.of_c.append(errors.new_zeros(()))  # c was made of these very gates and the c before
    run.of_h.append(errors.max())
    run.compared += steps
