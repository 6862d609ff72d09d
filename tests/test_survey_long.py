"""A document of any length is read in windows, run in stretches, and gives what one reading and one run give."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Regex, models, normalizers, pre_tokenizers, trainers
from tokenizers import Tokenizer as HuggingFace

import lstm_core
from lstm_core.survey import answers, long_text, pieces
from lstm_core.survey.documents import Document
from lstm_core.survey.labels import FOLLOWED
from lstm_core.survey.models import model_of
from lstm_core.text import Tokenizer

SENTENCE = 'He said "I am (very) late" and left in 1837;  she “was” not — naïve, 東京 too. '
TEXT = "".join(f"{SENTENCE}{'It rained. ' * (k % 7)}\n" * (k % 3 == 0) + SENTENCE[k % 40 :] for k in range(120))


def words() -> models.Model:
    return models.WordLevel({"<unk>": 0}, unk_token="<unk>")


def made(pre: object, normalizer: object = None, model: models.Model | None = None) -> Tokenizer:
    tokenizer = HuggingFace(model or models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    if model is None:
        tokenizer.train_from_iterator([TEXT], trainers.BpeTrainer(vocab_size=200, special_tokens=["<unk>"]))
    return Tokenizer(tokenizer.to_str())


TOKENIZERS = {
    "words": lambda: lstm_core.load_model("country-lstm").tokenizer,
    "general": lambda: lstm_core.load_model("general-lstm").tokenizer,
    "bytes": lambda: made(pre_tokenizers.ByteLevel(add_prefix_space=False)),
    "bytes after a space": lambda: made(pre_tokenizers.ByteLevel(add_prefix_space=True)),
    "sentence pieces": lambda: made(pre_tokenizers.Metaspace()),
    "bert": lambda: made(pre_tokenizers.BertPreTokenizer(), normalizers.BertNormalizer()),
    "characters": lambda: made(pre_tokenizers.Split("", "isolated")),
    "whole text": lambda: made(pre_tokenizers.Split("\x00", "isolated")),
    "quotations": lambda: made(pre_tokenizers.Split(Regex('"[^"]*"|[^"]+'), "isolated"), model=words()),
}


@pytest.mark.parametrize("name", TOKENIZERS)
def test_windows_have_the_tokens_of_the_whole_text(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_text, "SIZE", 500)
    encode = TOKENIZERS[name]().encode
    for text in (TEXT, TEXT.replace(" ", ""), TEXT[:900], "", "word"):
        whole, found = encode(text), list(long_text.windows(encode, text))
        if text is TEXT:
            assert len(found) > 5 or name in ("whole text", "quotations")
        tokens = [token for window in found for token in window]
        assert [(one.id, one.start, one.end, one.text) for one in tokens] == [
            (one.id, one.start, one.end, one.text) for one in whole
        ]
        same = {(token.start, token.end): token.word for token in whole}
        for window in found:
            for before, after in zip(window, window[1:], strict=False):
                assert (before.word == after.word) == (same[before.start, before.end] == same[after.start, after.end])


@pytest.mark.parametrize("name", ("general", "bytes", "bert", "characters"))
def test_a_text_without_spaces_is_read_in_windows_as_well(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_text, "SIZE", 500)
    encode = TOKENIZERS[name]().encode
    text = "".join(f"她在{k}年说：“我们{'也' * (k % 40)}来晚了。”但是没有人，" for k in range(200))
    found = list(long_text.windows(encode, text))
    assert len(found) > 5 and max(len(window) for window in found) < len(encode(text)) / 4
    assert [(one.id, one.start, one.end) for window in found for one in window] == [
        (one.id, one.start, one.end) for one in encode(text)
    ]


def test_no_window_ends_within_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_text, "SIZE", 500)
    encode, text = TOKENIZERS["sentence pieces"]().encode, "他来了，" * 500  # without a space it is one word
    assert len({token.word for token in encode(text)}) == 1
    assert len(list(long_text.windows(encode, text))) == 1


def test_what_is_read_in_windows_is_what_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model, follow = model_of("general-lstm"), tuple(FOLLOWED)
    text = TEXT + "(" + TEXT + ")]" + TEXT
    whole = pieces.read(model, 3, Document(text), follow)
    monkeypatch.setattr(long_text, "SIZE", 300)
    windowed = pieces.read(model, 3, Document(text), follow)
    for name in ("x", "spans", "labels"):
        np.testing.assert_array_equal(getattr(windowed, name), getattr(whole, name))
    assert windowed.spans is not None
    ends, open_, quoted, inside = windowed.spans[:, 1].tolist(), 0, False, [(False, False)]
    for char in text:  # and these are what counting says
        open_ = open_ + 1 if char in "([{" else max(open_ - 1, 0) if char in ")]}" else open_
        quoted ^= char == '"'
        inside.append((open_ > 0, quoted))
    assert [inside[end][0] for end in ends] == (windowed.labels[follow.index("inside_brackets")] > 0).tolist()
    curly = [text[:end].count("“") > text[:end].count("”") for end in ends]
    quotes = [inside[end][1] or curly[k] for k, end in enumerate(ends)]
    assert quotes == (windowed.labels[follow.index("inside_quotes")] > 0).tolist()


def test_a_long_document_is_surveyed_as_a_short_one_and_its_places_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = lstm_core.load_model("country-lstm")
    text = "I grew up in France. The weather was good. I speak fluent. " * 40
    once = lstm_core.survey(model, [text], tmp_path / "once", top=3)
    monkeypatch.setattr(long_text, "SIZE", 400)
    monkeypatch.setattr(pieces, "STEPS", 50)
    monkeypatch.setattr(pieces, "TOGETHER", 20)  # three stretches make a piece
    monkeypatch.setattr(answers, "STEPS", 50)
    cut = lstm_core.survey(model, [text], tmp_path / "cut", top=3)
    assert cut.steps == once.steps == len(model.run(text, device="cpu"))
    np.testing.assert_allclose(cut.units()["mean"], once.units()["mean"], atol=1e-6)
    place = cut.contexts("c", unit=2).highest[0]
    trace = cut.open(0, place.step)
    assert len(trace) <= 50 and len(trace.tokens) == len(trace)
    whole = model.run(text, device="cpu")
    start = place.step - place.step % 50
    assert [token.start for token in trace.tokens] == [token.start for token in whole.tokens[start : start + 50]]
    np.testing.assert_allclose(trace["c"][0, 0, :, 0], whole["c"][0, 0, start : start + len(trace), 0], atol=1e-6)
    for start, stop in ((0, 2), (48, 52), (99, 100), (200, 203), (len(whole) - 2, len(whole))):
        found, by_one = (survey.similar(0, start, stop, sides=0) for survey in (cut, once))
        assert found.units == by_one.units and found.start.tolist() == by_one.start.tolist()
    with pytest.raises(ValueError, match=f"the text has {len(whole)}"):
        cut.similar(0, 3, len(whole) + 1)


def test_reading_a_long_text_takes_memory_for_a_window_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_text, "SIZE", 1 << 14)
    model, text = model_of("country-lstm"), "The bus was late and it rained. " * 4_000
    tracemalloc.start()
    try:
        found = pieces.read(model, 0, Document(text), ("inside_quotes", "digit", "position"))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.spans is not None
    own = found.x.nbytes + found.spans.nbytes + found.labels.nbytes
    assert len(found.x) > 30_000 and most < 4 * own + 3e6  # all tokens at once take far more


def test_a_survey_leaves_pandas_alone() -> None:
    """pyarrow imports it where it is installed, 40 MB, once it is given an array."""
    code = (
        "import sys, tempfile, lstm_core\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        "    survey = lstm_core.survey('country-lstm', ['I speak fluent', 'Then'] * 9, folder)\n"
        "    survey.units(), survey.contexts('c', unit=1), survey.follows('digit'), survey.similar(0, 0, 1, sides=0)\n"
        "    print('pandas' in sys.modules, 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
