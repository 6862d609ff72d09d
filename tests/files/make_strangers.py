"""Files of frameworks that are not read, as small as they get: tests/files/strangers/.

Run where TensorFlow is installed (2.21 wrote what lies there): python tests/files/make_strangers.py
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import tensorflow as tf

FOLDER = Path(__file__).parent / "strangers"


class Twice(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        return x + x


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        tf.saved_model.save(Twice(), folder)
        shutil.copy(here / "saved_model.pb", FOLDER / "saved_model.pb")
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        (FOLDER / "model.tflite").write_bytes(converter.convert())
        tf.train.Checkpoint(v=tf.Variable([1.0])).write(str(here / "checkpoint"))
        shutil.copy(here / "checkpoint.index", FOLDER / "checkpoint.index")
    with tf.Graph().as_default() as graph:
        tf.add(tf.compat.v1.placeholder(tf.float32, [None]), tf.constant(1.0))
    (FOLDER / "frozen_graph.pb").write_bytes(graph.as_graph_def().SerializeToString())


if __name__ == "__main__":
    main()
