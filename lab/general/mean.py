"""The mean of a general model before and after it read on, weight by weight (Wortsman et al. 2022)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from lab.general.bits import total
from lab.general.data import collect
from lab.general.export import learner, network
from lab.general.read_on import pieces, with_weights
from lab.general.train import bits_per_character
from lstm_core.network import Network


def mean(before: Network, after: Network, share: float, texts: Path) -> Network:
    """``share`` of ``after`` and the rest of ``before``, weight by weight, under the header of ``after``, which tells
    what the mean is of. Raises ValueError unless the one has read on from the other."""
    read = [model.meta.get("read_on", ()) for model in (before, after)]
    sizes = before.hidden_size == after.hidden_size
    if not sizes or before.name != after.name or [*read[0]] != [*read[1]][: len(read[0])]:
        raise ValueError(f"{after.name} has not read on from that {before.name}")
    own, other = learner(before).state_dict(), learner(after)
    other.load_state_dict({name: torch.lerp(own[name], value, share) for name, value in other.state_dict().items()})
    tokenizer = pieces(after)
    collected = collect(texts, tokenizer)
    bits = total(bits_per_character(other.eval(), collected, torch.device("cpu")), collected)
    means = [*after.meta.get("mean", ()), {"share": share, "readings": [len(each) for each in read]}]
    told = {**after.meta, "bits": {**after.meta["bits"], "network": bits}, "mean": means}
    return replace(with_weights(after, network(other, tokenizer, after.name)), meta=told)
