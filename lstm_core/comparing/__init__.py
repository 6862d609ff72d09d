"""Where do two models part, and why? See ``lstm_core.compare``.

``sides`` runs both on one input, ``level`` is one layer of a run that can be run again with something exchanged,
``causes`` holds what is known to go wrong, one kind a file, and ``walk`` goes up the layers and tries them.
"""
