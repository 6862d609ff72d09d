"""The functions and classes that make tensors and what they need: all that a pickle can call that is not inert.

Each is written here anew, by what ``torch/_utils.py``, ``torch/_tensor.py`` and NumPy's ``multiarray`` of that name do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lstm_core.files.checkpoint.inert import Ordered, Size, name_of, named
from lstm_core.files.checkpoint.numpy_arrays import Array, Kind, text
from lstm_core.files.checkpoint.tensors import Refused, Sparse, Strided, Tensor, damaged
from lstm_core.say import say

PLAIN = (
    *("torch.Tensor", "torch.tensor.Tensor", "torch._tensor.Tensor"),
    *("torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer"),
)
"""Classes whose tensors are their numbers."""
KINDS = ("", "Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Tensor:
    return Strided(storage, offset, shape, strides)


def _tensor_v2(
    storage: Any, offset: Any, shape: Any, strides: Any, grad: Any = None, hooks: Any = None, metadata: Any = None
) -> Tensor:
    return Strided(storage, offset, shape, strides, metadata=metadata)


def _tensor_v3(
    storage: Any, offset: Any, shape: Any, strides: Any, grad: Any, hooks: Any, dtype: Any, metadata: Any = None
) -> Tensor:
    return Strided(storage, offset, shape, strides, name_of(dtype).removeprefix("torch."), metadata)


def _same(data: Any, *_: Any) -> Tensor:
    """A parameter, or a tensor that was brought to the processor to be saved."""
    if not isinstance(data, Tensor):
        raise damaged()
    return data


def _of_type(function: Any, kind: Any, arguments: Any, state: Any = None) -> Any:
    """A tensor with attributes, or of a class that somebody derived."""
    if not isinstance(arguments, tuple) or not isinstance(function, type):
        raise damaged()
    made = function(*arguments)
    if not isinstance(made, Tensor) or made.refused is not None or name_of(kind) in PLAIN:
        return made
    return _of_class(kind, None, made.shape)


def _of_class(kind: Any, dtype: Any, shape: Any = (), *_: Any) -> Tensor:
    return Refused(say("is of the class {kind}, whose code is not run; save plain tensors", kind=name_of(kind)), shape)


def _sparse(layout: Any, data: Any) -> Tensor:
    if not isinstance(layout, str) or not isinstance(data, tuple):
        raise damaged()
    coordinates = layout == "torch.sparse_coo"
    if len(data) < 3 + (not coordinates):
        raise damaged()
    count = 2 if coordinates else 3
    return Sparse(layout, list(data[:count]), data[count])


def _quantised(storage: Any, offset: Any, shape: Any, *_: Any) -> Tensor:
    return Refused(say("is quantised, which is not read; save the model before it is quantised"), shape)


def _meta(dtype: Any, shape: Any, *_: Any) -> Tensor:
    return Refused(say("lies on torch's meta device: it has a shape and no numbers"), shape)


def _nested(*_: Any) -> Tensor:
    return Refused(say("is a nested tensor, which is not read"))


def _made_empty(*arguments: Any) -> Tensor:
    """A tensor of the first releases, which is built afterwards; or one that is a parameter's."""
    return arguments[0] if arguments and isinstance(arguments[0], Tensor) else Unbuilt()


class Unbuilt(Strided):
    """A tensor that gets its storage, offset, shape and strides as its state."""

    def __init__(self) -> None:
        """Refused until the pickle sets its state."""
        self.refused = say("is a tensor that the file leaves empty")

    def __setstate__(self, state: Any) -> None:
        """state: (storage, offset, shape, strides). Raises ValueError if it is anything else."""
        if not isinstance(state, tuple) or len(state) != 4:
            raise damaged()
        self.refused = None
        Strided.__init__(self, *state)


def _frombuffer(data: Any, kind: Any, shape: Any, order: Any) -> Array:
    return Array(kind, shape, data, order == "F")


def _scalar(kind: Any, data: Any = b"") -> Array:
    return Array(kind, (), data)


def _encode(value: Any, encoding: Any = "latin1", *_: Any) -> bytes:
    """How bytes are written for Python 2 to read."""
    if not isinstance(value, str) or encoding not in ("latin1", "latin-1"):
        raise damaged()
    return value.encode("latin1")


def _bytes(value: Any = b"", *encoding: Any) -> bytes:
    return _encode(value, *encoding) if isinstance(value, str) else bytes(value) if isinstance(value, bytes) else b""


def _reconstructor(kind: Any, *_: Any) -> Any:
    """How Python 2 makes an object."""
    return kind() if isinstance(kind, type) else kind


def _jax_array(make: Any, arguments: Any, state: Any, *_: Any) -> Array:
    """An array of JAX: one of NumPy's, and what only JAX needs."""
    made = make(*arguments) if isinstance(make, type) and isinstance(arguments, tuple) else None
    if not isinstance(made, Array):
        raise damaged()
    made.__setstate__(state)
    return made


def _class(constructor: Any = None, name: Any = "", *_: Any) -> Any:
    """A class that the pickle brings along, as cloudpickle and dill write those of a notebook: its name alone."""
    return named(text(name))


def _attribute(owner: Any, name: Any, *_: Any) -> Any:
    """How a class inside another one is named, or a method."""
    return named(f"{name_of(owner if isinstance(owner, type) else type(owner))}.{text(name)}")


KNOWN: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": Ordered,
    "torch.Size": Size,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor_v2,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
    **{f"torch._utils._rebuild_{what}": _same for what in ("parameter", "parameter_with_state", "xla_tensor")},
    **{f"torch._utils._rebuild_device_tensor_from_{what}": _same for what in ("numpy", "cpu_tensor")},
    **{f"torch._utils._rebuild_sparse_{what}tensor": _sparse for what in ("", "csr_")},
    "torch._utils._rebuild_qtensor": _quantised,
    "torch._utils._rebuild_meta_tensor_no_storage": _meta,
    "torch._utils._rebuild_nested_tensor": _nested,
    "torch._utils._rebuild_wrapper_subclass": _of_class,
    **{f"torch.{at}._rebuild_from_type{v}": _of_type for at in ("tensor", "_tensor") for v in ("", "_v2")},
    "torch.serialization._get_layout": text,
    **{f"torch.{at}{kind}Tensor": _made_empty for at in ("", "cuda.") for kind in KINDS},
    **dict.fromkeys(PLAIN, _made_empty),
    "numpy.dtype": Kind,
    **{
        f"numpy.{core}.{name}": function
        for core in ("core", "_core")
        for name, function in (
            ("multiarray._reconstruct", lambda *_: Array()),
            ("multiarray.scalar", _scalar),
            ("numeric._frombuffer", _frombuffer),
        )
    },
    **dict.fromkeys(("cloudpickle.cloudpickle._make_skeleton_class", "dill._dill._create_type"), _class),
    "jax._src.array._reconstruct_array": _jax_array,
    "_codecs.encode": _encode,
    **{f"{at}.{what}": _bytes for at in ("builtins", "__builtin__") for what in ("bytes", "bytearray")},
    **{f"{at}.getattr": _attribute for at in ("builtins", "__builtin__")},
    **{f"{at}._reconstructor": _reconstructor for at in ("copyreg", "copy_reg")},
}
"""By the dotted name that a pickle has for it."""
