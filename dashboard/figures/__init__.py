"""Pure functions from traces to Plotly figures as dicts. Nothing here imports Streamlit or plotly."""
