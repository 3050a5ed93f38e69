"""all-MiniLM-L6-v2 as an ONNX graph, made from its weights with ONNX Runtime's fused operators.

One text a run: no padding and no mask, and in int8, whose activations are scaled over the whole input, a
text's vector does not depend on the texts that happen to be embedded beside it. On chunks it is as fast as
batches.
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

LAYERS, HEADS, HIDDEN = 6, 12, 384
EPSILON = 1e-12
# Processors without VNNI add two products of an 8-bit activation and a weight in 16 bits: weights to 64 fit.
LARGEST_INT8 = 64

Array = NDArray[np.float32]


def save(weights: Path, target: Path, *, quantized: bool) -> None:
    """Write the graph into the folder `target`, its weights in a file beside it, which ONNX Runtime only maps into memory:
    what is not read takes none, and processes share the rest. Whoever reads the folder meanwhile, or writes it too, sees a
    whole one or none."""
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
        with contextlib.suppress(OSError):  # somebody was quicker
            draft.rename(target)


class _Graph:
    """`ids` (1, tokens) → `vector` (1, 384). Methods add operators and return the name of their output."""

    def __init__(self, weights: Mapping[str, Array], *, quantized: bool) -> None:
        self._weights, self._quantized = weights, quantized
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def model(self) -> onnx.ModelProto:
        self._average = self._constant(np.full((HIDDEN, 1), 1 / HIDDEN, np.float32))
        self._thirds = self._constant(np.array([HIDDEN] * 3, np.int64))
        states = self._embeddings()
        for number in range(LAYERS):
            states = self._layer(states, f"encoder.layer.{number}.")
        total = self._op("ReduceSum", states, self._constant(np.array([1], np.int64)), keepdims=0)
        self._nodes.append(helper.make_node("LpNormalization", [total], ["vector"], axis=1, p=2))
        ids = helper.make_tensor_value_info("ids", TensorProto.INT32, [1, "tokens"])
        vector = helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, HIDDEN])
        graph = helper.make_graph(self._nodes, "all-MiniLM-L6-v2", [ids], [vector], self._constants)
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)

    def _embeddings(self) -> str:
        """Words and positions; all tokens are of the first segment, whose vector joins the positions."""
        table = "embeddings.{}_embeddings.weight".format
        positions = self._weights[table("position")] + self._weights[table("token_type")][0]
        words = self._constant(self._weights[table("word")])
        scale, shift = self._constants_of("embeddings.LayerNorm.")
        inputs = ("ids", "", words, self._constant(positions), "", scale, shift)
        return self._op("EmbedLayerNormalization", *inputs, outputs=2, fused=True, epsilon=EPSILON)

    def _layer(self, states: str, name: str) -> str:
        attended = self._linear(
            self._attention(states, name + "attention.self."), name + "attention.output.dense."
        )
        states = self._norm(self._op("Add", attended, states), name + "attention.output.LayerNorm.")
        kernel, bias = self._kernel(name + "intermediate.dense.")
        widened = self._op("BiasGelu", self._matmul(states, kernel), self._constant(bias), fused=True)
        narrowed = self._linear(widened, name + "output.dense.")
        return self._norm(self._op("Add", narrowed, states), name + "output.LayerNorm.")

    def _attention(self, states: str, name: str) -> str:
        kernels, biases = zip(
            *(self._kernel(f"{name}{part}.") for part in ("query", "key", "value")), strict=True
        )
        joined = self._matmul(states, np.concatenate(kernels, axis=1))
        first = self._op("Split", joined, self._thirds, outputs=3, axis=2)
        parts = [f"{first}.{number}" if number else first for number in range(3)]
        bias = self._constant(np.concatenate(biases))
        return self._op("MultiHeadAttention", *parts, bias, fused=True, num_heads=HEADS)

    def _norm(self, states: str, name: str) -> str:
        """Layer normalisation spelled out: ONNX Runtime's own kernel is not vectorised, thrice as slow."""
        scale, shift = self._constants_of(name)
        centred = self._op("Sub", states, self._op("MatMul", states, self._average))
        variance = self._op("MatMul", self._op("Mul", centred, centred), self._average)
        unit = self._op("Div", centred, self._op("Sqrt", variance))
        return self._op("Add", self._op("Mul", unit, scale), shift)

    def _linear(self, states: str, name: str) -> str:
        kernel, bias = self._kernel(name)
        return self._op("Add", self._matmul(states, kernel), self._constant(bias))

    def _matmul(self, states: str, kernel: Array) -> str:
        if not self._quantized:
            return self._op("MatMul", states, self._constant(kernel))
        scales = np.abs(kernel).max(axis=0) / LARGEST_INT8
        rounded = np.rint(kernel / scales).astype(np.int8)
        return self._op(
            "DynamicQuantizeMatMul", states, self._constant(rounded), self._constant(scales), fused=True
        )

    def _kernel(self, name: str) -> tuple[Array, Array]:
        return self._weights[name + "weight"].T, self._weights[name + "bias"]

    def _constants_of(self, name: str) -> tuple[str, str]:
        return self._constant(self._weights[name + "weight"]), self._constant(self._weights[name + "bias"])

    def _constant(self, values: NDArray[np.generic]) -> str:
        name = f"constant{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _op(self, kind: str, *inputs: str, outputs: int = 1, fused: bool = False, **attributes: Any) -> str:
        """Add an operator; its first output is named after it, the others by a number besides."""
        name = f"{kind}{len(self._nodes)}"
        names = [name, *(f"{name}.{number}" for number in range(1, outputs))]
        domain = "com.microsoft" if fused else ""
        self._nodes.append(helper.make_node(kind, inputs, names, name=name, domain=domain, **attributes))
        return name


if __name__ == "__main__":  # a process of its own, because what this takes is not given back
    source, made, precision = sys.argv[1:]
    save(Path(source), Path(made), quantized=precision == "int8")
