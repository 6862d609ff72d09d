"""Whatever a visitor types, links or uploads is answered: in time, without an exception, as text, to that visitor only.

400 examples in all; `make chaos` looks at 8,000, and reads 100,000 hostile files (``chaos/test_hostile_files``).
"""

from __future__ import annotations

import io
import json
import os
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from functools import cache as once
from itertools import count
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest
from torch import nn
from uploads import HOSTILE, WORDS, npy, onnx_lstm, safetensors, saved, tagger

from dashboard import address, cache, language, library
from dashboard.state import YOURS, Settings
from dashboard.views import discover
from dashboard.yours import inputs, session, vocabulary
from dashboard.yours.upload import SENTENCE, Given
from lab.experiments import discover as experiments
from tests.chaos.mutations import changed as changed_bytes
from tests.chaos.mutations import mutated
from tests.small_models import small_model
from tests.test_figures import unpack
from tests.test_files_keras import SNAKE, keras_archive, layer, weights

SECONDS = 15.0
"""Processor time that an answer may take, far more than it does: the machine that tests may be a slow one."""
TIMES = 20 if os.environ.get("NIGHTLY") else 1
PAGES = [view.__name__ for view in discover()]

pytestmark = [
    pytest.mark.filterwarnings("ignore:LSTM with projections"),
    # Streamlit's tests read a file's bytes with a socket that they leave to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def examples(number: int) -> Callable[[Any], Any]:
    return settings(
        max_examples=number * TIMES,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Small models under the default pair's names, one of two layers in both directions, and a plain RNN, beside the
    shipped ones."""
    folder = tmp_path_factory.mktemp("models")
    models = {
        "pronouns-lstm": small_model("lstm"),
        "pronouns-gru": small_model("gru"),
        "stacked": small_model("lstm", layers=2, directions=2),
        "plain": small_model("rnn"),
    }
    for name, model in models.items():
        replace(model, name=name).save(folder / f"{name}.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATESCOPE_MODELS", str(folder))
        cache.forget()
        yield
    language.ask(lambda: language.ENGLISH)
    cache.forget()


# ---- what comes in

MARKUP = [
    "<script>zq()</script>",
    "<img src=x onerror=zq()>",
    "<b>zq</b>",
    "<a href='//zq.test'>zq</a>",
    "<style>*{display:none}</style>",
    "[zq](javascript:zq())",
    "![zq](https://zq.test/a.png)",
    "https://zq.test/a",
    "**zq**",
    "~~zq~~",
    "`zq`",
    "$zq$",
    ":red[zq]",
    "</script>",
    "{{zq}}",
    "%{y}",
    "| zq | zq |",
    "# zq",
]
ALIVE = re.compile(
    r"<(script|img|a href='//zq|style>\*|b>zq)|\[zq\]\(|\*\*zq|~~zq|`zq|\$zq|:red\[zq|https://zq\.test|^# zq",
    re.IGNORECASE | re.MULTILINE,
)
"""What would be markup in Markdown: none of it is in what Gatescope itself writes."""
TAG = re.compile(r"<(?!/?(br|extra)>)")
"""What would be markup in Plotly's labels, where Gatescope itself writes only line breaks and <extra>."""
ODD = ["\x00", "\x1b", "\u202e", "\u200b", "\ufeff", "e\u0301", "\N{FAMILY}", "😀", "我", "مرحبا", "\r\n", "\t", '"']
NUMBERS = [*"0 1 -1 2 7 999 -99999 1e3 nan inf -0 ٣ ² 0x10 1_0".split(), "9" * 40, "9" * 5000]

texts = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from([*WORDS, *MARKUP, *ODD, ".", ","]), max_size=12).map(" ".join),
    st.builds(
        lambda part, times: part * times,
        st.sampled_from(["a", "a ", "Mary ", "😀", "我", "(", "\n"]),
        st.sampled_from([2, 20, 200, 3000]),
    ),
)
placed = st.builds(
    "{}{}@{}{}={}".format,
    st.sampled_from("fiochxzr"),
    st.sampled_from(["", "[0]", "[0-9]", "[60000]"]),
    st.integers(-12, 12),
    st.sampled_from(["", ":", ":0", ":1", ":-1", ":5", ":9999"]),
    st.sampled_from([*"01", "hold", "flip", "mary"]),
)
"""Interventions as the page writes them, often at steps that a short text does not have."""
forced = st.lists(
    placed
    | st.from_regex(
        r"!?(f|i|o|c|h|x|z|r|nonsense)(/\d{1,3}r?)?(\[\d{1,6}([,-]\d{1,6})?\]|\[0-65535\])?(@-?\d{0,4}(:-?\d{0,4})?)?"
        r"=(0|1|-1|1e300|1e999|nan|hold|flip|mary|%00|%FF|<b>zq)",
        fullmatch=True,
    ),
    max_size=4,
).map(";".join)
models = st.sampled_from(["pronouns-lstm", "pronouns-gru", "stacked", "plain", YOURS, "no such model", ""])
names = st.sampled_from(MARKUP) | st.text(max_size=30) | st.sampled_from(["../../etc/passwd", "a" * 300, ""])

KINDS: dict[str, st.SearchStrategy[str]] = {
    **{name: st.sampled_from(NUMBERS) for name in ("layer", "direction", "unit", "unit2", "at", "stop")},
    **{name: models for name in ("left", "right")},
    **{name: forced for name in ("do", "do2")},
    "text": texts,
    "other": texts,
    "sort": st.sampled_from(["index", "keep", "write", "nonsense"]),
    "look": st.sampled_from(["one unit", "one word against another", "nonsense"]),
    **{name: st.sampled_from([*WORDS, *MARKUP, "%", ""]) for name in ("word", "against", "target")},
    "stage": st.sampled_from(["0", "3", "99", "x"]),
    "lang": st.sampled_from(["en", "zh", "zh-TW", "xx", "../zh"]),
    "long": st.sampled_from(["1", ""]),
    "present": st.just("1"),
    "tour": st.text(max_size=20),
    "experiment": st.sampled_from([*experiments(), "train", "nonsense"]),
    "method": st.sampled_from(["exact", "integrated gradients", "nonsense"]),
    "beside": st.sampled_from(["the model on the right", "a file of yours", "a copy with a fault", "nonsense"]),
    "find": st.sampled_from(["quotes", "saturated", "(", *MARKUP]),
    "beyond": st.sampled_from(["Look", "Translate", "Draw", "Imagine", "nonsense"]),
    "picture": st.sampled_from(["", "rc5", "ks1-io3-bt8-rx15", "rc5-rc5", "rc99"]),
    "draw": st.sampled_from(["copy-0", "copy-9999", "new-999", "new-1000", "nonsense"]),
    "imagine": st.sampled_from(["vrnn-read-0", "storn-new-3", "plain-read-9999", "storn", "nonsense"]),
    "inside": st.sampled_from(["Gates", "Memory", "What if", "Gradients", "nonsense"]),
    "part": st.sampled_from(["decoder", "encoder", "reader", "cell", "forward", "backward", "nonsense"]),
    "force": st.builds("{}:{}".format, st.sampled_from(["decoder", "encoder", "cell", "reader", "backward"]), forced),
    **{name: st.sampled_from(NUMBERS) for name in ("number", "inside_unit", "row", "row2")},
}
KINDS |= {field.name: st.sampled_from(NUMBERS) | names for field in fields(Settings) if field.name not in KINDS}
KINDS |= {name: names for name in address.ALL if name not in KINDS}
links = st.fixed_dictionaries({}, optional={name: st.one_of(kind, kind, kind, names) for name, kind in KINDS.items()})


@once
def files() -> dict[str, bytes]:
    """Real files, as visitors have them."""
    state = {name: value.numpy() for name, value in tagger().state_dict().items()}
    both = [layer("LSTM", "memory"), layer("Dense", "dense")]
    half = {name: value.half() for name, value in nn.GRU(3, 4).state_dict().items()}
    file = io.BytesIO()
    torch.save({"model": half, "epoch": 3, "args": {"lr": 0.1}}, file)
    return {
        "a language model": saved(tagger()),
        "both directions": saved(nn.LSTM(3, 5, num_layers=2, bidirectional=True)),
        "projected": saved(nn.LSTM(3, 5, proj_size=2)),
        "plain": saved(nn.RNN(3, 4)),
        "a checkpoint": file.getvalue(),
        "safetensors": safetensors(state),
        "ONNX": onnx_lstm(),
        "Keras": keras_archive(both, {f"layers/{SNAKE['LSTM']}/cell": weights("LSTM")}),
        **{f"hostile: {name}": make() for name, (make, _) in HOSTILE.items() if name != "zip bomb"},
    }


@dataclass(frozen=True)
class Broken:
    """A file with a few changes (``chaos.mutations``)."""

    name: str
    seed: int
    times: int

    @property
    def data(self) -> bytes:
        rng = random.Random(f"{self.name} {self.seed}")
        data = files().get(self.name) or rng.randbytes(rng.randrange(300))
        for _ in range(self.times):
            data = mutated(data, rng, list(files().values()))
        return data


seeds = st.integers(0, 2**32)
broken = st.builds(Broken, st.sampled_from([*files(), "any bytes"]), seeds, st.integers(0, 2))


# ---- what must come out

_numbers = count()


@contextmanager
def in_time() -> Iterator[None]:
    begun = time.process_time()
    yield
    took = time.process_time() - begun
    assert took < SECONDS, f"{took:.1f} s"


def page_of(name: str) -> None:
    import importlib

    import streamlit

    from dashboard import language

    language.ask(lambda: streamlit.session_state.get("lang", language.ENGLISH))
    importlib.import_module(name).page()


def opened(page: str, params: Mapping[str, str], state: Mapping[str, Any] | None = None, own: str = "") -> AppTest:
    """Open a page of this name, or "app", as a link with ``params`` does in a session that holds ``state``.

    It opens without an exception and in time, shows none of the visitor's markup as such, and nothing that is marked
    like ``own`` but is another visitor's.
    """
    if page == "app":
        test = AppTest.from_file("../dashboard/app.py", default_timeout=12 * SECONDS)
    else:
        test = AppTest.from_function(page_of, args=(page,), default_timeout=12 * SECONDS)
    for name, value in params.items():
        test.query_params[name] = value
    for name, value in (state or {}).items():
        test.session_state[name] = value
    with in_time():
        test.run()
    assert not test.exception, [one.value for one in test.exception]
    protos = [node.proto for node in test._tree if getattr(node, "proto", None) is not None]
    shown = [re.sub(r"\\[^\w\s]", "-", told) for proto in protos for told in markdown(proto)]
    sent = [unpack(proto.bytes) for proto in protos if hasattr(proto, "component_name") and proto.bytes]
    for told in shown:
        assert not ALIVE.search(told), told
    for label in (label for tree in sent for label in labels(tree)):
        assert not TAG.search(label), label
    if own:
        marks = {mark for proto in protos for mark in re.findall(rb"zq\d+zq", proto.SerializeToString())}
        assert marks <= {own.encode()}, marks
    return test


def markdown(proto: Any) -> Iterator[str]:
    """What Streamlit reads as Markdown or HTML in an element."""
    for name in ("body", "label", "help"):
        value = getattr(proto, name, "")
        if isinstance(value, str):
            yield value


def labels(tree: Any, inside: bool = False) -> Iterator[str]:
    """What Plotly reads as its own markup, in the figures of a component's data."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from labels(value, inside or name in ("figure", "layout"))
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from labels(value, inside)
    elif isinstance(tree, str) and inside:
        yield tree


# ---- links


@given(page=st.sampled_from(PAGES), params=links)
@example("dashboard.views.memory", {"unit": "9" * 5000})
@example("dashboard.views.what_if", {"do": "!f[10]=0"})
@example("dashboard.views.what_if", {"do": ";".join(["f[0-65535]=1"] * 30)})
@examples(60)
def test_any_link_is_answered(page: str, params: dict[str, str]) -> None:
    own = f"zq{next(_numbers)}zq"
    opened(page, params | {"text": f"{params.get('text', '')} {own}"}, own=own)


@pytest.mark.parametrize("do", ["f@10=0", "f@5:2=1", "c@0:0=hold", "x@99:100=mary", "f@-99=1", "z@9999:=flip; z@1=0"])
@pytest.mark.parametrize("text", ["", "Mary", "Mary was here"])
def test_an_intervention_outlives_an_edit_of_its_sentence(do: str, text: str) -> None:
    opened("dashboard.views.what_if", {"do": do, "do2": do, "text": text})


@given(
    page=st.sampled_from(PAGES),
    params=links,
    later=st.lists(st.fixed_dictionaries({"text": texts, "left": models, "right": models}), min_size=1, max_size=3),
)
@examples(12)
def test_what_a_session_holds_may_be_older_than_its_text_and_models(
    page: str, params: dict[str, str], later: list[dict[str, str]]
) -> None:
    test = opened(page, params)
    for chosen in later:
        test.session_state["settings"] = chosen
        try:
            test.run()
        except ValueError as error:  # AppTest's own, where a list names its choices otherwise than before
            assert "is not in list" in str(error)
            return
        assert not test.exception, [one.value for one in test.exception]


@given(params=links)
@examples(30)
def test_the_app_answers_any_link(params: dict[str, str]) -> None:
    opened("app", params)


@given(text=texts, name=st.sampled_from(["general-lstm", "general-gru", "country-lstm", "brackets-lstm"]))
@examples(30)
def test_the_shipped_models_read_any_text(text: str, name: str) -> None:
    opened("dashboard.views.gates", {"text": text, "left": name, "right": name})


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    page=st.sampled_from(PAGES),
    said=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("text", "left", "right", "layer", "direction", "unit"), json_values)
    ),
)
@example("dashboard.views.gates", {"text": "half of \ud83d"})
@example("dashboard.views.gates", {"text": float("inf"), "unit": float("nan"), "layer": float("inf")})
@examples(40)
def test_whatever_a_browser_says_is_answered(page: str, said: dict[str, Any]) -> None:
    """A websocket may say what the page never would, and half of a surrogate pair is text in JavaScript."""
    opened(page, {}, {"settings": said})


# ---- uploads


@given(broken=broken, file=names)
@examples(140)
def test_any_file_is_read_or_refused(broken: Broken, file: str) -> None:
    place, data = session.Place(), broken.data
    with in_time():
        place.take(Given(file, data))
    if place.question is not None:
        place.take(Given(file, data, said={"cell": {name: cells[0] for name, cells in place.question.choices.items()}}))
    assert bool(place.upload) != bool(place.problem)
    if place.upload is not None:
        with in_time():
            reading = place.upload.read("Mary saw", cache.LIMIT)
        assert len(reading.trace) or reading.others


@given(page=st.sampled_from(PAGES), broken=broken, file=names, params=links)
@examples(60)
def test_every_page_shows_any_file(page: str, broken: Broken, file: str, params: dict[str, str]) -> None:
    place = session.Place()
    place.take(Given(file, broken.data))
    opened(page, params | {"left": YOURS}, {library.OWN: place})


@pytest.mark.parametrize("name", MARKUP)
def test_the_names_in_a_file_are_text(name: str) -> None:
    """File, block, tensors, vocabulary: none of them is markup on any page."""
    state = {name.replace(".", "_") + key: value.numpy() for key, value in tagger().state_dict().items()}
    places = []
    for data in (onnx_lstm(name=name), safetensors(state)):
        place = session.Place()
        place.take(Given(name, data))
        assert place.upload is not None, place.problem
        places.append(place)
    entries = [name, *(f"{word}{name}" for word in WORDS[1:])]
    place.choose(vocabulary=vocabulary.read(json.dumps(entries).encode(), len(entries)), source=SENTENCE)
    assert not place.problem
    for place in places:
        for page in ("dashboard.views.gates", "dashboard.views.memory"):
            opened(page, {"left": YOURS, "text": f"Mary {name} she", "word": name}, {library.OWN: place})


TABLES = [npy(np.ones((5, 3))), b"1,2,3\n4,5,6\n", b"a;b;c\n1;2;3"]
VOCABULARIES = [
    json.dumps(WORDS).encode(),
    "\n".join(WORDS).encode(),
    json.dumps({w: k for k, w in enumerate(WORDS)}).encode(),
]


def changed(files: list[bytes]) -> st.SearchStrategy[bytes]:
    """Bytes of any kind, and one of the files with a few changes."""
    known = st.builds(
        lambda data, seed, times: changed_bytes(data, random.Random(seed), times),
        st.sampled_from(files),
        seeds,
        st.integers(0, 4),
    )
    return known | st.binary(max_size=200)


@given(data=changed(TABLES))
@examples(20)
def test_any_file_of_numbers_is_read_or_refused(data: bytes) -> None:
    with in_time(), suppress(ValueError):
        values, found = inputs.read(data, 3, 100)
        assert values.shape[1] == 3 and np.isfinite(values).all() and found >= len(values) > 0


@given(data=changed(VOCABULARIES) | json_values.map(lambda value: json.dumps(value).encode()), text=texts)
@examples(20)
def test_any_vocabulary_is_read_or_refused(data: bytes, text: str) -> None:
    with in_time(), suppress(ValueError):
        tokens = vocabulary.read(data, 12).encode(text)
        assert all(0 <= token.id <= 12 for token in tokens)
