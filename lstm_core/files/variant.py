"""Where ``lstm_core.variant`` was; what reads files finds it here still."""

from lstm_core.variant import FORMULAS, SIGMOID, TANH, Activation, activation, variant

__all__ = ["FORMULAS", "SIGMOID", "TANH", "Activation", "activation", "variant"]
