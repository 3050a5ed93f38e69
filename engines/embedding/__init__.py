"""The embedder port: texts in, unit vectors out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from core.errors import EngineError
from engines.singleton import Singleton

Vectors = NDArray[np.float32]


class EmbeddingError(EngineError):
    """The texts could not be embedded."""


class TextRole(StrEnum):
    """What a text is for. Many models put different words in front of texts that are found, and texts that find them."""

    PASSAGE = "passage"
    QUESTION = "question"


class Embedder(Protocol):
    """`model` names what a passage's vector depends on, such as weights and precision: vectors of different models are
    never compared, and it names the collection they are stored in. `max_tokens` is the length of the longest text,
    special tokens not counted, that the model reads whole. `languages` are those that it was trained to read (ISO 639-1),
    None if they are unknown."""

    model: str
    max_tokens: int
    languages: frozenset[str] | None

    def __hash__(self) -> int: ...

    @property
    def dimensions(self) -> int:
        """The length of every vector. Raises EmbeddingError if an endpoint must be queried for it and fails."""
        ...

    def embed(self, tenant_id: UUID, texts: Sequence[str], role: TextRole) -> Vectors:
        """Return an array of shape (len(texts), dimensions), its rows of length 1 and in the order of the texts. Any
        text is accepted: an empty one has a vector, a too long one is truncated. Thread-safe; a call does not wait
        long for another's texts. Raises EmbeddingError."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, without special tokens and without truncation."""
        ...

    def token_starts(self, text: str) -> list[int]:
        """Return the character offsets at which these tokens start."""
        ...


@dataclass(frozen=True, kw_only=True)
class BuiltInConfig:
    """A built-in model in the precision "int8" or "fp32"; its graph is kept in `folder`."""

    name: ClassVar[str]
    languages: ClassVar[frozenset[str]]
    precision: str
    threads: int
    folder: Path

    @property
    def model(self) -> str:
        return f"{self.name}-{self.precision}"


class MiniLMConfig(BuiltInConfig):
    name = "all-MiniLM-L6-v2"
    languages = frozenset({"en"})


# Those of the texts that the model was trained with.
_LANGUAGES_OF_E5 = (
    "af am ar as az be bg bn br bs ca cs cy da de el en eo es et eu fa fi fr fy ga gd gl gu ha he hi hr hu hy id is it ja jv"
    " ka kk km kn ko ku ky la lo lt lv mg mk ml mn mr ms my ne nl no om or pa pl ps pt ro ru sa sd si sk sl so sq sr su sv"
    " sw ta te th tl tr ug uk ur uz vi xh yi zh"
)


class E5Config(BuiltInConfig):
    """At more than twice the cost of MiniLM."""

    name = "multilingual-e5-small"
    languages = frozenset(_LANGUAGES_OF_E5.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointConfig:
    """A model behind an OpenAI-compatible `/v1/embeddings`, which knows it by `name`. If `dimensions` is 0, they are those
    of the first response. The prefixes are put in front of each text of their role."""

    name: str
    url: str
    api_key: str = field(default="", repr=False)
    dimensions: int = 0
    passage_prefix: str = ""
    question_prefix: str = ""
    languages: frozenset[str] | None = None

    @property
    def model(self) -> str:
        """A model with another prefix for passages makes other vectors, and so has another name."""
        if not self.passage_prefix:
            return self.name
        return f"{self.name}@{hashlib.sha256(self.passage_prefix.encode()).hexdigest()[:8]}"


EmbedderConfig = MiniLMConfig | E5Config | EndpointConfig


@Singleton
def get_embedder(config: EmbedderConfig) -> Embedder:
    """Return the process's embedder for this configuration. Raises ConfigurationError."""
    if isinstance(config, EndpointConfig):
        from engines.embedding.openai_compatible import OpenAICompatibleEmbedder

        return OpenAICompatibleEmbedder(config)
    if isinstance(config, E5Config):
        from engines.embedding.e5 import E5Embedder

        return E5Embedder(config)
    from engines.embedding.minilm import MiniLMEmbedder

    return MiniLMEmbedder(config)


# An embedder's threads do not survive a fork; the child starts its own.
os.register_at_fork(after_in_child=get_embedder.cache_clear)
