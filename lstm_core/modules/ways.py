"""The ways from a call to its gates. Each runs the module and has one signature, ``(call) -> Gates``; one that reads
along while the module runs gives None where it did not find what it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lstm_core.modules import onednn, recorded
from lstm_core.modules.call import Call
from lstm_core.modules.gates import Gates
from lstm_core.modules.loop import loop
from lstm_core.modules.product import product


@dataclass(frozen=True)
class Way:
    """take: see above. usable: whether it can be tried on a call. worth: whether it is then expected to be the fastest;
    both are asked before the module runs."""

    take: Callable[[Call], Gates | None]
    usable: Callable[[Call], bool] = lambda call: True
    worth: Callable[[Call], bool] = lambda call: False


WAYS = {
    "onednn": Way(onednn.onednn, onednn.usable, onednn.worth),
    "recorded": Way(recorded.recorded, recorded.usable, recorded.worth),
    "product": Way(product),
    "loop": Way(loop),
}
METHODS = ("auto", *WAYS)


def to_try(call: Call, method: str = "auto") -> Iterator[Callable[[Call], Gates | None]]:
    """The ways to try in turn: those asked for, or worth it, and "product", which always works. "loop" is for whoever
    asks for it."""
    for name, way in WAYS.items():
        if (name == method or (method == "auto" and way.worth(call))) and way.usable(call):
            yield way.take
    if method not in ("product", "loop"):
        yield product
