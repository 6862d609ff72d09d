"""The floor: a bare Streamlit page that redraws one fixed Plotly heatmap with ``st.plotly_chart`` on Enter.

The heatmap never changes; the title takes the text, so that a repaint can be seen, as the page's words can.
"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

STEPS, UNITS = 20, 64
VALUES = np.random.default_rng(0).random((UNITS, STEPS), dtype=np.float32)

text = st.text_input("Sentence", "start")
st.plotly_chart(go.Figure(go.Heatmap(z=VALUES), go.Layout(title=text)), key="chart")
