"""The LSTM of Greff et al. 2015 with one thing taken away or added, for experiments."""

from __future__ import annotations

from lstm_core.cells.switched import Switched


class NoInputGate(Switched, gates="fo"):
    """NIG of Greff et al. 2015: the whole candidate is written at every step, i = 1."""

    name = "no_input_gate"
    title = "LSTM without input gate"


class NoForgetGate(Switched, gates="io"):
    """NFG of Greff et al. 2015: nothing is ever forgotten, f = 1; the LSTM of 1997 with peepholes."""

    name = "no_forget_gate"
    title = "LSTM without forget gate"


class NoOutputGate(Switched, gates="if"):
    """NOG of Greff et al. 2015: the whole memory is shown at every step, o = 1."""

    name = "no_output_gate"
    title = "LSTM without output gate"


class NoInputActivation(Switched, input_activation=False):
    """NIAF of Greff et al. 2015: what is written is not squashed, g(x) = x."""

    name = "no_input_activation"
    title = "LSTM without input activation"


class NoOutputActivation(Switched, output_activation=False):
    """NOAF of Greff et al. 2015: what is shown is not squashed, h(x) = x."""

    name = "no_output_activation"
    title = "LSTM without output activation"


class CoupledPeephole(Switched, coupled=True):
    """CIFG of Greff et al. 2015, with its peephole; they compute i and write f = 1 - i, here as in ``Coupled``."""

    name = "coupled_peephole"
    title = "Coupled LSTM with peepholes"


class FullGateRecurrence(Switched, full=True):
    """FGR of Greff et al. 2015: every gate also reads all three gates of the step before, as in 1997."""

    name = "full_gate_recurrence"
    title = "LSTM with full gate recurrence"
    note = "The gates are states here: each step reads those of the step before."


class PeepholeI(Switched, peepholes="i"):
    """Of the three peepholes the input gate's alone; the paper has all three or none (NP)."""

    name = "peephole_i"
    title = "LSTM with a peephole in i"


class PeepholeF(Switched, peepholes="f"):
    """Of the three peepholes the forget gate's alone; the paper has all three or none (NP)."""

    name = "peephole_f"
    title = "LSTM with a peephole in f"


class PeepholeO(Switched, peepholes="o"):
    """Of the three peepholes the output gate's alone; the paper has all three or none (NP)."""

    name = "peephole_o"
    title = "LSTM with a peephole in o"
