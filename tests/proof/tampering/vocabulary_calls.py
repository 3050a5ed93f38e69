"""One call of every service of `knowledge` for the trash, tags and many documents, as in `calls`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from django.utils import timezone

from engines.parsing import ParseError
from knowledge.models import BulkChange, BulkKind, Document, Reference, Tag, TagLink, TagRule
from knowledge.services import applied_rules, bulk_changes, pictures, trash, vocabulary
from tests.proof.tampering.call_context import Call, CallContext


def _trashed(context: CallContext) -> Document:
    document = context.document(status="done")
    until = timezone.now() + timedelta(days=1)
    facts = {"deleted_at": timezone.now(), "trashed_until": until}
    context.add(lambda: Document.objects.filter(pk=document.pk).update(**facts))
    return document


def restore_documents(context: CallContext) -> Call:
    document = _trashed(context)
    return Call(
        make=lambda: trash.restore_documents(actor=context.actor, document_ids=[document.pk]),
        is_done=context.has(Document, pk=document.pk),
    )


def delete_for_good(context: CallContext) -> Call:
    document = _trashed(context)

    def is_done() -> bool:
        with context.scope():
            found = Document.with_deleted.filter(pk=document.pk, trashed_until__lte=timezone.now())
            return bool(found.exists())

    return Call(
        make=lambda: trash.delete_for_good(actor=context.actor, document_ids=[document.pk]), is_done=is_done
    )


def restore_reference(context: CallContext) -> Call:
    """Its documents are restored, which is recorded, too."""
    reference = context.add(lambda: Reference.objects.create(workspace=context.workspace, name=context.name))
    _trashed(replace(context, reference=reference))
    context.add(lambda: Reference.objects.filter(pk=reference.pk).soft_delete())
    return Call(
        make=lambda: trash.restore_reference(actor=context.actor, reference_id=reference.pk),
        is_done=context.has(Reference, pk=reference.pk),
        events=2,
    )


def queue_bulk_change(context: CallContext) -> Call:
    document = context.document(status="done")
    return Call(
        make=lambda: bulk_changes.queue_bulk_change(
            actor=context.actor, kind=BulkKind.TAG, document_ids=[document.pk], tags=[context.name]
        ),
        is_done=context.has(BulkChange, arguments_json={"tags": [context.name]}),
    )


def _ruled(context: CallContext) -> Tag:
    def add() -> Tag:
        tag: Tag = Tag.objects.create(reference=context.reference, tag=context.name)
        TagRule.objects.create(tag=tag, pattern="Text")
        return tag

    tag: Tag = context.add(add)
    return tag


def apply_rules(context: CallContext) -> Call:
    tag, chunk = _ruled(context), context.chunk()
    return Call(
        make=lambda: applied_rules.apply_rules(actor=context.actor, document_ids=[chunk.document_id]),
        is_done=context.has(TagLink, tag=tag, chunk=chunk),
    )


def try_rule(context: CallContext) -> Call:
    reference = context.add(lambda: Reference.objects.create(workspace=context.workspace, name=context.name))
    replace(context, reference=reference).chunk()
    return Call(
        make=lambda: applied_rules.try_rule(
            actor=context.actor, reference_id=reference.pk, kind="keyword", pattern="Text"
        )
    )


def rename_tag(context: CallContext) -> Call:
    tag, name = _ruled(context), f"new {context.key}"
    return Call(
        make=lambda: vocabulary.rename_tag(actor=context.actor, tag=tag, name=name),
        is_done=context.has(Tag, pk=tag.pk, tag=name),
    )


def merge_tags(context: CallContext) -> Call:
    """The other tag is deleted, which is recorded, too."""
    tag, into = _ruled(context), _ruled(replace(context, key=f"{context.key} into"))
    return Call(
        make=lambda: vocabulary.merge_tags(actor=context.actor, tags=[tag], into=into),
        is_done=context.lacks(Tag, pk=tag.pk),
        events=2,
    )


def draw_page(context: CallContext) -> Call:
    """It is recorded that the page is read, also where the file turns out to be no picture."""
    document = context.document(status="done")
    document.mime_type, document.file_path = "image/png", context.stored_file().file_path

    def call() -> None:
        with suppress(ParseError):
            pictures.draw_page(actor=context.actor, document=document, page=1)

    return Call(make=call)
