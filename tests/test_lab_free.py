"""The sentences written freely stay apart from everything that trains, and are scored as they should be."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from lab.measures import choice, free
from lstm_core.network import Network, softmax

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "assets" / "models" / "general-lstm.safetensors"
TRAINING = [path for path in (ROOT / "lab").rglob("*") if path.suffix in (".py", ".toml", ".txt", ".json")]


@pytest.fixture(scope="module")
def shipped() -> Network:
    return Network.load(SHIPPED)


def written(language: str) -> list[list]:
    """Every case of a language: the text first."""
    kinds = json.loads((free.SENTENCES / f"{language}.json").read_text(encoding="utf-8"))
    groups = [kind for kind in kinds.values() if not isinstance(kind, str)]
    return [
        case for group in groups for part in (group.values() if isinstance(group, dict) else [group]) for case in part
    ]


SETS = ("english", "chinese", "chinese_people")


def test_four_hundred_different_sentences() -> None:
    texts = [case[0] for of in SETS for case in written(of)]
    assert len(texts) == len(set(texts)) == 406
    for of in SETS:
        answers = [case[1] for case in written(of) if case[1] in ("he", "she", "他", "她") and len(case) == 2]
        assert abs(sum(word in ("he", "他") for word in answers) / len(answers) - 0.5) < 0.05


def test_nothing_that_trains_reads_them() -> None:
    readers = {path.name for path in TRAINING if "free_sentences" in path.read_text(encoding="utf-8")}
    assert readers == {"free.py"}
    importers = [
        path for path in TRAINING if re.search(r"measures(\.| import .*)free\b", path.read_text(encoding="utf-8"))
    ]
    assert {path.parent.name for path in importers} == {"general", "measures"}
    assert {path.name for path in importers if path.parent.name == "general"} == {"free.py"}


def test_no_sentence_stands_in_what_trains() -> None:
    trains = "\n".join(path.read_text(encoding="utf-8") for path in TRAINING if path.name != "free.py")
    assert not [case[0] for of in SETS for case in written(of) if case[0] in trains]


def test_a_choice_is_that_between_the_probabilities_of_two_words(shipped: Network) -> None:
    cases = [("When Mary left the house,", "she", "he"), ("The king was tired because", "he", "she")]
    found = choice.either(shipped, cases, " ")
    for (text, right, wrong), share in zip(cases, found, strict=True):
        chances = softmax(shipped.logits(shipped.run(text))[-1])
        a, b = (chances[shipped.tokenizer.encode(f"{text} {word}")[-1].id] for word in (right, wrong))
        assert share == pytest.approx(a / (a + b), rel=1e-4)


def test_a_word_of_several_pieces_needs_them_all(shipped: Network) -> None:
    text = "she was very"
    best = [word for word, _ in shipped.next_tokens(shipped.run(text), -1, 7)]
    assert list(choice.among(shipped, [(text, [word]) for word in best], " ", 5)) == [True] * 5 + [False] * 2
    whole = choice.continued(shipped, text, "qzxv", " ")
    assert len(whole.ids) - whole.text > 1
    assert choice.score(shipped, [whole])[0].log < -10
    assert not choice.among(shipped, [(text, ["qzxv", best[6]])], " ", 5)[0]


def test_calibration_error_by_hand() -> None:
    # Two at .9 sure and right, two at .8 sure of which one is wrong: (2 * .1 + 2 * .3) / 4.
    assert free.calibration_error(np.array([0.901, 0.901, 0.801, 0.199])) == pytest.approx(0.2, abs=2e-3)
    assert free.calibration_error(np.full(10, 1 - 1e-9)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("language", ["english", "chinese"])
def test_an_untrained_model_misses_every_target(shipped: Network, language: str) -> None:
    shares = free.table(shipped.untrained(), language)
    assert {kind for kind, target in free.TARGETS.items() if kind in shares and shares[kind][0] >= target} == set()
