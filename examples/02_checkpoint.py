"""A training script has saved its options with its weights, so torch.load refuses the file. Read it, and check it.

pip install .   (PyTorch is needed here to make the file and to check it, not to read it)
"""

import argparse
import pickle

import numpy as np
import torch
from torch import nn

import lstm_core

torch.manual_seed(0)
model = nn.ModuleDict({"embedding": nn.Embedding(50, 16), "rnn": nn.GRU(16, 32, 2, batch_first=True)})
args = argparse.Namespace(hidden=32, layers=2, lr=1e-3)
torch.save({"args": args, "epoch": 7, "model": model.state_dict()}, "checkpoint.pt")

try:
    torch.load("checkpoint.pt")
except pickle.UnpicklingError as error:
    print(str(error).splitlines()[0][:32])
# > Weights only load failed. This f

# Nothing in the file is run, so there is nothing to be afraid of. What the file does not say we say ourselves.
loaded = lstm_core.load("checkpoint.pt", batch_first=True)
print(loaded.blocks[0])
# > Block('model.rnn', gru, layers=2, input=16, units=32, forward, x=(batch, time, input))
print(list(loaded.others))
# > ['model.embedding.weight']

# A checkpoint does not say either that ids are looked up in this matrix; asked for ids, it says so.
ids = np.array([[3, 8, 1, 4]])
try:
    loaded.trace(ids)
except ValueError as error:
    print(str(error).rpartition(". ")[2])
# > If it is model.embedding.weight: trace(loaded.others['model.embedding.weight'][ids])

x = loaded.others["model.embedding.weight"][ids]
block = loaded["model.rnn"]
print(block.trace(x).shape)
# > (2, 1, 4, 1, 32)

# Is it what the model computes? The model itself can vouch for it, and from now on every trace says so.
h = model["rnn"](model["embedding"](torch.from_numpy(ids)))[0]
print(block.check(x, h) < 1e-6, block.trace(x).certificate)
# > True h everywhere to 6.0e-08
