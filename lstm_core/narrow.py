"""Floating-point numbers of one or two bytes that NumPy has no type for, widened to float32, which holds each exactly.

bfloat16 is the upper half of a float32. Of eight bits: Micikevicius et al. 2022 (arXiv 2209.05433); "fnuz" are those of
Noune et al. 2022 (arXiv 2206.02915), with one more in the bias, one zero and one NaN; "e8m0fnu" are powers of two.
"""

from __future__ import annotations

from functools import cache

import numpy as np

KINDS = {
    "bfloat16": "uint16",
    **dict.fromkeys(("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"), "uint8"),
}
"""NumPy's type for the bits of each, by torch's name."""
EIGHT = {"float8_e4m3fn": (4, 7), "float8_e5m2": (5, 15), "float8_e4m3fnuz": (4, 8), "float8_e5m2fnuz": (5, 16)}
"""Bits of the exponent, and its bias."""


def widened(kind: str, codes: np.ndarray) -> np.ndarray:
    """The numbers that ``codes``, of the type of ``KINDS``, stand for, as float32."""
    if kind == "bfloat16":
        return (codes.astype(np.uint32) << 16).view(np.float32)
    return _numbers(kind)[codes]


@cache
def _numbers(kind: str) -> np.ndarray:
    """(256,) the float of each code."""
    code = np.arange(256)
    if kind == "float8_e8m0fnu":
        value = np.where(code == 255, np.nan, 2.0 ** (code - 127))
        return value.astype(np.float32)
    bits, bias = EIGHT[kind]
    exponent, fraction = np.divmod(code & 127, 1 << 7 - bits)
    part = fraction / (1 << 7 - bits)
    value = np.where(exponent == 0, part * 2.0 ** (1 - bias), (1 + part) * 2.0 ** (exponent - bias))
    if kind == "float8_e5m2":
        value[exponent == 31] = np.where(fraction == 0, np.inf, np.nan)[exponent == 31]
    elif kind == "float8_e4m3fn":
        value[code & 127 == 127] = np.nan
    else:
        value[128] = np.nan
    return np.where(code < 128, value, -value).astype(np.float32)
