"""The admin of references, documents and what the pipeline makes of them."""

from knowledge.admin import chunks, connectors, documents, evaluation, references, tags

__all__ = ["chunks", "connectors", "documents", "evaluation", "references", "tags"]
