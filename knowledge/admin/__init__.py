"""The admin of references, documents and what the pipeline makes of them."""

from knowledge.admin import chunks, documents, evaluation, references, tags

__all__ = ["chunks", "documents", "evaluation", "references", "tags"]
