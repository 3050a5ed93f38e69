"""The admin of references, documents and what the pipeline makes of them."""

from knowledge.admin import chunks, documents, references, tags

__all__ = ["chunks", "documents", "references", "tags"]
