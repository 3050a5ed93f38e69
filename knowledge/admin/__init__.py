"""The admin of references, documents and what the pipeline makes of them."""

from knowledge.admin import bulk, chunks, connectors, documents, evaluation, references, tags

__all__ = ["bulk", "chunks", "connectors", "documents", "evaluation", "references", "tags"]
