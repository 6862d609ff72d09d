"""An argument of a wrong kind is told by its name: every public function, every argument, many wrong kinds each.

What comes back is an answer, or an error in our own words, which are made by ``say``; never Python's, NumPy's or
torch's words for what went wrong inside. What a visitor's own function or module raises is passed on.
"""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import lstm_core
from lstm_core import analysis
from lstm_core.say import Said
from tests.small_models import small_model

MODULE, X = nn.LSTM(3, 4), torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(0))
MODEL = small_model("lstm")
TEXT = "Mary saw John because she"
WRONG: dict[str, Any] = {
    "object": object(),
    "3": 3,
    "-2.5": -2.5,
    "nan": float("nan"),
    "text": "x",
    "empty text": "",
    "bytes": b"x",
    "None": None,
    "list of objects": [object()],
    "ragged list": [[1.0], [1.0, 2.0]],
    "empty list": [],
    "dict": {"a": 1},
    "set": {1},
    "function": lambda: 1,
    "class": int,
    "complex": 1j,
    "array of texts": np.array(["a", "b"]),
    "array of None": np.array([None]),
    "many axes": np.zeros((1, 1, 1, 1, 1, 1, 1)),
    "complex tensor": torch.zeros(2, 2, dtype=torch.complex64),
    "huge": 10**400,
}
THEIRS = {"step_fn", "batches", "ids", "starts", "step", "update", "returns", "survey.lengths"}
"""Arguments of which some wrong ones come to a function of the caller's, whose own error is passed on."""


def stepped(module: nn.Module, x: torch.Tensor, s: Any) -> dict[str, torch.Tensor]:
    h, c = module(x, (s.h, s.c))
    return {"h": h, "c": c}


Call = tuple[Callable[..., Any], dict[str, Any]]


def step(batch: Any) -> None:
    MODULE(batch)[0].sum().backward()


def calls(folder: Path) -> dict[str, Call]:
    """By name: each public function, or method of what they give, and arguments that are right."""
    trace = lstm_core.trace(MODULE, X)
    run, other = MODEL.run(TEXT, device="cpu"), MODEL.run("John saw Mary because he", device="cpu")
    texts = [TEXT, "John saw Mary"]
    names = MODEL.tokenizer.pieces
    word, second = names[3], names[4]
    target, vector = analysis.readout(MODEL, word), np.ones(4)
    MODEL.save(folder / "m.safetensors")
    trace.to_npz(folder / "t.npz")
    save_file(MODULE.state_dict(), folder / "m.of_torch.safetensors")
    loaded = lstm_core.load(folder / "m.of_torch.safetensors")
    block, gradients = loaded.blocks[0], analysis.gradients(trace, 2, vector)
    survey = lstm_core.survey(MODEL, texts, folder / "survey")
    place: dict[str, Any] = {"layer": -1, "batch": 0}
    way = {**place, "backward": False}
    of: dict[str, Any] = {"layer": 0, "direction": 0, "module": None}
    state = {"step": 2, "state": "h", **way, "dtype": np.float64}
    shares = {"target": target, "step": 2, "batch": 0, "baseline": 0.0}
    own = {"weights": None, "step": stepped, "names": None, "update": None, "signals": (), "states": ("h", "c")}
    loading = {"cell": None, "batch_first": False, "activation": None, "recurrent_activation": None, "names": None}
    loading |= {"reset_after": None, "go_backwards": None, "beside": None, "max_bytes": 2**30}
    surveying = {"top": 5, "sample": 5, "signals": ("f",), "follow": (), "patterns": "memory", "threshold": 0.3}
    surveying |= {"seed": 0, "lengths": None, "padding": None, "column": None, "tokenizer": None, "batch_first": None}
    surveying |= {"engine": "local", "workers": None, "memory": None, "progress": False}
    kept = {"state": None, "tokens": (), "lengths": [5, 3], "keep": "host", "signals": "f", "layers": 0}
    read = {"lengths": None, "state": None, "mask": None, "device": "cpu", "backend": None}
    h = MODULE(X)[0].detach().numpy()
    found: dict[str, Call] = {
        "trace": (lstm_core.trace, {"module": MODULE, "x": X, **kept}),
        "trace_all": (
            lambda model, x, state, force: lstm_core.trace_all(model, x, state, force=force),
            {"model": MODULE, "x": X, "state": None, "force": []},
        ),
        "trace_cell": (
            lstm_core.trace_cell,
            {"module": nn.LSTMCell(3, 4), "x": X, "state": None, "tokens": (), "cell": None, **own}
            | {"returns": None, "initial": None, "sequence": False, "batch_first": None},
        ),
        "trace_chunks": (
            lambda **given: list(lstm_core.trace_chunks(**given)),
            {"module": MODULE, "x": X, "state": None, "tokens": (), "steps": 2},
        ),
        "compare": (
            lstm_core.compare,
            {"a": MODULE, "b": MODULE.state_dict(), "x": X, "lengths": [5, 3], "state": None, "tolerance": 1e-5},
        ),
        "beside": (
            lstm_core.beside,
            {"a": run, "b": other, "layer": 0, "direction": 0, "batch": 0, "live": False},
        ),
        "survey": (lstm_core.survey, {"model": MODEL, "data": texts, "out": folder / "fresh"} | surveying),
        "open_survey": (
            lstm_core.open_survey,
            {"folder": folder / "survey", "model": MODEL, "data": None, "tokenizer": None},
        ),
        "watch": (lstm_core.watch, {"model": nn.GRU(3, 4), "every": 2, "to": print, "sequences": 1}),
        "check_state": (
            lstm_core.check_state,
            {"step_fn": step, "batches": [X, X], "model": MODULE, "ids": None, "starts": None},
        ),
        "load": (lstm_core.load, {"source": folder / "m.of_torch.safetensors"} | loading),
        "load_model": (lstm_core.load_model, {"name": "pronouns-lstm"}),
        "attribution": (analysis.attribution, {"trace": run, **shares, "method": "integrated", "points": 16}),
        "contrast": (analysis.contrast, {"first": run, "second": other}),
        "deletion": (analysis.deletion, {"trace": run, **shares, "words": np.ones(5), "most": 2}),
        "expected": (analysis.expected, {"model": MODEL, "trace": run}),
        "gradients": (analysis.gradients, {"trace": trace, "step": 2, "error": vector, "batch": 0}),
        "flow": (analysis.flow, {"trace": trace, **state}),
        "jacobians": (analysis.jacobians, {"trace": trace, **state}),
        "health": (analysis.health, {"trace": trace, "spectra": False}),
        "intervene": (analysis.intervene, {"model": MODEL, "trace": run, "interventions": "f[1]@2=0"}),
        "parse": (analysis.parse, {"text": "f[1]@2=0"}),
        "parse_all": (analysis.parse_all, {"text": "f[1]@2=0"}),
        "reaches": (analysis.reaches, {"intervention": "f[1]@2=0", "trace": run}),
        "format_all": (analysis.format_all, {"interventions": analysis.parse_all("f[1]@2=0")}),
        "memory": (analysis.memory, {"trace": trace, "step": 2, "unit": 1, **way}),
        "memory along": (analysis.memory, {"trace": trace, "step": 2, "direction": vector, **way}),
        "retention": (analysis.retention, {"trace": trace, "unit": 1, **way}),
        "readout": (analysis.readout, {"model": MODEL, "word": word, "against": second}),
        "lead": (analysis.lead, {"model": MODEL, "trace": run, "step": 2}),
        "leads": (analysis.leads, {"model": MODEL, "trace": run, "likeliest": None}),
        "word_error": (analysis.word_error, {"model": MODEL, "trace": run, "step": 2, "word": word}),
        "saturation": (
            analysis.saturation,
            {"trace": trace, "low": 0.1, "high": 0.9, "layer": -1, "backward": False},
        ),
        "search": (
            analysis.search,
            {
                "model": MODEL,
                "texts": texts * 3,
                "what": "letters_since_space",
                "signal": None,
                "shuffles": 2,
                "seed": 0,
            },
        ),
        "search_traces": (
            analysis.search_traces,
            {"traces": [run, other], "labels": [np.arange(5) % 2] * 2, "what": analysis.PROPERTIES["gender"]}
            | {"signal": "c", "untrained": (), "shuffles": 2, "seed": 0},
        ),
        "timescales": (analysis.timescales, {"trace": trace, **way}),
        "Trace.sel": (
            trace.sel,
            {"signal": "f", "layer": 0, "direction": 0, "time": 1, "batch": slice(None), "unit": [1, 2]},
        ),
        "Trace[]": (lambda signal: trace[signal], {"signal": "f"}),
        "Trace.sequence": (trace.sequence, {"batch": 0, "step": None}),
        "Trace.role": (trace.role, {"role": "keep"}),
        "Trace.role_label": (trace.role_label, {"role": "keep"}),
        "Trace.show": (
            run.show,
            {"signals": "f", "layer": 0, "direction": 0, "batch": 0, "unit": None, "live": False},
        ),
        "Trace.to_npz": (trace.to_npz, {"file": folder / "again.npz"}),
        "Trace.from_npz": (
            lstm_core.Trace.from_npz,
            {"file": folder / "t.npz", "cell": None, "max_bytes": 2**30},
        ),
        "Trace.to_pandas": (trace.to_pandas, {"wide": True}),
        "Network.run": (MODEL.run, {"text": TEXT, "device": "cpu", "backend": None}),
        "Network.read": (MODEL.read, {"inputs": np.array([1, 2]), **read}),
        "Network.logits": (MODEL.logits, {"trace": run}),
        "Network.probabilities": (MODEL.probabilities, {"trace": run}),
        "Network.next_tokens": (MODEL.next_tokens, {"trace": run, "step": 2, "k": 2}),
        "Network.predictions": (MODEL.predictions, {"trace": run, "k": 2}),
        "Network.likeliest": (MODEL.likeliest, {"trace": run, "k": 2}),
        "Network.untrained": (MODEL.untrained, {"seed": 0}),
        "Network.save": (MODEL.save, {"path": folder / "n.safetensors", "weights": "float32"}),
        "Network.load": (lstm_core.Network.load, {"path": folder / "m.safetensors"}),
        "Block.trace": (block.trace, {"x": X.numpy(), **read}),
        "Block.check": (
            block.check,
            {"x": X.numpy(), "h": h, "state": None, "lengths": None, "mask": None, "tolerance": None},
        ),
        "Loaded.trace": (loaded.trace, {"x": X.numpy(), "lengths": [5, 3], "mask": None}),
        "Tokenizer.id": (MODEL.tokenizer.id, {"piece": word}),
        "Tokenizer.display": (MODEL.tokenizer.display, {"id": 2}),
        "Tokenizer.encode": (MODEL.tokenizer.encode, {"text": TEXT}),
        "Attribution.leading": (analysis.attribution(run, target).leading, {"count": 2}),
        "Contrast.difference": (analysis.contrast(run, other).difference, {"signal": "f"}),
        "Counterfactual.predictions": (analysis.intervene(run, "f[1]@2=0", MODEL).predictions, {"k": 2}),
        "Survey.histogram": (survey.histogram, {"signal": "f", "unit": 1, **of}),
        "Survey.contexts": (survey.contexts, {"signal": "f", "unit": 1, **of, "most": 2, "around": 2}),
        "Survey.words": (survey.words, {"document": 0, "start": 0, "stop": 2, "around": 2}),
        "Survey.open": (survey.open, {"document": 0, "step": 0, "module": None}),
        "Survey.similar": (survey.similar, {"text": TEXT, "start": 1, "stop": 2, "sides": 2, "share": 1.0}),
        "Survey.follows": (survey.follows, {"labels": [np.arange(5) % 2, np.arange(3) % 2], "signal": None}),
        "Survey.sql": (survey.sql, {"query": "select 1"}),
    }
    for name in ("norm", "contributions", "weight", "contribution_norms", "along"):
        given = {"name": "h"} if name == "norm" else {"param": "W_f"}
        found[f"Gradients.{name}"] = getattr(gradients, name), {**given, "layer": -1, "direction": 0}
    return found


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Call]:
    return calls(tmp_path_factory.mktemp("calls"))


def test_what_is_right_is_answered(every: dict[str, Call]) -> None:
    for function, given in every.values():
        function(**given)


def test_no_public_function_is_left_out(every: dict[str, Call]) -> None:
    public = {name for name in (*lstm_core.__all__, *analysis.__all__) if name[0].islower()}
    assert public - set(every) == {"list_models", "watch_callback"}, "no argument, and Lightning's"


def in_our_words(error: Exception) -> bool:
    """Whether it was raised by a line of ours that says so, by the system for a path that there is not, or by the
    caller's module, which a note says."""
    if isinstance(error, OSError) or getattr(error, "__notes__", ()):
        return True
    frame = traceback.extract_tb(error.__traceback__)[-1]
    raised = "/lstm_core/" in frame.filename and linecache.getline(frame.filename, frame.lineno or 0).strip()
    words = bool(error.args) and isinstance(error.args[0], Said)
    kinds = isinstance(error, TypeError | ValueError | NotImplementedError)
    return kinds and (words or str(raised).startswith("raise "))


@pytest.mark.filterwarnings("error")
def test_an_argument_of_a_wrong_kind_is_told_in_our_words(
    every: dict[str, Call], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = []
    for name, (function, given) in every.items():
        for argument in given:
            for kind, value in WRONG.items():
                try:
                    function(**{**given, argument: value})
                except Exception as error:
                    if not in_our_words(error) and not {argument, f"{name}.{argument}"} & THEIRS:
                        wrong.append(f"{name}({argument}={kind}): {type(error).__name__}: {error}")
    assert not wrong, "\n".join(wrong)
