"""Recurrent layers in a Keras file: ``.keras``, ``.weights.h5`` and the older ``.h5``. Keras itself is not needed.

A ``.keras`` archive and an older ``.h5`` hold the layers' configuration beside the weights; a ``.weights.h5`` holds
the weights alone, and what they do not say is taken as Keras has it by default and listed in ``Block.assumed``.
"""

from __future__ import annotations

from lstm_core.files.formats import Content, Format, Found, h5
from lstm_core.files.formats.keras import functions, stored
from lstm_core.files.formats.keras.model import Model
from lstm_core.files.options import Options


def read(content: Content, options: Options) -> Found:
    """The recurrent layers in the model's order, and the file's other matrices and vectors by path.

    A layer that is not read stops the others only if there are none; else each block says in ``assumed`` which it is.
    """
    functions.check(options)
    return Model(stored.read(content, options), options).found()


def _fits(content: Content) -> bool:
    archived = bool({stored.WEIGHTS, "config.json"} & set(content.members))
    return archived or (content.starts(h5.MARK) and not h5.fits(content)) or stored.is_index(content)


FORMAT = Format("Keras", _fits, read, takes=("activation", "recurrent_activation", "reset_after", "go_backwards"))
