"""References and knowledge bases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast
from uuid import UUID

from django.db import IntegrityError, transaction

from assistants.models import Assistant
from audit.services import record, save_audited, soft_delete_audited
from core.actors import Actor
from core.errors import ConflictError, InvalidError, NotFoundError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from knowledge.engine_config import embedder_configs
from knowledge.errors import ReferenceNotFoundError
from knowledge.models import Document, KnowledgeBase, KnowledgeBaseReference, Reference
from knowledge.services.documents import delete_documents, reindex_documents
from workspaces.models import Workspace
from workspaces.services import get_or_create_workspace

# What a reference's documents are made with: a change of these makes them anew.
MADE_WITH = ("embedding_model", "chunk_tokens", "chunk_overlap")


class ReferenceExistsError(ConflictError):
    """The workspace has a reference of this name already."""


def create_reference(*, actor: Actor, workspace_id: UUID, name: str, description: str = "") -> Reference:
    """Raises NotFoundError for an unknown workspace, ReferenceExistsError."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        workspace = Workspace.objects.filter(pk=workspace_id).first()
        if workspace is None:
            raise NotFoundError("There is no such workspace.")
        try:
            with transaction.atomic():
                reference: Reference = Reference.objects.create(
                    workspace=workspace, name=name, description=description
                )
        except IntegrityError as error:
            raise ReferenceExistsError(f"The workspace has a reference named '{name}' already.") from error
        record(
            actor=actor,
            action="reference.created",
            target=reference,
            workspace_id=workspace_id,
            new={"name": name},
        )
    return reference


def save_reference(*, actor: Actor, reference: Reference) -> int:
    """Save a new or changed reference; when its embedding model or the size of its passages changed, its documents are
    ingested anew, whose number is returned. They answer from their present passages until then. Raises InvalidError for an
    embedding model that is not configured."""
    known = embedder_configs()
    if reference.embedding_model and reference.embedding_model not in known:
        raise InvalidError(
            f"The embedding model '{reference.embedding_model}' is not configured. Choose one of: {', '.join(known)}."
        )
    with tenant_scope(actor.tenant_id):
        before = Reference.objects.filter(pk=reference.pk).first()
        save_audited(actor=actor, instance=reference)
        if before is None or all(getattr(before, name) == getattr(reference, name) for name in MADE_WITH):
            return 0
        ids = documents_of([reference])
        return reindex_documents(actor=actor, document_ids=ids) if ids else 0


def get_or_create_reference(*, actor: Actor, workspace: str, reference: str) -> Reference:
    """By names; both are made when missing."""
    with tenant_scope(actor.tenant_id):
        place = get_or_create_workspace(actor=actor, name=workspace)
        if found := Reference.objects.filter(workspace=place, name=reference).first():
            return cast(Reference, found)
        try:
            return create_reference(actor=actor, workspace_id=place.pk, name=reference)
        except ReferenceExistsError:  # somebody was quicker
            return cast(Reference, Reference.objects.get(workspace=place, name=reference))


def find_references(tenant_id: UUID, name_or_id: str) -> list[UUID]:
    """The references of that name or id (a name may occur in several workspaces). Raises ReferenceNotFoundError."""
    with tenant_scope(tenant_id):
        named = {str(pk): name for pk, name in Reference.objects.values_list("pk", "name")}
    found = [UUID(pk) for pk, name in named.items() if name_or_id in (pk, name)]
    if not found:
        raise ReferenceNotFoundError(f"There is no reference '{name_or_id}'.")
    return found


def create_knowledge_base(*, actor: Actor, assistant_id: UUID, name: str) -> KnowledgeBase:
    """With the private reference that documents are uploaded to directly. Raises NotFoundError, and
    ValidationError when a name is taken."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        assistant = Assistant.objects.filter(pk=assistant_id).first()
        if assistant is None:
            raise NotFoundError("There is no such assistant.")
        base = KnowledgeBase(assistant=assistant, name=name)
        own_name = f"{assistant.name}: {name}"[:255]
        own = Reference(workspace_id=assistant.workspace_id, knowledge_base=base, name=own_name)
        for one in (base, own):
            one.full_clean()
            one.save()
        record(
            actor=actor,
            action="knowledge_base.created",
            target=base,
            workspace_id=assistant.workspace_id,
            new={"name": name},
        )
    return base


def readable_references(knowledge_base_id: UUID) -> list[UUID]:
    """Inside a scope: what the knowledge base reads, its private reference included."""
    linked = KnowledgeBaseReference.objects.filter(knowledge_base_id=knowledge_base_id)
    own = Reference.objects.filter(knowledge_base_id=knowledge_base_id)
    return list(linked.values_list("reference_id", flat=True).union(own.values_list("pk", flat=True)))


def read_references(*, actor: Actor, knowledge_base: KnowledgeBase, reference_ids: Sequence[UUID]) -> None:
    """From now on the knowledge base reads exactly these, and its private reference. Raises NotFoundError."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        wanted = set(Reference.objects.filter(pk__in=reference_ids).values_list("pk", flat=True))
        if wanted != set(reference_ids):
            raise ReferenceNotFoundError
        links = KnowledgeBaseReference.objects.filter(knowledge_base=knowledge_base)
        linked = set(links.values_list("reference_id", flat=True))
        if wanted == linked:
            return
        links.exclude(reference__in=wanted).delete()
        KnowledgeBaseReference.objects.bulk_create(
            KnowledgeBaseReference(knowledge_base=knowledge_base, reference_id=pk)
            for pk in sorted(wanted - linked)
        )
        record(
            actor=actor,
            action="knowledge_base.references_changed",
            target=knowledge_base,
            old={"references": sorted(map(str, linked))},
            new={"references": sorted(map(str, wanted))},
        )


def delete_references(
    *, actor: Actor, references: Sequence[Reference], knowledge_bases: Sequence[KnowledgeBase] = ()
) -> None:
    """With all their documents; `knowledge_bases` are those knowledge bases that they are private to."""
    with tenant_scope(actor.tenant_id):
        if ids := documents_of(references):
            delete_documents(actor=actor, document_ids=ids)
        soft_delete_audited(actor=actor, instances=[*references, *knowledge_bases])


def delete_knowledge_bases(*, actor: Actor, knowledge_bases: Sequence[KnowledgeBase]) -> None:
    """With the documents that were uploaded to them directly."""
    with tenant_scope(actor.tenant_id):
        own = list(Reference.objects.filter(knowledge_base__in=knowledge_bases))
        delete_references(actor=actor, references=own, knowledge_bases=knowledge_bases)


def documents_of(references: Iterable[Reference]) -> list[UUID]:
    ids = [reference.pk for reference in references]
    return list(Document.objects.filter(reference__in=ids).values_list("pk", flat=True))
