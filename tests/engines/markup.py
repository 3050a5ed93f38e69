"""What the parsers of markup return, for comparison."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from engines.parsing import Element
from engines.parsing.job import Job, Limits
from engines.parsing.markup import rst


def blocks(elements: Iterable[Element]) -> list[tuple[str, str]]:
    """Return the kind, with the level of a title, and the text of each element."""
    return [(f"{element.kind}{element.level or ''}", element.text.strip()) for element in elements]


def read_rst(text: str, tmp_path: Path) -> tuple[list[tuple[str, str]], dict[str, object]]:
    """Return the blocks and the metadata."""
    path = tmp_path / "a.rst"
    path.write_text(text)
    limits = Limits(seconds=9, memory_mb=900, output_mb=9, text_mb=9, ocr_pages=9)
    job = Job(
        path=path,
        filename="a.rst",
        workdir=tmp_path,
        mime_type="text/x-rst",
        limits=limits,
        restart_timeout=lambda: None,
    )
    document = rst.read(job)
    return blocks(document.elements), document.metadata
