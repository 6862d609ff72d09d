"""Twelve questions for somebody who opens the page for the first time: ten minutes, no help.

What the gates did is asked, not what the page says; the answers are computed by the models, so that they stay right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from lab.experiments.record import results
from lstm_core import analysis, load_model
from lstm_core.drawing.panel import percent
from lstm_core.network import Network
from lstm_core.trace import Trace

SENTENCE = "Mary went to the market because she was hungry. Then John met Anna and he"
"""What the page opens with."""
FRANCE = "I grew up in France. The weather was good and the people were kind. I speak fluent"


@dataclass(frozen=True)
class Question:
    """page: where the answer can be found, by the name in its menu. answer: computed anew."""

    page: str
    ask: str
    answer: Callable[[], str]


@cache
def ran(name: str, text: str) -> tuple[Network, Trace]:
    model = load_model(name)
    return model, model.run(text, device="cpu")


def unit(name: str = "pronouns-lstm") -> int:
    """The one that holds the subject's gender."""
    return load_model(name).meta["units"]["gender"]["unit"]


def values(signal: str, text: str = SENTENCE, name: str = "pronouns-lstm") -> np.ndarray:
    """(time,): of that unit."""
    return ran(name, text)[1].signals[signal][0, 0, :, 0, unit(name)]


def word(step: int, text: str = SENTENCE, name: str = "pronouns-lstm") -> str:
    return f"“{ran(name, text)[1].tokens[int(step)].text.strip()}”"


def expected(name: str, text: str, step: int = -1) -> str:
    model, trace = ran(name, text)
    ((said, chance),) = model.predictions(trace, 1)[step]
    return f"“{said.strip()}” ({percent(chance)})"


def at(wanted: str, text: str = SENTENCE, name: str = "pronouns-lstm") -> int:
    """The last step that reads this word."""
    return max(k for k, token in enumerate(ran(name, text)[1].tokens) if token.text.strip() == wanted)


def sign(value: float) -> str:
    return "positive" if value > 0 else "negative"


def biggest_write() -> str:
    _, trace = ran("pronouns-lstm", SENTENCE)
    found = analysis.memory(trace, at("and"), unit())
    return word(int(np.abs(found.contributions).argmax()))


def carried_on() -> str:
    """With the unit's forget gate held open at John, and its input gate shut."""
    model, trace = ran("pronouns-lstm", SENTENCE)
    place = f"[{unit()}]@{at('John')}"
    ((said, chance),) = analysis.intervene(trace, [f"f{place}=1", f"i{place}=0"], model).predictions(1)[1][at("and")]
    return f"“{said.strip()}” ({percent(chance)})"


def copied() -> str:
    found = results("copy")
    assert found is not None
    rnn, lstm, gru = (found.figures[f"{cell}_60"].shipped for cell in ("rnn", "lstm", "gru"))
    assert rnn is not None and lstm is not None and gru is not None
    return f"{'no' if rnn < lstm else 'yes'}: right are RNN {percent(rnn)}, LSTM {percent(lstm)}, GRU {percent(gru)}"


QUESTIONS = (
    Question("Gates", f"The page opens with “{SENTENCE}”. What does the LSTM expect after “and”?",
             lambda: expected("pronouns-lstm", SENTENCE, at("and"))),
    Question("Gates", "And the GRU?", lambda: expected("pronouns-gru", SENTENCE, at("and"))),
    Question("Gates", "At which word does the unit that follows the subject's gender let go of what it held?",
             lambda: word(int(values("f").argmin()))),
    Question("Gates", "What is its forget gate there, and what is it at the word before?",
             lambda: "{:.2f} and {:.2f}".format(*values("f")[[at("John"), at("John") - 1]])),
    Question("Gates", "Is what it holds after “Mary” positive or negative, and after “John”?",
             lambda: f"{sign(values('c')[at('Mary')])}, {sign(values('c')[at('John')])}"),
    Question("Gates", "Which gate opens at “John” and is shut at “and”?",
             lambda: f"the input gate, {values('i')[at('John')]:.2f} against {values('i')[at('and')]:.2f}"),
    Question("Memory", "Which word wrote most of what the unit holds at “and”?", biggest_write),
    Question("Step by step", "What is c of the unit at “John”, and of which two products is it the sum?",
             lambda: f"{values('c')[at('John')]:.2f}, of f times the old c and i times g"),
    Question("What if", "Had the unit kept all at “John” and written nothing, what would the LSTM expect after “and”?",
             carried_on),
    Question("Gates", f"Let the models of English and Chinese read “{FRANCE}”. What does each expect next?",
             lambda: f"LSTM {expected('general-lstm', FRANCE)}, GRU {expected('general-gru', FRANCE)}"),
    Question("Health", "Of the sentence that the page opens with: how many units of the LSTM are dead?",
             lambda: str(int(analysis.health(ran("pronouns-lstm", SENTENCE)[1])[0].dead.sum()))),
    Question("Experiments", "Does a plain RNN copy three letters over a lag of 60 dots as well as an LSTM?",
             copied),
)  # fmt: skip


def table() -> list[tuple[str, str, str]]:
    """(question, where, answer) each."""
    return [(one.ask, one.page, one.answer()) for one in QUESTIONS]
