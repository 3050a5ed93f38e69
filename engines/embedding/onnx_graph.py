"""all-MiniLM-L6-v2 as an ONNX graph, made from its weights with ONNX Runtime's fused operators.

A run takes one text: there is no padding and no mask, and in int8, whose activations are scaled over the whole input,
a text's vector does not depend on the other texts of a batch. On chunks it is as fast as batches.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

from core.process_start import prepare_process

LAYERS, HEADS, HIDDEN = 6, 12, 384
EPSILON = 1e-12
# Processors without VNNI add two products of an 8-bit activation and a weight in 16 bits: larger weights overflow.
MAX_INT8_WEIGHT = 64

Array = NDArray[np.float32]


def save(weights: Path, target: Path, *, quantized: bool) -> None:
    """Write the graph into the folder `target`, its weights in a file of their own, which ONNX Runtime maps into memory:
    weights that are not read take no memory, and processes share the others. The folder is renamed into place, so that
    concurrent readers and writers see a complete one or none."""
    graph = _Graph(load_file(weights), quantized=quantized)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        dir=target.parent, prefix=target.name, ignore_cleanup_errors=True
    ) as folder:
        draft = Path(folder) / target.name
        draft.mkdir()
        onnx.save_model(graph.model(), draft / "graph.onnx", save_as_external_data=True, location="weights")
        for file in draft.iterdir():
            with file.open("rb") as written:
                os.fsync(written.fileno())
        with contextlib.suppress(OSError):  # another process was first
            draft.rename(target)


class _Graph:
    """`ids` (1, tokens) → `vector` (1, 384). Methods add operators and return the name of their output.

    `prefix` is what the names of a part's weights begin with."""

    def __init__(self, weights: Mapping[str, Array], *, quantized: bool) -> None:
        self._weights, self._quantized = weights, quantized
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def model(self) -> onnx.ModelProto:
        self._mean = self._constant(np.full((HIDDEN, 1), 1 / HIDDEN, np.float32))
        self._thirds = self._constant(np.array([HIDDEN] * 3, np.int64))
        table = "embeddings.{}_embeddings.weight".format
        # All tokens are of the first segment, whose vector is added to those of the positions beforehand.
        positions = self._weights[table("position")] + self._weights[table("token_type")][0]
        words = self._constant(self._weights[table("word")])
        scale, shift = self._scale_and_shift("embeddings.LayerNorm.")
        inputs = ("ids", "", words, self._constant(positions), "", scale, shift)
        states = self._operator("EmbedLayerNormalization", *inputs, outputs=2, fused=True, epsilon=EPSILON)
        for number in range(LAYERS):
            states = self._layer(states, f"encoder.layer.{number}.")
        total = self._operator("ReduceSum", states, self._constant(np.array([1], np.int64)), keepdims=0)
        self._nodes.append(helper.make_node("LpNormalization", [total], ["vector"], axis=1, p=2))

        ids = helper.make_tensor_value_info("ids", TensorProto.INT32, [1, "tokens"])
        vector = helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, HIDDEN])
        graph = helper.make_graph(self._nodes, "all-MiniLM-L6-v2", [ids], [vector], self._constants)
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)

    def _layer(self, states: str, prefix: str) -> str:
        """Add self-attention, then the feed-forward network, each with its residual connection."""
        kernels, biases = zip(
            *(self._kernel(f"{prefix}attention.self.{part}.") for part in ("query", "key", "value")),
            strict=True,
        )
        projected = self._matmul(states, np.concatenate(kernels, axis=1))
        first = self._operator("Split", projected, self._thirds, outputs=3, axis=2)
        inputs = [first, f"{first}.1", f"{first}.2", self._constant(np.concatenate(biases))]
        attention = self._operator("MultiHeadAttention", *inputs, fused=True, num_heads=HEADS)
        attention = self._linear(attention, prefix + "attention.output.dense.")
        states = self._operator("Add", attention, states)
        states = self._layer_norm(states, prefix + "attention.output.LayerNorm.")

        kernel, bias = self._kernel(prefix + "intermediate.dense.")
        hidden = self._operator("BiasGelu", self._matmul(states, kernel), self._constant(bias), fused=True)
        hidden = self._linear(hidden, prefix + "output.dense.")
        return self._layer_norm(self._operator("Add", hidden, states), prefix + "output.LayerNorm.")

    def _layer_norm(self, states: str, prefix: str) -> str:
        """Add a layer normalisation of plain operators: ONNX Runtime's own is not vectorised, and three times as slow."""
        scale, shift = self._scale_and_shift(prefix)
        centred = self._operator("Sub", states, self._operator("MatMul", states, self._mean))
        variance = self._operator("MatMul", self._operator("Mul", centred, centred), self._mean)
        unit = self._operator("Div", centred, self._operator("Sqrt", variance))
        return self._operator("Add", self._operator("Mul", unit, scale), shift)

    def _linear(self, states: str, prefix: str) -> str:
        kernel, bias = self._kernel(prefix)
        return self._operator("Add", self._matmul(states, kernel), self._constant(bias))

    def _matmul(self, states: str, kernel: Array) -> str:
        if not self._quantized:
            return self._operator("MatMul", states, self._constant(kernel))
        scales = np.abs(kernel).max(axis=0) / MAX_INT8_WEIGHT
        rounded = np.rint(kernel / scales).astype(np.int8)
        inputs = (states, self._constant(rounded), self._constant(scales))
        return self._operator("DynamicQuantizeMatMul", *inputs, fused=True)

    def _kernel(self, prefix: str) -> tuple[Array, Array]:
        return self._weights[prefix + "weight"].T, self._weights[prefix + "bias"]

    def _scale_and_shift(self, prefix: str) -> tuple[str, str]:
        return self._constant(self._weights[prefix + "weight"]), self._constant(
            self._weights[prefix + "bias"]
        )

    def _constant(self, values: NDArray[np.generic]) -> str:
        name = f"constant{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _operator(
        self, kind: str, *inputs: str, outputs: int = 1, fused: bool = False, **attributes: Any
    ) -> str:
        """Add an operator. Its first output is named after it, the others are numbered: `name.1`, `name.2`."""
        name = f"{kind}{len(self._nodes)}"
        names = [name, *(f"{name}.{number}" for number in range(1, outputs))]
        domain = "com.microsoft" if fused else ""
        self._nodes.append(helper.make_node(kind, inputs, names, name=name, domain=domain, **attributes))
        return name


# In a process of its own, because Python does not return the memory that this takes.
if __name__ == "__main__":
    prepare_process()
    source, target, precision = sys.argv[1:]
    save(Path(source), Path(target), quantized=precision == "int8")
