"""Source code, configuration and logs: as they stand, cut where a function or a section begins."""

from __future__ import annotations

from collections.abc import Iterator

from engines.parsing import Element, ParsedDocument, element_builders
from engines.parsing.job import Job
from engines.parsing.texts.text import load_counted

_FULL = 600
_TOO_FULL = 2_000


def read(job: Job) -> ParsedDocument:
    content = load_counted(job)
    return ParsedDocument(
        mime_type=job.mime_type, elements=tuple(elements(content.text)), warnings=content.warnings
    )


def elements(text: str) -> Iterator[Element]:
    """Cut before lines that are not indented: behind blank lines if a part is full, and anywhere if it is too full."""
    part: list[str] = []
    size, is_after_blank = 0, False
    for line in text.lstrip("\ufeff").split("\n"):
        is_start = line[:1] not in ("", " ", "\t", "}", ")", "]")
        if is_start and (size > _TOO_FULL or (size > _FULL and is_after_blank)):
            yield element_builders.code("\n".join(part))
            part, size = [], 0
        part.append(line)
        size += len(line)
        is_after_blank = not line.strip()
    yield element_builders.code("\n".join(part))
