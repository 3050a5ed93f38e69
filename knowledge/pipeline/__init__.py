"""The ingestion pipeline: parse → chunk → embed → tag → index. `run` has the order after `parse`.

Tagging follows embedding, because `ai` tags compare vectors. Nothing here uses the ORM: input and output are the frozen
values of `values.py`. Heavy libraries are imported behind the ports only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from engines.embedding import Embedder
from engines.languages import languages_of
from engines.parsing import ParseCancelled, ParseError, Parser
from knowledge.metadata import bounded_file_metadata
from knowledge.pipeline.chunking import chunk, embedding_input
from knowledge.pipeline.embedding import embed
from knowledge.pipeline.hooks import Hooks
from knowledge.pipeline.indexing import index
from knowledge.pipeline.ports import Ports
from knowledge.pipeline.tagging import tag
from knowledge.pipeline.values import Chunked, Failure, Parsed, Source, Tagged, chunk_id

# As many as MiniLM reads. Other models read more, but answers are easier to check in short passages.
DEFAULT_CHUNK_TOKENS = 254


def run(tenant_id: UUID, parsed: Sequence[Parsed], ports: Ports, hooks: Hooks) -> list[Tagged]:
    """Process the files of one batch, which `parse` has read, up to the vector store. The caller publishes the result.

    A file that is not wanted any more is left out; EmbeddingError and VectorStoreError concern the whole batch.
    """
    hooks.progress("chunk")
    wanted = [document for document in parsed if hooks.is_wanted(document.source.document_id)]
    chunked = [chunk_document(document, ports.embedder) for document in wanted]
    hooks.progress("embed")
    embedded = embed(chunked, tenant_id=tenant_id, ports=ports, hooks=hooks)
    hooks.progress("tag")
    tagged = [tagged for document in embedded if (tagged := tag(document, ports.embedder, hooks))]
    hooks.progress("index")
    index(tagged, tenant_id=tenant_id, ports=ports)
    return tagged


def parse(
    tenant_id: UUID, sources: Sequence[Source], parser: Parser, workdir: Path, hooks: Hooks
) -> tuple[list[Parsed], list[Failure]]:
    """Read the files of one batch, each in an empty folder of `workdir`, which the caller removes after `run`. A file that
    cannot be read is returned as a Failure, and one that is not wanted any more is left out."""
    parsed: list[Parsed] = []
    failures: list[Failure] = []
    folder: Path | None = None
    for number, source in enumerate(sources):
        hooks.progress("parse")
        if not hooks.is_wanted(source.document_id):
            continue
        # An empty folder is used again, because making one takes as long as reading a small file.
        if folder is None or any(folder.iterdir()):
            folder = workdir / str(number)
            folder.mkdir()
        try:
            document = parser.parse(tenant_id, source.path, filename=source.filename, workdir=folder)
            document = replace(document, metadata=bounded_file_metadata(document.metadata))
            parsed.append(Parsed(source=source, document=document))
        except ParseCancelled:
            continue
        except ParseError as error:
            failures.append(Failure(source=source, code=error.code, detail=error.detail))
    return parsed, failures


def chunk_document(parsed: Parsed, embedder: Embedder) -> Chunked:
    source, chunk_settings = parsed.source, parsed.source.chunk_settings
    max_tokens = min(chunk_settings.max_tokens or DEFAULT_CHUNK_TOKENS, embedder.max_tokens)
    result = chunk(
        parsed.document.elements,
        counter=embedder,
        max_tokens=max_tokens,
        overlap=min(chunk_settings.overlap, max_tokens // 2),
        page_kind=parsed.document.page_kind,
    )
    contents = tuple(embedding_input(one) for one in result.chunks)
    return Chunked(
        source=source,
        document=parsed.document,
        text=result.text,
        chunks=result.chunks,
        ids=tuple(chunk_id(source.document_id, source.generation, one.position) for one in result.chunks),
        contents=contents,
        digests=tuple(hashlib.sha256(content.encode()).hexdigest() for content in contents),
        languages=tuple(languages_of(contents)),
    )
