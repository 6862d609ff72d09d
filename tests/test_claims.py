"""What the shipped pronouns models are said to show, on held-out texts that no model was chosen by."""

from __future__ import annotations

from functools import cache

import pytest

from benchmarks.claims import ALL, CELL, OTHER, STAYS, TURNS, WROTE, figures
from lab.measures.gender import keeping
from lstm_core import load_model

TEXTS = 100


@cache
def found(name: str) -> dict[str, float]:
    return figures(load_model(name), TEXTS)


def test_the_subject_wrote_what_the_pronoun_is_read_from() -> None:
    assert found("pronouns-lstm")[WROTE] >= 0.95


def test_a_memory_held_at_a_new_subject_keeps_the_old_pronoun() -> None:
    shares = found("pronouns-lstm")
    assert keeping(load_model("pronouns-lstm").cell) == {"i": 0.0, "f": 1.0}
    assert shares[STAYS + CELL] >= 0.90
    assert shares[STAYS + OTHER] <= 0.10


def test_the_sign_of_the_cell_is_the_pronoun() -> None:
    shares = found("pronouns-lstm")
    assert shares[TURNS + CELL] >= 0.90
    assert shares[TURNS + OTHER] <= 0.10


def test_the_gru_holds_it_in_one_unit_too() -> None:
    shares = found("pronouns-gru")
    assert keeping(load_model("pronouns-gru").cell) == {"z": 1.0}
    assert shares[WROTE] >= 0.9 and min(shares[STAYS + CELL], shares[STAYS + ALL], shares[TURNS + CELL]) >= 0.9
    assert max(shares[STAYS + OTHER], shares[TURNS + OTHER]) <= 0.1


@pytest.mark.parametrize("seed", [0, 1])
def test_none_of_it_holds_for_an_untrained_model(seed: int) -> None:
    shares = figures(load_model("pronouns-lstm").untrained(seed), 40)
    assert shares[WROTE] < 0.5
    assert shares[TURNS + CELL] < 0.9
