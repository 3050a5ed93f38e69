"""From files to findable passages: parse → chunk → embed → tag → index. `run` shows the whole order.

Tags come after vectors, because `ai` tags compare the two. Nothing here touches the ORM: what goes in and comes out are
the frozen values of `values.py`. Heavy libraries live behind the ports.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from uuid import UUID

from core.progress import Progress
from engines.embedding import Embedder
from engines.parsing import ParseCancelled, ParseError, Parser
from knowledge.pipeline.chunking import chunk, embedding_input
from knowledge.pipeline.embedding import embed, embed_tags
from knowledge.pipeline.indexing import index
from knowledge.pipeline.ports import Ports
from knowledge.pipeline.tagging import tag
from knowledge.pipeline.values import Chunked, Failure, Parsed, Source, Tagged, chunk_id


def run(
    tenant_id: UUID, sources: Sequence[Source], ports: Ports, workdir: Path, progress: Progress
) -> tuple[list[Tagged], list[Failure]]:
    """Make the files of one batch findable, as far as the vector store goes; the flip is the caller's, who also removes
    the empty folder `workdir` afterwards.

    `progress` is called before each stage, and may raise to stop the work. A file that cannot be read fails
    alone; EmbeddingError and VectorStoreError concern the whole batch.
    """
    progress("parse")
    parsed, failures = parse(tenant_id, sources, ports.parser, workdir)
    progress("chunk")
    chunked = [chunk_one(one, ports.embedder) for one in parsed]
    progress("embed")
    embedded = embed(
        chunked,
        tenant_id=tenant_id,
        embedder=ports.embedder,
        store=ports.store,
        collection=ports.collection,
        progress=progress,
    )
    progress("tag")
    tagged = tag(embedded, lambda words: embed_tags(ports.embedder, tenant_id, words))
    progress("index")
    index(tagged, tenant_id=tenant_id, store=ports.store, collection=ports.collection)
    return tagged, failures


def parse(
    tenant_id: UUID, sources: Sequence[Source], parser: Parser, workdir: Path
) -> tuple[list[Parsed], list[Failure]]:
    parsed: list[Parsed] = []
    failures: list[Failure] = []
    for source, folder in zip(sources, _empty_folders(workdir), strict=False):
        try:
            document = parser.parse(tenant_id, source.path, filename=source.filename, workdir=folder)
            parsed.append(Parsed(source=source, document=document))
        except ParseCancelled:
            continue
        except ParseError as error:
            failures.append(Failure(source=source, code=error.code, detail=error.detail))
    return parsed, failures


def _empty_folders(below: Path) -> Iterator[Path]:
    """The same one, until something is left in it: to make one takes as long as to read a small file."""
    for number in count():
        folder = below / str(number)
        folder.mkdir()
        while not any(folder.iterdir()):
            yield folder


def chunk_one(parsed: Parsed, embedder: Embedder) -> Chunked:
    wanted = parsed.source.chunk_settings
    max_tokens = min(wanted.max_tokens or embedder.max_tokens, embedder.max_tokens)
    chunked = chunk(parsed.document.elements, counter=embedder, max_tokens=max_tokens, overlap=wanted.overlap)
    source, contents = parsed.source, tuple(embedding_input(one) for one in chunked.chunks)
    return Chunked(
        source=source,
        document=parsed.document,
        text=chunked.text,
        chunks=chunked.chunks,
        ids=tuple(chunk_id(source.document_id, source.generation, one.position) for one in chunked.chunks),
        contents=contents,
        digests=tuple(hashlib.sha256(content.encode()).hexdigest() for content in contents),
    )
