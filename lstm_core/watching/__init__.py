"""While it trains: the health of recurrent modules over time, and whether their state is passed on as it should be.

See ``lstm_core.watch`` and ``lstm_core.check_state``.
"""
