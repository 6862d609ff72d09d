"""What the page says of a file: what can be done there, and no call of the library."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from babel.messages.pofile import read_po
from uploads import safetensors

from dashboard import language
from dashboard.yours.advice import HERE, on_page
from dashboard.yours.given import Given
from dashboard.yours.session import Place
from lstm_core.say import say
from tests import cases

CALL = re.compile(
    r"(?<!torch\.)\bload\(|pip install|\blstm_core\."
    r"|\b(names|cell|mask|beside|max_bytes|activation|reset_after|go_backwards)=(?!\{)"
)
"""What only somebody who calls the library can do."""
UNREACHED = re.compile(r"names= |cell= |load reads a file")
"""What is said of arguments that the page gives itself or never gives."""


def templates(folder: str) -> list[str]:
    """What is said in that folder, as the catalogue collects it."""
    with (Path(language.__file__).parent / "locale" / "zh.po").open("rb") as file:
        return [
            str(message.id if isinstance(message.id, str) else message.id[0])
            for message in read_po(file)
            if message.id and any(name.startswith(folder) for name, _ in message.locations)
        ]


def test_whatever_the_readers_advise_in_python_has_other_words_on_the_page() -> None:
    said = templates("lstm_core/files")
    calls = {text for text in said if CALL.search(text) and not UNREACHED.match(text)}
    assert calls == set(HERE), "and nothing is replaced that nobody says"
    assert not any(CALL.search(text) for text in HERE.values())


@pytest.mark.parametrize("template", HERE)
def test_the_pages_words_take_the_values_of_the_librarys(template: str) -> None:
    values = {name: f"<{name}>" for name in re.findall(r"(?<!\{)\{(\w+)\}", template)}
    inner = say(template, **values)
    assert on_page(say("{file}: {error}.", file="a", error=inner)) == f"a: {HERE[template].format(**values)}."
    kept = re.findall(r"<\w+>", HERE[template].format(**values))
    assert kept == list(map("<{}>".format, values)), "nothing that the library names is left out"


def test_a_file_without_a_recurrent_layer_says_what_can_be_done_on_the_page() -> None:
    place = Place()
    place.take(Given("w.safetensors", safetensors({"W": np.zeros((8, 3), np.float32)})))
    assert "holds no LSTM, GRU or RNN, but W" in place.problem and "load(" not in place.problem
    assert "save them under PyTorch's (weight_ih_l0," in place.problem


def test_a_model_of_our_own_is_chosen_and_not_loaded(tmp_path: Path) -> None:
    cases.model().save(tmp_path / "m.safetensors")
    place = Place()
    place.take(Given("m.safetensors", (tmp_path / "m.safetensors").read_bytes()))
    assert "chosen above by their names" in place.problem and "lstm_core" not in place.problem
