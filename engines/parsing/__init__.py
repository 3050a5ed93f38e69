"""The parser port: bytes on disk in, elements with page and kind out.

Text is what a reader of the document would see, in reading order. A parser never fetches anything, writes
only into the folder it is given, and says with a `ParseError` why it could not read a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from engines.singleton import Singleton


class ElementKind(StrEnum):
    TITLE = "title"
    TEXT = "text"
    LIST_ITEM = "list_item"
    TABLE = "table"
    CODE = "code"


class Element(NamedTuple):
    """One block in reading order. `page` starts at 1 (slides and sheets count as pages; None: the format has
    no pages); `level` is a title's depth, 1 the highest, and 0 for what is no title. A table's text has one
    row a line, its cells separated by ' | '."""

    kind: ElementKind
    text: str
    page: int | None = None
    level: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file found inside another (an archive's entry, a mail's attachment), unpacked to `path`.
    `name` is its relative, cleaned path inside the container, with forward slashes."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedDocument:
    """`mime_type` is decided by content. `metadata` holds what the file says of itself (title, author,
    created, subject, language, keywords, page_count …), JSON values only."""

    mime_type: str
    elements: tuple[Element, ...] = ()
    members: tuple[Member, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)


class ParseError(Exception):
    """The file could not be read.

    `code` is stable and documented (docs/pipeline.md), `detail` a sentence that a person understands and that
    says what to do; `retryable` says whether the same file may succeed later (the process was killed from
    outside, the disk was full), which is not so for a broken file."""

    def __init__(self, code: str, detail: str, *, retryable: bool = False) -> None:
        super().__init__(detail)
        self.code, self.detail, self.retryable = code, detail, retryable


class Parser(Protocol):
    """`version` changes whenever the same bytes would give other elements."""

    version: str

    def parse(self, tenant_id: UUID, path: Path, *, filename: str, workdir: Path) -> ParsedDocument:
        """Read the file at `path`; `filename` is only a hint. Members are unpacked below `workdir`, an empty
        folder that the caller removes. Safe to call from several threads at once. Raises ParseError."""
        ...

    def close(self) -> None:
        """End the parser's processes; it may be used again afterwards."""
        ...


@Singleton
def get_parser() -> Parser:
    from engines.parsing.capped import CappedParser

    return CappedParser()
