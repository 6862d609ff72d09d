"""A torch module -> its trace, with the proof that it is the module's own run. Importing this package imports torch."""

from __future__ import annotations

from importlib.util import find_spec

from lstm_core.say import say

if find_spec("torch") is None:
    message = say("a PyTorch module is traced with PyTorch, which is not installed: pip install torch")
    raise ModuleNotFoundError(message, name="torch")
