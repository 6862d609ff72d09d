"""Reads a line of LaTeX as ``lstm_core.equations.latex`` writes it, and computes it, with NumPy alone."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

_TOKEN = re.compile(
    r"\\left[(\[]|\\right[)\]]|\\frac|\\odot|\\bmod|\\log\\sigma|\\[a-zA-Z]+|\\[,;]"  # commands
    r"|\d+(?:\.\d+)?|[A-Za-z]|_|\^|[{}+\-=,]"
)
_FUNCTIONS = {
    r"\sigma": lambda a: 1 / (1 + np.exp(-a)),
    r"\log\sigma": lambda a: -np.log1p(np.exp(-a)),
    r"\tanh": np.tanh,
    r"\exp": np.exp,
    r"\max": np.maximum,
}


class _Reader:
    def __init__(self, text: str, values: Mapping[str, np.ndarray]) -> None:
        self.tokens = _TOKEN.findall(text)
        assert "".join(self.tokens) == text.replace(" ", ""), f"cannot read {text}"
        self.values = values

    def next(self, *expected: str) -> str:
        token = self.tokens.pop(0)
        assert not expected or token in expected, f"{token} where {expected} should stand"
        return token

    def peek(self, *tokens: str) -> bool:
        return bool(self.tokens) and self.tokens[0] in tokens

    def sum(self) -> np.ndarray:
        if self.peek("-"):
            self.next()
            value = -self.product()
        else:
            value = self.product()
        while self.peek("+", "-"):
            value = value + self.product() if self.next() == "+" else value - self.product()
        return value

    def product(self) -> np.ndarray:
        value = self.applied()
        while self.peek(r"\odot"):
            self.next()
            value = value * self.applied()
        return value

    def applied(self) -> np.ndarray:
        """A matrix, a thin space, and the vectors (..., in) that it is applied to; or a value by itself."""
        value = self.atom()
        if self.peek(r"\,"):
            self.next()
            return np.einsum("ij,...j->...i", value, self.applied())
        return value

    def atom(self) -> np.ndarray:
        token = self.next()
        if token[0].isdigit():
            return np.float64(token)  # type: ignore[return-value]
        if token in _FUNCTIONS:
            self.next(r"\left(")
            arguments = [self.sum()]
            while self.peek(","):
                self.next()
                self.next(r"\;")
                arguments.append(self.sum())
            self.next(r"\right)")
            return _FUNCTIONS[token](*arguments)
        if token == r"\left(":
            value = self.sum()
            self.next(r"\right)")
            return value
        if token == r"\left[":  # Iverson's bracket: [a mod b = 0]
            value = self.sum()
            self.next(r"\bmod")
            value = np.mod(value, self.sum())
            for expected in ("=", "0", r"\right]"):
                self.next(expected)
            return (value == 0) * 1.0
        if token == r"\frac":
            top, bottom = (self.braced() for _ in range(2))
            return top / bottom
        return self.values[token + self.marks()]

    def braced(self) -> np.ndarray:
        self.next("{")
        value = self.sum()
        self.next("}")
        return value

    def marks(self) -> str:
        """The index and exponent of a letter as they are written."""
        text = ""
        while self.peek("_", "^"):
            text += self.next()
            depth = 0
            while True:
                token = self.next()
                text += token
                depth += {"{": 1, "}": -1}.get(token, 0)
                if depth == 0:
                    break
        return text


def compute(text: str, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """The value of the right-hand side ``text``; ``values`` by letter as it is written, such as "h_{t-1}"."""
    reader = _Reader(text, values)
    value = reader.sum()
    assert not reader.tokens, f"{text} does not end after {reader.tokens}"
    return value


def letter(key: str) -> str:
    """How a quantity is written: "x", "p.W_f", "s.h" (old), "v.f" (this step), "s.below_c" (of the layer below)."""
    kind, _, name = key.partition(".")
    if key == "x":
        return "x_t"
    base, _, index = name.removeprefix("below_").partition("_")
    if kind == "p":
        return f"{base}_{{{index}}}" if index else base
    mark = "t-1" if kind == "s" and not name.startswith("below_") else "t"
    written = f"{base}_{{{index},{mark}}}" if index else f"{base}_{{{mark}}}"
    return written + (r"^{\ell-1}" if name.startswith("below_") else "")
