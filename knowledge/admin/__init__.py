"""The admin of libraries, documents and what the pipeline makes of them."""

from knowledge.admin import chunks, documents, libraries, tags

__all__ = ["chunks", "documents", "libraries", "tags"]
