"""A data set, not one sentence: what every unit did over millions of steps, and questions about it.

``lstm_core.survey`` makes one pass and keeps summaries that can be merged, and places; what else is asked is computed
again from the data. Nothing heavy is imported here: ``lstm_core.survey`` is the function (``lstm_core.survey.run``).
"""

from __future__ import annotations

from lstm_core.say import say


def needed() -> None:
    """Raises ModuleNotFoundError, with what to install, where pyarrow is missing."""
    from importlib.util import find_spec

    if find_spec("pyarrow") is None:
        message = say("a survey is kept with pyarrow, which is not installed: pip install 'gatescope[survey]'")
        raise ModuleNotFoundError(message, name="pyarrow")
