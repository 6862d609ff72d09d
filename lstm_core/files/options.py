"""What a caller says of a file beyond what stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lstm_core.files import limits
from lstm_core.files.beside import Beside


@dataclass(frozen=True)
class Options:
    """See ``load``. What is None is left to the file, and to the format's own default where the file is silent."""

    cell: str | Mapping[str, str] | None = None
    batch_first: bool = False
    activation: str | None = None
    recurrent_activation: str | None = None
    reset_after: bool | None = None
    go_backwards: bool | None = None
    names: Mapping[str, str] | None = None
    max_bytes: int = limits.MAX_BYTES
    beside: Beside = field(default_factory=Beside)
