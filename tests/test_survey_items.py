"""What is one sequence of a survey's data, and where its padding is: items and batches of every form are read alike."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence
from torch.utils.data import DataLoader, Dataset, TensorDataset

import lstm_core
from lstm_core.survey.documents import documents
from lstm_core.survey.part import DOCUMENTS

LONG = [3, 5, 0, 2]
STEPS = 5
X = np.random.default_rng(0).normal(size=(4, STEPS, 3)).astype(np.float32)
IDS = np.arange(1, 21).reshape(4, STEPS)
MASK = (np.arange(STEPS) < np.array(LONG)[:, None]).astype(int)
LEFT = MASK[:, ::-1].copy()


def read(data: Any, **how: Any) -> list[list[Any]]:
    return [np.asarray(one.content).tolist() for one in documents(data, **how)]


def own(rows: np.ndarray) -> list[list[Any]]:
    return [row[:length].tolist() for row, length in zip(rows, LONG, strict=True)]


class ByNumber(Dataset):
    """A map-style data set, which does not end by itself."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, k: int) -> Any:
        return self.items[k]


def items(ids: np.ndarray = IDS, mask: np.ndarray = MASK, **more: Any) -> list[dict[str, Any]]:
    """As a tokenizer of transformers gives them."""
    rest = {"token_type_ids": torch.zeros(STEPS), "labels": torch.tensor(1)}
    pairs = zip(ids, mask, strict=True)
    return [{"input_ids": torch.tensor(i), "attention_mask": torch.tensor(m), **rest, **more} for i, m in pairs]


PAIRS = [(torch.tensor(x), length) for x, length in zip(X, LONG, strict=True)]
LOADER = DataLoader(TensorDataset(torch.tensor(X), torch.tensor(LONG)), 3)
PADDED: dict[str, tuple[Any, Any]] = {
    "array": (X, LONG),
    "array, a function": (X, lambda batch: LONG if batch is X else None),
    "ids": (IDS, np.array(LONG)),
    "tensor": (torch.tensor(X), torch.tensor(LONG)),
    "list": (list(X), tuple(LONG)),
    "list, a function": (list(X), lambda row: LONG[X.tolist().index(row.tolist())]),
    "lists of ids": (IDS.tolist(), LONG),
    "generator": ((row for row in X), LONG),
    "data set": (ByNumber(PAIRS), lambda item: item[1]),
    "data set, numbers": (ByNumber(PAIRS), LONG),
    "TensorDataset": (LOADER.dataset, lambda item: item[1]),
    "DataLoader": (LOADER, lambda batch: batch[1]),
    "packed": (pack_sequence([torch.tensor(x) for x in X], False), LONG),
    "dicts": ([{"vectors": x, "n": torch.tensor([n])} for x, n in zip(X, LONG, strict=True)], lambda item: item["n"]),
}


@pytest.mark.parametrize("name", PADDED)
def test_lengths_cut_every_kind_of_data(name: str) -> None:
    data, lengths = PADDED[name]
    assert read(data, lengths=lengths) == own(IDS if "ids" in name else X)


def test_one_sequence_has_one_length() -> None:
    assert read(IDS[0], lengths=[2]) == read(IDS[0], lengths=lambda ids: 2) == [[1, 2]]
    assert read(X[0], lengths=2) == [X[0, :2].tolist()]


@pytest.mark.parametrize("mask", [MASK, LEFT, MASK.astype(bool), MASK.astype(np.float32)], ids=str)
@pytest.mark.parametrize("form", ["list", "generator", "data set", "DataLoader", "not put together", "with labels"])
def test_the_mask_of_an_item_and_of_a_batch_say_the_same(form: str, mask: np.ndarray) -> None:
    given = items(mask=mask)
    data: Any = {
        "list": given,
        "generator": iter(given),
        "data set": ByNumber(given),
        "DataLoader": DataLoader(given, 3),  # type: ignore[arg-type]
        "not put together": DataLoader(given, 3, collate_fn=list),  # type: ignore[arg-type]
        "with labels": [(item, 1) for item in given],
    }[form]
    assert read(data) == [ids[m.astype(bool)].tolist() for ids, m in zip(IDS, mask, strict=True)]


def test_what_is_said_outright_goes_before_a_mask() -> None:
    assert read(items(), lengths=lambda item: 4) == read(items(), lengths=[4] * 4) == IDS[:, :4].tolist()
    assert read(DataLoader(items(), 2), lengths=lambda batch: [4] * 2) == IDS[:, :4].tolist()  # type: ignore[arg-type]
    assert read(items(IDS * (IDS != 3)), padding=0)[0] == [1, 2], "and the id at the end of what the mask leaves, too"


def test_packed_sequences_are_as_long_as_they_are() -> None:
    packed = pack_sequence([torch.tensor(x[:n]) for x, n in zip(X, LONG, strict=True) if n], False)
    expected = [one for one in own(X) if one]
    assert read(packed) == read([packed]) == read([(packed, "label")]) == expected
    for batch in (packed, (packed, torch.zeros(3)), [packed, torch.zeros(3)]):
        assert read(DataLoader([0], collate_fn=lambda _, batch=batch: batch)) == expected  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors is in prototype stage")
@pytest.mark.parametrize("layout", [torch.strided, torch.jagged], ids=str)
def test_nested_tensors_are_as_long_as_they_are(layout: torch.layout, tmp_path: Path) -> None:
    def nested(rows: Any) -> torch.Tensor:
        return torch.nested.nested_tensor([torch.tensor(row) for row in rows], layout=layout, requires_grad=rows is x)

    x = [one for one in own(X) if one]
    for rows in (x, [one for one in own(IDS) if one]):
        data = nested(rows)
        batches = [data, (data, torch.zeros(3)), {"vectors": data, "attention_mask": MASK}]
        loader = DataLoader(batches, batch_size=None)  # type: ignore[arg-type]
        assert read(data) == read([data]) == rows and read(batches) == read(loader) == rows * 3
        for lengths in ([1, 2, 0], lambda batch: [1, 2, 0]):
            assert read(data, lengths=lengths) == [rows[0][:1], rows[1][:2], []]
    survey = lstm_core.survey(nn.GRU(3, 4), nested(x), tmp_path / "a")
    assert (survey.documents, survey.steps) == (3, sum(LONG))
    labels = [torch.rand(len(one)).tolist() for one in x]
    assert str(survey.follows(nested(labels))) == str(survey.follows(labels))


@pytest.mark.parametrize("form", [torch.Tensor.to_sparse, lambda tensor: tensor.to("meta")], ids=["sparse", "meta"])
def test_a_tensor_without_plain_numbers_is_refused_in_words(form: Any) -> None:
    tensor = form(torch.rand(2, 3))
    for data in ([tensor], tensor, [{"ids": [1, 2], "attention_mask": tensor[0]}]):
        with pytest.raises(ValueError, match="a Tensor .* cannot be read: give a dense tensor"):
            read(data)
    with pytest.raises(ValueError, match="cannot be read"):
        read(X[:2], lengths=tensor)


def test_a_length_beside_a_sequence_is_believed_where_it_changes_nothing() -> None:
    assert read([{"ids": IDS[0], "length": 5}]) == read([{"ids": IDS[0], "lengths": np.int64(5)}]) == [IDS[0].tolist()]
    assert read([{"ids": IDS[0], "length": 3}], lengths=lambda item: item["length"]) == [[1, 2, 3]]
    assert read([{"ids": IDS[0], "length": 3}], padding=5) == [[1, 2, 3, 4]]
    assert read(items(length=STEPS)) == read(items(length=99)) == own(IDS), "a mask says it"
    assert read([{"ids": IDS[0], "length": "long"}, {"ids": IDS[0], "length": 3.5}]) == [IDS[0].tolist()] * 2


def test_what_cannot_be_told_from_a_label_or_a_word_is_not_taken_for_padding() -> None:
    assert read([(X[0], 3)]) == [X[0].tolist()]
    assert read(LOADER) == X.tolist()
    assert read(np.array([[0, 4, 0]])) == [[0, 4, 0]] and read(np.array([[0, 4, 0]]), padding=0) == [[0, 4]]


def test_texts_have_no_padding(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    texts = ["one", "two"]
    dicts = [{"text": text, "attention_mask": [1], "length": 1} for text in texts]
    loader: Any = DataLoader(texts, 2)  # type: ignore[arg-type]
    for data in (texts, np.array(texts), tmp_path / "a.txt", dicts, loader):
        assert read(data) == texts
        for how in ({"padding": 0}, {"lengths": (lambda batch: [1, 1]) if data is loader else [1, 1]}):
            with pytest.raises(ValueError, match="document 0 is a text, which has no padding"):
                read(data, **how)


HOLE = MASK.copy()
HOLE[1, 2] = 0
WRONG: dict[str, tuple[Any, Any, str]] = {
    "too few": (X, [3, 5], "count of lengths is 2, and the data has more sequences"),
    "too many": (list(X), [*LONG, 1], "count of lengths is 5, that of sequences 4"),
    "too few by a function": (X, lambda x: [3], "count of lengths is 1, that of sequences 4"),
    "too few of a batch": (LOADER, lambda batch: batch[1][:2], "count of lengths is 2, that of sequences 3"),
    "one for all": (X, 5, "lengths is a list of numbers, one for each sequence, not 5 alone"),
    "one for all of no end": (iter(X), torch.tensor(5), "one for each sequence, not 5 alone"),
    "one for all by a function": (LOADER, lambda batch: 5, "one for each sequence, not 5 alone"),
    "one for no sequence": ([], 5, "count of lengths is 1, that of sequences 0"),
    "of all where one is asked": (list(X), lambda x: LONG, "about one item of the data .* one number, not 4"),
    "too long": (X, [3, 6, 0, 2], "lengths gives 6 for document 1, whose length is 5"),
    "below 0": (X, [3, 5, -1, 2], "lengths gives -1 for document 2, whose length is 5"),
    "nothing has a step": ([[]], [1], "lengths gives 1 for document 0, whose length is 0"),
    "floats": (X, [3.0, 5.0, 0.0, 2.0], "lengths are whole numbers of steps, not float64"),
    "None": (X, lambda x: None, "lengths are whole numbers of steps, not NoneType"),
    "a text": (X, "lengths", "lengths are whole numbers of steps, not <U7"),
    "a mask": (X, MASK, r"a number of steps for each sequence, and this is int64 \(4, 5\): a mask is summed"),
    "a mask of an item": (list(X), lambda x: np.ones(5, bool), r"this is bool \(5,\): a mask is summed over its steps"),
    "numbers of batches": (LOADER, LONG, "a DataLoader gives batches: lengths is a function of a batch"),
    "a mask with a hole": (items(mask=HOLE), None, "mask of document 1 leaves out step 2, between others that count"),
    "in a batch": (DataLoader(items(mask=HOLE), 4), None, "mask of document 1 leaves out step 2"),  # type: ignore[arg-type]
    "a mask that is added": ([{"ids": [1], "attention_mask": [-1e4]}], None, r"document 0 holds -10000\.0; it is 1"),
    "a short mask": ([{"ids": [1, 2], "attention_mask": [1]}], None, r"document 0 is \(1,\), and the document \(2,\)"),
    "a mask of two rows": (
        DataLoader([0], collate_fn=lambda _: {"ids": IDS, "attention_mask": MASK[:2]}),  # type: ignore[arg-type]
        None,
        "rows of the attention mask are 2, those of the batch 4",
    ),
    "a ragged mask": ([{"ids": [1, 2], "attention_mask": [1, [1]]}], None, "document 0 is list, and the document"),
    "a mask that is a number": (
        DataLoader([0], collate_fn=lambda _: {"ids": IDS, "attention_mask": torch.tensor(1)}),  # type: ignore[arg-type]
        None,
        r"mask of document 0 is \(\), and the document \(5,\)",
    ),
    "a batch that is a number": (DataLoader([0], collate_fn=lambda _: 5), None, "document 0 is neither"),  # type: ignore[arg-type]
    "None among numbers": (X, [None, 2], "lengths are whole numbers of steps, not NoneType"),
    "a length alone": ([{"ids": [1, 2, 0], "length": 2}], None, "is 3 long, and the length beside it is 2: if the"),
    "lengths of a batch": (
        DataLoader([0], collate_fn=lambda _: {"vectors": X, "lengths": torch.tensor(LONG)}),  # type: ignore[arg-type]
        None,
        "document 0 is 5 long, and the length beside it is 3",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_refused_in_words(name: str) -> None:
    data, lengths, message = WRONG[name]
    with pytest.raises(ValueError, match=message):
        read(data, lengths=lengths)


@pytest.mark.parametrize("length", [torch.tensor([2]), [2], [[2]], 2.0, "2", np.array(2), torch.tensor(2)], ids=repr)
def test_a_length_beside_a_sequence_is_heeded_whatever_holds_it(length: Any) -> None:
    with pytest.raises(ValueError, match="document 0 is 5 long, and the length beside it is 2"):
        read([{"ids": IDS[0], "length": length}])


def test_a_batch_of_one_with_its_mask_is_an_item() -> None:
    given = [{name: one[None] if one.ndim else one for name, one in item.items()} for item in items()]
    assert read(given) == own(IDS) == read(given, lengths=LONG)
    assert read([{"vectors": X[0], "attention_mask": MASK[:1]}]) == own(X)[:1]
    with pytest.raises(ValueError, match=r"mask of document 0 is \(4,\), and the document \(5,\)"):
        read([{"ids": IDS[0], "attention_mask": MASK[:1, :4]}])
    assert read([{"ids": IDS[0], "length": [1, [2]]}]) == [IDS[0].tolist()]


def test_documents_without_a_step_are_not_called_texts(tmp_path: Path) -> None:
    module, nothing = nn.GRU(3, 4, batch_first=True), np.zeros((0, 3), np.float32)
    for name, lengths in (("a", [0] * 4), ("b", lambda x: [0] * 4)):
        with pytest.raises(ValueError, match="the data holds no step, so there is nothing to survey"):
            lstm_core.survey(module, X, tmp_path / name, lengths=lengths)
    survey = lstm_core.survey(module, [nothing] * DOCUMENTS + list(X), tmp_path / "c")
    assert (survey.documents, survey.steps) == (DOCUMENTS + 4, X[..., 0].size)
    assert survey.contexts("h", unit=0).highest[0].document >= DOCUMENTS


def test_an_id_does_not_end_vectors() -> None:
    with pytest.raises(ValueError, match=re.escape("document 0 holds vectors, and padding is an id: lengths says")):
        read(X, padding=0)


def test_padded_vectors_are_surveyed_as_those_that_are_cut_and_opened_again(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = nn.LSTM(3, 4, num_layers=2, batch_first=True)
    padded = X.copy()
    padded[MASK == 0] = np.nan
    survey = lstm_core.survey(module, padded, tmp_path / "padded", lengths=LONG, top=2)
    cut = lstm_core.survey(module, [x[:n] for x, n in zip(X, LONG, strict=True)], tmp_path / "cut", top=2)
    assert (survey.documents, survey.steps) == (4, sum(LONG))
    np.testing.assert_array_equal(survey.units()["mean"], cut.units()["mean"])
    again = lstm_core.open_survey(tmp_path / "padded", module, padded, lengths=LONG)
    assert len(again.open(0)) == 3
    with pytest.raises(ValueError, match="holds nan"):
        lstm_core.open_survey(tmp_path / "padded", module, padded).open(0)
    for ask in (survey.histogram, survey.contexts):
        assert str(ask("c", unit=1)) == str(ask("c", unit=1, layer=1)) != str(ask("c", unit=1, layer=0))
        assert str(ask("c", unit=1, layer=-2)) == str(ask("c", unit=1, layer=0))
        with pytest.raises(ValueError, match="no unit 1 of 'c', layer -3"):
            ask("c", unit=1, layer=-3)
    with pytest.raises(TypeError, match="text must be a text or a document's number, not ndarray"):
        survey.similar(X[0], 1, 2)  # type: ignore[arg-type]
