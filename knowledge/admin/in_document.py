"""A passage where it stands: the document's text around it, with the passage marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models.functions import Substr
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from core.admin import TenantAdmin
from knowledge.models import Chunk, Document
from knowledge.services.pictures import has_pictures

# So many characters are shown before the passage, and so many after it.
AROUND = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    before: str
    marked: str
    after: str
    is_beginning: bool
    is_end: bool


def in_document_page(page: TenantAdmin, request: HttpRequest, chunk: Chunk) -> HttpResponse:
    """With `start` and `end` of a quotation inside the passage, that alone is marked."""
    start, end = _place(request, chunk)
    context = {
        **page.admin_site.each_context(request),
        "title": chunk.document.filename,
        "chunk": chunk,
        "text": surroundings(chunk, start, end),
        "has_picture": chunk.page is not None and has_pictures(chunk.document),
    }
    return TemplateResponse(request, "admin/knowledge/chunk/in_document.html", context)


def surroundings(chunk: Chunk, start: int, end: int) -> Surroundings:
    """Around these characters of the document."""
    first = max(0, start - AROUND)
    length = end + AROUND - first
    rows = Document.objects.filter(pk=chunk.document_id)
    text = rows.values_list(Substr("text", first + 1, length + 1), flat=True).get()
    shown = text[:length]
    return Surroundings(
        before=shown[: start - first],
        marked=shown[start - first : end - first],
        after=shown[end - first :],
        is_beginning=first == 0,
        is_end=len(text) <= length,
    )


def _place(request: HttpRequest, chunk: Chunk) -> tuple[int, int]:
    """That of the address if it lies inside of the passage and those that were joined to it, or else the passage's."""
    given = [_number(request.GET.get(name, "")) for name in ("start", "end")]
    near = range(max(0, chunk.start - AROUND), chunk.end + AROUND)
    start, end = given
    if start is not None and end is not None and start in near and end in near and start < end:
        return start, end
    return chunk.start, chunk.end


def _number(text: str) -> Any:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None
