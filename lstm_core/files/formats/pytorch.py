"""What ``torch.save`` wrote."""

from __future__ import annotations

import io
import pickle
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lstm_core.files import limits, state_dict
from lstm_core.files.formats import Content, Format, Found
from lstm_core.files.options import Options
from lstm_core.files.state_dict import KEY
from lstm_core.say import say


def from_torch(data: bytes, limit: int) -> dict[str, np.ndarray]:
    """The matrices and vectors in a file of ``torch.save``, by dotted key. Nothing in it is executed:
    ``weights_only=True``."""
    try:
        import torch
    except ImportError:
        raise ValueError(say("a PyTorch file is read with torch, which is not installed: pip install torch")) from None
    if zipfile.is_zipfile(io.BytesIO(data)):
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
        if any(name.endswith("constants.pkl") for name in names):
            raise ValueError(
                say("this is a TorchScript archive, which is code; save the state_dict: torch.save(m.state_dict(), f)")
            )
    try:
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        what = re.search(r"(?:GLOBAL|global|class|function) ([\w.]+)", str(error))
        raise ValueError(
            say(
                "this pickle holds more than tensors{named}, which could be code and is not run; "
                "save the weights alone: torch.save(model.state_dict(), path)",
                named=f" ({what[1]})" if what else "",
            )
        ) from error
    except Exception as error:  # a file cut short fails in the zip reader, the unpickler or a tensor, each in its way
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(say("the file is damaged or cut short: {error}", error=first[:200])) from error
    found: dict[str, np.ndarray] = {}
    for name, tensor in _tensors(content, torch.Tensor):
        kind = str(tensor.dtype).removeprefix("torch.")
        plain = tensor.layout is torch.strided and kind in ("float64", "float32", "float16", "bfloat16")
        if KEY.fullmatch(name) is None and not (plain and tensor.ndim in (1, 2)):
            continue
        limits.check_size(name, tensor.shape, tensor.element_size(), limit)
        if tensor.layout is not torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
            raise ValueError(
                say("{name} is no plain tensor of floating-point weights (is it quantised or sparse?)", name=name)
            )
        found[name] = (tensor.float() if tensor.dtype is torch.bfloat16 else tensor).detach().numpy()
    return found


def _tensors(
    content: Any, kind: type, prefix: str = "", depth: int = 0, seen: set[int] | None = None
) -> Iterator[tuple[str, Any]]:
    """Tensors in nested dicts by dotted key: {"epoch": 3, "model": {"rnn.weight_ih_l0": ...}} gives model.rnn....

    A dict that stands in several places is entered once: a small pickle could hold more paths than can be walked.
    """
    seen = set() if seen is None else seen
    if isinstance(content, kind):
        yield prefix.removesuffix("."), content
    elif isinstance(content, Mapping) and depth < 8 and id(content) not in seen:
        seen.add(id(content))
        for key, value in content.items():
            yield from _tensors(value, kind, f"{prefix}{key}.", depth + 1, seen)


def read(content: Content, options: Options) -> Found:
    """The blocks of a state_dict."""
    return state_dict.found(from_torch(content.data, options.max_bytes), options)


def _fits(content: Content) -> bool:
    return (content.starts(b"\x80") and content.data[8:9] != b"{") or any(
        name.endswith("data.pkl") for name in content.members
    )


FORMAT = Format("PyTorch", _fits, read)
