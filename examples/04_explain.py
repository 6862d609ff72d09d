"""A classifier says yes. Which word made it say so, and does the network depend on that word?

pip install ".[torch]"
"""

import torch
from torch import nn

import lstm_core
from lstm_core.analysis import attribution

WORDS = "the film was good bad not a of it very plot actor long short and but".split()


class Sentiment(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(WORDS), 8)
        self.lstm = nn.LSTM(8, 24, batch_first=True)
        self.head = nn.Linear(24, 2)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.head(self.lstm(self.embedding(ids))[1][0][-1])


# Trained for a moment on a rule that we know: a review is positive if "good" is in it.
torch.manual_seed(0)
model = Sentiment()
optimizer = torch.optim.Adam(model.parameters(), 2e-2)
for _ in range(100):
    ids = torch.randint(len(WORDS), (32, 9))
    loss = nn.functional.cross_entropy(model(ids), (ids == WORDS.index("good")).any(1).long())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
model.eval()

text = "the plot was long but the actor good it".split()
ids = torch.tensor([[WORDS.index(word) for word in text]])
print("yes" if model(ids).argmax() else "no")
# > yes

# What is explained is a direction in h: class 1 against class 0. The trace is of the run that gave the answer.
trace = lstm_core.trace_all(model, ids)["lstm"]
yes = model.head.weight[1] - model.head.weight[0]
for method in ("relevance", "integrated", "gradient"):
    found = attribution(trace, yes, method)
    if found.error < 0.01 * abs(found.value):
        print(f"{method}: {text[found.leading()[0]]}")
    else:
        print(f"{method}: adds up to something else than the output")
# > relevance: good
# > integrated: good
# > gradient: adds up to something else than the output

# Two methods add up to the output and name the word. Input times gradient does not add up where gates are saturated:
# its error says not to trust it. Is it true, then? Take the word away and ask again.
ids[0, text.index("good")] = WORDS.index("short")
print("yes" if model(ids).argmax() else "no")
# > no
