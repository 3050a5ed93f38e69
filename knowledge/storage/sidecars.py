"""`NAME.meta.json` beside `NAME`: what is to be known of one file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from knowledge.errors import UploadInvalidError

SUFFIX = ".meta.json"


@dataclass(frozen=True, slots=True)
class Sidecar:
    """`tags` is None where nothing is said of them."""

    metadata: dict[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] | None = None


def read_sidecar(name: str, text: str | bytes) -> Sidecar:
    """`{"metadata": {…}, "tags": […]}`. Raises UploadInvalidError."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UploadInvalidError(f"'{name}' is not JSON: {error}.") from error
    tags, metadata = (
        (found.get("tags", []), found.get("metadata", {})) if isinstance(found, dict) else (None, None)
    )
    if (
        not isinstance(metadata, dict)
        or not isinstance(tags, list)
        or not all(isinstance(t, str) for t in tags)
    ):
        raise UploadInvalidError(f'\'{name}\' must be {{"metadata": {{…}}, "tags": ["…"]}}.')
    return Sidecar(metadata, tuple(tags) if "tags" in found else None)
