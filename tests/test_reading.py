"""What stands below the pages: the article's claims are so, every term has its entry, and both languages say it all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from dashboard import language
from dashboard.state import HOMES, Settings
from dashboard.talk import reading
from dashboard.talk.article import GATES, STEPS
from dashboard.talk.terms import TERMS, USED
from dashboard.views import discover
from lstm_core import load_model

PAGES = [view.__name__.rpartition(".")[2] for view in discover()]


@pytest.fixture(params=["en", "zh"])
def code(request: pytest.FixtureRequest) -> Iterator[str]:
    before = language._asked
    language.ask(lambda: request.param)
    yield request.param
    language.ask(before)


def test_every_page_has_terms_and_every_term_a_page() -> None:
    assert {*USED, "gates"} == set(PAGES)
    assert {name for names in USED.values() for name in names} <= TERMS.keys()


def test_the_articles_terms_lead_to_the_glossary(code: str) -> None:
    html = reading.article() + reading.terms(TERMS)
    linked, there = set(re.findall('href="#(term-[a-z]+)"', html)), set(re.findall('id="(term-[a-z]+)"', html))
    assert linked and linked <= there and len(there) == len(TERMS)
    assert not re.search(r"\{\w+\}", html)
    assert len(re.findall("target=", html)) == len(GATES)


def test_the_article_has_about_four_hundred_words() -> None:
    assert 350 <= len(re.sub("<[^>]+>", " ", reading.article()).split()) <= 480


@pytest.mark.parametrize(
    ("code", "forgets", "keeps", "writes", "shut", "shows", "hides"),
    [
        (
            "en", ["John"], ["went", "because", "was", "Then"], ["Mary", "John"], ["Anna"],
            ["because", "and"], ["the", "was", "he"],
        ),
        ("zh", ["李"], ["士", "为", "饿", "来"], ["女", "先"], ["小", "红"], ["为", "，"], ["市", "因"]),
    ],
)  # fmt: skip
def test_the_gates_do_on_the_first_sentence_what_the_article_says(
    code: str,
    forgets: list[str],
    keeps: list[str],
    writes: list[str],
    shut: list[str],
    shows: list[str],
    hides: list[str],
) -> None:
    home = replace(Settings(), **HOMES.get(code, {}))
    model = load_model(home.left)
    trace = model.run(home.text)
    at = [token.text for token in trace.tokens]
    unit = model.meta["units"]["gender"]["unit"]

    def all_of(gate: str, words: list[str], low: float, high: float) -> bool:
        return all(low <= float(trace.signals[gate][0, 0, at.index(word), 0, unit]) <= high for word in words)

    assert all_of("f", forgets, 0, 0.3) and all_of("f", keeps, 0.9, 1)
    assert all_of("i", writes, 0.7, 1) and all_of("i", shut, 0, 0.15)
    assert all_of("o", shows, 0.95, 1) and all_of("o", hides, 0, 0.12)
    assert [at[STEPS[code][gate]] for gate in ("forget", "input", "output")] == [
        forgets[0],
        writes[0],
        shows[-1 if code == "en" else 0],
    ]
