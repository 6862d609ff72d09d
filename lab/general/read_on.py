"""A shipped general model goes on: the second phase once more, from its weights.

The recipe begins at random weights, which is hours on two cores. This begins at what there is, with the same kinds of
text drawn anew, and the header tells both; its figures are those of before until they are measured again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from lab.general import phase2
from lab.general.balance import balance
from lab.general.bits import total
from lab.general.export import learner, network
from lab.general.grow import grown
from lab.general.rules import without
from lab.general.train import Plan, bits_per_character, train
from lab.machine import machine
from lstm_core.network import Network
from lstm_core.text import BEGINS, CHARACTERS

FURTHER = {"rate": 1.5e-3, "dropout": 0.0, "made": 0.2, "rest": 4096}
"""What is otherwise than in the phase, unless it is given. The learning rate at first is below that of the phase, which
begins with what has read real text alone. By then every text has been read many times and is still not known by heart:
over five million tokens of the LSTM with windows of 448, held-out bits a character were 1.437 with the phase's dropout,
1.426 with .1 and 1.422 with none. With fewer made texts beside the real ones, and more pieces to weigh them against,
they were 1.419 (with .1)."""

LEAST_ROWS = 8
"""Fewer rows side by side are too alike to learn from, and hardly faster to compute."""


def pieces(model: Network) -> Tokenizer:
    """Those that training texts are written in: without the rules for what a visitor types."""
    return Tokenizer.from_str(without(without(model.tokenizer.json, BEGINS), CHARACTERS))


def plan(model: Network, tokens: int, window: int | None = None, **otherwise: float) -> Plan:
    """The second phase of the model's cell, under another seed each time that it is read on.

    window: how many tokens back a gradient reaches; the phase's own unless given. As many tokens make a step.
    otherwise: what is to be other than in ``FURTHER``.
    """
    seed = model.meta["seed"] + 1 + len(model.meta.get("read_on", ()))
    own = phase2.plan(model.cell.name)
    window = window or own.time
    batch = max(LEAST_ROWS, round(own.batch * own.time / window))
    return replace(own, seed=seed, tokens=tokens, batch=batch, time=window, **{**FURTHER, **otherwise})


def read_on(
    model: Network,
    texts: Path,
    tokens: int,
    work: Path,
    window: int | None = None,
    units: int | None = None,
    **otherwise: float,
) -> Network:
    """The model after about so many more tokens; ``work`` keeps the checkpoint. window, otherwise: see ``plan``.
    units: to how many it grows before (see ``grown``).

    Raises ValueError for a network of another kind, and if another training is under way in ``work``. Raises SystemExit
    if it is stopped.
    """
    planned, tokenizer, begun = plan(model, tokens, window, **otherwise), pieces(model), learner(model)
    if units:
        torch.manual_seed(planned.seed)
        begun = grown(begun, units)
    first = work / "pieces"
    first.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(first / "tokenizer.json"))
    gathered = phase2.with_made(texts, first, work, planned.seed)
    run = train(planned, gathered, work, begin=begun)
    if run.step < planned.steps:
        raise SystemExit(f"stopped at step {run.step:,} of {planned.steps:,}; the same command goes on")
    run.model.eval()
    for language, marked in phase2.fresh(phase2.Sentences.of(texts), planned.seed, phase2.FRESH).items():
        balance(run.model, tokenizer, marked, language)
    after = network(run.model, tokenizer, model.name)
    read = {
        "tokens": planned.steps * planned.batch * planned.time,
        "units": begun.hidden,
        "window": planned.time,
        "rate": planned.rate,
        "dropout": planned.dropout,
        "made": planned.made,
        "steps": planned.steps,
        "seconds": round(run.seconds, 1),
        "machine": machine(),
    }
    bits = total(bits_per_character(run.model, gathered, run.device), gathered)
    return replace(with_weights(model, after), meta=header(model.meta, read, bits))


def with_weights(model: Network, weights: Network) -> Network:
    """``model`` with the weights of another of its form."""
    assert model.reader is not None and weights.reader is not None
    words = replace(model.reader, embedding=weights.reader.embedding)
    return replace(model, block=weights.block, reader=words, readout=weights.readout)


def told(meta: Mapping[str, Any]) -> str:
    """What reading on has made of a model, in words; of what it read, ``honesty`` tells."""
    readings = meta.get("read_on", ())
    if not readings:
        return ""
    said = [f"After its training it read {sum(read['tokens'] for read in readings) / 1e6:.0f} million tokens more."]
    grown = [read["grown_from"] for read in readings if "grown_from" in read]
    if grown:
        said.append(f"It began with {grown[0]} units; the others were added after most of its reading.")
    if meta.get("mean"):
        said.append("Its weights are the mean of what they were before and after its last readings.")
    return " ".join(said)


def header(meta: Mapping[str, Any], read: Mapping[str, Any], bits: Mapping[str, float]) -> dict[str, Any]:
    """The header with what was read now added to what it tells. read: tokens, steps, seconds, machine; and units, if
    they may be more than before."""
    before, units = meta["hidden"], read.get("units", meta["hidden"])
    grown = {"grown_from": before} if units > before else {}
    machines = [*meta["machine"].split(", then "), read["machine"]]
    sums = {name: round(meta[name] + read[name], 1) for name in ("tokens", "steps", "seconds")}
    return {
        **meta,
        **sums,
        "machine": ", then ".join(dict.fromkeys(machines)),
        "bits": {**meta["bits"], "network": dict(bits)},
        "hidden": units,
        "read_on": [*meta.get("read_on", ()), {**read, **grown}],
    }
