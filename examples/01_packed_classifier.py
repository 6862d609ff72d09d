"""A classifier reads a padded batch, packed, in both directions. What did its gates do in each sequence?

pip install ".[torch]"
"""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

import lstm_core


class Classifier(nn.Module):
    """An ordinary one; nothing in it knows of Gatescope."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(100, 16, padding_idx=0)
        self.lstm = nn.LSTM(16, 32, num_layers=2, bidirectional=True, batch_first=True, dropout=0.3)
        self.head = nn.Linear(64, 3)

    def forward(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        x = pack_padded_sequence(self.embedding(ids), lengths, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.lstm(x)
        return self.head(torch.cat([h[-2], h[-1]], dim=1))


torch.manual_seed(0)
model = Classifier().eval()  # with dropout active two runs would differ, which is refused
lengths = torch.tensor([12, 5, 9, 3])
ids = torch.randint(1, 100, (4, 12)) * (torch.arange(12) < lengths[:, None])

# trace_all takes what the model takes, runs it once, and traces every recurrent module in it by its name.
trace = lstm_core.trace_all(model, ids, lengths)["lstm"]
print(trace.shape, trace.lengths)
# > (2, 2, 12, 4, 32) (12, 5, 9, 3)

# The proof that this is what the module did.
print(trace.certificate)
# > h, c everywhere to 7.5e-08; i, f, g, o at 3,712 of 3,712 places to 1.2e-07

# The forget gates of the top layer, forward, in the second sequence: (time, unit), NaN after its end ...
forget = trace.sel("f", layer=1, direction=0, batch=1)
print(forget.shape, forget[4, 0], forget[5, 0])
# > (12, 32) 0.39376104 nan

# ... or that sequence alone, as long as it is. Direction 1 read it from its own end, not from the padding's.
alone = trace.sequence(1)
print(alone.sel("f", layer=1, direction=1, batch=0).shape)
# > (5, 32)

# What the classifier's head saw: the last states of both directions.
print(trace.final["h"][1, :, 1].shape)
# > (2, 32)
