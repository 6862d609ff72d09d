"""The catalogues hold what the code says, no more and no less, and the page speaks the language that is wanted."""

from __future__ import annotations

import ast
import json
import re
import string
from pathlib import Path

import pytest
from babel.messages import Message
from babel.messages.pofile import read_po

from dashboard import catalogue, language
from lab.experiments import discover
from lab.experiments.record import results
from lstm_core.say import say
from tests.javascript import evaluate

FILES = sorted(language.FOLDER.glob("*.po"))
TERMS = {
    "forget gate": "遗忘门",
    "input gate": "输入门",
    "output gate": "输出门",
    "candidate": "候选值",
    "cell state": "细胞状态",
    "hidden state": "隐藏状态",
    "update gate": "更新门",
    "reset gate": "重置门",
}


@pytest.fixture(scope="module")
def messages() -> list[Message]:
    return [message for message in catalogue.collected() if message.id]


@pytest.fixture(scope="module")
def found(messages: list[Message]) -> set[str]:
    return {str(message.id) for message in messages}


def entries(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file) if message.id}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_text_is_translated_and_no_entry_is_left_over(path: Path, found: set[str]) -> None:
    said = entries(path)
    assert not found - said.keys(), "run python -m dashboard.catalogue and translate"
    assert not said.keys() - found, "run python -m dashboard.catalogue: nothing shows these any more"
    assert not [text for text, told in said.items() if not told.strip()]


COUNTED = re.compile(
    r"(^|[.;:] |\*\*)\{(count|same|units|words|steps|right|wrong|few|number)[^}]*\}( of \{\w+[^}]*\})?( \w+)? \w+s "
    r"(are|have|do|differ|agree|move|lie|stand|hold|keep|go|reach)\b"
)
"""A count as the subject of a verb that only goes with several."""


def test_no_sentence_goes_wrong_where_it_counts_one(found: set[str]) -> None:
    assert COUNTED.search("{count} of {all:,} units differ.") and COUNTED.search(
        "{signal}; {wrong} of {count} steps are"
    )
    assert not [text for text in found if COUNTED.search(text)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_browser_is_sent_what_its_modules_say(path: Path, messages: list[Message]) -> None:
    said = {str(one.id) for one in messages if any(name.endswith(".js") for name, _ in one.locations)}
    sent = json.loads(language.script(path.stem).removeprefix("export default "))
    assert said == sent.keys(), "run python -m dashboard.catalogue"


def test_no_call_is_overlooked(found: set[str]) -> None:
    """The collector reads no call within a call, and none in a template literal of JavaScript: there must be none."""
    missed = set()
    for path in (*Path("dashboard").glob("**/*.py"), *Path("lstm_core").glob("**/*.py"), *Path("lab").glob("**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in catalogue.KEYWORDS:
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant) and first.value not in found:
                    missed.add(first.value)
                assert not isinstance(first, ast.JoinedStr), f"{path}: an f-string is never found in a catalogue"
    for path in Path("dashboard/browser").rglob("*.js"):
        calls = re.findall(r'\btr\(\s*("(?:[^"\\]|\\.)*")', path.read_text(encoding="utf-8"))
        missed |= {text for call in calls if (text := json.loads(call)) not in found}
    assert not missed


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_translation_has_the_same_places_to_fill_in(path: Path) -> None:
    wrong = {}
    for text, told in entries(path).items():
        if re.search(r"\{\w+(:[^}]*)?\}", text) and fields(text) != fields(told):
            wrong[text] = told
    assert not wrong


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_bold_ends_where_it_should(path: Path) -> None:
    """Markdown sees no end behind a sign when a letter follows at once, which in Chinese it does."""
    wrong = [told for told in entries(path).values() if re.search(r"\*\*[^*]*[^\w\s*]\*\*\w", told)]
    assert not wrong


def test_terms_are_those_of_the_literature() -> None:
    said = entries(language.FOLDER / "zh.po")
    for english, chinese in TERMS.items():
        texts = [told for text, told in said.items() if re.search(rf"\b{english}\b", text)]
        assert any(chinese in told for told in texts), english
        assert sum(chinese in told for told in texts) > len(texts) / 2, english
    which = [told for text, told in said.items() if "which cell" in text]
    assert which and all("细胞" in told for told in which), "a kind of cell is no unit (单元)"
    assert not [told for told in said.values() if "时间步" in told], "a step is 步 everywhere"


def test_it_fills_in_and_falls_back(chinese: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        language, "words", lambda code: {"{name} of {count:,}": "{count:,} 个中的 {name}", "cell": "细胞"}
    )
    assert language.tr("{name} of {count:,}", name=language.tr("cell"), count=1234) == "1,234 个中的细胞"
    assert language.tr(say("{name} of {count:,}", name=say("cell"), count=2)) == "2 个中的细胞"
    assert language.tr("{name} of {count:,}", name="cell", count=2) == "2 个中的 cell"  # a visitor's word stays
    assert language.tr("nobody translated {this}") == "nobody translated {this}"


def test_what_the_core_says_is_english_text() -> None:
    said = say("{name} reads {count:,}", name="rnn", count=1000)
    assert said == "rnn reads 1,000" and str(ValueError(said)) == "rnn reads 1,000"
    assert language.tr(said) == "rnn reads 1,000"


def test_the_browser_is_followed() -> None:
    assert language.best(None, "zh-CN") == "zh" and language.best("zh_Hant") == "zh"
    assert language.best("", "tlh", "fr") == "en" and language.best("xx", "zh") == "zh"
    assert language.languages() == {"en": "English", "zh": "中文"}


def test_the_script_holds_what_the_browser_says() -> None:
    said = language.script("zh")
    assert said.startswith("export default {") and language.script("en") == "export default {}\n"
    here = "".join(path.read_text() for path in Path("dashboard/browser").rglob("*.js"))
    texts = json.loads(said.removeprefix("export default "))
    assert texts and all(text in here for text in texts)


def test_no_space_stands_between_two_chinese_signs(chinese: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "words", lambda code: {"{cell} unit": "{cell} 的单元", "{a} and {b}": "{a} 和 {b}"})
    assert language.tr("{a} and {b}", a="“先”", b="“生”") == "“先”和“生”"
    assert language.tr("{a} and {b}", a="f = 1", b="副本") == "f = 1 和副本"
    assert language.tr("{a}, then {b}", a="“先”", b="“生”") == "“先”, then “生”"
    assert language.tr("{cell} unit", cell="GRU（Cho）") == "GRU（Cho）的单元"
    assert language.tr("{cell} unit", cell="GRU") == "GRU 的单元"


def test_chinese_lets_go_of_nothing_and_has_one_name_for_each_page() -> None:
    said = entries(language.FOLDER / "zh.po")
    assert said["Step by step"] == "逐步讲解" and said["beside"] != said["Contrast"]
    assert (said["Contrast"], said["Compare"]) == ("句子对比", "模型比较")  # of what, since both words mean the same
    tours = [path.read_text(encoding="utf-8") for path in Path("assets/tours").glob("*-zh.json")]
    unwanted = "放手|逐步演示|您|朴素|平移的标签|“门”页面|\\d %"
    assert not [text for text in (*said.values(), *tours) if re.search(unwanted, text)]


def test_chinese_has_one_term_for_each_thing() -> None:
    said = entries(language.FOLDER / "zh.po")
    tours = [path.read_text(encoding="utf-8") for path in Path("assets/tours").glob("*-zh.json")]
    others = "潜变量|保留门|段文字|轨迹|追踪|随附|随程序|没有模块|“逐步”|读完\\{heard\\}"
    assert not [text for text in (*said.values(), *tours) if re.search(others, text)]
    assert (said["forward"], said["backward"]) == ("正向", "反向")  # not the passes of a training: 前向传播
    assert said["What would disprove it."] in said["**What would disprove it.** {says}"]
    assert said["agreement"] in said["Agreement, LSTM"]


def test_a_function_with_a_latin_name_stands_apart_from_the_chinese_around_it(chinese: None) -> None:
    template = "{function} in place of {old} in {side}"
    assert language.tr(template, function="relu", old="tanh", side="B") == "B 里用 relu 代替 tanh"
    hard = language.tr("the hard sigmoid of slope {slope:.3g}", slope=0.2)
    assert language.tr(template, function=hard, old="tanh", side="B") == f"B 里用{hard} 代替 tanh"
    assert language.tr("{first} or {second}", first="Force", second="Swap") == "Force 或 Swap"


def test_a_step_is_not_called_a_word_where_it_may_be_a_character() -> None:
    said = entries(language.FOLDER / "zh.po")
    of_any_text = (
        "{name} keeps little: {label} is below {limit} at {count} of {total} words, and it lets go at {gone} of them.",
        "{cell}: who wrote {of} after {word}",
        "{cell}: what it expects next, step by step",
        "The error of the next word",
        "Double-click: this word step by step",
        "First the plain RNN: a loop over the words",
        "New here? These networks read a sentence word by word and keep a memory. "
        "You see what each of their gates does at every word.",
        "Tinted words:",
        "all other words",
        "next word",
        "speaks for the likeliest next word",
    )
    assert not [said[text] for text in of_any_text if re.search("(?<!字)词(?!元)", said[text])]


def test_a_space_stands_between_a_number_or_a_latin_name_and_a_chinese_sign() -> None:
    said = entries(language.FOLDER / "zh.po")
    latin = r"\{(\w+:[^}]*|rnn)\}"
    han = "[\u4e00-\u9fff]"
    assert not [told for told in said.values() if re.search(f"{han}{latin}|{latin}{han}", told)]
    assert said["mean of {gate} from {low:.2f} to {high:.2f}"].startswith("{gate} ")


def test_the_browser_writes_a_share_as_its_language_does() -> None:
    sources = [path for path in Path("dashboard/browser").rglob("*.js") if re.search(r"\} %`", path.read_text())]
    assert sources == []  # "98 %", in Chinese "98%": a text for ``tr``


def test_an_axis_of_cells_is_not_called_one_of_cell_states() -> None:
    """The row "cell" of the figure on Gates is c, 细胞状态; what an experiment counts are units."""
    said = entries(language.FOLDER / "zh.po")
    drawings = [drawing for one in discover().values() for drawing in one.draw(results(one.name))]
    axes = {axis for drawing in drawings for axis in (drawing.x, drawing.y)}
    assert axes and not [axis for axis in axes if said.get(axis) == "细胞状态"]


def test_a_norm_is_named_or_called_a_size() -> None:
    norms = [text for text in entries(language.FOLDER / "zh.po") if re.search(r"\bnorms?\b", text)]
    assert norms and [text for text in norms if not re.search("Frobenius|spectral|clipped", text)] == []


def test_shipped_models_are_called_in_notes_as_in_the_menu() -> None:
    said = entries(language.FOLDER / "zh.po")
    general = [said[f"English and Chinese, {cell}"] for cell in ("LSTM", "GRU", "RNN")]
    family = general[0].removesuffix("，LSTM")
    assert general == [f"{family}，{cell}" for cell in ("LSTM", "GRU", "RNN")]
    notes = [told for text, told in said.items() if "models of English and Chinese" in text]
    assert notes and all(f"“{family}”" in told for told in notes)


def test_what_server_and_browser_say_in_the_same_words_is_translated_alike() -> None:
    """They fill numbers in their own ways: {share:.0f} and {share}."""
    told: dict[str, set[str]] = {}
    for text, said in entries(language.FOLDER / "zh.po").items():
        bare, translated = (re.sub(r"\{(\w+)[:!][^}]*\}", r"{\1}", one) for one in (text, said))
        told.setdefault(bare, set()).add(translated)
    assert len(told) > 2000 and not {text: said for text, said in told.items() if len(said) > 1}


def test_a_number_below_zero_has_a_minus() -> None:
    said = entries(language.FOLDER / "zh.po")
    assert not [text for one in said.items() for text in one if re.search(r"(^|\s)-\d", text)]


def test_no_line_ends_between_a_number_and_its_percent_sign() -> None:
    there = "with {much:.0f} % and 95 % of {it}"
    assert language.tr(there, much=7.4, it="5 % of") == "with 7\u202f% and 95\u202f% of 5 % of", "what was typed stays"
    assert language.tr("3 keeps 95 %.") == "3 keeps 95\u202f%."
    said = 'all.tr("with {much} % and 95 % of {it}", given)'
    assert evaluate("page/words.js", said, {"much": "7", "it": "5 % of"}) == "with 7\u202f% and 95\u202f% of 5 % of"


def test_a_formula_in_a_text_has_a_minus_sign() -> None:
    texts = [str(message.id) for message in catalogue.collected() if message.id]
    assert [text for text in texts if re.search(r"\b1 - [a-z{]", text)] == []


def test_a_layer_is_counted_in_chinese_as_everything_is(chinese: None) -> None:
    assert language.tr("layer {layer}", layer=0) == "第 0 层"
    for text, said in entries(language.FOLDER / "zh.po").items():
        assert "号层" not in str(said), text
