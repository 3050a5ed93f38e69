"""Draws a page of a PDF, with its annotations and what its form is filled in with. Scripts do not run: pdfium has no engine
for them here."""

from __future__ import annotations

from engines.parsing import ParsedDocument, ParseError
from engines.parsing.job import Job
from engines.parsing.pdf.reader import open_document
from engines.parsing.pictures.drawing import MAX_SIDE_PIXELS, drawn


def draw(job: Job) -> ParsedDocument:
    """Raise ParseError if it has no such page."""
    document = open_document(job.path)
    if job.page > len(document):
        raise ParseError("no_picture")
    page = document[job.page - 1]
    scale = MAX_SIDE_PIXELS / max(*page.get_size(), 1.0)
    return drawn(job, page.render(scale=scale, rev_byteorder=True).to_pil())
