"""One call of every service of `knowledge`, as in `calls`."""

from __future__ import annotations

from dataclasses import replace

from assistants.models import Assistant
from knowledge.models import (
    Document,
    DocumentTag,
    IngestionJob,
    KnowledgeBase,
    KnowledgeBaseReference,
    Reembedding,
    ReembeddingStage,
    Reference,
    Tag,
    TagLink,
    TagRule,
    TagSource,
)
from knowledge.services import (
    adding,
    changing,
    editing,
    originals,
    reading,
    reembedding,
    references,
    rules,
    tags,
)
from knowledge.services.editing import DocumentChanges
from knowledge.storage.values import Upload
from tests.proof.tampering.call_context import Call, CallContext


def create_reference(context: CallContext) -> Call:
    return Call(
        make=lambda: references.create_reference(
            actor=context.actor, workspace_id=context.workspace.pk, name=context.name
        ),
        is_done=context.has(Reference, name=context.name),
    )


def switch_off_rules(context: CallContext) -> Call:
    def add_rule() -> TagRule:
        tag = Tag.objects.create(reference=context.reference, tag=context.name, source=TagSource.MANUAL)
        rule: TagRule = TagRule.objects.create(tag=tag, pattern=context.key)
        return rule

    rule = context.add(add_rule)
    return Call(
        make=lambda: rules.switch_off_rules(actor=context.actor, reasons=[{rule.pk: "It is too slow."}]),
        is_done=context.lacks(TagRule, pk=rule.pk, switched_off=""),
    )


def save_reference(context: CallContext) -> Call:
    """Its documents are ingested again, which is recorded, too."""
    context.document(status="done")
    reference = context.add(lambda: Reference.objects.get(pk=context.reference.pk))
    reference.chunk_tokens = 100 + int(context.key[:6], 16)
    return Call(
        make=lambda: references.save_reference(actor=context.actor, reference=reference),
        is_done=context.has(Reference, pk=reference.pk, chunk_tokens=reference.chunk_tokens),
        events=2,
    )


def start_reembedding(context: CallContext) -> Call:
    reference = context.add(lambda: Reference.objects.create(workspace=context.workspace, name=context.name))
    replace(context, reference=reference).chunk()

    def call() -> None:
        with context.scope():
            reembedding.start_reembedding(actor=context.actor, reference=reference, model="new")

    return Call(make=call, is_done=context.has(Reembedding, reference=reference))


def roll_back_reembedding(context: CallContext) -> Call:
    row = _reembedding(context, ReembeddingStage.EMBED)
    return Call(
        make=lambda: reembedding.roll_back_reembedding(actor=context.actor, reference=row.reference),
        is_done=context.has(Reembedding, pk=row.pk, stage=ReembeddingStage.REMOVE),
    )


def accept_reembedding(context: CallContext) -> Call:
    row = _reembedding(context, ReembeddingStage.REFUSED)
    return Call(
        make=lambda: reembedding.accept_reembedding(actor=context.actor, reference=row.reference),
        is_done=context.has(Reembedding, pk=row.pk, is_accepted=True),
    )


def finish_reembedding(context: CallContext) -> Call:
    row = _reembedding(context, ReembeddingStage.KEEP)
    return Call(
        make=lambda: reembedding.finish_reembedding(actor=context.actor, reference=row.reference),
        is_done=context.has(Reembedding, pk=row.pk, stage=ReembeddingStage.REMOVE),
    )


def _reembedding(context: CallContext, stage: ReembeddingStage) -> Reembedding:
    """Of a reference of its own."""

    def add() -> Reembedding:
        reference = Reference.objects.create(workspace=context.workspace, name=context.name)
        row: Reembedding = Reembedding.objects.create(
            reference=reference, from_model="old", to_model="new", stage=stage
        )
        return row

    made: Reembedding = context.add(add)
    return made


def get_or_create_reference(context: CallContext) -> Call:
    """It creates a workspace and a reference, each with its event."""
    return Call(
        make=lambda: references.get_or_create_reference(
            actor=context.actor, workspace=context.name, reference=context.name
        ),
        is_done=context.has(Reference, name=context.name, workspace__name=context.name),
        events=2,
    )


def create_knowledge_base(context: CallContext) -> Call:
    assistant = context.add(lambda: Assistant.objects.create(workspace=context.workspace, name=context.name))
    return Call(
        make=lambda: references.create_knowledge_base(
            actor=context.actor, assistant_id=assistant.pk, name=context.name
        ),
        is_done=context.has(KnowledgeBase, name=context.name),
    )


def set_references(context: CallContext) -> Call:
    base = context.knowledge_base()
    return Call(
        make=lambda: references.set_references(
            actor=context.actor, knowledge_base=base, reference_ids=[context.reference.pk]
        ),
        is_done=context.has(KnowledgeBaseReference, knowledge_base=base),
    )


def delete_references(context: CallContext) -> Call:
    reference = context.add(lambda: Reference.objects.create(workspace=context.workspace, name=context.name))
    return Call(
        make=lambda: references.delete_references(actor=context.actor, references=[reference]),
        is_done=context.lacks(Reference, pk=reference.pk),
    )


def delete_knowledge_bases(context: CallContext) -> Call:
    """The knowledge base and its private reference each have an event."""
    base = context.knowledge_base()
    return Call(
        make=lambda: references.delete_knowledge_bases(actor=context.actor, knowledge_bases=[base]),
        is_done=context.lacks(KnowledgeBase, pk=base.pk),
        events=2,
    )


def delete_tag(context: CallContext) -> Call:
    tag = context.add(lambda: Tag.objects.create(reference=context.reference, tag=context.name))
    pk = tag.pk
    return Call(make=lambda: tags.delete_tag(actor=context.actor, tag=tag), is_done=context.lacks(Tag, pk=pk))


def add_documents(context: CallContext) -> Call:
    """One event for all documents."""
    uploads = []
    for n in range(3):
        path = context.folder / f"{n}.txt"
        path.write_text(f"Text {n}")
        uploads.append(Upload(external_id=f"{context.name} {n}", filename=path.name, path=path))
    return Call(
        make=lambda: adding.add_documents(
            actor=context.actor, reference_id=context.reference.pk, uploads=uploads
        ),
        is_done=context.has(Document, external_id=f"{context.name} 2"),
    )


def delete_documents(context: CallContext) -> Call:
    document = context.document()
    return Call(
        make=lambda: changing.delete_documents(actor=context.actor, document_ids=[document.pk]),
        is_done=context.lacks(Document, pk=document.pk),
    )


def retry_documents(context: CallContext) -> Call:
    document = context.document(status="error", error="It is missing.")
    return Call(
        make=lambda: changing.retry_documents(actor=context.actor, document_ids=[document.pk]),
        is_done=context.has(Document, pk=document.pk, processed_status="pending"),
    )


def reread_documents(context: CallContext) -> Call:
    document = context.document(status="done")
    context.add(lambda: Document.objects.filter(pk=document.pk).update(versions={"reader": "an older one"}))
    return Call(
        make=lambda: changing.reread_documents(actor=context.actor, mime_types=["text/plain"]),
        is_done=context.has(IngestionJob, document=document, in_background=True),
    )


def reindex_documents(context: CallContext) -> Call:
    document = context.document(status="done")
    return Call(
        make=lambda: changing.reindex_documents(actor=context.actor, document_ids=[document.pk]),
        is_done=context.has(Document, pk=document.pk, processed_status="pending"),
    )


def set_document_tags(context: CallContext) -> Call:
    """It is called by other services, which record events."""
    document = context.document()

    def call() -> None:
        with context.scope():
            tags.set_document_tags([document], [context.name], TagSource.MANUAL, context.actor)

    return Call(make=call, is_done=context.has(DocumentTag, document=document.pk), events=0)


def tag_documents(context: CallContext) -> Call:
    document = context.document()
    return Call(
        make=lambda: tags.tag_documents(actor=context.actor, document_ids=[document.pk], tags=[context.name]),
        is_done=context.has(DocumentTag, document=document.pk),
    )


def untag_documents(context: CallContext) -> Call:
    document = context.tagged(context.document())
    return Call(
        make=lambda: tags.untag_documents(
            actor=context.actor, document_ids=[document.pk], tags=[context.name]
        ),
        is_done=context.lacks(DocumentTag, document=document.pk),
    )


def tag_chunks(context: CallContext) -> Call:
    chunk = context.chunk()
    return Call(
        make=lambda: tags.tag_chunks(actor=context.actor, chunk_ids=[chunk.pk], tags=[context.name]),
        is_done=context.has(TagLink, chunk=chunk.pk),
    )


def untag_chunks(context: CallContext) -> Call:
    chunk = context.chunk_tagged()
    return Call(
        make=lambda: tags.untag_chunks(actor=context.actor, chunk_ids=[chunk.pk], tags=[context.name]),
        is_done=context.lacks(TagLink, chunk=chunk.pk),
    )


def change_document(context: CallContext) -> Call:
    document = context.document()
    return Call(
        make=lambda: editing.change_document(
            actor=context.actor,
            document_id=document.pk,
            changes=DocumentChanges(metadata={"name": context.name}),
        ),
        is_done=context.has(Document, pk=document.pk, metadata_json__name=context.name),
    )


def open_original(context: CallContext) -> Call:
    stored = context.stored_file()
    return Call(make=lambda: originals.open_original(actor=context.actor, owner=stored, headers={}).close())


def record_document_reads(context: CallContext) -> Call:
    document = context.document()

    def call() -> None:
        with context.scope():
            reading.record_document_reads(actor=context.actor, document_ids=[document.pk])

    return Call(make=call)
