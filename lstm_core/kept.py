"""What a trace holds where it was made, and copies to the host when somebody reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lstm_core.names import Names


def on_host(values: Tensor) -> np.ndarray:
    """``values`` in NumPy; those of the CPU are not copied. An accelerator's go through pinned memory, which it writes
    to by itself: 30 times as fast as memory that the system may move."""
    values = values.detach()
    if values.dtype in (torch.bfloat16, torch.float16):
        values = values.float()
    if not values.is_cuda:
        return (values if values.is_cpu else values.cpu()).numpy()
    host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
    host.copy_(values.contiguous(), non_blocking=True)
    torch.cuda.synchronize(values.device)
    return host.numpy()


class Kept(Mapping[str, np.ndarray]):
    """Arrays by name, each copied when it is first read. tensors: where they were made."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        """tensors: on any device; they are held, not copied."""
        self.tensors: Mapping[str, Tensor] = Names(tensors)
        self._read: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        """The array, copied to the host at the first call. Raises ``UnknownName`` if there is none of that
        name."""
        if name not in self._read:
            self._read[name] = on_host(self.tensors[name])
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        """Names; nothing is copied."""
        return iter(self.tensors)

    def __len__(self) -> int:
        """How many arrays there are; nothing is copied."""
        return len(self.tensors)


class KeptArray(np.lib.mixins.NDArrayOperatorsMixin):
    """An array that is copied when it is first read; its shape and dtype are known before.

    What is done with it is done with the copy, as with any array: operators, NumPy's functions, and the attributes and
    methods of ``np.ndarray``. It is not written to.
    """

    def __init__(self, tensor: Tensor) -> None:
        """tensor: on any device; it is held, not copied."""
        self.tensor, self.shape, self.ndim, self.size = tensor, tuple(tensor.shape), tensor.ndim, tensor.numel()

    @cached_property
    def _read(self) -> np.ndarray:
        return on_host(self.tensor)

    @cached_property
    def dtype(self) -> np.dtype:
        """NumPy's dtype of the copy; nothing is copied."""
        return on_host(torch.empty(0, dtype=self.tensor.dtype)).dtype

    def numpy(self) -> np.ndarray:
        """The copy."""
        return self._read

    def __getattr__(self, name: str) -> Any:
        """What ``np.ndarray`` has of that name, of the copy: ``mean``, ``T``, ``reshape``. Asking for another copies
        nothing."""
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self._read, name)

    def __dir__(self) -> list[str]:
        """Those, too."""
        return sorted({*super().__dir__(), *(name for name in dir(np.ndarray) if not name.startswith("_"))})

    def __repr__(self) -> str:
        """Shape, dtype and where it is; nothing is copied."""
        return f"{type(self).__name__}({self.shape}, {self.dtype}, on {self.tensor.device})"

    def __str__(self) -> str:
        """The values."""
        return str(self._read)

    def __len__(self) -> int:
        """Size of the first axis; nothing is copied."""
        if not self.shape:
            raise TypeError("len() of an array without axes")
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        """NumPy's indexing of the copy."""
        return self._read[index]

    def __iter__(self) -> Iterator[Any]:
        """Along the first axis of the copy."""
        return iter(self._read)

    def __contains__(self, value: object) -> bool:
        """Whether some value of the copy is that one."""
        return value in self._read

    def __bool__(self) -> bool:
        """Of a single value; ValueError of several, as in NumPy."""
        return bool(self._read)

    def __int__(self) -> int:
        """Of a single value."""
        return int(self._read)

    def __float__(self) -> float:
        """Of a single value."""
        return float(self._read)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """The copy, for NumPy's functions; a further one if ``copy``."""
        return np.array(self._read, dtype=dtype) if copy else np.asarray(self._read, dtype=dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """NumPy's operators and functions of each value, on the copy. TypeError where they are to write into this."""
        if any(isinstance(out, KeptArray) for out in options.get("out", ())):
            return NotImplemented
        read = (value._read if isinstance(value, KeptArray) else value for value in inputs)
        return getattr(ufunc, method)(*read, **options)


class KeptRows(Sequence[Any]):
    """A sequence that is made when it is first read."""

    def __init__(self, make: Callable[[], Sequence[Any]], size: int) -> None:
        """make: gives the items, once. size: how many it will give."""
        self._make, self._size = make, size

    @cached_property
    def _read(self) -> Sequence[Any]:
        return self._make()

    def __getitem__(self, index: Any) -> Any:
        """The item, all of them made at the first call."""
        return self._read[index]

    def __len__(self) -> int:
        """How many there are; nothing is made."""
        return self._size
