"""One run of a module: what it read and gave, whatever layout it takes, in one order of axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from lstm_core.modules.arguments import fits_together, its_own
from lstm_core.modules.kinds import blocks_of, cell_of
from lstm_core.modules.values import outside, own, plain, readable
from lstm_core.sequences import ends

LOW = (torch.bfloat16, torch.float16)


def one_a_step(tokens: Sequence[Any], steps: int) -> None:
    """ValueError where there are tokens, and not as many as steps."""
    if len(tokens) not in (0, steps):
        raise ValueError(f"{steps} steps have {len(tokens)} tokens; tokens are what the steps read, one a step")


class Fed:
    """What ``module`` is given, in one layout.

    x: (time, batch, input). lengths: (batch,) steps of each sequence, None if all are full. fed: x as the module takes
    it, packed where lengths were given.
    """

    def __init__(
        self, module: nn.Module, x: Any, state: Any = None, lengths: Any = None, steps: int | None = None
    ) -> None:
        """steps: of a padded batch that was packed, where no sequence may be so long.

        Raises TypeError for what cannot be traced and ValueError where a second run would not be the same.
        """
        self.cell = cell_of(module)
        self.module = module
        self.forward: Any = module  # what runs it
        if not isinstance(x, Tensor | PackedSequence):
            instead = "torch.from_numpy(x), " if isinstance(x, np.ndarray) else ""
            raise TypeError(f"x is a {type(x).__name__}; {instead}a torch Tensor or a PackedSequence is needed")
        outside()
        readable("x", x if isinstance(x, Tensor) else x.data)
        if x.data.dim() == 0:
            raise ValueError("x is a single number; (time, batch, input) is needed")
        if isinstance(module, nn.RNNBase) and module.training and module.dropout > 0 and module.num_layers > 1:
            raise ValueError("dropout is active, so two runs differ; call module.eval() first")
        self.single = isinstance(module, nn.RNNCellBase)
        self.batch_first = isinstance(module, nn.RNNBase) and module.batch_first
        self.packed = isinstance(x, PackedSequence)
        self.lengths: Tensor | None = None
        self.fed: Any = x
        self.state = state
        if isinstance(x, PackedSequence):
            if lengths is not None:
                raise ValueError("a PackedSequence has its lengths already; leave out lengths")
            fits_together(x)
            self.x, self.lengths = pad_packed_sequence(x, total_length=max(steps or 0, len(x.batch_sizes)))
            self.batched = True
        else:
            self._lay_out(x, lengths)
        self.x = own(self.x)
        if self.x.dim() == 3 and self.x.shape[1] == 0:
            raise ValueError("x is a batch of no sequences, so there is nothing to trace")
        if len(self.x) == 0:
            raise ValueError("x has no steps, so there is nothing to trace")

    def _lay_out(self, x: Tensor, lengths: Any) -> None:
        steps = 1 if self.single else 2  # axes of one sequence: a cell takes one step
        self.batched = x.dim() > steps
        if self.single:
            self.x = x if x.dim() == 3 else x.unsqueeze(0) if x.dim() == 2 else x.reshape(1, 1, -1)
        elif self.batched:
            self.x = x.transpose(0, 1) if self.batch_first else x
        else:
            self.x = x.unsqueeze(1)
        if lengths is not None:
            if self.single or not self.batched:
                raise ValueError("lengths need a batch of sequences, and the module takes none here")
            time, batch = self.x.shape[:2]
            self.lengths = torch.from_numpy(ends(lengths, batch, time, least=1))
            self.fed = pack_padded_sequence(x, self.lengths, batch_first=self.batch_first, enforce_sorted=False)
            self.packed = True

    def result(self) -> Any:
        """Run the module, once: what it returns. A cell is run in the loop that one writes round it, be it of one step:
        (h of every step, the last state).
        """
        if not self.single:
            return self.forward(self.fed, self.state)
        state, rows = self.state, []
        for x in self.fed if self.fed.dim() == 3 else [self.fed]:
            state = self.forward(x, state)
            rows.append(state[0] if isinstance(state, tuple) else state)
        return torch.stack(rows), state


class Call(Fed):
    """One run of ``module`` on ``x`` from ``state``.

    shape: layers, directions, time, batch. hidden: units of a gate; sizes: units of each state, in torch's order: h,
    then c. initial: by name (layer, direction, batch, unit). After ``take``, output: (time, batch, direction * unit),
    what the module itself gave, and returned: its last states as it gave them. weight: the first layer's weight_ih.
    dtype: what gates are computed in, float32 for a module in less. assumed: what is to be said of the run.
    """

    output: Tensor
    returned: Any

    def __init__(
        self,
        module: nn.Module,
        x: Any,
        state: Any = None,
        lengths: Any = None,
        weights: Sequence[Tensor | None] | None = None,
        steps: int | None = None,
    ) -> None:
        """weights: those that it ran with, where they are not the module's attributes. steps: see ``Fed``, which says
        what is raised."""
        super().__init__(module, x, state, lengths, steps)
        self.assumed: tuple[str, ...] = ()
        self.blocks = blocks_of(module, weights)
        self.weight = self.blocks[0][0]["weight_ih"]
        low = self.x.dtype in LOW or self.weight.dtype in LOW
        self.dtype = torch.float32 if low else self.weight.dtype
        if self.lengths is not None and bool((self.lengths == len(self.x)).all()):
            self.lengths = None  # all are full: no step has to be left out
        first = self.blocks[0][0]
        self.shape = len(self.blocks), len(self.blocks[0]), self.x.shape[0], self.x.shape[1]
        self.hidden = first["weight_hr" if "weight_hr" in first else "weight_hh"].shape[1]
        units, states = {"h": first["weight_hh"].shape[1], "c": self.hidden}, self.cell.states()
        self.sizes = {name: size for name, size in units.items() if name in states}
        self.initial = self._named(state)

    @property
    def last(self) -> dict[str, Tensor]:
        """The states after the last step, laid out as ``initial``."""
        returned = self.returned if isinstance(self.returned, tuple) else (self.returned,)
        layers, directions, _, batch = self.shape
        sizes = zip(self.sizes.items(), returned, strict=True)
        return {name: own(value).reshape(layers, directions, batch, size) for (name, size), value in sizes}

    @property
    def given_tensors(self) -> list[Tensor]:
        """Those of the model that hold the first states; none if it gave none."""
        return list(self.state) if isinstance(self.state, tuple | list) else [] if self.state is None else [self.state]

    @property
    def left_tensors(self) -> list[Tensor]:
        """Those that the next call may be given: the last states, and after a single step the output, which is h."""
        states = list(self.returned) if isinstance(self.returned, tuple) else [self.returned]
        return [*states, self.output] if self.shape[2] == 1 else states

    @property
    def device(self) -> torch.device:
        """Where the module reads its input."""
        return self.x.device

    def recordable(self) -> bool:
        """Whether autograd can be asked to keep something of the run."""
        given = self.x, self.weight, *self.initial.values()
        return not torch.is_inference_mode_enabled() and not any(value.is_inference() for value in given)

    def autocast(self) -> bool:
        """Whether the module's operations choose their own precision."""
        return torch.is_autocast_enabled(self.device.type)

    def output_is_ours(self) -> bool:
        """Whether nobody else can hold the module's output, and h of the trace is as large."""
        return (
            self.shape[:2] == (1, 1)
            and not self.single
            and not self.packed
            and self.x.dtype is self.dtype
            and not self.module._forward_hooks
            and not torch.nn.modules.module._global_forward_hooks
        )

    def _named(self, state: Any) -> dict[str, Tensor]:
        """The module's (h, c), or h, or None for zeros, by name."""
        given = () if state is None else state if isinstance(state, tuple | list) else (state,)
        names = "h and c, each a tensor" if len(self.sizes) > 1 else "h, a tensor"
        for value in given:
            if not isinstance(value, Tensor):
                raise TypeError(f"the state holds a {type(value).__name__}; it is {names}")
            plain("the state", value)
        if state is not None and len(given) != len(self.sizes):
            raise ValueError(f"the state is {names}; {len(given)} given")
        layers, directions, _, batch = self.shape
        found, zeros = {}, {}
        for k, (name, size) in enumerate(self.sizes.items()):
            shape = (layers, directions, batch, size)
            if k < len(given):
                if given[k].numel() != math.prod(shape):
                    raise ValueError(
                        f"the state {name} is {tuple(given[k].shape)}; (layer * direction, batch, unit) is "
                        f"{(layers * directions, batch, size)}"
                    )
                found[name] = own(given[k]).reshape(shape)
            else:
                if size not in zeros:
                    zeros[size] = torch.zeros(shape, dtype=self.x.dtype, device=self.device)
                found[name] = zeros[size]
        return found

    @property
    def ran(self) -> bool:
        """Whether the module has given its output (see ``take``)."""
        return hasattr(self, "output")

    def run(self) -> None:
        """Run the module, once."""
        with its_own(self.module):
            result = self.result()
        self.take(result)

    def again(self) -> None:
        """The module's forward once more, without the hooks round it. Not for a cell."""
        self.take(type(self.module).forward(self.module, self.fed, self.state))

    def take(self, result: Any) -> None:
        """Note what the module returned; of a cell, what ``result`` does."""
        output, self.returned = result
        plain("the module's output", output)
        if self.packed:
            output, _ = pad_packed_sequence(output, total_length=len(self.x))
        elif self.single:
            output = output.reshape(*self.shape[2:], -1)
        elif not self.batched:
            output = output.unsqueeze(1)
        elif self.batch_first:
            output = output.transpose(0, 1)
        self.output = output.detach()
