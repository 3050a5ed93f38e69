"""What the stages of an answer give each other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from engines.chat import Role, TokenUsage
from knowledge.search.found_chunks import FoundChunk


class Part(NamedTuple):
    """A chunk of a joined passage; `start` is its offset in the document's text."""

    start: int
    chunk_id: UUID
    page: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What an answer may stand on. `number` is the mark by which it is cited, from 1. `chunk` has the text and the place of
    the whole passage, which may have been joined of neighbours: `parts` has these, in order, if there are several."""

    number: int
    chunk: FoundChunk
    parts: tuple[Part, ...] = ()

    @property
    def joined(self) -> tuple[UUID, ...]:
        """The ids of the neighbours."""
        return tuple(part.chunk_id for part in self.parts)

    def part_at(self, position: int) -> Part:
        """Return the part that has the text at this offset of the document. The end of a part may be on the next page."""
        whole = Part(self.chunk.start, self.chunk.chunk_id, self.chunk.page)
        return next((part for part in reversed(self.parts) if part.start <= position), whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """`text` is what is quoted or relied on, `start` and `end` are its offsets in the document's text, and `page` is that of
    its first character. `url` is where the document comes from, if it is known and can be opened."""

    number: int
    chunk_id: UUID
    document_id: UUID
    filename: str
    page: int | None
    heading: tuple[str, ...]
    text: str
    start: int
    end: int
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCitation:
    """The first rows of a query that an answer stands on. `data_sources` are those that it has read, as pairs of id and
    name; `row_count` is the number of all rows that it has returned, and `is_cut` says that there are more."""

    number: int
    sql: str
    data_sources: tuple[tuple[UUID, str], ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    row_count: int
    is_cut: bool = False


class Support(StrEnum):
    """How well a sentence's cited passages support it."""

    SUPPORTED = "supported"
    WEAK = "weak"
    # It makes no statement that needs one, as a question or a greeting.
    NOT_NEEDED = "not_needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSentence:
    """A sentence of an answer, at `text[start:end]`, with the marks of the passages that it cites. `reason` says what
    they do not have."""

    start: int
    end: int
    cited: tuple[int, ...]
    support: Support
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`text` has the marks `[1]` of the passages, and of the rows of `tables`. `is_refusal` if the documents do not have the
    answer. `removed_marks` are those that named none of these. `model` is "extractive" for quotations, and "structured" for
    rows that were found without a model. `is_cut_off` if the model's tokens were used up."""

    text: str
    citations: tuple[Citation, ...]
    tables: tuple[TableCitation, ...] = ()
    sentences: tuple[CheckedSentence, ...] = ()
    is_refusal: bool = False
    is_cut_off: bool = False
    removed_marks: tuple[str, ...] = ()
    model: str = ""
    usage: TokenUsage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """An earlier question or answer of the conversation. `message` is its row, if it is kept, and `summary` is that of the
    conversation up to it, itself included, if there is one."""

    role: Role
    text: str
    message: UUID | None = None
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a prompt has of the conversation: a summary of its oldest turns, and the turns after these."""

    summary: str
    turns: tuple[Turn, ...]
