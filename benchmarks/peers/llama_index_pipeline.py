"""LlamaIndex's `IngestionPipeline`: directory reader, sentence splitter, document store, Qdrant in memory."""

from __future__ import annotations

from pathlib import Path

from llama_index.core import SimpleDirectoryReader
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.vector_stores.qdrant import QdrantVectorStore
from pydantic import PrivateAttr
from qdrant_client import QdrantClient

from .shared import CHUNK_TOKENS, TrivialModel, measure


class TrivialEmbedding(BaseEmbedding):
    _model: TrivialModel = PrivateAttr()

    def __init__(self, model: TrivialModel) -> None:
        super().__init__(embed_batch_size=256)
        self._model = model

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._model.embed(texts)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._model.embed([text])[0]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._model.embed([query])[0]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._model.embed([query])[0]


def main() -> None:
    model, client = TrivialModel(), QdrantClient(":memory:")
    pipeline = IngestionPipeline(
        transformations=[
            SentenceSplitter(chunk_size=CHUNK_TOKENS, chunk_overlap=0),
            TrivialEmbedding(model),
        ],
        docstore=SimpleDocumentStore(),
        docstore_strategy=DocstoreStrategy.UPSERTS,
        vector_store=QdrantVectorStore("pages", client=client),
    )

    def ingest(folder: Path) -> None:
        reader = SimpleDirectoryReader(str(folder), recursive=True, filename_as_id=True)
        pipeline.run(documents=reader.load_data())

    measure("llama-index-core", ingest, model, lambda: client.count("pages").count)


if __name__ == "__main__":
    main()
