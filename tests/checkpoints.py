"""Files of ``torch.save`` for tests: with every kind of number, layout and container, each by its seed."""

from __future__ import annotations

import io
import random
from collections import OrderedDict
from typing import Any

import numpy as np
import torch

INTEGERS = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]
FLOATS = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
DTYPES = [*FLOATS, *INTEGERS, torch.bool, torch.complex64, torch.complex128]
EIGHT = [getattr(torch, f"float8_{kind}") for kind in ("e4m3fn", "e5m2", "e4m3fnuz", "e5m2fnuz", "e8m0fnu")]
NEWER = [torch.uint16, torch.uint32, torch.uint64]
"""Kinds that torch writes into its older format and cannot read from it."""
LAYOUTS = ("plain", "turned", "a part", "expanded", "single", "no axes", "empty", "last", "parameter", "attribute")
SPARSE = ("coo", "hybrid coo", "csr", "csc", "bsr", "bsc")
VIEWS = ("conjugate", "imaginary")


def saved(content: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def numbers(rng: random.Random, dtype: torch.dtype, *shape: int) -> torch.Tensor:
    """Any bits: NaN, infinity, the smallest numbers and -0 among them."""
    size = int(np.prod(shape)) * torch.empty(0, dtype=dtype).element_size()
    data = bytearray(rng.randbytes(size)) if dtype is not torch.bool else bytearray(rng.choices((0, 1), k=size))
    return (
        torch.frombuffer(data, dtype=torch.uint8).view(dtype).reshape(shape)
        if size
        else torch.empty(shape, dtype=dtype)
    )


def tensor(rng: random.Random, dtype: torch.dtype, layout: str) -> torch.Tensor:
    """A tensor that lies in its storage in that way."""
    rows, columns = rng.randint(1, 5), rng.randint(1, 5)
    value = numbers(rng, dtype, 2 * rows, columns + 1)
    match layout:
        case "turned":
            return value.T
        case "a part":
            return value[1::2, 1:]
        case "expanded":
            return value[:, :1].expand(-1, 7)
        case "single":
            return value[:1, :1].as_strided((1, 1), (1 << 40, 1 << 50))
        case "no axes":
            return value[0, 0]
        case "empty":
            return value[:0]
        case "last":
            return numbers(rng, dtype, 2, 3, rows, columns).to(memory_format=torch.channels_last)
        case "parameter":
            return torch.nn.Parameter(value, requires_grad=value.dtype.is_floating_point and rng.random() < 0.5)
        case "attribute":
            setattr(value, "note", "mine")  # noqa: B010
    return value


def sparse(rng: random.Random, dtype: torch.dtype, layout: str) -> torch.Tensor:
    """A sparse tensor of finite numbers, some of them zero."""
    torch.manual_seed(rng.randrange(1 << 30))
    dense = torch.randint(-2, 3, (4, 6)).to(dtype)
    match layout:
        case "coo":
            twice = torch.tensor([[0, 1, 1], [2, 0, 0]])  # a place twice: its numbers are added
            return torch.sparse_coo_tensor(twice, torch.tensor([1, 2, 3]).to(dtype), (4, 6))
        case "hybrid coo":
            return dense.reshape(4, 3, 2).to_sparse(2)
        case "csr":
            return dense.to_sparse_csr()
        case "csc":
            return dense.to_sparse_csc()
        case "bsr":
            return dense.to_sparse_bsr((2, 3))
    return dense.to_sparse_bsc((2, 3))


def view(rng: random.Random, dtype: torch.dtype, layout: str) -> torch.Tensor:
    """A view whose numbers are not those of its storage."""
    value = torch.complex(torch.randn(2, 3), torch.randn(2, 3)).to(dtype)
    return value.conj() if layout == "conjugate" else value.conj().imag


def made(rng: random.Random, newer: bool) -> torch.Tensor | np.ndarray:
    """Any tensor or array; newer: of the kinds that only the newer format holds as well."""
    roll = rng.random()
    if roll < 0.1:
        return sparse(rng, rng.choice([torch.float32, torch.float64, torch.int64]), rng.choice(SPARSE))
    if roll < 0.15:
        return view(rng, rng.choice([torch.complex64, torch.complex128]), rng.choice(VIEWS))
    if roll < 0.25:
        kind = rng.choice("? b h i q B H I Q e f d F D >f4 >i2".split())
        array = np.frombuffer(rng.randbytes(16 * 12), "u1").view("?" if kind == "?" else kind)[:12].reshape(3, 4)
        array = (array.view("u1") & 1).view("?") if kind == "?" else array
        return rng.choice([array, array.T, array[:, ::2], np.asfortranarray(array), array[:0]])
    return tensor(rng, rng.choice(DTYPES + NEWER * newer), rng.choice(LAYOUTS))


def content(rng: random.Random, newer: bool, depth: int = 0) -> Any:
    """Tensors in containers, some of them sharing a storage, among other things."""
    size = rng.randint(1, 4)
    items: list[Any] = [
        made(rng, newer) if depth == 2 or rng.random() < 0.7 else content(rng, newer, depth + 1) for _ in range(size)
    ]
    if isinstance(items[0], torch.Tensor) and items[0].layout is torch.strided and rng.random() < 0.3:
        items.append(items[0].detach()[..., None])  # another view of the same numbers
    match rng.randrange(5):
        case 0:
            return items
        case 1:
            return tuple(items)
        case 2:
            return OrderedDict((f"key.{place}", item) for place, item in enumerate(items))
        case 3:
            return {place: item for place, item in enumerate(items)}
    return {"epoch": 3, "loss": 0.5, "我": None, **{f"layer{place}": item for place, item in enumerate(items)}}


def file(seed: int) -> bytes:
    """A file of either format and any protocol."""
    rng = random.Random(seed)
    torch.manual_seed(seed)
    newer = seed % 2 == 0
    return saved(content(rng, newer), _use_new_zipfile_serialization=newer, pickle_protocol=rng.choice([2, 2, 3, 4, 5]))


def named(content: Any, prefix: str = "") -> dict[str, torch.Tensor | np.ndarray]:
    """The tensors and arrays in what ``torch.load`` gives, by dotted name."""
    if isinstance(content, torch.Tensor | np.ndarray):
        return {prefix: content}
    pairs = (
        content.items()
        if isinstance(content, dict)
        else enumerate(content)
        if isinstance(content, list | tuple)
        else ()
    )
    found = {}
    for key, value in pairs:
        found |= named(value, f"{prefix}.{key}" if prefix else str(key))
    return found


def bits(value: torch.Tensor | np.ndarray) -> tuple[tuple[int, ...], str, bytes]:
    """Shape, kind and bits of what a tensor is to NumPy; bfloat16 is float32 there."""
    if isinstance(value, torch.Tensor):
        value = value.detach().to_dense() if value.layout is not torch.strided else value.detach()
        value = (value.float() if value.dtype is torch.bfloat16 else value).resolve_conj().resolve_neg().numpy()
    return value.shape, value.dtype.newbyteorder("=").str, value.astype(value.dtype.newbyteorder("=")).tobytes()
