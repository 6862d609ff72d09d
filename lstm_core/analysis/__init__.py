"""Exact answers about a trace, one question a file. Each is a pure function from traces to a frozen result."""

from __future__ import annotations

from lstm_core.analysis.attribution import Attribution, attribution
from lstm_core.analysis.contrast import Contrast, contrast
from lstm_core.analysis.deletion import Deletion, deletion
from lstm_core.analysis.expected import expected
from lstm_core.analysis.flow import Flow, flow, jacobians
from lstm_core.analysis.gradients import Gradients, gradients
from lstm_core.analysis.health import Health, health
from lstm_core.analysis.intervene import Counterfactual, Force, Swap, format_all, intervene, parse, parse_all, reaches
from lstm_core.analysis.memory import Memory, Retention, memory, retention
from lstm_core.analysis.properties import PROPERTIES, Property
from lstm_core.analysis.readout import Lead, Readout, lead, leads, readout, word_error
from lstm_core.analysis.saturation import Saturation, saturation
from lstm_core.analysis.search import Search, search, search_traces
from lstm_core.analysis.timescales import Timescales, timescales

__all__ = [
    "PROPERTIES",
    "Attribution",
    "Contrast",
    "Counterfactual",
    "Deletion",
    "Flow",
    "Force",
    "Gradients",
    "Health",
    "Lead",
    "Memory",
    "Property",
    "Readout",
    "Retention",
    "Saturation",
    "Search",
    "Swap",
    "Timescales",
    "attribution",
    "contrast",
    "deletion",
    "expected",
    "flow",
    "format_all",
    "gradients",
    "health",
    "intervene",
    "jacobians",
    "lead",
    "leads",
    "memory",
    "parse",
    "parse_all",
    "reaches",
    "readout",
    "retention",
    "saturation",
    "search",
    "search_traces",
    "timescales",
    "word_error",
]
