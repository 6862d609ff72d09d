"""Writes three more of tests/files/onnx/: what ONNX Runtime makes of files that make_onnx.py wrote.

python tests/files/make_onnx_runtime.py     # ONNX Runtime 1.32.0

A cell that an exporter wrote out, in half precision; an embedding of eight bits whose rows are turned before they are
scaled, as quantisation leaves it in every model that reads the batch first; and a written-out network with its rows put
into one matrix for each product. The values beside them are those of the files that they were made of.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from make_onnx import FOLDER, Signals, keep
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers.float16 import convert_float_to_float16


def kept(name: str) -> tuple[np.ndarray, list[tuple[np.ndarray, Signals]]]:
    """What the file of that name is given, and what its blocks read and compute."""
    values = dict(np.load(FOLDER / f"{name}.npz"))
    count = sum(key.endswith(".x") for key in values)
    blocks = [
        (values[f"{k}.x"], {key[2:]: values[key] for key in values if key.startswith(f"{k}.") and key[2:] != "x"})
        for k in range(count)
    ]
    return values["given.0"], blocks


def main() -> None:
    given, blocks = kept("cells_gru_old")
    half = convert_float_to_float16(onnx.load(FOLDER / "cells_gru_old.onnx"), keep_io_types=True)
    keep("runtime_half_cells", half.SerializeToString(), [given], blocks)
    with tempfile.TemporaryDirectory() as folder:
        after = Path(folder, "after.onnx")
        given, blocks = kept("old_gru_two")
        kinds = ["Gather", "Transpose", "MatMul"]
        quantize_dynamic(FOLDER / "old_gru_two.onnx", after, weight_type=QuantType.QInt8, op_types_to_quantize=kinds)
        keep("runtime_quantised_turned", after.read_bytes(), [given], blocks)
        given, blocks = kept("new_rnn_two")
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.optimized_model_filepath = str(after)
        onnxruntime.InferenceSession(str(FOLDER / "new_rnn_two.onnx"), options, providers=["CPUExecutionProvider"])
        keep("runtime_optimized_cells", after.read_bytes(), [given], blocks)


if __name__ == "__main__":
    main()
