"""A network in training as one that the page runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer

from lab.general.model import Reader
from lab.general.pieces import begun
from lstm_core.block import Block
from lstm_core.cells import CELLS
from lstm_core.network import Network, Readout
from lstm_core.network import Reader as Words
from lstm_core.text import Tokenizer as Pieces

GATES = {"lstm": "ifgo", "gru": "rzn", "rnn": "a"}
"""In the order in which PyTorch stacks them."""


def network(model: Reader, tokenizer: Tokenizer, name: str, meta: Mapping[str, Any] | None = None) -> Network:
    """The same network, to be run in NumPy and saved as one file."""
    raw = {key: value.detach().float().cpu().numpy() for key, value in model.state_dict().items()}
    params: dict[str, np.ndarray] = {}
    for k, gate in enumerate(GATES[model.cell]):
        rows = slice(k * model.hidden, (k + 1) * model.hidden)
        params[f"W_{gate}"], params[f"U_{gate}"] = raw["layer.weight_ih_l0"][rows], raw["layer.weight_hh_l0"][rows]
        inside, outside = raw["layer.bias_hh_l0"][rows], raw["layer.bias_ih_l0"][rows]
        if gate == "n":  # the reset gate acts on this bias, too
            params["b_n"], params["b_hn"] = outside, inside
        else:
            params[f"b_{gate}"] = outside + inside
    block = Block(name, "gatescope", CELLS[model.cell], [[params]], ("forward",), batch_first=False)
    pieces = raw["embedding.weight"]
    return Network(
        name,
        block,
        Words(pieces, Pieces(begun(tokenizer))),
        Readout(raw["projection.weight"], raw["bias"], pieces),
        meta=meta or {},
    )


def learner(model: Network) -> Reader:
    """The same network, to be trained further: ``network`` undone. Raises ValueError for one of another form."""
    readout, cell, params = model.predicts, model.cell.name, model.layers[0][0]
    if cell not in GATES or len(model.layers) > 1 or readout.through is None:
        raise ValueError(f"{model.name} is no general model: it has another form")
    gates, none = GATES[cell], np.zeros(model.hidden_size, np.float32)
    raw = {
        "embedding.weight": model.embedding,
        "projection.weight": readout.weight,
        "bias": readout.bias,
        "layer.weight_ih_l0": np.concatenate([params[f"W_{gate}"] for gate in gates]),
        "layer.weight_hh_l0": np.concatenate([params[f"U_{gate}"] for gate in gates]),
        "layer.bias_ih_l0": np.concatenate([params[f"b_{gate}"] for gate in gates]),
        "layer.bias_hh_l0": np.concatenate([params.get(f"b_h{gate}", none) for gate in gates]),
    }
    own = Reader(cell, len(model.embedding), model.hidden_size, model.embedding.shape[1])
    own.load_state_dict({name: torch.from_numpy(np.array(value, np.float32)) for name, value in raw.items()})
    return own


def reader(folder: Path) -> Reader:
    """The network in a training's folder, as far as it has come."""
    kept = torch.load(folder / "checkpoint.pt", map_location="cpu", weights_only=True)
    rows, units = len(kept["model"]["bias"]), len(kept["model"]["projection.weight"][0])
    model = Reader(kept["plan"]["cell"], rows, units, len(kept["model"]["projection.weight"]))
    model.load_state_dict(kept["model"])
    return model.eval()


def from_checkpoint(folder: Path) -> Network:
    """The same, to be run in NumPy."""
    return network(reader(folder), Tokenizer.from_file(str(folder / "tokenizer.json")), folder.name)
