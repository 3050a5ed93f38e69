"""Haystack's indexing pipeline: text converter, cleaner, splitter, writer, Qdrant in memory."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from haystack import Document, Pipeline, component
from haystack.components.converters import TextFileToDocument
from haystack.components.preprocessors import DocumentCleaner, DocumentSplitter
from haystack.components.writers import DocumentWriter
from haystack.document_stores.types import DuplicatePolicy
from haystack_integrations.document_stores.qdrant import QdrantDocumentStore

from .shared import CHUNK_WORDS, DIMENSIONS, TrivialModel, measure


@component
class TrivialEmbedder:
    def __init__(self, model: TrivialModel) -> None:
        self._model = model

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, list[Document]]:
        vectors = self._model.embed([document.content or "" for document in documents])
        pairs = zip(documents, vectors, strict=True)
        return {"documents": [replace(document, embedding=vector) for document, vector in pairs]}


def main() -> None:
    model = TrivialModel()
    store = QdrantDocumentStore(":memory:", embedding_dim=DIMENSIONS, progress_bar=False)
    pipeline = Pipeline()
    parts = {
        "converter": TextFileToDocument(),
        "cleaner": DocumentCleaner(),
        "splitter": DocumentSplitter(split_by="word", split_length=CHUNK_WORDS, split_overlap=0),
        "embedder": TrivialEmbedder(model),
        "writer": DocumentWriter(store, policy=DuplicatePolicy.SKIP),
    }
    for name, part in parts.items():
        pipeline.add_component(name, part)
    for before, after in pairwise(parts):
        pipeline.connect(f"{before}.documents", f"{after}.documents")

    def ingest(folder: Path) -> None:
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        pipeline.run({"converter": {"sources": files}})

    measure("haystack-ai", ingest, model, store.count_documents)


if __name__ == "__main__":
    main()
