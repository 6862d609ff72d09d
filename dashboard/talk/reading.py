"""What can be read below a page: its terms, each opening where it stands; below the first also what gates are for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from html import escape
from urllib.parse import urlencode

import streamlit as st

from dashboard.language import ENGLISH, current, tr
from dashboard.state import HOMES, Settings
from dashboard.talk.article import ARTICLE, GATES, ROWS, STEPS
from dashboard.talk.terms import TERMS, USED


def below(page: str) -> None:
    """Draw what stands below the page of this name."""
    st.html(terms(USED[page]) if page in USED else article() + terms(TERMS))


def terms(names: Iterable[str]) -> str:
    """The terms side by side; one that is clicked opens below its line and shuts the one that was open."""
    entries = "".join(
        f'<details name="terms"><summary>{_said(title)}</summary><p id="term-{name}">{_said(meaning)}</p></details>'
        for name, (title, meaning) in ((name, TERMS[name]) for name in names)
    )
    heading = tr("Terms")
    return f'<section class="terms" data-testid="terms"><h2>{escape(heading)}</h2>{entries}</section>'


def article() -> str:
    parts = []
    for k, (title, text) in enumerate(ARTICLE):
        parts += [f"<h2>{_said(title)}</h2>"] * bool(title) + [f"<p>{_linked(text)}</p>"]
        if k == 2:
            gates = "".join(f"<li>{_linked(said)} {_shows(gate)}</li>" for gate, said in GATES.items())
            parts.append(f"<ul>{gates}</ul>")
    return f'<article class="reading" data-testid="reading">{"".join(parts)}</article>'


def _linked(text: str) -> str:
    """The text with each {term} as a link to its entry in the glossary."""
    links = {name: f'<a href="#term-{name}">{_said(title)}</a>' for name, (title, _) in TERMS.items()}
    return escape(tr(text)).format(**links)


def _shows(gate: str) -> str:
    """A link to the gate's row alone, at the word that is spoken of."""
    language = current()
    home = replace(Settings(), **HOMES.get(language, {}))
    at = STEPS.get(language, STEPS[ENGLISH])[gate]
    query = {"text": home.text, "left": home.left, "right": home.right, "at": at, "only": ROWS[gate]}
    if language != ENGLISH:
        query["lang"] = language
    label = tr("Show it")
    return f'<a href="./?{escape(urlencode(query))}" target="_self">{escape(label)}</a>'


def _said(text: str) -> str:
    return escape(tr(text))
