"""As `recipes`, of the services of `knowledge`."""

from __future__ import annotations

from django.core.files.base import ContentFile

from assistants.models import Assistant
from knowledge.models import (
    Document,
    DocumentTag,
    FileBatch,
    KnowledgeBase,
    KnowledgeBaseReference,
    Reference,
    StoredFile,
    Tag,
    TagLink,
    TagSource,
)
from knowledge.services import adding, changing, originals, references, stored_files, tags
from knowledge.services.stored_files import Attachment
from knowledge.storage.values import Upload
from tests.proof.tampering.stage import Call, Stage


def create_reference(at: Stage) -> Call:
    return Call(
        make=lambda: references.create_reference(actor=at.actor, workspace_id=at.workspace.pk, name=at.name),
        is_done=at.has(Reference, name=at.name),
    )


def save_reference(at: Stage) -> Call:
    """Its documents are ingested anew, and that is an event, too."""
    at.document(status="done")
    reference = at.add(lambda: Reference.objects.get(pk=at.reference.pk))
    reference.chunk_tokens = 100 + int(at.key[:6], 16)
    return Call(
        make=lambda: references.save_reference(actor=at.actor, reference=reference),
        is_done=at.has(Reference, pk=reference.pk, chunk_tokens=reference.chunk_tokens),
        events=2,
    )


def get_or_create_reference(at: Stage) -> Call:
    """It makes two things here, each with its event."""
    return Call(
        make=lambda: references.get_or_create_reference(actor=at.actor, workspace=at.name, reference=at.name),
        is_done=at.has(Reference, name=at.name, workspace__name=at.name),
        events=2,
    )


def create_knowledge_base(at: Stage) -> Call:
    assistant = at.add(lambda: Assistant.objects.create(workspace=at.workspace, name=at.name))
    return Call(
        make=lambda: references.create_knowledge_base(
            actor=at.actor, assistant_id=assistant.pk, name=at.name
        ),
        is_done=at.has(KnowledgeBase, name=at.name),
    )


def set_references(at: Stage) -> Call:
    base = at.knowledge_base()
    return Call(
        make=lambda: references.set_references(
            actor=at.actor, knowledge_base=base, reference_ids=[at.reference.pk]
        ),
        is_done=at.has(KnowledgeBaseReference, knowledge_base=base),
    )


def delete_references(at: Stage) -> Call:
    doomed = at.add(lambda: Reference.objects.create(workspace=at.workspace, name=at.name))
    return Call(
        make=lambda: references.delete_references(actor=at.actor, references=[doomed]),
        is_done=at.lacks(Reference, pk=doomed.pk),
    )


def delete_knowledge_bases(at: Stage) -> Call:
    """The base and its private reference have a history each."""
    base = at.knowledge_base()
    return Call(
        make=lambda: references.delete_knowledge_bases(actor=at.actor, knowledge_bases=[base]),
        is_done=at.lacks(KnowledgeBase, pk=base.pk),
        events=2,
    )


def delete_tag(at: Stage) -> Call:
    tag = at.add(lambda: Tag.objects.create(reference=at.reference, tag=at.name))
    pk = tag.pk
    return Call(make=lambda: tags.delete_tag(actor=at.actor, tag=tag), is_done=at.lacks(Tag, pk=pk))


def add_documents(at: Stage) -> Call:
    """However many they are."""
    uploads = []
    for n in range(3):
        path = at.folder / f"{n}.txt"
        path.write_text(f"Text {n}")
        uploads.append(Upload(external_id=f"{at.name} {n}", filename=path.name, path=path))
    return Call(
        make=lambda: adding.add_documents(actor=at.actor, reference_id=at.reference.pk, uploads=uploads),
        is_done=at.has(Document, external_id=f"{at.name} 2"),
    )


def delete_documents(at: Stage) -> Call:
    document = at.document()
    return Call(
        make=lambda: changing.delete_documents(actor=at.actor, document_ids=[document.pk]),
        is_done=at.lacks(Document, pk=document.pk),
    )


def retry_documents(at: Stage) -> Call:
    document = at.document(status="error", error="It is missing.")
    return Call(
        make=lambda: changing.retry_documents(actor=at.actor, document_ids=[document.pk]),
        is_done=at.has(Document, pk=document.pk, processed_status="pending"),
    )


def reindex_documents(at: Stage) -> Call:
    document = at.document(status="done")
    return Call(
        make=lambda: changing.reindex_documents(actor=at.actor, document_ids=[document.pk]),
        is_done=at.has(Document, pk=document.pk, processed_status="pending"),
    )


def set_document_tags(at: Stage) -> Call:
    """A part of other services, which record what they do."""
    document = at.document()

    def call() -> None:
        with at.scope():
            tags.set_document_tags([document], [at.name], TagSource.MANUAL, at.actor)

    return Call(make=call, is_done=at.has(DocumentTag, document=document.pk), events=0)


def tag_documents(at: Stage) -> Call:
    document = at.document()
    return Call(
        make=lambda: tags.tag_documents(actor=at.actor, document_ids=[document.pk], tags=[at.name]),
        is_done=at.has(DocumentTag, document=document.pk),
    )


def untag_documents(at: Stage) -> Call:
    document = at.tagged(at.document())
    return Call(
        make=lambda: tags.untag_documents(actor=at.actor, document_ids=[document.pk], tags=[at.name]),
        is_done=at.lacks(DocumentTag, document=document.pk),
    )


def tag_chunks(at: Stage) -> Call:
    chunk = at.chunk()
    return Call(
        make=lambda: tags.tag_chunks(actor=at.actor, chunk_ids=[chunk.pk], tags=[at.name]),
        is_done=at.has(TagLink, chunk=chunk.pk),
    )


def untag_chunks(at: Stage) -> Call:
    chunk = at.chunk_tagged()
    return Call(
        make=lambda: tags.untag_chunks(actor=at.actor, chunk_ids=[chunk.pk], tags=[at.name]),
        is_done=at.lacks(TagLink, chunk=chunk.pk),
    )


def set_metadata(at: Stage) -> Call:
    document = at.document()
    return Call(
        make=lambda: changing.set_metadata(
            actor=at.actor, document_id=document.pk, metadata={"name": at.name}
        ),
        is_done=at.has(Document, pk=document.pk, metadata_json__name=at.name),
    )


def open_original(at: Stage) -> Call:
    stored = at.stored_file()
    return Call(make=lambda: originals.open_original(actor=at.actor, owner=stored).close())


def store_file(at: Stage) -> Call:
    content = ContentFile(b"Text", name=at.name)
    return Call(
        make=lambda: stored_files.store_file(actor=at.actor, file=content, purpose="assistants"),
        is_done=at.has(StoredFile, filename=at.name),
    )


def delete_file(at: Stage) -> Call:
    stored = at.stored_file()
    return Call(
        make=lambda: stored_files.delete_file(actor=at.actor, stored=stored),
        is_done=at.lacks(StoredFile, filename=at.name),
    )


def attach_files(at: Stage) -> Call:
    """The documents that it makes are told of."""
    stored = at.stored_file()
    return Call(
        make=lambda: stored_files.attach_files(
            actor=at.actor, reference_id=at.reference.pk, attachments=[Attachment(file=stored)]
        ),
        is_done=at.has(Document, external_id=stored.external_id),
    )


def create_batch(at: Stage) -> Call:
    stored = at.stored_file()
    return Call(
        make=lambda: stored_files.create_batch(
            actor=at.actor, reference_id=at.reference.pk, attachments=[Attachment(file=stored)]
        ),
        is_done=at.has(FileBatch, file_ids=[stored.external_id]),
    )


def cancel_batch(at: Stage) -> Call:
    batch = at.add(lambda: FileBatch.objects.create(reference=at.reference, file_ids=[]))
    return Call(
        make=lambda: stored_files.cancel_batch(actor=at.actor, batch=batch),
        is_done=at.lacks(FileBatch, pk=batch.pk, cancelled_at=None),
    )
