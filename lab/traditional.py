"""Traditional characters, read as the simplified ones that a model knows: ``python -m lab.traditional`` puts the
rule into the tokenizers of the shipped models that have read Chinese, or of those that are named. It needs ``opencc``.

A model learns from simplified texts (``lab.texts.clean``), so that a traditional character would be none that it has
met. The rule goes character by character: where a simplified one stands for several (後 and 后), nothing is lost, and
no character that the model has met itself is read as another.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

from lab.general.rules import ruled, without
from lab.recipes import recipe
from lab.texts.clean import chinese
from lstm_core.network import Network, list_models
from lstm_core.text import CHARACTERS, Tokenizer

HAN = range(0x3400, 0xA000)
"""Where the characters stand in Unicode."""
QUOTES = {"「": "“", "」": "”", "『": "‘", "』": "’"}


def table(tokenizer: Tokenizer) -> dict[str, str]:
    """The characters, and the quotation marks, that are no piece of a vocabulary, each with the one that is, and that
    it is the traditional form of. Raises ModuleNotFoundError without ``opencc``."""
    import opencc  # type: ignore[import-not-found]  # noqa: F401  # without it ``chinese`` simplifies nothing

    def known(character: str) -> bool:
        tokens = tokenizer.encode(character, begins=False)
        return len(tokens) == 1 and tokens[0].known

    pairs = {character: chinese(character) for character in map(chr, HAN)} | QUOTES
    return {one: other for one, other in pairs.items() if one != other and known(other) and not known(one)}


def reading(network: Network) -> Network:
    """The same network, whose tokenizer reads them so."""
    held = network.tokenizer.json
    pairs = table(Tokenizer(without(held, CHARACTERS)))
    text = ruled(held, {"type": CHARACTERS, "from": "".join(pairs), "to": "".join(pairs.values())})
    assert network.reader is not None
    return replace(network, reader=replace(network.reader, tokenizer=Tokenizer(text)))


def main(names: Sequence[str]) -> None:
    """Write it into the shipped models of these names."""
    for name, path in list_models().items():
        network = Network.load(path)
        if name in names or not names and "的" in network.tokenizer.pieces:
            reading(network).save(path, recipe(name).weights)
            print(f"{name} reads traditional characters")


if __name__ == "__main__":
    main(sys.argv[1:])
