"""Small BERT models as ONNX graphs, made from their weights with ONNX Runtime's fused operators.

A run takes one text, or one pair: there is no padding and no mask, and in int8, whose activations are scaled over the whole
input, a text's output does not depend on the other texts of a batch. On chunks it is as fast as batches.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

HEADS, HIDDEN = 12, 384
EPSILON = 1e-12
# Processors without VNNI add two products of an 8-bit activation and a weight in 16 bits: larger weights overflow.
MAX_INT8_WEIGHT = 64

Array = NDArray[np.float32]


class PackedTable(NamedTuple):
    """A table of 4-bit numbers, two in a byte. Less 8, and times the scale of its block, each is a weight."""

    values: NDArray[np.uint8]
    scales: Array
    block_size: int


def save(model: onnx.ModelProto, target: Path, **files: bytes) -> None:
    """Write the model into the folder `target`, its weights in a file of their own, which ONNX Runtime maps into memory:
    weights that are not read take no memory, and processes share the others. `files` are kept beside it. The folder is
    renamed into place, so that concurrent readers and writers see a complete one or none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        dir=target.parent, prefix=target.name, ignore_cleanup_errors=True
    ) as folder:
        draft = Path(folder) / target.name
        draft.mkdir()
        onnx.save_model(model, draft / "graph.onnx", save_as_external_data=True, location="weights")
        for name, content in files.items():
            (draft / name).write_bytes(content)
        for file in draft.iterdir():
            with file.open("rb") as written:
                os.fsync(written.fileno())
        with contextlib.suppress(OSError):  # another process was first
            draft.rename(target)


def sentence_model(
    weights: Mapping[str, Array], *, quantized: bool, words: PackedTable | None = None
) -> onnx.ModelProto:
    """The input `ids`, of shape (1, tokens), gives the sentence's vector (1, 384): the mean of the states of its tokens.
    `words` are the words' vectors, if they are not among the weights."""
    graph = _Graph(weights, quantized=quantized)
    states = graph.packed_embeddings("ids", words) if words else graph.embeddings("ids")
    for layer in graph.layers:
        states = graph.layer(states, layer)
    total = graph.operator("ReduceSum", states, graph.constant(np.array([1], np.int64)), keepdims=0)
    return graph.model(["ids"], graph.operator("LpNormalization", total, axis=1, p=2))


def pair_model(weights: Mapping[str, Array], *, quantized: bool) -> onnx.ModelProto:
    """The inputs `ids` and `segments`, of shape (1, tokens), give the score (1, 1, 1) of a pair of texts, which a classifier
    reads from the state of the first token."""
    graph = _Graph(weights, quantized=quantized)
    states = graph.embeddings("ids", "segments")
    *layers, last = graph.layers
    for layer in layers:
        states = graph.layer(states, layer)
    state = graph.layer(states, last, only_first=True)
    pooled = graph.operator("Tanh", graph.linear(state, "pooler.dense."))
    return graph.model(["ids", "segments"], graph.linear(pooled, "classifier."))


class _Graph:
    """Methods add operators and return the name of their output. `prefix` begins the names of a part's weights."""

    def __init__(self, weights: Mapping[str, Array], *, quantized: bool) -> None:
        self._weights, self._quantized = weights, quantized
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._mean = self.constant(np.full((HIDDEN, 1), 1 / HIDDEN, np.float32))

    @property
    def layers(self) -> list[str]:
        """The prefixes of the encoder's layers."""
        numbers = {int(name.split(".")[2]) for name in self._weights if name.startswith("encoder.layer.")}
        return [f"encoder.layer.{number}." for number in sorted(numbers)]

    def model(self, inputs: Sequence[str], output: str) -> onnx.ModelProto:
        ids = [helper.make_tensor_value_info(name, TensorProto.INT32, [1, "tokens"]) for name in inputs]
        outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)]
        graph = helper.make_graph(self._nodes, "bert", ids, outputs, self._constants)
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)

    def embeddings(self, ids: str, segments: str = "") -> str:
        """Without segments, all tokens are of the first one."""
        words, positions, kinds = (
            self._weights[f"embeddings.{table}_embeddings.weight"]
            for table in ("word", "position", "token_type")
        )
        if segments:
            tables = [self.constant(table) for table in (words, positions, kinds)]
        else:
            tables = [self.constant(words), self.constant(positions + kinds[0]), ""]
        inputs = (ids, segments, *tables, *self._scale_and_shift("embeddings.LayerNorm."))
        return self.operator("EmbedLayerNormalization", *inputs, outputs=2, fused=True, epsilon=EPSILON)

    def packed_embeddings(self, ids: str, words: PackedTable) -> str:
        """As `embeddings`, without segments: the words' vectors are unpacked one by one, so that they stay as small as they
        are."""
        positions, kinds = (
            self._weights[f"embeddings.{table}_embeddings.weight"] for table in ("position", "token_type")
        )
        tables = (self.constant(words.values), ids, self.constant(words.scales))
        layout = {"bits": 4, "block_size": words.block_size, "gather_axis": 0, "quantize_axis": 1}
        vectors = self.operator("GatherBlockQuantized", *tables, fused=True, **layout)
        zero, length = self.constant(np.array([0], np.int64)), self.operator("Shape", ids, start=1)
        first = self.operator("Slice", self.constant(positions + kinds[0]), zero, length, zero)
        return self._layer_norm(self.operator("Add", vectors, first), "embeddings.LayerNorm.")

    def layer(self, states: str, prefix: str, *, only_first: bool = False) -> str:
        """Add self-attention, then the feed-forward network, each with its residual connection. `only_first`: the result is
        the first token's alone, though it attends to all of them."""
        attention = prefix + "attention.self."
        if only_first:
            first = self.operator("Gather", states, self.constant(np.array([0], np.int64)), axis=1)
            projected = [
                *self._project(first, attention, "query"),
                *self._project(states, attention, "key", "value"),
            ]
            states = first
        else:
            projected = self._project(states, attention, "query", "key", "value")
        biases = [self._weights[f"{attention}{part}.bias"] for part in ("query", "key", "value")]
        inputs = (*projected, self.constant(np.concatenate(biases)))
        attended = self.operator("MultiHeadAttention", *inputs, fused=True, num_heads=HEADS)
        attended = self.linear(attended, prefix + "attention.output.dense.")
        states = self._layer_norm(
            self.operator("Add", attended, states), prefix + "attention.output.LayerNorm."
        )
        kernel, bias = self._kernel(prefix + "intermediate.dense.")
        hidden = self.operator("BiasGelu", self._matmul(states, kernel), self.constant(bias), fused=True)
        hidden = self.linear(hidden, prefix + "output.dense.")
        return self._layer_norm(self.operator("Add", hidden, states), prefix + "output.LayerNorm.")

    def _project(self, states: str, prefix: str, *parts: str) -> list[str]:
        """Multiply by the kernels of the parts in one operation, and split the result."""
        kernels = [self._kernel(f"{prefix}{part}.")[0] for part in parts]
        sizes = self.constant(np.array([HIDDEN] * len(parts), np.int64))
        joined = self._matmul(states, np.concatenate(kernels, axis=1))
        first = self.operator("Split", joined, sizes, outputs=len(parts), axis=2)
        return [first, *(f"{first}.{number}" for number in range(1, len(parts)))]

    def _layer_norm(self, states: str, prefix: str) -> str:
        """Add a layer normalisation of plain operators: ONNX Runtime's own is not vectorised, and three times as slow."""
        scale, shift = self._scale_and_shift(prefix)
        centred = self.operator("Sub", states, self.operator("MatMul", states, self._mean))
        variance = self.operator("MatMul", self.operator("Mul", centred, centred), self._mean)
        unit = self.operator("Div", centred, self.operator("Sqrt", variance))
        return self.operator("Add", self.operator("Mul", unit, scale), shift)

    def linear(self, states: str, prefix: str) -> str:
        kernel, bias = self._kernel(prefix)
        return self.operator("Add", self._matmul(states, kernel), self.constant(bias))

    def _matmul(self, states: str, kernel: Array) -> str:
        if not self._quantized:
            return self.operator("MatMul", states, self.constant(kernel))
        scales = np.abs(kernel).max(axis=0) / MAX_INT8_WEIGHT
        rounded = np.rint(kernel / scales).astype(np.int8)
        inputs = (states, self.constant(rounded), self.constant(scales))
        return self.operator("DynamicQuantizeMatMul", *inputs, fused=True)

    def _kernel(self, prefix: str) -> tuple[Array, Array]:
        return self._weights[prefix + "weight"].T, self._weights[prefix + "bias"]

    def _scale_and_shift(self, prefix: str) -> tuple[str, str]:
        return self.constant(self._weights[prefix + "weight"]), self.constant(self._weights[prefix + "bias"])

    def constant(self, values: NDArray[np.generic]) -> str:
        name = f"constant{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def operator(
        self, kind: str, *inputs: str, outputs: int = 1, fused: bool = False, **attributes: Any
    ) -> str:
        """Add an operator. Its first output is named after it, the others are numbered: `name.1`, `name.2`."""
        name = f"{kind}{len(self._nodes)}"
        names = [name, *(f"{name}.{number}" for number in range(1, outputs))]
        domain = "com.microsoft" if fused else ""
        self._nodes.append(helper.make_node(kind, inputs, names, name=name, domain=domain, **attributes))
        return name
