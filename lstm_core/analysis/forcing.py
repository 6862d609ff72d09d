"""Interventions on the modules inside a model, while the rest of the model runs on: ``trace_all(model, x, force=...)``.

Each is written as the module's dotted name, a colon, and what ``lstm_core.analysis.intervene`` reads:

    encoder: f[6]@9:10=1     unit 6's forget gate of ``encoder`` is 1 at step 9
    decoder.cell#2: h@0=0    of the second run of ``decoder.cell`` that ``trace_all`` would give a trace of
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from lstm_core.analysis.intervene import Force, Swap, check, intervene, parse, reaches
from lstm_core.say import say
from lstm_core.trace import Trace


class Forcing:
    """What is forced in which module.

    begin: told of the modules that there are, it says which of them are forced. A call: the trace of some steps of a
    module, as it ran, and the number of its steps before; what these steps would have been, or None if none is forced.
    end: told of the traces' names.
    """

    def __init__(self, written: str | Iterable[str]) -> None:
        """Raises TypeError for what is neither text nor several texts."""
        listed = list(written) if isinstance(written, Iterable) and not isinstance(written, str) else [written]
        for one in listed:
            if not isinstance(one, str):
                raise TypeError(f"what is forced is written as text, as in 'lstm: f[6]@9:10=1', not as {one!r:.80}")
        self.written = listed
        self.forces: dict[str, list[Force]] = {}
        self.steps: dict[str, int] = {}  # that each run has taken
        self.done: list[Force] = []

    def begin(self, modules: Sequence[str]) -> set[str]:
        """The names of those that are forced. Raises ValueError for a module that there is not, and for what is not an
        intervention."""
        forced = set()
        for text in self.written:
            module, run, rest = _parted(text, modules)
            force = parse(rest.strip())
            if isinstance(force, Swap):
                raise ValueError(say("{text!r}: a module reads numbers, in which no word can be swapped", text=text))
            if force.on:
                self.forces.setdefault(module + run, []).append(force)
                forced.add(module)
        return forced

    def __call__(self, name: str, trace: Trace, start: int) -> Trace | None:
        """See the class. Raises ValueError for a signal, unit, layer or direction that the module does not have."""
        hit = []
        self.steps[name] = start + len(trace)
        for force in self.forces.get(name, ()):
            check(force, trace)
            here = _from(force, start)
            if here is not None and reaches(here, trace):
                hit.append((force, here))
                self.done.append(force)
        if not hit:
            return None
        # What the interventions do not reach stays what the module computed, to the last bit.
        rerun, forced = (intervene(trace, forces).after for forces in ([], [here for _, here in hit]))
        signals = {
            name: np.where(np.isnan(value) | (value == rerun[name]), trace[name], value)
            for name, value in forced.signals.items()
        }
        said = tuple(f"{force} was forced, and what follows from it in these steps is run by us" for force, _ in hit)
        written = tuple(str(force) for force, _ in hit)
        return replace(trace, signals=signals, certificate=None, assumed=(*trace.assumed, *said), forced=written)

    def end(self, names: Iterable[str]) -> None:
        """Raises ValueError if something was forced in a run, or at steps, that there was not."""
        names = list(names)
        for name in self.forces:
            if name not in names:
                raise ValueError(
                    say("the model did not run {name!r}; it ran {names}", name=name, names=", ".join(map(repr, names)))
                )
        for name, forces in self.forces.items():
            for force in forces:
                if not any(force is one for one in self.done):
                    steps = self.steps[name]
                    message = f"{force} reaches no step of {name!r}, which took {steps} (0 to {steps - 1})"
                    raise ValueError(message)


def _parted(text: str, modules: Sequence[str]) -> tuple[str, str, str]:
    """The module, which of its runs ("#2" or nothing), and the intervention."""
    for module in sorted(modules, key=len, reverse=True):
        found = re.fullmatch(r"(#[2-9]\d*|#1\d+)?\s*:(.*)", text.strip().removeprefix(module), re.DOTALL)
        if text.strip().startswith(module) and found:
            return module, found[1] or "", found[2]
    if len(modules) == 1 and not re.match(r"[^@=]*:", text):  # there is no other that it could be
        return modules[0], "", text
    names = ", ".join(map(repr, modules))
    raise ValueError(
        say("{text!r} does not begin with a module's name and a colon; the modules are {names}", text=text, names=names)
    )


def _from(force: Force, start: int) -> Force | None:
    """The same where ``start`` steps have passed; None if it is over."""
    if start == 0:
        return force
    if (force.start or 0) < 0 or (force.stop or 0) < 0:
        raise ValueError(
            say(
                "{force}: a negative step counts from the end, which is not known while a model runs its module step "
                "by step; count from the first step",
                force=str(force),
            )
        )
    if force.stop is not None and force.stop <= start:
        return None
    begin = None if force.start is None else max(force.start - start, 0)
    return replace(force, start=begin, stop=None if force.stop is None else force.stop - start)
