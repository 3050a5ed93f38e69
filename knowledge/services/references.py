"""References and knowledge bases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from assistants.models import Assistant
from audit.services import record, save_audited, soft_delete_audited
from core.actors import Actor
from core.errors import ConflictError, InvalidError, NotFoundError
from core.isolation.scope import tenant_scope
from core.limits import check_limit
from core.permissions import Role
from jobs.states import JobState
from knowledge.engine_config import embedder_configs, model_for
from knowledge.errors import PrivateReferenceError, ReferenceNotFoundError
from knowledge.model_choice import model_for_passages
from knowledge.models import Document, KnowledgeBase, KnowledgeBaseReference, Reembedding, Reference
from knowledge.pipeline.ports import collection_name
from knowledge.services.changing import delete_documents, reindex_documents
from knowledge.services.reembedding import start_reembedding
from workspaces.models import Workspace
from workspaces.services import get_or_create_workspace

# A change of these fields re-indexes the reference's documents.
INGESTION_FIELDS = ("chunk_tokens", "chunk_overlap")


class ReferenceExistsError(ConflictError):
    """The workspace has a reference of this name already."""


class AmbiguousReferenceError(ConflictError):
    """Several workspaces have a reference of this name."""


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
    """Save a new or changed reference. When the size of its chunks changed, re-index its documents, and return their
    number. A new embedding model takes its place later: see `start_reembedding`. Raises InvalidError for a model that is
    not configured, ReembeddingUnderWayError."""
    models = ("", Reference.AUTO, *embedder_configs())
    if reference.embedding_model not in models:
        known = ", ".join(filter(None, models))
        raise InvalidError(
            f"The embedding model '{reference.embedding_model}' is not configured. Choose one of: {known}."
        )
    with tenant_scope(actor.tenant_id):
        before = Reference.objects.filter(pk=reference.pk).first()
        if before:
            reference.embedding_model = _changed_model(actor, before, reference)
        save_audited(actor=actor, instance=reference)
        if before is None or all(
            getattr(before, name) == getattr(reference, name) for name in INGESTION_FIELDS
        ):
            return 0
        ids = document_ids_of([reference])
        return reindex_documents(actor=actor, document_ids=ids) if ids else 0


def _changed_model(actor: Actor, before: Reference, reference: Reference) -> str:
    """Return the value for `embedding_model` until the passages have vectors of the new one. `auto` is what the passages
    choose, so that it changes nothing when it is saved again after they have chosen."""
    wanted, own = model_for(reference), reference.embedding_model
    if own == Reference.AUTO and (chosen := model_for_passages(reference.pk)) != wanted:
        wanted = own = chosen
    if wanted != model_for(before) and start_reembedding(actor=actor, reference=before, model=wanted):
        return before.embedding_model
    return own


def get_or_create_reference(*, actor: Actor, workspace: str, reference: str) -> Reference:
    """By the names of the workspace and the reference."""
    with tenant_scope(actor.tenant_id):
        parent = get_or_create_workspace(actor=actor, name=workspace)
        rows = Reference.objects.filter(workspace=parent, name=reference)
        if existing := rows.first():
            return cast(Reference, existing)
        try:
            return create_reference(actor=actor, workspace_id=parent.pk, name=reference)
        except ReferenceExistsError:  # created concurrently
            return cast(Reference, rows.get())


def find_reference_ids(tenant_id: UUID, name_or_id: str) -> list[UUID]:
    """The references of that name or id (a name may occur in several workspaces). Raises ReferenceNotFoundError."""
    with tenant_scope(tenant_id):
        names = dict(Reference.objects.values_list("pk", "name"))
    ids = [pk for pk, name in names.items() if name_or_id in (str(pk), name)]
    if not ids:
        raise ReferenceNotFoundError(f"There is no reference '{name_or_id}'.")
    return ids


def one_reference(tenant_id: UUID, name_or_id: str) -> Reference:
    """Raises ReferenceNotFoundError, and AmbiguousReferenceError for a name that several workspaces use."""
    ids = find_reference_ids(tenant_id, name_or_id)
    if len(ids) > 1:
        raise AmbiguousReferenceError(f"Several workspaces have a reference '{name_or_id}'. Give its id.")
    with tenant_scope(tenant_id):
        return cast(Reference, Reference.objects.get(pk=ids[0]))


def create_knowledge_base(*, actor: Actor, assistant_id: UUID, name: str) -> KnowledgeBase:
    """Create it with the private reference for documents of its own. Raises NotFoundError, and ValidationError when a
    name is taken."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        assistant = Assistant.objects.filter(pk=assistant_id).first()
        if assistant is None:
            raise NotFoundError("There is no such assistant.")
        base = KnowledgeBase(assistant=assistant, name=name)
        private = Reference(
            workspace_id=assistant.workspace_id, knowledge_base=base, name=f"{assistant.name}: {name}"[:255]
        )
        base.vector_db_id = collection_name(model_for(private))
        for instance in (base, private):
            instance.full_clean()
            instance.save()
        record(
            actor=actor,
            action="knowledge_base.created",
            target=base,
            workspace_id=assistant.workspace_id,
            new={"name": name},
        )
    return base


def readable_references(knowledge_base_id: UUID) -> list[UUID]:
    """Inside a scope: the ids of the references that the knowledge base reads, its private one included."""
    return _references_of(KnowledgeBase.objects.filter(pk=knowledge_base_id))


def references_of_assistant(assistant_id: UUID) -> list[UUID]:
    """Inside a scope: the ids of the references that the assistant's knowledge bases read."""
    return _references_of(KnowledgeBase.objects.filter(assistant=assistant_id))


def _references_of(bases: QuerySet[KnowledgeBase]) -> list[UUID]:
    linked = KnowledgeBaseReference.objects.filter(knowledge_base__in=bases)
    private = Reference.objects.filter(knowledge_base__in=bases)
    return list(linked.values_list("reference_id", flat=True).union(private.values_list("pk", flat=True)))


def attachable_references(knowledge_base: KnowledgeBase) -> QuerySet[Reference]:
    """Inside a scope: the references of its workspace that are private to no knowledge base, and those that it reads."""
    in_workspace = Q(workspace=knowledge_base.assistant.workspace_id, knowledge_base=None)
    rows: QuerySet[Reference] = Reference.objects.filter(
        in_workspace | Q(knowledge_base_links__knowledge_base=knowledge_base)
    )
    return rows.distinct().order_by("name")


def set_references(*, actor: Actor, knowledge_base: KnowledgeBase, reference_ids: Sequence[UUID]) -> None:
    """Make the knowledge base read exactly these, and its private reference. Raises ReferenceNotFoundError, also for one
    that is not among the `attachable_references`."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        rows = attachable_references(knowledge_base).filter(pk__in=reference_ids)
        wanted = set(rows.values_list("pk", flat=True))
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
        check_limit(KnowledgeBaseReference, {knowledge_base.pk})
        record(
            actor=actor,
            action="knowledge_base.references_changed",
            target=knowledge_base,
            old={"references": sorted(map(str, linked))},
            new={"references": sorted(map(str, wanted))},
        )


def delete_references(
    *,
    actor: Actor,
    references: Sequence[Reference],
    knowledge_bases: Sequence[KnowledgeBase] = (),
    to_trash: bool = False,
) -> None:
    """With all their documents, which are in the trash then if they go `to_trash`; `knowledge_bases` are those that go
    with them. Raises PrivateReferenceError for the private reference of another one."""
    if {reference.knowledge_base_id for reference in references} - {
        None,
        *(base.pk for base in knowledge_bases),
    }:
        raise PrivateReferenceError
    with tenant_scope(actor.tenant_id):
        changes = Reembedding.objects.unfinished().filter(reference__in=references)
        changes.locked().finish(JobState.CANCELLED)
        if ids := document_ids_of(references):
            delete_documents(actor=actor, document_ids=ids, to_trash=to_trash)
        soft_delete_audited(actor=actor, instances=[*references, *knowledge_bases])


def delete_knowledge_bases(*, actor: Actor, knowledge_bases: Sequence[KnowledgeBase]) -> None:
    """With their private references and the documents of those."""
    with tenant_scope(actor.tenant_id):
        private = list(Reference.objects.filter(knowledge_base__in=knowledge_bases))
        delete_references(actor=actor, references=private, knowledge_bases=knowledge_bases)


def document_ids_of(references: Iterable[Reference]) -> list[UUID]:
    ids = [reference.pk for reference in references]
    return list(Document.objects.filter(reference__in=ids).values_list("pk", flat=True))
