"""What a model's header proposes to read."""

from __future__ import annotations

from dashboard.language import tr
from lstm_core import Network


def examples(model: Network) -> list[tuple[str, str]]:
    """Label and text of the sentences that the model's header proposes."""
    given = [one if isinstance(one, dict) else {"text": one} for one in model.meta.get("examples", [])]
    return [(tr(str(one.get("label", one["text"]))), str(one["text"])) for one in given if "text" in one]
