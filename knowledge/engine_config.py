"""The parser, the embedders and the vector store, as the settings configure them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from engines.embedding import (
    E5Config,
    Embedder,
    EmbedderConfig,
    EmbeddingError,
    EndpointConfig,
    MiniLMConfig,
    get_embedder,
)
from engines.parsing import Parser, ParserConfig, get_parser
from engines.reranking import CrossEncoderConfig, RerankEndpointConfig, Reranker, get_reranker
from engines.vectors import EdgeConfig, ServerConfig, VectorStore, get_vector_store
from knowledge.models import Reference


def embedder_configs() -> dict[str, EmbedderConfig]:
    """{model: configuration} of the embedders that references may use; the first is the default."""
    threads, folder = settings.EMBEDDING_THREADS, settings.MODEL_DIR
    built_in: list[EmbedderConfig] = [
        MiniLMConfig(precision=settings.EMBEDDING_PRECISION, threads=threads, folder=folder),
        E5Config(precision="int8", threads=threads, folder=folder),
    ]
    return {config.model: config for config in (*_endpoints(), *built_in)}


def _endpoints() -> Iterator[EndpointConfig]:
    if settings.EMBEDDING_URL:
        yield EndpointConfig(
            name=settings.EMBEDDING_MODEL,
            url=settings.EMBEDDING_URL,
            api_key=settings.EMBEDDING_API_KEY,
            dimensions=settings.EMBEDDING_DIMENSIONS,
            passage_prefix=settings.EMBEDDING_PASSAGE_PREFIX,
            question_prefix=settings.EMBEDDING_QUESTION_PREFIX,
            languages=frozenset(settings.EMBEDDING_LANGUAGES) or None,
        )


def default_model() -> str:
    return next(iter(embedder_configs()))


def model_for(reference: Reference) -> str:
    """The embedding model that the reference's documents are embedded with."""
    return model_named(reference.embedding_model)


def model_named(own: str) -> str:
    """The embedding model of references with this value of `Reference.embedding_model`."""
    return default_model() if own in ("", Reference.AUTO) else own


def own_model_name(model: str) -> str:
    """The value of `Reference.embedding_model` for the model."""
    return "" if model == default_model() else model


def embedder_named(model: str) -> Embedder:
    """Raises EmbeddingError when the model is not configured."""
    configs = embedder_configs()
    if model not in configs:
        raise EmbeddingError("embedding_not_configured", model=model, models=", ".join(configs))
    return get_embedder(configs[model])


def default_embedder() -> Embedder:
    return embedder_named(default_model())


def reranker() -> Reranker:
    """Raises ConfigurationError."""
    if not settings.RERANK_URL:
        return get_reranker(CrossEncoderConfig(threads=settings.EMBEDDING_THREADS, folder=settings.MODEL_DIR))
    endpoint = RerankEndpointConfig(
        url=settings.RERANK_URL,
        model=settings.RERANK_MODEL,
        api_key=settings.RERANK_API_KEY,
        languages=frozenset(settings.RERANK_LANGUAGES) or None,
    )
    return get_reranker(endpoint)


def vector_store() -> VectorStore:
    if settings.QDRANT_URL:
        return get_vector_store(ServerConfig(url=settings.QDRANT_URL, api_key=settings.QDRANT_API_KEY))
    return get_vector_store(EdgeConfig(socket=settings.VECTOR_SOCKET, password=str(settings.VECTOR_PASSWORD)))


def parser_config() -> ParserConfig:
    return ParserConfig(
        processes=settings.PARSER_PROCESSES,
        seconds=settings.PARSER_SECONDS,
        memory_mb=settings.PARSER_MEMORY_MB,
        output_mb=settings.PARSER_OUTPUT_MB,
        text_mb=settings.PARSER_TEXT_MB,
        ocr_pages=settings.PARSER_OCR_PAGES,
        requires_sandbox=settings.PARSER_SANDBOX == "required",
        service=parser_service(),
    )


def parser_service() -> Path | None:
    return Path(settings.PARSER_SOCKET) if settings.PARSER_SOCKET else None


def file_parser() -> Parser:
    return get_parser(parser_config())
