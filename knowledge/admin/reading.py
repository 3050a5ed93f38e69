"""Reading a document: its pages as pictures, beside their text with the borders of its passages."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import F, Max, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from core.admin import actor_of
from core.isolation.scope import tenant_scope
from core.requests import opens_own_scopes
from engines.parsing import PageKind, ParseError
from knowledge.admin.text_blocks import text_blocks
from knowledge.models import Chunk, Document
from knowledge.services.pictures import draw_page, has_pictures
from knowledge.services.reading import record_document_reads

# Where a document has no pages, so many passages are one.
PASSAGES = 20
MAX_PASSAGES = 100


def read_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One page of it: that of the address, or that of the `passage` there."""
    actor = actor_of(request)
    document = _document(request, pk)
    record_document_reads(actor=actor, document_ids=[pk])
    passages = Chunk.objects.filter(document=pk, generation=F("document__generation"))
    last = last_page(document, passages)
    marked = passages.filter(pk=_id(request.GET.get("passage", ""))).first()
    number = _page_of(marked, last) if marked else _number(request.GET.get("page", ""))
    number = min(number, last or _parts(passages))
    context = {
        **admin.site.each_context(request),
        "title": document.filename,
        "document": document,
        "has_pictures": has_pictures(document) and bool(last),
        "kind": str(document.file_metadata_json.get("page_kind") or PageKind.PAGE) if last else "part",
        "number": number,
        "numbers": last or _parts(passages),
        "marked": marked,
        "passages": [_shown(chunk) for chunk in _of_page(passages, number, last)],
    }
    return TemplateResponse(request, "admin/knowledge/document/read.html", context)


@opens_own_scopes
def page_picture(request: HttpRequest, pk: UUID, page: int) -> HttpResponse:
    """For a picture on a page of ours. What cannot be drawn says why as text."""
    actor = actor_of(request)
    with tenant_scope(actor.tenant_id):
        document = _document(request, pk)
    try:
        return HttpResponse(draw_page(actor=actor, document=document, page=page), content_type="image/webp")
    except ParseError as error:
        return HttpResponse(error.detail, content_type="text/plain; charset=utf-8", status=422)


def last_page(document: Document, passages: QuerySet[Chunk]) -> int:
    """0 if the document has no pages. A page without text is one, too."""
    of_text = passages.aggregate(last=Max("last_page"))["last"] or 0
    of_file = document.file_metadata_json.get("page_count") if has_pictures(document) else 0
    return max(of_text, of_file if isinstance(of_file, int) else 0)


def _document(request: HttpRequest, pk: UUID) -> Document:
    documents: QuerySet[Document] = admin.site.get_model_admin(Document).get_queryset(request)
    document = documents.filter(pk=pk).select_related("reference").first()
    if document is None:
        raise Http404
    return document


def _of_page(passages: QuerySet[Chunk], number: int, last: int) -> QuerySet[Chunk]:
    rows = passages.order_by("position").prefetch_related("tag_links__tag")
    if last:
        rows = rows.filter(Q(page__lte=number) & Q(last_page__gte=number) | Q(page=number))
        return rows[:MAX_PASSAGES]
    return rows[PASSAGES * (number - 1) : PASSAGES * number]


def _parts(passages: QuerySet[Chunk]) -> int:
    positions = passages.aggregate(last=Max("position"))["last"] or 0
    return int(positions) // PASSAGES + 1


def _page_of(chunk: Chunk, last: int) -> int:
    return chunk.page or 1 if last else chunk.position // PASSAGES + 1


def _shown(chunk: Chunk) -> dict[str, Any]:
    return {
        "chunk": chunk,
        "number": chunk.position + 1,
        "heading": " › ".join(chunk.heading_path),
        "blocks": list(text_blocks(chunk.text, chunk.heading_path)),
        "tags": chunk.tag_links.all(),
    }


def _number(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 9 else 1


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
