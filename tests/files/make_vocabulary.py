"""Writes tests/files/vocabulary/: what Keras saves of its readers of text, and the rows that it reads of some texts.

python tests/files/make_vocabulary.py        # with tf_keras 2.21 and Keras 3.15 on TensorFlow
"""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

keras: Any = import_module("keras")  # not in the environment that checks types
tf_keras: Any = import_module("tf_keras")

FOLDER = Path(__file__).parent / "vocabulary"
LEARNED = [
    "I don't like the market, the well-known market.",
    "The market is good; it's the U.S. market (e-mail me).",
    "Voilà, the café is ours & the naïve one isn't",
]
READ = [
    "I don't like the market",
    "The WELL-KNOWN market-place, at the café!",
    "e-mail me: the U.S. is good...",
    "CAFÉ É é",
    "it's <OOV> and isn't naïve_one\n\tthe end",
]


def tokenizer(**options: Any) -> tuple[Any, list[list[int]]]:
    made = tf_keras.preprocessing.text.Tokenizer(**options)
    made.fit_on_texts(LEARNED)
    return json.loads(made.to_json()), made.texts_to_sequences(READ)


def vectorization(**options: Any) -> tuple[list[str], list[list[int]]]:
    made = keras.layers.TextVectorization(**options)
    made.adapt(LEARNED)
    rows = [[int(row) for row in made([text]).numpy()[0]] for text in READ]
    return [str(entry) for entry in made.get_vocabulary()], rows


def layer(**options: Any) -> tuple[dict[str, Any], list[list[int]]]:
    """A layer's config with its vocabulary, without the entries that it adds itself."""
    made = keras.layers.TextVectorization(vocabulary=["the", "The", "market", "don't", "dont", "café", "é"], **options)
    rows = [[int(row) for row in made([text]).numpy()[0]] for text in READ]
    return keras.layers.serialize(made), rows


def main() -> None:
    made = {
        "keras_tokenizer": tokenizer(),
        "keras_tokenizer_oov": tokenizer(oov_token="<OOV>", num_words=9),
        "keras_tokenizer_cased": tokenizer(lower=False, oov_token="UNKNOWN"),
        "keras_tokenizer_unfiltered": tokenizer(filters="", oov_token="<OOV>"),
        "keras_tokenizer_characters": tokenizer(char_level=True, oov_token="<OOV>"),
        "text_vectorization": vectorization(),
        "text_vectorization_characters": vectorization(split="character"),
        "text_vectorization_layer": layer(),
        "text_vectorization_layer_kept": layer(standardize=None),
        "text_vectorization_layer_lower": layer(standardize="lower"),
        "text_vectorization_layer_by_character": layer(split="character", standardize="strip_punctuation"),
    }
    FOLDER.mkdir(exist_ok=True)
    for name, (content, _) in made.items():
        (FOLDER / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    truth = {
        "versions": {"tf_keras": tf_keras.__version__, "keras": keras.__version__},
        "texts": READ,
        "rows": {name: rows for name, (_, rows) in made.items()},
    }
    (FOLDER / "truth.json").write_text(json.dumps(truth, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
