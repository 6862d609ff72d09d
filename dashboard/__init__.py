"""The Streamlit page that draws what ``lstm_core`` traced."""
