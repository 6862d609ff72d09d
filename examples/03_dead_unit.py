"""A unit does nothing in any of 10,000 sequences. Which one, and which gate is to blame?

pip install ".[torch]"
"""

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

import lstm_core
from lstm_core.analysis import health

torch.manual_seed(0)
lstm = nn.LSTM(8, 32)
with torch.no_grad():
    lstm.get_parameter("bias_ih_l0")[3 * 32 + 13] = -30  # training has shut an output gate for good: of unit 13

lengths = torch.randint(3, 10, (10_000,))
sequences = pad_sequence([torch.randn(int(length), 8) for length in lengths])

# All of them in one trace; padding does not count. (One that fits no memory: lstm_core.survey, docs/survey.md.)
trace = lstm_core.trace(lstm, sequences, lengths=lengths)
print(f"{trace.shape[3]:,} sequences, {sum(trace.lengths or ()):,} steps")
# > 10,000 sequences, 59,862 steps

[found] = health(trace)  # one for each layer and direction
[unit] = np.flatnonzero(found.dead)
print(f"unit {unit} moves by {found.movement[unit]:.1g}, the others by {np.delete(found.movement, unit).min():.2f}")
# > unit 13 moves by 2e-13, the others by 0.42

# Which gate? The share of the steps at which each is shut or open:
for gate in "ifo":
    print(gate, found.low[gate][unit], found.high[gate][unit])
# > i 0.0 0.0
# > f 0.0 0.0
# > o 1.0 0.0

# Its memory is alive; the output gate never shows it. The weights say why: the bias is -30.
c = trace.sel("c", layer=0, direction=0, unit=unit)
print(f"c moves by {np.nanmax(c) - np.nanmin(c):.1f}; the bias of o is {found.biases['b_o'][unit]:.1f}")
# > c moves by 1.2; the bias of o is -29.9
