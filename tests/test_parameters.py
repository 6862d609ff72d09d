"""One table says what an address holds; the session, links, tours and the browser follow it."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest

from dashboard import address
from dashboard.state import HOMES, SERVER_SIDE, Settings
from dashboard.talk.share import Address
from lstm_core.drawing import modules
from tests.javascript import evaluate

SHOWN = {"text": "Mary met John", "left": "pronouns-lstm", "right": "pronouns-gru", "layer": "0", "direction": "0"}


def test_the_browser_has_the_same_table() -> None:
    """``python -m dashboard.address`` writes it."""
    assert address.BROWSERS.read_text(encoding="utf-8") == address.script()
    told = evaluate("page/parameters.js", "all.PARAMETERS")
    assert [name for name, one in told.items() if one["cursor"]] == ["at", "unit", "unit2"] == list(address.CURSOR)
    assert {name for name, one in told.items() if not one["view"]} - {"long"} == address.NOT_OF_A_VIEW


def test_the_settings_are_in_the_table_with_their_defaults() -> None:
    settings = Settings()
    for field in fields(Settings):
        assert address.ALL[field.name].default == getattr(settings, field.name), field.name
        assert (address.ALL[field.name].side == "server") == (field.name in SERVER_SIDE), field.name


def test_everything_that_is_put_into_an_address_is_in_the_table() -> None:
    """What is written there by its name, in Python and in JavaScript."""
    names = set()
    for path in Path("dashboard").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        names |= set(re.findall(r"query_params(?:\.(?:get|pop)\(|\[)\"(\w+)\"", source))
        names |= set(re.findall(r"(?:kept_option|field|kept)\(\"(\w+)\"", source))
    for name in modules.files():
        for said in re.findall(r"\bremember\(\{([^}]*)\}", modules.source(name)):
            names |= set(re.findall(r"(?:^|,)\s*(\w+)(?=:|,|$|\s)", said.strip().rstrip(",")))
    assert len(names) > 15 and names <= address.ALL.keys(), names - address.ALL.keys()


def test_no_click_leaves_a_choice_without_any() -> None:
    """By itself Streamlit's control gives up what is chosen where that is clicked again, and what hangs on it goes."""
    calls = [
        (path, ast.unparse(one))
        for path in Path("dashboard").rglob("*.py")
        for one in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(one, ast.Call) and ast.unparse(one.func) in ("st.segmented_control", "st.pills")
    ]
    assert len(calls) > 8 and not [one for one in calls if "required=True" not in one[1]]


def test_a_link_says_what_the_language_would_decide() -> None:
    assert address.whole({}, SHOWN) == {name: SHOWN[name] for name in ("text", "left", "right")}
    assert address.whole({"at": "3", "text": "He"}, SHOWN)["text"] == "He"
    assert "text" not in address.whole({"long": "1"}, SHOWN), "a long text has no room in a link"
    link = Address.parse("https://a.org/memory?lang=zh").link("memory", address.whole({"lang": "zh"}, SHOWN))
    assert "text=Mary+met+John" in link and "left=pronouns-lstm" in link and "lang=zh" in link


@pytest.mark.parametrize(("text", "at"), [(Settings().text, -2), (HOMES["zh"]["text"], -2), ("Mary met", -1)])
def test_a_text_opens_at_the_same_step_on_every_page(text: str, at: int) -> None:
    assert Settings.start(text) == at == Settings.parse({"text": text}, ()).at
    assert Settings.parse({"text": text, "at": "1"}, ()).at == 1
