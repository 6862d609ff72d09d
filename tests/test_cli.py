"""The command line: each command on the terminal, in JSON, in a pipe, and what is said of what is wrong."""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from torch import nn

import lstm_core
from lstm_core import CELLS, Loaded, Network, Trace, cli, load_model, trace
from lstm_core.given import both, model_options, opened

pytestmark = pytest.mark.usefixtures("in_place")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """a.safetensors and b.pt of one module, other.safetensors with its gates in another order, x.npy."""
    torch.manual_seed(0)
    module = nn.LSTM(3, 4, num_layers=2)
    values = {name: value.detach().numpy() for name, value in module.named_parameters()}
    save_file(values, tmp_path / "a.safetensors")
    torch.save(module.state_dict(), tmp_path / "b.pt")
    save_file({n: np.concatenate([v[:4], v[12:], v[4:12]]) for n, v in values.items()}, tmp_path / "other.safetensors")
    save_file({n: v for n, v in values.items() if n.endswith("l0")}, tmp_path / "one.safetensors")
    save_file({"weight_ih_l0": values["weight_ih_l0"][:4], "weight_hh_l0": np.eye(4)}, tmp_path / "rnn.safetensors")
    rnn = {"weight_ih_l0": values["weight_ih_l0"][:4], "weight_hh_l0": np.eye(4)}
    two = {f"{name}.{key}": value for name in ("encoder", "decoder") for key, value in rnn.items()}
    two |= {f"lstm.{name}": value for name, value in values.items() if name.endswith("l0")}
    save_file(two, tmp_path / "two.safetensors")
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(6, 2, 3)).astype(np.float32))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(arguments)
    out, error = capsys.readouterr()
    return code, out, error


def test_trace(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "trace", "a.safetensors", "--input", "x.npy", "--out", "t.npz")
    assert code == 0 and out.startswith("Trace(lstm, layers=2, directions=1, steps=6, batch=2, units=4")
    module = nn.LSTM(3, 4, num_layers=2)
    module.load_state_dict(torch.load("b.pt"))
    expected = trace(module, torch.from_numpy(np.load("x.npy")))
    found = Trace.from_npz("t.npz")
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-6)
    code, out, _ = run(capsys, "trace", "a.safetensors", "--input", "x.npy", "--json")
    told = json.loads(out)
    assert (told["cell"], told["layers"], told["steps"], told["signals"]) == ("lstm", 2, 6, list("ifgoch"))
    np.testing.assert_allclose(told["h"], expected["h"][-1, 0, :, 0], atol=1e-5)


@pytest.mark.parametrize(
    "way", ["x.npy --json", "--input x.npy --json", "--json x.npy", "--json --input x.npy", "--json -- -x.npy"]
)
def test_an_array_stands_by_itself_or_behind_its_name(
    way: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "-x.npy").write_bytes((folder / "x.npy").read_bytes())
    code, out, _ = run(capsys, "trace", "one.safetensors", *way.split())
    assert code == 0 and json.loads(out)["steps"] == 6 and json.loads(out)["batch"] == 2


@pytest.mark.parametrize("given", ["x.npy --input x.npy", "x.npy --text a", "--text a x.npy", "x.npy x.npy"])
def test_a_model_reads_one_thing(given: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["trace", "one.safetensors", *given.split()])
    assert re.search(r"not allowed with argument|reads one thing, and x\.npy is given beside", capsys.readouterr().err)


def test_what_is_assumed_is_said_in_options(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "trace", "b.pt", "x.npy")[1] + run(capsys, "trace", "b.pt", "x.npy", "--json")[1]
    assert out.count("as without --batch-first") == 2


def test_a_shipped_model_reads_text(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "trace", "pronouns-lstm", "--text", "Mary was late because", "--json")
    h = load_model("pronouns-lstm").run("Mary was late because")["h"][-1, 0, :, 0]
    np.testing.assert_allclose(json.loads(out)["h"], h, atol=1e-5)
    assert code == 0


def test_pipes(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    data = io.BytesIO((folder / "x.npy").read_bytes())
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=data))
    assert run(capsys, "compare", "a.safetensors", "b.pt", "-")[0] == 0
    data.seek(0)
    assert json.loads(run(capsys, "trace", "a.safetensors", "--json", "-")[1])["steps"] == 6
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO("Zoë".encode("utf-8-sig"))))
    code, out, _ = run(capsys, "trace", "pronouns-lstm", "--text", "-", "--json")
    assert code == 0 and json.loads(out)["steps"] == 1
    whole = f"'{sys.executable}' -m lstm_core.cli cells --json | head -c 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", whole], capture_output=True, text=True, cwd=Path(cli.__file__).parents[1])
    assert (done.returncode, done.stdout, done.stderr) == (0, "[", "")
    monkeypatch.setattr(sys, "stdin", None)  # `<&-`
    code, _, error = run(capsys, "trace", "pronouns-lstm", "--input", "-")
    assert (code, "standard input is empty: an array is needed" in error) == (2, True)
    monkeypatch.setattr(sys, "stdout", None)  # `>&-`
    assert cli.main(["cells"]) == 0


NAMED = "--cell encoder=rnn_relu --cell decoder=rnn"


def asked(said: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    model_options(parser)
    return parser.parse_args(said.split())


def cells(model: Network | Loaded) -> dict[str, str]:
    assert isinstance(model, Loaded)
    return {block.name: block.cell.name for block in model.blocks}


@pytest.mark.parametrize(
    ("said", "encoder", "decoder"),
    [
        ("--cell rnn", "rnn", "rnn"),
        (NAMED, "rnn_relu", "rnn"),
        ("--cell rnn --cell encoder=rnn_relu", "rnn_relu", "rnn"),
        ("--cell decoder=rnn_relu --cell rnn", "rnn", "rnn_relu"),
        (f"{NAMED} --cell lstm=lstm", "rnn_relu", "rnn"),
    ],
)
def test_a_cell_is_said_of_all_blocks_or_of_one(said: str, encoder: str, decoder: str, folder: Path) -> None:
    found = cells(opened("two.safetensors", asked(said)))
    assert found == {"encoder": encoder, "decoder": decoder, "lstm": "lstm"}


def test_compare_takes_the_cell_of_a_block_for_the_file_that_has_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two = {"encoder": "rnn_relu", "decoder": "rnn", "lstm": "lstm"}
    found = both("rnn.safetensors", "two.safetensors", asked(f"{NAMED} --cell rnn"))
    assert list(map(cells, found)) == [{"": "rnn"}, two]
    assert list(map(cells, both("a.safetensors", "two.safetensors", asked(NAMED)))) == [{"": "lstm"}, two]
    code, _, error = run(capsys, "compare", "a.safetensors", "b.pt", "x.npy", "--cell", "nix=lstm")
    assert code == 2 and "--cell names the block 'nix'; there is one, without a name" in error


def test_health(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "health", "a.safetensors", "x.npy")
    assert code == 0 and "block, layer 1, direction 0: 4 units" in out and "  timescale: median" in out
    told = json.loads(run(capsys, "health", "a.safetensors", "x.npy", "--json")[1])
    assert [one["layer"] for one in told] == [0, 1] and told[0]["units"] == 4 and len(told[0]["timescale"]) == 4
    assert [one["broken"] for one in told] == [None, None]
    np.save("nan.npy", np.full((6, 2, 3), np.nan, np.float32))
    code, out, _ = run(capsys, "health", "a.safetensors", "nan.npy")
    said = "the trace holds NaN or infinite values (finite steps before them: 0)"
    assert code == 0 and "dead" not in out and out.count(said) == 2
    assert json.loads(run(capsys, "health", "a.safetensors", "nan.npy", "--json")[1])[0]["broken"] == 0


def test_compare_and_its_exit_code(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "compare", "a.safetensors", "b.pt", "x.npy")[:2][0] == 0
    code, out, _ = run(capsys, "compare", "a.safetensors", "other.safetensors", "x.npy")
    assert code == 1 and "Cause: gate order, in layer 0; layer 1." in out
    code, out, _ = run(capsys, "compare", "a.safetensors", "other.safetensors", "x.npy", "--json")
    assert code == 1 and json.loads(out)["causes"][0]["name"] == "gate order"
    assert run(capsys, "compare", "a.safetensors", "other.safetensors", "x.npy", "--tolerance", "2")[0] == 0
    assert run(capsys, "compare", "rnn.safetensors", "rnn.safetensors", "x.npy", "--cell", "rnn")[0] == 0
    code, out, error = run(capsys, "compare", "one.safetensors", "rnn.safetensors", "x.npy", "--cell", "rnn")
    assert code in (1, 2) and "cannot be a rnn" not in error  # the other one alone leaves the choice


def test_survey(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "texts.txt").write_text("Mary was late\nJohn went home\nMary met John\n")
    code, out, _ = run(capsys, "survey", "pronouns-lstm", "texts.txt", "--out", "kept")
    assert code == 0 and out.startswith("pronouns-lstm: 3 documents, 9 steps\n")
    assert lstm_core.open_survey("kept").documents == 3
    assert json.loads(run(capsys, "survey", "pronouns-lstm", "texts.txt", "--out", "kept", "--json")[1])["steps"] == 9
    code, _, error = run(capsys, "survey", "pronouns-lstm", "nix.txt", "--out", "other")
    assert code == 2 and error.startswith("gatescope: ") and error.count("\n") == 1


def test_python_runs_it_as_a_module(folder: Path) -> None:
    command = [sys.executable, "-m", "lstm_core", "cells"]
    environment = {**os.environ, "PYTHONPATH": str(Path(lstm_core.__file__).parents[1])}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "lstm " in done.stdout, done.stderr
    done = subprocess.run(
        [*command[:3], "nix"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and done.stderr.startswith("gatescope: nix is neither a command nor a file")


def test_cells(capsys: pytest.CaptureFixture[str]) -> None:
    assert [one["name"] for one in json.loads(run(capsys, "cells", "--json")[1])] == list(CELLS)
    out = run(capsys, "cells")[1]
    assert len(out.splitlines()) == len(CELLS) and re.search(r"^gru +GRU +r z n h +Cho et al", out, re.MULTILINE)


WRONG: dict[str, tuple[list[str], str]] = {
    "no file": (["trace", "nix.onnx", "--input", "x.npy"], r"there is no file nix\.onnx"),
    "no name": (["trace", "", "--text", "a"], r"there is no file ''"),
    "no model": (["trace", "nix", "--text", "a"], r"nix is neither a file nor a shipped model; these are .*pronouns-"),
    "no command": (["nix"], r"nix is neither a command nor a file; the commands are page, trace, .*cells"),
    "no numbers": (
        ["health", "a.safetensors", "a.safetensors"],
        r"a\.safetensors is not an \.npy file, as numpy\.save writes it$",
    ),
    "no words": (["trace", "a.safetensors", "--text", "Mary"], r"this model reads numbers.* give x\.npy"),
    "other width": (["trace", "pronouns-lstm", "--input", "x.npy"], r"reads \(time, batch, 16\).*, not \(6, 2, 3\)"),
    "which cell": (["trace", "rnn.safetensors", "x.npy"], r"\(the block: rnn or rnn_relu\); say it with --cell"),
    "which cell of one": (
        ["trace", "two.safetensors", "x.npy", "--cell", "encoder=rnn"],
        r"\(decoder: rnn or rnn_relu\); say it with --cell CELL, or --cell BLOCK=CELL where blocks differ",
    ),
    "the cell of no block": (
        ["trace", "two.safetensors", "x.npy", "--cell", "rnn", "--cell", "nix=rnn"],
        r"--cell names the block 'nix'; there is decoder, encoder, lstm$",
    ),
    "no cell of that block": (
        ["trace", "two.safetensors", "x.npy", "--cell", "rnn", "--cell", "lstm=gru"],
        r"lstm cannot be a gru: it is lstm, as its file or its shapes say",
    ),
    "a shipped model's block of no such cell": (
        ["trace", "pronouns-lstm", "--text", "Mary", "--cell", "lstm=gru"],
        r"--cell names the block 'lstm'",
    ),
    "neither says which cell": (
        ["compare", "rnn.safetensors", "rnn.safetensors", "x.npy"],
        r"\(the block: rnn or rnn_relu\); say it with --cell",
    ),
    "nothing to read": (["trace", "a.safetensors"], r"say what the model reads: X\.NPY, or --text"),
    "no column": (["survey", "pronouns-lstm", "t.csv", "--out", "s"], r"columns id, review: .* texts with --column"),
    "no table": (
        ["survey", "a.safetensors", "x.npy", "--out", "s", "--column", "a"],
        r"--column is of a \.csv or \.parquet file, and the data is not one \(ndarray\)$",
    ),
    "data of no kind": (["survey", "pronouns-lstm", "x.txt.gz", "--out", "s"], r"a \.txt, \.csv, \.parquet or \.npy f"),
    "ids of no matrix": (
        ["trace", "looked_up.pt", "ids.npy"],
        r"If it is e\.weight, give its rows, an \.npy of vectors",
    ),
    "not that cell": (
        ["trace", "a.safetensors", "--input", "x.npy", "--cell", "gru"],
        r"the block cannot be a gru: it is lstm, as its file or its shapes say",
    ),
    "neither that cell": (
        ["compare", "a.safetensors", "b.pt", "x.npy", "--cell", "gru"],
        r"the block cannot be a gru: it is lstm, as its file or its shapes say",
    ),
    "a shipped model of another cell": (
        ["trace", "pronouns-lstm", "--text", "Mary", "--cell", "gru"],
        r"cannot be a gru: it is lstm, as its file or its shapes say",
    ),
    "no block": (
        ["trace", "a.safetensors", "--input", "x.npy", "--block", "b"],
        r"there is no block 'b'; there is only one, without a name",
    ),
    "other shape": (["compare", "a.safetensors", "one.safetensors", "x.npy"], r"the two are not models of one shape"),
    "a folder": (["trace", ".", "--text", "a"], r"\. is a folder, not a file"),
    "numbers in a folder": (["health", "a.safetensors", "."], r"\. is a folder, not a file"),
    "no text": (["trace", "pronouns-lstm", "--text", " \n"], r"the text is empty: there is nothing to read"),
    "not UTF-8": (["trace", "pronouns-lstm", "--text", "-"], r"not text in UTF-8: it goes wrong at byte 4"),
    "nothing piped": (
        ["health", "a.safetensors", "-"],
        r"standard input is not an \.npy file, as numpy\.save writes it$",
    ),
    "an empty file": (["health", "a.safetensors", "empty.npy"], r"empty\.npy is empty: an array is needed"),
    "text in an array": (["health", "a.safetensors", "words.npy"], r"words\.npy holds text, not numbers"),
    "nowhere to write": (
        ["trace", "a.safetensors", "--input", "x.npy", "--out", "nix/t.npz"],
        r"there is no folder nix to write into",
    ),
    "written into a folder": (
        ["trace", "a.safetensors", "--input", "x.npy", "--out", "."],
        r"\. is a folder: give the name of a file",
    ),
    "a survey into a file": (
        ["survey", "pronouns-lstm", "x.txt", "--out", "x.npy"],
        r"x\.npy is a file: a survey is kept in a folder",
    ),
    "a link to itself": (["health", "a.safetensors", "loop.npy"], r"loop\.npy: Too many levels of symbolic links"),
    "numbers without end": (["trace", "a.safetensors", "--input", "/dev/zero"], r"/dev/zero is not an \.npy file"),
    "a model without end": (["trace", "/dev/zero", "--input", "x.npy"], r"/dev/zero is a device, not a file"),
    "a model that never comes": (["trace", "pipe.pt", "--input", "x.npy"], r"pipe\.pt is a pipe, not a file"),
    "not a model": (["trace", "x.npy", "--input", "x.npy"], r".+"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_a_sentence(
    case: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments, says = WRONG[case]
    np.save(folder / "words.npy", np.array(["a", "b"]))
    np.save(folder / "ids.npy", np.zeros((6, 2), int))
    (folder / "empty.npy").touch()
    (folder / "t.csv").write_text("id,review\n1,good\n")
    torch.save(nn.ModuleDict({"e": nn.Embedding(9, 3), "x": nn.LSTM(3, 4)}).state_dict(), folder / "looked_up.pt")
    (folder / "loop.npy").symlink_to("loop.npy")
    os.mkfifo(folder / "pipe.pt")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"Mary\xff")))
    code, out, error = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert re.fullmatch(rf"gatescope: .*{says}.*\n", error), error


def test_what_is_not_a_number_is_null_in_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = np.load("x.npy")
    x[2:] = np.nan
    np.save("nan.npy", x)
    code, out, error = run(capsys, "trace", "a.safetensors", "--input", "nan.npy", "--json")
    h = json.loads(out, parse_constant=pytest.fail)["h"]
    assert (code, error) == (0, "") and h[1][0] is not None and h[2] == [None] * 4
    code, out, error = run(capsys, "compare", "a.safetensors", "other.safetensors", "nan.npy", "--json")
    assert code == 1 and json.loads(out, parse_constant=pytest.fail)["causes"][0]["name"] == "gate order"
    code, out, error = run(capsys, "health", "a.safetensors", "nan.npy")
    assert (code, error) == (0, "") and "nan" not in out


def test_a_port_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    for port in ("70000", "-1", "x"):
        with pytest.raises(SystemExit, match="2"):
            cli.main(["page", f"--port={port}"])
        assert f"a port is a whole number from 1 to 65535, not '{port}'" in capsys.readouterr().err


def test_a_command_that_is_misspelt_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for given, says in (
        (["trce", "a.safetensors"], "trce is neither a command nor a file; the commands are page, trace"),
        (["pronouns-lstm"], "pronouns-lstm is a shipped model: open the page"),
        (["a.safetensors", "b.safetensors"], "one model opens the page; a.safetensors was given and something else"),
    ):
        assert cli.main(given) == 2
        err = capsys.readouterr().err
        assert err.startswith(f"gatescope: {says}") and err.count("\n") == 1, err


@pytest.mark.skipif(sys.platform == "win32", reason="there a process is ended without being asked")
def test_the_page_ends_with_the_command(tmp_path: Path) -> None:
    """Here a process that sleeps stands in for the page."""
    code = f"""
import subprocess, sys
from lstm_core import cli
run = subprocess.run
subprocess.run = lambda *a, **k: run([sys.executable, "-c",
    "import os, time; open({str(tmp_path / "pid")!r}, 'w').write(str(os.getpid())); time.sleep(60)"], check=False)
sys.exit(cli.main([]))
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=Path(cli.__file__).parent.parent) as command:
        while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()) and command.poll() is None:
            time.sleep(0.05)
        command.terminate()
        assert command.wait(60) == 128 + 15
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_what_a_terminal_cannot_show_is_written_in_escapes(
    encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In JSON in those of JSON. \\udcff is what Python makes of a byte of a file's name that is not UTF-8."""
    asked = ["trace", "pronouns-lstm", "--text", "Mary was 😀", "--out", str(tmp_path / "\udcff.npz")]
    for arguments in (["cells"], asked, [*asked, "--json"]):
        written = io.BytesIO()
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding))
        assert cli.main(arguments) == 0
    assert json.loads(written.getvalue().decode(encoding))["unknown"] == ["😀"]


def test_the_help_fits_a_screen(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], *([name, "--help"] for name in cli.COMMANDS)):
        with pytest.raises(SystemExit):
            cli.main(arguments)
        out = capsys.readouterr().out
        assert len(out.splitlines()) <= 24 and out.startswith("usage: gatescope"), out
    assert set(cli.COMMANDS) >= {"page", "trace", "health", "compare", "cells"}


def test_it_opens_the_page_with_a_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: asked.append((a, k)) or SimpleNamespace(returncode=0))
    assert cli.main([]) == 0 and cli.main(["a.safetensors", "--port", "9000", "--no-browser"]) == 0
    (first, plain), (second, given) = asked
    assert first[0][1:4] == ["-m", "streamlit", "run"] and cli.MODEL not in plain["env"]
    assert second[0][-2:] == ["--server.port=9000", "--server.headless=true"]
    assert given["env"][cli.MODEL] == str((folder / "a.safetensors").resolve())


def test_the_page_begins_with_the_model_that_it_was_started_with(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.testing.v1 import AppTest
    from test_views import script

    monkeypatch.setenv(cli.MODEL, str(folder / "a.safetensors"))
    at = AppTest.from_function(script, args=("dashboard.views.gates",), default_timeout=300).run()
    assert not at.exception
    assert at.session_state["settings"]["left"] == "yours"
    assert at.session_state["your model"].upload.file == "a.safetensors"
    monkeypatch.setenv(cli.MODEL, str(folder / "x.npy"))
    at = AppTest.from_function(script, args=("dashboard.views.gates",), default_timeout=300).run()
    assert not at.exception and "single NumPy array" in at.error[0].value
