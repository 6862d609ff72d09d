"""The browser's side of the page: plain ES modules, a folder for each component and ``page`` for what they share.

They import each other where they lie, here as in the browser, and need no build. In ``lstm_core.drawing`` it is read
what they import (``modules``), and what they are sent is made (``pack``). ``publish`` puts them where Streamlit serves
them, ``mount`` makes components of them.
"""
