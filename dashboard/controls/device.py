"""The choice of the device, where there is one to choose: what the visitor says goes, "auto" decides by the work."""

from __future__ import annotations

import streamlit as st

from dashboard.language import mark, tr
from dashboard.library import DEVICE, wanted
from lstm_core.device import accelerator, place, resolve

LABELS = {"auto": mark("Automatic"), "cpu": mark("CPU"), "accelerator": mark("GPU")}


def device_choice() -> None:
    """Draw it, in one quiet line; nothing where no accelerator can be used. Why a run took place where it did, the
    figure says."""
    if accelerator() is None:
        return
    refused = ""
    if st.session_state.get(DEVICE) == "accelerator":
        try:
            resolve(wanted())
        except ValueError:
            st.session_state[DEVICE], refused = "auto", tr(place("cpu"))
    st.session_state.setdefault(DEVICE, "auto")
    with st.container(key="run_on", horizontal=True, vertical_alignment="center"):
        label = tr("Run on")
        st.caption(label, width="content")
        st.segmented_control(
            label,
            list(LABELS),
            required=True,
            format_func=lambda one: tr(LABELS[one]),
            key=DEVICE,
            label_visibility="collapsed",
        )
        if refused:
            st.caption(refused)
