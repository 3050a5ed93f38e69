"""What is added to a reference."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from knowledge.models import TagSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A local file to be added. `external_id` is its identity in its source: the same one again replaces the document.
    `tags` are kept with the document, and say `tag_source` as theirs; None says nothing of them, where () says that a
    source has none."""

    external_id: str
    filename: str
    path: Path
    metadata: dict[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] | None = None
    tag_source: TagSource = TagSource.IMPORT
