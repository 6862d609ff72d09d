"""The choice of a unit on the analysis pages, with the units that a model names offered first."""

from __future__ import annotations

import streamlit as st

from dashboard.controls import taken
from dashboard.figures.content import named_unit, named_units
from dashboard.language import tr
from dashboard.scene import Drawn
from lstm_core import Network


def unit_choice(model: Network, at: Drawn, side: int) -> int:
    """A list of the layer's units; the choice stands in the URL as ``unit`` (left) and ``unit2`` (right)."""
    name = ("unit", "unit2")[side]
    first = [named["unit"] for named in named_units(model, *at)]
    units = [*first, *(unit for unit in range(model.hidden_size) if unit not in first)]
    kept = st.session_state.setdefault("units", {})
    here = (name, model.name, at)
    said = st.query_params.get(name) or str(kept.get(here, ""))  # a change of page drops the address
    start = int(said) if said.isdecimal() and len(said) < 7 and int(said) in units else named_unit(model, *at)
    key = f"{name} of {model.name}"
    before = taken(name)
    if before in units or st.session_state.get(key) not in units:
        st.session_state[key] = before if before in units else start
    chosen = st.selectbox(
        tr("{cell} unit", cell=tr(model.cell.title)),
        units,
        format_func=lambda unit: unit_name(model, at, unit),
        key=key,
    )
    chosen = start if chosen is None else chosen
    if chosen != start:
        st.query_params[name] = str(chosen)
    kept[here] = chosen
    return chosen


def unit_name(model: Network, at: Drawn, unit: int) -> str:
    for named in named_units(model, *at):
        if named["unit"] == unit:
            return tr("{name} (unit {unit})", name=named["name"], unit=unit)
    return tr("unit {unit}", unit=unit)
