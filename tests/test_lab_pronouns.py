"""Which of he and she: the loss compares them with each other and with nothing else."""

import pytest
import torch
from tokenizers import Tokenizer
from torch import Tensor

from lab.general.pieces import SPACE, build
from lab.general.pronouns import AGAINST, Pronouns

WORDS = ["he", "she", "him", "her", "his", "hers", "himself", "herself"]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    lines = [f"{word.title()} saw {word} here." for word in [*WORDS, "HE", "cat"]]
    return build(lines * 40, ["他走了，她也走了。"], size=700)


def drawn(tokenizer: Tokenizer, targets: list[str]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    size = tokenizer.get_vocab_size()
    ids = torch.tensor([tokenizer.get_vocab()[piece] for piece in targets])
    return torch.randn(len(ids), 6), torch.randn(size, 6), torch.randn(size), ids


def test_a_pronoun_stands_against_those_of_the_other_gender_in_its_own_spelling(tokenizer: Tokenizer) -> None:
    pronouns, vocabulary = Pronouns(tokenizer, CPU), tokenizer.get_vocab()
    seen = set()
    for piece, id in vocabulary.items():
        word = piece.removeprefix(SPACE)
        others = {tokenizer.id_to_token(other) for other in pronouns.against[id][pronouns.stands[id]].tolist()}
        if not pronouns.of[id]:
            assert word.lower() not in AGAINST or word not in (word.lower(), word.title()) or SPACE not in piece, piece
            continue
        seen.add(piece)
        start = piece.removesuffix(word)
        spelled = {start + (other.title() if word.istitle() else other) for other in AGAINST[word.lower()]}
        assert others == spelled & set(vocabulary), piece
    assert {f"{SPACE}{form}" for word in WORDS for form in (word, word.title())} | {"他", "她"} <= seen


def test_the_loss_is_that_of_the_choice_between_them(tokenizer: Tokenizer) -> None:
    cases = {"▁he": ["▁she"], "▁Her": ["▁Him", "▁His"], "她": ["他"], "▁his": ["▁her", "▁hers"]}
    read, pieces, bias, ids = drawn(tokenizer, [*cases, "▁cat", "▁saw"])
    expected = 0.0
    for place, (own, others) in enumerate(cases.items()):
        scores = {one: float(read[place] @ pieces[k] + bias[k]) for one in (own, *others)
                  for k in [tokenizer.get_vocab()[one]]}  # fmt: skip
        chances = {one: 2.718281828459045**score for one, score in scores.items()}
        expected -= torch.tensor(chances[own] / sum(chances.values())).log().item()
    assert Pronouns(tokenizer, CPU).loss(read, pieces, bias, ids).item() == pytest.approx(expected, rel=1e-5)


def test_it_pulls_at_nothing_but_the_pronouns_and_not_at_their_chances_together(tokenizer: Tokenizer) -> None:
    read, pieces, bias, ids = drawn(tokenizer, ["▁he", "▁cat", "她"])
    bias.requires_grad_()
    Pronouns(tokenizer, CPU).loss(read, pieces, bias, ids).backward()
    assert bias.grad is not None
    moved = {tokenizer.id_to_token(k) for k in bias.grad.nonzero().flatten().tolist()}
    assert moved == {"▁he", "▁she", "他", "她"} and bias.grad.sum().item() == pytest.approx(0, abs=1e-6)


def test_a_text_without_pronouns_costs_nothing_and_has_a_slope(tokenizer: Tokenizer) -> None:
    read, pieces, bias, ids = drawn(tokenizer, ["▁cat", "▁saw"])
    read.requires_grad_()
    loss = Pronouns(tokenizer, CPU).loss(read, pieces, bias, ids)
    loss.backward()
    assert loss.item() == 0 and read.grad is not None and not read.grad.any()
