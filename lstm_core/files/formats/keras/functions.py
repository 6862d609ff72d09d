"""Keras's activation functions by Keras's names, as the Keras that wrote the file computes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lstm_core.files.formats.keras.tree import mapping, number, text
from lstm_core.files.options import Options
from lstm_core.say import Said, say
from lstm_core.variant import Activation, activation

FUNCTIONS: Mapping[str, Activation] = {
    "linear": activation("affine"),
    "leaky_relu": activation("leakyrelu", 0.2),
    "swish": activation("silu"),
    "celu": activation("elu"),
    "sparse_sigmoid": activation("hardsigmoid", 0.5, 0.5),
    "hard_swish": activation("hardsilu"),
} | {
    name: activation(name)
    for name in (
        *("tanh", "sigmoid", "relu", "relu6", "elu", "selu", "exponential", "softplus", "softsign", "silu"),
        *("hard_silu", "hard_tanh", "log_sigmoid", "mish", "tanh_shrink"),
    )
}
"""Those that are the same in every Keras, or that only one has."""

HARD_SIGMOID = "hard_sigmoid"
OLD_HARD_SIGMOID = activation("hardsigmoid", 0.2, 0.5)  # clip(0.2 x + 0.5)
NEW_HARD_SIGMOID = activation("hardsigmoid", 1 / 6, 0.5)  # from Keras 3: relu6(x + 3) / 6


def function(name: str, old: bool) -> Activation:
    """The function of that name; ValueError lists the names there are. old: of a Keras before 3."""
    if name == HARD_SIGMOID:
        return OLD_HARD_SIGMOID if old else NEW_HARD_SIGMOID
    if name not in FUNCTIONS:
        names = ", ".join(sorted({*FUNCTIONS, HARD_SIGMOID}))
        raise ValueError(say("the activation {name!r} is not supported; {names} are", name=name, names=names))
    return FUNCTIONS[name]


def check(options: Options) -> None:
    """ValueError for a function of a name that there is none of."""
    for name in (options.activation, options.recurrent_activation):
        if name is not None:
            function(name, old=True)


def stated(value: Any, key: str, old: bool) -> tuple[Activation, list[Said]]:
    """The function that a configuration has under ``key``, and what is not certain of it. ValueError for one that is
    not supported."""
    if value is None:
        return FUNCTIONS["linear"], []
    if isinstance(value, str):
        return function(value, old), []
    entry = mapping(value)
    kind, config = text(entry.get("class_name"), "?"), entry.get("config")
    if kind == "function" and isinstance(config, str):
        if config in FUNCTIONS or config == HARD_SIGMOID:
            doubt = say("its {key} is a function called {name}: Keras's own {name} is used", key=key, name=config)
            return function(config, old), [] if str(entry.get("module")).startswith("keras") else [doubt]
        kind = text(config)
    known = _of_layer(kind, mapping(config))
    if known is None:
        raise ValueError(say("its {key} is {kind}, which is not supported", key=key, kind=kind))
    return known, []


def _of_layer(kind: str, config: Mapping[str, Any]) -> Activation | None:
    """A layer that is given as a function: LeakyReLU, ELU, or ReLU without a threshold."""
    slope = number(config.get("negative_slope"), number(config.get("alpha"), 0.3 if kind == "LeakyReLU" else 0.0))
    if kind == "LeakyReLU":
        return activation("leakyrelu", slope)
    if kind == "ELU":
        return activation("elu", number(config.get("alpha"), 1.0))
    if kind == "ReLU" and not config.get("threshold"):
        most = config.get("max_value")
        if most is None:
            return activation("leakyrelu", slope) if slope else activation("relu")
        return activation("relu6") if most == 6 and not slope else None
    return None
