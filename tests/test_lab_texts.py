"""The folder of texts is made from files in the originals' formats; these are small ones, written by hand."""

import io
import json
import lzma
import zipfile
from pathlib import Path

import pytest

from lab import traditional
from lab.texts import clean, folder, formats
from lab.texts.__main__ import build
from lstm_core import load_model


def zipped(**files: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "."), text)
    return held.getvalue()


BOOK = (
    "The Project Gutenberg eBook of A Book\r\n\r\nLicence here.\r\n"
    "*** START OF THE PROJECT GUTENBERG EBOOK A BOOK ***\r\n"
    "\r\nOnce upon a time\r\nthere was a king.\r\n\r\n“Who’s there?” he\r\nsaid.\r\n\r\n"
    "*** END OF THE PROJECT GUTENBERG EBOOK A BOOK ***\r\nTrademark here.\r\n"
)
WORDNET = (
    '  1 This software and database is being provided to you | as "a licence of many words"\n'
    '00001740 03 n 01 dog 0 001 @ 00001930 n 0000 | a pet; "the dog barked all night"; "a dog"; '
    '"no man is an island" - Donne\n'
)


def test_each_format_gives_its_sentences() -> None:
    assert formats.lines(b"A line.\n\n  Another. \n") == ["A line.", "Another."]
    pairs = "Go.\t走。\tCC-BY 2.0 (France) Attribution: tatoeba.org #1\nStop!\t停！\nbroken line\n"
    assert formats.pairs(pairs.encode()) == ["Go.", "Stop!"]
    assert formats.pairs(pairs.encode(), column=1) == ["走。", "停！"]
    assert formats.pairs(zipped(_about__txt="x\ty", cmn__txt=pairs)) == ["Go.", "Stop!"]
    assert formats.export("12\tcmn\t我爱你。\n13\tcmn\t你好。\n".encode()) == ["我爱你。", "你好。"]
    assert formats.gutenberg(BOOK.encode()) == ["Once upon a time there was a king.", "“Who’s there?” he said."]
    turns = [{"utterances": [{"index": 0, "text": "can i get one latte?"}, {"index": 1, "text": ""}]}]
    assert formats.taskmaster(json.dumps(turns).encode()) == ["Can I get one latte?"]
    assert formats.wordnet(WORDNET.encode()) == ["The dog barked all night."]
    dialogue = json.dumps({"7": {"messages": [{"content": "你好！", "role": "usr"}]}})
    assert formats.crosswoz(dialogue.encode()) == formats.crosswoz(zipped(val__json=dialogue)) == ["你好！"]
    chat = [{"messages": [{"message": "你好吗？"}, {"message": "1980年出生。", "attrs": [{"attrname": "x"}]}]}]
    assert formats.kdconv(json.dumps(chat).encode()) == ["你好吗？"]


def test_a_book_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="no START and END marks"):
        formats.gutenberg(b"Once upon a time")


def test_marks_are_written_one_way() -> None:
    assert clean.english("“It’s  cafe\u0301,”\the said.") == '"It\'s café," he said.'
    assert clean.chinese("你好, 世界! 好吗?") == "你好，世界！好吗？"
    assert clean.chinese("我走了.") == "我走了。"


@pytest.mark.parametrize(
    "text", ["See www.x.org now.", "A <b>bold</b> word.", "Call 123456789 now.", "word " * 61, "", "You rotter."]
)
def test_what_is_not_plain_is_left_out(text: str) -> None:
    assert not clean.acceptable(text.strip(), "English", {"rotter"})
    assert clean.acceptable("Call 12345678 now.", "English", {"rotter"})


def test_the_same_is_kept_once_and_a_kind_twice() -> None:
    given = ["I like tea.", "I like tea!", "We saw Ann.", "We saw Bob.", "We saw Cat.", "i LIKE, tea"]
    assert list(clean.Unlike()(given)) == ["I like tea.", "We saw Ann.", "We saw Bob."]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    sentence = "This is one of ten short words in a row. "
    parts = clean.pieces((sentence * 40).strip())
    assert [len(part.split()) for part in parts] == [150, 150, 100]
    assert " ".join(parts) == (sentence * 40).strip()


def test_the_folder_is_built_and_read(tmp_path: Path) -> None:
    originals = {
        "tatoeba/cmn.txt": "I like tea.\t我喜欢茶。\tx\nTom left.\t汤姆走了。\tx\n",
        "tatoeba/LASER/tatoeba.deu-eng.eng": "The sun is up.\n",
        "common_voice/a.txt": "I like tea.\nA new one, this.\n",
        "gutenberg/1-0.txt": BOOK,
        "kdconv/film/dev.json": json.dumps([{"messages": [{"message": "你好吗？"}]}]),
    }
    for name, text in originals.items():
        path = tmp_path / "from" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    counts = build(tmp_path / "from", tmp_path / "to")
    assert counts == {
        "english/tatoeba_en": 2,
        "english/tatoeba_en_tom_mary": 1,
        "english/common_voice_cc0": 1,  # the other one is Tatoeba's already
        "english/gutenberg_children": 2,
        "chinese/tatoeba_zh": 1,
        "chinese/tatoeba_zh_tom_mary": 1,
        "chinese/kdconv_chat_zh": 1,
    }
    texts = {text.file: text for text in folder.TEXTS}
    assert folder.read(tmp_path / "to", texts["english/tatoeba_en"]) == ["I like tea.", "The sun is up."]
    packed = tmp_path / "to" / "english" / "wordnet_examples.txt.xz"
    packed.write_bytes(lzma.compress(b"The dog barked.\n"))
    assert folder.read(tmp_path / "to", texts["english/wordnet_examples"]) == ["The dog barked."]
    with pytest.raises(ValueError, match=r"taskmaster4_coffee.txt is missing.*docs/texts.md"):
        folder.read(tmp_path / "to", texts["english/taskmaster4_coffee"])


def test_a_file_in_another_format_is_named(tmp_path: Path) -> None:
    (tmp_path / "kdconv").mkdir()
    (tmp_path / "kdconv" / "dev.json").write_text('["no messages"]')
    with pytest.raises(ValueError, match="dev.json cannot be read as chinese/kdconv_chat_zh"):
        build(tmp_path, tmp_path / "to")


def test_one_sentence_or_block_in_twenty_is_held_out() -> None:
    kept, held_out = folder.split([str(k) for k in range(100)], "sentences")
    assert held_out == ["19", "39", "59", "79", "99"] and len(kept) == 95
    kept, held_out = folder.split([str(k) for k in range(480)], "book")
    assert held_out == [str(k) for k in [*range(228, 240), *range(468, 480)]]
    assert not set(kept) & set(held_out)


@pytest.mark.parametrize("name", ["general-lstm", "pronouns_zh-lstm"])
def test_the_rule_for_traditional_characters_is_made_again(name: str) -> None:
    pytest.importorskip("opencc")
    model = load_model(name)
    assert traditional.reading(model).tokenizer == model.tokenizer
