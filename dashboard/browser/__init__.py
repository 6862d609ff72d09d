"""The browser's side of the page: plain ES modules, a folder for each component and ``page`` for what they share.

They import each other where they lie, here as in the browser, and need no build. ``modules`` reads what they import,
``publish`` puts them where Streamlit serves them, ``mount`` makes components of them, ``pack`` is what they are sent.
"""
