"""A recurrent network that says something of what it looks at, word by word, with soft attention.

Xu et al. 2015, "Show, Attend and Tell" (arXiv 1502.03044): before each word a small network scores every annotation
vector a_i given h_{t-1} (their equations 4 and 5), what is read is the mean of the a_i under the softmax of the scores
(13), the LSTM reads it beside the word before (1 to 3), and the next word is read out of all three (7). The first
states come from the mean of the a_i. The scores are those of Bahdanau et al. 2015 (arXiv 1409.0473), who look at the
states of another recurrent network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from lstm_core.cells.base import Cell
from lstm_core.ops import NUMPY, parameters
from lstm_core.symbols import Expr, SymbolicOps, Symbols, symbol
from lstm_core.text import Token
from lstm_core.trace import Trace

START, END = "<start>", "<end>"


def attend(p: Any, h: Any, a: Any, xp: Any, keys: Any = None) -> dict[str, Any]:
    """One look: h (batch, unit) of the word before, a (place, batch, feature).

    keys: p.W_a @ a, which is the same at every word, if it is known. Returns the scores e and the weights alpha,
    (place, batch, 1), and z (batch, feature), what is read.
    """
    keys = p.W_a @ a if keys is None else keys
    e = p.v @ xp.tanh(keys + p.U_a @ h + p.b_a)
    alpha = xp.softmax_places(e)
    return {"e": e, "alpha": alpha, "z": xp.sum_places(alpha * a)}


def spoken(p: Any, y: Any, h: Any, z: Any) -> Any:
    """The score of every word (batch, vocabulary): y is the word before, as a vector."""
    return p.L_o @ (y + p.L_h @ h + p.L_z @ z) + p.b_o


def first_states(p: Any, a: Any, xp: Any, cell: type[Cell]) -> dict[str, Any]:
    """(batch, unit) each: tanh of a layer on the mean of the a (place, batch, feature)."""
    mean = a.mean(0)
    return {name: xp.tanh(getattr(p, f"W_{name}") @ mean + getattr(p, f"b_{name}")) for name in cell.states()}


def step(cell: type[Cell], p: Any, x: Any, state: Mapping[str, Any], xp: Any = NUMPY) -> dict[str, Any]:
    """Every signal of one step of the cell."""
    s = SimpleNamespace(**state)
    values = cell.gates(p, x, s, xp)
    values |= cell.update(p, SimpleNamespace(**values), s, xp)
    return {signal.name: values[signal.name] for signal in cell.signals}


def traced(
    cell: type[Cell],
    params: Mapping[str, np.ndarray],
    values: Mapping[str, np.ndarray],
    inputs: np.ndarray,
    initial: Mapping[str, np.ndarray],
    words: Sequence[str] = (),
) -> Trace:
    """A trace of one layer in one direction: values (time, batch, unit) by signal, inputs (time, batch, input), initial
    (batch, unit) by state, and what stands along the steps."""
    ends = np.cumsum([len(word) + 1 for word in words])
    tokens = tuple(
        Token(word, int(end) - len(word) - 1, int(end) - 1, k, word, True, k)
        for k, (word, end) in enumerate(zip(words, ends, strict=True))
    )
    signals = {signal.name: values[signal.name][None, None] for signal in cell.signals}
    return Trace(
        cell, signals, inputs, [[params]], {name: value[None, None] for name, value in initial.items()}, tokens
    )


@dataclass(frozen=True, eq=False)
class Said:
    """A sentence, and how it came to be; its end, if it came to one, is the last step.

    words: what was said at each step. alpha: (step, place), where it looked before that. trace: of the recurrent
    network, which read at each step the word before and z. chances: (step, vocabulary), of every word.
    """

    words: list[str]
    alpha: np.ndarray
    trace: Trace
    chances: np.ndarray

    @property
    def sentence(self) -> list[str]:
        """The words without the end."""
        return self.words[:-1] if self.words[-1:] == [END] else self.words


@dataclass(frozen=True, eq=False)
class Speaker:
    """The network that speaks, in NumPy.

    params: of the cell. attention, begin, out: of ``attend``, of ``first_states``, and of ``spoken``. embedding:
    (vocabulary, input), the vectors of ``words``. longest: steps after which a sentence is given up.
    """

    cell: type[Cell]
    params: Mapping[str, np.ndarray]
    attention: Mapping[str, np.ndarray]
    begin: Mapping[str, np.ndarray]
    out: Mapping[str, np.ndarray]
    embedding: np.ndarray
    words: Sequence[str]
    longest: int = 24

    def speak(self, a: np.ndarray) -> list[Said]:
        """What it says of each of a batch, a (place, batch, feature): at every step the likeliest word."""
        p, look, out = parameters(self.params), parameters(self.attention), parameters(self.out)
        initial = state = first_states(parameters(self.begin), a, NUMPY, self.cell)
        end, keys = self.words.index(END), look.W_a @ a
        said = np.full(a.shape[1], self.words.index(START))
        lengths = np.full(len(said), self.longest)
        kept: dict[str, list[np.ndarray]] = {}
        for t in range(self.longest):
            y = self.embedding[said]
            found = attend(look, state["h"], a, NUMPY, keys)
            x = np.concatenate([y, found["z"]], axis=-1)
            values = step(self.cell, p, x, state)
            state = {name: values[name] for name in state}
            scores = spoken(out, y, state["h"], found["z"])
            said = scores.argmax(-1)
            exp = np.exp(scores - scores.max(-1, keepdims=True))
            more = {"x": x, "alpha": found["alpha"][..., 0].T, "chances": exp / exp.sum(-1, keepdims=True)}
            for name, value in {**values, **more, "said": said}.items():
                kept.setdefault(name, []).append(value)
            lengths[(said == end) & (lengths > t)] = t + 1
            if (lengths <= t + 1).all():
                break
        whole = {name: np.stack(values) for name, values in kept.items()}
        return [self._one(whole, initial, k, int(length)) for k, length in enumerate(lengths)]

    def _one(self, whole: Mapping[str, np.ndarray], initial: Mapping[str, np.ndarray], k: int, length: int) -> Said:
        at = slice(k, k + 1)
        words = [str(self.words[id]) for id in whole["said"][:length, k]]
        values = {name: value[:length, at] for name, value in whole.items() if name not in ("said", "alpha")}
        first = {name: value[at] for name, value in initial.items()}
        trace = traced(self.cell, self.params, values, values["x"], first, words)
        return Said(words, whole["alpha"][:length, k], trace, values["chances"][:, 0])

    def everywhere(self) -> Speaker:
        """The same, but looking at all places alike: what its attention is worth."""
        return replace(self, attention={**self.attention, "v": np.zeros_like(self.attention["v"])})

    def groups(self) -> dict[str, Mapping[str, np.ndarray]]:
        """Its arrays, as they are kept; ``Speaker.of`` reads them."""
        arrays = {"params": self.params, "attention": self.attention, "begin": self.begin, "out": self.out}
        return {**arrays, "words": {"embedding": self.embedding}}

    def with_arrays(self, groups: Mapping[str, Mapping[str, np.ndarray]]) -> Speaker:
        """The same with other arrays."""
        return Speaker.of(self.cell, groups, self.words)

    @staticmethod
    def of(cell: type[Cell], groups: Mapping[str, Mapping[str, np.ndarray]], words: Sequence[str]) -> Speaker:
        """Raises KeyError for arrays that are missing."""
        params, attention, begin, out = (groups[name] for name in ("params", "attention", "begin", "out"))
        return Speaker(cell, params, attention, begin, out, groups["words"]["embedding"], tuple(words))


_LETTERS = {"e": "e_{t,i}", "alpha": r"\alpha_{t,i}", "z": "z_{t}", "h": "h_{t-1}", "a": "a_{i}", "p.v": r"v^{\top}"}
_FUNCTIONS = {
    "tanh": r"\tanh\left({0}\right)",
    "softmax_places": r"\operatorname{{softmax}}_{{i}}\left({0}\right)",
    "sum_places": r"\sum_{{i}} {0}",
}


def latex() -> list[str]:
    """The equations of ``attend``, one line each, written from the code that runs."""
    h, a = symbol("h"), symbol("a")
    lines: dict[str, Expr] = attend(Symbols("p"), h, a, SymbolicOps())
    names = {id(expr): name for name, expr in lines.items()}

    def write(expr: Expr, root: bool = False) -> str:
        if not root and id(expr) in names:
            return _LETTERS[names[id(expr)]]
        if expr.op == "symbol":
            key = expr.args[0]
            letter, _, below = key.removeprefix("p.").partition("_")
            return _LETTERS.get(key, f"{letter}_{{{below}}}")
        if expr.op in "@*":
            return r"\, ".join(map(write, expr.args))
        if expr.op == "+":
            return " + ".join(map(write, expr.args))
        return _FUNCTIONS[expr.op].format(*map(write, expr.args))

    return [f"{_LETTERS[name]} = {write(expr, root=True)}" for name, expr in lines.items()]
