"""What is asked of single units: which state they remember in, and which of them tells two things apart best."""

from __future__ import annotations

import numpy as np

from lstm_core.analysis.split import Split, split
from lstm_core.equations import carry
from lstm_core.network import Network


def memory(model: Network) -> str:
    """The state that is the cell's memory: what its update carries on, or its output where nothing is carried."""
    rule = carry(model.cell)
    return rule.state if rule else model.cell.output


def best_unit(values: np.ndarray, labels: np.ndarray) -> tuple[int, float, int]:
    """(unit, threshold, sign) that tells label 1 from label 0 best; values (samples, units), labels (samples,)."""
    found = split(values, labels)
    unit = int(found.accuracy(values, labels).argmax())
    return unit, float(found.threshold[unit]), 1 if found.above[unit] else -1


def unit_accuracy(values: np.ndarray, labels: np.ndarray, unit: int, threshold: float, sign: int) -> float:
    """Balanced accuracy: the mean of the shares of ones and of zeros that lie on their side of the threshold."""
    return float(Split(np.array([threshold]), np.array([sign > 0])).accuracy(values[:, [unit]], labels)[0])
