"""A data set, not one sentence: what every unit did over millions of steps, and questions about it.

``lstm_core.survey`` makes one pass and keeps summaries that can be merged, and places; what else is asked is computed
again from the data. Nothing is imported here: ``lstm_core.survey`` is the function (``lstm_core.survey.run``).
"""
