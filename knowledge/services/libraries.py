"""References and knowledge bases."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.db import IntegrityError, transaction

from assistants.models import Assistant
from audit.services import record
from knowledge.errors import ReferenceNotFoundError
from knowledge.models import KnowledgeBase, KnowledgeBaseReference, Reference
from tenants.actors import Actor
from tenants.errors import ConflictError, NotFoundError
from tenants.models import Role
from tenants.scope import tenant_scope
from workspaces.models import Workspace
from workspaces.services import get_or_create_workspace


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
    """With the private reference that documents are uploaded to directly. Raises NotFoundError."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        assistant = Assistant.objects.filter(pk=assistant_id).first()
        if assistant is None:
            raise NotFoundError("There is no such assistant.")
        base: KnowledgeBase = KnowledgeBase.objects.create(assistant=assistant, name=name)
        Reference.objects.create(
            workspace_id=assistant.workspace_id, knowledge_base=base, name=f"{assistant.name}: {name}"
        )
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
    return [*linked.values_list("reference_id", flat=True), *own.values_list("pk", flat=True)]
