"""What is drawn: pure functions from traces and results to what the browser's modules draw.

The page, a saved page and a notebook draw with the same modules (``dashboard/browser``), out of the same trees of dicts
and arrays, which are made here. Nothing here imports Plotly or Streamlit.
"""
