"""The prefixes of vector stores, files and batches."""

from __future__ import annotations

import re

from core.api.openai.ids import as_id
from knowledge.models import Document

STORE, FILE, BATCH = "vs_", "file-", "vsfb_"
_FILE_ID = re.compile(f"{FILE}[0-9a-f]{{32}}")


def file_id(document: Document) -> str:
    """The id of the file that the document was made from, or the document's own when it was added through another API."""
    is_from_file = _FILE_ID.fullmatch(document.external_id)
    return document.external_id if is_from_file else as_id(FILE, document.pk)
