"""Where a survey can count, as a fixture's parameters. torch on the CPU stands for what runs on a card as well."""

from __future__ import annotations

import pytest
import torch

from lstm_core.survey import models
from lstm_core.survey.arrays import HERE, There

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
PLACES = [
    pytest.param(None, id="numpy"),
    pytest.param("cpu", id="torch"),
    pytest.param("cuda", id="cuda", marks=CUDA),
]


def count_on(place: str | None, patch: pytest.MonkeyPatch) -> None:
    """Lets every survey run and count there, whatever the work is worth."""
    patch.setattr(models, "on", lambda device: HERE if place is None else There(place))
