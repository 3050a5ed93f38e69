"""The admin of libraries, documents and what the pipeline makes of them."""

from knowledge.admin import documents, libraries, passages, tags

__all__ = ["documents", "libraries", "passages", "tags"]
