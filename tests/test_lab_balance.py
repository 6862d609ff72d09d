"""He and she are balanced by moving one threshold: as many errors for either, and nothing else changes."""

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from lab.general.balance import PAIRS, balance, cases, equal_errors, pieces
from lab.general.export import network
from lab.general.model import Reader
from lab.general.pieces import build
from lab.measures.choice import either

NAMES = [f"N{chr(97 + k)}{chr(97 + j)}" for k in range(12) for j in range(10)]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    lines = [f"{name} left, and {who} won. {who.capitalize()} {own} hat" for name in NAMES
             for who, own in (("he", "his"), ("she", "her"))]  # fmt: skip
    return build(lines * 3, ["他走了，她也走了。"], size=700)


def test_a_case_ends_before_the_first_pronoun_that_is_asked_for() -> None:
    marked = ["<Ana> lost [her] hat. [She] left, and [she] won.", "<Bo> left.", "He saw that [he] won."]
    assert cases(PAIRS["English"], marked) == [("Ana lost her hat.", "She", "He"), ("He saw that", "he", "she")]
    assert cases(PAIRS["Chinese"], ["<小红>走了，[她]很好。"]) == [("小红走了，", "她", "他")]


def test_the_threshold_has_equal_errors_on_both_sides() -> None:
    rng = np.random.default_rng(0)
    of_her = np.arange(4000) % 4 == 0  # there are fewer of her
    leads = rng.normal(size=4000) + np.where(of_her, 0.5, -2.0)
    edge = equal_errors(leads, of_her)
    wrong_of_her, wrong_of_him = (leads[of_her] < edge).mean(), (leads[~of_her] > edge).mean()
    assert edge == pytest.approx(-0.75, abs=0.1) and wrong_of_her == pytest.approx(wrong_of_him, abs=0.01)


def test_a_network_that_prefers_him_no_longer_does(tokenizer: Tokenizer) -> None:
    torch.manual_seed(0)
    model = Reader("gru", tokenizer.get_vocab_size(), hidden=16, embedding=8).eval()
    his = pieces(tokenizer, PAIRS["English"].his)
    with torch.no_grad():
        model.bias[his] += 3.0
    before = model.bias.clone()
    marked = [f"<{name}> left, and [{who}] won." for name in NAMES for who in ("he", "she")]
    found = cases(PAIRS["English"], marked)

    def shares() -> list[float]:
        right = either(network(model, tokenizer, "m"), found, " ") > 0.5
        return [float(np.mean([r for r, (_, word, _) in zip(right, found, strict=True) if word == who]))
                for who in ("he", "she")]  # fmt: skip

    assert shares() == [1.0, 0.0]
    shift = balance(model, tokenizer, marked, "English")
    he, she = shares()
    assert shift > 2 and he == pytest.approx(1 - she, abs=0.02) and 0.3 < she < 0.7
    changed = torch.nonzero(model.bias != before).flatten().tolist()
    words = {(tokenizer.id_to_token(id) or "").lstrip("\u2581").lower() for id in changed}
    assert words <= {*PAIRS["English"].his, *PAIRS["English"].hers} and {"he", "she", "his", "her"} <= words
