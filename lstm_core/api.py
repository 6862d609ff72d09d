"""What ``import lstm_core`` offers to run: the functions that make traces. torch is imported when one is called."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from lstm_core.cells.base import Cell, Signal
from lstm_core.kinds import Numbers, kinds
from lstm_core.names import Names
from lstm_core.shown import draw_with, drawer
from lstm_core.survey import needed  # before the function of that name, which takes the package's place
from lstm_core.text import Token
from lstm_core.trace import Trace

if TYPE_CHECKING:
    from lstm_core.comparing.result import Comparison
    from lstm_core.survey.answers import Survey
    from lstm_core.survey.progress import Progress
    from lstm_core.watching.state import StateReport
    from lstm_core.watching.watch import Watching


def _notebook() -> Any:
    from lstm_core import notebook

    return notebook


draw_with(_notebook)


@kinds
def trace(
    module: Any,
    x: Any,
    state: Any = None,
    tokens: tuple[Token, ...] = (),
    lengths: Any = None,
    *,
    keep: str = "host",
    signals: str | Iterable[str] | None = None,
    layers: int | Iterable[int] | None = None,
) -> Trace:
    """Trace an unmodified ``nn.LSTM``, ``nn.GRU``, ``nn.RNN``, ``nn.LSTMCell``, ``nn.GRUCell`` or ``nn.RNNCell``: every
    signal of every step, (layer, direction, time, batch, unit).

    x, state: what the module takes, in its layout: a tensor, batched or not, or a ``PackedSequence``. A cell takes one
    step, (batch, input) or (input,), or (time, batch, input), which it is then run over.
    tokens: what the steps read, if it was text, one a step.
    lengths: (batch,) steps of each sequence of a padded batch, in any order; they are packed for the module.

    keep: "host" for NumPy arrays; "device" leaves signals, inputs and weights where they were made (``Trace.tensors``)
    and copies each to the host when it is first read, ``trace.sel("f")`` f alone.
    signals, layers: what to keep, if not everything; layers next to each other make the trace of a network of these,
    whose inputs are what the lowest of them read.

    The module runs once; nothing of it, of the random state or of the gradients is changed. Every h and c are compared
    with the module's output and with what the gates make of them, and gates at places drawn anew with what the
    weights make of them: ``Trace.certificate``. A run with a value that is not a number or not finite is traced up to
    the first one: ``Trace.broken``. In half precision, where rounding adds up over the steps, an LSTM's c is the
    module's own as well, and compared with what the gates make of the c before it.

    One that torch.compile has been at is traced as it was written. Weights may be computed when it runs (weight norm,
    spectral norm, pruning, parametrizations): the trace has those that it ran with. Of hooks that change its input or
    its output, the trace is between them: of what its forward read and gave, and ``assumed`` says so.

    Raises TypeError for what cannot be traced, with the reason (quantised, scripted, exported, a forward of its own);
    ValueError or TypeError for an ``x`` or a ``state`` that does not fit the module (sizes, device, dtype) and while
    dropout is active; RuntimeError if the trace differs from what the module computed by more than rounding. What else
    the module itself raises is passed on, with a note that it is the module's.
    """
    from lstm_core.modules.keep import kept
    from lstm_core.modules.tracing import trace_module

    return trace_module(module, x, state, tokens, lengths, keep=kept(keep, signals, layers))


class Forced(Names[Trace]):
    """The traces of a model that ran with some signals forced, by the names that ``trace_all`` gives them.

    output: what the model returned.
    """

    def __init__(self, traces: dict[str, Trace], output: Any) -> None:
        """traces: by the name of each. output: what the model returned."""
        super().__init__(traces)
        self.output = output


@overload
def trace_all(model: Any, *inputs: Any, force: None = None, **named: Any) -> dict[str, Trace]: ...


@overload
def trace_all(model: Any, *inputs: Any, force: str | Iterable[str], **named: Any) -> Forced: ...


@kinds
def trace_all(
    model: Any, *inputs: Any, force: str | Iterable[str] | None = None, **named: Any
) -> dict[str, Trace] | Forced:
    """Run ``model(*inputs, **named)`` once and trace every recurrent module that it went through, by its dotted name.

    A module that is called again with the state it left (a decoder, a cell in a loop) gives one trace of all its steps;
    called anew, it gives a second one, "name#2". Between two steps the rows of a state may be reordered (beam search),
    held back (``torch.where(done, old, new)``), renewed, or fewer than before: the trace is still one, and its
    ``continued`` says which row went on from which. A state that was computed with in between begins a new trace. Where
    several loops left the same bits, the tensors tell whose a state is; a copy of one begins a trace, whose ``assumed``
    says so: sequences are never mixed.

    force: interventions on modules inside the model, each a trace's name and what ``analysis.intervene`` reads, such as
    ``["lstm: f[6]@9:10=1", "decoder.cell: h@0=0"]``. All that does not depend on them is what the module computed, to
    the last bit; the rest of the module's steps is run by us, and the model runs on with what comes out. Its own output
    is then ``trace_all(...).output``; with ``force=[]`` that of the untouched model.

    As with ``trace``, nothing is changed: buffers, random state and what modules keep in their attributes (a streaming
    model's state) are put back. Raises what ``trace`` raises, and ValueError if the model has no recurrent module or
    ran none, or if something is forced that there is not.
    """
    from lstm_core.modules.whole import trace_whole

    if force is None:
        return Names(trace_whole(model, inputs, named)[0])
    from lstm_core.analysis.forcing import Forcing

    return Forced(*trace_whole(model, inputs, named, Forcing(force)))


@kinds
def trace_cell(
    module: Any,
    x: Any,
    state: Any = None,
    tokens: tuple[Token, ...] = (),
    *,
    cell: type[Cell] | None = None,
    weights: Any = None,
    step: Callable[..., Mapping[str, Any]] | None = None,
    names: Mapping[str, Any] | None = None,
    update: Callable[..., Mapping[str, Any]] | None = None,
    signals: Sequence[Signal] = (),
    states: Sequence[str] = (),
    returns: Any = None,
    initial: Mapping[str, Any] | None = None,
    sequence: bool = False,
    batch_first: bool | None = None,
) -> Trace:
    """Trace a module that writes its recurrence itself, by its equations, by a step of yours, or by its submodules.

    x: (time, batch, ...), or (batch, time, ...) with ``batch_first`` (the module's own attribute if it has one), or
    (time, input). state: what the module takes to begin with, or by name. tokens: as for ``trace``.

    The module runs once over all of x, one step at a time as ``module(x_t, state)``, or whole if ``sequence``; nothing
    of it is changed.

    Say how it computes, in one of three ways:

    - cell, weights: a class made from ``lstm_core.Cell``, and its parameters as a function of the module or a dict (a
      tensor, the dotted name of one, or None for zeros). Everything works on such a trace, "What if" as well.
    - step: ``step(module, x_t, s)`` gives the values of a step by name, new states among them, each (batch, ...).
      x_t: (batch, ...), s.h, s.c, ...: the states before it.
    - names: by signal, the submodule that gives it, or (submodule, function of its output).

    With step or names: signals, what is declared of some of them (else gates are those between 0 and 1), and update,
    ``update(v, s, xp)`` as in ``Cell.update``: states made of signals, checked at every step. Without it, a rule such
    as c = f c' + i g is looked for in the values. With one, ``analysis.memory`` works.

    states: names of the states in the order in which the module passes them ("h" first by default). returns: names in
    the form of what it returns, ("y", ("h", "c")), None for what is none; by default the states, or an output h and
    the states. initial: the first states where they are neither zeros nor in ``state``: a tensor or the module's
    attribute.

    What the module gives is called h. Every state and output that it returns is compared with the trace at every step:
    ``max_abs_error``. Axes after the batch are flattened to units; ``trace.cell.shapes`` keeps them.

    Raises RuntimeError if the trace differs from what the module computed by more than rounding, ValueError and
    TypeError, with what to say, for what does not fit. What the module itself raises is passed on, with a note.
    """
    from lstm_core.modules.own.tracing import trace_own

    how = {"cell": cell, "weights": weights, "step": step, "names": names, "update": update, "signals": signals}
    form = {"states": states, "returns": returns, "initial": initial, "sequence": sequence, "batch_first": batch_first}
    return trace_own(module, x, state, tokens, **how, **form)


@kinds
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


@kinds
def compare(
    a: Any, b: Any, x: Any = None, *, lengths: Any = None, state: Any = None, tolerance: float | None = None
) -> Comparison:
    """Whether two models do the same with ``x``: equal, or where they first part, how it grows, and why.

    a, b: each a PyTorch module (a recurrent one or a model with some inside), a file's path or bytes, a state_dict, a
        ``Loaded``, a ``Block``, a ``Network``, a shipped model's name, or a ``Trace`` that was made already.
    x: what ``a`` reads, in its own layout: numbers as for ``trace``, or whole numbers that an embedding looks up. ``b``
        is given the same sequences in *its* layout (``batch_first``); a model with recurrent modules inside gets ``x``
        as it is. Not needed if both are traces.
    lengths: (batch,) steps of each sequence of a padded batch. state: the first state, as ``a`` takes it, for both.
    tolerance: what two equal models may differ by, absolute, of values above 1 relative; by default 1e-5, or 1e-10 if
        both run in float64.

    Layers are aligned in the order in which they run, signals by name and by role. Where the two part, what is known to
    go wrong between frameworks (``lstm_core.comparing.causes``) is exchanged in the one or the other, layer by layer,
    and is a cause if they then agree in every signal of every step. ``docs/compare.md`` lists them, from the gate order
    and the biases to the precision and the padding.

    Raises ValueError for two models whose layers differ in number or size, and what reading and tracing raise;
    TypeError for what is neither a model nor a file.
    """
    from lstm_core.comparing.walk import compare as walk

    return walk(a, b, x, lengths=lengths, state=state, tolerance=tolerance)


@kinds
def beside(a: Trace, b: Trace, *, layer: int = -1, direction: int = 0, batch: int = 0, live: bool = True) -> Any:
    """The page's figure of two traces beside each other, for a notebook: one cursor, a row for each role.

    layer, direction, batch: of both. live: as for ``Trace.show``.

    Where both read one text, words and all, the cursor stands in both at the same place of it, however each cuts it.

    Raises ValueError for a layer, direction or sequence that one of the traces does not have.
    """
    return drawer().show_traces([a, b], None, layer, direction, batch, None, live)


@kinds
def survey(
    model: Any,
    data: Any,
    out: str | os.PathLike[str],
    *,
    top: int = 100,
    sample: int = 500,
    signals: Sequence[str] | None = None,
    follow: Sequence[str] | None = None,
    patterns: str | None = "memory",
    threshold: float = 0.3,
    seed: int = 0,
    lengths: Callable[[Any], Any] | Numbers | None = None,
    padding: int | None = None,
    column: str | None = None,
    tokenizer: Any = None,
    batch_first: bool | None = None,
    device: str = "auto",
    engine: str = "local",
    workers: int | None = None,
    memory: int | None = None,
    progress: bool | Callable[[Progress], None] = False,
) -> Survey:
    """Run a model over a data set once, and keep what can be asked of it: see ``docs/survey.md``.

    model: a shipped model's name, a ``Network``, a ``Loaded``, a ``Block``, or a PyTorch module (as for ``trace_all``;
        ``batch_first`` says how it takes a batch, if its recurrent modules do not).
    data: documents, all texts, or all ids (time,), or all vectors (time, input): a list, arrays with the documents
        along the first axis, a PyTorch ``Dataset`` (of items that are tuples the first is read) or ``DataLoader``, or a
        file: .txt with a document a line, .csv or .parquet with a ``column`` of them. Items and batches may be dicts
        with "input_ids", "text", "ids" or "vectors"; what their "attention_mask" has as 0 at either end is padding.
    lengths: where padded sequences end, (document,) steps; or a function that gives them of what the data gives: a
        batch of a ``DataLoader``, an item of a list or a data set (one number), an array or tensor as a whole. padding:
        the id at their ends.
    out: the survey's folder. A run that was interrupted goes on where it stopped when it is called again.
    top: of the highest and the lowest places of a unit that are kept. sample: of places drawn from all, by ``seed``.
    signals: to keep, all by default. follow: properties of the text that units are compared with, all by default.
    patterns, threshold: the signal of which is kept which unit was on, above the threshold or below its negative, for
        ``Survey.similar``; "memory" is the cell's own, None keeps none.
    tokenizer: a ``Tokenizer``, where the model has none and the data is text.
    device: "auto" takes an NVIDIA GPU if there is one and the model is worth it, else the CPU; "cpu"; "cuda". Signals
        are counted where they are made, and a part's counts alone come back. A PyTorch module runs where it lies.
    engine: "local", or "ray" for a Ray cluster: ``workers`` processes, for each of which ``memory`` bytes are reserved;
        the survey is the same. progress: True tells standard error how far it is, a function is given a ``Progress``.

    Values are counted as float32, those of padding and of steps that a mask skips are not. Counts, extremes and places
    are exact; sums are in float64 and added up in one fixed order, so the survey does not depend on the workers.

    Raises ValueError, in plain words, for data that cannot be read, with the number of the document, for an option that
    says nothing of this data, model or engine, for a folder that holds something else (a survey of another model, other
    data or other options) or that another run is writing to; OSError if the disk is full; what ``trace`` raises;
    ImportError if pyarrow or Ray is missing. All parts that were done stay, and ``open_survey`` can be asked about
    them, after Ctrl-C as well.
    """
    needed()
    from lstm_core.survey.run import survey as run

    how = {"top": top, "sample": sample, "signals": signals, "follow": follow, "patterns": patterns, "seed": seed}
    form = {"lengths": lengths, "padding": padding, "column": column}
    form |= {"tokenizer": tokenizer, "batch_first": batch_first}
    place = {"device": device, "engine": engine, "workers": workers, "memory": memory, "progress": progress}
    return run(model, data, out, threshold=threshold, **how, **form, **place)


@kinds
def open_survey(
    folder: str | os.PathLike[str],
    model: Any = None,
    data: Any = None,
    tokenizer: Any = None,
    *,
    lengths: Callable[[Any], Any] | Numbers | None = None,
    padding: int | None = None,
    column: str | None = None,
) -> Survey:
    """The survey in ``folder``, whole or not.

    A shipped model is found by its name. Of another one, ``model`` (with its ``tokenizer``) is needed to trace
    something again; so is ``data`` where the survey keeps none of it: vectors are never kept, and the surveys that ship
    are without their texts. lengths, padding, column: as the survey was made with, of that data.

    Raises ValueError if there is no survey, or if it is one of another model; ImportError if pyarrow is missing.
    """
    needed()
    from lstm_core.survey.answers import open_survey as opened

    return opened(folder, model, data, tokenizer, (lengths, padding, column))


@kinds
def watch(model: Any, every: int = 100, to: Any = print, *, sequences: int = 8) -> Watching:
    """Read the health of a model's recurrent modules while it trains, at every so many forward passes.

    model: a PyTorch module with ``nn.LSTM``, ``nn.GRU`` or ``nn.RNN`` inside, or one of these. to: a TensorBoard
        ``SummaryWriter`` (or whatever has ``add_scalar``), the path of a CSV file, or a function of a ``Reading``:
        shares of dead and saturated units, timescales, and of the top layer the norm of dL/dh, the loss's derivative in
        h through the recurrence as well, at the first and the last step (``Reading.dh``).
    sequences: of each batch so many are traced.

    Passes count while ``model.training`` is True, but for those that ``to`` makes; the first is read, then every
    ``every``-th after it. The pass itself is not changed. One that cannot be read (an empty batch, a transform of
    ``torch.func``) goes on unread: ``skipped`` of what is returned says which and why, a table and a writer have the
    quantity "skipped". Where ``to`` raises, a RuntimeWarning says so once, ``failed`` has the traceback, and the
    training goes on unwatched. It ends with ``close()`` of what is returned, which is also a context manager.

    Raises ValueError for a model without such modules, as one of cells is, and for numbers below 1, TypeError for
    another ``to``, and OSError, before the training begins, for a file that cannot be written.
    """
    import lstm_core.modules  # noqa: F401  which says so where torch is missing
    from lstm_core.watching.watch import Watching

    return Watching(model, every, to, sequences)


@kinds
def watch_callback(every: int = 100, to: Any = None, *, sequences: int = 8) -> Any:
    """``watch`` as a callback for Lightning's ``Trainer``, which counts training batches.

    every, sequences: as for ``watch``. to: as for ``watch``; the trainer's logger (its ``experiment``) by default.

    Raises ImportError if Lightning is not installed; at the beginning of ``fit`` ValueError where ``to`` is not given
    and the trainer has no logger, and what ``watch`` raises.
    """
    from lstm_core.watching.lightning import callback

    return callback(every, to, sequences)


@kinds
def check_state(
    step_fn: Callable[[Any], Any],
    batches: Iterable[Any],
    model: Any,
    *,
    ids: Callable[[Any], Sequence[Hashable]] | None = None,
    starts: Callable[[Any], Sequence[bool]] | None = None,
) -> StateReport:
    """Run some steps of a training loop and say whether the recurrent state is passed on as it should be.

    step_fn: one step of the loop, called with each of ``batches``; it calls ``model``, goes back and updates as it
        does. It really trains: give a copy where that matters.
    ids: of a batch, which sequence each row is of; a row with an id that was there before has to go on from where that
        was. starts: of a batch, True for each row that begins anew with it (an episode). With ``starts`` alone a row
        goes on from the same row of the batch before. With neither, every row of every batch is a sequence of its own,
        and has to begin anew.

    What is found: a state carried over to other sequences, not passed on, of another row, stale, reset a step beside
    the beginning, or not detached from the graph of an earlier step. How a row begins (zeros, learned, random) is
    not looked at, and nor is what happens between the calls of one step.

    Raises ValueError for a model without recurrent modules, and what ``step_fn`` raises, but for PyTorch's error of a
    graph that was gone back through already: that is a state which was not detached.
    """
    import lstm_core.modules  # noqa: F401  which says so where torch is missing
    from lstm_core.watching.state import check

    return check(step_fn, batches, model, ids, starts)
