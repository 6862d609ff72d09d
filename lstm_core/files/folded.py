"""Weights that a module makes anew at every call, put together from the parts that its state dict holds.

A state dict keeps what was trained (a direction and a length, a weight and its mask), not the weight that acts. The
formulas are those of a module in ``eval()``:

- ``torch.nn.utils.weight_norm`` and ``parametrizations.weight_norm``: w = g v / ||v||. Salimans & Kingma 2016 (arXiv
  1602.07868), equation 2.
- ``torch.nn.utils.spectral_norm`` and ``parametrizations.spectral_norm``: W / (u^T W v), with u and v as training left
  them. Miyato et al. 2018 (arXiv 1802.05957). With ``dim=1`` it is u^T W^T v, which the sizes of u and v show unless W
  is square: then the hook says it that a whole module is saved with; of a state dict ``dim=0``, torch's default, is
  assumed.
- ``torch.nn.utils.prune``: the weight times its mask.
- weight drop, dropout of the recurrent weights (Merity et al. 2017, arXiv 1708.02182; AWD-LSTM, fastai): outside of
  training the raw weight itself, also where a copy of it lies beside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from lstm_core.files import limits
from lstm_core.say import Said, say

RECURRENT = r"(?:weight_ih|weight_hh|bias_ih|bias_hh|weight_hr)(?:_l(?:0|[1-9][0-9]{0,3})(?:_reverse)?)?"
"""PyTorch's name of a recurrent weight: of a layer of a module or, without a layer, of a cell."""
KEY = re.compile(rf"(?P<at>(?:.*\.)?){RECURRENT}", re.DOTALL)
PARAMETRIZATION = re.compile(r"(?P<at>(?:.*\.)?)parametrizations\.(?P<name>[^.]+)\.(?P<part>.+)", re.DOTALL)
DEPTH = 4
"""Parts of parts that are looked for: a pruned direction of a weight norm is of depth 2."""


@dataclass(frozen=True)
class Fold:
    """One kind of parts.

    ends: what their keys have after the weight's own, the first of them finds the weight. weight: from the parts;
    raises ValueError if their shapes do not fit together. under: the keys lie under ``parametrizations``, and so does
    whatever else is applied to the weight, as far as it has a key. other: the weight in a second reading, where the
    shapes of the parts allow one.
    """

    kind: str
    ends: tuple[str, ...]
    weight: Callable[..., np.ndarray]
    under: bool = False
    other: Callable[..., np.ndarray | None] = lambda *parts: None

    def weights(self, tensors: Mapping[str, np.ndarray]) -> Iterator[tuple[str, str]]:
        """The prefix and the name of every weight that has the first part. A name has no dots and begins like that of a
        weight or bias."""
        begin = r"parametrizations\." if self.under else ""
        first = re.compile(
            rf"(?P<at>(?:.*\.)?){begin}(?P<name>(?:weight|bias)[^.]*){re.escape(self.ends[0])}", re.DOTALL
        )
        for key in tensors:
            match = first.fullmatch(key)
            if match is not None:
                yield match["at"], match["name"]

    def parts(self, at: str, name: str) -> tuple[str, ...]:
        """Keys of the parts of the weight ``name`` of the module under ``at``, in the order of ``ends``."""
        begin = f"{at}parametrizations.{name}" if self.under else f"{at}{name}"
        return tuple(begin + end for end in self.ends)


def _normalised(g: np.ndarray, v: np.ndarray) -> np.ndarray:
    """g v / ||v||. There is a g for each place of one axis, ``dim``, or one for all: the norm is over the others."""
    if g.size != 1 and (g.ndim != v.ndim or sum(n != 1 for n in g.shape) > 1):
        raise ValueError
    axes = tuple(axis for axis in range(v.ndim) if g.size == 1 or g.shape[axis] == 1)
    length = np.sqrt(np.square(v, dtype=np.float64).sum(axis=axes, keepdims=True))
    return v * (g.reshape(length.shape) / length)


def _spectral(weight: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """W / (u^T W v), or W / (u^T W^T v) where the sizes of u and v fit this alone."""
    turned = weight if (*u.shape, *v.shape) == weight.shape else weight.T
    if weight.ndim != 2 or (*u.shape, *v.shape) != turned.shape:
        raise ValueError
    return weight / (u.astype(np.float64) @ turned @ v)


def _spectral_of_columns(weight: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray | None:
    """W / (u^T W^T v) where W is square, so that the sizes of u and v fit both."""
    return _spectral(weight, v, u) if u.shape == v.shape else None


def _masked(weight: np.ndarray, mask: np.ndarray) -> np.ndarray:
    if weight.shape != mask.shape:
        raise ValueError
    return weight * mask + 0.0  # not -0.0


FOLDS = (
    Fold("weight_norm", ("_g", "_v"), _normalised),
    Fold("spectral_norm", ("_orig", "_u", "_v"), _spectral, other=_spectral_of_columns),
    Fold("prune", ("_orig", "_mask"), _masked),
    Fold("weight drop", ("_raw",), lambda raw: raw),
    Fold("weight_norm", (".original0", ".original1"), _normalised, under=True),
    Fold("spectral_norm", (".original", ".0._u", ".0._v"), _spectral, under=True, other=_spectral_of_columns),
)


@dataclass
class Folded:
    """tensors: with the weights in the place of their parts. parts: the key of each part, with that of its weight.
    assumed: what was taken for granted, by the key of the weight."""

    tensors: dict[str, np.ndarray]
    parts: dict[str, str] = field(default_factory=dict)
    assumed: dict[str, list[Said]] = field(default_factory=dict)


def fold(tensors: Mapping[str, np.ndarray], dims: Mapping[str, int]) -> Folded:
    """Put together every weight whose parts are there, of the recurrent layers and of others.

    dims: by the key of a weight, along which axis its spectral norm is taken, where that is known.

    Raises ValueError for a recurrent weight whose parts do not fit together, and for one under a parametrization that
    the keys do not name: an orthogonal one has three formulas, somebody's own any.
    """
    folded = Folded(dict(tensors))
    for _ in range(DEPTH):
        if not any([_fold(kind, folded, dims) for kind in FOLDS]):
            break
    for (at, name), ends in _parametrized(folded.tensors).items():
        if re.fullmatch(RECURRENT, name):
            raise _unnamed(at, name, ends)
    return folded


def _fold(kind: Fold, folded: Folded, dims: Mapping[str, int]) -> bool:
    """Fold what is of this kind; whether there was anything."""
    tensors = folded.tensors
    parametrized = _parametrized(tensors) if kind.under else {}
    homes = {match["at"] for match in map(KEY.fullmatch, tensors) if match}
    made: dict[str, tuple[str, np.ndarray]] = {}  # by the first part's key
    for at, name in kind.weights(tensors):
        parts = kind.parts(at, name)
        recurrent = re.fullmatch(RECURRENT, name) is not None
        if any(part not in tensors for part in parts) or len(parametrized.get((at, name), ())) > len(parts):
            continue
        if not recurrent and (len(parts) == 1 or tensors[parts[-1]].ndim < 2 and kind.weight is _normalised):
            continue  # of other layers only what has no second reading
        try:
            with np.errstate(all="ignore"):  # NaN and infinity are refused where weights are looked at
                values = [tensors[part] for part in parts]
                value, other = kind.weight(*values), kind.other(*values)
                dim = dims.get(f"{at}{name}")
                value = (value if other is None or dim != 1 else other).astype(values[0].dtype, copy=False)
        except ValueError:
            if not recurrent:
                continue
            raise ValueError(
                say(
                    "{name} of {where} cannot be put together from its parts ({kind}): their shapes are {shapes}",
                    name=name,
                    where=limits.block_of(at.removesuffix(".")),
                    kind=kind.kind,
                    shapes=", ".join(str(tensors[part].shape) for part in parts),
                )
            ) from None
        # fastai keeps the raw weight in a module around the one that it belongs to.
        weight = f"{at}module.{name}" if kind.kind == "weight drop" and f"{at}module." in homes else f"{at}{name}"
        made[parts[0]] = weight, value
        folded.parts.update(dict.fromkeys(parts, weight))
        assumed = [sentence for part in parts for sentence in folded.assumed.get(part, ())]
        if kind.under:
            assumed.append(say("nothing but torch's {kind} is applied to {name}", kind=kind.kind, name=name))
        if other is not None and dim is None and not np.allclose(value, other, rtol=1e-6, atol=0, equal_nan=True):
            assumed.append(
                say(
                    "{kind} of {name} has dim=0, torch's default: the weight is square, so that dim=1 would fit too "
                    "and give other numbers",
                    kind=kind.kind,
                    name=name,
                )
            )
        folded.assumed[weight] = assumed
    # A copy of the weight itself is of another time: of the last call, with its dropout.
    gone = folded.parts.keys() | {weight for weight, _ in made.values()}
    folded.tensors = dict(
        made.get(key, (key, value)) for key, value in tensors.items() if key in made or key not in gone
    )
    return bool(made)


def _parametrized(tensors: Mapping[str, np.ndarray]) -> dict[tuple[str, str], list[str]]:
    """What lies under ``parametrizations``, by the prefix and name of the weight."""
    ends: dict[tuple[str, str], list[str]] = {}
    for match in map(PARAMETRIZATION.fullmatch, tensors):
        if match is not None:
            ends.setdefault((match["at"], match["name"]), []).append(match["part"])
    return ends


def _unnamed(at: str, name: str, ends: list[str]) -> ValueError:
    where = limits.block_of(at.removesuffix("."))
    what = (
        say("{name} of {where} is under torch's orthogonal parametrization", name=name, where=where)
        if sorted(ends) == ["0.base", "original"]
        else say(
            "{name} of {where} is under a parametrization ({parts})", name=name, where=where, parts=", ".join(ends)
        )
    )
    return ValueError(
        say(
            "{what}, and the state dict does not say by which formula the weight is computed from it; before saving, "
            "call torch.nn.utils.parametrize.remove_parametrizations(module, {name!r})",
            what=what,
            name=name,
        )
    )
