"""Unknown words are said where they matter, and a text of one's own meets models that can read it."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import cache, unread
from dashboard.reading import MOVED
from dashboard.state import HOMES, Settings
from tests.test_figures import unpack

ZH = HOMES["zh"]


def script() -> None:
    from dashboard.views import gates

    gates.page()


def sent(run: AppTest) -> tuple[dict, dict]:
    """What the controls and the figure got."""
    trees = [unpack(one.proto.bytes) for one in run.get("bidi_component")]  # type: ignore[attr-defined]
    return next(tree for tree in trees if "models" in tree), next(tree for tree in trees if "sides" in tree)


def opened(**query: str) -> AppTest:
    test = AppTest.from_function(script, default_timeout=300)
    for name, value in query.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception, test.exception
    return test


def models(**query: str) -> list[str]:
    return [side["model"] for side in sent(opened(**query))[1]["sides"]]


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("Xiomara went to the market because", ["Xiomara"]),
        ("Mary went to the market because she", []),
        ("The zebra was tired because", ["zebra"]),  # where the subject stands, behind the article
        ("The old zookeeper said that", ["zookeeper"]),  # and behind an adjective
        ("My tired little zookeeper met the quux and", ["zookeeper"]),
        ("Mary went to the market. Then Priyanka met Vihaan and", ["Priyanka", "Vihaan"]),
        ("Mary went to the quux because", []),  # nothing hangs on it
        ("Mary went to the quux", ["quux"]),  # the last word
        ("Mary quux quuux quuuux", ["quux", "quuux", "quuuux"]),  # most of it
        ("Mary went home !", []),
        ("José met Émile and", []),  # which its vocabulary spells small
    ],
)
def test_unknown_words_count_where_something_hangs_on_them(text: str, unknown: list[str]) -> None:
    model = cache.model("pronouns-lstm")
    assert unread.unread(model.run(text)) == unknown


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("Mary went to the marke", []),
        ("Joh", []),
        ("Mary went to the quux mark", []),  # the one before is not the last for that
        ("Mary went to the marke ", ["marke"]),
        ("Mary went to the marke.", ["marke"]),
        ("Mary went to the marq", ["marq"]),  # begins no word that is known
        ("The Zork said that Mar", ["Zork"]),
    ],
)
def test_a_word_that_is_still_written_and_begins_a_known_one_is_not_called_unknown(
    text: str, unknown: list[str]
) -> None:
    reading = cache.read("pronouns-lstm", text)
    assert unread.unread(reading.trace, unread.unfinished(reading, text)) == unknown


def test_the_page_waits_with_the_word_that_is_still_written_until_the_browser_says_that_it_is_finished() -> None:
    chosen = {**Settings().server_side(), "picked": 1, "text": "Mary went to the marke"}
    test = opened()
    for writing in (1, 0):
        test.session_state["controls"] = {"settings": {**chosen, "writing": writing}}
        test.run()
        controls, figure = sent(test)
        assert controls["unfinished"] == bool(writing)
        assert [len(figure["notices"]), bool(controls["instead"])] == [1 - writing, not writing]


def test_a_letter_that_is_read_in_bytes_is_unknown_to_the_general_models_too() -> None:
    model = cache.model("general-lstm")
    assert unread.unread(model.run("王女士去了商店，因龘")) == ["龘"]
    assert unread.unread(model.run("王女士去了商店，因為")) == [], "that is read as 为"
    assert unread.unread(model.run("Привет, Mary")) == ["Привет"]
    assert unread.unread(model.run("Mary 🙂 went to Xiomara 今天")) == []
    readings = [cache.read(name, "因龘") for name in unread.GENERAL]
    assert unread.notices(readings) and not unread.general(readings), "they are offered where they do not read already"


def test_one_sentence_for_both_models_and_a_way_out() -> None:
    tiny = {"left": "pronouns-lstm", "right": "pronouns-gru"}
    controls, figure = sent(opened(text="Xiomara went to the market because", **tiny))
    said = "Not in the vocabulary of LSTM and GRU: “Xiomara”. What is expected then is a guess."
    assert figure["notices"] == [said]
    label = "Read it with models for any text"
    assert controls["instead"] == {"left": "general-lstm", "right": "general-gru", "label": label}
    controls, figure = sent(opened(text="Xiomara went to the market", left="general-lstm", right="general-gru"))
    assert not figure["notices"] and not controls["instead"]
    controls, figure = sent(opened())
    assert not figure["notices"] and not controls["instead"]


def test_a_text_without_models_gets_models_that_know_its_language() -> None:
    assert models(text=Settings().text) == models(text="") == ["pronouns-lstm", "pronouns-gru"]
    assert models(text="Mary and John were late because") == list(unread.GENERAL)
    assert models(text="Xiomara went home because") == list(unread.GENERAL)
    assert models(text="王先生遇见了李女士，因为") == list(unread.GENERAL)
    assert models(text=str(ZH["text"])) == [ZH["left"], ZH["right"]]
    assert models(text="我就会用成语说话") == list(unread.GENERAL)
    assert models(text="def f(x): return x + 1") == list(unread.GENERAL)
    assert models(text="我就会用", left="pronouns-lstm", right="pronouns-gru") == ["pronouns-lstm", "pronouns-gru"]


def test_no_model_is_loaded_to_see_that_a_text_is_what_a_page_opens_with(monkeypatch: pytest.MonkeyPatch) -> None:
    homes = [Settings(), Settings(text=str(ZH["text"]), left=str(ZH["left"]), right=str(ZH["right"]))]
    monkeypatch.setattr(cache, "model", lambda name: pytest.fail(f"{name} is loaded"))
    for home in homes:
        assert unread.fitting(home.text, homes) == (home.left, home.right)


def test_the_first_page_goes_to_the_general_models_for_any_other_text() -> None:
    """The small pair keeps its own sentences, their beginnings, and what goes on from one in words that it knows, the
    last of them under way. A text is read by the same models whatever was typed before it."""
    test = opened()
    home = Settings().server_side()
    tiny = (home["left"], home["right"])
    general = {**home, "left": unread.GENERAL[0], "right": unread.GENERAL[1]}
    for said, wanted in (
        ({**home, "text": "Mary and John were late because"}, unread.GENERAL),  # every word is known
        ({**home, "text": "Priyanka told Vihaan that", "unit": 0, "unit2": 8}, unread.GENERAL),
        ({**home, "text": f"{home['text']} was tired"}, tiny),  # as a click on a next word has it go on
        ({**home, "text": f"{home['text']} was ti"}, tiny),
        ({**home, "text": f"{home['text']} was ti "}, unread.GENERAL),
        ({**home, "text": f"{home['text']} ti was"}, unread.GENERAL),
        ({**home, "text": f"{home['text']} was Xiomara"}, unread.GENERAL),
        ({**home, "text": home["text"].rpartition(" ")[0]}, tiny),
        ({**home, "text": "Mary went to the marke"}, tiny),  # on the way to it
        ({**home, "text": "My "}, unread.GENERAL),  # as one of its sentences begins, by chance
        ({**home, "text": "Mary went to the marke because"}, unread.GENERAL),
        ({**home, "text": "for i in range(10): print(i)"}, unread.GENERAL),
        ({**general, "text": home["text"]}, tiny),
        ({**general, "text": "Peter met Anna because"}, unread.GENERAL),
        ({**home, "text": " "}, tiny),
        ({**home, "text": "Xiomara left", "left": "pronouns-rnn"}, ("pronouns-rnn", tiny[1])),
        ({**home, "text": "Priyanka told Vihaan that", "picked": 1}, tiny),  # whoever chooses them gets them
        ({**home, "text": home["text"], "picked": 1}, tiny),
        ({**general, "text": home["text"], "picked": 1}, unread.GENERAL),
        ({**home, "text": dict(cache.model(tiny[0]).meta["examples"][-1])["text"]}, tiny),
    ):
        test.session_state["controls"] = {"settings": said}
        test.run()
        controls, figure = sent(test)
        assert tuple(side["model"] for side in figure["sides"]) == wanted, said
        own = unread.own(Settings()) if wanted == tiny and not said["picked"] else ()
        assert figure["only"] == [[unread.begun(sentence), sentence] for sentence in own]
        assert controls["strays"] == ([home["text"]] if wanted == unread.GENERAL and not said["picked"] else [])
        moved = wanted != (said["left"], said["right"])
        assert (controls["moved"] or {}).get("left") == (wanted[0] if moved else None)
        offered = {"left": tiny[0], "right": tiny[1], "label": "Read it with the small models"}
        knows = wanted == unread.GENERAL and said["text"].startswith(("Mary and John", "Peter", "My "))
        assert controls["instead"] == (offered if knows else controls["instead"])
        assert knows == ("small" in (controls["instead"] or {}).get("label", ""))
        assert wanted == tiny or figure["units"] != [0, 8], "a unit of one model is not one of another"
        assert any(str(MOVED) in notice for notice in figure["notices"]) == (moved and wanted == unread.GENERAL)


@pytest.mark.parametrize(("sentence", "begun"), [("abcdefgh", "ab"), ("abcdefghi", "abc"), ("a", "a"), ("", "")])
def test_a_quarter_of_a_sentence_shows_that_somebody_is_on_the_way_to_it(sentence: str, begun: str) -> None:
    assert unread.begun(sentence) == begun


def test_the_chinese_home_goes_to_the_general_models_for_any_other_text(chinese: None) -> None:
    test = opened()
    assert [side["model"] for side in sent(test)[1]["sides"]] == [ZH["left"], ZH["right"]]
    typed = {**Settings().server_side(), "left": ZH["left"], "right": ZH["right"], "text": "我就会用"}
    for said, wanted in (
        (typed, unread.GENERAL),
        ({**typed, "text": "妈妈告诉小明，因为她"}, unread.GENERAL),
        ({**typed, "text": ZH["text"] + "很"}, (ZH["left"], ZH["right"])),
        ({**typed, "picked": 1}, (ZH["left"], ZH["right"])),  # whoever chooses them gets them
    ):
        test.session_state["controls-zh"] = {"settings": said}
        test.run()
        controls, figure = sent(test)
        assert tuple(side["model"] for side in figure["sides"]) == wanted, said
        assert (controls["moved"] or {}).get("left") == (wanted[0] if wanted == unread.GENERAL else None)


def typed_at(link: dict[str, str], text: str, key: str = "controls") -> list[str]:
    """The models that read another text which is typed where a link leads to."""
    test = opened(**link)
    test.session_state[key] = {"settings": {**sent(test)[0]["settings"], "text": text}}
    test.run()
    return [side["model"] for side in sent(test)[1]["sides"]]


HOME = {name: getattr(Settings(), name) for name in ("text", "left", "right")}


def test_a_link_to_what_the_page_shows_by_itself_chooses_no_models() -> None:
    """That of a reload, or a lecturer's code: another text gets the models that fit it all the same."""
    assert typed_at(HOME, "Priyanka told Vihaan that") == list(unread.GENERAL)
    chosen = {**HOME, "text": "Xiomara went home because"}
    assert typed_at(chosen, "Priyanka told Vihaan that") == [HOME["left"], HOME["right"]]
    long = {"left": HOME["left"], "right": HOME["right"], "long": "1"}
    assert typed_at(long, "Anna went home and " * 200) == [HOME["left"], HOME["right"]], "a text that is no address"


def test_after_another_language_was_chosen_the_models_fit_as_before(chinese: None) -> None:
    """What was shown stays, in the address: nobody has chosen it."""
    assert typed_at(HOME, ZH["text"] + "很", "controls-zh") == [ZH["left"], ZH["right"]]
    assert typed_at(HOME, "我就会用", "controls-zh") == list(unread.GENERAL)
    assert typed_at(HOME, str(ZH["text"]), "controls-zh") == [ZH["left"], ZH["right"]]


def test_who_has_chosen_models_keeps_them_after_a_reload_with_whatever_text() -> None:
    """The address says it where the models are those that its text would have got."""
    chosen = {**HOME, "picked": "1"}
    assert typed_at(chosen, "Priyanka told Vihaan that") == [HOME["left"], HOME["right"]]
    general = dict(zip(("left", "right"), unread.GENERAL, strict=True))
    assert typed_at({**general, "text": "Priyanka told Vihaan", "picked": "1"}, HOME["text"]) == list(unread.GENERAL)
    assert sent(opened(**{**HOME, **general}))[0]["settings"]["picked"] == 1, "a click on an example, and a reload"
    assert sent(opened(**HOME))[0]["settings"]["picked"] == 0
