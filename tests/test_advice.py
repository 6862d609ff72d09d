"""What the page and the command line say in the place of what the library advises in Python."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from babel.messages.pofile import read_po
from uploads import safetensors

import lstm_core
from dashboard import language
from dashboard.advice import HERE
from dashboard.language import tr
from dashboard.yours.given import Given
from dashboard.yours.session import Place
from lstm_core import advised, analysis
from lstm_core.drawing.words import as_sentence
from lstm_core.files.sandbox import as_json, from_json
from lstm_core.say import say
from tests import cases


def _called() -> tuple[set[str], set[str]]:
    """The names of what the library offers to be called, and those of its arguments."""
    names, arguments = set(), set()

    def take(one: object) -> None:
        try:
            arguments.update(inspect.signature(one).parameters)  # type: ignore[arg-type]
        except (TypeError, ValueError):  # written in C
            pass

    rooms: tuple[ModuleType, ...] = (lstm_core, analysis)
    for room in rooms:
        for name in room.__all__:
            one = getattr(room, name)
            methods = inspect.getmembers(one, inspect.isfunction) if inspect.isclass(one) else []
            for own, function in [(name, one), *((own, function) for own, function in methods if own[0] != "_")]:
                if callable(function):
                    names.add(own)
                    take(function)
    return names, arguments


NAMES, ARGUMENTS = (sorted(some, key=len, reverse=True) for some in _called())
CALL = re.compile(
    r"\blstm_core\.|pip install|numpy\.load\b|\bloaded\[|\b(?:Trace|Network|Block)\.\w"
    rf"|\b(?:{'|'.join(ARGUMENTS)})=(?!\{{)|(?<!\bmodel\.)(?<!\btorch\.)(?<!\w)(?:{'|'.join(NAMES)})\((?!s\))"
)
"""What only somebody who calls the library can do; how PyTorch and Keras save a model is for whoever has one."""
UNREACHED = {
    "lstm_core/cli.py": "the command line",
    "lstm_core/tables.py": "a trace as a table",
    "lstm_core/modules/": "PyTorch modules, which cannot be uploaded",
    "lstm_core/survey/models.py": "the same",
    "lstm_core/watching/lightning.py": "the same",
    "lstm_core/watching/watch.py": "the same",
    "lstm_core/survey/cluster.py": "a survey on several machines",
    "lstm_core/survey/sql.py": "a survey asked in SQL",
    "lstm_core/trace.py": "tensors of a device",
    "lstm_core/kinds.py": "arguments of the wrong kind, which the page does not give",
    "lstm_core/device.py": "the page chooses among the devices that there are",
    "lstm_core/files/load.py": "a path, where the page gives bytes",
    "lstm_core/files/state_dict.py": "names=, which the page does not give",
}
PLAIN = {
    "lstm_core/analysis/search.py": "the page searches for nothing",
}
"""Where what is said without ``say``, so that it cannot be replaced, is not shown either."""


UNREACHED_BY_COMMANDS = {
    "lab/": "measurements and trainings",
    "lstm_core/analysis/": "of what is asked about a trace, but for health, no command",
    "lstm_core/comparing/walk.py": "two traces, where a command has two models and an input",
    "lstm_core/files/load.py": "Python objects",
    "lstm_core/files/state_dict.py": "names=, which no option gives",
    "lstm_core/kinds.py": "arguments of the wrong kind",
    "lstm_core/modules/": "PyTorch modules, which lie in no file that is read",
    "lstm_core/survey/answers.py": "a survey that is asked",
    "lstm_core/survey/cluster.py": "a survey on several machines",
    "lstm_core/survey/corpus.py": "a survey that is asked",
    "lstm_core/survey/models.py": "PyTorch modules",
    "lstm_core/survey/sql.py": "a survey that is asked",
    "lstm_core/tables.py": "a trace as a table",
    "lstm_core/trace.py": "tensors of a device",
    "lstm_core/trace_npz.py": "a trace that is read",
    "lstm_core/variant.py": "the same",
    "lstm_core/watching/": "a training under way",
}
SHELL = re.compile(r"pip install '?[\w\[\]]+'?")
"""What is typed into a terminal."""


def templates() -> Iterator[tuple[str, str]]:
    """(file, what is said there), of the library and of what measures with it, as the catalogue collects it."""
    with (Path(language.__file__).parent / "locale" / "zh.po").open("rb") as file:
        for message in read_po(file):
            for name, _ in message.locations if message.id else ():
                if name.startswith(("lstm_core/", "lab/")):
                    yield name, str(message.id if isinstance(message.id, str) else message.id[0])


def test_whatever_the_library_advises_in_python_has_other_words_on_the_page() -> None:
    calls = {text for name, text in templates() if CALL.search(text) and not name.startswith(tuple(UNREACHED))}
    assert not calls - HERE.keys()
    assert not HERE.keys() - {text for _, text in templates()}, "nothing is replaced that nobody says"
    assert not any(CALL.search(text) for text in HERE.values())


def test_whatever_the_library_advises_in_python_has_other_words_on_the_command_line() -> None:
    there = dict.fromkeys(text for _, text in templates())
    calls = {
        text
        for name, text in templates()
        if CALL.search(SHELL.sub("", text)) and not name.startswith(tuple(UNREACHED_BY_COMMANDS))
    }
    assert not calls - advised.HERE.keys()
    assert not advised.HERE.keys() - there.keys(), "nothing is replaced that nobody says"
    for template, ours in advised.HERE.items():
        assert not CALL.search(SHELL.sub("", ours))
        values = {name: f"<{name}>" for name in re.findall(r"(?<!\{)\{(\w+)", template)}
        shown = advised.here(say("{file}: {error}.", file="a", error=say(template, **values)))
        assert shown == f"a: {ours.format(**values)}." and set(re.findall(r"<(\w+)>", shown)) == values.keys()


def test_what_is_said_so_that_it_cannot_be_replaced_calls_nothing() -> None:
    found = []
    for path in Path("lstm_core").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            raised = node.exc if isinstance(node, ast.Raise) else None
            said = raised.args[0] if isinstance(raised, ast.Call) and raised.args else None
            if isinstance(said, ast.JoinedStr | ast.Constant) and CALL.search(ast.unparse(said)):
                found.append(path.as_posix())
    found = [name for name in found if not name.startswith((*UNREACHED, *PLAIN))]
    assert not found


@pytest.mark.parametrize("code", language.languages())
@pytest.mark.parametrize("template", HERE)
def test_the_pages_words_take_the_values_of_the_librarys(
    template: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language, "_asked", lambda: code)
    values = {name: f"<{name}>" for name in re.findall(r"(?<!\{)\{(\w+)", template)}
    inner = say(template, **values)
    shown = tr(say("{file}: {error}.", file="a", error=inner))
    assert tr(HERE[template], **values) in shown and not CALL.search(shown)
    kept = set(re.findall(r"<(\w+)>", shown))
    assert kept <= values.keys() and (kept == values.keys() or "{all}" in template), "what the library names is said"


def test_a_file_without_a_recurrent_layer_says_what_can_be_done_on_the_page() -> None:
    place = Place()
    place.take(Given("w.safetensors", safetensors({"W": np.zeros((8, 3), np.float32)})))
    shown = tr(place.problem)
    assert "holds no LSTM, GRU or RNN, but W" in shown and "load(" not in shown
    assert "save them under PyTorch's (weight_ih_l0," in shown


def test_a_model_of_our_own_is_chosen_and_not_loaded(tmp_path: Path) -> None:
    cases.model().save(tmp_path / "m.safetensors")
    place = Place()
    place.take(Given("m.safetensors", (tmp_path / "m.safetensors").read_bytes()))
    assert "chosen above by their names" in tr(place.problem) and "lstm_core" not in tr(place.problem)


def test_a_relevance_that_is_not_shared_out_names_no_argument() -> None:
    error = ValueError(say("relevance is not shared out through attention: take method='integrated'"))
    assert as_sentence(error, "Choose another method above.") == (
        "Relevance is not shared out through attention. Choose another method above."
    )


def test_what_a_process_says_it_lacks_is_the_pages_in_every_language(monkeypatch: pytest.MonkeyPatch) -> None:
    said = say("a survey is kept with pyarrow, which is not installed: pip install 'gatescope[survey]'")
    told = from_json(json.loads(json.dumps(as_json(said))))
    assert "ask whoever runs it" in tr(told) and "pip" not in tr(told)
    monkeypatch.setattr(language, "_asked", lambda: "zh")
    assert "请告诉运行此网页的人" in tr(told) and "pip" not in tr(told)
