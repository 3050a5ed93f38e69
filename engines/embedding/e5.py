"""multilingual-e5-small on ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sentencepiece import SentencePieceProcessor

from engines.embedding import E5Config, TextRole, Vectors
from engines.embedding.built_in import DIMENSIONS, BuiltInModel

GRAPH_VERSION = 1
TOKENIZER_FILE = "tokenizer"
PREFIXES = {TextRole.PASSAGE: "passage: ", TextRole.QUESTION: "query: "}
# The ids of the tokens at the beginning and at the end of a text, which has 512 tokens with these and with its prefix.
BEGINNING, END = 0, 2
MAX_TOKENS = 512 - 2 - 4


class E5Embedder:
    dimensions = DIMENSIONS
    max_tokens = MAX_TOKENS
    languages: frozenset[str] | None = E5Config.languages

    def __init__(self, config: E5Config) -> None:
        self.model = config.model
        self._graph = BuiltInModel(config, builder="engines.embedding.e5_graph", version=GRAPH_VERSION)
        self._tokenizer = SentencePieceProcessor(model_file=str(self._graph.folder / TOKENIZER_FILE))
        self._prefixes = {role: self._ids(prefix) for role, prefix in PREFIXES.items()}

    def embed(self, tenant_id: UUID, texts: Sequence[str], role: TextRole) -> Vectors:
        prefix = self._prefixes[role]
        return self._graph.vectors([BEGINNING, *prefix, *self._ids(text)[:MAX_TOKENS], END] for text in texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(self._ids(text)) for text in texts]

    def token_starts(self, text: str) -> list[int]:
        """White space before a word belongs to the word's first token, which starts after it here."""
        spans = self._tokenizer.encode(text, return_type="offset_mapping")["offsets"]
        return [end - len(text[start:end].lstrip()) for start, end in spans]

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, return_type=int)
        return ids
