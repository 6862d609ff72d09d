"""Every form of file that people keep a vocabulary in is read; what is wrong with one is told."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers
from tokenizers import Tokenizer as HuggingFaceTokenizer
from tokenizers.implementations.bert_wordpiece import BertWordPieceTokenizer

from lstm_core.files import vocabulary
from lstm_core.files.vocabulary.words import Words
from lstm_core.text import Tokenizer

FILES = Path(__file__).parent / "files" / "vocabulary"


def made(entries: list[str]) -> Tokenizer:
    return vocabulary.read(json.dumps(entries).encode(), len(entries))


def ids(data: bytes, text: str, rows: int = 5) -> list[int]:
    return [token.id for token in vocabulary.read(data, rows).encode(text)]


# ---- the forms of a file


FORMS = {
    "txt": "<unk>\nat\nbe\n.",
    "txt of Windows": "\ufeff<unk>\r\nat\r\nbe\r\n.\r\n",
    "txt of an old Mac": "<unk>\rat\rbe\r.",
    "blanks and empty lines at the end": "<unk>\nat \n\tbe\n.\n\n\n\n",
    "counts": "<unk> 0\nat 900\nbe 900\n. 7",
    "counts, the marks without": "<unk>\nat\t900\nbe\t900\n.\t7",
    "counts first": "   901 <unk>\n   900 at\n    90 be\n     7 .",
    "rows": "<unk>\t0\nat\t1\nbe\t2\n.\t3",
    "rows in another order": "be\t2\nat\t1\n.\t3\n<unk>\t0",
    "rows first": "0 <unk>\n1 at\n2 be\n3 .",
    "rows first and counts": "0\t<unk>\t17\n1\tat\t900\n2\tbe\t9\n3\t.\t1",
    "a heading": "word\tcount\n<unk>\t99\nat\t20\nbe\t20\n.\t7",
    "vectors": "<unk> 0.1 -2e-3 1\nat .5 0 0\nbe 1 1 1\n. 1 2 3",
    "vectors with their number": "4 3\n<unk> 0.1 -2e-3 1 \nat .5 0 0 \nbe 1 1 1 \n. 1 2 3 ",
    "scores": "<unk>\t0\nat\t-1.5\nbe\t-2\n.\t-2.25",
    "fairseq overwrites": "<unk> 9 #fairseq:overwrite\nat 8\nbe 7\n. 1",
    "CSV": "<unk>,0\nat,1\nbe,2\n.,3",
    "CSV of pandas": ",word\n0,<unk>\n1,at\n2,be\n3,.\n",
    "CSV with quotes": '"word","id"\r\n"<unk>","0"\r\n"at","1"\r\n"be","2"\r\n".","3"\r\n',
    "YAML": "at: 1\n\"<unk>\": 0\n'.': 3\nbe: 2\n",
    "JSON list": '["<unk>", "at", "be", "."]',
    "JSON pairs": '[["<unk>", 100], ["at", 50], ["be", 50], [".", 2]]',
    "JSON by entry": '{"at": 1, "<unk>": 0, ".": 3, "be": 2}',
    "JSON by row": '{"1": "at", "0": "<unk>", "3": ".", "2": "be"}',
    "itos": '{"freqs": {"at": 3, "be": 2}, "itos": ["<unk>", "at", "be", "."], "unk_index": 0, "vectors": null}',
    "stoi": '{"stoi": {"<unk>": 0, "at": 1, "be": 2, ".": 3}, "specials": ["<unk>"]}',
    "vocab": '{"vocab": {"<unk>": 0, "at": 1, "be": 2, ".": 3}}',
    "vocab list": '{"vocab_size": 4, "vocab": ["<unk>", "at", "be", "."]}',
    "token_to_idx": '{"token_to_idx": {"<unk>": 0, "at": 1, "be": 2, ".": 3}, "idx_to_token": ["<unk>", "at"]}',
    "word2id": '{"hidden": 8, "word2id": {"<unk>": 0, "at": 1, "be": 2, ".": 3}, "labels": ["pos", "neg"]}',
    "id2word": '{"config": {"id2word": {"0": "<unk>", "1": "at", "2": "be", "3": "."}}}',
    "inside": '{"TEXT": {"vocab": {"itos": ["<unk>", "at", "be", "."]}}}',
    "JSON in JSON": '{"word-index": "{\\"<unk>\\": 0, \\"at\\": 1, \\"be\\": 2, \\".\\": 3}"}',
    "of no known name": '{"x": ["<unk>", "at", "be", "."], "y": 3}',
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_vocabulary(form: str) -> None:
    tokenizer = vocabulary.read(FORMS[form].encode(), 4)
    assert [(t.id, t.known) for t in tokenizer.encode("be zz at.")] == [(2, True), (0, False), (1, True), (3, True)]
    assert tokenizer.pieces == ("<unk>", "at", "be", ".") and tokenizer.by == "word"
    counts = {"counts", "counts, the marks without", "counts first", "a heading", "vectors", "fairseq overwrites"}
    assert bool(tokenizer.assumed) == (form in counts | {"vectors with their number", "scores", "JSON pairs"})


@pytest.mark.parametrize(
    "data, rows, text, expected",
    [
        ("the 2\nmarket 1\nof 5", 3, "of the", [2, 0]),  # counts do not rise
        ("the\t1\nof\t2", 3, "of the", [2, 1]),  # rows from 1, for there are three
        ("the\t1\nof\t2", 2, "of the", [1, 0]),
        ("the\t0\nof\t5\na\t9", 10, "a of the", [9, 5, 0]),
        ("new york 7\nthe 90", 2, "the new york", [1, 0]),
        ("17 0\n42 1", 2, "42 17", [1, 0]),
        ("0\n1\n2", 3, "21", [2, 1]),  # digits, and nothing beside them
        ("3.14 0.5 0.5\nthe 0.1 0.2", 2, "the 3.14", [1, 0]),
        ("the 12\nof", 2, "of the", [1]),  # a line without a number: they are entries
        ("[UNK]\n[PAD]\nthe", 3, "the zz", [2, 0]),
        ("{\n(\n[", 3, "[({", [2, 1, 0]),
        ("a\u2028b\nx\x0cy\n\x85\nthe", 4, "the", [3]),
        ("\n\n \na\nb", 4, "a b\n", [2, 1, 3, 0]),  # what "\n".join writes of a line feed, a blank and letters
        ("the 1000\nmarket 12", 6, "market zz the", [5, 3, 4]),  # fairseq's
    ],
)  # fmt: skip
def test_what_the_numbers_of_a_line_are(data: str, rows: int, text: str, expected: list[int]) -> None:
    assert [id for id in ids(data.encode(), text, rows) if id < rows] == expected


TRUTH = json.loads((FILES / "truth.json").read_text(encoding="utf-8"))


def test_a_table_is_one_only_where_its_numbers_are_rows() -> None:
    """Signs, quotes and numbers may be entries, or parts of some."""
    table = vocabulary.read(b'word,id\n",",0\n"say ""no""",1\n\'s,2', 3)
    assert table.pieces[:3] == (",", 'say "no"', "'s")
    assert vocabulary.read(b'": \\"": 0\n":": 1', 2).pieces[:2] == (': "', ":")
    for entries in (["a,1", "b,7"], [",", "."], ["3: 4", "b"], ["1,0", "2;1"], ["a,0", "b: 1"]):
        assert vocabulary.read("\n".join(entries).encode(), 2).pieces[:2] == tuple(entries)


@pytest.mark.parametrize("name", TRUTH["rows"])
def test_what_keras_saves_is_read_as_keras_reads(name: str) -> None:
    """Its Tokenizer.to_json() and TextVectorization.get_vocabulary(), and the rows that Keras itself gave."""
    tokenizer = vocabulary.read((FILES / f"{name}.json").read_bytes(), 80)
    for text, rows in zip(TRUTH["texts"], TRUTH["rows"][name], strict=True):
        assert [token.id for token in tokenizer.encode(text) if token.id < 80] == rows
    assert tokenizer.by == ("character" if "character" in name else "word")


def test_a_keras_layers_config_leaves_out_what_the_layer_adds() -> None:
    for kind, more, expected in (
        ("TextVectorization", {}, [2, 3, 1]),
        ("StringLookup", {"mask_token": None, "oov_token": "[OOV]", "num_oov_indices": 1}, [1, 2, 0]),
        ("StringLookup", {"mask_token": "-", "oov_token": "[OOV]", "num_oov_indices": 1}, [2, 3, 1]),
    ):
        config = {"module": "keras.layers", "class_name": kind, "config": {"vocabulary": ["the", "of"], **more}}
        assert ids(json.dumps(config).encode(), "the of zz") == expected


def test_signs_are_taken_out_where_text_vectorization_did_so() -> None:
    default = vocabulary.read(b"\n[UNK]\nthe\ndont", 4)
    assert [(t.text, t.id) for t in default.encode("Don't, (the)!")] == [("Don't", 3), ("the", 2)] and default.assumed
    kept = vocabulary.read(b"\n[UNK]\nthe\ndon't", 4)
    assert [t.id for t in kept.encode("Don't, (the)!")] == [3, 1, 1, 2, 1] and not kept.assumed


def test_encodings() -> None:
    words, chinese = "the\ncafé\nnaïve\nGöteborg", "市场\n的\n我们，\n喜欢"
    for text, encodings in (
        (words, ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252")),
        (chinese, ("gb18030", "gbk", "utf-16-le", "utf-16-be")),
    ):
        for encoding in encodings:
            tokenizer = vocabulary.read(text.encode(encoding), 4)
            assert list(tokenizer.pieces[:4]) == text.split("\n")
            assert bool(tokenizer.assumed) == (encoding not in ("utf-8", "utf-8-sig", "utf-16"))
    cut = f"{'x' * 900}\n{'y' * 900}\n{'z' * 245}😀"  # at the end of what is looked at
    for text in ("рынок\nв\nпотому", "αγορά\nεπειδή\nκαι", "हिन्दी\nका\nहै", "©\n°C\n😀", cut):
        for encoding in ("utf-16-le", "utf-16-be"):
            assert list(vocabulary.read(text.encode(encoding), 3).pieces[:3]) == text.split("\n")
    assert ids(b"\xfe\xff" + "the\nmarket".encode("utf-16-be"), "market") == [1]


@pytest.mark.parametrize(
    "text, encoding",
    [
        ("рынок\nмагазин\nпотому", "cp1251"),
        ("рынок\nмагазин\nпотому", "koi8-r"),
        ("市場\nは\n良い天気です", "shift-jis"),
        ("市場\nは\n良い天気です", "euc-jp"),
        ("시장\n때문에\n그녀는", "euc-kr"),
        ("市場\n因為\n她們", "big5"),
        ("the\0cat\0dog\0to", "ascii"),  # in UTF-16 Chinese characters among letters
        ("où\0naïf\0", "utf-8"),
        ("the\ncat\x01\n", "utf-16-be"),
        ("łódź\nżółw\nrynek", "cp1250"),
        ("αγορά\nεπειδή", "iso8859-7"),
    ],
)
def test_an_encoding_that_is_not_certain_is_not_guessed(text: str, encoding: str) -> None:
    with pytest.raises(ValueError, match="not text in UTF-8.*save it as UTF-8"):
        vocabulary.read(text.encode(encoding), 5)


# ---- pieces of words


def test_berts_vocabulary_is_read_as_bert_reads_it() -> None:
    pieces = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "play",
        "##ing",
        "##er",
        "the",
        "un",
        "##want",
        "##ed",
        "cafe",
    ]
    pieces += ["我", "爱", "!", "'", "s", "##s"]
    reference = BertWordPieceTokenizer(
        vocab={piece: row for row, piece in enumerate(pieces)}, lowercase=True, handle_chinese_chars=True
    )
    for data in ("\n".join(pieces), json.dumps(pieces), json.dumps({piece: k for k, piece in enumerate(pieces)})):
        tokenizer = vocabulary.read(data.encode(), len(pieces) + 2)
        for text in ("The unwanted players' playing!", "café 我爱 zzz", "[MASK] plays", "Player's"):
            expected = reference.encode(text, add_special_tokens=False)
            tokens = tokenizer.encode(text)
            assert [token.id for token in tokens] == expected.ids
            assert [(token.start, token.end) for token in tokens] == expected.offsets
        assert tokenizer.by is None and tokenizer.display(len(pieces) + 1) == f"#{len(pieces) + 1}"
    assert made([*(f"w{k}" for k in range(40)), "##tag"]).by == "word", "one entry alone is not a piece"


@pytest.mark.parametrize(
    "entries", [["▁the", "▁a", "s"], ["Ġthe", "Ġa", "s"], ["th@@", "e", "s"], ["the</w>", "a", "s"]]
)
def test_pieces_of_which_nobody_says_how_words_are_cut(entries: list[str]) -> None:
    tokenizer = made(entries)
    assert "pieces of words" in tokenizer.assumed[0]
    assert [token.id for token in tokenizer.encode(f"{entries[0]} {entries[1]}")] == [0, 1], "if the text is so written"


def library(**parts: object) -> dict:
    tokenizer = HuggingFaceTokenizer(models.WordLevel({"<unk>": 0, "at": 1, "be": 2, ".": 3}, unk_token="<unk>"))
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    return json.loads(tokenizer.to_str())


def test_a_tokenizer_of_the_library() -> None:
    content = library(pre_tokenizer=pre_tokenizers.Whitespace(), normalizer=normalizers.Lowercase())
    content["padding"] = {"strategy": {"Fixed": 10**9}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0,
                          "pad_type_id": 0, "pad_token": "[PAD]"}  # fmt: skip
    content["truncation"] = {"direction": "Right", "max_length": 1, "strategy": "LongestFirst", "stride": 0}
    tokenizer = vocabulary.read(json.dumps(content).encode(), 6)
    assert [(t.id, t.known) for t in tokenizer.encode("Be zz at.")] == [(2, True), (0, False), (1, True), (3, True)]
    assert tokenizer.pieces == ("<unk>", "at", "be", ".", "#4", "#5") and tokenizer.id("#5") == 5
    assert tokenizer.by is None


GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
USUAL = [
    {"pre_tokenizer": pre_tokenizers.ByteLevel(), "decoder": decoders.ByteLevel()},
    {"pre_tokenizer": pre_tokenizers.BertPreTokenizer(), "normalizer": normalizers.BertNormalizer()},
    {"pre_tokenizer": pre_tokenizers.Metaspace(), "decoder": decoders.Metaspace()},
    {"pre_tokenizer": pre_tokenizers.Split(Regex(GPT2), "isolated")},
    {"pre_tokenizer": pre_tokenizers.Split(" ", "removed"), "normalizer": normalizers.Replace("``", '"')},
    {
        "pre_tokenizer": pre_tokenizers.Sequence(
            [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation(), pre_tokenizers.Digits(True)]
        ),
        "normalizer": normalizers.Sequence(
            [normalizers.NFKC(), normalizers.StripAccents(), normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
        ),
        "decoder": decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]),
    },
]


@pytest.mark.parametrize("parts", USUAL)
def test_the_usual_parts_of_a_tokenizer_are_read(parts: dict[str, object]) -> None:
    content = library(**parts)
    expected = HuggingFaceTokenizer.from_str(json.dumps(content)).encode("At be. 12 é", add_special_tokens=False)
    tokens = vocabulary.read(json.dumps(content).encode(), 4).encode("At be. 12 é")
    assert [(token.id, token.start, token.end) for token in tokens] == [
        (id, *span) for id, span in zip(expected.ids, expected.offsets, strict=True)
    ]


GROWS = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 10}
HOSTILE = {
    "a text ten times as long, nine times": (
        {"normalizer": {"type": "Sequence", "normalizers": [GROWS] * 9}},
        "Replace",
    ),
    "the same in the decoder": ({"decoder": {"type": "Sequence", "decoders": [GROWS] * 9}}, "decoder Replace"),
    "a pattern that never ends": (
        {"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(a+)+b"}, "behavior": "Isolated", "invert": False}},
        r"Split, '\(a\+\)\+b'",
    ),
    "the same, of a kind that is not said": (
        {"pre_tokenizer": {"pattern": {"Regex": "(a+)+b"}, "behavior": "Isolated", "invert": False}},
        "pre_tokenizer None",
    ),
    "a pattern in a normalizer": (
        {"normalizer": {"type": "Replace", "pattern": {"Regex": "(a+)+b"}, "content": ""}},
        "normalizer Replace",
    ),
    "an empty pattern": ({"normalizer": {"type": "Replace", "pattern": {"String": ""}, "content": "b"}}, "Replace"),
    "a table of bytes": ({"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}}, "Precompiled"),
    "a long prefix": ({"normalizer": {"type": "Prepend", "prepend": "a" * 10**6}}, "Prepend"),
    "twice the bytes, nine times": (
        {"normalizer": {"type": "Sequence", "normalizers": [{"type": "ByteLevel"}] * 9}},
        "ByteLevel twice",
    ),
    "many parts": ({"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}] * 90}}, "91 parts|92 parts"),
    "no part": ({"normalizer": "NFC"}, "normalizer None"),
    "a model of another kind": ({"model": {"type": "Nonsense"}}, "model Nonsense"),
    "a long piece": (
        {"model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["a" * 5000, -1.0]]}},
        "longer than 128",
    ),
    "more entries than rows": (
        {"model": {"type": "WordLevel", "vocab": {"a": 0, "b": 9}, "unk_token": "a"}},
        "10 entries",
    ),
    "a vocabulary that is none": ({"model": {"type": "WordLevel", "vocab": 3, "unk_token": "a"}}, "not a tokenizer"),
    "pieces that are none": ({"model": {"type": "Unigram", "unk_id": 0, "vocab": [3, None]}}, "not a tokenizer"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_tokenizer_that_could_take_any_time_is_refused_by_name(case: str) -> None:
    parts, message = HOSTILE[case]
    start = time.process_time()
    with pytest.raises(ValueError, match=message):
        vocabulary.read(json.dumps(library() | parts).encode(), 5)
    assert time.process_time() - start < 10


def test_a_tokenizer_without_its_own_unknown_entry_leaves_words_out() -> None:
    for kind in ("WordLevel", "WordPiece"):
        content = library(pre_tokenizer=pre_tokenizers.Whitespace())
        content["model"] = {"type": kind, "vocab": {"at": 0, "be": 1, "##a": 2, "a": 3}, "unk_token": "[UNK]"}
        content["model"] |= {"continuing_subword_prefix": "##", "max_input_chars_per_word": 10**9}
        tokenizer = vocabulary.read(json.dumps(content).encode(), 4)
        assert [(t.id, t.known) for t in tokenizer.encode("be zz")] == [(1, True), (4, False)]
    start = time.process_time()
    tokenizer.encode("a" * 5000)
    assert time.process_time() - start < 10, "a word of any length is not taken apart"


def test_dropout_is_of_training() -> None:
    vocab = {"a": 0, "b": 1, "ab": 2}
    content = library()
    content["model"] = {"type": "BPE", "dropout": 0.9, "vocab": vocab, "merges": [["a", "b"]]}
    tokenizer = vocabulary.read(json.dumps(content).encode(), 3)
    assert all([token.id for token in tokenizer.encode("ab")] == [2] for _ in range(20))


# ---- what is wrong is told


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"\xff\xfe", "the file is empty"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (b"a\x00b", "not text in UTF-8"),
        (b"a\nb\na", "lines 1 and 3 of the vocabulary are the same: 'a'"),
        (b"2 2\na 1 0\nb 2 0\na 3 1", "lines 2 and 4 of the vocabulary are the same: 'a'"),
        (b"the 10\nof 9\n\nthe 3", "lines 1 and 4 of the vocabulary are the same: 'the'"),
        (b"the\t0\nof\t1\nthe\t2", "lines 1 and 3"),
        (b'["a", "b", "a"]', "entries 1 and 3 of the vocabulary are the same: 'a'"),
        (b'{"a": 0, "b": 1, "a": 2}', "entry 'a' twice"),
        (b"a\nb\nc\nd\ne\nf", "has 6 entries; the embedding has 5 rows"),
        (b"\n" * 99 + b"a", "has 100 entries; the embedding has 5 rows"),
        (b"a 1\nb 1\nc 1\nd 1\ne 1\nf 1", "has 6 entries; the embedding has 5 rows"),
        (b"a\t0\nb\t1\nc\t2\nd\t3\ne\t4\nf\t5", "has 6 entries; the embedding has 5 rows"),
        (b'{"a": 0, "b": 7}', "row 7; the embedding has 5"),
        (b'{"7": "a"}', "row 7; the embedding has 5"),
        (b'{"a": 0, "b": -1}', "row -1"),
        (b'{"a": 0, "b": 0}', "the same row, 0: 'a' and 'b'"),
        (b'{"a": 0, "b": "x"}', "not a whole number"),
        (b'{"a": NaN}', "not a whole number"),
        (b'{"a": true}', "not a whole number"),
        (b"{}", "not a whole number"),
        (b'{"x": ["a"], "y": ["b"]}', "several lists: x, y"),
        (b'{"%s": ["a"], "y": ["b"]}' % (b"x" * 5000), r"several lists: x{77}\.\.\., y; save the vocabulary alone$"),
        (b'{"%s": ["a"]}' % (b"x" * 5000), r"vocab, itos, word_index\), and x{77}\.\.\. would name"),
        (b"[1, 2.5]", "a list of numbers, not of words"),
        (b'[{"text": "a"}]', "a list of objects, not of words"),
        (b'{"architectures": ["LM"]}', "the configuration of a model, without any words; give the vocabulary itself"),
        (b'{"model_type": "x", "id2label": {"0": "a"}, "label2id": {"a": 0}}', "the configuration of a model"),
        (b'{"hidden_size": 3, "num_layers": 2, "pad_token_id": 1}', "the configuration of a model"),
        (b'{"added_tokens_decoder": {"0": {"content": "a"}}}', "the configuration of a tokenizer, without any words"),
        (b'{"bos_token_id": 0, "eos_token_id": 1}', "a configuration for generating text"),
        (b'{"bos_token": "<s>", "additional_special_tokens": ["<a>", "<b>", "<c>"]}', "special tokens"),
        (b'{"<a>": 3, "<b>": 4}', "the list of a tokenizer's special tokens"),
        (b'{"name": "a", "scripts": {"b": "c"}, "files": ["a", "b", "c"]}', "the description of a program"),
        (b'{"metadata": {"total_size": 4}, "weight_map": {"a": "b"}}', "the index of a checkpoint"),
        (b'{"a": {"b": {"c": 1}}}', "called a vocabulary .* b would name 1 of the embedding's 5 rows"),
        (b'["a", "\\ud800"]', "entry 2 of the vocabulary is not text"),
        (b'["a", ["b"]]', "entry 2 of the vocabulary is not text"),
        (b"[]", "has no entries"),
        (b'[""]', "has no entries"),
        (b"{", "not valid JSON"),
        (b"{'the': 0}", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"a":' * 100_000, "not valid JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not valid JSON"),
        (b'["' + b"a" * 5000 + b'"]', "entry 1 of the vocabulary has 5,000 characters"),
        (b"[" + b"[]," * 400_000 + b"[]]", "more than the 1,053,696 that are read for 5 rows"),
        (b"\x80\x04\x95\x00", "a pickle, which is not read because it could run code"),
        (b"PK\x03\x04abc", "a zip archive"),
        (b"\x1f\x8b\x08", "compressed"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3", "Git LFS pointer"),
        (b"<!DOCTYPE html>\n<html>", "a web page"),
    ],
)
def test_a_wrong_vocabulary_is_a_message(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        vocabulary.read(data, 5)


@pytest.mark.parametrize(
    ("data", "entries"),
    [
        (b'{"model_type": "x", "vocab": ["a", "b"]}', ["a", "b"]),  # what is called so is one, wherever it stands
        (b'{"hidden_size": 0, "num_layers": 1}', ["hidden_size", "num_layers"]),  # of a program's names
        (b'{"<pad>": 0, "<unk>": 1}', ["<pad>", "<unk>"]),
        (b'{"size": 3, "data": ["a", "b", "c"]}', ["a", "b", "c"]),
        (b'{"the": 0, "scripts": 1, "architectures": 2}', ["the", "scripts", "architectures"]),  # words like others
        (b'{"word2id": {"dependencies": 0, "the": 1}}', ["dependencies", "the"]),
        (b'{"model_type": "lstm", "letters": ["a", "b", "c", "d", "e"]}', [*"abcde"]),  # as many as there are rows
    ],
)
def test_what_could_be_taken_for_something_beside_a_model_is_a_vocabulary(data: bytes, entries: list[str]) -> None:
    read = vocabulary.read(data, 5)
    assert isinstance(read, Words) and list(read.entries) == entries


SEEDS = [form.encode() for form in FORMS.values()] + [path.read_bytes() for path in sorted(FILES.glob("*_*.json"))]
SEEDS += [json.dumps(library(**parts)).encode() for parts in USUAL]


@settings(max_examples=300)
@given(data=st.data())
def test_any_change_to_a_file_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(content)))
        part = data.draw(
            st.binary(max_size=3) | st.sampled_from([b"\n", b"\t7", b'"', b"{", b"[", b"null", b"0,", b" "])
        )
        content[at : at + data.draw(st.integers(0, 9))] = part
    try:
        tokenizer = vocabulary.read(bytes(content), 40)
    except ValueError as error:
        assert error.args[0]
    else:
        tokens = tokenizer.encode("The be at. \ud800 我\u0301 <unk> don't")
        assert all(0 <= token.id < tokenizer.size <= 41 and tokenizer.display(token.id) for token in tokens)
