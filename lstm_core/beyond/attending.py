"""A recurrent network that says something of what it looks at, word by word, with soft or hard attention.

Xu et al. 2015, "Show, Attend and Tell" (arXiv 1502.03044): before each word a small network scores every annotation
vector a_i given h_{t-1} (their equations 4 and 5), what is read is the mean of the a_i under the softmax of the scores
(13), the LSTM reads it beside the word before (1 to 3), and the next word is read out of all three (7). The first
states come from the mean of the a_i. With hard attention one a_i alone is read: in training it is drawn with the
chances of the softmax (their 4.1), and here it is the likeliest. The scores are those of Bahdanau et al. 2015 (arXiv
1409.0473), who look at the states of another recurrent network.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstm_core.beyond import kept
from lstm_core.beyond.running import Do, Running
from lstm_core.beyond.writing import Recurrent, written
from lstm_core.cells.base import Cell
from lstm_core.ops import NUMPY, parameters
from lstm_core.say import say
from lstm_core.symbols import SymbolicOps, Symbols, symbol
from lstm_core.trace import Trace

START, END = "<start>", "<end>"


def attend(
    p: Any, h: Any, a: Any, xp: Any, keys: Any = None, pick: Callable[[Any], Any] | None = None
) -> dict[str, Any]:
    """One look: h (batch, unit) of the word before, a (place, batch, feature).

    keys: p.W_a @ a, which is the same at every word, if it is known. pick: of hard attention, which place is read, as 1
    among zeros, of the weights. Returns the scores e, the weights alpha and with ``pick`` what it gave, s, (place,
    batch, 1) each, and z (batch, feature), what is read.
    """
    keys = p.W_a @ a if keys is None else keys
    e = p.v @ xp.tanh(keys + p.U_a @ h + p.b_a)
    alpha = xp.softmax_places(e)
    if pick is None:
        return {"e": e, "alpha": alpha, "z": xp.sum_places(alpha * a)}
    s = pick(alpha)
    return {"e": e, "alpha": alpha, "s": s, "z": xp.sum_places(s * a)}


def spoken(p: Any, y: Any, h: Any, z: Any) -> Any:
    """The score of every word (batch, vocabulary): y is the word before, as a vector."""
    return p.L_o @ (y + p.L_h @ h + p.L_z @ z) + p.b_o


def next_word(
    look: Any, out: Any, y: Any, a: Any, network: Any, xp: Any, keys: Any = None,
    pick: Callable[[Any], Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """What leads to the next word: y is the word before, as a vector (batch, input), and network, under way
    (``running.Running``), goes on by a step. The others as ``attend`` takes them, and ``spoken``.

    Returns what ``attend`` does, x (batch, input), what the network read, h (batch, unit), what it shows, and the score
    of every word (batch, vocabulary).
    """
    found = attend(look, network.h, a, xp, keys, pick)
    x = xp.concatenate([y, found["z"]], axis=-1)
    h = network(x)
    return {**found, "x": x, "h": h, "score": spoken(out, y, h, found["z"])}


def first_states(p: Any, a: Any, xp: Any, cell: type[Cell]) -> dict[str, Any]:
    """(batch, unit) each: tanh of a layer on the mean of the a (place, batch, feature)."""
    mean = xp.mean_places(a)
    return {name: xp.tanh(getattr(p, f"W_{name}") @ mean + getattr(p, f"b_{name}")) for name in cell.states()}


@dataclass(frozen=True, eq=False)
class Said:
    """A sentence, and how it came to be; its end, if it came to one, is the last step.

    words: what was said at each step. alpha: (step, place), where it looked before that, 1 at a single place where
    its attention is hard. trace: of the recurrent
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
    (vocabulary, input), the vectors of ``words``. longest: steps after which a sentence is given up. hard: whether it
    looks at one place at a time.
    """

    cell: type[Cell]
    params: Mapping[str, np.ndarray]
    attention: Mapping[str, np.ndarray]
    begin: Mapping[str, np.ndarray]
    out: Mapping[str, np.ndarray]
    embedding: np.ndarray
    words: Sequence[str]
    longest: int = 24
    hard: bool = False

    def speak(self, a: np.ndarray, do: Do | None = None) -> list[Said]:
        """What it says of each of a batch, a (place, batch, feature): at every step the likeliest word. do: what
        happens to the steps of its network."""
        look, out = parameters(self.attention), parameters(self.out)
        initial = first_states(parameters(self.begin), a, NUMPY, self.cell)
        network = Running(self.cell, parameters(self.params), initial, do=do)
        end, keys = self.words.index(END), look.W_a @ a
        pick = NUMPY.likeliest_place if self.hard else None
        said = np.full(a.shape[1], self.words.index(START))
        lengths = np.full(len(said), self.longest)
        spoken: dict[str, list[np.ndarray]] = {"said": [], "alpha": [], "chances": []}
        for t in range(self.longest):
            found = next_word(look, out, self.embedding[said], a, network, NUMPY, keys, pick)
            said = found["score"].argmax(-1)
            exp = np.exp(found["score"] - found["score"].max(-1, keepdims=True))
            spoken["said"].append(said)
            spoken["alpha"].append(found["s" if self.hard else "alpha"][..., 0].T)
            spoken["chances"].append(exp / exp.sum(-1, keepdims=True))
            lengths[(said == end) & (lengths > t)] = t + 1
            if (lengths <= t + 1).all():
                break
        whole = {name: np.stack(values) for name, values in spoken.items()}
        found = []
        for k, length in enumerate(lengths.tolist()):
            words = [str(self.words[id]) for id in whole["said"][:length, k]]
            trace = network.trace(self.params, initial, k, words)
            found.append(Said(words, whole["alpha"][:length, k], trace, whole["chances"][:length, k]))
        return found

    def error(self, said: Said, t: int) -> np.ndarray:
        """(unit,): how the surprise at the word that was said at step t, -log of its chance, grows with each number of
        h_t. It is what ``analysis.gradients`` goes back from."""
        wrong = said.chances[t] - (np.arange(len(self.words)) == self.words.index(said.words[t]))
        return wrong @ self.out["L_o"] @ self.out["L_h"]

    def everywhere(self) -> Speaker:
        """The same, but looking at all places alike: what its attention is worth."""
        return replace(self, attention={**self.attention, "v": np.zeros_like(self.attention["v"])}, hard=False)

    def groups(self) -> dict[str, Mapping[str, np.ndarray]]:
        """Its arrays, as they are kept; ``Speaker.of`` reads them."""
        arrays = {"params": self.params, "attention": self.attention, "begin": self.begin, "out": self.out}
        return {**arrays, "words": {"embedding": self.embedding}}

    def with_arrays(self, groups: Mapping[str, Mapping[str, np.ndarray]]) -> Speaker:
        """The same with other arrays."""
        return Speaker.of(self.cell, groups, self.words, self.hard)

    @staticmethod
    def of(
        cell: type[Cell], groups: Mapping[str, Mapping[str, np.ndarray]], words: Sequence[str], hard: bool = False
    ) -> Speaker:
        """Raises KeyError for arrays that are missing."""
        params, attention, begin, out = (groups[name] for name in ("params", "attention", "begin", "out"))
        return Speaker(cell, params, attention, begin, out, groups["words"]["embedding"], tuple(words), hard=hard)


def shapes(
    path: str | os.PathLike[str], cell: type[Cell], groups: kept.Groups, words: Sequence[str], seen: int
) -> kept.Shapes:
    """The arrays of a ``Speaker`` that looks at ``seen`` features a place; ValueError where its sizes cannot be found,
    and for words without a start and an end."""
    if not {START, END} <= set(words):
        raise ValueError(say("{path} is not whole: {error} is missing", path=str(path), error=repr(f"{START}, {END}")))
    embedding, asks = (
        kept.size(path, groups, "words", "embedding", 1, 2),
        kept.size(path, groups, "attention", "v", 1, 2),
    )
    units = kept.size(path, groups, "attention", "U_a", 1, 2)
    begin = {f"W_{name}": (units, seen) for name in cell.states()} | {f"b_{name}": (units,) for name in cell.states()}
    out = {"L_o": (len(words), embedding), "L_h": (embedding, units), "L_z": (embedding, seen), "b_o": (len(words),)}
    return {
        "params": kept.of_cell(cell, embedding + seen, units),
        "attention": {"W_a": (asks, seen), "U_a": (asks, units), "b_a": (asks,), "v": (1, asks)},
        "begin": begin,
        "out": out,
        "words": {"embedding": (len(words), embedding)},
    }


_LETTERS = {
    **{"e": "e_{t,i}", "alpha": r"\alpha_{t,i}", "s": "s_{t,i}", "z": "z_{t}", "x": "x_{t}", "h": "h_{t}"},
    **{"score": r"\operatorname{score}_{t}"},
    **{"a": "a_{i}", "y": "y_{t-1}", "lstm.h": "h_{t-1}", "p.v": r"v^{\top}"},
}
_FUNCTIONS = {
    "softmax_places": r"\operatorname{{softmax}}_{{i}}\left({0}\right)",
    "likeliest_place": r"\left[ i = \arg\max_{{j}} \alpha_{{t,j}} \right]",
    "sum_places": r"\sum_{{i}} {0}",
    "mean_places": r"\tfrac{{1}}{{L}} \textstyle\sum_{{i}} {0}",
    "concatenate": r"\left[{0},\; {1}\right]",
    "lstm": r"\mathrm{{LSTM}}\left({0},\; {1}\right)",
}


def latex(cell: type[Cell], hard: bool = False) -> list[str]:
    """The equations of ``next_word`` and ``first_states``, one line each, written from the code that runs."""
    xp, p, a = SymbolicOps(), Symbols("p"), symbol("a")
    first = {f"{name}_0": value for name, value in first_states(p, a, xp, cell).items()}
    lines = next_word(p, p, symbol("y"), a, Recurrent("lstm"), xp, pick=xp.likeliest_place if hard else None)
    letters = {**_LETTERS, **{f"{name}_0": f"{name}_{{0}}" for name in cell.states()}}
    return written({**first, **lines}, letters, _FUNCTIONS, {"alpha", "s"})
