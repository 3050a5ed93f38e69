"""The files that are added to a reference."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.names import printable
from knowledge.models import TagSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A local file to add. `external_id` is its identity in its source: a document with the same one is replaced. `tags` are
    kept with the document, with `tag_source` as their source; None leaves its tags as they are, while () means that the
    source has none. A document that is replaced keeps its file name, unless the upload `renames` it."""

    external_id: str
    filename: str
    path: Path
    metadata: dict[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] | None = None
    tag_source: TagSource = TagSource.IMPORT
    renames: bool = False

    def __post_init__(self) -> None:
        """The names as they are stored, so that a file is found again by its own."""
        object.__setattr__(self, "external_id", printable(self.external_id))
        object.__setattr__(self, "filename", printable(self.filename))
