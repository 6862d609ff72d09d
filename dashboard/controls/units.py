"""The choice of a unit on the analysis pages, with the units that a model names offered first."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard.controls import taken
from dashboard.figures.content import named_units
from dashboard.language import tr
from dashboard.scene import Drawn, Scene
from lstm_core import Network, Trace


def unit_choice(shown: Scene, side: int) -> int:
    """A list of the layer's units, on the one that decides until another is picked; the choice stands in the URL as
    ``unit`` (left) and ``unit2`` (right)."""
    model, trace, at, home = shown.models[side], shown.traces[side], shown.drawn[side], shown.units[side]
    name = ("unit", "unit2")[side]
    first = [named["unit"] for named in named_units(model, *at, trace)]
    units = [*first, *(unit for unit in range(model.hidden_size) if unit not in first)]
    picked = st.session_state.setdefault("units", {})
    here = (name, model.name, at)
    said = st.query_params.get(name) or str(picked.get(here, ""))  # a change of page drops the address
    start = int(said) if said.isdecimal() and len(said) < 7 and int(said) in units else home
    key = f"{name} of {model.name}, at home {home}"  # of what is picked nothing: the next pick may come at once
    if (before := taken(name)) in units:
        st.session_state[key] = before
    elif st.session_state.get(key) not in units:
        st.session_state[key] = start
    chosen = st.selectbox(
        tr("{cell} unit", cell=tr(model.cell.title)),
        units,
        format_func=unit_names(model, at, trace),
        key=key,
    )
    chosen = start if chosen is None else chosen
    if chosen != start:
        st.query_params[name] = str(chosen)
        picked[here] = chosen
    return chosen


def unit_ends(model: Network, at: Drawn, unit: int, trace: Trace) -> tuple[str, str]:
    """What the low and the high end of the unit's memory mean, where it is shown by name."""
    found = next((named for named in named_units(model, *at, trace) if named["unit"] == unit), {})
    return found.get("low", ""), found.get("high", "")


def unit_name(model: Network, at: Drawn, unit: int, trace: Trace) -> str:
    """The unit by its number, and by its name where it holds what that means in ``trace``."""
    return unit_names(model, at, trace)(unit)


def unit_names(model: Network, at: Drawn, trace: Trace) -> Callable[[int], str]:
    """``unit_name`` of any unit: what the memories hold is looked up once, for all of a long text."""
    names = {named["unit"]: named["name"] for named in named_units(model, *at, trace)}

    def name(unit: int) -> str:
        if unit in names:
            return tr("{name} (unit {unit})", name=names[unit], unit=unit)
        return tr("unit {unit}", unit=unit)

    return name
