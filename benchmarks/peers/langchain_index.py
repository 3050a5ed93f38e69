"""LangChain's `index()`: text loader, recursive splitter, record manager, Qdrant in memory."""

from __future__ import annotations

from pathlib import Path

from langchain_classic.indexes import SQLRecordManager
from langchain_community.document_loaders import DirectoryLoader, TextLoader
from langchain_core.embeddings import Embeddings
from langchain_core.indexing import index
from langchain_qdrant import QdrantVectorStore
from langchain_text_splitters import RecursiveCharacterTextSplitter
from qdrant_client import QdrantClient
from qdrant_client.models import Distance, VectorParams

from .shared import CHUNK_CHARACTERS, DIMENSIONS, TrivialModel, measure


class TrivialEmbeddings(Embeddings):
    def __init__(self, model: TrivialModel) -> None:
        self._model = model

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return self._model.embed(texts)

    def embed_query(self, text: str) -> list[float]:
        return self._model.embed([text])[0]


def main() -> None:
    model, client = TrivialModel(), QdrantClient(":memory:")
    client.create_collection("pages", VectorParams(size=DIMENSIONS, distance=Distance.COSINE))
    store = QdrantVectorStore(
        client, "pages", TrivialEmbeddings(model), validate_embeddings=False, validate_collection_config=False
    )
    records = SQLRecordManager("qdrant/pages", db_url="sqlite:///:memory:")
    records.create_schema()
    splitter = RecursiveCharacterTextSplitter(chunk_size=CHUNK_CHARACTERS, chunk_overlap=0)

    def ingest(folder: Path) -> None:
        loader = DirectoryLoader(
            str(folder), glob="**/*.*", loader_cls=TextLoader, loader_kwargs={"encoding": "utf-8"}
        )
        index(
            splitter.split_documents(loader.lazy_load()),
            records,
            store,
            cleanup="full",
            source_id_key="source",
        )

    measure("langchain-core", ingest, model, lambda: client.count("pages").count)


if __name__ == "__main__":
    main()
