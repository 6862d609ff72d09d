"""What ``torch.export.save`` wrote (.pt2): the weights of a program by name, and its graph as JSON, which is never run.

Since torch 2.8 each weight is a member of the archive, and what it is stands in one JSON; before that, the archive had
a file of ``torch.save`` with all of them in it. (``torch/export/pt2_archive/constants.py``, ``torch/_export/serde``.)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from lstm_core.files.archive import Archive
from lstm_core.files.checkpoint.tensors import Refused, Storage, Strided, Tensor, damaged
from lstm_core.say import say

STATE, CONFIG = "serialized_state_dict.pt", "_weights_config.json"
KINDS = "? uint8 int8 int16 int32 int64 float16 float32 float64 ? complex64 complex128 bool bfloat16".split()
KINDS += ["?"] * 14 + "uint16 float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu".split()
"""torch's names, by the number that the schema has for each."""
CALL = "torch.ops.aten."
CALLS = ("lstm.input", "gru.input", "rnn_tanh.input", "rnn_relu.input")
OPERATION = "torch.ops."
TORCHS_OWN = ("zeros", "squeeze", "unsqueeze")
"""What torch's own forward calls beside these: a first state, and one sequence as a batch of one."""
GUARDS = ("sym_", "_assert")
"""How what asks for sizes, and what checks them, begins."""
NAMED = 3


def is_weights(name: str) -> bool:
    """Whether a member of an archive says what an exported program's weights are."""
    path = f"/{name}"
    return path.endswith(f"/{STATE}") or ("/data/weights/" in path and path.endswith(CONFIG))


def state(archive: Archive) -> bytes | None:
    """The file of weights in an archive from before torch 2.8; None if it has none."""
    found = [name for name in archive.sizes if is_weights(name) and name.endswith(STATE)]
    return archive.read(min(found, key=len)) if found else None


def config(archive: Archive) -> str | None:
    """The member that says what the weights are, in an archive since torch 2.8; None if it has none."""
    return min(filter(is_weights, archive.sizes), key=len, default=None)


def tensors(archive: Archive, config: str) -> dict[str, Tensor]:
    """The weights by name, in the file's order. Raises ValueError for a description that is not one."""
    folder, order = config.rpartition("/")[0], archive.sizes
    root = folder.removesuffix("data/weights")
    big = f"{root}byteorder" in order and archive.read(f"{root}byteorder").strip() == b"big"
    found: dict[str, Tensor] = {}
    try:
        for name, entry in json.loads(archive.read(config))["config"].items():
            meta, path = entry["tensor_meta"], f"{folder}/{entry['path_name']}"
            shape, strides = ([n["as_int"] for n in meta[key]] for key in ("sizes", "strides"))
            kind = KINDS[meta["dtype"]] if 0 < meta["dtype"] < len(KINDS) else "?"
            if kind == "?" or entry["use_pickle"]:
                found[name] = Refused(say("is a tensor of a kind that is not read; save plain tensors"), shape)
                continue
            storage = Storage(kind, cache(lambda path=path: _member(archive, path)), ">" if big else "<")
            found[name] = Strided(storage, meta["storage_offset"]["as_int"], shape, strides)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise damaged() from error
    return found


def modules(archive: Archive, config: str) -> dict[str, dict[str, Any]]:
    """What the graph says of the layers whose weights it gives to torch's recurrent functions, by their names: "mode",
    "batch_first", and where it says in which layer it calls them, "kind", the layer's class, and "beside", the first
    few other operations there, of hooks or of a class of one's own. Nothing for a graph that is not understood."""
    folder, _, name = config.rpartition("/")
    path = f"{folder.removesuffix('data/weights')}models/{name.removesuffix(CONFIG)}.json"
    found: dict[str, dict[str, Any]] = {}
    beside: dict[str, dict[str, None]] = {}
    try:
        module = json.loads(archive.read(path))["graph_module"]
        given = [spec["parameter"] for spec in module["signature"]["input_specs"] if "parameter" in spec]
        names = {parameter["arg"]["name"]: parameter["parameter_name"] for parameter in given}
        for node in module["graph"]["nodes"]:
            inside, kind = _inside(node)
            if node["target"].removeprefix(CALL) in CALLS:
                arguments: Mapping[str, Any] = {part["name"]: part["arg"] for part in node["inputs"]}
                first = names[arguments["params"]["as_tensors"][0]["name"]]
                name = first.rpartition(".")[0]
                found[name] = {
                    "mode": node["target"].removeprefix(CALL).partition(".")[0].upper(),
                    "batch_first": arguments["batch_first"]["as_bool"],
                    **({"kind": kind[:100], "hooks": False} if inside == name else {}),
                }
            elif node["target"].startswith(OPERATION):
                operation = node["target"].removeprefix(CALL).removeprefix(OPERATION).partition(".")[0][:30]
                if operation not in TORCHS_OWN and not operation.startswith(GUARDS):
                    beside.setdefault(inside, {})[operation] = None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        pass
    for name, says in found.items():
        says["beside"] = list(beside.get(name, ()))[:NAMED]
    return found


def _inside(node: Mapping[str, Any]) -> tuple[str, str]:
    """The layer whose forward, or hooks, a node of the graph is from, and its class; torch writes "key,name,class" of
    each module that is being called, the innermost last."""
    stack = node.get("metadata", {}).get("nn_module_stack", "")
    _, name, kind = (stack.rpartition(";")[2].rsplit(",", 2) + ["", "", ""])[:3]
    return name, kind


def _member(archive: Archive, name: str) -> bytes:
    if name not in archive.sizes:
        raise ValueError(say("the file is damaged or cut short: {name} is missing", name=name))
    return archive.read(name)
