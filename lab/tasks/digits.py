"""Handwritten digits, 8 x 8: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits" (UCI, 1998, CC BY
4.0), as scikit-learn ships them (`sklearn.datasets.load_digits`, 1.9.1). `python -m lab.tasks.digits` writes the file
anew where scikit-learn is installed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

FILE = Path(__file__).with_suffix(".npz")
SIDE = 16
TRAINED = 1400
"""Of 1797; the others are for measuring. They come in the order of their writers, so these are by other hands."""


def digits(held_out: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """(digit, 256), 0 or 1, float32, and which digit each is, (digit,).

    They are made 16 x 16, and black where the grey between the pixels of 8 x 8 is more than four sevenths.
    """
    with np.load(FILE) as file:
        grey, names = file["pixels"].reshape(-1, 8, 8) / 16, file["names"]
    at = (np.arange(SIDE) + 0.5) / 2 - 0.5
    near = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(8)))
    pixels = (near @ grey @ near.T > 4 / 7).reshape(len(grey), -1).astype(np.float32)
    return (pixels[TRAINED:], names[TRAINED:]) if held_out else (pixels[:TRAINED], names[:TRAINED])


if __name__ == "__main__":
    from sklearn.datasets import load_digits  # type: ignore[import-not-found]

    found = load_digits()
    np.savez_compressed(FILE, pixels=found.data.astype(np.uint8), names=found.target.astype(np.uint8))
