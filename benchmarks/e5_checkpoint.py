"""multilingual-e5-small as a folder that sentence-transformers loads, made from the weights that the embedder has."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from engines.embedding.e5_weights import E5Model, read_model
from engines.local_models.bert_graph import HEADS, HIDDEN, Array

CONFIG = {
    "architectures": ["BertModel"],
    "model_type": "bert",
    "hidden_size": HIDDEN,
    "num_attention_heads": HEADS,
    "num_hidden_layers": 12,
    "intermediate_size": 4 * HIDDEN,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "pad_token_id": 1,
}
MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
]
POOLING = {"word_embedding_dimension": HIDDEN, "pooling_mode_mean_tokens": True}
TOKENIZER = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 512, "pad_token": "<pad>"}


def write(folder: Path) -> None:
    """In full precision, as models are published."""
    model = read_model()
    words = _unpacked(model)
    weights = {"embeddings.word_embeddings.weight": words, **model.weights}
    save_file(
        {name: np.ascontiguousarray(one) for name, one in weights.items()}, folder / "model.safetensors"
    )
    (folder / "1_Pooling").mkdir()
    for name, content in (
        ("config.json", {**CONFIG, "vocab_size": len(words)}),
        ("modules.json", MODULES),
        ("1_Pooling/config.json", POOLING),
        ("tokenizer_config.json", TOKENIZER),
    ):
        (folder / name).write_text(json.dumps(content))
    _tokenizer(model.tokenizer).save(str(folder / "tokenizer.json"))


def _unpacked(model: E5Model) -> Array:
    values, scales, block_size = model.words
    numbers = np.stack([values & 15, values >> 4], axis=2).reshape(len(values), -1).astype(np.float32) - 8
    table: Array = numbers * np.repeat(scales, block_size, axis=1)
    return table


def _tokenizer(serialized: bytes) -> Tokenizer:
    model = sentencepiece_model_pb2.ModelProto.FromString(serialized)  # type: ignore[attr-defined]
    pieces = [(piece.piece, piece.score) for piece in model.pieces]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer
