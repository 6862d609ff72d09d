"""The command line: ``gatescope`` opens the page, ``gatescope COMMAND`` answers on the terminal.

What is wrong is one sentence on standard error and the exit code 2.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from io import TextIOWrapper
from pathlib import Path
from signal import SIGTERM
from signal import signal as on_signal
from typing import Any, NoReturn

import numpy as np

from lstm_core import CELLS, Loaded, Trace, __version__, compare, list_models, load_model
from lstm_core.advised import here
from lstm_core.analysis import health
from lstm_core.analysis.health import Health
from lstm_core.files.limits import reason
from lstm_core.given import array, both, model_options, one_of, opened, traces, writable
from lstm_core.say import say

DIFFERENT, WRONG, STOPPED = 1, 2, 130
"""Exit codes: ``compare`` found a difference; something could not be done; Ctrl-C."""
TEXTS = (".txt", ".csv", ".parquet")
"""Endings of files in which a survey finds documents."""
MODEL = "GATESCOPE_MODEL"
"""The variable in which the page is told which file to open."""


@dataclass(frozen=True)
class Command:
    """adds: its arguments. run: does it, and gives the exit code."""

    summary: str
    adds: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """The console script. arguments: without the program's name; those of the process by default."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, TextIOWrapper):  # a pipe on Windows, a terminal in another encoding, bytes in a name
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        if not given or given[0] not in (*COMMANDS, "-h", "--help", "--version"):
            if len(given) > 1 and not given[0].startswith("-") and not given[1].startswith("-"):
                raise _stranger(given[0])  # a command that is misspelt, and what it was to work on
            given = ["page", *given]
        with np.errstate(all="ignore"):  # what is not a number stands in the answer
            code = _parsed(given)
        print(end="", flush=True)  # standard output may have been closed: then there is none
        return code
    except BrokenPipeError:  # whoever reads has enough: `gatescope cells | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return STOPPED
    except FileNotFoundError as error:
        return _wrong(say("there is no file {name}", name=error.filename or repr("")))
    except IsADirectoryError as error:
        return _wrong(say("{name} is a folder, not a file", name=error.filename or error))
    except OSError as error:
        return _wrong(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else error)
    except (ValueError, TypeError, KeyError, ImportError, RuntimeError) as error:
        return _wrong(error.args[0] if isinstance(error, KeyError) and error.args else error)
    except Exception as error:  # 1 says that two models differ, and nothing else
        return _wrong(say("an unexpected error, {kind}: {error}", kind=type(error).__name__, error=str(error)))


def _wrong(what: object) -> int:
    said = here(reason(what)) if isinstance(what, Exception) else what
    print(f"gatescope: {said}", file=sys.stderr)
    return WRONG


def _parsed(given: list[str]) -> int:
    parser = argparse.ArgumentParser(
        "gatescope",
        description="See what every gate of an LSTM or GRU does. Without a command: the page, in the browser.",
        epilog="MODEL is a file (PyTorch, safetensors, ONNX, Keras, NumPy) or a shipped model's name, such as "
        "pronouns-lstm. `gatescope COMMAND --help` says more.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        own = commands.add_parser(name, help=command.summary, description=command.summary)
        command.adds(own)
    asked, left = parser.parse_known_args(given)
    behind = given[given.index("--") + 1 :] if "--" in given else []  # these are no options
    left = [one for one in left if one != "--"]
    if asked.command == "trace" and len(left) == 1 and (left == behind or left[0] == "-" or left[0][:1] != "-"):
        if _told(asked):
            parser.error(f"a model reads one thing, and {left[0]} is given beside another")
        asked.input, left = left[0], []  # behind an option, where argparse looks for nothing that may be missing
    if left:
        parser.error(f"unrecognized arguments: {' '.join(left)}")
    return COMMANDS[asked.command].run(asked)


# ---- commands


def _stranger(name: str) -> ValueError:
    if name in list_models():
        return ValueError(say("{name} is a shipped model: open the page, gatescope, and choose it there", name=name))
    if Path(name).is_file():
        return ValueError(say("one model opens the page; {name} was given and something else", name=name))
    names = ", ".join(COMMANDS)
    return ValueError(say("{name} is neither a command nor a file; the commands are {names}", name=name, names=names))


def _page(asked: argparse.Namespace) -> int:
    app = page()
    if find_spec("streamlit") is None or app is None:
        raise ValueError(say("the page is not installed: pip install 'gatescope[page]'"))
    environment = dict(os.environ)
    if asked.model is not None:
        path = Path(asked.model).resolve()
        if not path.is_file():
            raise _stranger(asked.model)
        environment[MODEL] = str(path)
    command = [sys.executable, "-m", "streamlit", "run", str(app), f"--server.address={asked.address}"]
    command += [] if asked.port is None else [f"--server.port={asked.port}"]
    command += ["--server.headless=true"] if asked.no_browser else []
    before = on_signal(SIGTERM, _stopped)
    try:
        return subprocess.run(command, env=environment, check=False).returncode
    except KeyboardInterrupt:
        return 0
    finally:
        on_signal(SIGTERM, before)


def _stopped(*_: object) -> NoReturn:
    """The page is a process of its own, which would go on: ``subprocess.run`` ends it where something is raised."""
    raise SystemExit(128 + SIGTERM)


def page() -> Path | None:
    """The page's script: the one in the wheel, or the checkout's; None where there is none."""
    here = Path(__file__).resolve().parent
    places = (here / "_page" / "dashboard" / "app.py", here.parent / "dashboard" / "app.py")
    return next((place for place in places if place.is_file()), None)


def _page_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", metavar="MODEL", help="a file to open as your model")
    parser.add_argument("--port", type=_port, help="8501 by default")
    parser.add_argument("--address", default="127.0.0.1", help="127.0.0.1 by default; 0.0.0.0 opens it to your network")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")


def _port(text: str) -> int:
    if text.isdecimal() and 0 < int(text) < 2**16:
        return int(text)
    raise argparse.ArgumentTypeError(f"a port is a whole number from 1 to 65535, not {text!r}")


def _told(asked: argparse.Namespace) -> bool:
    """Whether what a model is to read was said."""
    return asked.text is not None or hasattr(asked, "input")


def _trace(asked: argparse.Namespace) -> int:
    if not _told(asked):
        raise ValueError(say("say what the model reads: X.NPY, or --text"))
    writable(asked.out)
    trace = one_of(traces(opened(asked.model, asked), asked), asked.block)
    if asked.out == "-":
        trace.to_npz(sys.stdout.buffer)
        return 0
    if asked.out:
        trace.to_npz(asked.out)
    layers, directions, steps, batch, units = trace.shape
    sizes = {"layers": layers, "directions": directions, "steps": steps, "batch": batch, "units": units}
    told = {"cell": trace.cell.name, **sizes, "signals": list(trace), "assumed": list(map(here, trace.assumed))}
    if asked.json:
        told["unknown"] = _unknown(trace)
        shown = trace[trace.cell.output][-1, 0, :, :1]  # no row of a batch of none
        return _json({**told, "h": [[round(float(v), 6) for v in row] for rows in shown for row in rows]})
    print(repr(trace))
    for sentence in trace.assumed:
        print(f"assumed: {here(sentence)}")
    if unknown := _unknown(trace):
        print(f"not in the vocabulary, read as unknown words: {', '.join(unknown)}")
    if asked.out:
        print(f"written to {asked.out}; lstm_core.Trace.from_npz reads it")
    return 0


def _unknown(trace: Trace) -> list[str]:
    """The words that the model has no entry for, each once."""
    return list(dict.fromkeys(token.text for token in trace.tokens if not token.known))


def _trace_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL")
    reads = parser.add_mutually_exclusive_group()
    array: dict[str, Any] = {"metavar": "X.NPY", "default": argparse.SUPPRESS}  # one place for two ways to give it
    reads.add_argument("input", nargs="?", help="numbers or ids that it reads, or - for standard input", **array)
    reads.add_argument("--input", help="the same", **array)
    reads.add_argument("--text", help="what it reads in their place, or - for standard input")
    parser.add_argument("--out", metavar="T.NPZ", help="where the trace is written, or - for standard output")
    parser.add_argument("--block", help="which of several blocks")
    _output(parser)
    model_options(parser)


def _health(asked: argparse.Namespace) -> int:
    found = traces(opened(asked.model, asked), asked)
    rows = [(name, one) for name, trace in found.items() for one in health(trace)]
    if asked.json:
        return _json([{"block": name, **_counted(one)} for name, one in rows])
    for name, one in rows:
        found = _counted(one)
        print(f"{name or 'block'}, layer {one.layer}, direction {one.direction}: {found['units']} units")
        if one.message is not None:
            print(f"  {one.message}")
            continue
        print(f"  dead: {_units(found['dead'])}")
        for signal, units in found["saturated"].items():
            print(f"  {signal} saturated: {_units(units)}")
        if one.timescale is not None:
            known = one.timescale[~np.isnan(one.timescale)]
            print(f"  integrators: {_units(found['integrators'])}")
            if known.size:
                print(f"  timescale: median {np.median(known):.3g} steps, longest {known.max():.3g}")
    return 0


def _counted(one: Health) -> dict[str, Any]:
    units = {name: np.flatnonzero(value).tolist() for name, value in one.saturated.items()}
    finite = None if one.timescale is None else [float(t) if np.isfinite(t) else None for t in one.timescale]
    return {
        "layer": one.layer,
        "direction": one.direction,
        "units": len(one.movement),
        "dead": np.flatnonzero(one.dead).tolist(),
        "saturated": units,
        "integrators": None if one.integrator is None else np.flatnonzero(one.integrator).tolist(),
        "timescale": finite,
        "broken": one.broken,
    }


def _units(units: Sequence[int] | None) -> str:
    if not units:
        return "none"
    shown = ", ".join(map(str, units[:12]))
    return f"{len(units)} ({shown}{', ...' if len(units) > 12 else ''})"


def _health_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("input", metavar="X.NPY", help="numbers or ids that it reads, or - for standard input")
    _output(parser)
    model_options(parser)


def _compare(asked: argparse.Namespace) -> int:
    a, b = both(asked.a, asked.b, asked)
    found = compare(a, b, array(asked.input), tolerance=asked.tolerance)
    if asked.json:
        _json(found.to_dict())
    else:
        print(found)
    return 0 if found else DIFFERENT


def _compare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", metavar="A", help="a model")
    parser.add_argument("b", metavar="B", help="another; the exit code is 0 if they are equal and 1 if not")
    parser.add_argument("input", metavar="X.NPY", help="what A reads, in its layout, or - for standard input")
    parser.add_argument("--tolerance", type=float, help="what equal models may differ by; 1e-5 by default")
    _output(parser)
    model_options(parser)


def _survey(asked: argparse.Namespace) -> int:
    from lstm_core import survey

    given = load_model(asked.model) if asked.model in list_models() else opened(asked.model, asked)
    data = array(asked.data) if asked.data.endswith(".npy") else asked.data
    wordless = isinstance(given, Loaded) or not given.reads_words
    if wordless and Path(asked.data).suffix.lower() in TEXTS and Path(asked.data).is_file():
        message = (
            "{name} holds texts, and this model reads numbers, as its file holds no vocabulary: give an .npy of ids"
        )
        raise ValueError(say(message, name=asked.data))
    if Path(asked.out).is_file():
        raise ValueError(say("{name} is a file: a survey is kept in a folder", name=asked.out))
    how = {"top": asked.top, "column": asked.column, "device": asked.device}
    found = survey(given, data, asked.out, **how, progress=sys.stderr.isatty())
    told = {"model": found.model_name, "documents": found.documents, "steps": found.steps, "out": asked.out}
    if asked.json:
        return _json(told)
    print(f"{told['model']}: {told['documents']:,} documents, {told['steps']:,} steps")
    print(f"written to {asked.out}; lstm_core.open_survey reads it")
    return 0


def _survey_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("data", metavar="DATA", help=".txt (a text a line), .csv or .parquet (--column), .npy")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="where the survey is kept; goes on if begun")
    parser.add_argument("--top", type=int, default=100, help="places kept of a unit's highest values; 100 by default")
    parser.add_argument("--column", help="of a table, the one that holds the texts")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="auto: a GPU if worth it")
    _output(parser)
    model_options(parser)


def _cells(asked: argparse.Namespace) -> int:
    rows = [(cell.name, cell.title, " ".join(s.name for s in cell.signals), cell.source) for cell in CELLS.values()]
    if asked.json:
        names = ("name", "title", "signals", "source")
        return _json([{**dict(zip(names, row, strict=True)), "signals": row[2].split()} for row in rows])
    widths = [max(len(row[k]) for row in rows) for k in range(3)]
    for row in rows:
        print("  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[3]]))
    return 0


def _output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="answer in JSON")


def _json(value: Any) -> int:
    text = json.dumps(_nulls(value), ensure_ascii=False, allow_nan=False)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:  # what else would be written there is not JSON
        text = json.dumps(_nulls(value), allow_nan=False)
    print(text)
    return 0


def _nulls(value: Any) -> Any:
    """With null for what is not a finite number, which JSON does not have."""
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _nulls(one) for name, one in value.items()}
    return [_nulls(one) for one in value] if isinstance(value, (list, tuple)) else value


COMMANDS: dict[str, Command] = {
    "page": Command("open the page in the browser, with MODEL if one is given", _page_arguments, _page),
    "trace": Command("run a model and write every gate of every step", _trace_arguments, _trace),
    "health": Command("dead, saturated and integrating units, timescales", _health_arguments, _health),
    "compare": Command("whether two models do the same, and where and why they part", _compare_arguments, _compare),
    "survey": Command("what every unit does over a data set, to be asked later", _survey_arguments, _survey),
    "cells": Command("the cells that there are", _output, _cells),
}
"""By name, in the order in which the help has them."""

if __name__ == "__main__":
    sys.exit(main())
