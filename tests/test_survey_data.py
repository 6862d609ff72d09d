"""What a survey reads: every form of data and of model gives what a plain loop gives; what is wrong is said plainly."""

from __future__ import annotations

import errno
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from survey_places import PLACES, count_on
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

import lstm_core
from lstm_core.network import Network
from lstm_core.survey import part, pieces
from lstm_core.survey.documents import documents

TEXTS = ["I grew up in France. I speak fluent", "The bus was late.", "I speak", "I was born in Japan. It rained."]


@pytest.fixture(scope="module")
def model() -> Network:
    return lstm_core.load_model("country-lstm")


@pytest.fixture(params=PLACES)
def cut(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    count_on(request.param, monkeypatch)
    monkeypatch.setattr(pieces, "STEPS", 30)
    monkeypatch.setattr(part, "STEPS", 30)


def ids(model: Network) -> list[np.ndarray]:
    return [np.array([token.id for token in model.tokenizer.encode(text)]) for text in TEXTS]


def steps(model: Network) -> np.ndarray:
    """(step, unit): c at all steps."""
    return np.concatenate([model.run(text, device="cpu").sel("c", layer=0, direction=0, batch=0) for text in TEXTS])


def mean(survey: Any, signal: str = "c") -> np.ndarray:
    units = survey.units()
    return units["mean"][units["signal"] == signal]


class Items(torch.utils.data.Dataset):
    """A data set of ids of several lengths, each with a label, that does not end by itself."""

    def __init__(self, items: list[np.ndarray]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, k: int) -> tuple[torch.Tensor, int]:
        return torch.tensor(self.items[k % len(self.items)]), 1


def collate(items: list[tuple[torch.Tensor, int]]) -> tuple[torch.Tensor, torch.Tensor]:
    rows = [item for item, _ in items]
    return pad_sequence(rows, batch_first=True), torch.tensor([len(row) for row in rows])


def files(folder: Path) -> Iterator[Path]:
    (folder / "a.txt").write_text("\n\n".join(TEXTS) + "\n", encoding="utf-8")
    (folder / "b.csv").write_text("n,text\n" + "".join(f'{k},"{text}"\n' for k, text in enumerate(TEXTS)))
    pq.write_table(pa.table({"text": TEXTS, "n": list(range(4))}), folder / "c.parquet")
    yield from (folder / "a.txt", folder / "b.csv", folder / "c.parquet")


def test_every_form_of_the_same_data_gives_the_same_survey(model: Network, tmp_path: Path, cut: None) -> None:
    own = ids(model)
    longest = max(map(len, own))
    padded = np.full((4, longest), 7, np.int64)
    for row, one in zip(padded, own, strict=True):
        row[: len(one)] = one
    forms = {
        "texts": (TEXTS, {}),
        "generator": (iter(TEXTS), {}),
        "ids": (own, {}),
        "lists": ([one.tolist() for one in own], {}),
        "data set": (Items(own), {}),
        "padded": (padded, {"padding": 7}),
        "loader": (DataLoader(Items(own), 3, collate_fn=collate), {"lengths": lambda batch: batch[1]}),
        "masked": ([{"input_ids": one} for one in own], {}),
        "packed": (
            DataLoader(
                Items(own), 2, collate_fn=lambda items: nn.utils.rnn.pack_sequence([x for x, _ in items], False)
            ),
            {},
        ),
    }
    forms |= {path.suffix: (path, {}) for path in files(tmp_path)}
    assert not any((one == 7).any() for one in own)
    expected = steps(model)
    for name, (data, how) in forms.items():
        survey = lstm_core.survey(model, data, tmp_path / name, follow=(), top=2, **how)
        assert (survey.documents, survey.steps) == (4, len(expected)), name
        np.testing.assert_allclose(mean(survey), expected.mean(0), atol=1e-6, err_msg=name)
        assert survey.contexts("c", unit=1).highest[0].words.text.strip(), name
        assert len(survey.similar(1, 0, 2, sides=0)), name


def test_vectors_are_surveyed_and_not_kept(model: Network, tmp_path: Path, cut: None) -> None:
    vectors = [model.embedding[one] for one in ids(model)]
    survey = lstm_core.survey(model, vectors, tmp_path / "s", top=2)
    np.testing.assert_allclose(mean(survey), steps(model).mean(0), atol=1e-6)
    kept = [name for path in (tmp_path / "s").rglob("*.parquet") for name in pq.read_schema(path).names]
    assert "steps" in kept and "vectors" not in kept
    assert len(survey.contexts("c", unit=0).highest[0].open())
    given = survey.follows(np.arange(survey.steps) % 2, signal="c")
    with pytest.raises(ValueError, match=r"does not keep vectors: open it with the data"):
        lstm_core.open_survey(tmp_path / "s", model=model).contexts("c", unit=0).highest[0].open()
    again = lstm_core.open_survey(tmp_path / "s", model=model, data=vectors)
    np.testing.assert_array_equal(
        again.follows(np.arange(survey.steps) % 2, signal="c").units["auc"], given.units["auc"]
    )


class Tagger(nn.Module):
    """An embedding, a bidirectional GRU of two layers, and an LSTM on top."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(288, 6)
        self.gru = nn.GRU(6, 5, num_layers=2, bidirectional=True, batch_first=True)
        self.lstm = nn.LSTM(10, 4, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lstm(self.gru(self.words(x))[0])[0]


def test_a_torch_model_is_surveyed_module_by_module(model: Network, tmp_path: Path, cut: None) -> None:
    torch.manual_seed(0)
    tagger = Tagger().eval()
    own = ids(model)
    survey = lstm_core.survey(tagger, own, tmp_path / "s", top=3, batch_first=True)
    units = survey.units()
    for module, signal in (("gru", "z"), ("gru", "n"), ("lstm", "f"), ("lstm", "c")):
        runs = [lstm_core.trace_all(tagger, torch.tensor(one[None]))[module] for one in own]
        v = np.concatenate([np.moveaxis(run[signal][:, :, :, 0], 2, 0) for run in runs]).astype(np.float64)
        at = (units["module"] == module) & (units["signal"] == signal)
        for name, values in (("mean", v.mean(0)), ("max", v.max(0)), ("variance", v.var(0))):
            np.testing.assert_allclose(units[name][at].reshape(v.shape[1:]), values, atol=1e-6)
        layer, direction, unit = v.shape[1] - 1, v.shape[2] - 1, 2
        found = survey.contexts(signal, unit=unit, layer=layer, direction=direction, module=module)
        assert abs(found.highest[0].value - v[:, layer, direction, unit].max()) < 1e-6
    assert survey.contexts("c", unit=2).highest and survey.contexts("z", unit=2, layer=1).highest
    assert set(lstm_core.open_survey(tmp_path / "s", model=tagger).units()["module"]) == {"gru", "lstm"}
    with pytest.raises(ValueError, match="open the survey with it"):
        lstm_core.open_survey(tmp_path / "s").open(0)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_a_module_of_torch_reads_a_long_document_in_stretches(kind: Any, tmp_path: Path, cut: None) -> None:
    torch.manual_seed(0)
    module = kind(3, 4)
    data = [np.random.default_rng(k).standard_normal((n, 3)).astype(np.float32) for k, n in enumerate((100, 5, 31))]
    survey = lstm_core.survey(module, data, tmp_path, top=2)
    runs = [lstm_core.trace(module, torch.tensor(one)).sel("h", layer=0, direction=0, batch=0) for one in data]
    np.testing.assert_allclose(mean(survey, "h"), np.concatenate(runs).mean(0), atol=1e-6)
    lags = survey.sql("select pairs from lags where id = 0 order by lag").to_pydict()["pairs"]
    assert lags == [sum(max(n - lag, 0) for n in (100, 5, 31)) for lag in (1, 2, 4, 8, 16, 32, 64)]


def test_signals_that_are_asked_for_alone_are_kept(model: Network, tmp_path: Path) -> None:
    survey = lstm_core.survey(model, TEXTS, tmp_path / "a", signals=("f",), follow=("digit",), top=2)
    assert set(survey.units()["signal"]) == {"f"} and len(survey.similar(TEXTS[0], 1, 3, sides=0))
    none = lstm_core.survey(model, TEXTS, tmp_path / "b", signals=("f", "h"), patterns=None)
    assert set(none.units()["signal"]) == {"f", "h"} and not (tmp_path / "b" / "patterns").exists()
    with pytest.raises(ValueError, match="keeps no patterns"):
        none.similar(TEXTS[0], 1, 3)
    with pytest.raises(ValueError, match="no signal 'x'; it has i, f, g, o, c, h"):
        lstm_core.survey(model, TEXTS, tmp_path / "c", signals=("x",))
    with pytest.raises(ValueError, match="no signal 'x'"):
        lstm_core.survey(model, TEXTS, tmp_path / "c", patterns="x")
    assert lstm_core.survey(model, TEXTS, tmp_path / "c").complete  # where nothing was done yet, other options are fine


NAN = np.zeros((5, 16), np.float32)
NAN[3, 2] = np.nan
WRONG: dict[str, tuple[Any, str]] = {
    "one text": ("I speak", r"a single text is given in a list, \[text\]"),
    "nothing": ([], "the data holds no step"),
    "empty": (["", ""], "the data holds no step"),
    "a vector with NaN": ([NAN[:3], NAN], "document 1 holds nan at step 3, number 2 of its vector"),
    "infinite": ([np.full((2, 16), np.inf)], "document 0 holds inf at step 0"),
    "of several kinds": (["I speak", np.array([1, 2])], "document 1 holds ids, and those before hold text"),
    "of another width": ([np.zeros((4, 3), np.float32)], "document 0: .*reads .*16"),
    "unknown ids": ([np.array([1, 2]), np.array([999, 3])], "document 1: the ids go from 3 to 999"),
    "a number": ([3.5], "document 0 is neither a text, nor ids"),
    "objects": ([object()], "document 0 is neither a text, nor ids"),
    "ragged": ([[[1.0], [2.0, 3.0]]], "document 0 is neither a text, nor ids"),
    "deep": ([np.zeros((2, 3, 4))], r"document 0 is neither .* float64 \(2, 3, 4\)"),
    "a dict": ([{"label": 3}], "a dict without text, ids, input_ids; it has label"),
}


@pytest.mark.parametrize("name", WRONG)
def test_data_that_cannot_be_surveyed_is_refused_in_words(name: str, model: Network, tmp_path: Path) -> None:
    data, message = WRONG[name]
    with pytest.raises(ValueError, match=message):
        lstm_core.survey(model, data, tmp_path / "s")


def test_an_id_that_a_modules_embedding_lacks_is_told_with_its_document(tmp_path: Path) -> None:
    """PyTorch raises an IndexError there."""
    module = nn.Sequential(nn.Embedding(9, 4), nn.GRU(4, 3, batch_first=True)).eval()
    with pytest.raises(ValueError, match="document 1: index out of range"):
        lstm_core.survey(module, [[1, 2], [3, 500]], tmp_path / "s")


def test_files_that_cannot_be_read_are_refused_in_words(model: Network, tmp_path: Path) -> None:
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00a")
    (tmp_path / "two.csv").write_text("a,b\n1,2\n")
    (tmp_path / "quote.csv").write_text('text\n"I speak\n')
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 not really PAR1")
    (tmp_path / "empty.csv").write_text("")
    for name, how, message in (
        ("bytes.txt", {}, "is not UTF-8 text"),
        ("two.csv", {}, "has the columns a, b: say which holds the texts"),
        ("two.csv", {"column": "c"}, "has no column 'c'; it has a, b"),
        ("quote.csv", {}, "cannot be read as a table"),
        ("bad.parquet", {}, "cannot be read as a Parquet file"),
        ("empty.csv", {}, "has the columns none"),
    ):
        with pytest.raises(ValueError, match=message):
            lstm_core.survey(model, tmp_path / name, tmp_path / f"s-{name}", **how)
    with pytest.raises(FileNotFoundError):
        lstm_core.survey(model, tmp_path / "missing.txt", tmp_path / "s")
    for data in (3, {"a": "b"}):
        with pytest.raises(TypeError, match="the data is a list of texts"):
            lstm_core.survey(model, data, tmp_path / "s")


def test_a_table_of_values_between_semicolons_or_tabs_is_read(tmp_path: Path) -> None:
    for separator in ",;\t":
        rows = (("id", "text"), ("1", f"a{separator} b"), ("2", 'say "c"\nd'))
        lines = (separator.join('"' + value.replace('"', '""') + '"' for value in row) for row in rows)
        (tmp_path / "a.csv").write_text("\r\n".join(lines), "utf-8-sig", newline="")
        assert [one.content for one in documents(tmp_path / "a.csv")] == [f"a{separator} b", 'say "c"\nd']
        (tmp_path / "a.csv").write_text(f"n{separator}text\n1{separator}a{separator}\n2{separator}b{separator} c\n")
        told = re.escape(f"has 3 values, and there are 2 columns: a text that holds {separator!r}")
        with pytest.raises(ValueError, match=f"line 3 of .*a.csv {told}"):
            list(documents(tmp_path / "a.csv"))


@pytest.mark.parametrize(
    ("table", "found"),
    [
        ("Mary sings well\nJohn sleeps\nWe all live here\n", ["Mary sings well", "John sleeps", "We all live here"]),
        ("Hello!\nHow are you today\n", ["Hello!", "How are you today"]),
        ("Mary\nJohn\nAnna\n", ["Mary", "John", "Anna"]),
        ("Mary\n", ["Mary"]),
        ("我在法国长大\n我会说法语\n", ["我在法国长大", "我会说法语"]),
        ("文本\n我在法国长大\n", ["我在法国长大"]),
        ("review\nI love it\nGood\n", ["I love it", "Good"]),
        ("text\nMary\nJohn\n", ["Mary", "John"]),
        ("1,I love it\n0,boring and long\n", ["I love it", "boring and long"]),
        ("Good,1.5\nI love it,2\n", ["Good", "I love it"]),
        ("p;I love it so very much\nn;no\n", ["I love it so very much", "no"]),
        ("1,text\n2,I love it\n", ["I love it"]),
    ],
)
def test_a_first_line_is_a_text_where_it_names_no_column(table: str, found: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(table, "utf-8")
    assert [one.content for one in documents(tmp_path / "a.csv")] == found


@pytest.mark.parametrize(
    ("table", "how", "message"),
    [
        ("1,I love it,so it was\n2,no it is not,bad\n", {}, "the first line of .* names no columns, and several hold"),
        ("1,2\n3,4\n", {}, "names no columns"),
        ("I love it,positive\nbad it is,negative\n", {}, "has the columns I love it, positive: say which"),
        ("1,I love it\n", {"column": "review"}, "has no column 'review'; it has 1, I love it"),
    ],
)
def test_a_table_of_which_no_line_says_where_its_texts_are_is_refused(
    table: str, how: dict[str, str], message: str, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text(table, "utf-8")
    with pytest.raises(ValueError, match=message):
        list(documents(tmp_path / "a.csv", **how))


def test_what_was_done_before_a_bad_document_is_kept(model: Network, tmp_path: Path, cut: None) -> None:
    data = [np.zeros((40, 16), np.float32), np.ones((40, 16), np.float32), NAN]
    with pytest.raises(ValueError, match="document 2 holds nan"):
        lstm_core.survey(model, data, tmp_path / "s")
    assert lstm_core.open_survey(tmp_path / "s").steps == 80
    data[2] = NAN[:3]
    assert lstm_core.survey(model, data, tmp_path / "s").steps == 83


def test_a_full_disk_is_said_and_nothing_is_lost(
    model: Network, tmp_path: Path, cut: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, calls = pq.ParquetWriter.write_table, 0

    def full(self: pq.ParquetWriter, table: pa.Table, **how: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 17:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, table, **how)

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(OSError, match="no space is left for .*: what was surveyed so far is kept"):
        lstm_core.survey(model, TEXTS * 5, tmp_path / "s")
    assert not [path for path in (tmp_path / "s").rglob(".*") if path.name != ".lock"]
    assert 0 < lstm_core.open_survey(tmp_path / "s").documents < 20
    assert lstm_core.survey(model, TEXTS * 5, tmp_path / "s").documents == 20


def test_a_disk_that_the_system_says_is_full_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    """The system itself refuses to write: no file of the process may be larger than so many bytes."""
    pytest.importorskip("resource")
    code = f"""
import resource
import lstm_core
from lstm_core.survey import part, pieces
from lstm_core.survey.documents import documents
part.STEPS = pieces.STEPS = 30
seen = []
def tell(progress):
    seen.append(progress)
    if len(seen) == 2:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
try:
    lstm_core.survey("country-lstm", {TEXTS * 5!r}, {str(tmp_path / "s")!r}, progress=tell)
except OSError as error:
    print(len(seen), error)
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"2 .*no space is left for .*: what was surveyed so far is kept; .*\n", answer.stdout)
    assert not [path for path in (tmp_path / "s").rglob(".*") if path.name != ".lock"]
    model = lstm_core.load_model("country-lstm")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "STEPS", 30)
        patch.setattr(part, "STEPS", 30)
        half = lstm_core.open_survey(tmp_path / "s")
        assert not half.complete and 0 < half.documents < 20 and half.units()["count"][0] == half.steps
        assert lstm_core.survey(model, TEXTS * 5, tmp_path / "s").documents == 20


QUESTIONS = {
    "units": lambda s: s.units()["mean"].tolist(),
    "contexts": lambda s: [str(c.words) for c in s.contexts("c", unit=3).highest],
    "histogram": lambda s: s.histogram("f", unit=2)["count"].tolist(),
    "follows": lambda s: s.follows("position").units["correlation"].tolist(),
    "similar": lambda s: s.similar(0, 2, 4, sides=0).document.tolist(),
    "open": lambda s: s.open(1)["c"].tolist(),
    "sql": lambda s: s.sql("select sum(mean) from units").to_pydict(),
    "documents": lambda s: s.sql("select count(*) from documents").to_pydict(),
}


def answers(folder: Path, model: Network) -> dict[str, Any]:
    """What is answered, or the sentence of a refusal; anything else is raised."""
    found: dict[str, Any] = {}
    for name, question in QUESTIONS.items():
        try:
            found[name] = question(lstm_core.open_survey(folder, model))
        except ValueError as error:
            found[name] = error
    return found


def test_a_file_that_is_missing_or_damaged_is_said_and_never_half_answered(
    model: Network, tmp_path: Path, cut: None
) -> None:
    whole = tmp_path / "whole"
    lstm_core.survey(model, TEXTS * 3, whole, top=3, sample=5)
    right = answers(whole, model)
    assert not [one for one in right.values() if isinstance(one, ValueError)] and right["similar"]
    files = [*whole.glob("*.*"), *whole.glob("*/00001.parquet")]
    files = [path for path in sorted(files) if path.name != ".lock"]
    assert {path.parent.name for path in files} >= {"documents", "patterns"}
    rng = np.random.default_rng(0)
    for path in files:
        good, refused = path.read_bytes(), set()
        damages: dict[str, bytes | None] = {"missing": None, "empty": b"", "cut": good[: len(good) // 2], "other": b"x"}
        for k in range(3) if path.suffix == ".parquet" else ():
            place = int(rng.integers(len(good)))
            damages[f"byte {place}"] = good[:place] + bytes([good[place] ^ 1 << k]) + good[place + 1 :]
        for what, data in damages.items():
            path.unlink() if data is None else path.write_bytes(data)
            for name, answer in answers(whole, model).items():
                if isinstance(answer, ValueError):
                    refused.add(what)
                    assert path.name in str(answer) or name in ("sql", "documents"), (path, what, name, answer)
                elif path.suffix == ".parquet" and name not in ("sql", "documents"):
                    assert answer == right[name], (path, what, name)
        assert refused >= {"missing", "empty", "cut", "other"} or path.name == "lags.parquet", path
        path.write_bytes(good)
    with pytest.raises(ValueError, match="documents/00001.parquet is missing from the survey"):
        (whole / "documents" / "00001.parquet").unlink()
        lstm_core.survey(model, TEXTS * 3, whole, top=3, sample=5)


def test_a_survey_keeps_the_size_of_its_parts_whatever_is_usual_by_then(
    model: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manifest says it; one of before, which does not, has parts of 2 to the 18."""

    def stopped(progress: Any) -> None:
        if progress.documents:
            raise KeyboardInterrupt

    path, manifest = tmp_path / "s", tmp_path / "s" / "manifest.json"
    monkeypatch.setattr(part, "STEPS", 5)
    with pytest.raises(KeyboardInterrupt):
        lstm_core.survey(model, TEXTS, path, progress=stopped)
    monkeypatch.setattr(part, "STEPS", 1 << 16)
    found = lstm_core.survey(model, TEXTS, path)
    assert found.complete and len(json.loads(manifest.read_text())["parts"]) > 1
    assert lstm_core.survey(model, TEXTS, path).steps == found.steps
    for damage in (0, "30", True, 2.5, None):
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"part": damage}))
        with pytest.raises(ValueError, match="does not say part"):
            lstm_core.survey(model, TEXTS, path)
    monkeypatch.setattr(part, "STEPS", 1 << 18)
    before = tmp_path / "before"
    lstm_core.survey(model, TEXTS, before)
    said = json.loads((before / "manifest.json").read_text())
    del said["part"]
    (before / "manifest.json").write_text(json.dumps(said))
    monkeypatch.setattr(part, "STEPS", 5)
    assert lstm_core.survey(model, TEXTS, before).complete


def test_two_runs_into_one_folder_are_refused(model: Network, tmp_path: Path) -> None:
    def second(progress: Any) -> None:
        with pytest.raises(ValueError, match="another run is writing to"):
            lstm_core.survey(model, TEXTS, tmp_path / "s")

    assert lstm_core.survey(model, TEXTS, tmp_path / "s", progress=second).complete


def test_a_folder_that_holds_something_else_is_left_alone(model: Network, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(ValueError, match=r"is not a survey's folder, it holds thesis.tex"):
        lstm_core.survey(model, TEXTS, tmp_path)
    with pytest.raises(ValueError, match=r"holds no survey: there is no manifest.json"):
        lstm_core.open_survey(tmp_path)
    for text in ("{", "[]", '{"format": 99}'):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(ValueError, match="manifest"):
            lstm_core.open_survey(tmp_path)


def test_labels_that_do_not_fit_are_refused_in_words(model: Network, tmp_path: Path) -> None:
    survey = lstm_core.survey(model, TEXTS, tmp_path / "s", follow=("digit",))
    own = [np.zeros(len(one)) for one in ids(model)]
    (tmp_path / "short.txt").write_text("1\n0\n")
    (tmp_path / "words.csv").write_text("label\n1\n")
    np.save(tmp_path / "object.npy", np.array([{}], object))
    for labels, message in (
        (own[:3], "labels for 3 documents, and the data has 4"),
        ([*own[:2], own[2][:-1], own[3]], r"document 2 has 2 steps, and 1 labels"),
        (np.zeros(7), rf"there are 7 labels, and the data has {survey.steps} steps"),
        (tmp_path / "short.txt", "there are 2 labels"),
        (tmp_path / "words.csv", "cannot be read as labels"),
        (tmp_path / "object.npy", "cannot be read as labels"),
        (tmp_path / "labels.zip", "labels in a file are"),
        (["a", "b"], "labels are numbers"),
        ("position", "did not follow 'position'; it followed digit"),
        (np.full(survey.steps, np.nan), "no step has a label"),
    ):
        with pytest.raises(ValueError, match=message):
            survey.follows(labels)
    (tmp_path / "good.txt").write_text("\n".join("1" if k % 3 else "0" for k in range(survey.steps)))
    assert survey.follows(tmp_path / "good.txt", signal="f").units["unit"].size == 24


def test_questions_that_have_no_answer_are_refused_in_words(model: Network, tmp_path: Path) -> None:
    survey = lstm_core.survey(model, TEXTS, tmp_path / "s")
    for question, message in (
        (lambda: survey.contexts("z", unit=0), "no unit 0 of 'z'.*it has i, f, g, o, c, h"),
        (lambda: survey.contexts("f", unit=24), "no unit 24 of 'f'"),
        (lambda: survey.follows("digit", signal="z"), "no signal 'z'"),
        (lambda: survey.similar("I speak", 1, 9), "there are no steps 1 to 9: the text has 2"),
        (lambda: survey.open(9), "no document 9"),
        (lambda: survey.open(2, 5), "no step 5"),
        (lambda: survey.sql("select nothing from nowhere"), "cannot be answered"),
        (lambda: survey.sql(f"select * from read_csv('{tmp_path / 'x.csv'}')"), "cannot be answered"),
        (lambda: survey.sql("set memory_limit = '1GB'"), "cannot be answered"),
    ):
        with pytest.raises(ValueError, match=message):
            question()
    (tmp_path / "x.csv").write_text("a\n1\n")
    with pytest.raises(ValueError, match="[Pp]ermission|disabled"):
        survey.sql(f"select * from read_csv('{tmp_path / 'x.csv'}')")
    with pytest.raises(TypeError, match="a int cannot be surveyed|an? int"):
        lstm_core.survey(3, TEXTS, tmp_path / "t")


def test_padding_is_what_stands_at_the_end_alone(model: Network, tmp_path: Path) -> None:
    survey = lstm_core.survey(model, np.array([[7, 5, 7, 6, 7, 7], [3, 4, 5, 6, 8, 9]]), tmp_path / "s", padding=7)
    assert survey.steps == 4 + 6
