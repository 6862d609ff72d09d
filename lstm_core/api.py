"""What ``import lstm_core`` offers to run: the functions that make traces. torch is imported when one is called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lstm_core.text import Token
from lstm_core.trace import Trace


def trace(module: Any, x: Any, state: Any = None, tokens: tuple[Token, ...] = (), lengths: Any = None) -> Trace:
    """Trace an unmodified ``nn.LSTM``, ``nn.GRU``, ``nn.RNN``, ``nn.LSTMCell``, ``nn.GRUCell`` or ``nn.RNNCell``.

    x, state: what the module takes, in its layout: a tensor, batched or not, or a ``PackedSequence``. A cell takes one
    step, (batch, input) or (input,), or (time, batch, input), which it is then run over.
    tokens: what the steps read, if it was text, one a step.
    lengths: (batch,) steps of each sequence of a padded batch, in any order; they are packed for the module.

    The module runs once; nothing of it, of the random state or of the gradients is changed. Its output and the hidden
    states that the traced gates give are compared: ``max_abs_error``. In half precision, where rounding adds up over
    the steps, an LSTM's c is the module's own as well, and compared with what the gates make of the c before it.

    One that torch.compile has been at is traced as it was written. Weights may be computed when it runs (weight norm,
    spectral norm, pruning, parametrizations): the trace has those that it ran with. Of hooks that change its input or
    its output, the trace is between them: of what its forward read and gave, and ``assumed`` says so.

    Raises TypeError for what cannot be traced, with the reason (quantised, scripted, exported, a forward of its own);
    ValueError while dropout is active; RuntimeError if the trace differs from what the module computed by more than
    rounding. What the module itself raises is passed on, with a note that it is the module's.
    """
    from lstm_core.modules.tracing import trace_module

    return trace_module(module, x, state, tokens, lengths)


def trace_all(model: Any, *inputs: Any, **named: Any) -> dict[str, Trace]:
    """Run ``model(*inputs, **named)`` once and trace every recurrent module that it went through, by its dotted name.

    A module that is called again with the state it left (a decoder, a cell in a loop) gives one trace of all its steps;
    called anew, it gives a second one, "name#2". Between two steps the rows of a state may be reordered (beam search),
    held back (``torch.where(done, old, new)``), renewed, or fewer than before: the trace is still one, and its
    ``continued`` says which row went on from which. A state that was computed with in between begins a new trace.

    As with ``trace``, nothing is changed: buffers, random state and what modules keep in their attributes (a streaming
    model's state) are put back. Raises what ``trace`` raises, and ValueError if the model has no recurrent module or
    ran none.
    """
    from lstm_core.modules.whole import trace_whole

    return trace_whole(model, inputs, named)


def trace_chunks(
    module: Any, x: Any, state: Any = None, tokens: tuple[Token, ...] = (), *, steps: int
) -> Iterator[Trace]:
    """Traces of ``steps`` steps each that joined along time are the trace of the whole, in the memory of one.

    x: a tensor as for ``trace``, or an array that gives one when it is sliced along time (``numpy.memmap``).
    module, state, tokens: as for ``trace``; each trace has the tokens of its own steps.

    Each trace's ``initial`` is the state that the one before it left. Raises ValueError for a bidirectional module,
    which has to see the end first, and what ``trace`` raises.
    """
    from lstm_core.modules.chunks import chunks

    return chunks(module, x, state, tokens, steps)
