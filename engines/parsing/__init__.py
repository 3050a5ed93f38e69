"""The parser port: it turns a file into elements with a kind and a page.

The text is what a reader of the document would see, in reading order. A parser never fetches anything, writes only
into the folder it is given, and raises `ParseError` with the reason when it cannot read a file.
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
    FORMULA = "formula"
    CAPTION = "caption"
    NOTE = "note"
    COMMENT = "comment"
    HEADER = "header"
    FOOTER = "footer"


class PageKind(StrEnum):
    """What the numbers of a document's pages count. Only what is written on pages runs over from one to the next."""

    PAGE = "page"
    SLIDE = "slide"
    SHEET = "sheet"
    CHAPTER = "chapter"


class Element(NamedTuple):
    """One block of a document, at its place in reading order: notes follow what their mark is in; comments, and what a
    speaker notes, what they belong to.

    `page` starts at 1 and is None if the format has no pages; `level` is a title's depth, 1 being the highest, and 0 for
    other kinds. A list item's text begins with its number, if it has one. A table's text has one line per row, with cells
    separated by ' | ', each under its column; its first `header_rows` lines name the columns. An element that `continues`
    is the rest of a paragraph, on another page. `confidence` is that of recognised text, in percent."""

    kind: ElementKind
    text: str
    page: int | None = None
    level: int = 0
    header_rows: int = 0
    continues: bool = False
    confidence: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file inside another one (an archive's entry, a mail's attachment), unpacked to `path`. `name` is its relative,
    cleaned path inside the container, with forward slashes."""

    name: str
    path: Path


class ReadingWarning(NamedTuple):
    """Something in a file that was not read, or not reliably: a code of `engines.parsing.warnings`, and a sentence."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedDocument:
    """`mime_type` is detected from the content. `metadata` holds the file's own properties (title, author, created, subject,
    language, keywords, page_count …) as JSON values, and as `hidden_parts` the number of texts, rows, sheets and slides that
    were left out because they are not shown."""

    mime_type: str
    elements: tuple[Element, ...] = ()
    members: tuple[Member, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    page_kind: PageKind = PageKind.PAGE
    warnings: tuple[ReadingWarning, ...] = ()

    @property
    def warnings_by_code(self) -> dict[str, str]:
        """{code: its sentences}."""
        return {
            code: " ".join(warning.detail for warning in self.warnings if warning.code == code)
            for code in dict.fromkeys(warning.code for warning in self.warnings)
        }


class ParseError(EngineError):
    """The file could not be read."""


class ParseCancelled(Exception):
    """The file is not parsed, because the job was handed back meanwhile; there is nothing to report."""


class Parser(Protocol):
    def version_of(self, mime_type: str) -> str:
        """Return the version of this type's reader. It changes whenever the same bytes would give other elements; "" for an
        unknown type."""
        ...

    def parse(self, tenant_id: UUID, path: Path, *, filename: str, workdir: Path) -> ParsedDocument:
        """Parse the file at `path`; `filename` is only a hint. Members are unpacked below `workdir`, an empty folder that
        the caller removes. Thread-safe. Raise ParseError or ParseCancelled."""
        ...

    def draw(self, tenant_id: UUID, path: Path, *, filename: str, workdir: Path, page: int) -> Path:
        """Return a WebP picture, below `workdir`, of the page that has this number, from 1, of a PDF or a picture.
        Thread-safe. Raise ParseError."""
        ...

    def close(self) -> None:
        """End the parser's processes. The parser can be used again afterwards."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ParserConfig:
    """The number of processes that parse a tenant's files at the same time, whether they refuse to work where the kernel
    lacks layers of the sandbox that need no privilege, the limits per file (see `engines.parsing.job.Limits`), and the
    socket of the parser service, if there is one."""

    processes: int
    seconds: int
    memory_mb: int
    output_mb: int
    text_mb: int
    ocr_pages: int
    requires_sandbox: bool = False
    service: Path | None = None


@Singleton
def get_parser(config: ParserConfig) -> Parser:
    """Return this process's parser with this configuration."""
    from engines.parsing.process_pool import PooledParser

    return PooledParser(config)
