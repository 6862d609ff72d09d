"""``lstm_core.watch`` as a callback of Lightning, which is imported when one is made."""

from __future__ import annotations

import importlib
from typing import Any

from lstm_core.say import say


def callback(every: int, to: Any, sequences: int) -> Any:
    """A ``Callback`` of the Lightning that is installed. Raises ImportError where none is."""
    for name in ("lightning.pytorch", "pytorch_lightning"):
        try:
            base = importlib.import_module(name).Callback
            break
        except ImportError:
            continue
    else:
        raise ImportError(say("a Lightning callback needs Lightning, which is not installed: pip install lightning"))

    class Watch(base):
        """Watches the module from the beginning of ``fit`` to its end."""

        watching: Any = None

        def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
            from lstm_core.watching.watch import Watching

            if to is None and trainer.logger is None:
                raise ValueError(say("the Trainer has no logger; to= of watch_callback says where readings go instead"))
            given = trainer.logger.experiment if to is None else to
            self.watching = Watching(pl_module, every, given, sequences, counts=False)

        def on_train_batch_start(self, trainer: Any, pl_module: Any, *rest: Any) -> None:
            self.watching.begins(pl_module)  # training_step is no forward of the module that is watched

        def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
            if self.watching is not None:
                self.watching.close()

        def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
            self.on_fit_end(trainer, pl_module)

    return Watch()
