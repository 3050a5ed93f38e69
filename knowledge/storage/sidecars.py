"""Sidecars: `NAME.meta.json` beside `NAME` has the metadata and tags of that file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from knowledge.errors import UploadInvalidError

SUFFIX = ".meta.json"


@dataclass(frozen=True, slots=True)
class Sidecar:
    """`tags` is None where the sidecar has no tags."""

    metadata: dict[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] | None = None


def read_sidecar(name: str, text: str | bytes) -> Sidecar:
    """Parse `{"metadata": {…}, "tags": […]}`. Raise UploadInvalidError."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UploadInvalidError(f"'{name}' is not JSON: {error}.") from error
    tags, metadata = (
        (data.get("tags", []), data.get("metadata", {})) if isinstance(data, dict) else (None, None)
    )
    if (
        not isinstance(metadata, dict)
        or not isinstance(tags, list)
        or not all(isinstance(t, str) for t in tags)
    ):
        raise UploadInvalidError(f'\'{name}\' must be {{"metadata": {{…}}, "tags": ["…"]}}.')
    return Sidecar(metadata, tuple(tags) if "tags" in data else None)
