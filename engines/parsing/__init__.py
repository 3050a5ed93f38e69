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

from core.errors import EngineError
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


class ParseError(EngineError):
    """The file could not be read."""


class ParseCancelled(Exception):
    """The file is not read, because its reader is no longer responsible for it; there is nothing to report."""


class Parser(Protocol):
    def version_of(self, mime_type: str) -> str:
        """The version of what reads this type: it changes whenever the same bytes would give other elements. "" for a type
        that is not known."""
        ...

    def parse(self, tenant_id: UUID, path: Path, *, filename: str, workdir: Path) -> ParsedDocument:
        """Read the file at `path`; `filename` is only a hint. Members are unpacked below `workdir`, an empty
        folder that the caller removes. Safe to call from several threads at once. Raises ParseError, ParseCancelled."""
        ...

    def close(self) -> None:
        """End the parser's processes; it may be used again afterwards."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ParserConfig:
    """How many processes read files at the same time, and the limits for each file: `engines.parsing.job.Limits`."""

    processes: int
    seconds: int
    memory_mb: int
    output_mb: int
    text_mb: int
    ocr_pages: int


@Singleton
def get_parser(config: ParserConfig) -> Parser:
    """The process's parser of this configuration."""
    from engines.parsing.process_pool import PooledParser

    return PooledParser(config)
