"""One call of every service: what it needs, the call, and how one sees that its change is there.

A recipe has its service's name. One call leaves one event, except where `events` says otherwise.
"""

from __future__ import annotations

import json
from datetime import date

from django.conf import settings
from django.contrib.auth import authenticate
from django.core.files.base import ContentFile
from django.test import override_settings

from assistants.models import Assistant
from audit import services as audit
from core.isolation.tenant_directory import all_tenants
from core.permissions import Role
from core.usage import Period
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
from knowledge.services import documents, libraries, stored_files, tags
from knowledge.services.stored_files import Attachment
from knowledge.storage.values import Upload
from oyl import services
from tenants import services as tenants
from tenants.models import ApiKey, Membership, Tenant, User
from tests.proof.tampering.stage import Call, Stage
from workspaces import services as workspaces
from workspaces.models import IntegrationConfig, Workspace

PERIOD = Period(date(2026, 1, 1), date(2026, 12, 31))
NEW_KEY = "new:" + "bmV3" * 10 + "bmU="


def record(at: Stage) -> Call:
    def call() -> None:
        with at.scope():
            audit.record(actor=at.actor, action="harness.told")

    return Call(make=call)


def record_each(at: Stage) -> Call:
    def call() -> None:
        with at.scope():
            audit.record_each(actor=at.actor, action="harness.told", events=[(at.workspace, None, {})] * 3)

    return Call(make=call, events=3)


def save_audited(at: Stage) -> Call:
    at.workspace.name = at.name
    return Call(
        make=lambda: audit.save_audited(actor=at.actor, instance=at.workspace),
        is_done=at.has(Workspace, name=at.name),
    )


def soft_delete_audited(at: Stage) -> Call:
    """Of several objects each has an event of its own, because each has a history of its own."""
    with at.scope():
        doomed = [Workspace.objects.create(name=f"{at.name} {n}") for n in range(3)]
    return Call(
        make=lambda: audit.soft_delete_audited(actor=at.actor, instances=doomed),
        is_done=at.lacks(Workspace, name__startswith=at.name),
        events=3,
    )


def create_tenant(at: Stage) -> Call:
    return Call(
        make=lambda: tenants.create_tenant(name=at.name, admin_email=f"{at.key}@example.org"),
        is_done=lambda: at.name in all_tenants().values(),
    )


def invite_member(at: Stage) -> Call:
    email = f"{at.key}@example.org"
    return Call(
        make=lambda: tenants.invite_member(actor=at.actor, email=email, role=Role.EDITOR),
        is_done=at.has(Membership, user__email=email),
    )


def set_role(at: Stage) -> Call:
    member = at.member()
    return Call(
        make=lambda: tenants.set_role(actor=at.actor, membership=member, role=Role.ADMIN),
        is_done=at.has(Membership, pk=member.pk, role=Role.ADMIN),
    )


def remove_member(at: Stage) -> Call:
    member = at.member()
    pk = member.pk
    return Call(
        make=lambda: tenants.remove_member(actor=at.actor, membership=member),
        is_done=at.lacks(Membership, pk=pk),
    )


def create_api_key(at: Stage) -> Call:
    return Call(
        make=lambda: tenants.create_api_key(actor=at.actor, name=at.name, scopes=["knowledge:read"]),
        is_done=at.has(ApiKey, name=at.name),
    )


def revoke_api_key(at: Stage) -> Call:
    facts = {"user_id": at.actor.user_id, "name": at.name, "prefix": "oyl_", "key_hash": at.key}
    key = at.add(lambda: ApiKey.objects.create(**facts))
    return Call(
        make=lambda: tenants.revoke_api_key(actor=at.actor, api_key=key),
        is_done=at.has(ApiKey, pk=key.pk, revoked_at__isnull=False),
    )


def update_tenant(at: Stage) -> Call:
    mine = at.add(Tenant.objects.get)
    mine.name = at.name
    return Call(
        make=lambda: tenants.update_tenant(actor=at.actor, tenant=mine), is_done=at.has(Tenant, name=at.name)
    )


def save_user(at: Stage) -> Call:
    email = f"{at.key}@example.org"
    return Call(
        make=lambda: tenants.save_user(actor=at.operator, user=User(email=email)),
        is_done=lambda: User.objects.filter(email=email).exists(),
    )


def reset_password(at: Stage) -> Call:
    user = User.objects.create_user(f"{at.key}@example.org", at.name)
    return Call(
        make=lambda: tenants.reset_password(actor=at.operator, user=User.objects.get(pk=user.pk)),
        is_done=lambda: authenticate(username=user.email, password=at.name) is None,
    )


def enter_as_operator(at: Stage) -> Call:
    return Call(make=lambda: tenants.enter_as_operator(actor=at.operator))


def rotate_keys(at: Stage) -> Call:
    """One event for each batch of a table; here is one secret."""
    facts = {"workspace": at.workspace, "name": at.name, "type_enum": "webhook", "config_encrypted_json": "s"}
    config = at.add(lambda: IntegrationConfig.objects.create(**facts))

    def call() -> None:
        with override_settings(OYL_ENCRYPTION_KEYS=f"{NEW_KEY},{settings.OYL_ENCRYPTION_KEYS}"):
            tenants.rotate_keys(actor=at.actor)

    def is_done() -> bool:
        secret = at.add(lambda: IntegrationConfig.objects.get(pk=config.pk)).config_encrypted_json
        return bool(json.loads(secret.envelope.text)["k"] == "new")

    return Call(make=call, is_done=is_done)


def create_workspace(at: Stage) -> Call:
    return Call(
        make=lambda: workspaces.create_workspace(actor=at.actor, name=at.name),
        is_done=at.has(Workspace, name=at.name),
    )


def get_or_create_workspace(at: Stage) -> Call:
    return Call(
        make=lambda: workspaces.get_or_create_workspace(actor=at.actor, name=at.name),
        is_done=at.has(Workspace, name=at.name),
    )


def create_reference(at: Stage) -> Call:
    return Call(
        make=lambda: libraries.create_reference(actor=at.actor, workspace_id=at.workspace.pk, name=at.name),
        is_done=at.has(Reference, name=at.name),
    )


def get_or_create_reference(at: Stage) -> Call:
    """It makes two things here, each with its event."""
    return Call(
        make=lambda: libraries.get_or_create_reference(actor=at.actor, workspace=at.name, reference=at.name),
        is_done=at.has(Reference, name=at.name, workspace__name=at.name),
        events=2,
    )


def create_knowledge_base(at: Stage) -> Call:
    assistant = at.add(lambda: Assistant.objects.create(workspace=at.workspace, name=at.name))
    return Call(
        make=lambda: libraries.create_knowledge_base(actor=at.actor, assistant_id=assistant.pk, name=at.name),
        is_done=at.has(KnowledgeBase, name=at.name),
    )


def read_references(at: Stage) -> Call:
    base = at.knowledge_base()
    return Call(
        make=lambda: libraries.read_references(
            actor=at.actor, knowledge_base=base, reference_ids=[at.reference.pk]
        ),
        is_done=at.has(KnowledgeBaseReference, knowledge_base=base),
    )


def delete_references(at: Stage) -> Call:
    doomed = at.add(lambda: Reference.objects.create(workspace=at.workspace, name=at.name))
    return Call(
        make=lambda: libraries.delete_references(actor=at.actor, references=[doomed]),
        is_done=at.lacks(Reference, pk=doomed.pk),
    )


def delete_knowledge_bases(at: Stage) -> Call:
    """The base and its private reference have a history each."""
    base = at.knowledge_base()
    return Call(
        make=lambda: libraries.delete_knowledge_bases(actor=at.actor, knowledge_bases=[base]),
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
        make=lambda: documents.add_documents(actor=at.actor, reference_id=at.reference.pk, uploads=uploads),
        is_done=at.has(Document, external_id=f"{at.name} 2"),
    )


def delete_documents(at: Stage) -> Call:
    document = at.document()
    return Call(
        make=lambda: documents.delete_documents(actor=at.actor, document_ids=[document.pk]),
        is_done=at.lacks(Document, pk=document.pk),
    )


def retry_documents(at: Stage) -> Call:
    document = at.document(status="error", error="It is missing.")
    return Call(
        make=lambda: documents.retry_documents(actor=at.actor, document_ids=[document.pk]),
        is_done=at.has(Document, pk=document.pk, processed_status="pending"),
    )


def reindex_documents(at: Stage) -> Call:
    document = at.document(status="done")
    return Call(
        make=lambda: documents.reindex_documents(actor=at.actor, document_ids=[document.pk]),
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
        make=lambda: documents.set_metadata(
            actor=at.actor, document_id=document.pk, metadata={"name": at.name}
        ),
        is_done=at.has(Document, pk=document.pk, metadata_json__name=at.name),
    )


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


def usage_of_organisation(at: Stage) -> Call:
    return Call(make=lambda: services.usage_of_organisation(actor=at.actor, period=PERIOD), events=0)


def usage_of_workspaces(at: Stage) -> Call:
    return Call(
        make=lambda: services.usage_of_workspaces(
            actor=at.actor, workspace_ids=[at.workspace.pk], period=PERIOD
        ),
        events=0,
    )
